"""The checks of a station by itself, in their order.

What a verdict hangs on is at most REACH_HOURS_BEFORE and REACH_HOURS_AFTER away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from forecast.qc.checks import consistency, rain, sun
from forecast.qc.checks.persistence import persistence
from forecast.qc.checks.ranges import Range, gross_range, seasonal_range
from forecast.qc.checks.source_flag import source_flag
from forecast.qc.checks.spike import spike
from forecast.qc.checks.step import step
from forecast.qc.flags import Flags, Mask
from forecast.qc.results import Series, Verdicts
from forecast.qc.thresholds import STEP_MINUTES

# A run of equal values counts up to 24 h on either side, a step reaches back over a gap of 12 h, a spike over three
# intervals of two hours on either side. A value that failed one takes no part in the next, so that they add up.
REACH_HOURS_BEFORE: Final = 42
REACH_HOURS_AFTER: Final = 30
_MOST_SPIKE_GAP_MINUTES: Final = 120
_HIGH_LATITUDE: Final = 45
_TEMPERATURE, _DEW_POINT, _HUMIDITY = "air_temperature", "dew_point_temperature", "relative_humidity"
_SPEED, _GUST, _DIRECTION = "wind_speed", "wind_speed_of_gust", "wind_from_direction"
_RATE, _HOUR, _THREE_HOURS = "rainfall_rate", "precipitation_amount_1h", "precipitation_amount_3h"
_COUNTER, _CLOUD, _SNOW = "precipitation_counter", "cloud_area_fraction", "surface_snow_thickness"
_WEATHER, _UV, _SOLAR = "present_weather", "ultraviolet_index", "surface_downwelling_shortwave_flux_in_air"


def judge_alone(series: Series) -> Verdicts:
    """Every check that needs no other station."""
    verdicts = Verdicts(series)
    elevation = None
    if verdicts.has(_UV) or verdicts.has(_SOLAR):
        elevation = sun.solar_elevation(series.times, series.station.latitude, series.station.longitude)
    for name, limits in verdicts.limits.items():
        if verdicts.has(name) and limits:
            _ranges(verdicts, name, limits)
    _humidity(verdicts)
    _wind(verdicts)
    _rain(verdicts)
    _sun(verdicts, elevation)
    _snow(verdicts)
    for name, limits in verdicts.limits.items():
        if verdicts.has(name):
            _in_time(verdicts, name, limits, elevation)
    _counters(verdicts)
    return verdicts


def judge_by_source(verdicts: Verdicts) -> None:
    """What the network itself says of its values, after all checks: no other check builds on it."""
    for name, doubted in verdicts.series.doubted.items():
        if verdicts.has(name):
            verdicts.add("source_flag", name, source_flag(verdicts.alive(name), doubted))


def _ranges(verdicts: Verdicts, name: str, limits: Mapping[str, float]) -> None:
    verdicts.add("gross_range", name, gross_range(verdicts.alive(name), _range(limits, "gross_range")))
    if any(limit.startswith("seasonal_range") for limit in limits):
        station = verdicts.series.station
        band = "seasonal_range_high" if abs(station.latitude) > _HIGH_LATITUDE else "seasonal_range_low"
        flags = seasonal_range(
            verdicts.alive(name),
            verdicts.series.times,
            latitude=station.latitude,
            winter=_range(limits, f"{band}_winter"),
            summer=_range(limits, f"{band}_summer"),
        )
        verdicts.add("seasonal_range", name, flags)


def _range(limits: Mapping[str, float], name: str) -> Range:
    return Range(*(limits[f"{name}_{part}"] for part in ("fail_min", "suspect_min", "suspect_max", "fail_max")))


def _add(verdicts: Verdicts, check: str, names: tuple[str, str], flags: tuple[Flags, Flags]) -> None:
    for name, given in zip(names, flags, strict=True):
        verdicts.add(check, name, given)


def _humidity(verdicts: Verdicts) -> None:
    if not verdicts.has(_DEW_POINT):
        return
    limits = verdicts.limits[_DEW_POINT]
    if verdicts.has(_TEMPERATURE):
        above = consistency.dew_point_above_temperature(
            verdicts.alive(_DEW_POINT), verdicts.alive(_TEMPERATURE), tolerance=limits["dew_point_tolerance"]
        )
        _add(verdicts, "dew_point_above_temperature", (_DEW_POINT, _TEMPERATURE), above)
    if verdicts.has(_TEMPERATURE, _HUMIDITY):
        computed = consistency.dew_point_from_humidity(
            verdicts.alive(_DEW_POINT),
            verdicts.alive(_HUMIDITY),
            verdicts.alive(_TEMPERATURE),
            limit=limits["humidity_limit"],
        )
        _add(verdicts, "dew_point_from_humidity", (_DEW_POINT, _HUMIDITY), computed)


def _wind(verdicts: Verdicts) -> None:
    if not verdicts.has(_SPEED):
        return
    speed, gust = verdicts.alive(_SPEED), verdicts.alive(_GUST)
    if verdicts.has(_GUST):
        limits = verdicts.limits[_GUST]
        below = consistency.gust_below_mean(gust, speed, tolerance=limits["gust_tolerance"])
        _add(verdicts, "gust_below_mean", (_GUST, _SPEED), below)
        verdicts.add("gust_above_mean", _GUST, consistency.gust_above_mean(gust, speed, limit=limits["gust_excess"]))
    if verdicts.has(_DIRECTION):
        verdicts.add(
            "direction_at_calm", _DIRECTION, consistency.direction_at_calm(verdicts.alive(_DIRECTION), speed, gust)
        )
        verdicts.set_aside(_DIRECTION, consistency.is_calm(speed, gust))


def _rain(verdicts: Verdicts) -> None:
    limits = verdicts.limits
    if verdicts.has(_HOUR, _THREE_HOURS):
        nested = consistency.nested_accumulation(
            verdicts.alive(_HOUR), verdicts.alive(_THREE_HOURS), tolerance=limits[_HOUR]["nested_tolerance"]
        )
        _add(verdicts, "nested_accumulation", (_HOUR, _THREE_HOURS), nested)
    for name in (_RATE, _HOUR):
        if verdicts.has(name, _HUMIDITY):
            dry = consistency.rain_in_dry_air(
                verdicts.alive(name), verdicts.alive(_HUMIDITY), humidity_min=limits[name]["dry_air_humidity"]
            )
            verdicts.add("rain_in_dry_air", name, dry)
        if verdicts.has(name, _CLOUD):
            cloudless = consistency.rain_without_cloud(verdicts.alive(name), verdicts.alive(_CLOUD))
            _add(verdicts, "rain_without_cloud", (name, _CLOUD), cloudless)


def _sun(verdicts: Verdicts, elevation: np.ndarray | None) -> None:
    if elevation is None:
        return
    for name, clear_sky in ((_SOLAR, sun.clear_sky_irradiance), (_UV, sun.clear_sky_uv)):
        if verdicts.has(name):
            limits = verdicts.limits[name]
            flags = consistency.by_the_sun(
                verdicts.alive(name),
                elevation,
                clear_sky(elevation),
                night_limit=limits["solar_range_night"],
                factor=limits["solar_range_factor"],
                margin=limits["solar_range_margin"],
            )
            verdicts.add("solar_range", name, flags)


def _snow(verdicts: Verdicts) -> None:
    limits, times = verdicts.limits, verdicts.series.times
    if verdicts.has(_SNOW, _TEMPERATURE):
        flags = consistency.snow_with_warmth(
            verdicts.alive(_SNOW),
            verdicts.alive(_TEMPERATURE),
            times,
            temperature_max=limits[_SNOW]["snow_temperature_max"],
            max_gap_minutes=limits[_SNOW]["snow_max_gap_minutes"],
        )
        verdicts.add("snow_with_warmth", _SNOW, flags)
    if verdicts.has(_WEATHER, _TEMPERATURE):
        warm = consistency.snowfall_with_warmth(
            verdicts.alive(_WEATHER),
            verdicts.alive(_TEMPERATURE),
            temperature_max=limits[_WEATHER]["snowfall_temperature_max"],
        )
        _add(verdicts, "snowfall_with_warmth", (_WEATHER, _TEMPERATURE), warm)


def _in_time(verdicts: Verdicts, name: str, limits: Mapping[str, float], elevation: np.ndarray | None) -> None:
    times, station = verdicts.series.times, verdicts.series.station
    if "spike_suspect" in limits:
        gap = min(limits["spike_gap_intervals"] * station.interval_minutes, _MOST_SPIKE_GAP_MINUTES)
        flags = spike(
            verdicts.alive(name),
            times,
            suspect=limits["spike_suspect"],
            fail=limits["spike_fail"],
            max_gap_minutes=gap,
        )
        verdicts.add("spike", name, flags)
    if "step_suspect_10min" in limits:
        suspect, fail = ([limits[f"step_{level}_{m}min"] for m in STEP_MINUTES] for level in ("suspect", "fail"))
        verdicts.add("step", name, step(verdicts.alive(name), times, minutes=STEP_MINUTES, suspect=suspect, fail=fail))
    if "persistence_suspect_hours" in limits:
        flags = persistence(
            verdicts.alive(name),
            times,
            suspect_hours=limits["persistence_suspect_hours"],
            fail_hours=limits["persistence_fail_hours"],
            tolerance=limits["persistence_tolerance"],
            max_gap_hours=limits["persistence_max_gap_hours"],
            exempt=_may_stand_still(verdicts, name, limits, elevation),
        )
        verdicts.add("persistence", name, flags)


def _may_stand_still(verdicts: Verdicts, name: str, limits: Mapping[str, float], elevation: np.ndarray | None) -> Mask:
    """Where equal values one after another are no sign of a stuck sensor: calm, no rain, fog, night."""
    values = verdicts.series.values[name]
    if name in {_SPEED, _RATE}:
        return np.asarray(values == 0)
    if name == _DIRECTION:
        # The speed as it came: what persistence says of it reaches as far as what it says of the direction.
        speed = verdicts.series.values.get(_SPEED, np.full(len(values), np.nan))
        return np.asarray(~(speed > limits["persistence_wind_above"]))
    if name == _HUMIDITY:
        return np.asarray(values >= limits["persistence_exempt_from"])
    if name == _SOLAR and elevation is not None:
        return np.asarray(elevation <= limits["persistence_sun_above"])
    return np.zeros(len(values), dtype=bool)


def _counters(verdicts: Verdicts) -> None:
    times, limits = verdicts.series.times, verdicts.limits
    if verdicts.has(_COUNTER):
        own = limits[_COUNTER]
        gap, jitter = own["counter_max_gap_minutes"], own["counter_jitter"]
        flags = rain.counter(
            verdicts.alive(_COUNTER),
            times,
            suspect_rate=own["counter_suspect_rate"],
            fail_rate=own["counter_fail_rate"],
            suspect_jump=own["counter_suspect_jump"],
            jitter=jitter,
            max_gap_minutes=gap,
        )
        verdicts.add("counter", _COUNTER, flags)
        verdicts.amount = rain.precipitation_amount(verdicts.alive(_COUNTER), times, max_gap_minutes=gap, jitter=jitter)
    if verdicts.has(_THREE_HOURS):
        zeros = rain.false_zero(
            verdicts.alive(_THREE_HOURS), times, period_hours=limits[_THREE_HOURS]["false_zero_period_hours"]
        )
        verdicts.add("false_zero", _THREE_HOURS, zeros)
