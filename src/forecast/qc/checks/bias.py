"""A station that differs from its neighbours for days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.days import days_of, first_of_hour
from forecast.qc.flags import Flags, Floats, Times, flags_of
from forecast.qc.names import PRESSURE
from forecast.qc.thresholds import PROJECT, limits


def bias(values: Floats, median: Floats, times: Times, *, days: int, limit: float, min_hours: int) -> Flags:
    """Flag a station that differs from its neighbours for days: wrong calibration, altitude or reduction to sea level.

    SUSPECT: `bias_of_days` for the value's UTC day is outside ±limit (in the unit of the values).
    NOT_EVALUATED: in these `days` days, fewer than min_hours distinct hours have a value and a neighbours' median.

    Reach in time: the value's UTC day and the days - 1 before it.
    Source: personal stations that send absolute pressure as mean-sea-level pressure (at 15...50 m, 2...6 hPa low).
    """
    if times.size < min_hours:
        return flags_of(values, evaluated=np.zeros(values.shape, dtype=bool))
    _, numbers = bias_of_days(values, median, times, days=days, min_hours=min_hours)
    of_row = numbers[days_of(times).of_row]
    return flags_of(values, suspect=np.abs(of_row) > limit, evaluated=~np.isnan(of_row))


def bias_of_days(values: Floats, median: Floats, times: Times, *, days: int, min_hours: int) -> tuple[Times, Floats]:
    """The station's offset from its neighbours, for each UTC day that has a row.

    median: the neighbours' median at the time of each value; NaN where there are too few neighbours.
    Returns the day numbers (days since 1970-01-01) and, for each day, the median of (value - median) over the `days`
    UTC days that end with it; NaN if fewer than min_hours distinct hours of these days have both.

    Reach in time: the day itself and the days - 1 before it.
    """
    calendar = days_of(times)
    deviation = values - median
    valid = np.flatnonzero(~np.isnan(deviation))
    deviation, day = deviation[valid], calendar.number[calendar.of_row[valid]]
    hours = np.cumsum(first_of_hour(times[valid]))
    first = np.searchsorted(day, calendar.number - (days - 1)).tolist()
    end = np.searchsorted(day, calendar.number, side="right").tolist()
    numbers = np.full(calendar.number.shape, np.nan)
    for index, (low, high) in enumerate(zip(first, end, strict=True)):
        # A window starts at midnight, so its first row is also the first of an hour.
        if high > low and hours[high - 1] - hours[low] + 1 >= min_hours:
            numbers[index] = _median(deviation[low:high])
    return calendar.number, numbers


def _median(values: Floats) -> float:
    """The same as numpy's median, which takes three times as long for the few hundred values of a window."""
    lower, upper = (values.size - 1) // 2, values.size // 2
    parted = np.partition(values, (lower, upper))
    return float(parted[lower] / 2 + parted[upper] / 2)


def _run(context: Context) -> Iterator[Finding]:
    # A station without a barometer cannot be biased, even if its neighbours have one.
    median = context.comparison.median_of_days(PRESSURE) if context.has(PRESSURE) else None
    if median is not None:
        own = context.limits[PRESSURE]
        flags = bias(
            context.unfailed(PRESSURE),
            median,
            context.series.axis,
            days=int(own["bias_days"]),
            limit=own["bias_limit"],
            min_hours=int(own["bias_min_hours"]),
        )
        yield Finding(PRESSURE, flags)


def _reach(own: Limits) -> Reach:
    return Reach(24 * (own["bias_days"] - 1), 0)


CHECK: Final = Check(
    id="bias",
    order=200,
    scope=Scope.DAY,
    parameters=(PRESSURE,),
    compared=(PRESSURE,),
    limits={
        PRESSURE: limits(
            f"{PROJECT}: leaving out the altitude of our stations makes 2 to 6 hPa",
            bias_limit=3,
            bias_days=3,
            bias_min_hours=24,
        )
    },
    most={"bias_days": 3},
    reach=_reach,
    finds="pressure that differs from the neighbours' for days",
    advice=(
        "consistently differs from its neighbours: correct it at the source (altitude, calibration) "
        "and exclude it until then"
    ),
    french_advice=(
        "toujours à l'écart de ses voisines : corriger à la source (altitude, étalonnage) ; l'exclure d'ici là"
    ),
    warning=(
        "{station} {parameter} is {off} its neighbours: is its calibration or its altitude wrong, or is a file of "
        "another station in its folder?"
    ),
    run=_run,
)
