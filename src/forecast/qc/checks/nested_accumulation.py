"""More rain in a period than in a longer one around it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import RAIN_1H, RAIN_3H, RAIN_6H, RAIN_12H, RAIN_24H
from forecast.qc.thresholds import PROJECT, limits


def nested_accumulation(shorter: Floats, longer: Floats, *, tolerance: float) -> tuple[Flags, Flags]:
    """Flag amounts (mm) more than `tolerance` below the amount of a shorter period inside theirs: both are SUSPECT.

    Both periods end at the same time. HadISD `precipitation`: 1 h <= 3 h <= 6 h <= 12 h <= 24 h.
    """
    return both_suspect(shorter, longer, shorter - longer > tolerance, ~np.isnan(shorter + longer))


def _run(context: Context) -> Iterator[Finding]:
    for shorter, longer in combinations(CHECK.parameters, 2):
        if context.has(shorter, longer):
            tolerance = context.limits[shorter]["nested_tolerance"]
            flags = nested_accumulation(context.unfailed(shorter), context.unfailed(longer), tolerance=tolerance)
            yield from map(Finding, (shorter, longer), flags)


# Each period is part of all those after it.
_PERIODS: Final = (RAIN_1H, RAIN_3H, RAIN_6H, RAIN_12H, RAIN_24H)


CHECK: Final = Check(
    id="nested_accumulation",
    order=80,
    scope=Scope.STATION,
    parameters=_PERIODS,
    limits=dict.fromkeys(
        _PERIODS[:-1], limits(f"{PROJECT}: two values rounded to 0.1 or 0.2 mm", nested_tolerance=0.1)
    ),
    known_as=("WMO internal consistency check",),
    finds="more rain in a period than in a longer one around it",
    advice="more rain in a period than in a longer one around it: the longer sum is not reliable",
    french_advice=(
        "plus de pluie sur une période que sur une plus longue qui la contient : le cumul le plus long n'est pas fiable"
    ),
    run=_run,
)
