"""What the database holds of each station: its first and its newest observation, and how many on some days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from forecast.core.clock import DAY_MS
from forecast.core.stations import Station

_MINUTES_A_DAY: Final = 1440


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
        """How many observations a station makes on these days, from the day of its first one on and up to now."""
        first = self.first.get(station.id)
        days = self.days if first is None else (day for day in self.days if day >= first // DAY_MS)
        return sum(expected_on(station, day, now) for day in days)


def expected_on(station: Station, day: int, now: datetime) -> int:
    """Observations that a station makes on a UTC day, or has made by now."""
    passed = min(_MINUTES_A_DAY, now.timestamp() / 60 - day * _MINUTES_A_DAY)
    return max(0, int(passed // station.interval_minutes))
