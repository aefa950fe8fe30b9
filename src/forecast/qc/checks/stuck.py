"""A sensor whose value does not change for a day while its neighbours' do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.days import Days, days_of, hours_of_days
from forecast.qc.flags import Flags, Floats, Mask, Times, flags_of
from forecast.qc.names import HUMIDITY, PRESSURE, TEMPERATURE, WIND_SPEED
from forecast.qc.thresholds import PROJECT, Thresholds, limits


def stuck(
    values: Floats, times: Times, median: Floats, *, tolerance: float, neighbour_range: float, min_hours: int
) -> Flags:
    """Flag a sensor whose value does not change for a UTC day while its neighbours' do.

    SUSPECT: highest - lowest value <= tolerance, while the neighbours' median at the same rows has a range of at least
    neighbour_range. NOT_EVALUATED: fewer than min_hours distinct hours of the day have both.

    Reach in time: the value's UTC day.
    Source: HadISD's straight strings take 7...14 days of a single station; with neighbours that change, one day is
    enough.
    """
    if times.size < min_hours:
        return flags_of(values, evaluated=np.zeros(values.shape, dtype=bool))
    days = days_of(times)
    both = ~np.isnan(values - median)
    suspect = (_range(values, both, days) <= tolerance) & (_range(median, both, days) >= neighbour_range)
    evaluated = hours_of_days(both, times, days) >= max(min_hours, 1)
    return flags_of(values, suspect=suspect[days.of_row], evaluated=evaluated[days.of_row])


def _range(values: Floats, mask: Mask, days: Days) -> Floats:
    """Highest - lowest of each day's values where the mask is set; -inf for a day without any."""
    if not values.size:
        return np.zeros(0)
    highest: Floats = np.maximum.reduceat(np.where(mask, values, -np.inf), days.starts)
    lowest: Floats = np.minimum.reduceat(np.where(mask, values, np.inf), days.starts)
    return highest - lowest


def _run(context: Context) -> Iterator[Finding]:
    for name in filter(context.has, CHECK.parameters):
        median = context.comparison.median(name)
        if median is not None:
            own = context.limits[name]
            flags = stuck(
                context.unfailed(name),
                context.series.axis,
                median,
                tolerance=own["stuck_tolerance"],
                neighbour_range=own["stuck_neighbour_range"],
                min_hours=int(own["stuck_min_hours"]),
            )
            yield Finding(name, flags)


_SOURCE: Final = f"{PROJECT}: a day on which the neighbours change"
_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: limits(_SOURCE, stuck_tolerance=0.1, stuck_neighbour_range=3, stuck_min_hours=18),
    HUMIDITY: limits(_SOURCE, stuck_tolerance=1, stuck_neighbour_range=10, stuck_min_hours=18),
    PRESSURE: limits(_SOURCE, stuck_tolerance=0.1, stuck_neighbour_range=2, stuck_min_hours=18),
    WIND_SPEED: limits(_SOURCE, stuck_tolerance=0.05, stuck_neighbour_range=2, stuck_min_hours=18),
}

CHECK: Final = Check(
    id="stuck",
    order=210,
    scope=Scope.DAY,
    parameters=tuple(_LIMITS),
    compared=tuple(_LIMITS),
    limits=_LIMITS,
    known_as=("QARTOD Flat Line Test",),
    finds="a day with a single value while the neighbours change",
    advice="does not change on a day when its neighbours do: the sensor is stuck or sheltered",
    french_advice="immobile un jour qui change ailleurs : le capteur est bloqué, ou abrité",
    warning=(
        "{station} {parameter} does not change on a day when its neighbours do: is the sensor stuck or sheltered?"
    ),
    run=_run,
)
