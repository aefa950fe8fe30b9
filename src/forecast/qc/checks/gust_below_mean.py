"""A gust below the mean wind of its interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import GUST, GUST_1H, GUST_10MIN, WIND_SPEED
from forecast.qc.thresholds import PROJECT, limits


def gust_below_mean(gust: Floats, speed: Floats, *, tolerance: float) -> tuple[Flags, Flags]:
    """Flag gusts (m/s) more than `tolerance` below the mean speed (m/s) of the same interval: both are SUSPECT.

    The highest value of an interval cannot be below its mean. Synoptic `sl_windspd_maxgust_check`.
    """
    return both_suspect(gust, speed, speed - gust > tolerance, ~np.isnan(gust + speed))


def _run(context: Context) -> Iterator[Finding]:
    for name in _GUSTS:
        if context.has(name, WIND_SPEED):
            tolerance = context.limits[name]["gust_tolerance"]
            flags = gust_below_mean(context.unfailed(name), context.unfailed(WIND_SPEED), tolerance=tolerance)
            yield from map(Finding, (name, WIND_SPEED), flags)


# The period of each includes the last ten minutes, which the mean speed covers.
_GUSTS: Final = (GUST, GUST_10MIN, GUST_1H)


CHECK: Final = Check(
    id="gust_below_mean",
    order=50,
    scope=Scope.STATION,
    parameters=(*_GUSTS, WIND_SPEED),
    limits={name: limits(f"{PROJECT}: a unit of 0.1 mph or 0.1 km/h", gust_tolerance=0.1) for name in _GUSTS},
    known_as=("WMO internal consistency check",),
    finds="a gust below the mean wind",
    advice="the gust is below the mean wind: check the averaging in the station's software",
    french_advice="la rafale est inférieure au vent moyen : voir le calcul des moyennes du logiciel",
    run=_run,
)
