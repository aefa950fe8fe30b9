"""Compares the processed zone with the database, and logs each difference."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import bson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from bson.codec_options import CodecOptions
from pymongo import ASCENDING, DESCENDING

from forecast.core.digests import HASH_LENGTH
from forecast.core.errors import RetryableError, SettingError
from forecast.core.format_version import FORMAT_KEY, FORMAT_VERSION
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import as_records, is_of_records
from forecast.mongo.bson_encoder import encode_records
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.dry_run import plan_load
from forecast.mongo.parts import DERIVED, observed, parts_of, quality_digests
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.versions import batches_of, group_of
from forecast.storage import Store
from forecast.zone.writer import month_folder

LOGGER = logging.getLogger("forecast.mongo.verify")
_DECODED: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_IDS_AT_ONCE = 100_000
# The fields of a part that belong to its record.
_CONTENT = ("measurements", "source_flags", "parse_issues")
_NOWHERE = "not in the processed zone"
_NO_RECORDS = pa.table({"_id": pa.array([], pa.string()), "digest": pa.array([], pa.string())})


def differing_records(file: RawObject, records: pd.DataFrame, collection: ObservationCollection) -> int:
    """How many records of a file the database lacks, has in an older version, or has with different content."""
    compared = plan_load(records, StoredVersions(collection))
    if compared.inserted or compared.updated:
        LOGGER.error("%s: %d records missing, %d older in the database", file.key, compared.inserted, compared.updated)
    return compared.inserted + compared.updated + _changed(records, collection)


def orphaned_documents(files: list[RawObject], store: Store, collection: ObservationCollection, folder: Path) -> int:
    """How many documents have no record in the zone with the same id and content.

    It works month by month, like the zone's partitions, and holds the ids and digests of one month in memory.
    """
    beyond = 0
    for start, end in _months(collection):
        within = [file for file in files if month_folder(start) in file.key]
        tables = [read_zone_file(file, store, folder, ["_id", "digest"]) for file in within]
        records = pa.concat_tables(tables) if tables else _NO_RECORDS
        ids = records["_id"].combine_chunks()
        contents = _contents(ids, records["digest"].combine_chunks())
        wanted = {"metadata.digest": 1, "metadata.parts.digest": 1}
        found = collection.find({"timestamp": {"$gte": start, "$lt": end}}, wanted)
        with mongo_errors("comparing documents"):
            while documents := list(islice(found, _IDS_AT_ONCE)):
                pairs = [(document["_id"], digest) for document in documents for digest in _digests(document)]
                names, digests = (pa.array(column, pa.string()) for column in zip(*pairs, strict=True))
                lacking = names.filter(pc.invert(pc.is_in(_contents(names, digests), value_set=contents)))
                for name, known in zip(lacking.to_pylist(), pc.is_in(lacking, value_set=ids).to_pylist(), strict=True):
                    where = "in the processed zone only with other content" if known else _NOWHERE
                    LOGGER.error("document %s is %s", name, where)
                beyond += len(lacking)
    return beyond


def _contents(ids: pa.Array, digests: pa.Array) -> pa.Array:
    """Ids of documents with the first halves of their digests."""
    return pc.binary_join_element_wise(ids, pc.utf8_slice_codeunits(digests, 0, HASH_LENGTH), " ")


def _digests(document: dict[str, Any]) -> list[str]:
    """The digests of a document; for one with parts, those of the parts, because no record has the combined one."""
    metadata = document["metadata"]
    return [part["digest"] for part in metadata["parts"]] if "parts" in metadata else [metadata["digest"]]


def read_zone_file(file: RawObject, store: Store, folder: Path, columns: list[str] | None = None) -> pa.Table:
    """The records (RECORD_SCHEMA) of a file of the zone, or some of their columns.

    Raises RetryableError if the file is incomplete, SettingError if it has another format version.
    """
    copy = folder / "records.parquet"
    store.fetch(file, copy)
    try:
        schema = pq.read_schema(copy)
        table = pq.read_table(copy, columns=columns)
    except pa.ArrowInvalid as error:
        raise RetryableError(f"{file.uri} is not a complete Parquet file; process its raw object again") from error
    _check_format(file, schema)
    return table if columns else as_records(table)


def _check_format(file: RawObject, schema: pa.Schema) -> None:
    version = (schema.metadata or {}).get(FORMAT_KEY.encode(), b"").decode(errors="replace")
    if version == str(FORMAT_VERSION) and is_of_records(schema):
        return
    what = f"is of format version {version}" if version else "states no format version"
    if version == str(FORMAT_VERSION):
        what = "has other columns than this program writes"
    raise SettingError(
        f"{file.uri} {what}, and this program reads {FORMAT_VERSION}. Run the pipeline, which rewrites the files "
        "of its "
        "raw objects; or use the version of the program that wrote it"
    )


def _changed(records: pd.DataFrame, collection: ObservationCollection) -> int:
    """How many documents have content that does not match their digest, because somebody changed them."""
    changed = 0
    for batch in batches_of(records):
        documents = [bson.decode(document.raw, _DECODED) for document in encode_records(batch)]
        group = group_of(batch)
        ours = {(document["_id"], _half(document)): document for document in documents}
        with mongo_errors("comparing documents"):
            there = list(collection.find({"_id": {"$in": [document["_id"] for document in documents]}}))
        known = [(found, ours.get((found["_id"], _half_of(found, group)))) for found in there]
        pairs = [(found, own) for found, own in known if own is not None]
        for (found, own), holds in zip(pairs, _flags_are_current([found for found, _ in pairs]), strict=True):
            if not holds or not _as_delivered(found, own, group):
                LOGGER.error("document %s was changed in the database", found["_id"])
                changed += 1
    return changed


def _half_of(document: dict[str, Any], group: str) -> str:
    """The first half of the digest of a group's part; empty if the document has no such part."""
    part = parts_of(document).get(group)
    return "" if part is None else str(part["digest"])


def _as_delivered(found: dict[str, Any], own: dict[str, Any], group: str) -> bool:
    """Whether a document has the content of this record, as a whole or as one of its parts."""
    if "parts" not in found["metadata"]:
        return _observed(found) == _observed(own)
    parts, record = parts_of(found), parts_of(own)[group]
    together, quality = observed(parts), found["data_quality"]
    return (
        all(parts[group].get(name) == record.get(name) for name in _CONTENT)
        and _measured(found) == together["measurements"]
        and quality.get("source_flags", {}) == together["source_flags"]
        and quality["parse_issues"] == together["parse_issues"]
        and (found["station"], found["timestamp"]) == (own["station"], own["timestamp"])
        and _half(found) == together["digest"]
    )


def _half(document: dict[str, Any]) -> str:
    return str(document["metadata"]["digest"][:HASH_LENGTH])


def _measured(document: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in document["measurements"].items() if name != DERIVED}


def _observed(document: dict[str, Any]) -> tuple[Any, ...]:
    """The content that the first half of the digest covers."""
    quality = document["data_quality"]
    return (
        document["station"],
        document["timestamp"],
        _measured(document),
        quality["completeness_score"],
        quality["parse_issues"],
        quality.get("source_flags"),
    )


def _flags_are_current(documents: list[dict[str, Any]]) -> list[bool]:
    """Whether the second half of each digest matches the document's flags."""
    halves = quality_digests(documents)
    return [
        half == document["metadata"]["digest"][HASH_LENGTH:] for half, document in zip(halves, documents, strict=True)
    ]


def _months(collection: ObservationCollection) -> Iterator[tuple[datetime, datetime]]:
    """Start and end of every month from the first document's to the last one's."""
    with mongo_errors("comparing documents"):
        ends = [
            document["timestamp"]
            for direction in (ASCENDING, DESCENDING)
            for document in collection.find({}, {"timestamp": 1}).sort("timestamp", direction).limit(1)
        ]
    if ends:
        first, last = (end.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for end in ends)
        starts = pd.date_range(first, last, freq="MS")
        for start in starts:
            yield start.to_pydatetime(), (start + pd.offsets.MonthBegin()).to_pydatetime()
