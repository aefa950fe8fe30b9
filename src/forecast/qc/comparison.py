"""Compares the values of stations with those of their neighbours at the same times.

The neighbours' values are those nearest in time. They are summarised by median and MAD instead of mean and standard
deviation, so that one bad neighbour out of three cannot decide a flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import numpy as np

from forecast.core.clock import MINUTE_MS
from forecast.qc.flags import Floats, Mask, Times
from forecast.qc.series import Rows, Series

MIN_NEIGHBOURS: Final = 3
_SLOT_MS: Final = 20 * MINUTE_MS
# 1 / Φ⁻¹(3/4): scales the MAD of normal values to their standard deviation (Rousseeuw & Croux 1993).
MAD_TO_SIGMA: Final = 1.4826
# The number of neighbours' values processed at once: 2 MB, and a few times as much for sorting. Four times as many took
# as long.
_CELLS_AT_ONCE: Final = 250_000


def neighbour_median(values: Floats, *, min_neighbours: int) -> Floats:
    """The median of the neighbours' values (one column each) in each row.

    NaN if fewer than min_neighbours have a value.
    """
    median = row_medians(values)
    median[np.count_nonzero(~np.isnan(values), axis=1) < min_neighbours] = np.nan
    return median


def median_and_spread(values: Floats, *, min_neighbours: int) -> tuple[Floats, Floats]:
    """The `neighbour_median`, and the spread (1.4826 MAD) around it.

    Both are NaN where the median is. The spread is in the unit of the values, and 0 if more than half of the
    neighbours agree.
    """
    median = neighbour_median(values, min_neighbours=min_neighbours)
    return median, MAD_TO_SIGMA * row_medians(np.abs(values - median[:, None]))


def row_medians(values: Floats) -> Floats:
    """The median of each row's valid values, NaN if there are none; numpy's nanmedian takes ten times as long.

    values: finite or NaN.
    """
    median = np.full(len(values), np.nan)
    for rows in _parts(len(values), values.shape[1]):
        median[rows] = _row_medians(values[rows])
    return median


def _row_medians(values: Floats) -> Floats:
    rows, columns = values.shape
    if not columns:
        return np.full(rows, np.nan)
    counts = columns - np.count_nonzero(np.isnan(values), axis=1)
    ordered = np.sort(values, axis=1)  # NaN goes last
    if (counts == columns).all():
        return ordered[:, (columns - 1) // 2] / 2 + ordered[:, columns // 2] / 2
    every = np.arange(rows)
    # In a row without valid values, the index of the first NaN.
    lower, upper = (counts - 1).clip(min=0) // 2, (counts // 2).clip(max=columns - 1)
    median: Floats = ordered[every, lower] / 2 + ordered[every, upper] / 2
    return median


class Around(Protocol):
    """The values of the stations around some stations."""

    @property
    def most(self) -> int:
        """The largest number of neighbours that any of the stations has."""
        ...

    def values(self, parameter: str, stations: Rows, times: Times) -> Floats:
        """What the neighbours of stations (by index) would measure at their altitude: a row per time, a column each."""
        ...

    def within(self, stations: Rows, km: float) -> Mask:
        """Which neighbours of stations (by index) are at most so far away, in the columns of `values`."""
        ...


class Neighbourhood(NamedTuple):
    """The neighbours of each row: their median and spread (NaN if too few have a value), and how many near ones do."""

    median: Floats
    spread: Floats
    near: Rows


class Comparison:
    """Stations compared with their neighbours.

    `rows` are the rows to compare. A daily curve only needs the first of them in each slot of time (`few`).
    """

    def __init__(self, series: Series, rows: Rows, around: Around) -> None:
        self.few: Final = rows[_first_of_slots(series.axis[rows])] if len(rows) else rows
        self._series = series
        self._around = around
        self._rows = rows
        self._medians: dict[str, Floats | None] = {}

    @property
    def medians(self) -> dict[str, Floats]:
        """The neighbours' medians that checks have asked for, by parameter, if there are enough neighbours."""
        return {name: median for name, median in self._medians.items() if median is not None}

    def neighbourhood(self, parameter: str, near_km: float) -> Neighbourhood | None:
        """What the neighbours measure at all rows to compare; None if there are nowhere enough of them.

        Near neighbours are at most `near_km` away.
        """
        if self._around.most < MIN_NEIGHBOURS:
            return None
        median, spread = (np.full(len(self._series.times), np.nan) for _ in range(2))
        near = np.zeros(len(self._series.times), np.intp)
        of_row, times = self._series.of_row, self._series.times
        for part in _parts(len(self._rows), self._around.most):
            rows = self._rows[part]
            values = self._around.values(parameter, of_row[rows], times[rows])
            median[rows], spread[rows] = median_and_spread(values, min_neighbours=MIN_NEIGHBOURS)
            if near_km:
                near[rows] = np.count_nonzero(self._around.within(of_row[rows], near_km) & ~np.isnan(values), axis=1)
        known = self._medians[parameter] = None if np.isnan(median).all() else median
        return None if known is None else Neighbourhood(known, spread, near)

    def median(self, parameter: str) -> Floats | None:
        """The neighbours' median at all rows if it is already known, otherwise at the few that a daily curve needs."""
        if parameter not in self._medians:
            self._medians[parameter] = self._median_of_the_few(parameter)
        return self._medians[parameter]

    def median_at(self, parameter: str, moments: Times) -> Floats:
        """The neighbours' median at any times on the axis of the series."""
        # Hours before and after a station's values mostly coincide with its other values.
        distinct, which = np.unique(moments, return_inverse=True)
        stations, times = self._series.from_axis(distinct)
        found = np.full(len(distinct), np.nan)
        for part in _parts(len(distinct), self._around.most):
            values = self._around.values(parameter, stations[part], times[part])
            found[part] = neighbour_median(values, min_neighbours=MIN_NEIGHBOURS)
        median: Floats = found[which]
        return median

    def _median_of_the_few(self, parameter: str) -> Floats | None:
        if self._around.most < MIN_NEIGHBOURS:
            return None
        median = np.full(len(self._series.times), np.nan)
        median[self.few] = self.median_at(parameter, self._series.axis[self.few])
        return None if np.isnan(median).all() else median


def _parts(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows whose cells fit into memory at once."""
    size = max(1, _CELLS_AT_ONCE // max(1, columns))
    for at in range(0, rows, size):
        yield slice(at, at + size)


def _first_of_slots(times: Times) -> Rows:
    slots = times // _SLOT_MS
    return np.flatnonzero(np.diff(slots, prepend=slots[:1] - 1))


class _Nobody:
    """The surroundings of stations without neighbours."""

    most = 0

    def values(self, parameter: str, stations: Rows, times: Times) -> Floats:  # noqa: ARG002
        return np.empty((times.size, 0))

    def within(self, stations: Rows, km: float) -> Mask:  # noqa: ARG002
        return np.empty((stations.size, 0), dtype=np.bool_)


NOBODY: Final = Comparison(Series((), np.empty(0, np.intp), np.empty(0, np.int64), {}), np.empty(0, np.intp), _Nobody())
