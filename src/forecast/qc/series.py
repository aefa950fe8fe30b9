"""Observations of several stations as columns, one station after another, each in the order of time.

Checks process all stations of a series at once. Functions that look along time use an axis that has the stations one
after another, so far apart that no check reaches from one to the next. They need to know nothing about stations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.clock import DAY_MS
from forecast.core.stations import Station
from forecast.qc.flags import Floats, Mask, Times
from forecast.qc.thresholds import Thresholds

Rows = npt.NDArray[np.intp]
# The checks reach less than a week. 1 000 000 stations with 20 years of observations fit into 64 bits.
_DAYS_BETWEEN: Final = 1_000


@dataclass(frozen=True)
class Series:
    """Observations of stations that have the same thresholds.

    `starts` are the first rows of the stations. `times` are ms since 1970, strictly ascending within a station.
    `values` are the measured values by parameter, NaN if missing. `doubted` marks the values, by parameter, that
    failed the network's own check. `network_limits` are the thresholds that the stations' network overrides.
    """

    stations: tuple[Station, ...]
    starts: Rows
    times: Times
    values: dict[str, Floats]
    doubted: Mapping[str, Mask] = field(default_factory=dict)
    network_limits: Mapping[str, Thresholds] = field(default_factory=dict)

    def has(self, *parameters: str) -> bool:
        """Whether each of these parameters has any value."""
        return all(name in self.values for name in parameters)

    @property
    def sizes(self) -> Rows:
        """The number of rows of each station."""
        return np.diff(self.starts, append=len(self.times))

    @cached_property
    def of_row(self) -> Rows:
        """The station of each row, as an index into `stations`."""
        return np.repeat(np.arange(len(self.stations)), self.sizes)

    @cached_property
    def days_apart(self) -> int:
        """The distance in days between consecutive stations on the axis."""
        if len(self.stations) == 1 or not self.times.size:
            return 0
        return int(np.ptp(self.times) // DAY_MS) + 1 + _DAYS_BETWEEN

    @cached_property
    def axis(self) -> Times:
        """The times of all rows on one axis (ms, ascending), on which midnights are still multiples of a day.

        For the first station they equal `times`; each further station is shifted by another `days_apart`.
        """
        return self.times if len(self.stations) == 1 else self.on_axis(self.of_row, self.times)

    def rows_on(self, days: Mapping[str, Iterable[int]]) -> Mask:
        """The rows on these UTC days (since 1970), given by station."""
        places = {station.id: place for place, station in enumerate(self.stations)}
        numbers = [
            day + places[name] * self.days_apart
            for name, of_station in days.items()
            if name in places
            for day in of_station
        ]
        return np.isin(self.axis // DAY_MS, numbers)

    def on_axis(self, stations: Rows, times: Times) -> Times:
        """The positions on the axis of any times of stations (by index), which may be some days outside the series."""
        return times + stations * (self.days_apart * DAY_MS)

    def from_axis(self, moments: Times) -> tuple[Rows, Times]:
        """The station (by index) and the time of positions on the axis, which may be some days outside the series."""
        if not self.days_apart:
            return np.zeros(moments.shape, np.intp), moments
        apart = self.days_apart * DAY_MS
        begin = int(self.times.min()) - _DAYS_BETWEEN // 2 * DAY_MS
        stations: Rows = (moments - begin) // apart
        return stations, moments - stations * apart


def joined(parts: Sequence[Series]) -> Series:
    """One series made of several; `network_limits` are those of the first."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([len(part.times) for part in parts])
    begins = ends - [len(part.times) for part in parts]
    size = int(ends[-1]) if len(parts) else 0
    values: dict[str, Floats] = {}
    doubted: dict[str, Mask] = {}
    for part, begin, end in zip(parts, begins.tolist(), ends.tolist(), strict=True):
        for name, own in part.values.items():
            if name not in values:
                values[name] = np.full(size, np.nan)
            values[name][begin:end] = own
        for name, marks in part.doubted.items():
            doubted.setdefault(name, np.zeros(size, dtype=bool))[begin:end] = marks
    return Series(
        tuple(station for part in parts for station in part.stations),
        np.concatenate([part.starts + begin for part, begin in zip(parts, begins.tolist(), strict=True)]),
        np.concatenate([part.times for part in parts]),
        values,
        doubted,
        parts[0].network_limits,
    )


def alike(stations: Sequence[Station]) -> list[list[int]]:
    """Groups the indices of stations that can share a series: same network, thresholds and interval."""
    found: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, station in enumerate(stations):
        own = sorted((group, *sorted(limits.items())) for group, limits in station.thresholds.items())
        found[station.network, station.interval_minutes, tuple(own)].append(place)
    return list(found.values())
