"""Groups stations that are near each other, so that the same changes affect them, for evaluation together.

A station's flags depend on its neighbours, so a group also reads the stations around its own. The larger the groups,
the fewer stations are read for two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Final

import numpy as np

from forecast.core.stations import Station, Stations
from forecast.qc.changes import Changes
from forecast.qc.neighbours import halves, neighbours_of, on_the_sphere

# For half of a city of 600, a third as many stations have to be read around it; for a single station, 30.
_MAX_STATIONS: Final = 320
_MIN_STATIONS: Final = 20
# A group evaluates at most this many times the station-days that the changes affect.
_MAX_WASTE: Final = 2


@dataclass(frozen=True)
class StationGroup:
    """Stations whose flags the changes reach, and the days of these flags.

    `reached` has these days for each station, as bits of a number, counted from `epoch` (since 1970).
    """

    names: tuple[str, ...]
    epoch: int
    reached: Mapping[str, int]
    stations: Stations

    @cached_property
    def targets(self) -> tuple[Station, ...]:
        """The stations of the group, sorted by id."""
        return _known(self.names, self.stations)

    @cached_property
    def halo(self) -> tuple[Station, ...]:
        """The stations of the group and their neighbours, sorted by id."""
        neighbours = neighbours_of(self.stations)
        return _known(
            sorted({other for name in self.names for other in neighbours.of(name)}.union(self.names)), self.stations
        )

    @cached_property
    def days(self) -> set[int]:
        """The days on which the changes reach the flags of any of them."""
        bits = self._bits
        return {self.epoch + day for day in range(bits.bit_length()) if bits >> day & 1}

    @property
    def can_be_cut(self) -> bool:
        """Whether there are enough stations for two groups."""
        return len(self.names) > _MIN_STATIONS

    @property
    def is_to_be_cut(self) -> bool:
        """Whether there are too many stations, or some would be evaluated on many days that no change affects."""
        together = self._bits.bit_count() * len(self.names)
        apart = sum(self.reached[name].bit_count() for name in self.names)
        return self.can_be_cut and (len(self.names) > _MAX_STATIONS or together > _MAX_WASTE * apart)

    @property
    def _bits(self) -> int:
        return reduce(or_, (self.reached[name] for name in self.names))

    def cut(self) -> Iterator[StationGroup]:
        """Two groups, one on each side of a line."""
        rows = np.arange(len(self.names))
        for half in halves(on_the_sphere(self.targets), rows):
            names = tuple(self.names[row] for row in sorted(half.tolist()))
            yield StationGroup(names, self.epoch, self.reached, self.stations)


def all_reached(changes: Changes, stations: Stations) -> StationGroup | None:
    """All stations whose flags these changes reach; None if no station is known."""
    known = {
        name: [changes.reached(name, day) for day in changes.of_station(name)]
        for name in changes.stations
        if stations.get(name) is not None
    }
    if not known:
        return None
    neighbours = neighbours_of(stations)
    epoch = min(one.start for ranges in known.values() for one in ranges)
    bits = {
        name: reduce(or_, (((1 << len(one)) - 1) << (one.start - epoch) for one in ranges))
        for name, ranges in known.items()
    }
    reached = dict(bits)
    for name, days in bits.items():
        for other in neighbours.compared_with(name):
            reached[other] = reached.get(other, 0) | days
    return StationGroup(tuple(sorted(reached)), epoch, reached, stations)


def _known(names: Iterable[str], stations: Stations) -> tuple[Station, ...]:
    return tuple(station for name in names if (station := stations.get(name)) is not None)
