"""query_latency_report_<time>.json: how long the query takes that the database is there for, a station's day."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from pymongo import DESCENDING
from rich.console import Group
from rich.table import Table
from rich.text import Text

from forecast.core.clock import iso_time
from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.core.stations import load_stations
from forecast.mongo.client import Documents, connect, told_apart
from forecast.mongo.loader import check_indexes

PERCENTILES = "linear interpolation between the two nearest ranks (numpy's 'linear')"
EXIT_DONE, EXIT_SLO_NOT_HELD = 0, 3


def latency_report(
    settings: Settings, station_id: str | None, day: date | None, iterations: int, slo_p95_ms: float, now: datetime
) -> tuple[dict[str, Any], int]:
    """Time the query on the real collection; the report and the exit code.

    That is 3 where the SLO is missed, or where nothing was found and nobody knows whether it is.

    Without a station it is the registry's first, without a day that of the station's newest observation.
    Raises SettingError for wrong options and unknown stations, RetryableError where the database is out of reach.
    """
    _check_options(day, iterations, slo_p95_ms)
    stations = load_stations()
    station_id = station_id if station_id is not None else next(iter(stations)).id
    with connect(settings) as collection, told_apart("timing queries"):
        check_indexes(collection)
        newest = collection.find_one({"station.id": station_id}, {"timestamp": 1}, sort=[("timestamp", DESCENDING)])
        if newest is None and stations.get(station_id) is None:
            known = ", ".join(station.id for station in stations)
            raise SettingError(
                f"station {station_id!r} is neither in the registry nor in {collection.full_name} (registry: {known})"
            )
        if day is None:
            day = (newest["timestamp"] if newest else now.astimezone(UTC)).date()
        report = {
            "generated_at": iso_time(now),
            **measure_latency(collection, station_id, day, iterations, slo_p95_ms),
        }
        report["note"] = _note(report, newest)
    return report, EXIT_DONE if report["slo"]["held"] else EXIT_SLO_NOT_HELD


def measure_latency(
    collection: Documents,
    station_id: str,
    day: date,
    iterations: int,
    slo_p95_ms: float,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
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
    latency = _statistics(times)
    explained = collection.database.command(
        {"explain": {"find": collection.name, "filter": query}, "verbosity": "executionStats"}
    )
    return {
        "collection": collection.full_name,
        "station_id": station_id,
        "date": day.isoformat(),
        "iterations": iterations,
        "rows_returned": rows,
        "latency_ms": latency,
        "percentiles": PERCENTILES,
        "query": {"station.id": station_id, "timestamp": {"$gte": iso_time(start), "$lt": iso_time(end)}},
        **_plan(explained),
        # How fast nothing is found says nothing of how fast a station's day is.
        "slo": {"p95_ms": slo_p95_ms, "held": latency["p95"] <= slo_p95_ms if rows else None},
    }


def render_latency(report: dict[str, Any]) -> Group:
    """Show the report to a person, readable without colour."""
    latency = report["latency_ms"]
    table = Table(box=None, pad_edge=False)
    for name in latency:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(*(f"{value:.2f}" for value in latency.values()))
    slo = report["slo"]
    held = {True: "held", False: "MISSED", None: "not measured, nothing was found"}[slo["held"]]
    title = (
        f"{report['collection']}: station {report['station_id']} on {report['date']} (UTC)\n"
        f"{report['iterations']} queries, {report['rows_returned']} rows each. Times in ms:"
    )
    examined = f"{report['documents_examined']} documents and {report['keys_examined']} keys examined"
    after = [
        f"Index: {report['index']}; {examined}",
        f"SLO: p95 at most {slo['p95_ms']:g} ms: {held}",
    ]
    if report["note"]:
        after.append(report["note"])
    return Group(Text(title), table, Text("\n".join(after)))


def _check_options(day: date | None, iterations: int, slo_p95_ms: float) -> None:
    if iterations < 1:
        raise SettingError(f"--iterations is {iterations}; it takes 1 or more")
    if not (math.isfinite(slo_p95_ms) and slo_p95_ms > 0):
        raise SettingError(f"--slo-p95-ms is {slo_p95_ms}; it takes a number of milliseconds above 0")
    if day == date.max:
        raise SettingError(f"--date is {day}; there is no day after it")


def _statistics(times: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times, [50, 95, 99], method="linear")
    found = {"min": min(times), "max": max(times), "mean": sum(times) / len(times), "p50": p50, "p95": p95, "p99": p99}
    return {name: round(float(value), 3) for name, value in found.items()}


def _plan(explained: dict[str, Any]) -> dict[str, Any]:
    """Name the index, or the stage that took its place, such as COLLSCAN, and count what the query looked at."""
    stages = list(_stages(explained["queryPlanner"]["winningPlan"]))
    indexes = [stage["indexName"] for stage in stages if "indexName" in stage]
    names = [str(stage["stage"]) for stage in stages if "stage" in stage]
    statistics = explained["executionStats"]
    return {
        "index": "COLLSCAN" if "COLLSCAN" in names else next(iter(indexes or names[-1:]), "unknown"),
        "documents_examined": int(statistics["totalDocsExamined"]),
        "keys_examined": int(statistics["totalKeysExamined"]),
    }


def _stages(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, dict):
        yield plan
        for part in plan.values():
            yield from _stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from _stages(part)


def _note(report: dict[str, Any], newest: dict[str, Any] | None) -> str | None:
    if report["rows_returned"]:
        return None
    station_id, collection = report["station_id"], report["collection"]
    if newest is None:
        return f"{collection} holds no observation of station {station_id}: these are the times of finding nothing."
    return (
        f"{collection} holds no observation of station {station_id} on {report['date']} (UTC); "
        f"its newest is of {iso_time(newest['timestamp'])}. These are the times of finding nothing."
    )
