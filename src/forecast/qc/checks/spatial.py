"""A value against the stations around it, at the same time.

Nearest-in-time values of the neighbours, their median and spread, and the distance of a value from that median in
spreads: the leave-one-out form of the buddy check (titanlib's `buddy_check`, GHCNh's `neighbour`) with
median and MAD in the place of mean and standard deviation, so that one bad neighbour among three carries no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.qc.flags import Flags, Floats, Times, flags_of

Rows = npt.NDArray[np.intp]
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
# 1 / Φ⁻¹(3/4): makes the median absolute deviation of normal values their standard deviation (Rousseeuw & Croux 1993).
MAD_TO_SIGMA: Final = 1.4826


class Neighbour(NamedTuple):
    """One station beside the one under test: its valid values and their times (ms since 1970 UTC, sorted, unique).

    The values are already what the neighbour would measure at the height of the tested station. NaN is missing.
    """

    times: Times
    values: Floats


@dataclass(frozen=True, slots=True)
class Moments:
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


def neighbour_median(neighbours: Sequence[Neighbour], moments: Moments, *, min_neighbours: int) -> Floats:
    """Median of the neighbours' values at each of the moments.

    NaN where fewer than min_neighbours have a value within the window.
    Reach in time: that of `Moments.values`.
    """
    return _median_of(_at(neighbours, moments), min_neighbours)


def median_and_spread(
    neighbours: Sequence[Neighbour], moments: Moments, *, min_neighbours: int
) -> tuple[Floats, Floats]:
    """The `neighbour_median`, and the spread (1.4826 MAD) around it.

    NaN, both, where the median is. The spread is in the unit of the values, and 0 where more than half of the
    neighbours agree.
    """
    values = _at(neighbours, moments)
    median = _median_of(values, min_neighbours)
    return median, MAD_TO_SIGMA * _median(np.abs(values - median))


def expected(values: Floats, median: Floats, times: Times, *, hours: int, min_hours: int, max_offset: float) -> Floats:
    """The neighbours' median as this station stands to it these hours: median plus the station's own recent offset.

    The offset is the median of the hourly medians of (value - median), over the hour of the value and `hours` whole
    UTC hours to either side, cut to ±max_offset; 0 where fewer than min_hours of these hours have both. It takes out
    what is weather: a valley in radiation fog stays 3 °C below five stations around it for ten hours (Hazebrouck,
    2024-10-05), so that an error of +5 °C would bring it near to them. An error shorter than `hours` does not move a
    median of hours; a longer one is taken out up to max_offset only, and so is a bias, which `station.bias` finds.

    values, median: in one unit, one row each. NaN where median is NaN.
    Reach in time: hours + 1 hours to either side (and what the median reaches).
    """
    deviation = values - median
    valid = np.flatnonzero(~np.isnan(deviation))
    hour = times // HOUR_MS
    known, of_hour = _hourly_medians(hour[valid], deviation[valid])
    if not known.size:
        return median
    new = np.diff(hour, prepend=hour[:1] - 1) != 0
    wanted, row = hour[new], np.cumsum(new) - 1
    around = np.full((2 * hours + 1, wanted.size), np.nan)
    following = np.searchsorted(known, wanted - hours)
    for line, distance in zip(around, range(-hours, hours + 1), strict=True):
        at = np.minimum(following, known.size - 1)
        present = known[at] == wanted + distance
        line[present] = of_hour[at[present]]
        following += present
    counts = np.count_nonzero(~np.isnan(around), axis=0)
    offset = np.where(counts >= max(min_hours, 1), _median(around), 0.0).clip(-max_offset, max_offset)
    moved: Floats = median + offset[row]
    return moved


def spatial(values: Floats, median: Floats, spread: Floats, *, suspect_z: float, fail_z: float, floor: float) -> Flags:
    """A value too far from what the stations around it measure.

    median, spread: of the neighbours at the time of each value (`neighbour_median`), or what is `expected` from it.
    SUSPECT, FAIL: |value - median| > suspect_z, fail_z times the spread, which counts as `floor` at least (above 0, in
    the unit of the values): neighbours that happen to agree are no proof that the air is the same everywhere. fail_z
    may be infinite. NOT_EVALUATED: no median, which means too few neighbours at that time.

    Reach in time: none, each value is judged alone.
    Source: titanlib `buddy_check` (threshold 2...3, min_std 1), MetObs (z > 3.1, min_std 1), GHCNh `neighbour`
    (5 spreads of at least 2, at least 3 neighbours).
    """
    distance = np.abs(values - median) / np.maximum(spread, floor)
    return flags_of(values, suspect=distance > suspect_z, fail=distance > fail_z, evaluated=~np.isnan(median))


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


def _at(neighbours: Sequence[Neighbour], moments: Moments) -> Floats:
    """The neighbours' values, one row a neighbour and one column a moment."""
    found = [moments.values(neighbour) for neighbour in neighbours]
    return np.stack(found) if found else np.full((1, *moments.times.shape), np.nan)


def _median_of(values: Floats, min_neighbours: int) -> Floats:
    median = _median(values)
    median[np.count_nonzero(~np.isnan(values), axis=0) < min_neighbours] = np.nan
    return median


def _hourly_medians(hour: Times, values: Floats) -> tuple[Times, Floats]:
    """The hours (sorted) that have values (no NaN), and the median in each."""
    ordered = values[np.lexsort((values, hour))]
    starts = np.flatnonzero(np.diff(hour, prepend=hour[:1] - 1))
    counts = np.diff(starts, append=hour.size)
    lower: Floats = ordered[starts + (counts - 1) // 2]
    upper: Floats = ordered[starts + counts // 2]
    return hour[starts], lower / 2 + upper / 2


def _median(values: Floats) -> Floats:
    """The median of each column's valid values, NaN where there is none; numpy's nanmedian loops over columns."""
    counts = np.count_nonzero(~np.isnan(values), axis=0)
    ordered = np.sort(values, axis=0)  # NaN goes last
    columns = np.arange(values.shape[1])
    lower: Floats = ordered[(counts - 1).clip(min=0) // 2, columns]
    upper: Floats = ordered[counts // 2, columns]
    return lower / 2 + upper / 2
