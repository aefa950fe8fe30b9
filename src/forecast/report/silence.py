"""Which stations are sending, late or silent: all stations in the registry, and those that only the database has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from msgspec.structs import asdict

from forecast.core.clock import from_ms, iso_time_of, minute
from forecast.core.presence import SILENT, Presence, age_hours, states_of
from forecast.core.stations import Stations
from forecast.report.models.status import State, StationState

_AGE_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """A station's newest observation: `newest` in ms since 1970 and `age_hours`; None if there is none."""

    station: str
    newest: int | None
    age_hours: float | None
    state: State

    def entry(self) -> StationState:
        """The entry in the reports."""
        return StationState(
            last_observation=None if self.newest is None else iso_time_of(self.newest),
            age_hours=None if self.age_hours is None else round(self.age_hours, _AGE_DIGITS),
            state=self.state,
        )


def stations_seen(presence: Presence | None, stations: Stations, now: datetime) -> dict[str, Seen]:
    """Every station of the registry and of the database, by id; unknown if the database was not queried."""
    if presence is None:
        return {name: Seen(name, None, None, "unknown") for name in sorted(station.id for station in stations)}
    states = states_of(stations, presence.newest, now, presence.max_age_hours)
    return {
        name: _seen(name, states.get(name, "unregistered"), presence.newest.get(name), now)
        for name in sorted(states.keys() | presence.newest.keys())
    }


def silent_stations(seen: Mapping[str, Seen]) -> list[Seen]:
    """The stations that are silent or have never sent anything."""
    return [one for one in seen.values() if one.state in SILENT]


def newest_age_seconds(seen: Mapping[str, Seen]) -> int | None:
    """The age of the newest observation; None if there is none."""
    ages = [one.age_hours for one in seen.values() if one.age_hours is not None]
    return round(min(ages) * 3600) if ages else None


def silence_warnings(seen: Mapping[str, Seen], max_age_hours: float | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The log messages about silent stations, with facts; none if no age is set."""
    if max_age_hours is None:
        return
    for one in silent_stations(seen):
        last = None if one.newest is None else from_ms(one.newest)
        words = f"{silent_message(one.station, last, one.age_hours)} (MAX_DATA_AGE_HOURS is {max_age_hours:g})"
        yield words, {"event": "station_silent", "station": one.station, **asdict(one.entry())}


def silent_message(station: str, last: datetime | None, hours: float | None) -> str:
    """What to report about a silent station, from its newest observation and its age; None if there is none."""
    if last is None or hours is None:
        return f"Station {station} has never sent an observation"
    return f"Station {station} is silent: its newest observation is from {minute(last)}, {hours:.0f} hours ago"


def _seen(name: str, state: State, newest: int | None, now: datetime) -> Seen:
    return Seen(name, newest, None if newest is None else age_hours(newest, now), state)
