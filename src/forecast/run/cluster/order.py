"""When a staged object may be loaded: never before an earlier one that has observations of the same station and day.

Which of two records of an observation wins does not depend on their order, but what is counted as inserted, replaced
or superseded does. Objects without a station-day in common can be loaded at the same time.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

StationDays = Set[tuple[str, int]]


@dataclass(slots=True)
class LoadOrder:
    """The objects of a run by number, in the order in which their loads must seem to have happened."""

    _staged: dict[int, StationDays] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _done: set[int] = field(default_factory=set)
    # All before this one are done.
    first: int = 0

    def staged(self, number: int, station_days: StationDays) -> None:
        """An object was read to its end; these are the station-days of its records."""
        self._staged[number] = station_days

    def done(self, number: int) -> None:
        """An object is loaded, or was left out."""
        self._staged.pop(number, None)
        self._done.add(number)
        while self.first in self._done:
            self._done.remove(self.first)
            self._begun.discard(self.first)
            self.first += 1

    def begin(self) -> list[int]:
        """The objects that may be loaded now, each told once."""
        found = []
        before: set[tuple[str, int]] = set()
        number = self.first
        # Behind one that is not staged yet nothing is known to be apart from it.
        while number in self._done or number in self._staged:
            days = self._staged.get(number, frozenset())
            if number in self._staged and number not in self._begun and before.isdisjoint(days):
                self._begun.add(number)
                found.append(number)
            before |= days
            number += 1
        return found
