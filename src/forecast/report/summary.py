"""The summary at the end of a run: the most important results, in at most 100 columns of plain text."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import asdict
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from forecast.core.reading import UnknownColumns
from forecast.core.text import escaped
from forecast.report.models.quality import QualityReport, StationQuality
from forecast.report.models.status import ErrorEntry, PipelineStatus, RunCounts
from forecast.report.plain_table import ColumnsThatFit, plain_table

MAX_LINES = 10
# The maximum number of stations shown; those with the most to report come first.
MAX_STATIONS = 40
_BY_URGENCY = ("silent", "never", "late")
# From three days on, an age is given in days.
_HOURS_OF_DAYS = 72


def render_summary(status: PipelineStatus, quality: QualityReport) -> Group:
    """Show a run to a person, from its status report and its quality report."""
    parts: list[RenderableType] = [_headline(status)]
    if status.attention:
        parts += [_title("Needs attention"), _attention(status), _title("Counts")]
    parts.append(_counts(status, quality))
    if quality.by_station:
        parts += [_title("Stations"), _stations(quality)]
    if quality.rejections_by_code:
        parts += [_title("Quarantined rows by code"), _codes(quality)]
    if quality.unknown_columns:
        parts += [_title("Unknown columns"), _unknown(quality)]
    if quality.columns_not_stored:
        names = ", ".join(f"{entry.column} ({entry.cells:,})" for entry in quality.columns_not_stored[:MAX_LINES])
        more = len(quality.columns_not_stored) - MAX_LINES
        parts += [
            _title("Measurements without a parameter, which are not stored"),
            _indented(_text(names + (f" and {more:,} more: see the quality report" if more > 0 else ""))),
        ]
    if status.errors:
        parts += [_title("Errors"), _errors(status)]
    if not status.dry_run and not any(item.kind == "records" for item in status.written):
        parts.append(_title("No records were written"))
    if status.written:
        parts += [_title("Where it is"), _written(status)]
    return Group(*parts)


def render_quality(quality: QualityReport) -> Group:
    """Show the quality of a window to a person."""
    window = quality.window
    days = "" if window is None else f"{window.since} to {window.until} (UTC): "
    found = f"{quality.observations_received:,} observations"
    parts: list[RenderableType] = [_text(f"{days}{found}, {quality.anomalies_detected:,} values flagged")]
    if quality.by_station:
        parts += [_title("Stations"), _stations(quality)]
    if quality.worst_episodes:
        parts += [_title("Worst episodes"), _episodes(quality)]
    if quality.advice:
        parts += [_title("What the checks found, and what to do"), _advice(quality)]
    return Group(*parts)


def _headline(status: PipelineStatus) -> Text:
    dry = ", dry run: nothing was written" if status.dry_run else ""
    code = "" if status.exit_code is None else f", exit code {status.exit_code}"
    return Text(f"Run {status.run_id}: {status.status}{code}{dry}", style="bold")


def _attention(status: PipelineStatus) -> RenderableType:
    table = plain_table("", "")
    for entry in status.attention[:MAX_LINES]:
        table.add_row(entry.severity, _text(entry.message))
    more = len(status.attention) - MAX_LINES
    return _indented(table if more <= 0 else Group(table, _text(f"and {more:,} more: see pipeline_status.json")))


def _counts(status: PipelineStatus, quality: QualityReport) -> RenderableType:
    counts = status.counts
    would = "would be " if status.dry_run else ""
    table = plain_table("", "")
    table.add_row("Objects", _objects(counts))
    rows = f"{counts.rows_read:,} read, {counts.rows_empty:,} of them empty"
    table.add_row("Rows", _text(rows))
    rate = f"{counts.rejection_rate:.2%}"
    records = f"{counts.records_validated:,} validated, {counts.records_rejected:,} rejected ({rate})"
    table.add_row("Records", _text(records))
    documents = ", ".join(
        f"{getattr(counts, name):,} {name}" for name in ("inserted", "updated", "unchanged", "superseded")
    )
    table.add_row("Documents", _text(would + documents))
    if written := counts.written_by_interrupted:
        table.add_row(
            "Interrupted", _text(f"{written:,} of the unchanged documents were written by a run that did not end")
        )
    if conflicts := sum(quality.conflicts.by_station.values()):
        table.add_row("Duplicates", _text(f"{conflicts:,} with differing values (see the quality report)"))
    if removed := counts.values_removed:
        table.add_row("Removed", _text(f"{removed:,} stored values {would}replaced by records that lack them"))
    if withdrawn := counts.records_withdrawn:
        words = f"{withdrawn:,} records that only earlier versions of objects have {would}left the processed zone"
        table.add_row("Withdrawn", _text(words))
    if counts.documents_checked:
        checked = f"{counts.documents_checked:,} documents checked, {counts.flags_changed:,} flags changed"
        table.add_row("QC", _text(checked))
    table.add_row(
        "Seconds", _text(", ".join(f"{stage} {seconds:.1f}" for stage, seconds in asdict(status.times).items()))
    )
    return _indented(table)


def _objects(counts: RunCounts) -> Text:
    parts = [f"{counts.objects_listed:,} listed", f"{counts.objects_loaded:,} loaded"]
    others = ("already_processed", "skipped", "rejected", "known_rejected", "failed", "interrupted")
    parts += [
        f"{getattr(counts, f'objects_{name}'):,} {name.replace('_', ' ')}"
        for name in others
        if getattr(counts, f"objects_{name}")
    ]
    return _text(", ".join(parts))


def _stations(quality: QualityReport) -> RenderableType:
    names = ("station", "state", "last (UTC)", "age", "records", "received", "expected", "parameters", "flagged")
    table = ColumnsThatFit(names, right=names[3:], left_out_first=("records", "parameters", "age", "expected"))
    delivered = {name: one for name, one in quality.by_station.items() if one.state != "undelivered"}
    shown = _stations_shown(delivered)
    for station_id, station in shown:
        table.add_row(
            _text(station_id),
            station.state,
            _minute(station.last_observation),
            _age(station.age_hours),
            f"{station.observations:,}",
            f"{station.received:,}",
            "-" if station.expected is None else f"{station.expected:,}",
            f"{station.completeness_score:.1%}" if station.observations else "-",
            f"{station.flagged:,}",
        )
    rest = []
    if more := len(delivered) - len(shown):
        rest.append(f"and {more:,} more: see the quality report")
    if undelivered := len(quality.by_station) - len(delivered):
        rest.append(f"{undelivered:,} more stations are of networks of which nothing has been received")
    return _indented(Group(table, *map(_text, rest)))


def _stations_shown(delivered: Mapping[str, StationQuality]) -> list[tuple[str, StationQuality]]:
    """All stations, or if there are too many, those with the most flagged values, then those that do not send."""
    entries = list(delivered.items())
    if len(entries) <= MAX_STATIONS:
        return entries
    states = {state: place for place, state in enumerate(_BY_URGENCY)}
    entries.sort(key=lambda item: (-item[1].flagged, states.get(item[1].state, len(states)), item[0]))
    return entries[:MAX_STATIONS]


def _minute(time: str | None) -> str:
    return "-" if time is None else time[:16].replace("T", " ")


def _age(hours: float | None) -> str:
    if hours is None:
        return "-"
    return f"{hours:.1f} h" if hours < _HOURS_OF_DAYS else f"{hours / 24:,.0f} d"


def _episodes(quality: QualityReport) -> RenderableType:
    table = plain_table("station", "parameter", "from", "to", "values", "checks", right=(4,))
    for episode in quality.worst_episodes:
        table.add_row(
            _text(episode.station),
            _text(episode.parameter),
            episode.from_,
            episode.to,
            f"{episode.count:,}",
            _text(", ".join(episode.checks)),
        )
    return _indented(table)


def _advice(quality: QualityReport) -> RenderableType:
    table = plain_table("station", "parameter", "values", "of all", "", right=(2, 3))
    for entry in quality.advice[:MAX_LINES]:
        table.add_row(
            _text(entry.station),
            _text(entry.parameter),
            f"{entry.count:,}",
            "" if entry.share is None else f"{entry.share:.1%}",
            _text(f"{entry.check}: {entry.message}"),
        )
    return _indented(table)


def _codes(quality: QualityReport) -> RenderableType:
    table = plain_table("", "", right=(0,))
    most_first = sorted(quality.rejections_by_code.items(), key=lambda item: (-item[1], item[0]))
    for code, number in most_first:
        table.add_row(f"{number:,}", _text(code))
    return _indented(table)


def _unknown(quality: QualityReport) -> RenderableType:
    entries = quality.unknown_columns
    lines = [
        _text(f"{entry.object}: {UnknownColumns(tuple(entry.columns), entry.more).words}")
        for entry in entries[:MAX_LINES]
    ]
    if len(entries) > MAX_LINES:
        lines.append(_text(f"and in {len(entries) - MAX_LINES:,} more objects: see the quality report"))
    return _indented(Group(*lines))


def _errors(status: PipelineStatus) -> RenderableType:
    lines = [
        _text((f"{error.object}: " if error.object else "") + f"{error.message} ({_code(error)})")
        for error in status.errors[:MAX_LINES]
    ]
    more = len(status.errors) - len(lines) + status.errors_truncated
    if more:
        lines.append(_text(f"and {more:,} more: see pipeline_status.json"))
    return _indented(Group(*lines))


def _code(error: ErrorEntry) -> str:
    return f"{error.code}, rejected before and not tried again" if error.known else str(error.code)


def _written(status: PipelineStatus) -> RenderableType:
    table = plain_table("", "", "", right=(1,))
    for item in status.written:
        table.add_row(_text(item.kind), f"{item.count:,}", _text(item.uri or item.path or ""))
    return _indented(table)


def _text(value: str) -> Text:
    """Plain text, without markup or terminal control characters."""
    return Text(escaped(value))


def _title(words: str) -> Text:
    return Text(f"\n{words}")


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2), expand=False)
