"""The code of no wind as a wind's direction; and directions without wind, which no check looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, Mask, flags_of
from forecast.qc.names import GUST, WIND_DIRECTION, WIND_SPEED


def direction_at_calm(direction: Floats, speed: Floats, gust: Floats) -> Flags:
    """The code of no wind as a wind's direction (°): SUSPECT; a direction without wind: NOT_EVALUATED.

    WMO: a direction of 0 stands for calm, 360 for north, so 0 with a mean speed (m/s) above 0 is SUSPECT. Where it is
    calm, a vane keeps pointing where the last wind left it: a fact that tells nothing of the vane. A gust (m/s) above 0
    in an interval whose mean is rounded to 0 did move the vane: GOOD; a station without gusts has NaN for them.
    DeGaetano (1997), GHCNh `winds`, which withhold directions at calm.
    """
    evaluated = ~np.isnan(speed) & ~is_calm(speed, gust)
    return flags_of(direction, suspect=(speed > 0.0) & (direction == 0.0), evaluated=evaluated)


def is_calm(speed: Floats, gust: Floats) -> Mask:
    """Where nothing moves the vane: a mean speed of 0, and no gust above 0."""
    calm: Mask = (speed == 0.0) & ~(gust > 0.0)
    return calm


def _run(context: Context) -> Iterator[Finding]:
    if context.has(WIND_SPEED, WIND_DIRECTION):
        speed, gust = context.unfailed(WIND_SPEED), context.unfailed(GUST)
        flags = direction_at_calm(context.unfailed(WIND_DIRECTION), speed, gust)
        yield Finding(WIND_DIRECTION, flags, set_aside=is_calm(speed, gust))


CHECK: Final = Check(
    id="direction_at_calm",
    order=70,
    scope=Scope.STATION,
    parameters=(WIND_DIRECTION,),
    inputs=(WIND_SPEED, GUST),
    known_as=("WMO internal consistency check",),
    finds="the direction code for calm (0) while there is wind",
    advice="0 is the code for calm, not a wind direction: check the software; north is 360",
    run=_run,
)
