"""What the database has of each station: its first and newest observation, and how many there are on some days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.core.stations import Station

State = Literal["fresh", "late", "silent", "never", "undelivered"]
# The states of stations that should send and do not.
SILENT: Final = frozenset[State]({"silent", "never"})
_MINUTES_A_DAY: Final = 1440
LATE_INTERVALS: Final = 3
# The limit if MAX_DATA_AGE_HOURS is not set; it determines a state, but causes no warning.
SILENT_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True)
class Presence:
    """What the database holds of stations: their first and newest observation (ms since 1970), by id.

    `received` is how many observations of each there are on `days` (UTC, since 1970). A station whose newest one is
    older than `max_age_hours` is silent.
    """

    first: Mapping[str, int]
    newest: Mapping[str, int]
    received: Mapping[str, int]
    days: frozenset[int] = frozenset()
    max_age_hours: float | None = None

    def expected(self, station: Station, now: datetime) -> int:
        """How many observations a station should have on these days, from the day of its first one up to now."""
        first = self.first.get(station.id)
        days = self.days if first is None else (day for day in self.days if day >= first // DAY_MS)
        return sum(expected_on(station, day, now) for day in days)


def expected_a_day(station: Station) -> int:
    """How many observations a station makes on a whole UTC day."""
    return int(_MINUTES_A_DAY // station.interval_minutes)


def expected_on(station: Station, day: int, now: datetime) -> int:
    """How many observations a station should have on a UTC day, up to now."""
    passed = min(_MINUTES_A_DAY, now.timestamp() / 60 - day * _MINUTES_A_DAY)
    return max(0, int(passed // station.interval_minutes))


def age_hours(newest: int, now: datetime) -> float:
    """The age of an observation (ms since 1970); 0 if it is in the future, where it may be by ten minutes."""
    return max(0.0, (now.timestamp() * 1000 - newest) / HOUR_MS)


def states_of(
    stations: Iterable[Station], newest: Mapping[str, int], now: datetime, max_age_hours: float | None
) -> dict[str, State]:
    """The state of each station, by id, from the newest observation of each (ms since 1970).

    A station is `undelivered` while its network has delivered nothing and another one has: the registry lists stations
    of networks that nobody here may have asked for, and those are not silent.
    """
    registered = list(stations)
    delivering = {station.network for station in registered if station.id in newest}
    return {
        station.id: "undelivered"
        if delivering and station.network not in delivering
        else state_of(station, newest.get(station.id), now, max_age_hours)
        for station in registered
    }


def state_of(station: Station, newest: int | None, now: datetime, max_age_hours: float | None) -> State:
    """The state of a station at a moment, by the age of its newest observation (ms since 1970; None: there is none).

    It is silent if that is older than `max_age_hours`, and late if it is older than three of the station's intervals.
    """
    if newest is None:
        return "never"
    age = age_hours(newest, now)
    if age > (SILENT_HOURS if max_age_hours is None else max_age_hours):
        return "silent"
    return "late" if age * 60 > LATE_INTERVALS * station.interval_minutes else "fresh"
