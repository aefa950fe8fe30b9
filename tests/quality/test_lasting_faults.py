"""What the page of quality control says of faults that last all week: which ones are found, and which ones are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from forecast.qc.flags import Floats, is_flagged
from forecast.qc.series import Series
from tests.quality.experiments import FIRST_COMPARED, GUST, RH, SOLAR, SPEED, TD, Clean, P, T
from tests.real_week import ARMENTIERES, BERGUES, LA_MADELEINE
from tests.series import series_of

DIRECTION, COUNTER = "wind_from_direction", "precipitation_counter"
Fault = Callable[[Series], dict[str, Floats]]


def altered(series: Series, fault: Fault) -> Series:
    values = {**series.values, **fault(series)}
    return series_of(series.stations[0], series.times, values, network_limits=series.network_limits)


def share_flagged(clean: Clean, station: str, series: Series, parameter: str) -> float:
    """Of the values on the days on which stations could be compared, percent."""
    results = clean.evaluated_with(series)[station]
    counted = ~np.isnan(series.values[parameter]) & (series.times >= FIRST_COMPARED)
    return round(100 * float(is_flagged(results.flags[parameter])[counted].mean()))


def scaled(factor: float, offset: float, *parameters: str) -> Fault:
    return lambda series: {name: series.values[name] * factor + offset for name in parameters}


def exchanged(one: str, other: str) -> Fault:
    return lambda series: {one: series.values[other], other: series.values[one]}


def frozen(value: float, parameter: str) -> Fault:
    return lambda series: {parameter: np.where(np.isnan(series.values[parameter]), np.nan, value)}


def turned(degrees: float) -> Fault:
    return lambda series: {DIRECTION: (series.values[DIRECTION] + degrees) % 360}


@pytest.mark.parametrize(
    ("fault", "parameter"),
    [
        pytest.param(scaled(1.8, 32, T), T, id="°F as °C"),
        pytest.param(scaled(0.750062, 0, P), P, id="mmHg as hPa"),
        pytest.param(scaled(1, -9.6, P), P, id="pressure at a height of 80 m as that at sea level"),
        pytest.param(exchanged(T, TD), T, id="temperature and dew point exchanged"),
        pytest.param(exchanged(T, RH), T, id="temperature and humidity exchanged"),
        pytest.param(frozen(70, RH), RH, id="humidity stuck at 70 %"),
        pytest.param(frozen(97, RH), RH, id="humidity stuck at 97 %"),
    ],
)
def test_every_value_is_flagged(clean: Clean, fault: Fault, parameter: str) -> None:
    series = altered(clean.week[LA_MADELEINE], fault)
    assert share_flagged(clean, LA_MADELEINE, series, parameter) == 100


@pytest.mark.parametrize(
    ("fault", "parameter"),
    [
        pytest.param(scaled(3.6, 0, SPEED, GUST), SPEED, id="km/h as m/s"),
        pytest.param(scaled(0, 0, SPEED, GUST), SPEED, id="an anemometer that stands still"),
        pytest.param(frozen(0, COUNTER), COUNTER, id="a blocked rain gauge"),
        pytest.param(scaled(1, -2.4, P), P, id="pressure at a height of 20 m as that at sea level"),
        pytest.param(scaled(1, 3, SOLAR), SOLAR, id="a pyranometer with an offset of 3 W/m²"),
    ],
)
def test_no_value_is_flagged(clean: Clean, fault: Fault, parameter: str) -> None:
    series = altered(clean.week[LA_MADELEINE], fault)
    assert share_flagged(clean, LA_MADELEINE, series, parameter) == 0


def test_a_vane_that_is_turned_by_a_right_angle_is_not_found(clean: Clean) -> None:
    series = altered(clean.week[LA_MADELEINE], turned(90))
    results = clean.evaluated_with(series)[LA_MADELEINE]
    # North in place of west, and the code for calm.
    assert {
        check for (check, name), flags in results.by_check.items() if name == DIRECTION and is_flagged(flags).any()
    } == {"direction_at_calm"}


def test_an_offset_of_the_pyranometer_is_found_at_night(clean: Clean) -> None:
    series = altered(clean.week[LA_MADELEINE], scaled(1, 8, SOLAR))
    assert share_flagged(clean, LA_MADELEINE, series, SOLAR) == 47


def test_a_station_that_was_moved_by_tens_of_kilometres_in_flat_country_is_not_found(clean: Clean) -> None:
    """The observations of Bergues under the name of Armentières."""
    moved = clean.week[BERGUES]
    series = series_of(clean.week[ARMENTIERES].stations[0], moved.times, dict(moved.values))
    assert [share_flagged(clean, ARMENTIERES, series, name) for name in (T, TD, RH, P)] == [0, 0, 0, 0]
