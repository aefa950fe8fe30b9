"""A station's values beside those of the stations around it, at the same time.

Nearest-in-time values of the neighbours, and their median and spread: median and MAD in the place of mean and standard
deviation, so that one bad neighbour among three decides no flag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from forecast.core.clock import MINUTE_MS
from forecast.qc.flags import Floats, Times

Rows = npt.NDArray[np.intp]
MIN_NEIGHBOURS: Final = 3
# So that an hourly neighbour counts.
WINDOW_MINUTES: Final = 30
_SLOT_MS: Final = 20 * MINUTE_MS
# Of 20 000 columns, five rows take 0.3 ms where numpy's sort takes 0.8; nine take as long as there.
_MOST_ROWS_EXCHANGED: Final = 8
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


def table_of(neighbours: Sequence[Neighbour], moments: QueryTimes) -> Floats:
    """The neighbours' values, one row a neighbour and one column a moment; a row of NaN where there is nobody."""
    found = [moments.values(neighbour) for neighbour in neighbours]
    return np.stack(found) if found else np.full((1, *moments.times.shape), np.nan)


def neighbour_median(values: Floats, *, min_neighbours: int) -> Floats:
    """Median of the neighbours' values (one row each) in each column.

    NaN where fewer than min_neighbours have a value.
    """
    median = column_medians(values)
    median[np.count_nonzero(~np.isnan(values), axis=0) < min_neighbours] = np.nan
    return median


def median_and_spread(values: Floats, *, min_neighbours: int) -> tuple[Floats, Floats]:
    """The `neighbour_median`, and the spread (1.4826 MAD) around it.

    NaN, both, where the median is. The spread is in the unit of the values, and 0 where more than half of the
    neighbours agree.
    """
    median = neighbour_median(values, min_neighbours=min_neighbours)
    return median, MAD_TO_SIGMA * column_medians(np.abs(values - median))


class Around(Protocol):
    """What is measured around a station."""

    @property
    def number(self) -> int:
        """How many neighbours there are."""
        ...

    def values(self, parameter: str, times: Times) -> Floats:
        """What each of them would measure at the station's height: one row a neighbour, one column a time."""
        ...


class Comparison:
    """A station beside its neighbours.

    `rows` are those of the days that count. All of them are compared, or the first of every slot of time, which is
    enough for a curve of the day.
    """

    def __init__(self, times: Times, rows: Rows, around: Around) -> None:
        self.few: Final = rows[_first_of_slots(times[rows])]
        self._size = len(times)
        self._around = around
        self._rows = rows
        self._times, self._times_of_few = times[rows], times[self.few]
        self._medians: dict[str, Floats | None] = {}

    @property
    def medians(self) -> dict[str, Floats]:
        """The neighbours' medians that a check has asked for, by parameter, where there are enough neighbours."""
        return {name: median for name, median in self._medians.items() if median is not None}

    def median_and_spread(self, parameter: str) -> tuple[Floats, Floats] | None:
        """The neighbours' median and spread at all rows that count; None where there are too few neighbours at all."""
        if self._around.number < MIN_NEIGHBOURS:
            return None
        median, spread = np.full(self._size, np.nan), np.full(self._size, np.nan)
        values = self._around.values(parameter, self._times)
        median[self._rows], spread[self._rows] = median_and_spread(values, min_neighbours=MIN_NEIGHBOURS)
        known = self._medians[parameter] = None if np.isnan(median).all() else median
        return None if known is None else (known, spread)

    def median(self, parameter: str) -> Floats | None:
        """The neighbours' median where it is known already, or at the few rows that a curve of the day needs."""
        if parameter not in self._medians:
            self._medians[parameter] = self._median_of_the_few(parameter)
        return self._medians[parameter]

    def median_at(self, parameter: str, times: Times) -> Floats:
        """The neighbours' median at any times."""
        # Hours around the hours of a station are mostly the same hours.
        distinct, which = np.unique(times, return_inverse=True)
        found = neighbour_median(self._around.values(parameter, distinct), min_neighbours=MIN_NEIGHBOURS)
        median: Floats = found[which]
        return median

    def _median_of_the_few(self, parameter: str) -> Floats | None:
        if self._around.number < MIN_NEIGHBOURS:
            return None
        median = np.full(self._size, np.nan)
        median[self.few] = self.median_at(parameter, self._times_of_few)
        return None if np.isnan(median).all() else median


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


def column_medians(values: Floats) -> Floats:
    """The median of each column's valid values, NaN where there is none; numpy's nanmedian loops over columns.

    values: one row or more, finite or NaN.
    """
    counts = np.count_nonzero(~np.isnan(values), axis=0)
    ordered = np.sort(values, axis=0) if len(values) > _MOST_ROWS_EXCHANGED else _ordered(values)  # NaN goes last
    lower: Floats
    upper: Floats
    if (counts == len(values)).all():
        lower, upper = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    else:
        columns = np.arange(values.shape[1])
        lower, upper = ordered[(counts - 1).clip(min=0) // 2, columns], ordered[counts // 2, columns]
    return lower / 2 + upper / 2


def _ordered(values: Floats) -> Floats:
    """Each column in rising order, by exchanges between neighbouring rows: numpy's sort goes column by column."""
    missing = np.isnan(values)
    rows = np.where(missing, np.inf, values)
    for turn in range(len(rows)):
        first = turn % 2
        end = first + (len(rows) - first) // 2 * 2
        upper, lower = rows[first:end:2], rows[first + 1 : end : 2]
        smaller = np.minimum(upper, lower)
        np.maximum(upper, lower, out=lower)
        upper[...] = smaller
    return np.where(np.isinf(rows), np.nan, rows) if missing.any() else rows


class _Nobody:
    """The surroundings of a station without neighbours."""

    number = 0

    def values(self, parameter: str, times: Times) -> Floats:  # noqa: ARG002
        return np.empty((0, times.size))


NOBODY: Final = Comparison(np.empty(0, np.int64), np.empty(0, np.intp), _Nobody())
