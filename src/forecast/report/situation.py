"""Reports as they are read back: a run as `headline` takes it, and the stations as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from forecast.core.presence import Presence
from forecast.core.stations import Stations
from forecast.report.headline import RunState, State, StationState
from forecast.report.models.status import PipelineStatus
from forecast.report.silence import stations_seen

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
    newest = {name: round(moment.astimezone(UTC).timestamp() * 1000) for name, moment in last.items()}
    seen = stations_seen(Presence({}, newest, {}, max_age_hours=max_age_hours), stations, now)
    return tuple(
        StationState(name, _state(one.state, last.get(name)), last.get(name))
        for name, one in seen.items()
        if stations.get(name) is not None
    )


def _state(state: str, last: datetime | None) -> State:
    if last is None:
        return "never"
    return "fresh" if state == "fresh" else "late" if state == "late" else "silent"
