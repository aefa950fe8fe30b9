"""Reads a folder of reports for the dashboard: runs, quality, latency and ingestion, oldest first."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

import msgspec

from forecast.report.error_budget import Evidence
from forecast.report.history import past_runs
from forecast.report.models import quality as quality_model
from forecast.report.models.base import Count, Model, Rate, Report
from forecast.report.models.ingest import IngestReport
from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.load_test import LoadTestReport
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import PipelineStatus
from forecast.site.model import (
    NIGHTS,
    CheckCount,
    Duplicate,
    Episode,
    Finding,
    Ingestion,
    Latency,
    Night,
    Quality,
    RejectedObject,
)

LOGGER = logging.getLogger("forecast.site")
TIMED: Final = (QualityReport.kind, QueryLatencyReport.kind, LoadTestReport.kind, IngestReport.kind)
_MAX_DUPLICATES: Final = 30
_ReportT = TypeVar("_ReportT", bound=Report)
_ModelT = TypeVar("_ModelT", bound=Model)


@dataclass(frozen=True, slots=True)
class Logs:
    """The contents of the reports; `runs` are statuses, newest first, `nights` the same for display, oldest first.

    `unreadable` are the names of files that are not reports of this version.
    """

    runs: tuple[PipelineStatus, ...]
    nights: tuple[Night, ...]
    quality: Quality | None
    findings: Mapping[str, tuple[Finding, ...]]
    latency: tuple[Latency, ...]
    ingestion: tuple[Ingestion, ...]
    objects: tuple[RejectedObject, ...]
    unreadable: tuple[str, ...]
    measurements: Evidence


class _RunQuality(Model):
    """The figures of a run's quality report that pages show; with many stations, a whole report has megabytes."""

    format_version: Literal[2]
    run_id: str | None
    records_validated: Count
    completeness_score: Rate
    anomalies_detected: Count
    values_judged: Count


class _Shown(NamedTuple):
    """The quality report whose details are shown, and whether no later one is there."""

    report: QualityReport
    is_newest: bool


def read_logs(folder: Path) -> Logs:
    """The contents of the newest reports in a folder."""
    runs, unreadable = past_runs(folder, NIGHTS)
    by_run, shown = _qualities(folder)
    latency = _reports(folder, QueryLatencyReport)
    return Logs(
        runs=tuple(runs),
        nights=tuple(_night(status, by_run.get(status.run_id)) for status in reversed(runs)),
        quality=None if shown is None else _quality(shown.report, is_newest=shown.is_newest),
        findings={} if shown is None else _findings(shown.report),
        latency=tuple(map(_latency, latency)),
        ingestion=tuple(_ingestion(_reports(folder, IngestReport))),
        objects=tuple(_objects(runs[0])) if runs else (),
        unreadable=tuple(unreadable),
        measurements=Evidence(latency=latency, load=_reports(folder, LoadTestReport)),
    )


def _reports(folder: Path, of: type[_ReportT]) -> list[_ReportT]:
    """The newest reports of a kind, oldest first; one of another form is logged and left out."""
    return [report for path in _files(folder, of.kind) if (report := _read(path, of)) is not None]


def _qualities(folder: Path) -> tuple[dict[str, _RunQuality], _Shown | None]:
    """What is shown of the newest quality reports of runs, by run, and the report whose details are; likewise."""
    read = ((path, _read(path, _RunQuality)) for path in reversed(_files(folder, QualityReport.kind)))
    found = {path: report for path, report in read if report is not None and report.run_id is not None}
    shown = None
    # A run without new values checks none, and takes nothing back of what the run before it found.
    for path in sorted(found, key=lambda path: not found[path].values_judged):
        report = _read(path, QualityReport)
        if report is not None:
            shown = _Shown(report, path == next(iter(found)))
            break
        del found[path]
    return {str(report.run_id): report for report in reversed(found.values())}, shown


def _files(folder: Path, kind: str) -> list[Path]:
    """The newest reports of a kind, oldest first."""
    # By the name without its ending: the second report of a second, "…Z-2.json", comes after "…Z.json".
    return sorted(folder.glob(f"{kind}_*.json"), key=lambda path: path.stem)[-NIGHTS:]


def _read(path: Path, of: type[_ModelT]) -> _ModelT | None:
    """A report; None where it has another form, which is logged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=of)
    except (OSError, ValueError) as error:
        LOGGER.warning("the dashboard cannot read %s (%s) and leaves it out", path.name, type(error).__name__)
        return None


def _night(status: PipelineStatus, quality: _RunQuality | None) -> Night:
    counts = status.counts
    started = _moment(status.started_at)
    finished = None if status.finished_at is None else _moment(status.finished_at)
    night = Night(
        status.run_id,
        status.status,
        started,
        seconds=None if finished is None else (finished - started).total_seconds(),
        exit_code=status.exit_code,
        error=next((error.message for error in status.errors if error.object is None), None),
        objects_loaded=counts.objects_loaded,
        records_extracted=counts.records_extracted,
        records_validated=counts.records_validated,
        records_rejected=counts.records_rejected,
        documents_new=counts.inserted,
        rejection_rate=counts.rejection_rate if counts.records_extracted else None,
    )
    if quality is None:
        return night
    return replace(
        night,
        completeness_score=quality.completeness_score if quality.records_validated else None,
        anomalies_detected=quality.anomalies_detected,
        values_judged=quality.values_judged,
    )


def _quality(report: QualityReport, *, is_newest: bool) -> Quality:
    return Quality(
        generated_at=_moment(report.generated_at),
        is_newest=is_newest,
        completeness_score=report.completeness_score,
        anomalies_detected=report.anomalies_detected,
        values_judged=report.values_judged,
        episodes=tuple(map(_episode, report.worst_episodes)),
        checks=tuple(
            CheckCount(check, counts.evaluated, counts.suspect, counts.failed)
            for check, counts in report.by_check.items()
        ),
        flags={
            station: {name: (one.values, one.suspect + one.failed) for name, one in parameters.items()}
            for station, parameters in report.flags_by_station.items()
        },
        duplicates=tuple(_duplicates(report.conflicts.examples))[:_MAX_DUPLICATES],
        duplicates_by_station=report.conflicts.by_station,
    )


def _episode(entry: quality_model.WorstEpisode) -> Episode:
    return Episode(
        station=entry.station,
        parameter=entry.parameter,
        first=_moment(entry.from_),
        last=_moment(entry.to),
        count=entry.count,
        flag=entry.flag,
        low=entry.min,
        high=entry.max,
        checks=tuple(entry.checks),
    )


def _duplicates(examples: Sequence[quality_model.Conflict]) -> Iterator[Duplicate]:
    """The parameters of which two records of one observation have different values."""
    for entry in examples:
        winner, loser = entry.winner, entry.loser
        for name in dict.fromkeys([*winner.values, *loser.values]):
            one, other = winner.values.get(name), loser.values.get(name)
            if one != other:
                yield Duplicate(entry.observation, name, one, other, winner.source_uri)


def _findings(report: QualityReport) -> dict[str, tuple[Finding, ...]]:
    found: dict[str, list[Finding]] = {}
    for entry in report.advice:
        finding = Finding(entry.parameter, entry.check, entry.message, entry.count, entry.share)
        found.setdefault(entry.station, []).append(finding)
    return {station: tuple(findings) for station, findings in found.items()}


def _latency(report: QueryLatencyReport) -> Latency:
    times = report.latency_ms
    return Latency(
        generated_at=_moment(report.generated_at),
        station=report.station_id,
        day=report.date,
        p50=times.p50,
        p95=times.p95,
        p99=times.p99,
        rows=report.rows_returned,
        iterations=report.iterations,
        index=report.index,
        slo_ms=report.slo.p95_ms,
        met=report.slo.met,
    )


def _ingestion(reports: Sequence[IngestReport]) -> Iterator[Ingestion]:
    """Each source, from the newest report that names it."""
    newest = {name: (report, source) for report in reports for name, source in report.sources.items()}
    for name, (report, source) in sorted(newest.items()):
        holes = {station: tuple(one.days_missing) for station, one in source.stations.items() if one.days_missing}
        yield Ingestion(
            source=name,
            generated_at=_moment(report.started_at),
            status=source.status,
            fault=source.fault,
            calls=source.counts.calls,
            rows_read=source.counts.rows_read,
            written=source.counts.rows_written,
            unchanged=source.counts.rows_unchanged,
            quota_left=source.quota.left,
            quota=source.quota.per_day,
            holes=holes,
        )


def _objects(status: PipelineStatus) -> Iterator[RejectedObject]:
    for error in status.errors:
        if error.object is not None:
            yield RejectedObject(error.object, error.code, error.message, error.known)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
