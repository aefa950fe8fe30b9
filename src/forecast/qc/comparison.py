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
    """What the neighbours of some rows measure: median and spread (NaN if too few do), and how many near ones do."""

    rows: Rows
    median: Floats
    spread: Floats
    near: Rows


class Comparison:
    """Stations compared with their neighbours.

    `rows` are the rows of the days to check and of the hours around them, `earlier_too` also those of the days before
    that checks of whole days need. A daily curve only needs the first of them in each slot of time (`few`).
    """

    def __init__(self, series: Series, rows: Rows, earlier_too: Rows, around: Around) -> None:
        self.few: Final = _first_of_slots(series.axis, earlier_too)
        self.medians: Final[dict[str, Floats]] = {}
        self._known: Final[dict[str, Floats]] = {}
        self._series = series
        self._around = around
        self._rows = rows
        self._earlier_too = earlier_too

    @property
    def is_possible(self) -> bool:
        """Whether any of the stations has enough neighbours."""
        return self._around.most >= MIN_NEIGHBOURS

    def neighbourhood(self, parameter: str, near_km: float) -> Neighbourhood | None:
        """What the neighbours measure at the rows that have a value; None if there are nowhere enough of them.

        Near neighbours are at most `near_km` away.
        """
        if not self.is_possible:
            return None
        found = self._with_value(parameter, self._rows)
        median, spread = np.empty(len(found)), np.empty(len(found))
        near = np.zeros(len(found), np.intp)
        for part in _parts(len(found), self._around.most):
            stations, times = self._series.of_row[found[part]], self._series.times[found[part]]
            values = self._around.values(parameter, stations, times)
            median[part], spread[part] = median_and_spread(values, min_neighbours=MIN_NEIGHBOURS)
            if near_km:
                near[part] = np.count_nonzero(self._around.within(stations, near_km) & ~np.isnan(values), axis=1)
        self._known[parameter] = self._filled(found, median)
        return None if np.isnan(median).all() else Neighbourhood(found, median, spread, near)

    def median(self, parameter: str) -> Floats | None:
        """The neighbours' median at rows of the days to check that have a value; NaN at all others.

        At each of them if `neighbourhood` was called, otherwise at the first in each slot of time. None if there are
        nowhere enough neighbours.
        """
        if parameter not in self._known:
            rows = self._with_value(parameter, _first_of_slots(self._series.axis, self._rows))
            self._known[parameter] = self._filled(rows, self._median_of(parameter, rows))
        return _unless_empty(self._known[parameter])

    def median_of_days(self, parameter: str) -> Floats | None:
        """The same at all rows of these days and of those before them that checks of whole days need."""
        if parameter not in self.medians:
            rows = self._with_value(parameter, self._earlier_too)
            known = self._known.get(parameter)
            if known is not None:
                rows = np.setdiff1d(rows, self._rows, assume_unique=True)
            found = self._filled(rows, self._median_of(parameter, rows))
            self.medians[parameter] = found if known is None else np.fmax(found, known)
        return _unless_empty(self.medians[parameter])

    def median_at(self, parameter: str, moments: Times) -> Floats:
        """The neighbours' median at any times on the axis of the series."""
        # Hours before and after a station's values mostly coincide with its other values.
        distinct, which = _distinct(moments)
        median: Floats = self._median_at(parameter, *self._series.from_axis(distinct))[which]
        return median

    def _median_of(self, parameter: str, rows: Rows) -> Floats:
        return self._median_at(parameter, self._series.of_row[rows], self._series.times[rows])

    def _median_at(self, parameter: str, stations: Rows, times: Times) -> Floats:
        found = np.full(len(times), np.nan)
        if self.is_possible:
            for part in _parts(len(times), self._around.most):
                values = self._around.values(parameter, stations[part], times[part])
                found[part] = neighbour_median(values, min_neighbours=MIN_NEIGHBOURS)
        return found

    def _filled(self, rows: Rows, values: Floats) -> Floats:
        """Values of some rows among all, NaN at the others."""
        filled = np.full(len(self._series.times), np.nan)
        filled[rows] = values
        return filled

    def _with_value(self, parameter: str, rows: Rows) -> Rows:
        found: Rows = rows[~np.isnan(self._series.values[parameter][rows])]
        return found


def _distinct(moments: Times) -> tuple[Times, Rows]:
    """Each time once, ascending, and the place of each of the given ones among them.

    As `np.unique`, in a quarter of its time: a stable sort merges the ascending runs that the times consist of.
    """
    order = np.argsort(moments, kind="stable")
    ascending = moments[order]
    is_new = np.append(True, ascending[1:] != ascending[:-1])[: len(moments)]
    which = np.empty(len(moments), np.intp)
    which[order] = np.cumsum(is_new) - 1
    return ascending[is_new], which


def _unless_empty(median: Floats) -> Floats | None:
    return None if np.isnan(median).all() else median


def _parts(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows whose cells fit into memory at once."""
    size = max(1, _CELLS_AT_ONCE // max(1, columns))
    for at in range(0, rows, size):
        yield slice(at, at + size)


def _first_of_slots(axis: Times, rows: Rows) -> Rows:
    slots = axis[rows] // _SLOT_MS
    found: Rows = rows[np.diff(slots, prepend=slots[:1] - 1) != 0]
    return found


class _Nobody:
    """The surroundings of stations without neighbours."""

    most = 0

    def values(self, parameter: str, stations: Rows, times: Times) -> Floats:  # noqa: ARG002
        return np.empty((times.size, 0))

    def within(self, stations: Rows, km: float) -> Mask:  # noqa: ARG002
        return np.empty((stations.size, 0), dtype=np.bool_)


_NO_ROWS: Final = np.empty(0, np.intp)
NOBODY: Final = Comparison(Series((), _NO_ROWS, np.empty(0, np.int64), {}), _NO_ROWS, _NO_ROWS, _Nobody())
