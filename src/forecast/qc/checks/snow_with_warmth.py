"""Snow depth that grows in warm air."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.core.clock import MINUTE_MS
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.flags import Flags, Floats, Times, flags_of
from forecast.qc.names import SNOW, TEMPERATURE
from forecast.qc.thresholds import PROJECT, limits
from forecast.qc.valid import ROUNDING


def snow_with_warmth(
    thickness: Floats,
    temperature: Floats,
    times: Times,
    *,
    temperature_max: float,
    max_gap_minutes: float,
    max_growth: float,
) -> Flags:
    """Flag snow depths (cm) that have grown by more than `max_growth` since the previous value in warm air: SUSPECT.

    Causes are grass, or a person under a sonic sensor. The air has to be above `temperature_max` (°C) at both values,
    if the earlier one has a temperature: snow that fell in a cold night may only be reported at a warm noon.
    NOT_EVALUATED: no temperature, or no snow depth in the `max_gap_minutes` before.
    Reach in time: max_gap_minutes back. `times`: ms since 1970 UTC, sorted.
    """
    flags = flags_of(thickness, evaluated=np.zeros(thickness.shape, dtype=np.bool_))
    valid = np.flatnonzero(~np.isnan(thickness))
    earlier, later = valid[:-1], valid[1:]
    near = times[later] - times[earlier] <= max_gap_minutes * MINUTE_MS
    coldest = np.fmin(temperature[earlier], temperature[later])
    flags[later] = flags_of(
        thickness[later],
        suspect=(thickness[later] - thickness[earlier] > max_growth + ROUNDING) & (coldest > temperature_max),
        evaluated=near & ~np.isnan(temperature[later]),
    )
    return flags


def _run(context: Context) -> Iterator[Finding]:
    if context.has(SNOW, TEMPERATURE):
        flags = snow_with_warmth(
            context.unfailed(SNOW),
            context.unfailed(TEMPERATURE),
            context.series.axis,
            temperature_max=context.limits[SNOW]["snow_temperature_max"],
            max_gap_minutes=context.limits[SNOW]["snow_max_gap_minutes"],
            max_growth=context.limits[SNOW]["snow_max_growth"],
        )
        yield Finding(SNOW, flags)


def _reach(own: Limits) -> Reach:
    return Reach(own["snow_max_gap_minutes"] / 60, 0)


CHECK: Final = Check(
    id="snow_with_warmth",
    order=120,
    scope=Scope.STATION,
    parameters=(SNOW,),
    inputs=(TEMPERATURE,),
    limits={
        SNOW: {
            **limits(f"{PROJECT}: snow depth cannot grow then", snow_temperature_max=5, snow_max_gap_minutes=180),
            **limits("WMO-No. 8, annex 1.A: snow is measured to 1 cm", snow_max_growth=1),
        }
    },
    most={"snow_max_gap_minutes": 720},
    reach=_reach,
    known_as=("WMO internal consistency check",),
    finds="snow depth that grows in warm air",
    advice="snow depth grows in warm air: check the snow sensor (grass, an animal)",
    french_advice="la neige monte au chaud : voir le capteur de neige (herbe, animal)",
    run=_run,
)
