"""Decides when a staged object may be loaded: not before an earlier one with observations of the same station and day.

Which of two records of an observation wins does not depend on their order, but what is counted as inserted, replaced
or superseded does. Objects without a station-day in common can be loaded at the same time.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

StationDays = Set[tuple[str, int]]


@dataclass(slots=True)
class LoadOrder:
    """The objects of a run by number, which is the order in which they must appear to have been loaded."""

    _staged: dict[int, StationDays] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _done: set[int] = field(default_factory=set)
    # All objects before this one are done.
    first: int = 0

    def staged(self, number: int, station_days: StationDays) -> None:
        """Record that an object was read to its end, and the station-days of its records."""
        self._staged[number] = station_days

    def done(self, number: int) -> None:
        """Record that an object was loaded or skipped."""
        self._staged.pop(number, None)
        self._done.add(number)
        while self.first in self._done:
            self._done.remove(self.first)
            self._begun.discard(self.first)
            self.first += 1

    def begin(self) -> list[int]:
        """The objects that may be loaded now; each is returned once."""
        found = []
        before: set[tuple[str, int]] = set()
        number = self.first
        # Objects after one that is not staged yet may have station-days in common with it.
        while number in self._done or number in self._staged:
            days = self._staged.get(number, frozenset())
            if number in self._staged and number not in self._begun and before.isdisjoint(days):
                self._begun.add(number)
                found.append(number)
            before |= days
            number += 1
        return found
