"""The main query of the database, a station's day: its times, and how MongoDB executes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pymongo import DESCENDING

from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.core.text import listed
from forecast.mongo.client import ObservationCollection, connect, mongo_errors
from forecast.mongo.loader import check_collection


@dataclass(frozen=True, slots=True)
class Plan:
    """The index that MongoDB used, or the stage that took its place, and what the query looked at."""

    index: str
    documents_examined: int
    keys_examined: int


@dataclass(frozen=True, slots=True)
class Measured:
    """The times (ms) of one query on a collection, the rows of each, and its plan."""

    collection: str
    station_id: str
    start: datetime
    end: datetime
    times_ms: list[float]
    rows: int
    plan: Plan


def measure(
    settings: Settings, stations: Stations, station_id: str | None, day: date | None, iterations: int, now: datetime
) -> tuple[Measured, datetime | None]:
    """Time the query on the real collection; and the station's newest observation.

    Without a station it is the registry's first, without a day that of the station's newest observation.
    Raises SettingError for unknown stations, RetryableError where the database is unreachable.
    """
    station_id = station_id if station_id is not None else next(iter(stations)).id
    with connect(settings) as collection, mongo_errors("timing queries"):
        check_collection(collection)
        found = collection.find_one({"station.id": station_id}, {"timestamp": 1}, sort=[("timestamp", DESCENDING)])
        newest = None if found is None else found["timestamp"]
        if newest is None and stations.get(station_id) is None:
            known = listed([station.id for station in stations])
            raise SettingError(
                f"station {station_id!r} is neither in the registry nor in {collection.full_name} (registry: {known})"
            )
        if day is None:
            day = (newest or now.astimezone(UTC)).date()
        return measure_latency(collection, station_id, day, iterations), newest


def measure_latency(
    collection: ObservationCollection,
    station_id: str,
    day: date,
    iterations: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """Time `iterations` finds of one station's UTC day, every row fetched and decoded, after one that is not counted.

    Times are milliseconds as this program sees them, the way over the network included; `clock` gives seconds.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    query = {"station.id": station_id, "timestamp": {"$gte": start, "$lt": end}}
    times, rows = [], 0
    for number in range(iterations + 1):
        begun = clock()
        rows = len(list(collection.find(query)))
        if number:
            times.append((clock() - begun) * 1000)
    explained = collection.database.command(
        {"explain": {"find": collection.name, "filter": query}, "verbosity": "executionStats"}
    )
    return Measured(collection.full_name, station_id, start, end, times, rows, plan_of(explained))


def plan_of(explained: dict[str, Any]) -> Plan:
    """Name the index, or the stage that took its place, such as COLLSCAN, and count what the query looked at."""
    if "queryPlanner" not in explained:
        # An aggregation: what reads documents is its first stage.
        explained = explained["stages"][0]["$cursor"]
    stages = list(_stages(explained["queryPlanner"]["winningPlan"]))
    indexes = [stage["indexName"] for stage in stages if "indexName" in stage]
    names = [str(stage["stage"]) for stage in stages if "stage" in stage]
    statistics = explained["executionStats"]
    return Plan(
        index="COLLSCAN" if "COLLSCAN" in names else next(iter(indexes or names[-1:]), "unknown"),
        documents_examined=int(statistics["totalDocsExamined"]),
        keys_examined=int(statistics["totalKeysExamined"]),
    )


def _stages(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        yield plan
        for part in plan.values():
            yield from _stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)
