"""Reads QC windows from the database, each while the previous one is evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any, Final, NamedTuple

from forecast.core.clock import DAY_MS, from_ms, midnight
from forecast.core.memory import trim_heap
from forecast.core.stations import Station, Stations
from forecast.mongo.bson_decoder import PROJECTION, WITH_ORIGIN, StationColumns, joined, read_columns
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.loaded_rows import LoadedRows
from forecast.qc.changes import Changes
from forecast.qc.windows import QcWindow, RowsByDay, windows_of

Columns = dict[str, StationColumns]
Days = Mapping[str, Set[int]]
# 3 MB: larger messages make the kernel allocate new pages every time.
_BATCH: Final = 3_000


class _Shared(NamedTuple):
    """The stations and days that a window shares with the previous one, from the first day that is read."""

    stations: frozenset[str]
    last_day: int


_NOTHING: Final = _Shared(frozenset(), 0)


class _Rest(NamedTuple):
    """The part of a window that is not shared with the previous one."""

    columns: Columns
    shared: _Shared


class _Waiting(NamedTuple):
    window: QcWindow
    rest: Future[_Rest]


def prefetch(
    changes: Changes,
    collection: ObservationCollection,
    stations: Stations,
    loaded: LoadedRows | None = None,
    *,
    with_origins: bool = False,
) -> Iterator[tuple[QcWindow, Columns]]:
    """The windows for these changes, with their data from the database, one read ahead.

    A window whose rows are all in `loaded` is taken from there. Origins are only read for days whose observations
    changed. What two consecutive windows have in common, days of the same stations or stations on the same
    days, is read once: for an hour of 2 033 stations, this is a quarter less. It is the halo of one or both. If
    another run changes it meanwhile, that run enqueues it, and it is evaluated again. A large window is in
    memory on its own.

    The caller may remove columns from what it gets: only copies of what the next window shares are kept here.
    """
    before: Columns = {}
    origins = changes.days if with_origins else {}
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        waiting: _Waiting | None = None
        for window in windows_of(changes, stations, rows_by_day(collection)):
            if waiting is not None and (waiting.window.is_large or window.is_large):
                read, columns = waiting.window, _whole(waiting, before)
                waiting, before = None, {}
                yield read, columns
                del columns
            shared = _NOTHING if waiting is None else _shared(waiting.window, window)
            following = _Waiting(window, reader.submit(_had, window, collection, shared, loaded, origins))
            if waiting is None:
                waiting = following
                continue
            read, columns = waiting.window, _whole(waiting, before)
            before, waiting = _kept(columns, window, shared), following
            yield read, columns
            del columns
        if waiting is not None:
            read, columns = waiting.window, _whole(waiting, before)
            waiting, before = None, {}
            yield read, columns


def rows_by_day(collection: ObservationCollection) -> RowsByDay:
    """A function that counts the documents of some stations by day, from the index on station and time alone."""

    def count(stations: tuple[Station, ...], first: int, last: int) -> dict[int, int]:
        query = {
            "station.id": {"$in": sorted(_ids(stations))},
            "timestamp": {"$gte": midnight(first), "$lt": midnight(last + 1)},
        }
        day = {"$toLong": {"$floor": {"$divide": [{"$toLong": "$timestamp"}, DAY_MS]}}}
        stages: list[dict[str, Any]] = [{"$match": query}, {"$group": {"_id": day, "rows": {"$sum": 1}}}]
        with mongo_errors("counting observations"):
            return {entry["_id"]: entry["rows"] for entry in collection.aggregate(stages, hint="station_time")}

    return count


def read_window(window: QcWindow, collection: ObservationCollection) -> Columns:
    """Everything that the flags of a window depend on, without origins."""
    return _read(window, collection, _NOTHING, {})


def _whole(waiting: _Waiting, before: Columns) -> Columns:
    """The columns of a window, some of which may come from the previous window."""
    columns, shared = waiting.rest.result()
    start, end = waiting.window.read_from, (shared.last_day + 1) * DAY_MS
    found = dict(columns)
    for name in shared.stations & before.keys():
        later = [columns[name]] if name in columns else []
        found[name] = joined([before[name].between(start, end), *later])
    return found


def _kept(columns: Columns, window: QcWindow, shared: _Shared) -> Columns:
    """The columns that a window shares with the next one, copied: a slice would keep the whole window in memory."""
    start, end = window.read_from, (shared.last_day + 1) * DAY_MS
    return {name: columns[name].between(start, end).copy() for name in shared.stations & columns.keys()}


def _shared(previous: QcWindow, window: QcWindow) -> _Shared:
    """What a window has in common with the previous one."""
    if not previous.first_read <= window.first_read <= previous.last_read + 1:
        return _NOTHING
    stations = frozenset(_ids(previous.halo) & _ids(window.halo))
    return _Shared(stations, min(previous.last_read, window.last_read))


def _ids(stations: Iterable[Station]) -> set[str]:
    return {station.id for station in stations}


def _had(
    window: QcWindow, collection: ObservationCollection, shared: _Shared, loaded: LoadedRows | None, origins: Days
) -> _Rest:
    """The part of a window that is not shared, from the loaded rows if these are all there are.

    For a large window, the kept rows are released: with 500 000 rows of one second, they and the columns took 140 MB.
    """
    if loaded is not None and window.is_large:
        loaded.clear()
    if loaded is not None:
        # Loaded rows can only be taken for all stations, from a day on.
        usable = shared if shared.stations == _ids(window.halo) else _NOTHING
        kept = loaded.columns(window, (usable.last_day + 1) * DAY_MS if usable.stations else window.read_from)
        if kept is not None:
            return _Rest(kept, usable)
    found = _read(window, collection, shared, origins)
    if window.is_large:
        # The parts that the columns were built from take as much memory again.
        trim_heap()
    return _Rest(found, shared)


def _read(window: QcWindow, collection: ObservationCollection, shared: _Shared, origins: Days) -> Columns:
    """The part of a window that is not shared, from the database, with the origins on these days (by station)."""
    last, names = window.last_read, _ids(window.halo)
    parts = (
        *_parts(names - shared.stations, window.read_from, last, origins),
        *_parts(names & shared.stations, (shared.last_day + 1) * DAY_MS, last, origins),
    )
    with mongo_errors("reading observations"):
        return read_columns(chain.from_iterable(_batches(collection, *part) for part in parts))


def _batches(
    collection: ObservationCollection, stations: Collection[str], start: int, end: int, read: Mapping[str, int]
) -> Iterator[bytes]:
    """The documents of stations from `start` up to but not including `end` (ms), through the index on both."""
    query = {
        "station.id": {"$in": sorted(stations)},
        "timestamp": {"$gte": from_ms(start), "$lt": from_ms(end)},
    }
    found: Any = collection.find_raw_batches(query, read, hint="station_time", batch_size=_BATCH)
    yield from found


def _parts(
    names: Set[str], start: int, last: int, origins: Days
) -> Iterator[tuple[Collection[str], int, int, Mapping[str, int]]]:
    """What is read in one query, up to the end of the day `last`; sorted by time for each station.

    Stations, start and end (ms, exclusive), and the fields.
    """
    end = (last + 1) * DAY_MS
    changed = names & origins.keys()
    days = [day for name in changed for day in origins[name] if start // DAY_MS <= day <= last]
    lowest, highest = (max(start, min(days) * DAY_MS), (max(days) + 1) * DAY_MS) if days else (end, end)
    parts = (
        (changed, start, lowest, PROJECTION),
        (changed, lowest, highest, WITH_ORIGIN),
        (changed, highest, end, PROJECTION),
        (names - changed, start, end, PROJECTION),
    )
    yield from (part for part in parts if part[0] and part[1] < part[2])
