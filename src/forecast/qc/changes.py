"""Which station-days changed, and which days have flags that these changes reach directly.

A changed observation reaches the flags of its own station and, by comparison, those of its neighbours, for days after
it, but hardly before it. Before it, only the checks of its own station reach farther than a few hours, and they seldom
find anything else than they did. So the days before are not evaluated at once: their stored flags are compared with
what these checks find now, and a day on which they differ has changed as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from forecast.core.clock import DAY_MS, HOUR_MS, MINUTE_MS
from forecast.qc.registry import COMPARED_REACH, REACH, STATION_REACH
from forecast.qc.surroundings import WINDOW_MINUTES

StationDay = tuple[str, int]
# From one time to another (ms since 1970), without the second.
Span = tuple[int, int]
# The days after a day whose flags it reaches.
_DAYS_AFTER: Final = ceil(REACH.before / 24)
# A value is compared with the neighbours' of so much later, for the flags of the day before.
_COMPARED_MS: Final = round(COMPARED_REACH.after * HOUR_MS) + WINDOW_MINUTES * MINUTE_MS
_STATION_MS: Final = round(STATION_REACH.after * HOUR_MS)


@dataclass(frozen=True, slots=True)
class Changes:
    """Station-days whose flags may be outdated; days are UTC, since 1970.

    `days` are those whose observations changed, by station. `since` are the first times on them (ms since 1970) at
    which any did, where that is known. `reflagged` are days whose observations are unchanged, but no longer get
    the flags of their station's own checks that are stored; `since` has the first time at which they differ.
    """

    days: Mapping[str, Set[int]]
    since: Mapping[StationDay, int] = field(default_factory=dict)
    reflagged: Mapping[str, Set[int]] = field(default_factory=dict)

    def of_station(self, name: str) -> Set[int]:
        """All days of a station."""
        return {*self.days.get(name, ()), *self.reflagged.get(name, ())}

    @property
    def stations(self) -> Set[str]:
        """The stations that have any day."""
        return {name for each in (self.days, self.reflagged) for name, days in each.items() if days}

    def reached(self, name: str, day: int) -> range:
        """The days whose flags a changed day reaches directly, of its station and of those compared with it."""
        return range(self._first_reached(name, day), day + _DAYS_AFTER + 1)

    def watched(self, name: str) -> Iterator[Span]:
        """Times before changed days at which the flags of the station's own checks may be outdated.

        Wherever they are, days are reached that `reached` does not name.
        """
        changed = self.days.get(name, ())
        for day in sorted(day for day in changed if day - 1 not in changed):
            start = (day - 1) * DAY_MS if day - 2 in changed else day * DAY_MS - _STATION_MS
            end = min(day * DAY_MS, self._first_reached(name, day) * DAY_MS + _COMPARED_MS)
            if start < end:
                yield start, end

    def _first_reached(self, name: str, day: int) -> int:
        since = self.since.get((name, day), day * DAY_MS)
        return min(day, (since - _COMPARED_MS) // DAY_MS)
