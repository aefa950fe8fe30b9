"""Snowfall reported in warm air."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import TEMPERATURE, WEATHER
from forecast.qc.thresholds import limits

# Snow and other solid precipitation except showers; the same in WMO code tables 4677 (manned) and 4680 (automatic).
_SNOWFALL_CODES: Final = (70.0, 79.0)


def snowfall_with_warmth(weather: Floats, temperature: Floats, *, temperature_max: float) -> tuple[Flags, Flags]:
    """Flag present weather that reports snow in air above `temperature_max` (°C): both are SUSPECT.

    Codes 70 to 79 of WMO tables 4677 and 4680. Snow showers (85 to 87) are exempt: they fall from cold air aloft, even
    where it is 6 °C at the ground (Auer 1974). At 3.8 °C, 5 % of precipitation over land is snow (Dai 2008).
    """
    first, last = _SNOWFALL_CODES
    snow = (weather >= first) & (weather <= last)
    return both_suspect(weather, temperature, snow & (temperature > temperature_max), ~np.isnan(weather + temperature))


def _run(context: Context) -> Iterator[Finding]:
    if context.has(WEATHER, TEMPERATURE):
        warmest = context.limits[WEATHER]["snowfall_temperature_max"]
        flags = snowfall_with_warmth(context.unfailed(WEATHER), context.unfailed(TEMPERATURE), temperature_max=warmest)
        yield from map(Finding, (WEATHER, TEMPERATURE), flags)


CHECK: Final = Check(
    id="snowfall_with_warmth",
    order=130,
    scope=Scope.STATION,
    parameters=(WEATHER, TEMPERATURE),
    limits={WEATHER: limits("Dai 2008: at 3.8 °C, 5 % of precipitation is snow", snowfall_temperature_max=4)},
    known_as=("WMO internal consistency check",),
    finds="snowfall reported in warm air",
    advice="snowfall is reported in warm air: check the present weather sensor",
    french_advice="chute de neige signalée au chaud : voir le capteur de temps présent",
    run=_run,
)
