"""A station whose clock is off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.days import Days, count_by_day, days_of, hours_of_days
from forecast.qc.flags import GOOD, SUSPECT, Flags, Floats, Mask, Times, flags_of
from forecast.qc.names import TEMPERATURE
from forecast.qc.thresholds import MEASURED, limits

# Air temperature is reported in steps of 0.1 °C (WMO-No. 8, volume I, annex 1.A), so no fit can be better than this.
TEMPERATURE_STEP: Final = 0.1
# The best fit at either end could be part of a larger error and is not reported, so up to two hours can be found.
_SHIFTS_HOURS: Final = (-3, -2, -1, 1, 2, 3)


def clock_offset(
    values: Floats,
    times: Times,
    reference: Callable[[Times], Floats],
    *,
    shifts_hours: Sequence[float],
    window_days: int,
    min_hours: int,
    improvement: float,
) -> Flags:
    """Flag a station whose clock is wrong, by its curve of air temperature (°C) compared with the neighbours'.

    reference: returns the neighbours' median at any times, NaN where there are too few; called once for all shifts.
    A shift s compares the value at t with reference(t + s): a clock that is one hour fast fits best at -1. The fit is
    the RMS of the difference, after subtracting each UTC day's mean (a bias is not a clock error), divided by the RMS
    at shift 0 over the same rows. For the window_days UTC days that end with this one, it is the geometric mean of the
    days' fits, weighted by rows. This is the likelihood if each day has its own noise, so that one night of fog, as
    noisy as four other days, cannot outweigh them. SUSPECT: the best fit is at most 1 - improvement, at a shift that
    is neither 0 nor at either end of shifts_hours, because a fit that keeps improving up to the end is not a minimum.
    List one shift more on either side than should be found. NOT_EVALUATED: at any one shift, fewer than min_hours
    distinct hours of the window have both.

    Reach in time: the value's UTC day and the window_days - 1 before it, extended by the largest shift at both ends.
    Source: no published rule was found; the criterion follows from the likelihood, the limits from measurement.
    """
    if times.size < min_hours:
        return flags_of(values, evaluated=np.zeros(values.shape, dtype=bool))
    days = days_of(times)
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


def _fit(moved: Floats, unmoved: Floats, times: Times, days: Days, *, window_days: int, min_hours: int) -> Floats:
    """The fit of each day's window relative to no shift: below 1 is better. NaN: too few hours."""
    both = ~np.isnan(moved - unmoved)
    rows = count_by_day(both, days)
    with_step = TEMPERATURE_STEP**2
    gain = np.log((_variance(moved, both, days) + with_step) / (_variance(unmoved, both, days) + with_step)) / 2
    rows_in_window, gain_in_window, hours_in_window = (
        _over_window(each, days, window_days) for each in (rows, rows * gain, hours_of_days(both, times, days))
    )
    fit = np.exp(gain_in_window / rows_in_window.clip(min=1))
    return np.where(hours_in_window >= max(min_hours, 1), fit, np.nan)


def _over_window(of_days: Floats, days: Days, window_days: int) -> Floats:
    """The sum over the window_days UTC days that end with each day. Running sums would spread rounding errors."""
    total: Floats = np.zeros(days.number.shape)
    for back in range(window_days):
        at = np.searchsorted(days.number, days.number - back)  # always a valid index: days - back <= days
        total += np.where(days.number[at] == days.number - back, of_days[at], 0.0)
    return total


def _variance(values: Floats, mask: Mask, days: Days) -> Floats:
    """The variance of each day's values where the mask is set; 0 for a day without any."""
    counts = count_by_day(mask, days).clip(min=1)
    mean: Floats = _sum(np.where(mask, values, 0.0), days) / counts
    variance: Floats = _sum(np.where(mask, values - mean[days.of_row], 0.0) ** 2, days) / counts
    return variance


def _sum(values: Floats, days: Days) -> Floats:
    if not values.size:
        return np.zeros(0)
    sums: Floats = np.add.reduceat(values, days.starts)
    return sums


def _run(context: Context) -> Iterator[Finding]:
    """If the clock is wrong, every value of that time is suspect."""
    if not context.comparison.is_possible:
        return
    own, times, rows = context.limits[CHECK.id], context.series.axis, context.comparison.few
    flags = clock_offset(
        context.unfailed(TEMPERATURE)[rows],
        times[rows],
        lambda moments: context.comparison.median_at(TEMPERATURE, moments),
        shifts_hours=_SHIFTS_HOURS,
        window_days=int(own["clock_offset_window_days"]),
        min_hours=int(own["clock_offset_min_hours"]),
        improvement=own["clock_offset_improvement"],
    )
    days = times // DAY_MS
    suspect, evaluated = (np.isin(days, days[rows][np.isin(flags, kinds)]) for kinds in ((SUSPECT,), (GOOD, SUSPECT)))
    for name in filter(context.has, CHECK.parameters):
        yield Finding(name, flags_of(context.unfailed(name), suspect=suspect, evaluated=evaluated))


def _reach(own: Limits) -> Reach:
    shift = max(_SHIFTS_HOURS)
    return Reach(24 * (own["clock_offset_window_days"] - 1) + shift, shift)


CHECK: Final = Check(
    id="clock_offset",
    order=220,
    scope=Scope.DAY,
    parameters=MEASURED_NAMES,
    compared=(TEMPERATURE,),
    limits={
        "clock_offset": limits(
            MEASURED, clock_offset_window_days=2, clock_offset_min_hours=30, clock_offset_improvement=0.15
        )
    },
    most={"clock_offset_window_days": 2},
    reach=_reach,
    known_as=("HadISD diurnal cycle check",),
    finds="a daily temperature curve that matches the neighbours' when shifted by one or two hours",
    advice="the daily curve matches the neighbours' when shifted by hours: correct the station's clock or time zone",
    french_advice=(
        "la courbe du jour suit celle des voisines si on la décale d'heures : régler l'horloge ou le fuseau "
        "de la station"
    ),
    warning=(
        "{station} matches its neighbours when shifted by hours: is its clock or its time zone wrong, or is a file of "
        "another station in its folder?"
    ),
    run=_run,
)
