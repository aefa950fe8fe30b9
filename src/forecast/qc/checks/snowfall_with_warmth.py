"""Snowfall that is reported in warm air."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import TEMPERATURE, WEATHER
from forecast.qc.thresholds import limits

# Snow and other solid precipitation that is no shower, in WMO code tables 4677 (manned) and 4680 (automatic) alike.
_SNOWFALL_CODES: Final = (70.0, 79.0)


def snowfall_with_warmth(weather: Floats, temperature: Floats, *, temperature_max: float) -> tuple[Flags, Flags]:
    """Present weather that says snow, in air above `temperature_max` (°C): both SUSPECT.

    Codes 70 to 79 of WMO tables 4677 and 4680. Showers of snow (85 to 87) are left out: they fall out of cold air aloft
    onto ground as warm as 6 °C (Auer 1974). Of precipitation over land at 3.8 °C, 5 % is snow (Dai 2008).
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
    limits={WEATHER: limits("Dai 2008: above 3.8 °C snow is a twentieth of what falls", snowfall_temperature_max=4)},
    known_as=("WMO internal consistency check",),
    finds="snowfall reported in warm air",
    advice="snowfall is reported in warm air: check the present weather sensor",
    run=_run,
)
