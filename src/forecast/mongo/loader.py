"""Loads records into MongoDB: idempotent by `_id`, independent of their order, without rewriting equal content.

`versions` says which of two records wins. A write is conditional on the version that it replaces, so a concurrent write
is noticed, and the record is compared again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from bson.int64 import Int64
from pymongo import ASCENDING, GEOSPHERE, IndexModel, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, CollectionInvalid, OperationFailure

from forecast.core.errors import RetryableError, SettingError
from forecast.core.precedence import RANK
from forecast.core.registry import CONFIG_FOLDER
from forecast.core.removals import Removed
from forecast.mongo.bson_encoder import encode_records
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.days import DailyAggregates
from forecast.mongo.format import check_format
from forecast.mongo.loaded_rows import first_times, rows_by_station_day
from forecast.mongo.outcomes import CountsByObject, outcomes
from forecast.mongo.part_writer import split_plan, write_parts
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.versions import (
    SOURCE,
    LoadCounts,
    Plan,
    batches_of,
    compare,
    deduplicate,
    removed_by,
)
from forecast.mongo.write_errors import resolve

SCHEMA_FILE = CONFIG_FOLDER / "mongodb_schema.json"
INDEXES = (
    IndexModel([("station.id", ASCENDING), ("timestamp", ASCENDING)], name="station_time"),
    IndexModel([("timestamp", ASCENDING)], name="time"),
    IndexModel([("station.location", GEOSPHERE), ("timestamp", ASCENDING)], name="place_time"),
)
# Two batches in flight: the server works on one while the next is prepared. With four, it took a tenth more CPU.
WRITERS = 2
_IN_FLIGHT = threading.BoundedSemaphore(WRITERS)
_NAMESPACE_EXISTS = 48
# The server's defaults: a document that the validator does not allow is refused.
_VALIDATED = {"validationLevel": "strict", "validationAction": "error"}
_ROUNDS = 20
_TIMES = ("extracted_at", "source_modified_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prepare_collection(collection: ObservationCollection) -> None:
    """Create or update the collection, its validator and indexes, and the indexes of the daily aggregates.

    Raises SettingError if its name is taken by something else, or its documents have another format version.
    """
    validator = json.loads(SCHEMA_FILE.read_text("utf-8"))
    database = collection.database
    with mongo_errors("creating the collection"):
        if not _created(collection, validator):
            found = next(iter(database.list_collections(filter={"name": collection.name})), {})
            _check_kind(collection, found)
            check_format(collection)
            wanted = {"validator": validator, **_VALIDATED}
            options = _VALIDATED | found.get("options", {})
            if any(options.get(name) != value for name, value in wanted.items()):
                with mongo_errors("changing the validator"):
                    database.command("collMod", collection.name, **wanted)
    with mongo_errors("creating the indexes"):
        collection.create_indexes(list(INDEXES))
    DailyAggregates.for_collection(collection).prepare()


def _created(collection: ObservationCollection, validator: Mapping[str, Any]) -> bool:
    """Create the collection; False if it exists, even if a concurrent run has only just created it."""
    try:
        collection.database.create_collection(collection.name, validator=validator)
    except CollectionInvalid:
        return False
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
        return False
    return True


def _check_kind(collection: ObservationCollection, found: Mapping[str, Any]) -> None:
    kind = found.get("type", "collection")
    if kind != "collection":
        raise SettingError(f"{collection.full_name} is a {kind}, not a collection; change MONGODB_COLLECTION")
    if found.get("options", {}).get("capped"):
        raise SettingError(
            f"{collection.full_name} is a capped collection, which drops its oldest documents by itself; "
            "change MONGODB_COLLECTION"
        )
    for name, index in collection.index_information().items():
        if "expireAfterSeconds" in index:
            raise SettingError(
                f"{collection.full_name} has the TTL index {name}, by which MongoDB deletes documents by itself; "
                "drop it"
            )


def check_collection(collection: ObservationCollection) -> None:
    """Raise SettingError if the documents of a collection have another format version, or indexes are missing."""
    check_format(collection)
    with mongo_errors("reading the indexes"):
        there = collection.index_information()
        missing = [name for index in INDEXES if (name := str(index.document["name"])) not in there]
        if missing and collection.find_one({}, {"_id": 1}) is not None:
            raise SettingError(
                f"{collection.full_name} lacks an index of this pipeline: {', '.join(missing)}. Was it copied or "
                "restored without them? `pipeline` and `forecast migrate` create them"
            )


def load(
    records: pd.DataFrame, collection: ObservationCollection, pending_qc: PendingQc, conflicts: Conflicts | None = None
) -> LoadCounts:
    """Load records; the counts of `load_by_object` over all objects."""
    return sum(load_by_object(records, collection, pending_qc, conflicts).values(), LoadCounts())


def load_by_object(
    records: pd.DataFrame, collection: ObservationCollection, pending_qc: PendingQc, conflicts: Conflicts | None = None
) -> dict[str, LoadCounts]:
    """Load records (RECORD_SCHEMA), queue the days whose observations change, and count what became of each record.

    All calls in a process together have `WRITERS` batches in flight. The counts are by `source_uri`. `conflicts`
    records duplicates with differing values, and removed values.

    Raises RetryableError if the database is unreachable, SettingError if it rejects a document. What other
    batches have written by then is kept, and the next run finds it.
    """
    failed = threading.Event()

    def load_batch(batch: pa.Table) -> CountsByObject:
        with _IN_FLIGHT:
            if failed.is_set():
                # Another batch has already failed; do not wait for the database again.
                return CountsByObject()
            try:
                return _load_batch(batch, collection, pending_qc, conflicts)
            except BaseException:
                failed.set()
                raise

    counts = CountsByObject()
    with ThreadPoolExecutor(WRITERS) as writers:
        for of_batch in writers.map(load_batch, batches_of(records)):
            counts.merge(of_batch)
    return dict(counts.counts)


def _load_batch(
    table: pa.Table, collection: ObservationCollection, pending_qc: PendingQc, conflicts: Conflicts | None
) -> CountsByObject:
    table, lost, reasons, equal = deduplicate(table.combine_chunks())
    counts = CountsByObject()
    counts.add("superseded", lost)
    counts.add("unchanged", equal)
    conflicts = Conflicts() if conflicts is None else conflicts
    conflicts.add_batch_losers(table, lost, reasons)
    stored = StoredVersions(collection)
    overtaken_before: set[str] = set()
    removed: dict[str, Sequence[Removed]] = {}
    before: dict[str, tuple[Any, ...]] = {}
    seen: dict[str, tuple[Any, ...]] = {}
    left: list[str] = []
    for number in range(_ROUNDS):
        with mongo_errors("reading stored versions"):
            known = bool(number) or stored.holds_any_of(table)
            plan = compare(table, stored) if known else Plan.all_new(table.num_rows)
            removed = _removed(table, plan, stored, removed)
        conflicts.add_stored_losers(table, plan, stored)
        changing = [*plan.new, *plan.to_replace]
        since = first_times(table.take(pa.array(changing, pa.int64())) if len(changing) < table.num_rows else table)
        pending_qc.enqueue(since, since)
        alone, several = split_plan(plan, table["_id"].to_pylist(), stored.several)
        again = _insert(table, alone.new, collection)
        if pending_qc.loaded is not None:
            pending_qc.loaded.note(table, len(alone.new) - len(again))
        overtaken, changed = _replace(table, alone, collection), _touch_lineage(table, alone, collection)
        overtaken_parts, changed_parts = write_parts(table, several, stored)
        overtaken, changed = overtaken + overtaken_parts, changed + changed_parts
        left = [*again, *overtaken, *changed]
        is_left = np.asarray(pc.is_in(table["_id"], value_set=pa.array(left, pa.string())))
        for name, mask in outcomes(table, plan, several, overtaken_before).items():
            counts.add(name, table, mask & ~is_left)
        overtaken_before |= set(overtaken)
        gone = [removed.pop(name) for name in removed.keys() - left]
        conflicts.replaced(gone)
        counts.add_removed(one for values in gone for one in values)
        if not left:
            return counts
        before, seen = seen, _seen(plan)
        table = table.filter(pa.array(is_left))
    with mongo_errors("reading stored versions"):
        stored.check_ours(left)
    if any(before.get(name) != seen.get(name) for name in left):
        raise RetryableError("other writers keep changing the same documents; run again when they are done")
    raise RetryableError(
        f"document {left[0]} cannot be written, although it has not changed since it was read; run again"
    )


def _removed(
    table: pa.Table, plan: Plan, stored: StoredVersions, before: Mapping[str, Sequence[Removed]]
) -> dict[str, Sequence[Removed]]:
    """What replacing removes, by document, including documents that were replaced in an earlier round."""
    kept = {name: before[name] for name in before.keys() & set(plan.unchanged)}
    return kept | removed_by(table, plan, stored)


def _seen(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """The versions that were read, by document."""
    names = [name for name in plan.seen if name != "ids"]
    return dict(zip(plan.seen.get("ids", ()), zip(*(plan.seen[name] for name in names), strict=True), strict=False))


def station_days(records: pa.Table) -> set[tuple[str, int]]:
    """The station-days (UTC, since 1970) of records."""
    return set(rows_by_station_day(records))


def _insert(table: pa.Table, rows: Sequence[int], collection: ObservationCollection) -> list[str]:
    """Insert rows; return the ids that a concurrent run inserted first."""
    if not rows:
        return []
    part = table if len(rows) == table.num_rows else table.take(pa.array(rows))
    documents = encode_records(part)
    with mongo_errors("inserting"):
        try:
            collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return resolve(error, part["_id"])
    return []


def _replace(table: pa.Table, plan: Plan, collection: ObservationCollection) -> list[str]:
    """Replace documents according to the plan; return the ids that may have changed since they were read."""
    if not plan.to_replace:
        return []
    part = table.take(pa.array(plan.to_replace))
    filters = [_as_seen(plan, row) for row in plan.to_replace]
    writes = [ReplaceOne[Any](only, document) for only, document in zip(filters, encode_records(part), strict=True)]
    with mongo_errors("replacing"):
        try:
            result = collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            resolve(error, part["_id"])
            return list(part["_id"].to_pylist())
    return [] if result.matched_count == len(writes) else list(part["_id"].to_pylist())


def _touch_lineage(table: pa.Table, plan: Plan, collection: ObservationCollection) -> list[str]:
    """For equal content delivered again, keep the content and update source and rank to the newest delivery's.

    Otherwise, the order of loading would decide whether a third record, older than this delivery but newer than the
    first, wins. Returns the ids that may have changed since they were read.
    """
    if not plan.touch_lineage:
        return []
    part = table.take(pa.array(plan.touch_lineage))
    names: list[str] = part["_id"].to_pylist()
    updates = [
        UpdateOne(_as_seen(plan, row), {"$set": {f"metadata.{name}": _stored(value) for name, value in entry.items()}})
        for row, entry in zip(plan.touch_lineage, part.select([*SOURCE, *RANK]).to_pylist(), strict=True)
    ]
    with mongo_errors("updating lineage"):
        try:
            result = collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            resolve(error, part["_id"])
            return names
    return [] if result.matched_count == len(updates) else names


def _stored(value: Any) -> Any:
    """A value of the rank as documents hold it; the driver would write a small integer with 32 bits."""
    return Int64(value) if isinstance(value, int) else value


def _as_seen(plan: Plan, row: int) -> dict[str, Any]:
    """A filter for exactly the version that was read."""
    seen = {name: values[plan.at[row]] for name, values in plan.seen.items() if name != "_id"}
    return {
        "_id": seen["ids"],
        "metadata.digest": seen["digest"],
        "metadata.generation_id": seen["generation_id"],
        "metadata.sync_id": seen["sync_id"],
        **{f"metadata.{name}": _EPOCH + timedelta(milliseconds=seen[name]) for name in _TIMES},
    }
