"""A value outside the range of the season and the latitude.

The form is that of WMO-No. 305 (1993), Guide on the Global Data-processing System, VI.6 to VI.8: two pairs of limits
for each half of the year.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.checks.gross_range import Range, gross_range
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, Times
from forecast.qc.names import DEW_POINT, PRESSURE, TEMPERATURE, WIND_SPEED
from forecast.qc.thresholds import WMO_305, Thresholds, limits

# October to March: winter in the northern hemisphere, as in WMO-No. 305.
_FIRST_WINTER_MONTH: Final = 10
_LAST_WINTER_MONTH: Final = 3
_MONTHS: Final = 12
_HIGH_LATITUDE: Final = 45


def climatology(values: Floats, times: Times, *, latitude: float | Floats, winter: Range, summer: Range) -> Flags:
    """Like `gross_range`, with the limits of the half-year that the value's UTC month belongs to at this latitude.

    Winter is October to March at the equator and north of it, and April to September south of it. `times` in ms since
    1970 UTC; latitude in degrees, north positive, a single one or one per value. Reach in time: none.
    """
    in_winter = _northern_winter(times) == (latitude >= 0)
    return np.where(in_winter, gross_range(values, winter), gross_range(values, summer))


def _northern_winter(times: Times) -> Mask:
    # Months since January 1970; numpy rounds down for earlier times too.
    months = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % _MONTHS + 1
    return np.asarray((months >= _FIRST_WINTER_MONTH) | (months <= _LAST_WINTER_MONTH))


def _run(context: Context) -> Iterator[Finding]:
    is_high = np.abs(context.latitude) > _HIGH_LATITUDE
    bands = ("high",) if is_high.all() else ("high", "low") if is_high.any() else ("low",)
    for name in filter(context.has, CHECK.parameters):
        own, values = context.limits[name], context.unfailed(name)
        found = [
            climatology(
                values,
                context.series.times,
                latitude=context.latitude,
                winter=Range.of(own, f"climatology_{band}_winter"),
                summer=Range.of(own, f"climatology_{band}_summer"),
            )
            for band in bands
        ]
        yield Finding(name, np.where(is_high, found[0], found[-1]))


_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: limits(
        WMO_305,
        climatology_high_winter_fail_min=-90,
        climatology_high_winter_suspect_min=-80,
        climatology_high_winter_suspect_max=35,
        climatology_high_winter_fail_max=40,
        climatology_high_summer_fail_min=-40,
        climatology_high_summer_suspect_min=-30,
        climatology_high_summer_suspect_max=40,
        climatology_high_summer_fail_max=50,
        climatology_low_winter_fail_min=-40,
        climatology_low_winter_suspect_min=-30,
        climatology_low_winter_suspect_max=50,
        climatology_low_winter_fail_max=55,
        climatology_low_summer_fail_min=-30,
        climatology_low_summer_suspect_min=-20,
        climatology_low_summer_suspect_max=50,
        climatology_low_summer_fail_max=60,
    ),
    DEW_POINT: limits(
        WMO_305,
        climatology_high_winter_fail_min=-99,
        climatology_high_winter_suspect_min=-85,
        climatology_high_winter_suspect_max=30,
        climatology_high_winter_fail_max=35,
        climatology_high_summer_fail_min=-45,
        climatology_high_summer_suspect_min=-35,
        climatology_high_summer_suspect_max=35,
        climatology_high_summer_fail_max=40,
        climatology_low_winter_fail_min=-45,
        climatology_low_winter_suspect_min=-35,
        climatology_low_winter_suspect_max=35,
        climatology_low_winter_fail_max=40,
        climatology_low_summer_fail_min=-35,
        climatology_low_summer_suspect_min=-25,
        climatology_low_summer_suspect_max=35,
        climatology_low_summer_fail_max=40,
    ),
    PRESSURE: limits(
        WMO_305,
        climatology_high_winter_fail_min=910,
        climatology_high_winter_suspect_min=940,
        climatology_high_winter_suspect_max=1080,
        climatology_high_winter_fail_max=1100,
        climatology_high_summer_fail_min=920,
        climatology_high_summer_suspect_min=950,
        climatology_high_summer_suspect_max=1080,
        climatology_high_summer_fail_max=1100,
        climatology_low_winter_fail_min=870,
        climatology_low_winter_suspect_min=910,
        climatology_low_winter_suspect_max=1080,
        climatology_low_winter_fail_max=1100,
        climatology_low_summer_fail_min=850,
        climatology_low_summer_suspect_min=900,
        climatology_low_summer_suspect_max=1080,
        climatology_low_summer_fail_max=1100,
    ),
    WIND_SPEED: limits(
        WMO_305,
        climatology_high_winter_fail_min=-math.inf,
        climatology_high_winter_suspect_min=-math.inf,
        climatology_high_winter_suspect_max=50,
        climatology_high_winter_fail_max=100,
        climatology_high_summer_fail_min=-math.inf,
        climatology_high_summer_suspect_min=-math.inf,
        climatology_high_summer_suspect_max=40,
        climatology_high_summer_fail_max=75,
        climatology_low_winter_fail_min=-math.inf,
        climatology_low_winter_suspect_min=-math.inf,
        climatology_low_winter_suspect_max=60,
        climatology_low_winter_fail_max=125,
        climatology_low_summer_fail_min=-math.inf,
        climatology_low_summer_suspect_min=-math.inf,
        climatology_low_summer_suspect_max=90,
        climatology_low_summer_fail_max=150,
    ),
}

CHECK: Final = Check(
    id="climatology",
    order=20,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    known_as=("QARTOD Climatology Test", "titanlib range_check_climatology"),
    finds="a value outside the range of the half-year at that latitude",
    flags=(SUSPECT, FAIL),
    advice="outside the range of the season there: check the sensor",
    french_advice="au-delà de ce que la saison y apporte : voir le capteur",
    run=_run,
)
