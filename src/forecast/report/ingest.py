"""ingest_report_<time>.json, and the output of `forecast ingest`, from the result of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, get_args

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from forecast.core.clock import iso_time
from forecast.core.format_version import FORMAT_VERSION
from forecast.core.text import counted, escaped, listed
from forecast.ingest.result import Outcome, SourceResult, StationResult, WindowFault
from forecast.ingest.run import IngestResult
from forecast.report.models.ingest import (
    IngestAttention,
    IngestAttentionKind,
    IngestCounts,
    IngestDay,
    IngestFiles,
    IngestReport,
    IngestSource,
    IngestStation,
    Quota,
    UnreadWindow,
)
from forecast.report.models.status import Severity

_SHOWN_OBJECTS: Final = 5
_SEVERITIES: Final = get_args(Severity)
_KINDS: Final = get_args(IngestAttentionKind)


def ingest_report(result: IngestResult) -> IngestReport:
    """The report of a run."""
    return IngestReport(
        format_version=FORMAT_VERSION,
        run_id=result.run_id,
        started_at=iso_time(result.started_at),
        finished_at=iso_time(result.finished_at),
        status=result.outcome.value,
        exit_code=result.exit_code,
        attention=attention(result),
        without_key=result.without_key,
        counts=_sum(_counts(source) for source in result.sources),
        sources={source.source: _source(source) for source in result.sources},
    )


def attention(result: IngestResult) -> list[IngestAttention]:
    """What needs attention: more severe entries first; at equal severity, causes before their consequences."""
    found = [entry for source in result.sources for entry in _of_source(source, dry_run=result.request.dry_run)]
    found += [
        IngestAttention("warning", "key_not_set", f"{name} was not read: {setting} is not set", name)
        for name, setting in result.without_key.items()
    ]
    return sorted(found, key=lambda entry: (_SEVERITIES.index(entry.severity), _KINDS.index(entry.kind)))


def _of_source(source: SourceResult, *, dry_run: bool) -> Iterator[IngestAttention]:
    def entry(
        severity: Severity, kind: IngestAttentionKind, message: str, station: str | None = None
    ) -> IngestAttention:
        return IngestAttention(severity, kind, f"{source.source}: {message}", source.source, station)

    if source.fault:
        is_error = source.outcome is Outcome.FAILED
        yield entry("error" if is_error else "info", "source_ended", source.fault)
    for station, days in _missing(source):
        yield entry(
            "warning", "days_missing", f"{station} has {days} missing; the next run requests them again", station
        )
    for window in source.window_faults:
        (station, *others) = window.stations
        message = f"{_window(window)}: {window.message}"
        yield entry("warning", "window_not_read", message, None if others else station)
    if (left := sum(station.days_left for station in source.stations.values())) and not dry_run:
        yield entry("info", "days_left", f"{counted(left, 'station-day')} not reached; the next run continues")
    if source.vanished:
        message = f"{source.vanished:,} records of an earlier run were not returned again; they are kept"
        yield entry("warning", "records_vanished", message)
    for station, why in source.left_out.items():
        yield entry("info", "station_left_out", f"{station} was left out: {why}", station)


def metrics(report: IngestReport) -> dict[str, object]:
    """The data for metrics, as one log line."""
    return {
        "event": "ingest_finished",
        "run_id": report.run_id,
        "status": report.status,
        "exit_code": report.exit_code,
        "calls": report.counts.calls,
        "rows_read": report.counts.rows_read,
        "rows_written": report.counts.rows_written,
        "rows_vanished": report.counts.rows_vanished,
        "days_missing": sum(len(s.days_missing) for one in report.sources.values() for s in one.stations.values()),
        "quota_left": {name: source.quota.left for name, source in report.sources.items()},
    }


def render_ingest(result: IngestResult, report: IngestReport) -> Group:
    """Show a run to a person."""
    kind = ", dry run: no call was made" if result.request.dry_run else ", one call per source" * result.request.check
    head = f"Ingest {report.run_id}: {report.status}, exit code {report.exit_code}{kind}"
    parts: list[RenderableType] = [Text(head, style="bold"), _table(result)]
    parts += [Text(_calls(source, dry=result.request.dry_run)) for source in result.sources]
    if report.attention:
        lines = (Text(f"  {escaped(entry.message)}") for entry in report.attention)
        parts += [Text("\nAttention", style="bold"), *lines]
    objects = [uri for source in result.sources for uri in source.objects]
    if objects:
        more = [f"  and {len(objects) - _SHOWN_OBJECTS} more"] if len(objects) > _SHOWN_OBJECTS else []
        shown = [f"  {escaped(uri)}" for uri in objects[:_SHOWN_OBJECTS]]
        parts += [Text("\nWritten", style="bold"), *map(Text, [*shown, *more])]
    return Group(*parts)


def _table(result: IngestResult) -> Table:
    table = Table(box=None, pad_edge=True)
    dry = result.request.dry_run
    for name in ("source", "station", "through", "days", "rows read", "new or changed"):
        table.add_column(name, justify="left" if name in {"source", "station"} else "right")
    for source in result.sources:
        for name, station in source.stations.items():
            days = station.days_left if dry else len(station.days)
            read, written = _rows(station)
            through = str(station.through or "-")
            table.add_row(source.source, escaped(name), through, f"{days:,}", f"{read:,}", f"{written:,}")
    return table


def _calls(source: SourceResult, *, dry: bool) -> str:
    made = f"{counted(source.calls_planned, 'call')} to make" if dry else counted(source.calls, "call")
    files = source.files
    of_files = f", {files.written:,} of {counted(files.listed, 'file')} new or changed" if files is not None else ""
    return f"  {source.source}: {made}, {source.quota_left:,} of {source.quota_per_day:,} left for 24 h{of_files}"


def _rows(station: StationResult) -> tuple[int, int]:
    days = station.days.values()
    return sum(day.read for day in days), sum(day.written for day in days)


def _counts(source: SourceResult) -> IngestCounts:
    read, written = source.read, source.written
    return IngestCounts(source.calls, source.retries, read, written, read - written, source.vanished)


def _sum(counts: Iterable[IngestCounts]) -> IngestCounts:
    total = IngestCounts(0, 0, 0, 0, 0, 0)
    for one in counts:
        for name in IngestCounts.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    return total


def _source(source: SourceResult) -> IngestSource:
    return IngestSource(
        network=source.network,
        status=source.outcome.value,
        fault=source.fault,
        counts=_counts(source),
        waited_seconds=round(source.waited_seconds, 3),
        quota=Quota(source.quota_per_day, source.quota_left),
        sync_id=source.sync_id,
        generation_id=source.generation,
        objects=source.objects,
        files=_files(source),
        unread=[
            UnreadWindow(list(one.stations), str(one.first), str(one.last), one.code, one.message)
            for one in source.window_faults
        ],
        left_out=source.left_out,
        stations={name: _station(station) for name, station in source.stations.items()},
    )


def _files(source: SourceResult) -> IngestFiles | None:
    files = source.files
    return None if files is None else IngestFiles(files.listed, files.written, files.unchanged, files.missing)


def _station(station: StationResult) -> IngestStation:
    return IngestStation(
        through=None if station.through is None else str(station.through),
        days_missing=[str(day) for day in station.missing],
        days_left=station.days_left,
        days={str(day): IngestDay(counts.read, counts.written) for day, counts in sorted(station.days.items())},
    )


def _missing(source: SourceResult) -> Iterator[tuple[str, str]]:
    for name, station in source.stations.items():
        if station.missing:
            yield name, listed([str(day) for day in station.missing])


def _window(window: WindowFault) -> str:
    days = f"{window.first}" if window.first == window.last else f"{window.first} to {window.last}"
    return f"{listed(window.stations)}, {days}"
