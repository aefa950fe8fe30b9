"""Records into MongoDB: idempotent by `_id`, the newer record wins whatever the order, what is equal is not rewritten.

Of two records of one observation the one with the higher rank (generation_id, sync_id, extracted_at) wins; where
ranks are equal, the higher digest, so that every order of loading ends the same; but what newer rules make of the very
same raw row replaces what older ones made of it. A write names the version it replaces, so a rival's write in between
is seen, and decided again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from bson.int64 import Int64
from pymongo import ASCENDING, GEOSPHERE, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, CollectionInvalid

from forecast.database import Documents, refusal, told_apart, validation_failed
from forecast.documents import to_documents
from forecast.errors import RetryableError, SettingError
from forecast.observations import RECORD_SCHEMA, to_table
from forecast.stations import CONFIG_FOLDER

SCHEMA_FILE = CONFIG_FOLDER / "mongodb_schema.json"
INDEXES = (
    IndexModel([("station.id", ASCENDING), ("timestamp", ASCENDING)], name="station_time"),
    IndexModel([("timestamp", ASCENDING)], name="time"),
    IndexModel([("station.location", GEOSPHERE), ("timestamp", ASCENDING)], name="place_time"),
)
# 2 500 documents of 1.3 kB are 3 MB of BSON; more made no insert faster, and every writer holds three copies of them.
BATCH_ROWS = 2_500
# Two batches on their way: the server works on one while the next is made.
WRITERS = 2
_DUPLICATE_KEY = 11000
_UNCONFIRMED_WRITE = 64
_ROUNDS = 20
_SOURCE = ("source_uri", "source_row")
_RANK = ("generation_id", "sync_id", "extracted_at")
# The versions of documents, as lists in one order: ids, digests and ranks, times as milliseconds.
_SEEN = {
    "ids": {"$push": "$_id"},
    "digest": {"$push": "$metadata.digest"},
    **{name: {"$push": {"$toLong": f"$metadata.{name}"}} for name in _RANK},
}

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class LoadCounts:
    """records = inserted + updated + unchanged + superseded, from the server's answers."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0

    def __add__(self, other: LoadCounts) -> LoadCounts:
        return LoadCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def prepare_collection(collection: Documents) -> None:
    """Make the collection with its validator and indexes, or bring them up to date.

    Raises SettingError where something else has the collection's name.
    """
    validator = json.loads(SCHEMA_FILE.read_text("utf-8"))
    database = collection.database
    with told_apart("making the collection"):
        try:
            database.create_collection(collection.name, validator=validator)
        except CollectionInvalid:
            found = next(iter(database.list_collections(filter={"name": collection.name})), {})
            _check_kind(collection, found)
            if found.get("options", {}).get("validator") != validator:
                with told_apart("changing the validator"):
                    database.command("collMod", collection.name, validator=validator)
    with told_apart("making the indexes"):
        collection.create_indexes(list(INDEXES))


def _check_kind(collection: Documents, found: Mapping[str, Any]) -> None:
    kind = found.get("type", "collection")
    if kind != "collection":
        raise SettingError(f"{collection.full_name} is a {kind}, not a collection; change MONGODB_COLLECTION")
    if found.get("options", {}).get("capped"):
        raise SettingError(
            f"{collection.full_name} is a capped collection, which drops its oldest documents by itself; "
            "change MONGODB_COLLECTION"
        )


def load(records: pd.DataFrame, collection: Documents, *, dry_run: bool = False) -> LoadCounts:
    """Load records (RECORD_SCHEMA); with `dry_run`, only say what would happen.

    Raises RetryableError where the database is out of reach, SettingError where it refuses a document; what other
    batches have written by then stays, and the next run finds it.
    """
    table = to_table(records, RECORD_SCHEMA)
    batches = [table.slice(at, BATCH_ROWS) for at in range(0, table.num_rows, BATCH_ROWS)]
    failed = threading.Event()

    def load_batch(batch: pa.Table) -> LoadCounts:
        if failed.is_set():
            return LoadCounts()  # of no effect: the error is on its way, and waiting for the database again is no use
        try:
            return _load_batch(batch, collection, dry_run=dry_run)
        except BaseException:
            failed.set()
            raise

    with ThreadPoolExecutor(WRITERS) as writers:
        return sum(writers.map(load_batch, batches), LoadCounts())


def _load_batch(table: pa.Table, collection: Documents, *, dry_run: bool) -> LoadCounts:
    table, counts = _one_each(table.combine_chunks())
    rivals: set[str] = set()
    for _ in range(_ROUNDS):
        with told_apart("reading what is there"):
            plan = _compare(table, collection)
        if dry_run:
            return counts + LoadCounts(len(plan.new), len(plan.newer), len(plan.unchanged), plan.superseded)
        inserted, again = _insert(table, plan.new, collection)
        updated, overtaken = _replace(table, plan, collection)
        changed = _restamp(table, plan, collection)
        # What a rival overtook in an earlier round and is now there as ours was written by us.
        settled = set(plan.unchanged).difference(changed)
        written = len(settled & rivals)
        rivals |= set(overtaken)
        counts += LoadCounts(inserted, updated + written, len(settled) - written, plan.superseded)
        left = [*again, *overtaken, *changed]
        if not left:
            return counts
        table = table.filter(pc.is_in(table["_id"], value_set=pa.array(left, pa.string())))
    raise RetryableError("other writers keep changing the same documents; run again when they are done")


@dataclass(slots=True)
class _Plan:
    """Row numbers of what is to be done, and the versions that were seen.

    That of row r is at place `at[r]` of every list of `seen`; -1 where there is none.
    """

    new: list[int]
    newer: list[int]
    restamped: list[int]
    unchanged: list[str]
    superseded: int
    seen: dict[str, list[Any]]
    at: npt.NDArray[np.int64]


def _compare(table: pa.Table, collection: Documents) -> _Plan:
    """What is there already, and which of the two versions wins; compared as columns."""
    ids = table["_id"].combine_chunks()
    # One document of lists, not a document each: 0.5 µs a version instead of 4.
    stages: list[dict[str, Any]] = [{"$match": {"_id": {"$in": ids.to_pylist()}}}, {"$group": {"_id": None, **_SEEN}}]
    seen = next(iter(collection.aggregate(stages)), None)
    if seen is None:
        seen = {}
        return _Plan(list(range(len(ids))), [], [], [], 0, seen, np.full(len(ids), -1))
    at = np.asarray(pc.fill_null(pc.index_in(ids, value_set=pa.array(seen["ids"], pa.string())), -1), dtype=np.int64)
    there = np.flatnonzero(at >= 0)
    digests = np.asarray(table["digest"].take(pa.array(there)).to_pylist(), dtype=object)
    digests_there = np.asarray(seen["digest"], dtype=object)[at[there]]
    higher, level = _ranks(table, there, seen, at[there])
    equal = digests == digests_there
    newer = ~equal & (higher | (level & (digests > digests_there)))
    tied = np.flatnonzero(~equal & level)
    newer[tied] |= _from_the_same_row(table.take(pa.array(there[tied])), collection)
    return _Plan(
        new=np.flatnonzero(at < 0).tolist(),
        newer=there[newer].tolist(),
        restamped=there[equal & higher].tolist(),
        unchanged=ids.take(pa.array(there[equal])).to_pylist(),
        superseded=int((~equal & ~newer).sum()),
        seen=seen,
        at=at,
    )


def _from_the_same_row(table: pa.Table, collection: Documents) -> Mask:
    """Whether the versions there came from the very same raw rows: then they are what older rules made of them."""
    if not table.num_rows:
        return np.zeros(0, dtype=bool)
    ids = table["_id"].to_pylist()
    wanted = {name: f"$metadata.{name}" for name in _SOURCE}
    found = {entry["_id"]: tuple(map(entry.get, _SOURCE)) for entry in collection.find({"_id": {"$in": ids}}, wanted)}
    ours = zip(*(table[name].to_pylist() for name in _SOURCE), strict=True)
    return np.array([found.get(name) == source for name, source in zip(ids, ours, strict=True)], dtype=bool)


def _ranks(table: pa.Table, rows: Rows, seen: dict[str, list[Any]], places: Rows) -> tuple[Mask, Mask]:
    """Where the rank of a row is higher than that of the version seen, and where it is level with it."""
    higher = np.zeros(len(rows), dtype=bool)
    level = np.ones(len(rows), dtype=bool)
    for name in _RANK:
        ours = np.asarray(table[name].cast(pa.int64()))[rows]
        theirs = np.asarray(seen[name], dtype=np.int64)[places]
        higher |= level & (ours > theirs)
        level &= ours == theirs
    return higher, level


def _insert(table: pa.Table, rows: Sequence[int], collection: Documents) -> tuple[int, list[str]]:
    """How many were inserted, and the ids that a rival inserted first."""
    if not rows:
        return 0, []
    part = table if len(rows) == table.num_rows else table.take(pa.array(rows))
    documents = to_documents(part)
    with told_apart("inserting"):
        try:
            result = collection.bulk_write([InsertOne[Any](document) for document in documents], ordered=False)
        except BulkWriteError as error:
            return _resolve(error, part["_id"])
    return result.inserted_count, []


def _resolve(error: BulkWriteError, ids: pa.ChunkedArray) -> tuple[int, list[str]]:
    """Only duplicate keys are expected. Raises for every other error."""
    details = error.details
    for write_error in details["writeErrors"]:
        name = ids[write_error["index"]].as_py()
        if validation_failed(write_error):
            raise SettingError(
                f"the database's validator refuses document {name}; its schema is not that of this pipeline version "
                "(src/config/mongodb_schema.json)"
            ) from error
        if write_error["code"] != _DUPLICATE_KEY:
            raise refusal(write_error["code"], f"writing {name}") from error
    if details["writeConcernErrors"]:
        raise refusal(_UNCONFIRMED_WRITE, "writing") from error
    return details["nInserted"], [ids[entry["index"]].as_py() for entry in details["writeErrors"]]


def _replace(table: pa.Table, plan: _Plan, collection: Documents) -> tuple[int, list[str]]:
    """How many were replaced, and the ids that may have changed since they were seen."""
    if not plan.newer:
        return 0, []
    part = table.take(pa.array(plan.newer))
    filters = [_as_seen(plan, row) for row in plan.newer]
    writes = [ReplaceOne[Any](only, document) for only, document in zip(filters, to_documents(part), strict=True)]
    with told_apart("replacing"):
        try:
            result = collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            _resolve(error, part["_id"])
            return 0, part["_id"].to_pylist()
    return (result.matched_count, []) if result.matched_count == len(writes) else (0, part["_id"].to_pylist())


def _restamp(table: pa.Table, plan: _Plan, collection: Documents) -> list[str]:
    """Equal content delivered again: the content stays, and source and rank become those of the newest delivery.

    Without it a third record, older than this delivery and newer than the first, would win or lose by the order of
    loading. Gives the ids that may have changed since they were seen.
    """
    if not plan.restamped:
        return []
    part = table.take(pa.array(plan.restamped))
    names: list[str] = part["_id"].to_pylist()
    updates = [
        UpdateOne(_as_seen(plan, row), {"$set": {f"metadata.{name}": _stored(value) for name, value in entry.items()}})
        for row, entry in zip(plan.restamped, part.select([*_SOURCE, *_RANK]).to_pylist(), strict=True)
    ]
    with told_apart("marking the newest delivery"):
        try:
            result = collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            _resolve(error, part["_id"])
            return names
    return [] if result.matched_count == len(updates) else names


def _stored(value: Any) -> Any:
    """A value of the rank as documents hold it: the driver would write a small number as 32 bits."""
    return Int64(value) if isinstance(value, int) else value


def _as_seen(plan: _Plan, row: int) -> dict[str, Any]:
    """The filter of exactly the version that was seen."""
    seen = {name: values[plan.at[row]] for name, values in plan.seen.items() if name != "_id"}
    return {
        "_id": seen["ids"],
        "metadata.digest": seen["digest"],
        "metadata.generation_id": seen["generation_id"],
        "metadata.sync_id": seen["sync_id"],
        "metadata.extracted_at": datetime.fromtimestamp(seen["extracted_at"] / 1000, tz=UTC),
    }


def _one_each(table: pa.Table) -> tuple[pa.Table, LoadCounts]:
    """The winner of each observation within a batch, and the count of the others."""
    if pc.count_distinct(table["_id"]).as_py() == table.num_rows:
        return table, LoadCounts()
    frame = table.select(["_id", *_RANK, "digest"]).to_pandas()
    ordered = frame.sort_values(["_id", *_RANK, "digest"])
    winners = ordered.drop_duplicates("_id", keep="last")
    losers = ordered.drop(winners.index)
    equal = int((losers["digest"].to_numpy() == winners.set_index("_id")["digest"][losers["_id"]].to_numpy()).sum())
    kept = table.take(pa.array(sorted(winners.index)))
    return kept, LoadCounts(unchanged=equal, superseded=len(losers) - equal)
