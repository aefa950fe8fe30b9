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
from forecast.mongo.loaded_rows import rows_by_station_day
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
# Two batches on their way: the server works on one while the next is made.
WRITERS = 2
_NAMESPACE_EXISTS = 48
_ROUNDS = 20
_TIMES = ("extracted_at", "source_modified_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def prepare_collection(collection: ObservationCollection) -> None:
    """Make the collection with its validator and indexes, and those of the daily aggregates, or bring them up to date.

    Raises SettingError where something else has the collection's name, or its documents are of another format version.
    """
    validator = json.loads(SCHEMA_FILE.read_text("utf-8"))
    database = collection.database
    with mongo_errors("creating the collection"):
        if not _created(collection, validator):
            found = next(iter(database.list_collections(filter={"name": collection.name})), {})
            _check_kind(collection, found)
            check_format(collection)
            if found.get("options", {}).get("validator") != validator:
                with mongo_errors("changing the validator"):
                    database.command("collMod", collection.name, validator=validator)
    with mongo_errors("creating the indexes"):
        collection.create_indexes(list(INDEXES))
    DailyAggregates.for_collection(collection).prepare()


def _created(collection: ObservationCollection, validator: Mapping[str, Any]) -> bool:
    """Make the collection; false where it exists, also where a concurrent run made it just before the command."""
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


def check_collection(collection: ObservationCollection) -> None:
    """Raise SettingError where the documents of a collection are of another format version, or indexes are missing."""
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
    """What became of all records: see `load_by_object`."""
    return sum(load_by_object(records, collection, pending_qc, conflicts).values(), LoadCounts())


def load_by_object(
    records: pd.DataFrame, collection: ObservationCollection, pending_qc: PendingQc, conflicts: Conflicts | None = None
) -> dict[str, LoadCounts]:
    """Load records (RECORD_SCHEMA), mark the days whose observations change, and count what became of each.

    The counts are by `source_uri`. `conflicts` is given the duplicates with differing values, and what was removed.

    Raises RetryableError where the database is unreachable, SettingError where it refuses a document; what other
    batches have written by then stays, and the next run finds it.
    """
    failed = threading.Event()

    def load_batch(batch: pa.Table) -> CountsByObject:
        if failed.is_set():
            # Of no effect: the error is on its way, and waiting for the database again is no use.
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
        pending_qc.enqueue(
            station_days(table.take(pa.array(changing, pa.int64())) if len(changing) < table.num_rows else table)
        )
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
    """What replacing removes, by document; of a document that was replaced in a round before, what that removed."""
    kept = {name: before[name] for name in before.keys() & set(plan.unchanged)}
    return kept | removed_by(table, plan, stored)


def _seen(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """The versions that were seen, by document."""
    names = [name for name in plan.seen if name != "ids"]
    return dict(zip(plan.seen.get("ids", ()), zip(*(plan.seen[name] for name in names), strict=True), strict=False))


def station_days(records: pa.Table) -> set[tuple[str, int]]:
    """The station-days (UTC, since 1970) of records."""
    return set(rows_by_station_day(records))


def _insert(table: pa.Table, rows: Sequence[int], collection: ObservationCollection) -> list[str]:
    """Insert rows; the ids that a concurrent run inserted first."""
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
    """Replace what the plan says; the ids that may have changed since they were seen."""
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
    """Equal content delivered again: the content stays, and source and rank become those of the newest delivery.

    Without it a third record, older than this delivery and newer than the first, would win or lose by the order of
    loading. Gives the ids that may have changed since they were seen.
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
    """A value of the rank as documents hold it: the driver would write a small number as 32 bits."""
    return Int64(value) if isinstance(value, int) else value


def _as_seen(plan: Plan, row: int) -> dict[str, Any]:
    """The filter of exactly the version that was seen."""
    seen = {name: values[plan.at[row]] for name, values in plan.seen.items() if name != "_id"}
    return {
        "_id": seen["ids"],
        "metadata.digest": seen["digest"],
        "metadata.generation_id": seen["generation_id"],
        "metadata.sync_id": seen["sync_id"],
        **{f"metadata.{name}": _EPOCH + timedelta(milliseconds=seen[name]) for name in _TIMES},
    }
