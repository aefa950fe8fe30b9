"""query_latency_report_<time>.json: how long the query for a station's day takes."""

from __future__ import annotations

from datetime import date, datetime

from msgspec.structs import asdict
from rich.console import Group
from rich.table import Table
from rich.text import Text

from forecast.core.clock import iso_time
from forecast.core.errors import SettingError
from forecast.core.format_version import FORMAT_VERSION
from forecast.core.settings import Settings
from forecast.core.slo import QuerySlo
from forecast.core.stations import Stations
from forecast.mongo.probes.latency import Measured, measure
from forecast.report.latency_slo import METHOD, held_to, percentiles
from forecast.report.models.latency import Query, QueryLatencyReport, TimeRange

EXIT_DONE, EXIT_SLO_NOT_MET = 0, 3


def latency_report(
    settings: Settings,
    stations: Stations,
    station_id: str | None,
    day: date | None,
    iterations: int,
    slo: QuerySlo,
    now: datetime,
) -> tuple[QueryLatencyReport, int]:
    """Time the query on the real collection; return the report and the exit code.

    The exit code is 3 if the SLO is missed, or if nothing was found, so that this is unknown.

    Without a station it is the registry's first, without a day that of the station's newest observation.
    Raises SettingError for wrong options and unknown stations, RetryableError where the database is unreachable.
    """
    _check_options(day, iterations)
    measured, newest = measure(settings, stations, station_id, day, iterations, now)
    report = report_of(measured, newest, slo, now)
    return report, EXIT_DONE if report.slo.met else EXIT_SLO_NOT_MET


def report_of(measured: Measured, newest: datetime | None, slo: QuerySlo, now: datetime) -> QueryLatencyReport:
    """The report of a measurement; `newest` is the station's newest observation."""
    start, end = iso_time(measured.start), iso_time(measured.end)
    return QueryLatencyReport(
        format_version=FORMAT_VERSION,
        generated_at=iso_time(now),
        collection=measured.collection,
        station_id=measured.station_id,
        date=measured.start.date().isoformat(),
        iterations=len(measured.times_ms),
        rows_returned=measured.rows,
        latency_ms=percentiles(measured.times_ms),
        percentiles=METHOD,
        query=Query(measured.station_id, TimeRange(start, end)),
        index=measured.plan.index,
        documents_examined=measured.plan.documents_examined,
        keys_examined=measured.plan.keys_examined,
        slo=held_to(slo, measured.times_ms, found=measured.rows > 0),
        note=_note(measured, newest),
    )


def render_latency(report: QueryLatencyReport) -> Group:
    """Show the report to a person, readable without colour."""
    latency = asdict(report.latency_ms)
    table = Table(box=None, pad_edge=False)
    for name in latency:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(*(f"{value:.2f}" for value in latency.values()))
    met = {True: "met", False: "MISSED", None: "not measured, nothing was found"}[report.slo.met]
    title = (
        f"{report.collection}: station {report.station_id} on {report.date} (UTC)\n"
        f"{report.iterations} queries, {report.rows_returned} rows each. Times in ms:"
    )
    examined = f"{report.documents_examined} documents and {report.keys_examined} keys examined"
    after = [
        f"Index: {report.index}; {examined}",
        f"SLO: p95 at most {report.slo.p95_ms:g} ms, p99 at most {report.slo.p99_ms:g} ms: {met}",
    ]
    if report.note:
        after.append(report.note)
    return Group(Text(title), table, Text("\n".join(after)))


def _check_options(day: date | None, iterations: int) -> None:
    if iterations < 1:
        raise SettingError(f"--iterations is {iterations}; expected 1 or more")
    if day == date.max:
        raise SettingError(f"--date is {day}; there is no day after it")


def _note(measured: Measured, newest: datetime | None) -> str | None:
    if measured.rows:
        return None
    station_id, collection = measured.station_id, measured.collection
    if newest is None:
        return f"{collection} has no observation of station {station_id}, so these times are for empty results."
    return (
        f"{collection} has no observation of station {station_id} on {measured.start:%Y-%m-%d} (UTC); "
        f"its newest is from {iso_time(newest)}. These times are for empty results."
    )
