"""A value by itself: what the sensor can say, what the season and the latitude allow."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.checks.climatology import climatology
from forecast.qc.checks.gross_range import Range, gross_range
from forecast.qc.flags import FAIL, GOOD, MISSING, SUSPECT, Floats, Times
from forecast.qc.runner import run_station_checks
from forecast.qc.series import joined
from tests.networks import series, station
from tests.qc.checks.irregular import NAN, assert_missing_is_missing, floats, irregular_series, listed
from tests.quality.experiments import (
    RH,
    SPEED,
    TD,
    Experiment,
    P,
    T,
    at_places,
    beyond,
    times,
    to,
    where_value,
)
from tests.real_week import LA_MADELEINE, LESQUIN

LIMITS = Range(-80, -50, 50, 60)
# Air temperature beyond 45 degrees of latitude, WMO-No. 305.
WINTER = Range(-90, -80, 35, 40)
SUMMER = Range(-40, -30, 40, 50)
LILLE, HOBART, QUITO = 50.57, -42.88, -0.18


def moments(*texts: str) -> Times:
    return np.array(texts, dtype="datetime64[ms]").astype(np.int64)


def by_season(value: float, *texts: str, latitude: float) -> list[int]:
    times = moments(*texts)
    values = np.full(times.shape, value)
    return listed(climatology(values, times, latitude=latitude, winter=WINTER, summer=SUMMER))


def test_a_limit_is_inside_and_the_next_number_beyond_it_is_not() -> None:
    assert gross_range(floats(-80, -50, 50, 60), LIMITS).tolist() == [SUSPECT, GOOD, GOOD, SUSPECT]
    below = [math.nextafter(limit, -math.inf) for limit in LIMITS[:2]]
    above = [math.nextafter(limit, math.inf) for limit in LIMITS[2:]]
    assert gross_range(floats(*below, *above), LIMITS).tolist() == [FAIL, SUSPECT, SUSPECT, FAIL]


def test_codes_of_a_sensor_that_is_gone_fail() -> None:
    humidity = Range(0, 2, 100, 100.5)
    flags = gross_range(floats(127, 255, -999.9, 101, 100, 0, math.inf), humidity)
    assert flags.tolist() == [FAIL, FAIL, FAIL, FAIL, GOOD, SUSPECT, FAIL]


def test_without_a_limit_nothing_is_beyond_it() -> None:
    open_range = Range(0, -math.inf, math.inf, math.inf)
    assert gross_range(floats(-0.1, 0, 1e300, NAN), open_range).tolist() == [FAIL, GOOD, GOOD, MISSING]


def test_no_values_and_one() -> None:
    assert gross_range(floats(), LIMITS).tolist() == []
    assert gross_range(floats(NAN), LIMITS).tolist() == [MISSING]
    assert by_season(20, latitude=LILLE) == []
    assert by_season(NAN, "2024-01-01", latitude=LILLE) == [MISSING]


def test_45_degrees_in_lille_fail_in_winter_and_are_suspect_in_summer() -> None:
    assert by_season(45, "2024-01-15T14:00", "2024-07-15T14:00", latitude=LILLE) == [FAIL, SUSPECT]


def test_in_the_south_the_seasons_are_the_other_way_round() -> None:
    assert by_season(45, "2024-01-15T14:00", "2024-07-15T14:00", latitude=HOBART) == [SUSPECT, FAIL]


@pytest.mark.parametrize(("latitude", "winter", "summer"), [(LILLE, FAIL, SUSPECT), (QUITO, SUSPECT, FAIL)])
def test_the_season_turns_with_the_utc_months_march_and_september(latitude: float, winter: int, summer: int) -> None:
    turns = ("2024-03-31T23:59:59.999", "2024-04-01T00:00", "2024-09-30T23:59:59.999", "2024-10-01T00:00")
    assert by_season(45, *turns, latitude=latitude) == [winter, summer, summer, winter]


def test_the_equator_has_the_seasons_of_the_north() -> None:
    assert by_season(45, "2024-12-31T23:59", "2025-01-01", latitude=0.0) == [FAIL, FAIL]


def test_every_month_of_a_year_before_1970() -> None:
    year = [f"1961-{month:02}-15" for month in range(1, 13)]
    assert by_season(45, *year, latitude=LILLE) == [FAIL] * 3 + [SUSPECT] * 6 + [FAIL] * 3


def test_limits_of_the_season_are_inside() -> None:
    times = moments(*["2024-01-15"] * 4, *["2024-07-15"] * 4)
    values = floats(*WINTER, *SUMMER)
    flags = climatology(values, times, latitude=LILLE, winter=WINTER, summer=SUMMER)
    assert flags.tolist() == [SUSPECT, GOOD, GOOD, SUSPECT] * 2


def test_stations_on_both_sides_of_45_degrees_have_limits_of_their_own_when_they_are_evaluated_together() -> None:
    times = moments("2025-01-15T12:00")
    places = (station("A"), station("B", latitude=20.0))
    everyone = [series(place, times, air_temperature=[37.0]) for place in places]
    flags = run_station_checks(joined(everyone)).by_check["climatology", "air_temperature"].tolist()
    assert flags == [SUSPECT, GOOD]


@given(irregular_series(), st.integers(0, 30))
def test_each_value_is_evaluated_by_itself(series: tuple[Floats, Times], cut: int) -> None:
    values, times = series
    limits = Range(-6, -4, 4, 6)
    whole = gross_range(values, limits)
    parts = [gross_range(values[:cut], limits), gross_range(values[cut:], limits)]
    assert whole.tolist() == np.concatenate(parts).tolist()
    assert_missing_is_missing(values, whole)
    # The same limits in both seasons: the season says nothing.
    assert climatology(values, times, latitude=LILLE, winter=limits, summer=limits).tolist() == whole.tolist()


def _experiments() -> Iterator[Experiment]:
    # Between them they have every parameter but snow.
    both = (LESQUIN, LA_MADELEINE)
    for parameter in MEASURED_NAMES:
        above = at_places(parameter, beyond(parameter, "gross_range_fail_max", 1))
        yield Experiment("gross_range", "1 above the upper limit", parameter, above, 1, both, 1, together="each")
    words = "temperature, dew point, humidity, pressure, wind speed"
    for parameter in (T, TD, RH, P, SPEED):
        alter = at_places(parameter, to(-99.9))
        yield Experiment("gross_range", "-99.9 for a value", parameter, alter, 1, both, 1, together=words)
    a_share = at_places(RH, times(0.01), where=where_value(RH, lambda humidity: humidity < 100))
    yield Experiment("gross_range", "a share of 1 below 100 %", RH, a_share, 1)
    for parameter, value, unit in ((T, 37, "°C"), (TD, 31, "°C"), (P, 935, "hPa"), (SPEED, 55, "m/s")):
        alter = at_places(parameter, to(value))
        yield Experiment("climatology", f"{value} {unit} in October", parameter, alter, 1, trials=1)


EXPERIMENTS = tuple(_experiments())
