"""A gust far above the mean wind of its interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, flags_of
from forecast.qc.names import GUST, WIND_SPEED
from forecast.qc.thresholds import MESOWEST, limits


def gust_above_mean(gust: Floats, speed: Floats, *, limit: float) -> Flags:
    """Gusts (m/s) more than `limit` above the mean speed (m/s) of the same interval: SUSPECT. MesoWest: 75 kt."""
    return flags_of(gust, suspect=gust - speed > limit, evaluated=~np.isnan(speed))


def _run(context: Context) -> Iterator[Finding]:
    if context.has(GUST, WIND_SPEED):
        limit = context.limits[GUST]["gust_excess"]
        yield Finding(GUST, gust_above_mean(context.unfailed(GUST), context.unfailed(WIND_SPEED), limit=limit))


CHECK: Final = Check(
    id="gust_above_mean",
    order=60,
    scope=Scope.STATION,
    parameters=(GUST,),
    inputs=(WIND_SPEED,),
    limits={GUST: limits(f"{MESOWEST}: 75 kt", gust_excess=38.6)},
    finds="a gust far above the mean wind",
    advice="the gust is far above the mean wind: look at the anemometer",
    run=_run,
)
