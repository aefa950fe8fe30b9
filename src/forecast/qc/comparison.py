"""A station's values beside those of the stations around it, at the same time.

Nearest-in-time values of the neighbours, and their median and spread: median and MAD in the place of mean and standard
deviation, so that one bad neighbour among three carries no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.core.clock import MINUTE_MS
from forecast.qc.flags import Floats, Times

Rows = npt.NDArray[np.intp]
MIN_NEIGHBOURS: Final = 3
# So that an hourly neighbour counts.
WINDOW_MINUTES: Final = 30
_SLOT_MS: Final = 20 * MINUTE_MS
# 1 / Φ⁻¹(3/4): makes the median absolute deviation of normal values their standard deviation (Rousseeuw & Croux 1993).
MAD_TO_SIGMA: Final = 1.4826


class Neighbour(NamedTuple):
    """One station beside the one under test: its valid values and their times (ms since 1970 UTC, sorted, unique).

    The values are already what the neighbour would measure at the height of the tested station. NaN is missing.
    """

    times: Times
    values: Floats


def joined(twins: Sequence[Neighbour]) -> Neighbour:
    """Stations of one site as one neighbour: at each time the value of the first that has one.

    So that a site counts once, whichever of its stations send. It depends on no other time.
    """
    if len(twins) == 1:
        return twins[0]
    times = np.concatenate([_valid(twin).times for twin in twins])
    values = np.concatenate([_valid(twin).values for twin in twins])
    distinct, first = np.unique(times, return_index=True)
    return Neighbour(distinct, values[first])


@dataclass(frozen=True, slots=True)
class QueryTimes:
    """Times (ms since 1970 UTC, in any order) at which neighbours are asked for their values."""

    times: Times
    window_minutes: float
    # Which value is nearest, by the neighbour's times: its parameters mostly share them, and the search is dear.
    _nearest: dict[int, tuple[Times, Rows]] = field(default_factory=dict)

    def values(self, neighbour: Neighbour) -> Floats:
        """The valid value of the neighbour nearest to each of the times; of two as near, the earlier one.

        NaN where there is none within the window, whose ends are inside.
        Reach in time: window_minutes to either side.
        """
        known, values = _valid(neighbour)
        # Kept beside what was found, the times stay alive, and no others can take their number.
        if id(known) not in self._nearest:
            self._nearest[id(known)] = known, _nearest(known, self.times, self.window_minutes)
        _, rows = self._nearest[id(known)]
        found: Floats = np.append(values, np.nan)[rows]
        return found


def neighbour_median(neighbours: Sequence[Neighbour], moments: QueryTimes, *, min_neighbours: int) -> Floats:
    """Median of the neighbours' values at each of the moments.

    NaN where fewer than min_neighbours have a value within the window.
    Reach in time: that of `QueryTimes.values`.
    """
    return _median_of(_at(neighbours, moments), min_neighbours)


def median_and_spread(
    neighbours: Sequence[Neighbour], moments: QueryTimes, *, min_neighbours: int
) -> tuple[Floats, Floats]:
    """The `neighbour_median`, and the spread (1.4826 MAD) around it.

    NaN, both, where the median is. The spread is in the unit of the values, and 0 where more than half of the
    neighbours agree.
    """
    values = _at(neighbours, moments)
    median = _median_of(values, min_neighbours)
    return median, MAD_TO_SIGMA * column_medians(np.abs(values - median))


class Comparison:
    """A station beside its neighbours, of which is given what they would measure at its height, by parameter.

    `rows` are those of the days that count. All of them are compared, or the first of every slot of time, which is
    enough for a curve of the day.
    """

    def __init__(self, times: Times, rows: Rows, neighbours: Mapping[str, Sequence[Neighbour]]) -> None:
        self.few: Final = rows[_first_of_slots(times[rows])]
        self._size = len(times)
        self._neighbours = neighbours
        self._every = rows, QueryTimes(times[rows], WINDOW_MINUTES)
        self._few = QueryTimes(times[self.few], WINDOW_MINUTES)
        self._medians: dict[str, Floats | None] = {}

    @property
    def medians(self) -> dict[str, Floats]:
        """The neighbours' medians that a check has asked for, by parameter, where there are enough neighbours."""
        return {name: median for name, median in self._medians.items() if median is not None}

    def median_and_spread(self, parameter: str) -> tuple[Floats, Floats] | None:
        """The neighbours' median and spread at all rows that count; None where there are too few neighbours at all."""
        neighbours = self._enough(parameter)
        if neighbours is None:
            return None
        rows, moments = self._every
        median, spread = np.full(self._size, np.nan), np.full(self._size, np.nan)
        median[rows], spread[rows] = median_and_spread(neighbours, moments, min_neighbours=MIN_NEIGHBOURS)
        known = self._medians[parameter] = None if np.isnan(median).all() else median
        return None if known is None else (known, spread)

    def median(self, parameter: str) -> Floats | None:
        """The neighbours' median where it is known already, or at the few rows that a curve of the day needs."""
        if parameter not in self._medians:
            self._medians[parameter] = self._median_of_the_few(parameter)
        return self._medians[parameter]

    def median_at(self, parameter: str, times: Times) -> Floats:
        """The neighbours' median at any times."""
        moments = QueryTimes(times, WINDOW_MINUTES)
        return neighbour_median(self._neighbours[parameter], moments, min_neighbours=MIN_NEIGHBOURS)

    def _median_of_the_few(self, parameter: str) -> Floats | None:
        neighbours = self._enough(parameter)
        if neighbours is None:
            return None
        median = np.full(self._size, np.nan)
        median[self.few] = neighbour_median(neighbours, self._few, min_neighbours=MIN_NEIGHBOURS)
        return None if np.isnan(median).all() else median

    def _enough(self, parameter: str) -> Sequence[Neighbour] | None:
        neighbours = self._neighbours.get(parameter, ())
        return neighbours if len(neighbours) >= MIN_NEIGHBOURS else None


def _first_of_slots(times: Times) -> Rows:
    slots = times // _SLOT_MS
    return np.flatnonzero(np.diff(slots, prepend=slots[:1] - 1))


def _valid(neighbour: Neighbour) -> Neighbour:
    valid = ~np.isnan(neighbour.values)
    return neighbour if valid.all() else Neighbour(neighbour.times[valid], neighbour.values[valid])


def _nearest(known: Times, times: Times, window_minutes: float) -> Rows:
    """The row of `known` nearest to each of the times, the earlier of two; one beyond its end where none is near."""
    if not known.size:
        return np.zeros(times.shape, dtype=np.intp)
    after = np.searchsorted(known, times).clip(max=known.size - 1)
    before = (after - 1).clip(min=0)
    to_before, to_after = np.abs(times - known[before]), np.abs(known[after] - times)
    rows: Rows = np.where(to_before <= to_after, before, after)
    rows[np.minimum(to_before, to_after) > window_minutes * MINUTE_MS] = known.size
    return rows


def _at(neighbours: Sequence[Neighbour], moments: QueryTimes) -> Floats:
    """The neighbours' values, one row a neighbour and one column a moment."""
    found = [moments.values(neighbour) for neighbour in neighbours]
    return np.stack(found) if found else np.full((1, *moments.times.shape), np.nan)


def _median_of(values: Floats, min_neighbours: int) -> Floats:
    median = column_medians(values)
    median[np.count_nonzero(~np.isnan(values), axis=0) < min_neighbours] = np.nan
    return median


def column_medians(values: Floats) -> Floats:
    """The median of each column's valid values, NaN where there is none; numpy's nanmedian loops over columns."""
    counts = np.count_nonzero(~np.isnan(values), axis=0)
    ordered = np.sort(values, axis=0)  # NaN goes last
    columns = np.arange(values.shape[1])
    lower: Floats = ordered[(counts - 1).clip(min=0) // 2, columns]
    upper: Floats = ordered[counts // 2, columns]
    return lower / 2 + upper / 2


NOBODY: Final = Comparison(np.empty(0, np.int64), np.empty(0, np.intp), {})
