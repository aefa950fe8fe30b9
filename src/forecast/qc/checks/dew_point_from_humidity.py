"""A dew point that does not follow from humidity and air temperature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import DEW_POINT, HUMIDITY, TEMPERATURE
from forecast.qc.thresholds import PROJECT, limits

# WMO-No. 8 (Guide to Instruments), volume I, annex 4.B: e = 6.112 hPa * exp(factor t / (offset °C + t)), over water
# from -45 to 60 °C, over ice from -65 to 0 °C.
_MAGNUS_FACTOR: Final = 17.62
_MAGNUS_OFFSET_C: Final = 243.12
_ICE_FACTOR: Final = 22.46
_ICE_OFFSET_C: Final = 272.62


def dew_point_from_humidity(
    dew_point: Floats, humidity: Floats, temperature: Floats, *, limit: float
) -> tuple[Flags, Flags]:
    """Flag dew points (°C) more than `limit` away from the one that humidity (%) and temperature (°C) imply.

    Returns the flags of dew point and humidity: both are SUSPECT, and without a temperature neither is evaluated.
    Magnus over water is used below 0 °C too, because WMO-No. 8 defines both quantities that way. Some official stations
    report the frost point instead (Météo-France's SYNOP of Embrun and Dumont d'Urville), so below 0 °C everything
    between dew point and frost point agrees with the humidity. Air with a humidity of 0 % or less has no water to
    condense, so it contradicts every dew point. A humidity above 100 % is used as it is: at 102 %, the dew point is
    0.3 °C above the air temperature.

    A humidity in whole percents is off by up to 0.5, which moves the dew point by 0.1 °C at 80 % and by 1.2 °C at 5 %
    (at 20 °C). With a limit of 1 °C, the check says nothing about air drier than that.
    MADIS compares the two as well.
    """
    evaluated = ~np.isnan(dew_point + humidity + temperature)
    moist = humidity > 0.0
    # ln(e / 6.112 hPa) of the air's water vapour. For dry air, 1 % is a placeholder that decides nothing.
    vapour = np.log(np.where(moist, humidity, 1.0)) - np.log(100.0)
    vapour += _MAGNUS_FACTOR * temperature / (_MAGNUS_OFFSET_C + temperature)
    recomputed = _MAGNUS_OFFSET_C * vapour / (_MAGNUS_FACTOR - vapour)
    frost_point = np.where(vapour < 0, _ICE_OFFSET_C * vapour / (_ICE_FACTOR - vapour), recomputed)
    contradicts = ~moist | (recomputed - dew_point > limit) | (dew_point - frost_point > limit)
    return both_suspect(dew_point, humidity, contradicts, evaluated)


def _run(context: Context) -> Iterator[Finding]:
    if context.has(DEW_POINT, TEMPERATURE, HUMIDITY):
        flags = dew_point_from_humidity(
            context.unfailed(DEW_POINT),
            context.unfailed(HUMIDITY),
            context.unfailed(TEMPERATURE),
            limit=context.limits[DEW_POINT]["humidity_limit"],
        )
        yield from map(Finding, (DEW_POINT, HUMIDITY), flags)


CHECK: Final = Check(
    id="dew_point_from_humidity",
    order=40,
    scope=Scope.STATION,
    parameters=(DEW_POINT, HUMIDITY),
    inputs=(TEMPERATURE,),
    limits={DEW_POINT: limits(f"{PROJECT}: the largest difference in a good week was 0.44 °C", humidity_limit=1)},
    known_as=("WMO internal consistency check",),
    finds="a dew point inconsistent with temperature and humidity",
    advice="dew point and humidity are inconsistent: check the hygrometer and its software",
    french_advice="point de rosée et humidité ne vont pas ensemble : voir l'hygromètre et son logiciel",
    run=_run,
)
