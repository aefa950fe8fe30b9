"""The station as a whole, one UTC day after the other: a verdict on a day flags all values of that day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Floats, Mask, Times, flags_of

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# The step in which air temperature is reported (WMO-No. 8, volume I, annex 1.A), °C: two curves cannot fit better.
TEMPERATURE_STEP: Final = 0.1


class _Days(NamedTuple):
    """The UTC days that `times` touches, in order."""

    number: Times  # days since 1970-01-01
    starts: Times  # the first row of each
    of_row: Times  # row to day, as an index into the two above


def bias_of_days(values: Floats, median: Floats, times: Times, *, days: int, min_hours: int) -> tuple[Times, Floats]:
    """How far the station stands from its neighbours, for each UTC day that has a row.

    median: of the neighbours at the time of each value, NaN where there are too few.
    Returns the day numbers (days since 1970-01-01) and, for each, the median of (value - median) over the `days` UTC
    days that end with this one; NaN where fewer than min_hours distinct hours of them have both.

    Reach in time: days - 1 whole UTC days back, and the day itself.
    """
    calendar = _days_of(times)
    deviation = values - median
    valid = np.flatnonzero(~np.isnan(deviation))
    deviation, day = deviation[valid], calendar.number[calendar.of_row[valid]]
    hours = np.cumsum(_first_of_hour(times[valid]))
    first = np.searchsorted(day, calendar.number - (days - 1)).tolist()
    end = np.searchsorted(day, calendar.number, side="right").tolist()
    numbers = np.full(calendar.number.shape, np.nan)
    for index, (low, high) in enumerate(zip(first, end, strict=True)):
        # The first row of a window is the first of its hour, because a window begins at midnight.
        if high > low and hours[high - 1] - hours[low] + 1 >= min_hours:
            numbers[index] = _median(deviation[low:high])
    return calendar.number, numbers


def bias(values: Floats, median: Floats, times: Times, *, days: int, limit: float, min_hours: int) -> Flags:
    """A station that stands off its neighbours for days: a wrong calibration, height or reduction to sea level.

    SUSPECT: the number of `bias_of_days` for the value's UTC day is beyond ±limit (in the unit of the values).
    NOT_EVALUATED: fewer than min_hours distinct hours of the `days` days have value and neighbours' median.

    Reach in time: days - 1 whole UTC days back, and the value's day.
    Source: personal stations that send absolute pressure as mean-sea-level pressure (at 15...50 m, 2...6 hPa low).
    """
    _, numbers = bias_of_days(values, median, times, days=days, min_hours=min_hours)
    of_row = numbers[_days_of(times).of_row]
    return flags_of(values, suspect=np.abs(of_row) > limit, evaluated=~np.isnan(of_row))


def stuck(
    values: Floats, times: Times, median: Floats, *, tolerance: float, neighbour_range: float, min_hours: int
) -> Flags:
    """A sensor that stands still for a UTC day on which its neighbours do not.

    SUSPECT: highest - lowest value <= tolerance, while the neighbours' median spans neighbour_range or more at the
    same rows. NOT_EVALUATED: fewer than min_hours distinct hours of the day have both.

    Reach in time: the value's UTC day.
    Source: HadISD's straight strings ask for 7...14 days of one station alone; neighbours that move make it one day.
    """
    days = _days_of(times)
    both = ~np.isnan(values - median)
    suspect = (_range(values, both, days) <= tolerance) & (_range(median, both, days) >= neighbour_range)
    evaluated = _hours_of_days(both, times, days) >= max(min_hours, 1)
    return flags_of(values, suspect=suspect[days.of_row], evaluated=evaluated[days.of_row])


def clock(
    values: Floats,
    times: Times,
    reference: Callable[[Times], Floats],
    *,
    shifts_hours: Sequence[float],
    window_days: int,
    min_hours: int,
    improvement: float,
) -> Flags:
    """A station whose clock is off, told by its curve of air temperature (°C) against the neighbours'.

    reference: the neighbours' median at any times, NaN where there are too few; called once for all shifts.
    A shift s compares the value at t with reference(t + s): a clock that is one hour fast fits at -1. The fit is the
    RMS of the difference, each UTC day's mean taken out (a bias is no clock), relative to that at shift 0 over the same
    rows; for the window_days UTC days that end with this one, the geometric mean of the days' fits, weighted by rows.
    That is the likelihood where each day has its own noise, so that a night of fog, as noisy as four other days,
    cannot outvote them. SUSPECT: the best fit is 1 - improvement or less, at a shift other than 0 and not at either
    end of shifts_hours: one that gets better up to the end is no minimum. List one shift more to either side than is
    to be found. NOT_EVALUATED: fewer than min_hours distinct hours of the window have both, at any one shift.

    Reach in time: window_days - 1 whole UTC days back and the value's day, and the largest shift beyond either end.
    Source: no published rule was found; the criterion follows from the likelihood, the limits from measurement.
    """
    days = _days_of(times)
    shifts = sorted({0.0, *map(float, shifts_hours)})
    moved_times = [times + round(shift * HOUR_MS) for shift in shifts]
    moved = values - reference(np.concatenate(moved_times)).reshape(len(shifts), times.size)
    unmoved = moved[shifts.index(0.0)]
    fits = np.ones((len(shifts), days.number.size))
    for fit, shift, of_shift in zip(fits, shifts, moved, strict=True):
        if shift:
            fit[:] = _fit(of_shift, unmoved, times, days, window_days=window_days, min_hours=min_hours)
    evaluated: Mask = np.isnan(fits).sum(axis=0) == 0
    best = np.argmin(np.where(evaluated, fits, 1.0), axis=0)
    inside = (best > 0) & (best < len(shifts) - 1)
    found = inside & (best != shifts.index(0.0)) & (fits.min(axis=0) <= 1 - improvement)
    return flags_of(values, suspect=found[days.of_row], evaluated=evaluated[days.of_row])


def flag_rate(flags: Flags, times: Times, *, limit: float, min_values: int) -> Flags:
    """A UTC day on which so many values are flagged that the others are not to be trusted either.

    flags: those of one parameter. SUSPECT: more than `limit` (0...1) of the day's judged values are SUSPECT or FAIL and
    at least min_values are judged; MISSING and NOT_EVALUATED ones are not judged, but those present share the verdict.
    NOT_EVALUATED: fewer are judged; and, on a day that passes, a value that no check has judged: this one has not
    looked at it.

    Reach in time: the value's UTC day.
    Source: GHCNh's `h` (more than 20 % of a variable flagged: all withheld) and the 60 % a month of its clean-up.
    """
    days = _days_of(times)
    flagged = _count((flags == SUSPECT) | (flags == FAIL), days)
    judged = flagged + _count(flags == GOOD, days)
    enough = judged >= max(min_values, 1)
    over = (enough & (flagged > limit * judged))[days.of_row]
    unjudged = ~enough[days.of_row] | (flags == NOT_EVALUATED)
    result = np.where(over, SUSPECT, np.where(unjudged, NOT_EVALUATED, GOOD))
    return np.where(flags == MISSING, MISSING, result).astype(np.uint8)


def _fit(moved: Floats, unmoved: Floats, times: Times, days: _Days, *, window_days: int, min_hours: int) -> Floats:
    """For each day, the fit of its window relative to that of no shift: below 1 is better. NaN: too few hours."""
    both = ~np.isnan(moved - unmoved)
    rows = _count(both, days)
    with_step = TEMPERATURE_STEP**2
    gain = np.log((_variance(moved, both, days) + with_step) / (_variance(unmoved, both, days) + with_step)) / 2
    rows_in_window, gain_in_window, hours_in_window = (
        _over_window(each, days, window_days) for each in (rows, rows * gain, _hours_of_days(both, times, days))
    )
    fit = np.exp(gain_in_window / rows_in_window.clip(min=1))
    return np.where(hours_in_window >= max(min_hours, 1), fit, np.nan)


def _days_of(times: Times) -> _Days:
    day = times // DAY_MS
    new = np.diff(day, prepend=day[:1] - 1) != 0
    starts = np.flatnonzero(new)
    return _Days(number=day[starts], starts=starts, of_row=np.cumsum(new) - 1)


def _over_window(of_days: Floats, days: _Days, window_days: int) -> Floats:
    """The sum over the window_days UTC days that end with each; not from running sums: their rounding reaches back."""
    total: Floats = np.zeros(days.number.shape)
    for back in range(window_days):
        at = np.searchsorted(days.number, days.number - back)  # never beyond the end: days - back <= days
        total += np.where(days.number[at] == days.number - back, of_days[at], 0.0)
    return total


def _count(mask: Mask, days: _Days) -> Floats:
    return np.bincount(days.of_row[mask], minlength=days.number.size).astype(np.float64)


def _variance(values: Floats, mask: Mask, days: _Days) -> Floats:
    """Of each day's values where the mask is set; 0 where there is none."""
    counts = _count(mask, days).clip(min=1)
    mean: Floats = _sum(np.where(mask, values, 0.0), days) / counts
    variance: Floats = _sum(np.where(mask, values - mean[days.of_row], 0.0) ** 2, days) / counts
    return variance


def _sum(values: Floats, days: _Days) -> Floats:
    if not values.size:
        return np.zeros(0)
    sums: Floats = np.add.reduceat(values, days.starts)
    return sums


def _range(values: Floats, mask: Mask, days: _Days) -> Floats:
    """Highest - lowest of each day's values where the mask is set; -inf where there is none."""
    if not values.size:
        return np.zeros(0)
    highest: Floats = np.maximum.reduceat(np.where(mask, values, -np.inf), days.starts)
    lowest: Floats = np.minimum.reduceat(np.where(mask, values, np.inf), days.starts)
    return highest - lowest


def _first_of_hour(times: Times) -> Mask:
    """True at the first row of each UTC hour."""
    hour = times // HOUR_MS
    first: Mask = np.diff(hour, prepend=hour[:1] - 1) != 0
    return first


def _hours_of_days(mask: Mask, times: Times, days: _Days) -> Floats:
    """The number of distinct UTC hours of each day that have a row where the mask is set."""
    rows = np.flatnonzero(mask)
    first = rows[_first_of_hour(times[rows])]
    return np.bincount(days.of_row[first], minlength=days.number.size).astype(np.float64)


def _median(values: Floats) -> float:
    """As numpy's, which takes three times as long for the few hundred values of a window."""
    lower, upper = (values.size - 1) // 2, values.size // 2
    parted = np.partition(values, (lower, upper))
    return float(parted[lower] / 2 + parted[upper] / 2)
