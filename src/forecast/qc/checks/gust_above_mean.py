"""A gust far above the mean wind of its interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, flags_of
from forecast.qc.names import GUST, GUST_10MIN, WIND_SPEED
from forecast.qc.thresholds import MESOWEST, limits


def gust_above_mean(gust: Floats, speed: Floats, *, limit: float) -> Flags:
    """Flag gusts (m/s) more than `limit` above the mean speed (m/s) of the same interval: SUSPECT. MesoWest: 75 kt."""
    return flags_of(gust, suspect=gust - speed > limit, evaluated=~np.isnan(speed))


def _run(context: Context) -> Iterator[Finding]:
    for name in _GUSTS:
        if context.has(name, WIND_SPEED):
            limit = context.limits[name]["gust_excess"]
            yield Finding(name, gust_above_mean(context.unfailed(name), context.unfailed(WIND_SPEED), limit=limit))


# Not the hourly gust: the hour's strongest wind may have ended long before the mean begins.
_GUSTS: Final = (GUST, GUST_10MIN)


CHECK: Final = Check(
    id="gust_above_mean",
    order=60,
    scope=Scope.STATION,
    parameters=_GUSTS,
    inputs=(WIND_SPEED,),
    limits={name: limits(f"{MESOWEST}: 75 kt", gust_excess=38.6) for name in _GUSTS},
    known_as=("WMO internal consistency check",),
    finds="a gust far above the mean wind",
    advice="the gust is far above the mean wind: check the anemometer",
    french_advice="la rafale dépasse de loin le vent moyen : voir l'anémomètre",
    run=_run,
)
