"""Forty made-up nights: the reports of runs, made by what makes them in a run, and what can be wrong in them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from forecast.core.clock import DAY_MS, report_time
from forecast.core.counts import ObjectCounts, QcCounts, QualityTally, StationTally
from forecast.core.presence import Presence
from forecast.core.reading import UnreadParameter
from forecast.core.registry import load_stations
from forecast.core.slo import default_slos
from forecast.core.stations import Stations
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.probes.latency import Measured, Plan
from forecast.qc.flags import FAIL, SUSPECT
from forecast.report.attention import RunLimits, attention
from forecast.report.findings import Findings
from forecast.report.latency import report_of
from forecast.report.models.base import Report
from forecast.report.models.status import RunStatus
from forecast.report.quality import quality_report
from forecast.report.silence import stations_seen
from forecast.report.status import REPORT_NAME, RunInfo, RunProgress, status_report

NIGHTS: Final = 40
FIRST: Final = datetime(2026, 10, 21, 3, 10, tzinfo=UTC)
LAST: Final = FIRST + timedelta(days=NIGHTS - 1)
MAX_AGE_HOURS: Final = 36.0
STATIONS: Final = load_stations()
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Flagged:
    """What a check has found of a parameter of a station in the last nights."""

    station: str
    parameter: str
    check: str
    number: int
    failed: bool = False
    off: float | None = None


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong in the made-up nights; `ages` are hours since a station's newest observation, in the last night."""

    ages: Mapping[str, float] = field(default_factory=dict)
    flagged: tuple[Flagged, ...] = ()
    missed: frozenset[int] = frozenset()
    failed: Mapping[int, str] = field(default_factory=dict)
    rejected: Mapping[int, int] = field(default_factory=dict)
    unread: tuple[UnreadParameter, ...] = ()
    p95_ms: float = 31.2


def night(number: int) -> datetime:
    """When the run of a night was due; it starts five seconds later."""
    return FIRST + timedelta(days=number)


def write_nights(folder: Path, faults: Faults = Faults(), stations: Stations = STATIONS) -> None:
    """The reports of forty nights, but for those that were missed."""
    (folder / "history").mkdir(parents=True)
    for number in range(NIGHTS):
        if number not in faults.missed:
            _write_night(folder, number, faults, stations)


def _write_night(folder: Path, number: int, faults: Faults, stations: Stations) -> None:
    started = night(number) + timedelta(seconds=5)
    failed = faults.failed.get(number)
    run_id = f"{started:%Y%m%dT%H%M%SZ}-{number:06x}"
    objects = [] if failed else _objects(number, faults)
    presence = _presence(started, faults, stations, last=number == NIGHTS - 1)
    findings = Findings() if failed else _findings(number, faults, stations)
    tally = QualityTally() if failed else _tally(number, stations)
    tally.reasons["no_time"] += faults.rejected.get(number, 0)
    progress = RunProgress(objects_listed=40 + number, objects_already_processed=38 + number)
    progress.evaluated.add(QcCounts(evaluated=1_600, rewritten=12))
    if failed:
        progress.add_error("RetryableError", failed)
    else:
        progress.seen = stations_seen(presence, stations, started)
    info = RunInfo(run_id, started, "2.0.0", {"max_rejection_rate": 0.05})
    partial = any(one.unread_parameters or one.records_rejected > 0.05 * one.rows_read for one in objects)
    status: RunStatus = "failed" if failed else "partial" if partial else "success"
    code = {"failed": 1, "partial": 3}.get(status, 0)
    ended = started + timedelta(seconds=41 + 6 * math.sin(number))
    told = attention(progress, objects, tally, findings, {}, RunLimits(0.05, MAX_AGE_HOURS))
    report = status_report(info, progress, objects, status=status, exit_code=code, finished_at=ended, attention=told)
    _write(folder / "history" / f"{run_id}.json", report)
    _write(folder / REPORT_NAME, report)
    if not failed:
        quality = quality_report(run_id, tally, objects, stations, ended, findings, Conflicts(), presence)
        _write(folder / f"quality_report_{report_time(ended)}.json", quality)
    p95 = faults.p95_ms if number == NIGHTS - 1 else 28 + 4 * math.sin(number * 1.7)
    write_latency(folder, ended + timedelta(minutes=1), p95)


def write_latency(folder: Path, now: datetime, p95_ms: float) -> None:
    """A latency report as `forecast latency` writes it."""
    start = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=1)
    times = [p95_ms * share / 10 for share in (4, 5, 5, 5, 6, 6, 7, 8, 10, 10)]
    plan = Plan("station_time", 288, 288)
    measured = Measured("forecast_2_0.weather_measurements", "ITESTB25", start, now, times, 288, plan)
    _write(
        folder / f"query_latency_report_{report_time(now)}.json",
        report_of(measured, start, default_slos().queries.station_day, now),
    )


def _write(path: Path, report: Report) -> None:
    """Without waiting for the disk, which costs more than all the rest."""
    path.write_bytes(msgspec.json.encode(report))


def _objects(number: int, faults: Faults) -> list[ObjectCounts]:
    rows = 1_063 + number % 5
    rejected = faults.rejected.get(number, 0)
    return [
        ObjectCounts(
            f"infoclimat/api/2026_{number}_0.jsonl",
            f"s3://raw/infoclimat/api/2026_{number}_0.jsonl",
            "loaded",
            rows_read=rows,
            records_validated=rows - rejected,
            records_rejected=rejected,
            inserted=rows - rejected,
            unread_parameters=list(faults.unread) if number == NIGHTS - 1 else [],
        )
    ]


def _presence(started: datetime, faults: Faults, stations: Stations, *, last: bool) -> Presence:
    newest = {}
    for station in stations:
        hours = faults.ages.get(station.id, 0.1) if last else 0.1
        newest[station.id] = round((started - hours * HOUR).timestamp() * 1000)
    first = {station.id: newest[station.id] - 60 * DAY_MS for station in stations}
    day = newest[next(iter(newest))] // DAY_MS - 1
    received = {station.id: round(1440 / station.interval_minutes) for station in stations}
    return Presence(first, newest, received, frozenset({day}), MAX_AGE_HOURS)


def _tally(number: int, stations: Stations) -> QualityTally:
    tally = QualityTally()
    for station in stations:
        score = 0.9 + 0.004 * math.sin(number * 0.9)
        tally.stations[station.id].add(StationTally(178, 0, 1, 178 * score))
    return tally


def _findings(number: int, faults: Faults, stations: Stations) -> Findings:
    findings = Findings()
    for station in stations:
        findings.stations[station.id] = station
        for name in station.parameters:
            findings.values[station.id, name] = round(1440 / station.interval_minutes)
    if number >= NIGHTS - 3:
        for one in faults.flagged:
            key = (one.station, one.parameter, one.check)
            (findings.failed if one.failed else findings.suspect)[key] = one.number
            findings.evaluated[key] = one.number
            findings.flagged[one.station, one.parameter, FAIL if one.failed else SUSPECT] += one.number
            if one.off is not None:
                findings.biases[one.station, one.parameter] = one.off
    return findings
