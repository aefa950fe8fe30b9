"""A value beyond what the sensor can report or the weather can produce.

QARTOD (IOC Manuals and Guides 54) calls it the gross range test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from forecast.qc.check import Check, Context, Finding, Limits, Scope
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, flags_of
from forecast.qc.names import (
    CLOUD,
    DEW_POINT,
    GUST,
    GUST_1H,
    GUST_10MIN,
    HUMIDITY,
    IRRADIANCE,
    IRRADIANCE_1H,
    IRRADIANCE_6MIN,
    IRRADIANCE_10MIN,
    PRESSURE,
    QNH,
    RAIN_1H,
    RAIN_3H,
    RAIN_6H,
    RAIN_6MIN,
    RAIN_10MIN,
    RAIN_12H,
    RAIN_24H,
    RAIN_COUNTER,
    RAIN_RATE,
    SNOW,
    SOIL,
    STATION_PRESSURE,
    SUNSHINE,
    TEMPERATURE,
    TEMPERATURE_MAX_1H,
    TEMPERATURE_MIN_1H,
    UV,
    VISIBILITY,
    WEATHER,
    WIND_DIRECTION,
    WIND_SPEED,
)
from forecast.qc.thresholds import D2R, GHCNH, MADIS, METEOSTAT, PROJECT, WMO_AWS, Thresholds, limits


class Range(NamedTuple):
    """Limits in the unit of the values, from lowest to highest; -inf and inf for no limit."""

    fail_min: float
    suspect_min: float
    suspect_max: float
    fail_max: float

    @classmethod
    def of(cls, own: Limits, prefix: str) -> Range:
        """The four thresholds whose names begin with this prefix."""
        return cls(*(own[f"{prefix}_{part}"] for part in cls._fields))


def gross_range(values: Floats, limits: Range) -> Flags:
    """Flag values outside the limits: FAIL outside fail, SUSPECT outside suspect, else GOOD. A limit itself is inside.

    An infinity is outside every finite limit. Reach in time: none, each value is evaluated on its own.
    """
    suspect = (values < limits.suspect_min) | (values > limits.suspect_max)
    fail = (values < limits.fail_min) | (values > limits.fail_max)
    return flags_of(values, suspect=suspect, fail=fail)


def _run(context: Context) -> Iterator[Finding]:
    for name in filter(context.has, CHECK.parameters):
        yield Finding(name, gross_range(context.unfailed(name), Range.of(context.limits[name], "gross_range")))


_PERIOD: Final = "no more sunshine than the period has minutes"
_LARGEST_DAY: Final = "WMO: the world's largest rainfall of a day"
_LIMITS: Final[Mapping[str, Thresholds]] = {
    **{
        name: {
            **limits(WMO_AWS, gross_range_fail_min=-80, gross_range_fail_max=60),
            **limits(D2R, gross_range_suspect_min=-40, gross_range_suspect_max=50),
        }
        for name in (TEMPERATURE, TEMPERATURE_MIN_1H, TEMPERATURE_MAX_1H)
    },
    DEW_POINT: {
        **limits(WMO_AWS, gross_range_fail_min=-80, gross_range_fail_max=35),
        **limits(MADIS, gross_range_suspect_min=-67.8, gross_range_suspect_max=32.2),
    },
    HUMIDITY: {
        **limits(
            f"{PROJECT}: a fraction in place of percent; only deserts have had such air, at least 0.4 % (Dezful 2017)",
            gross_range_fail_min=1,
        ),
        **limits(WMO_AWS, gross_range_fail_max=100),
        **limits(D2R, gross_range_suspect_min=10, gross_range_suspect_max=100),
    },
    PRESSURE: {
        **limits(METEOSTAT, gross_range_fail_min=850, gross_range_fail_max=1090),
        **limits(f"{GHCNH}: records of Europe", gross_range_suspect_min=870, gross_range_suspect_max=1083.3),
    },
    STATION_PRESSURE: {
        **limits(WMO_AWS, gross_range_fail_min=500, gross_range_fail_max=1080),
        **limits(f"{PROJECT}: the standard atmosphere at 3500 m, less 50 hPa", gross_range_suspect_min=600),
        **limits(WMO_AWS, gross_range_suspect_max=1080),
    },
    QNH: {
        **limits(METEOSTAT, gross_range_fail_min=850, gross_range_fail_max=1090),
        **limits(f"{GHCNH}: records of Europe", gross_range_suspect_min=870, gross_range_suspect_max=1083.3),
    },
    WIND_SPEED: {
        **limits(WMO_AWS, gross_range_fail_min=0, gross_range_fail_max=75),
        **limits(GHCNH, gross_range_suspect_min=0, gross_range_suspect_max=50),
    },
    **{
        name: {
            **limits(METEOSTAT, gross_range_fail_min=0, gross_range_fail_max=138.9),
            **limits(PROJECT, gross_range_suspect_min=0, gross_range_suspect_max=75),
        }
        for name in (GUST, GUST_10MIN, GUST_1H)
    },
    WIND_DIRECTION: {
        **limits(WMO_AWS, gross_range_fail_min=0, gross_range_fail_max=360),
        **limits(WMO_AWS, gross_range_suspect_min=0, gross_range_suspect_max=360),
    },
    RAIN_RATE: {
        **limits(f"{WMO_AWS}: 40 mm a minute", gross_range_fail_min=0, gross_range_fail_max=2400),
        **limits(METEOSTAT, gross_range_suspect_min=0, gross_range_suspect_max=350),
    },
    RAIN_6MIN: {
        **limits(f"{WMO_AWS}: 40 mm a minute", gross_range_fail_min=0, gross_range_fail_max=240),
        **limits(f"{METEOSTAT}: 350 mm/h for 6 minutes", gross_range_suspect_min=0, gross_range_suspect_max=35),
    },
    RAIN_10MIN: {
        **limits(f"{WMO_AWS}: 40 mm a minute", gross_range_fail_min=0, gross_range_fail_max=400),
        **limits(f"{METEOSTAT}: 350 mm/h for 10 minutes", gross_range_suspect_min=0, gross_range_suspect_max=58.3),
    },
    RAIN_1H: {
        **limits(METEOSTAT, gross_range_fail_min=0, gross_range_fail_max=350),
        **limits(PROJECT, gross_range_suspect_min=0, gross_range_suspect_max=100),
    },
    RAIN_3H: {
        **limits(f"{METEOSTAT}, three times", gross_range_fail_min=0, gross_range_fail_max=1050),
        **limits(PROJECT, gross_range_suspect_min=0, gross_range_suspect_max=200),
    },
    **{
        name: {
            **limits(_LARGEST_DAY, gross_range_fail_min=0, gross_range_fail_max=1825),
            **limits(PROJECT, gross_range_suspect_min=0, gross_range_suspect_max=most),
        }
        for name, most in ((RAIN_6H, 250), (RAIN_12H, 300), (RAIN_24H, 350))
    },
    RAIN_COUNTER: {
        **limits(_LARGEST_DAY, gross_range_fail_min=0, gross_range_fail_max=1825),
        **limits(PROJECT, gross_range_suspect_min=0, gross_range_suspect_max=350),
    },
    VISIBILITY: {
        **limits(MADIS, gross_range_fail_min=0, gross_range_fail_max=161_000),
        **limits(MADIS, gross_range_suspect_min=0, gross_range_suspect_max=161_000),
    },
    CLOUD: {
        **limits("WMO code table 2700", gross_range_fail_min=0, gross_range_fail_max=9),
        **limits("WMO code table 2700", gross_range_suspect_min=0, gross_range_suspect_max=9),
    },
    SNOW: {
        **limits(METEOSTAT, gross_range_fail_min=0, gross_range_fail_max=1200),
        **limits(MADIS, gross_range_suspect_min=0, gross_range_suspect_max=760),
    },
    WEATHER: {
        **limits("WMO code tables 4677, 4680 and BUFR 0 20 003", gross_range_fail_min=0, gross_range_fail_max=199),
        **limits("the same", gross_range_suspect_min=0, gross_range_suspect_max=199),
    },
    UV: {
        **limits(
            "the highest measured: Licancabur 2003 (Cabrol 2014)", gross_range_fail_min=0, gross_range_fail_max=43.3
        ),
        **limits(D2R, gross_range_suspect_min=0, gross_range_suspect_max=20),
    },
    **{
        name: {
            **limits(WMO_AWS, gross_range_fail_min=0, gross_range_fail_max=1600),
            **limits(D2R, gross_range_suspect_min=0, gross_range_suspect_max=1400),
        }
        for name in (IRRADIANCE, IRRADIANCE_6MIN, IRRADIANCE_10MIN, IRRADIANCE_1H)
    },
    **{
        name: {
            **limits(_PERIOD, gross_range_fail_min=0, gross_range_fail_max=minutes),
            **limits(_PERIOD, gross_range_suspect_min=0, gross_range_suspect_max=minutes),
        }
        for minutes, name in SUNSHINE.items()
    },
    **{
        name: {
            **limits(WMO_AWS, gross_range_fail_min=-50, gross_range_fail_max=50),
            **limits(PROJECT, gross_range_suspect_min=-25, gross_range_suspect_max=45),
        }
        for name in SOIL
    },
}

CHECK: Final = Check(
    id="gross_range",
    order=10,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    known_as=("QARTOD Gross Range Test", "WMO plausible value check", "titanlib range_check"),
    finds="a value beyond what instruments or the weather can produce",
    flags=(SUSPECT, FAIL),
    advice="beyond what instruments or the weather can produce: check the sensor and the unit of the source",
    french_advice="au-delà de ce que peuvent l'instrument ou le temps : voir le capteur, et l'unité de la source",
    run=_run,
)
