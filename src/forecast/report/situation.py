"""Reads reports back: runs as `headline` needs them, and the current state of the stations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from forecast.core.presence import states_of
from forecast.core.schedule import due_between, next_due
from forecast.core.slo import Slos
from forecast.core.stations import Stations
from forecast.core.text import listed
from forecast.report.error_budget import Evidence, error_budgets, measured
from forecast.report.headline import RunState, Schedule, Situation, StationState, missed_runs
from forecast.report.models.status import Attention, PipelineStatus
from forecast.report.objectives import missed_objectives

# The error code of a run that found another run active.
TURNED_AWAY = "LeaseHeldError"


def run_state(report: PipelineStatus) -> RunState:
    """A run from its status report."""
    errors = [error for error in report.errors if error.object is None]
    ages = [station.age_hours for station in report.stations.values() if station.age_hours is not None]
    return RunState(
        report.run_id,
        "died" if report.died is not None else report.status,
        datetime.fromisoformat(report.started_at),
        None if report.finished_at is None else datetime.fromisoformat(report.finished_at),
        report.exit_code,
        None if report.died is not None else next((error.message for error in errors), None),
        tuple(report.attention),
        turned_away=any(error.code == TURNED_AWAY for error in errors),
        newest_age_hours=min(ages, default=None),
        checked=report.counts.documents_checked > 0,
    )


def reports_unreadable(names: Sequence[str]) -> Attention:
    """What to report about files in place of status reports that are not status reports."""
    message = f"These are not status reports of this version: {listed(names)}. Move them elsewhere"
    return Attention("warning", "reports_unreadable", message)


def schedule_of(expression: str | None, runs: Sequence[RunState], now: datetime) -> Schedule:
    """When runs were due since the oldest known run, and when the next one is due."""
    if expression is None:
        return Schedule()
    due = due_between(expression, min(run.started_at for run in runs), now) if runs else ()
    return Schedule(due, next_due(expression, now))


def last_observations(report: PipelineStatus) -> dict[str, datetime]:
    """The newest observation of each station, as a status report has it."""
    found = {name: entry.last_observation for name, entry in report.stations.items()}
    return {name: datetime.fromisoformat(moment) for name, moment in found.items() if moment is not None}


def station_states(
    last: Mapping[str, datetime],
    stations: Stations,
    now: datetime,
    max_age_hours: float | None,
    since: Mapping[str, tuple[str, datetime]] | None = None,
) -> tuple[StationState, ...]:
    """The state of every station of the registry at a moment, from the newest observation of each.

    `since` has the last recorded state of each station, and since when.
    """
    newest = {name: round(moment.timestamp() * 1000) for name, moment in last.items()}
    states = states_of(stations, newest, now, max_age_hours)
    found = []
    for name, state in sorted(states.items()):
        then, moment = (since or {}).get(name, (None, None))
        found.append(StationState(name, state, last.get(name), moment if then == state else None))
    return tuple(found)


def situation_at(  # noqa: PLR0913  all that is known
    now: datetime,
    runs: tuple[RunState, ...],
    stations: tuple[StationState, ...],
    schedule: Schedule,
    slos: Slos,
    measurements: Evidence,
    *,
    max_age_hours: float | None,
    faults: Sequence[Attention] = (),
    measured_until: datetime | None = None,
) -> Situation:
    """The situation at a moment, from runs (newest first), states of stations, and reports of queries.

    Error budgets are those at `measured_until`, or now.
    """
    until = measured_until or now
    evidence = replace(measurements, runs=runs, missed_runs=missed_runs(runs, schedule.due, until))
    return Situation(
        now,
        runs,
        stations,
        schedule,
        max_age_hours,
        tuple(faults),
        measured(error_budgets(slos, evidence, until)),
        tuple(missed_objectives(measurements.latency, measurements.load)),
    )
