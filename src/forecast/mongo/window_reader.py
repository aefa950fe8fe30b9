"""What the database holds of the windows that are evaluated, read while others are evaluated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any, Final, NamedTuple

from forecast.core.clock import DAY_MS, midnight
from forecast.core.memory import trim_heap
from forecast.core.stations import Station, Stations
from forecast.mongo.bson_decoder import PROJECTION, WITH_ORIGIN, StationColumns, joined, read_columns
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.loaded_rows import LoadedRows
from forecast.qc.windows import QcWindow, RowsByDay, windows_of

Columns = dict[str, StationColumns]
Days = Mapping[str, set[int]]
# 3 MB: larger messages take memory of their own from the kernel, page by page, every time.
_BATCH: Final = 3_000


class _Shared(NamedTuple):
    """The stations of which the window before has the days up to one, from the first that is read."""

    stations: frozenset[str]
    last_day: int


_NOTHING: Final = _Shared(frozenset(), 0)


class _Rest(NamedTuple):
    """What a window has apart from what it shares."""

    columns: Columns
    shared: _Shared


class _Waiting(NamedTuple):
    window: QcWindow
    rest: Future[_Rest]


def prefetch(
    days: Mapping[str, set[int]],
    collection: ObservationCollection,
    stations: Stations,
    loaded: LoadedRows | None = None,
    *,
    with_origins: bool = False,
) -> Iterator[tuple[QcWindow, Columns]]:
    """The windows that these days by station change, with what the database holds of them, one read ahead.

    A window of which `loaded` has every row that is there is taken from it, and not read. The origins are read on these
    days alone. What two windows one after another have in common, days of the same stations or stations on the same
    days, is read once: in an hour of 2 033 stations that is a quarter less. It is the halo of one or of both: what
    another writer changes there meanwhile, that writer enqueues, and it is evaluated once more. A large window is in
    memory alone.
    """
    before: Columns = {}
    origins = days if with_origins else {}
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        waiting: _Waiting | None = None
        for window in windows_of(days, stations, rows_by_day(collection)):
            if waiting is not None and (waiting.window.is_large or window.is_large):
                yield waiting.window, _whole(waiting, before)
                waiting, before = None, {}
            shared = _NOTHING if waiting is None else _shared(waiting.window, window)
            following = _Waiting(window, reader.submit(_had, window, collection, shared, loaded, origins))
            if waiting is not None:
                before = _whole(waiting, before)
                yield waiting.window, before
            waiting = following
        if waiting is not None:
            yield waiting.window, _whole(waiting, before)


def rows_by_day(collection: ObservationCollection) -> RowsByDay:
    """What counts the documents of some stations by day, through the index of stations and times alone."""

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
    """All that the flags of a window depend on, without origins."""
    return _read(window, collection, _NOTHING, {})


def _whole(waiting: _Waiting, before: Columns) -> Columns:
    """The columns of a window, of which the window before it may hold some."""
    columns, shared = waiting.rest.result()
    start, end = waiting.window.first_read * DAY_MS, (shared.last_day + 1) * DAY_MS
    found = dict(columns)
    for name in shared.stations & before.keys():
        later = [columns[name]] if name in columns else []
        found[name] = joined([before[name].between(start, end), *later])
    return found


def _shared(previous: QcWindow, window: QcWindow) -> _Shared:
    """What a window has in common with the one before it."""
    if not previous.first_read <= window.first_read <= previous.last_read + 1:
        return _NOTHING
    stations = frozenset(_ids(previous.halo) & _ids(window.halo))
    return _Shared(stations, min(previous.last_read, window.last_read))


def _ids(stations: Iterable[Station]) -> set[str]:
    return {station.id for station in stations}


def _had(
    window: QcWindow, collection: ObservationCollection, shared: _Shared, loaded: LoadedRows | None, origins: Days
) -> _Rest:
    """What the database holds of a window and is not shared, from what was loaded where that is all there is.

    For a large window, what was kept makes room: with 500 000 rows of one second, it and its columns took 140 MB.
    """
    if loaded is not None and window.is_large:
        loaded.clear()
    if loaded is not None:
        # What was loaded is taken from a day on, of all stations.
        usable = shared if shared.stations == _ids(window.halo) else _NOTHING
        kept = loaded.columns(window, usable.last_day + 1 if usable.stations else window.first_read)
        if kept is not None:
            return _Rest(kept, usable)
    found = _read(window, collection, shared, origins)
    if window.is_large:
        # What the columns were put together from is as much again.
        trim_heap()
    return _Rest(found, shared)


def _read(window: QcWindow, collection: ObservationCollection, shared: _Shared, origins: Days) -> Columns:
    """What the database holds of a window and is not shared; where it comes from on these days by station."""
    last, names = window.last_read, _ids(window.halo)
    parts = (
        *_parts(names - shared.stations, window.first_read, last, origins),
        *_parts(names & shared.stations, shared.last_day + 1, last, origins),
    )
    with mongo_errors("reading observations"):
        return read_columns(chain.from_iterable(_batches(collection, *part) for part in parts))


def _batches(
    collection: ObservationCollection, stations: Collection[str], first: int, last: int, read: Mapping[str, int]
) -> Iterator[bytes]:
    """The documents of stations from a day to a day, through the index of stations and times."""
    query = {
        "station.id": {"$in": sorted(stations)},
        "timestamp": {"$gte": midnight(first), "$lt": midnight(last + 1)},
    }
    found: Any = collection.find_raw_batches(query, read, hint="station_time", batch_size=_BATCH)
    yield from found


def _parts(
    names: Set[str], first: int, last: int, origins: Days
) -> Iterator[tuple[Collection[str], int, int, Mapping[str, int]]]:
    """What is read together: stations, first and last day, and what of each document; of each station by time."""
    changed = names & origins.keys()
    days = [day for name in changed for day in origins[name] if first <= day <= last]
    lowest, highest = (min(days), max(days)) if days else (last + 1, last)
    parts = (
        (changed, first, lowest - 1, PROJECTION),
        (changed, lowest, highest, WITH_ORIGIN),
        (changed, highest + 1, last, PROJECTION),
        (names - changed, first, last, PROJECTION),
    )
    yield from (part for part in parts if part[0] and part[1] <= part[2])
