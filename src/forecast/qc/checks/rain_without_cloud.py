"""Rain from a clear sky."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import CLOUD, RAIN_1H, RAIN_RATE


def rain_without_cloud(rain: Floats, cloud: Floats) -> tuple[Flags, Flags]:
    """Flag rain (an amount in mm or a rate in mm/h above 0) with a cloud cover of 0 okta: both are SUSPECT.

    Zahumenský (2004).
    """
    return both_suspect(rain, cloud, (rain > 0.0) & (cloud == 0.0), ~np.isnan(rain + cloud))


def _run(context: Context) -> Iterator[Finding]:
    for name in (RAIN_RATE, RAIN_1H):
        if context.has(name, CLOUD):
            yield from map(Finding, (name, CLOUD), rain_without_cloud(context.unfailed(name), context.unfailed(CLOUD)))


CHECK: Final = Check(
    id="rain_without_cloud",
    order=100,
    scope=Scope.STATION,
    parameters=(RAIN_RATE, RAIN_1H, CLOUD),
    known_as=("WMO internal consistency check",),
    finds="rain from a sky of 0 okta",
    advice="rain from a clear sky: check the rain gauge and the source of the cloud cover",
    french_advice="pluie par ciel clair : voir le pluviomètre, et qui observe les nuages",
    run=_run,
)
