"""What the stations around a station measure at its times.

In a crowd mostly all stations have the same times and most of the same neighbours: for those what is around is looked
up once, in a table of stations and times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from forecast.core.clock import HOUR_MS
from forecast.core.stations import Station
from forecast.qc.comparison import MIN_NEIGHBOURS, WINDOW_MINUTES, Neighbour, QueryTimes, Rows, joined, table_of
from forecast.qc.flags import Floats, Times

# Values of each station are asked for some hours before and after as well, for whole hours (`clock_offset`).
_HOURS_AROUND: Final = range(-3, 4)
# A table has so many cells for each row of its stations at most, but a small one may have more: 2 MB a parameter.
_CELLS_A_ROW: Final = 4
_SMALL: Final = 250_000


@dataclass(frozen=True, slots=True)
class Compared:
    """What a station's neighbours see of it: the values that its own checks have not failed, NaN elsewhere."""

    station: Station
    times: Times
    values: Mapping[str, Floats]


@dataclass(frozen=True)
class Table:
    """What some stations measure at some times (ms since 1970, ascending)."""

    times: Times
    stations: Sequence[Compared]
    _values: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each station."""
        return {one.station.id: row for row, one in enumerate(self.stations)}

    @cached_property
    def _moments(self) -> QueryTimes:
        return QueryTimes(self.times, WINDOW_MINUTES)

    def columns(self, times: Times) -> Rows | None:
        """The columns of these times; None where one of them is not there."""
        found = np.searchsorted(self.times, times)
        if found.size and (found[-1] == self.times.size or not np.array_equal(self.times[found], times)):
            return None
        return found

    def values(self, parameter: str) -> Floats:
        """A row a station and a column a time, NaN where there is no value."""
        if parameter not in self._values:
            table = np.full((len(self.stations), self.times.size), np.nan)
            for row, one in enumerate(self.stations):
                if parameter in one.values:
                    table[row] = self._moments.values(Neighbour(one.times, one.values[parameter]))
            self._values[parameter] = table
        return self._values[parameter]


@dataclass(frozen=True)
class Surroundings:
    """The neighbours of a station: one a site, of twins the values of the first by id.

    `lapse` is by how much a parameter falls with height (its unit a metre), for those that are compared at one height.
    """

    station: Station
    near: Sequence[Compared]
    lapse: Mapping[str, float]
    table: Table | None = None
    _moments: dict[int, QueryTimes] = field(default_factory=dict)

    @cached_property
    def _sites(self) -> Sequence[Sequence[Compared]]:
        sites: defaultdict[str, list[Compared]] = defaultdict(list)
        for other in self.near:
            sites[other.station.site].append(other)
        return list(sites.values())

    @property
    def number(self) -> int:
        """How many sites there are."""
        return len(self._sites)

    def values(self, parameter: str, times: Times) -> Floats:
        """What each would measure at the height of the station: one row a site and one column a time."""
        columns = None if self.table is None else self.table.columns(times)
        if self.table is None or columns is None:
            return self._looked_up(self._sites, parameter, times)
        alone = [twins[0].station for twins in self._sites if len(twins) == 1]
        rows = np.array([self.table.rows[one.id] for one in alone], dtype=np.intp)
        lifts = np.array([self._lift(parameter, one) for one in alone])
        found: Floats = self.table.values(parameter)[rows[:, None], columns] + lifts[:, None]
        if len(alone) == len(self._sites):
            return found
        twins = [site for site in self._sites if len(site) > 1]
        return np.concatenate([found, self._looked_up(twins, parameter, times)])

    def _looked_up(self, sites: Sequence[Sequence[Compared]], parameter: str, times: Times) -> Floats:
        if id(times) not in self._moments:
            self._moments[id(times)] = QueryTimes(times, WINDOW_MINUTES)
        neighbours = [
            joined([self._lifted(parameter, one) for one in measuring])
            for site in sites
            if (measuring := [one for one in site if parameter in one.values])
        ]
        return table_of(neighbours, self._moments[id(times)])

    def _lifted(self, parameter: str, one: Compared) -> Neighbour:
        lift = self._lift(parameter, one.station)
        return Neighbour(one.times, one.values[parameter] + lift if lift else one.values[parameter])

    def _lift(self, parameter: str, other: Station) -> float:
        return self.lapse.get(parameter, 0.0) * (other.elevation - self.station.elevation)


def tables_of(times_of: Mapping[str, Times], near: Mapping[str, Sequence[Compared]]) -> dict[str, Table]:
    """A table for each station that shares one with others, by station: those that observe at the same minutes.

    times_of: the times of the stations that are compared; near: their neighbours. Who has too few of them has none.
    """
    alike: defaultdict[bytes, list[str]] = defaultdict(list)
    for name, times in times_of.items():
        if len(near[name]) < MIN_NEIGHBOURS:
            continue
        alike[np.unique(times % HOUR_MS).tobytes()].append(name)
    return {name: table for names in alike.values() if (table := _table(names, times_of, near)) for name in names}


def _table(names: Iterable[str], times_of: Mapping[str, Times], near: Mapping[str, Sequence[Compared]]) -> Table | None:
    """The table of stations; None where it would be larger than what it spares."""
    members = {one.station.id: one for name in names for one in near[name]}
    times = np.unique(np.concatenate([times_of[name] for name in names]))
    most = max(_SMALL, _CELLS_A_ROW * sum(one.times.size for one in members.values()))
    if len(members) * times.size > most:
        return None
    whole = np.unique(np.concatenate([times + hours * HOUR_MS for hours in _HOURS_AROUND]))
    columns = whole if len(members) * whole.size <= most else times
    return Table(columns, [members[name] for name in sorted(members)])
