"""`forecast status` on a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forecast.core.clock import iso_time, minute
from forecast.core.text import escaped
from forecast.report.headline import Assessment, RunState, Situation, StationState
from forecast.report.models.slo import ErrorBudget
from forecast.report.plain_table import plain_table
from forecast.report.write import as_data

_MAX_LINES: Final = 10
_LATE_OR_WORSE: Final = ("late", "silent", "never")
_COUNTED: Final = ("fresh", *_LATE_OR_WORSE, "undelivered")


def situation_json(situation: Situation, assessment: Assessment) -> dict[str, Any]:
    """The situation as one JSON object."""
    return {
        "headline": assessment.headline,
        "needs_attention": assessment.needs_attention,
        "attention": [as_data(entry) for entry in assessment.attention],
        "runs": [_run_json(run) for run in situation.runs],
        "stations": {
            one.station: {"state": one.state, "last_observation": _iso(one.last), "since": _iso(one.since)}
            for one in situation.stations
        },
        "error_budgets": [as_data(budget) for budget in situation.budgets],
        "missed_runs": [_iso(moment) for moment in assessment.missed],
        "next_run_due": _iso(situation.schedule.next_due),
    }


def render_situation(situation: Situation, assessment: Assessment) -> Group:
    """The situation for a person, the headline first."""
    parts: list[RenderableType] = [Text(escaped(assessment.headline), style="bold")]
    if assessment.attention:
        parts += [_title("Needs attention"), _attention(assessment)]
    if situation.runs:
        parts += [_title("Last runs (UTC)"), _runs(situation.runs)]
    not_fresh = [one for one in situation.stations if one.state in _LATE_OR_WORSE]
    if not_fresh:
        parts += [_title(f"Stations: {_numbers(situation.stations)}"), _stations(not_fresh)]
    if assessment.missed:
        shown = ", ".join(minute(moment) for moment in assessment.missed[-_MAX_LINES:])
        parts.append(_title(f"Missed runs: {len(assessment.missed)}, due at {shown}"))
    if situation.budgets:
        parts += [_title(_budgets_words(situation.budgets)), _budgets(situation.budgets)]
    if situation.schedule.next_due is not None:
        parts.append(_title(f"Next run due at {minute(situation.schedule.next_due)}"))
    return Group(*parts)


def _attention(assessment: Assessment) -> RenderableType:
    table = plain_table("", "")
    for entry in assessment.attention[:_MAX_LINES]:
        table.add_row(entry.severity, Text(escaped(entry.message)))
    return _with_more(table, len(assessment.attention))


def _runs(runs: Sequence[RunState]) -> RenderableType:
    table = plain_table("started", "ended", "status", "exit code", "run")
    for run in runs[:_MAX_LINES]:
        code = "-" if run.exit_code is None else str(run.exit_code)
        status = "rejected" if run.turned_away else run.status
        table.add_row(_short(run.started_at), _short(run.finished_at), status, code, Text(escaped(run.run_id)))
    return _with_more(table, len(runs))


def _stations(stations: Sequence[StationState]) -> RenderableType:
    table = plain_table("station", "state", "newest observation (UTC)", "since")
    order = sorted(stations, key=lambda one: (-_LATE_OR_WORSE.index(one.state), one.station))
    for one in order[:_MAX_LINES]:
        table.add_row(Text(escaped(one.station)), one.state, _short(one.last), _short(one.since))
    return _with_more(table, len(stations))


def _budgets_words(budgets: Sequence[ErrorBudget]) -> str:
    most = max(budgets, key=lambda budget: budget.used or 0)
    return f"Error budgets of {most.days} days: {most.objective} has used most, {most.used or 0:.0%}"


def _budgets(budgets: Sequence[ErrorBudget]) -> RenderableType:
    """The budgets that are used most."""
    table = plain_table("objective", "limit", "missed", "of", "may miss", "budget used")
    order = sorted(budgets, key=lambda budget: -(budget.used or 0))
    for budget in order[:_MAX_LINES]:
        limit = "-" if budget.limit is None else f"{budget.limit:g} {'h' if budget.objective == 'freshness' else 'ms'}"
        shares = (f"{budget.allowed:.1%}", f"{budget.used or 0:.0%}")
        table.add_row(budget.objective, limit, str(budget.missed), str(budget.total), *shares)
    return _with_more(table, len(budgets))


def _numbers(stations: Sequence[StationState]) -> str:
    states = [one.state for one in stations]
    return ", ".join(f"{states.count(state)} {state}" for state in _COUNTED if state in states)


def _with_more(table: Table, number: int) -> RenderableType:
    if number > _MAX_LINES:
        return Group(Padding(table, (0, 0, 0, 2)), Text(f"  and {number - _MAX_LINES} more (--json shows all)"))
    return Padding(table, (0, 0, 0, 2))


def _title(words: str) -> Text:
    return Text(f"\n{words}")


def _run_json(run: RunState) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "status": run.status,
        "started_at": iso_time(run.started_at),
        "finished_at": _iso(run.finished_at),
        "exit_code": run.exit_code,
        "error": run.error,
        "turned_away": run.turned_away,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso_time(moment)


def _short(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
