"""The direction code for calm while there is wind. A direction without wind is set aside from all checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, Mask, flags_of
from forecast.qc.names import GUST, WIND_DIRECTION, WIND_SPEED


def direction_at_calm(direction: Floats, speed: Floats, gust: Floats) -> Flags:
    """Flag the code for calm, given as a direction (°) while there is wind: SUSPECT. Without wind: NOT_EVALUATED.

    WMO: a direction of 0 means calm, and 360 north, so 0 with a mean speed (m/s) above 0 is SUSPECT. At calm, a vane
    keeps pointing where the last wind left it, which says nothing about the vane. If the mean is rounded to 0 but the
    interval has a gust (m/s) above 0, the vane did move: GOOD. For a station without gusts, `gust` is NaN.
    DeGaetano (1997); GHCNh `winds` withholds directions at calm.
    """
    evaluated = ~np.isnan(speed) & ~is_calm(speed, gust)
    return flags_of(direction, suspect=(speed > 0.0) & (direction == 0.0), evaluated=evaluated)


def is_calm(speed: Floats, gust: Floats) -> Mask:
    """Where nothing moves the vane: the mean speed is 0, and no gust is above 0."""
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
    french_advice="le code du calme (0) n'est pas une direction : voir le logiciel, le nord est 360",
    run=_run,
)
