"""The processed zone into MongoDB again, and the proof that both hold the same."""

from __future__ import annotations

import logging
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from bson.codec_options import CodecOptions

from forecast.database import Documents, told_apart
from forecast.documents import to_documents
from forecast.errors import RetryableError, SettingError
from forecast.load import BATCH_ROWS, LoadCounts, load, prepare_collection
from forecast.observations import RECORD_SCHEMA, RawObject, to_frame, to_table
from forecast.report.counts import ObjectCounts
from forecast.report.migration import migration_report
from forecast.report.write import report_time
from forecast.runs import work_folder
from forecast.save import OBSERVATIONS
from forecast.stores import Store

LOGGER = logging.getLogger("forecast.migrate")
EXIT_DONE, EXIT_DIFFERS = 0, 3
# What a digest covers.
_CONTENT = ("station", "timestamp", "measurements", "data_quality")
_DECODED: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


def migrate(store: Store, collection: Documents, *, verify_only: bool = False) -> tuple[dict[str, Any], int]:
    """Load every record file of the zone, then compare each record with the database; the report and the exit code.

    The proof: a second pass finds every record in the database, with the digest of its newest version.
    Raises SettingError where the zone holds no records or a file is none of ours.
    """
    files = [file for file in store.list(OBSERVATIONS) if file.key.endswith(".parquet")]
    if not files:
        raise SettingError(f"{store.uri} holds no records (observations/…parquet); is PROCESSED_URI right?")
    if not verify_only:
        prepare_collection(collection)
    with work_folder() as folder:
        objects = [] if verify_only else [_loaded(file, store, collection, folder) for file in files]
        missing = LoadCounts()
        checked = changed = 0
        for file in files:
            records = _records(file, store, folder)
            compared = load(records, collection, dry_run=True)
            changed += _changed(records, collection)
            checked += sum(asdict(compared).values())
            missing += LoadCounts(inserted=compared.inserted, updated=compared.updated)
            if compared.inserted or compared.updated:
                LOGGER.error(
                    "%s: %d records missing, %d older in the database", file.key, compared.inserted, compared.updated
                )
    differing = missing.inserted + missing.updated + changed
    with told_apart("counting the documents"):
        documents = collection.count_documents({})
    now = datetime.now(UTC)
    verification = {
        "documents_expected_at_least": sum(counts.inserted for counts in objects),
        "documents_in_database": documents,
        "sample_checked": checked,
        "digests_equal": checked - differing,
        "read_concern": "majority",
        "ok": differing == 0,
    }
    report = migration_report(f"{report_time(now)}-{secrets.token_hex(3)}", objects, verification, now)
    return report, EXIT_DONE if differing == 0 else EXIT_DIFFERS


def _loaded(file: RawObject, store: Store, collection: Documents, folder: Path) -> ObjectCounts:
    frame = _records(file, store, folder)
    counts = ObjectCounts(file.key, file.uri, "loaded", rows_read=len(frame), records_validated=len(frame))
    for name, count in asdict(load(frame, collection)).items():
        setattr(counts, name, count)
    return counts


def _changed(records: pd.DataFrame, collection: Documents) -> int:
    """How many documents carry a record's digest and not its content: somebody has changed them since."""
    table = to_table(records, RECORD_SCHEMA)
    changed = 0
    for at in range(0, table.num_rows, BATCH_ROWS):
        documents = [bson.decode(document.raw, _DECODED) for document in to_documents(table.slice(at, BATCH_ROWS))]
        ours = {(document["_id"], document["metadata"]["digest"]): document for document in documents}
        with told_apart("comparing documents"):
            for found in collection.find({"_id": {"$in": [document["_id"] for document in documents]}}):
                own = ours.get((found["_id"], found["metadata"]["digest"]))
                if own is not None and any(found.get(part) != own[part] for part in _CONTENT):
                    LOGGER.error("document %s was changed in the database", found["_id"])
                    changed += 1
    return changed


def _records(file: RawObject, store: Store, folder: Path) -> pd.DataFrame:
    copy = folder / "records.parquet"
    store.fetch(file, copy)
    try:
        table = pq.read_table(copy)
    except pa.ArrowInvalid as error:
        raise RetryableError(f"{file.uri} is no whole Parquet file; process its raw object again") from error
    if not table.schema.equals(RECORD_SCHEMA):
        raise SettingError(
            f"{file.uri} has other columns than this pipeline version writes; use the version that wrote it"
        )
    return to_frame(table)
