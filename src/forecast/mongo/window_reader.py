"""What the database holds of the blocks that are judged, read while others are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from forecast.core.clock import DAY_MS, midnight
from forecast.core.stations import Station, Stations
from forecast.mongo.bson_decoder import PROJECTION, StationColumns, joined, read_columns
from forecast.mongo.client import Documents, told_apart
from forecast.qc.windows import Block, RowsByDay, blocks_of

Columns = dict[str, StationColumns]


class _Waiting(NamedTuple):
    block: Block
    # From this day on the block before it does not hold what it needs.
    first_day: int
    rest: Future[Columns]


def read_ahead(
    days: Mapping[str, set[int]], collection: Documents, stations: Stations
) -> Iterator[tuple[Block, Columns]]:
    """The blocks that these days by station change, with what the database holds of them, one read ahead.

    Days that two blocks one after another have in common are read once. They are the surroundings of the verdicts of
    one or of both: what another writer changes there meanwhile is marked by that writer, and judged once more. A large
    block is in memory alone.
    """
    before: Columns = {}
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        waiting: _Waiting | None = None
        for block in blocks_of(days, stations, rows_by_day(collection)):
            alone = waiting is not None and (waiting.block.is_large or block.is_large)
            if waiting is not None and (alone or _share_verdicts(waiting.block, block)):
                # Its verdicts are about to be written, and what is read before that would be old.
                yield waiting.block, _whole(waiting, before)
                waiting, before = None, {}
            first_day = block.first_read
            if waiting is not None and _follows(waiting.block, block):
                first_day = waiting.block.last_read + 1
            following = _Waiting(block, first_day, reader.submit(_read, block, collection, first_day))
            if waiting is not None:
                before = _whole(waiting, before)
                yield waiting.block, before
            waiting = following
        if waiting is not None:
            yield waiting.block, _whole(waiting, before)


def rows_by_day(collection: Documents) -> RowsByDay:
    """What counts the documents of some stations by day, through the index of stations and times alone."""

    def count(stations: tuple[Station, ...], first: int, last: int) -> dict[int, int]:
        query = {
            "station.id": {"$in": sorted(_ids(stations))},
            "timestamp": {"$gte": midnight(first), "$lt": midnight(last + 1)},
        }
        day = {"$toLong": {"$floor": {"$divide": [{"$toLong": "$timestamp"}, DAY_MS]}}}
        stages: list[dict[str, Any]] = [{"$match": query}, {"$group": {"_id": day, "rows": {"$sum": 1}}}]
        with told_apart("counting observations"):
            return {entry["_id"]: entry["rows"] for entry in collection.aggregate(stages, hint="station_time")}

    return count


def read_block(block: Block, collection: Documents) -> Columns:
    """All that a block's verdicts hang on."""
    return _read(block, collection, block.first_read)


def _whole(waiting: _Waiting, before: Columns) -> Columns:
    """The columns of a block, of which the block before it may hold the first days."""
    rest = waiting.rest.result()
    if waiting.first_day == waiting.block.first_read:
        return rest
    start = waiting.block.first_read * DAY_MS
    return {
        name: joined([part for part in (before[name].since(start) if name in before else None, rest.get(name)) if part])
        for name in before.keys() | rest.keys()
    }


def _follows(previous: Block, block: Block) -> bool:
    """Whether a block goes on where another ends, in time and at the same place."""
    return (
        previous.context == block.context
        and previous.affected[0] == block.affected[0]
        and previous.first_read <= block.first_read <= previous.last_read + 1
    )


def _share_verdicts(one: Block, other: Block) -> bool:
    """Whether the same documents are judged in both."""
    return (
        one.first <= other.last and other.first <= one.last and not _ids(one.affected).isdisjoint(_ids(other.affected))
    )


def _ids(stations: Iterable[Station]) -> set[str]:
    return {station.id for station in stations}


def _read(block: Block, collection: Documents, first_day: int) -> Columns:
    """What the database holds of a block from a day on, through the index of stations and times."""
    first, last = (midnight(day) for day in (first_day, block.last_read + 1))
    query = {"station.id": {"$in": sorted(_ids(block.context))}, "timestamp": {"$gte": first, "$lt": last}}
    with told_apart("reading observations"):
        batches: Any = collection.find_raw_batches(query, PROJECTION, hint="station_time", batch_size=5_000)
        return read_columns(batches)
