"""The values of the stations around some stations, at the same times.

Most stations have the same times and share most of their neighbours. For those, the nearest values are looked up once,
in a table of stations and times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import EllipsisType
from typing import Final

import numpy as np

from forecast.core.clock import HOUR_MS, MINUTE_MS
from forecast.core.stations import Station
from forecast.qc.flags import Floats, Mask, Times
from forecast.qc.neighbours import EARTH_KM, Neighbours, on_the_sphere
from forecast.qc.series import Rows, Series

# Wide enough for hourly neighbours.
WINDOW_MINUTES: Final = 30
_WINDOW_MS: Final = WINDOW_MINUTES * MINUTE_MS
# Values up to some hours before and after are needed too, in steps of an hour (`clock_offset`).
_HOURS_AROUND: Final = range(-3, 4)
# A table has at most this many cells per row of its stations. A small one (2 MB per parameter) may have more.
_CELLS_A_ROW: Final = 4
_SMALL: Final = 250_000
# Far from every time, and still within 64 bits when any time is added.
_NEVER: Final = np.iinfo(np.int64).max // 4
_Index = EllipsisType | tuple[Rows, Rows]


@dataclass(frozen=True)
class Compared:
    """The values that stations are compared with: those that the checks of a single station have not failed.

    Rows are those of `series`; the row number len(series.times) stands for "no row".
    """

    series: Series
    _valid: dict[str, tuple[Rows, Rows]] = field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The index of each station in `series`."""
        return {station.id: place for place, station in enumerate(self.series.stations)}

    @cached_property
    def times(self) -> Times:
        """The time of each row; for "no row", a time far from all others."""
        return np.append(self.series.times, _NEVER)

    @cached_property
    def _axis(self) -> Times:
        """The position of each row on the axis; for "no row", one far from all others."""
        return np.append(self.series.axis, _NEVER)

    def values(self, parameter: str) -> Floats:
        """The value of each row; NaN for "no row"."""
        return np.append(self.series.values[parameter], np.nan)

    def nearest(self, parameter: str, places: Rows, times: Times) -> Rows:
        """The row of each station's valid value that is nearest in time; at equal distance, the earlier one.

        `places` and `times` broadcast to one shape. "No row" if there is none within WINDOW_MINUTES (inclusive).
        """
        before, after = self._valid_rows(parameter)
        moments = self.series.on_axis(places, times)
        following = np.searchsorted(self.series.axis, moments)
        earlier, later = before[following], after[following]
        to_earlier, to_later = (np.abs(self._axis[rows] - moments) for rows in (earlier, later))
        rows = np.where(to_earlier <= to_later, earlier, later)
        rows[np.minimum(to_earlier, to_later) > _WINDOW_MS] = len(self.series.times)
        return rows

    def _valid_rows(self, parameter: str) -> tuple[Rows, Rows]:
        """For each row (and "no row"), the last row before it that has a value, and the first at or after it."""
        if parameter not in self._valid:
            size = len(self.series.times)
            is_valid = ~np.isnan(self.series.values[parameter])
            before, after = np.full(size + 1, -1), np.full(size + 1, size)
            before[1:] = np.maximum.accumulate(np.where(is_valid, np.arange(size), -1))
            after[:-1] = np.minimum.accumulate(np.where(is_valid, np.arange(size), size)[::-1])[::-1]
            before[before < 0] = size
            self._valid[parameter] = before, after
        return self._valid[parameter]


@dataclass(frozen=True)
class Surroundings:
    """The neighbours of some stations, one per site: of stations at one site, the value nearest in time.

    `times` are those of the comparison, in any order. `lapse` is the decrease of a parameter with altitude (in its
    unit per metre), for parameters that are compared at the same altitude.
    """

    stations: tuple[Station, ...]
    times: Times
    compared: Compared
    neighbours: Neighbours
    lapse: Mapping[str, float] = field(default_factory=dict)
    _tables: dict[str, tuple[Rows, Floats]] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """The largest number of neighbours that any of the stations has."""
        most: int = self._near.shape[1]
        return most

    def values(self, parameter: str, stations: Rows, times: Times) -> Floats:
        """What the neighbours of stations (by index) would measure at their altitude.

        One row per time (ms since 1970) and one column per neighbour; NaN if there is no neighbour or no value.
        """
        near = self._near[stations]
        if parameter not in self.compared.series.values:
            return np.full(near.shape, np.nan)
        rows, values, at = self._lookup(parameter, near, times)
        found: Floats = values[at]
        if (lapse := self.lapse.get(parameter, 0.0)) != 0.0:
            found += lapse * self._heights[stations]
        if self._is_twin.any():
            self._keep_one_a_site(found, rows[at], self._is_twin[stations], times)
        return found

    def _lookup(self, parameter: str, near: Rows, times: Times) -> tuple[Rows, Floats, _Index]:
        """Nearest rows and their values, and the index in both of the neighbours at these times."""
        columns = self._columns(times)
        if columns is None:
            rows = self.compared.nearest(parameter, near, times[:, None])
            return rows, self.compared.values(parameter)[rows], ...
        return *self._table(parameter), (near, columns[:, None])

    def within(self, stations: Rows, km: float) -> Mask:
        """Which neighbours of stations (by index) are at most so far away: a row a station, in the columns of `values`.

        Of a neighbour and its twins, which are in columns of their own, `values` has one at most.
        """
        found: Mask = (self._distances <= km)[stations]
        return found

    @cached_property
    def _near(self) -> Rows:
        """The indices of the neighbours: a row per station, by site and id, padded with the index of none."""
        places, everyone = self.compared.places, self.compared.series.stations
        by_site = sorted(range(len(everyone)), key=lambda place: (everyone[place].site, everyone[place].id))
        order = {place: number for number, place in enumerate(by_site)}
        found = [
            sorted((places[name] for name in self.neighbours.of(station.id) if name in places), key=order.__getitem__)
            for station in self.stations
        ]
        near = np.full((len(found), max(map(len, found), default=0)), len(everyone))
        for row, of_station in zip(near, found, strict=True):
            row[: len(of_station)] = of_station
        return near

    @cached_property
    def _is_twin(self) -> Mask:
        """Whether a neighbour is at the same site as the one before it."""
        numbers: dict[str, int] = {}
        sites = np.array([numbers.setdefault(one.site, len(numbers)) for one in self.compared.series.stations] + [-1])
        of_near = sites[self._near]
        is_twin = np.zeros(of_near.shape, dtype=bool)
        is_twin[:, 1:] = (of_near[:, 1:] == of_near[:, :-1]) & (of_near[:, 1:] >= 0)
        return is_twin

    @cached_property
    def _heights(self) -> Floats:
        """How many metres each neighbour is higher than the station."""
        heights = np.array([one.elevation for one in self.compared.series.stations] + [0.0])
        higher: Floats = heights[self._near] - np.array([one.elevation for one in self.stations])[:, None]
        return higher

    @cached_property
    def _distances(self) -> Floats:
        """How far each neighbour is away (km along the great circle); infinite where there is none."""
        everyone = np.vstack([on_the_sphere(self.compared.series.stations), np.full((1, 3), np.inf)])
        own = on_the_sphere(self.stations)
        chords = np.linalg.norm(everyone[self._near] - own[:, None], axis=2)
        distances: Floats = np.where(np.isfinite(chords), 2 * EARTH_KM * np.arcsin(np.minimum(chords / 2, 1)), np.inf)
        return distances

    @cached_property
    def _table_times(self) -> Times:
        """The times of the tables, ascending; empty if tables would be larger than they are worth."""
        times = np.unique(self.times)
        rows = len(self.compared.series.stations) + 1
        most = max(_SMALL, _CELLS_A_ROW * len(self.compared.series.times)) // rows
        if len(times) > most:
            return times[:0]
        whole = np.unique(times[:, None] + np.array(_HOURS_AROUND) * HOUR_MS)
        return whole if len(whole) <= most else times

    def _columns(self, times: Times) -> Rows | None:
        """The columns of the tables for these times; None if the tables lack any of them."""
        if not len(self._table_times):
            return None
        columns = np.searchsorted(self._table_times, times).clip(max=len(self._table_times) - 1)
        return columns if np.array_equal(self._table_times[columns], times) else None

    def _table(self, parameter: str) -> tuple[Rows, Floats]:
        """The nearest rows and their values: one row per station (and one for none), one column per time."""
        if parameter not in self._tables:
            places = np.arange(len(self.compared.series.stations) + 1)
            rows = self.compared.nearest(parameter, places[:, None], self._table_times)
            rows[-1] = len(self.compared.series.times)
            self._tables[parameter] = rows, self.compared.values(parameter)[rows]
        return self._tables[parameter]

    def _keep_one_a_site(self, found: Floats, rows: Rows, is_twin: Mask, times: Times) -> None:
        """Of adjacent columns of one site, keep only the value nearest in time.

        At equal distance the earlier value wins, and of two at the same time that of the first station.
        """
        away = self.compared.times[rows] - times[:, None]
        for column in np.flatnonzero(is_twin.any(axis=0)).tolist():
            at = np.flatnonzero(is_twin[:, column])
            one, other = away[at, column - 1], away[at, column]
            is_other = (np.abs(other) < np.abs(one)) | ((np.abs(other) == np.abs(one)) & (other < one))
            found[at, column] = np.where(is_other, found[at, column], found[at, column - 1])
            away[at, column] = np.where(is_other, other, one)
            found[at, column - 1] = np.nan
