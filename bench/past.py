"""Puts into a database what earlier nights would have left: copies of what the program made of one day.

Documents go in as ready-made BSON, in which the time and the `_id` are overwritten, with the indexes that the program
made and without its validator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection

from bench.raw_zone import OLD_ETAG, URI
from forecast.core.clock import DAY_MS
from forecast.report.history import FOLDER as HISTORY

_WRITERS: Final = 4
_BATCH: Final = 2_000
_DATE: Final = re.compile(rb"@(\d{4}-\d{2}-\d{2})")
_Item = TypeVar("_Item")


def fill_days(
    collection: Collection[Any], time_field: str, days: Iterable[int], of: Mapping[str, Any] | None = None
) -> None:
    """Copy documents to so many days earlier each: all, or those that a filter finds.

    A document's `_id` names the UTC day of its `time_field`.
    """
    raw: Collection[Any] = collection.database.get_collection(collection.name, CodecOptions(RawBSONDocument))
    documents = [one.raw for one in raw.find(of or {})]

    def insert(some: list[RawBSONDocument]) -> None:
        raw.insert_many(some, ordered=False, bypass_document_validation=True)

    with ThreadPoolExecutor(_WRITERS) as writers:
        for some in _batches(_shifted(documents, time_field, days), _WRITERS * 4):
            for _ in writers.map(insert, some):
                pass


def _shifted(documents: Sequence[bytes], time_field: str, days: Iterable[int]) -> Iterator[list[RawBSONDocument]]:
    """The documents, so many days earlier, some at a time."""
    blob = np.frombuffer(b"".join(documents), np.uint8).copy()
    ends = np.cumsum([len(one) for one in documents])
    starts = ends - [len(one) for one in documents]
    field = b"\x09" + time_field.encode() + b"\0"
    of_date = np.array([_date_at(one) for one in documents]) + starts
    of_time = np.array([one.index(field) + len(field) for one in documents]) + starts
    date_bytes, time_bytes = of_date[:, None] + np.arange(10), of_time[:, None] + np.arange(8)
    moments = blob[time_bytes].copy().view("<i8").ravel()
    for earlier in days:
        shifted = moments - earlier * DAY_MS
        blob[time_bytes] = shifted.view(np.uint8).reshape(-1, 8)
        names = (shifted // DAY_MS).astype("datetime64[D]").astype(str).astype("S10")
        blob[date_bytes] = names.view(np.uint8).reshape(-1, 10)
        data = blob.tobytes()
        for first in range(0, len(documents), _BATCH):
            pieces = slice(first, first + _BATCH)
            yield [RawBSONDocument(data[begin:end]) for begin, end in zip(starts[pieces], ends[pieces], strict=True)]


def _date_at(document: bytes) -> int:
    found = _DATE.search(document)
    assert found is not None, document
    return found.start(1)


def fill_checkpoints(collection: Collection[Any], keys: Iterable[str]) -> None:
    """Vouch for objects of the raw zone as for the one whose checkpoint is there."""
    known = collection.find_one({"files": {"$ne": []}})
    assert known is not None
    entries = (_checkpoint(known, key, number) for number, key in enumerate(keys))
    for some in _batches(entries, 5_000):
        collection.insert_many(some, ordered=False)


def _checkpoint(known: dict[str, Any], key: str, number: int) -> dict[str, Any]:
    file, digest = f"observations/{number:024d}-0.parquet", f"{number:032x}"
    in_zone = [{"zone": known["zone"], "key": file}]
    return {**known, "_id": URI + key, "etag": OLD_ETAG, "files": [{"key": file, "digest": digest}], "in_zone": in_zone}


def fill_runs(collection: Collection[Any], logs: Path, days: Iterable[int]) -> None:
    """A run on each of so many days before the one that is there, in the history of the database and of the folder."""
    known = next(iter(collection.find()))
    path = logs / HISTORY / f"{known['run_id']}.json"
    text, started = path.read_text("utf-8"), known["started_at"].astimezone(UTC)
    entries = []
    for earlier in days:
        moment = started - timedelta(days=earlier)
        name = known["run_id"].replace(f"{started:%Y%m%d}", f"{moment:%Y%m%d}")
        times = {"started_at": moment, "finished_at": moment + timedelta(minutes=1)}
        entries.append({**known, **times, "_id": name, "run_id": name})
        on_day = text.replace(known["run_id"], name).replace(f"{started:%Y-%m-%dT}", f"{moment:%Y-%m-%dT}")
        path.with_name(f"{name}.json").write_text(on_day, "utf-8")
    if entries:
        collection.insert_many(entries)


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
