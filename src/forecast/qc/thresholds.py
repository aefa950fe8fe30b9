"""The thresholds of the quality checks, with where each comes from; they are part of the table of parameters.

A name is that of the check and of the limit. Limits belong to the values that may be: what lies beyond is flagged.
A station's entry in the registry can override any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit, in the parameter's unit or the one its name says, and its source."""

    value: float
    source: str


Thresholds = Mapping[str, Threshold]

WMO_AWS: Final = "WMO, Guidelines on quality control procedures for data from AWS (Zahumenský 2004)"
WMO_305: Final = "WMO-No. 305 (1993), gross error limits, as in the R package dataresqc"
MADIS: Final = "NOAA MADIS surface quality control, level 1 and 2"
SYNOPTIC: Final = "Synoptic Data PBC, range and rate-of-change checks"
METEOSTAT: Final = "meteostat, parameters.py, hourly"
D2R: Final = "RUBclim d2r-api, app/qc.py (city network of personal stations)"
GHCNH: Final = "GHCNh quality control (glamod landQC), configs and qc_tests"
METOBS: Final = "MetObs toolkit, default settings for urban stations"
MESOWEST: Final = "MesoWest, quality control of surface data"
HADISD: Final = "HadISD, qc_tests"
OURS: Final = "ours"

STEP_MINUTES: Final = (10, 60, 180, 360, 720)
# What a station may ask for at most: farther than this no verdict looks, and on that hangs what is judged anew.
MOST: Final[Mapping[str, float]] = {
    "spike_gap_intervals": 24,
    "persistence_suspect_hours": 24,
    "persistence_fail_hours": 24,
    "persistence_max_gap_hours": 12,
    "counter_max_gap_minutes": 720,
    "snow_max_gap_minutes": 720,
    "bias_days": 3,
    "clock_window_days": 2,
}


def _of(source: str, **values: float) -> dict[str, Threshold]:
    return {name: Threshold(value, source) for name, value in values.items()}


def _gross(fail: tuple[float, float, str], suspect: tuple[float, float, str]) -> dict[str, Threshold]:
    return {
        **_of(fail[2], gross_range_fail_min=fail[0], gross_range_fail_max=fail[1]),
        **_of(suspect[2], gross_range_suspect_min=suspect[0], gross_range_suspect_max=suspect[1]),
    }


def _season(
    band: str, season: str, fail_min: float, suspect_min: float, suspect_max: float, fail_max: float
) -> dict[str, Threshold]:
    limits = {"fail_min": fail_min, "suspect_min": suspect_min, "suspect_max": suspect_max, "fail_max": fail_max}
    return {f"seasonal_range_{band}_{season}_{name}": Threshold(value, WMO_305) for name, value in limits.items()}


def _steps(level: str, limits: tuple[tuple[float, str], ...]) -> dict[str, Threshold]:
    pairs = zip(STEP_MINUTES, limits, strict=True)
    return {f"step_{level}_{minutes}min": Threshold(*limit) for minutes, limit in pairs}


def _spike(suspect: float, fail: float) -> dict[str, Threshold]:
    return {
        **_of(f"{OURS}, after {HADISD} (spike.py)", spike_suspect=suspect, spike_fail=fail),
        **_of(f"{OURS}: twice the station's interval", spike_gap_intervals=2),
    }


def _persistence(suspect_hours: float, fail_hours: float, source: str) -> dict[str, Threshold]:
    return {
        **_of(source, persistence_suspect_hours=suspect_hours, persistence_fail_hours=fail_hours),
        # A value that was converted from another unit is equal, or differs by a rounding of the last bit.
        **_of(f"{OURS}: equal values", persistence_tolerance=1e-6),
        **_of(f"{OURS}: a longer gap ends a run", persistence_max_gap_hours=3),
    }


def _spatial(floor: float, source: str, max_offset: float) -> dict[str, Threshold]:
    return {
        **_of(source, spatial_floor=floor),
        **_of("titanlib buddy_check 2 to 3, MetObs 3.1", spatial_suspect_z=3),
        # Among three to five neighbours up to 60 km away nothing is proven wrong.
        **_of(f"{OURS}: never", spatial_fail_z=math.inf),
        **_of(_MEASURED, spatial_max_offset=max_offset),
    }


_MEASURED: Final = f"{OURS}, measured on six stations in October 2024"
_FLAG_RATE: Final = {
    **_of("meteora (20 % of a station's values), GHCNh (check h)", flag_rate_limit=0.2),
    **_of(f"{OURS}: a share of fewer values says little", flag_rate_min_values=12),
}
_SEARCH_STUCK: Final = f"{OURS}: a day that the neighbours do not spend standing still"

AIR_TEMPERATURE: Final[Thresholds] = {
    **_gross((-80, 60, WMO_AWS), (-40, 50, D2R)),
    **_season("high", "winter", -90, -80, 35, 40),
    **_season("high", "summer", -40, -30, 40, 50),
    **_season("low", "winter", -40, -30, 50, 55),
    **_season("low", "summer", -30, -20, 50, 60),
    **_spike(3, 6),
    **_steps("suspect", ((5, SYNOPTIC), (8, METOBS), (9, WMO_305), (15, WMO_305), (25, WMO_305))),
    **_steps("fail", ((7.5, SYNOPTIC), (19.4, MADIS), (22, OURS), (27, OURS), (40, OURS))),
    **_persistence(6, 24, f"{D2R}: 3 h; {HADISD}: days; between them, {OURS}"),
    **_spatial(1, "MetObs and titanlib: smallest standard deviation 1", 1.5),
    **_of("the standard atmosphere", spatial_lapse_rate=0.0065),
    **_of(_SEARCH_STUCK, stuck_tolerance=0.1, stuck_neighbour_range=3, stuck_min_hours=18),
    **_FLAG_RATE,
}
DEW_POINT: Final[Thresholds] = {
    **_gross((-80, 35, WMO_AWS), (-67.8, 32.2, MADIS)),
    **_season("high", "winter", -99, -85, 30, 35),
    **_season("high", "summer", -45, -35, 35, 40),
    **_season("low", "winter", -45, -35, 35, 40),
    **_season("low", "summer", -35, -25, 35, 40),
    **_of(f"{OURS}: both are rounded to 0.1 °C or 0.1 °F", dew_point_tolerance=0.06),
    **_of(f"{OURS}: the largest of a sound week was 0.44 °C", humidity_limit=1),
    **_spike(3, 6),
    **_steps("suspect", ((5, SYNOPTIC), (8, METOBS), (8, WMO_305), (12, WMO_305), (20, WMO_305))),
    **_steps("fail", ((7.5, SYNOPTIC), (19.4, MADIS), (22, OURS), (27, OURS), (40, OURS))),
    **_persistence(6, 24, f"{D2R}: 3 h; {HADISD}: days; between them, {OURS}"),
    **_spatial(1, "MetObs and titanlib: smallest standard deviation 1", 1.5),
    **_FLAG_RATE,
}
RELATIVE_HUMIDITY: Final[Thresholds] = {
    **_gross((0, 100, WMO_AWS), (10, 100, D2R)),
    **_of(f"{OURS}: a share of 1; only deserts had such air, the driest 0.4 % (Dezful 2017)", gross_range_fail_min=1),
    **_spike(20, 40),
    **_steps("suspect", ((30, OURS), (45, OURS), (60, OURS), (80, OURS), (90, OURS))),
    **_steps("fail", ((50, MADIS), (70, OURS), (90, OURS), (100, OURS), (100, OURS))),
    **_persistence(12, 24, f"{OURS}: whole percents stood still for 5.8 h in a sound week"),
    **_of(WMO_AWS, persistence_exempt_from=95),
    **_spatial(7, _MEASURED, 7.5),
    **_of(_SEARCH_STUCK, stuck_tolerance=1, stuck_neighbour_range=10, stuck_min_hours=18),
    **_FLAG_RATE,
}
PRESSURE: Final[Thresholds] = {
    **_gross((850, 1090, METEOSTAT), (870, 1083.3, f"{GHCNH}: records of Europe")),
    **_season("high", "winter", 910, 940, 1080, 1100),
    **_season("high", "summer", 920, 950, 1080, 1100),
    **_season("low", "winter", 870, 910, 1080, 1100),
    **_season("low", "summer", 850, 900, 1080, 1100),
    **_spike(2, 5),
    **_steps("suspect", ((2, WMO_AWS), (3, WMO_305), (9, WMO_305), (18, WMO_305), (36, WMO_305))),
    **_steps("fail", ((9.25, SYNOPTIC), (10, MADIS), (18, OURS), (30, OURS), (50, OURS))),
    **_persistence(6, 24, f"{D2R}: 6 h"),
    # A barometer that is some hPa off all the time is the business of the bias.
    **_spatial(1, _MEASURED, 10),
    **_of(f"{OURS}: an altitude left out at our stations is 2 to 6 hPa", bias_limit=3, bias_days=3, bias_min_hours=24),
    **_of(_SEARCH_STUCK, stuck_tolerance=0.1, stuck_neighbour_range=2, stuck_min_hours=18),
    **_FLAG_RATE,
}
WIND_SPEED: Final[Thresholds] = {
    **_gross((0, 75, WMO_AWS), (0, 50, GHCNH)),
    **_season("high", "winter", -math.inf, -math.inf, 50, 100),
    **_season("high", "summer", -math.inf, -math.inf, 40, 75),
    **_season("low", "winter", -math.inf, -math.inf, 60, 125),
    **_season("low", "summer", -math.inf, -math.inf, 90, 150),
    **_steps("suspect", ((10, WMO_AWS), (15, OURS), (20, OURS), (25, OURS), (30, OURS))),
    **_steps("fail", ((20, WMO_AWS), (30, OURS), (40, OURS), (50, OURS), (60, OURS))),
    **_persistence(12, 24, f"{D2R}: 5 h; {HADISD}: days; between them, {OURS}"),
    **_of(_SEARCH_STUCK, stuck_tolerance=0.05, stuck_neighbour_range=2, stuck_min_hours=18),
    **_FLAG_RATE,
}
WIND_SPEED_OF_GUST: Final[Thresholds] = {
    **_gross((0, 138.9, METEOSTAT), (0, 75, OURS)),
    **_of(f"{OURS}: a unit of 0.1 mph or 0.1 km/h", gust_tolerance=0.1),
    **_of(f"{MESOWEST}: 75 kt", gust_excess=38.6),
    **_FLAG_RATE,
}
WIND_FROM_DIRECTION: Final[Thresholds] = {
    **_gross((0, 360, WMO_AWS), (0, 360, WMO_AWS)),
    **_persistence(6, 24, f"{D2R}: 1 h; sixteen words are coarser, so {OURS}"),
    **_of(f"{HADISD}: below it a vane stands still", persistence_wind_above=0.5),
    # A vane in the lee points somewhere for hours; one calm night is no fault.
    **_FLAG_RATE,
    **_of(OURS, flag_rate_limit=0.4),
}
RAINFALL_RATE: Final[Thresholds] = {
    **_gross((0, 2400, f"{WMO_AWS}: 40 mm a minute"), (0, 350, METEOSTAT)),
    **_of(f"{OURS}; a public report has 60 %, but sums outlast the damp air", dry_air_humidity=50),
    **_persistence(2, 6, f"{D2R}: 2 h"),
    **_of(f"{OURS}: a shower ends within the hour", persistence_max_gap_hours=1),
    **_FLAG_RATE,
}
PRECIPITATION_AMOUNT_1H: Final[Thresholds] = {
    **_gross((0, 350, METEOSTAT), (0, 100, OURS)),
    **_of(f"{OURS}; a public report has 60 %, but sums outlast the damp air", dry_air_humidity=50),
    **_of(f"{OURS}: two values rounded to 0.1 or 0.2 mm", nested_tolerance=0.1),
}
PRECIPITATION_AMOUNT_3H: Final[Thresholds] = {
    **_gross((0, 1050, f"{METEOSTAT}, three times"), (0, 200, OURS)),
    **_of("WMO synoptic hours", false_zero_period_hours=3),
}
PRECIPITATION_COUNTER: Final[Thresholds] = {
    **_gross((0, 1825, "WMO: the world's largest rainfall of a day"), (0, 350, OURS)),
    **_of(f"{MESOWEST}: 12.7 mm in 5 minutes", counter_suspect_rate=152.4),
    **_of(f"{WMO_AWS}: 40 mm a minute, within five of them", counter_fail_rate=480),
    **_of(f"{OURS}: what falls unseen in a gap of hours is rarely more", counter_suspect_jump=50),
    **_of(f"{OURS}: one tip of 0.254 mm", counter_jitter=0.3),
    **_of(f"{OURS}: what fell in a longer gap belongs to no interval", counter_max_gap_minutes=720),
}
VISIBILITY: Final[Thresholds] = _gross((0, 161_000, MADIS), (0, 161_000, MADIS))
CLOUD: Final[Thresholds] = _gross((0, 9, "WMO code table 2700"), (0, 9, "WMO code table 2700"))
SNOW: Final[Thresholds] = {
    **_gross((0, 1200, METEOSTAT), (0, 760, MADIS)),
    **_of(f"{OURS}: snow does not grow in such warmth", snow_temperature_max=5, snow_max_gap_minutes=180),
}
PRESENT_WEATHER: Final[Thresholds] = {
    **_gross((0, 199, "WMO code tables 4677, 4680 and BUFR 0 20 003"), (0, 199, "the same")),
    **_of("Dai 2008: above 3.8 °C snow is a twentieth of what falls", snowfall_temperature_max=4),
}
ULTRAVIOLET_INDEX: Final[Thresholds] = {
    **_gross((0, 43.3, "the highest measured: Licancabur 2003 (Cabrol 2014)"), (0, 20, D2R)),
    **_of(f"{OURS}: half of one step of the index", solar_range_night=0.5),
    **_of("Madronich 2007: thin ozone (220 DU) gives 1.46 times", solar_range_factor=1.5),
    **_of(f"{OURS}: the index is a whole number; a sound week had 1.46", solar_range_margin=2),
}
IRRADIANCE: Final[Thresholds] = {
    **_gross((0, 1600, WMO_AWS), (0, 1400, D2R)),
    **_of("Yordanov 2013: edges of clouds give up to 1.5 times a clear sky", solar_range_factor=1.5),
    **_of("BSRN, extremely rare limit", solar_range_margin=50),
    **_of(f"{OURS}: more than an instrument's zero drifts", solar_range_night=5),
    **_persistence(3, 12, f"{D2R}: 3 h"),
    **_of(f"{OURS}: a low sun is hidden by anything", persistence_sun_above=5),
}
# Of the station itself, told by its air temperature.
CLOCK: Final[Thresholds] = _of(_MEASURED, clock_window_days=2, clock_min_hours=30, clock_improvement=0.15)

BY_PARAMETER: Final[Mapping[str, Thresholds]] = {
    "air_temperature": AIR_TEMPERATURE,
    "dew_point_temperature": DEW_POINT,
    "relative_humidity": RELATIVE_HUMIDITY,
    "air_pressure_at_mean_sea_level": PRESSURE,
    "wind_speed": WIND_SPEED,
    "wind_speed_of_gust": WIND_SPEED_OF_GUST,
    "wind_from_direction": WIND_FROM_DIRECTION,
    "rainfall_rate": RAINFALL_RATE,
    "precipitation_amount_1h": PRECIPITATION_AMOUNT_1H,
    "precipitation_amount_3h": PRECIPITATION_AMOUNT_3H,
    "precipitation_counter": PRECIPITATION_COUNTER,
    "visibility_in_air": VISIBILITY,
    "cloud_area_fraction": CLOUD,
    "surface_snow_thickness": SNOW,
    "present_weather": PRESENT_WEATHER,
    "ultraviolet_index": ULTRAVIOLET_INDEX,
    "surface_downwelling_shortwave_flux_in_air": IRRADIANCE,
}
# Weather Underground keeps pressure to 0.01 inHg (0.34 hPa): a sound barometer there stands still longer.
BY_NETWORK: Final[Mapping[str, Mapping[str, Mapping[str, Threshold]]]] = {
    "Weather Underground": {
        "air_pressure_at_mean_sea_level": _of(
            f"{OURS}: 0.34 hPa stood still for 3.2 h in a moving week",
            persistence_suspect_hours=12,
            stuck_tolerance=0.35,
        )
    }
}
