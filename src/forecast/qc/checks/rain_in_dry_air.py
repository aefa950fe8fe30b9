"""Rain in air that is too dry for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, flags_of
from forecast.qc.names import HUMIDITY, RAIN_1H, RAIN_RATE
from forecast.qc.thresholds import PROJECT, Thresholds, limits


def rain_in_dry_air(rain: Floats, humidity: Floats, *, humidity_min: float) -> Flags:
    """Flag rain (an amount in mm or a rate in mm/h above 0) in air with a humidity (%) below `humidity_min`: SUSPECT.

    Causes are a spider, cleaning the funnel, or a sprinkler. The humidity is not flagged, because rain is the rarer
    event.
    """
    return flags_of(rain, suspect=(rain > 0.0) & (humidity < humidity_min), evaluated=~np.isnan(humidity))


def _run(context: Context) -> Iterator[Finding]:
    for name in CHECK.parameters:
        if context.has(name, HUMIDITY):
            least = context.limits[name]["dry_air_humidity"]
            flags = rain_in_dry_air(context.unfailed(name), context.unfailed(HUMIDITY), humidity_min=least)
            yield Finding(name, flags)


_SOURCE: Final = f"{PROJECT}; a public report has 60 %, but air can dry before the end of the period"
_LIMITS: Final[Mapping[str, Thresholds]] = {
    RAIN_RATE: limits(_SOURCE, dry_air_humidity=50),
    RAIN_1H: limits(_SOURCE, dry_air_humidity=50),
}

CHECK: Final = Check(
    id="rain_in_dry_air",
    order=90,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    inputs=(HUMIDITY,),
    limits=_LIMITS,
    known_as=("WMO internal consistency check",),
    finds="rain at a low humidity",
    advice="rain in dry air: check the rain gauge (sprinkler, vibration) and the hygrometer",
    french_advice="pluie en air sec : voir le pluviomètre (arrosage, vibrations) et l'hygromètre",
    run=_run,
)
