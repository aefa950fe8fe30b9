"""Values of one station that contradict each other, or the sun, at the same time.

Every array of a call has the same shape; values are in the canonical units, NaN where missing. Where two values
contradict each other, nothing tells which of them is wrong: both are SUSPECT. A value whose partner is missing is
NOT_EVALUATED. No flag depends on another row, but those of `snow_with_warmth`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.qc.flags import Flags, Floats, Mask, Times, flags_of

_MS_PER_MINUTE: Final = 60_000
# Magnus over water, WMO-No. 8 (Guide to Instruments), volume I, annex 4.B:
# e = 6.112 hPa * exp(17.62 t / (243.12 °C + t)), from -45 to 60 °C.
_MAGNUS_FACTOR: Final = 17.62
_MAGNUS_OFFSET_C: Final = 243.12
# The end of civil twilight.
_TWILIGHT_DEGREES: Final = -6.0
# Snow and other solid precipitation that is no shower, in WMO code tables 4677 (manned) and 4680 (automatic) alike.
_SNOWFALL_CODES: Final = (70.0, 79.0)


def dew_point_above_temperature(dew_point: Floats, temperature: Floats, *, tolerance: float) -> tuple[Flags, Flags]:
    """Dew points (°C) more than `tolerance` above the air temperature (°C), which no air can have: both SUSPECT.

    Zahumenský (2004); GHCNh `humidity`, which flags the dew point alone.
    """
    return _both(dew_point, temperature, dew_point - temperature > tolerance, ~np.isnan(dew_point + temperature))


def dew_point_from_humidity(
    dew_point: Floats, humidity: Floats, temperature: Floats, *, limit: float
) -> tuple[Flags, Flags]:
    """Dew points (°C) more than `limit` away from what humidity (%) and temperature (°C) make them: both SUSPECT.

    The flags are those of dew point and humidity; without a temperature neither is evaluated. Magnus over water, below
    0 °C too, as WMO-No. 8 defines both quantities. A humidity of 0 % or less leaves no water to condense, so it
    contradicts every dew point; one above 100 % is taken as it is: 102 % puts the dew point 0.3 °C above the air.

    A humidity in whole percents is off by up to 0.5, which moves the dew point by 0.1 °C at 80 % and by 1.2 °C at 5 %
    (at 20 °C): a limit of 1 °C tells nothing of air drier than that.
    MADIS tests the two against each other as well.
    """
    evaluated = ~np.isnan(dew_point + humidity + temperature)
    moist = humidity > 0.0
    # ln(e / 6.112 hPa) of the water in the air; 1 % stands in where there is none and decides nothing.
    vapour = np.log(np.where(moist, humidity, 1.0)) - np.log(100.0)
    vapour += _MAGNUS_FACTOR * temperature / (_MAGNUS_OFFSET_C + temperature)
    recomputed = _MAGNUS_OFFSET_C * vapour / (_MAGNUS_FACTOR - vapour)
    contradicts = ~moist | (np.abs(dew_point - recomputed) > limit)
    return _both(dew_point, humidity, contradicts, evaluated)


def gust_below_mean(gust: Floats, speed: Floats, *, tolerance: float) -> tuple[Flags, Flags]:
    """Gusts (m/s) more than `tolerance` below the mean speed (m/s) of the same interval: both SUSPECT.

    The highest of the values that make a mean is never below it. Synoptic `sl_windspd_maxgust_check`.
    """
    return _both(gust, speed, speed - gust > tolerance, ~np.isnan(gust + speed))


def gust_above_mean(gust: Floats, speed: Floats, *, limit: float) -> Flags:
    """Gusts (m/s) more than `limit` above the mean speed (m/s) of the same interval: SUSPECT. MesoWest: 75 kt."""
    return flags_of(gust, suspect=gust - speed > limit, evaluated=~np.isnan(speed))


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


def nested_accumulation(shorter: Floats, longer: Floats, *, tolerance: float) -> tuple[Flags, Flags]:
    """Amounts (mm) over a longer period more than `tolerance` below that of a shorter one inside it: both SUSPECT.

    Both periods end at the same time. HadISD `precipitation`: 1 h <= 3 h <= 6 h <= 12 h <= 24 h.
    """
    return _both(shorter, longer, shorter - longer > tolerance, ~np.isnan(shorter + longer))


def rain_in_dry_air(rain: Floats, humidity: Floats, *, humidity_min: float) -> Flags:
    """Rain (an amount in mm or a rate in mm/h above 0) in air whose humidity (%) is below `humidity_min`: rain SUSPECT.

    What a spider, a cleaned funnel or a sprinkler writes. The humidity is not flagged: rain is what is rare.
    """
    return flags_of(rain, suspect=(rain > 0.0) & (humidity < humidity_min), evaluated=~np.isnan(humidity))


def rain_without_cloud(rain: Floats, cloud: Floats) -> tuple[Flags, Flags]:
    """Rain (an amount in mm or a rate in mm/h above 0) out of a sky of 0 okta: both SUSPECT. Zahumenský (2004)."""
    return _both(rain, cloud, (rain > 0.0) & (cloud == 0.0), ~np.isnan(rain + cloud))


def by_the_sun(
    values: Floats, elevation: Floats, clear_sky: Floats, *, night_limit: float, factor: float, margin: float
) -> Flags:
    """Irradiance (W/m²) or UV index that the sun cannot give: FAIL at night, SUSPECT above a bright cloudless sky.

    `elevation` is the sun's in degrees, `clear_sky` what it gives without a cloud, in the unit of `values`; see `sun`.
    FAIL: more than `night_limit` with the sun lower than 6° below the horizon, the end of civil twilight.
    SUSPECT: more than factor * clear_sky + margin. The factor leaves room for broken clouds beside the sun and, for UV,
    for thin ozone; the margin for twilight, in which a model of the direct beam gives nothing, and for rounding.

    The form is that of BSRN's limits (Long and Shi 2008: 1.2 Sa µ^1.2 + 50 W/m² is "extremely rare"). Too low values
    are no contradiction: that is what clouds do.
    """
    dark = elevation < _TWILIGHT_DEGREES
    return flags_of(
        values,
        suspect=values > factor * clear_sky + margin,
        fail=dark & (values > night_limit),
        evaluated=~np.isnan(elevation + clear_sky),
    )


def snow_with_warmth(
    thickness: Floats, temperature: Floats, times: Times, *, temperature_max: float, max_gap_minutes: float
) -> Flags:
    """Snow on the ground (cm) that has grown since the previous value in air above `temperature_max` (°C): SUSPECT.

    What grass, a rounding or a person under a sonic sensor do. The air has to be above it at both values, where the
    earlier one has a temperature: what fell in the cold of the night may be reported in the warmth of noon.
    NOT_EVALUATED: no temperature, or no value of thickness in the `max_gap_minutes` before.
    Reach in time: max_gap_minutes back. `times`: ms since 1970 UTC, sorted.
    """
    flags = flags_of(thickness, evaluated=np.zeros(thickness.shape, dtype=np.bool_))
    valid = np.flatnonzero(~np.isnan(thickness))
    earlier, later = valid[:-1], valid[1:]
    near = times[later] - times[earlier] <= max_gap_minutes * _MS_PER_MINUTE
    coldest = np.fmin(temperature[earlier], temperature[later])
    flags[later] = flags_of(
        thickness[later],
        suspect=(thickness[later] > thickness[earlier]) & (coldest > temperature_max),
        evaluated=near & ~np.isnan(temperature[later]),
    )
    return flags


def snowfall_with_warmth(weather: Floats, temperature: Floats, *, temperature_max: float) -> tuple[Flags, Flags]:
    """Present weather that says snow, in air above `temperature_max` (°C): both SUSPECT.

    Codes 70 to 79 of WMO tables 4677 and 4680. Showers of snow (85 to 87) are left out: they fall out of cold air aloft
    onto ground as warm as 6 °C (Auer 1974). Of precipitation over land at 3.8 °C, 5 % is snow (Dai 2008).
    """
    first, last = _SNOWFALL_CODES
    snow = (weather >= first) & (weather <= last)
    return _both(weather, temperature, snow & (temperature > temperature_max), ~np.isnan(weather + temperature))


def _both(first: Floats, second: Floats, contradicts: Mask, evaluated: Mask) -> tuple[Flags, Flags]:
    """The same verdict on both of two values that were compared with each other."""
    return (
        flags_of(first, suspect=contradicts, evaluated=evaluated),
        flags_of(second, suspect=contradicts, evaluated=evaluated),
    )
