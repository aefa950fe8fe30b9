"""Reports as they are read back: a run as `headline` takes it, and the stations as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from forecast.core.presence import state_of
from forecast.core.stations import Stations
from forecast.report.headline import RunState, StationState
from forecast.report.models.status import PipelineStatus

# The code of a run's error where another run was at work.
TURNED_AWAY = "LeaseHeldError"


def run_state(report: PipelineStatus) -> RunState:
    """A run from its status report."""
    errors = [error for error in report.errors if error.object is None]
    return RunState(
        report.run_id,
        report.status,
        datetime.fromisoformat(report.started_at),
        None if report.finished_at is None else datetime.fromisoformat(report.finished_at),
        report.exit_code,
        next((error.message for error in errors), None),
        tuple(report.attention),
        turned_away=any(error.code == TURNED_AWAY for error in errors),
    )


def last_observations(report: PipelineStatus) -> dict[str, datetime]:
    """The newest observation of each station, as a status report has it."""
    found = {name: entry.last_observation for name, entry in report.stations.items()}
    return {name: datetime.fromisoformat(moment) for name, moment in found.items() if moment is not None}


def station_states(
    last: Mapping[str, datetime], stations: Stations, now: datetime, max_age_hours: float | None
) -> tuple[StationState, ...]:
    """The state of every station of the registry at a moment, from the newest observation of each."""
    newest = {name: round(moment.timestamp() * 1000) for name, moment in last.items()}
    return tuple(
        StationState(name, state_of(station, newest.get(name), now, max_age_hours), last.get(name))
        for name, station in sorted({station.id: station for station in stations}.items())
    )
