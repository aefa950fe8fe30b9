"""Where the sun stands and what it gives without a cloud, against published values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.flags import Floats, Times
from forecast.qc.sun import clear_sky_irradiance, clear_sky_uv, solar_elevation

# What the docstring promises; civil twilight is tested to the degree.
ERROR = 0.015
# The sun's upper limb is seen on the horizon when its centre stands this low: 34' of refraction, 16' of radius.
SUNRISE = -0.8333
DAY = 86_400_000


def times_of(*texts: str) -> Times:
    return np.array([int(datetime.fromisoformat(text).timestamp() * 1000) for text in texts], dtype=np.int64)


def test_the_worked_example_of_spa() -> None:
    """Reda & Andreas (NREL/TP-560-34302), as pvlib's tests have it: Golden, 17 October 2003, 12:30:30 MST."""
    elevation = solar_elevation(times_of("2003-10-17T12:30:30-07:00"), 39.742476, -105.1786)
    assert elevation == pytest.approx([39.872046], abs=ERROR)


def test_the_day_after_the_sun_stands_lower() -> None:
    """pvlib: the same place and hour on two days."""
    stamps = times_of("2003-10-17T12:30:30-07:00", "2003-10-18T12:30:30-07:00")
    assert solar_elevation(stamps, 39.742476, -105.1786) == pytest.approx([39.872046, 39.505196], abs=ERROR)


def test_the_worked_example_of_meeus() -> None:
    """Astronomical Algorithms, example 25.a: the declination on 13 October 1992, which is the elevation at the pole."""
    assert solar_elevation(times_of("1992-10-13T00:00:00+00:00"), 90.0, 0.0) == pytest.approx([-7.78507], abs=0.001)


@pytest.mark.parametrize(
    ("stamp", "latitude", "longitude"),
    [
        ("2015-01-02T07:21:55-07:00", 39.742476, -105.1786),
        ("2015-01-02T16:47:43-07:00", 39.742476, -105.1786),
        ("2015-08-02T05:00:27-07:00", 39.742476, -105.1786),
        ("1996-07-05T07:08:15+00:00", -35.0, 0.0),
        ("1996-07-05T17:01:04+00:00", -35.0, 0.0),
        ("2004-12-04T04:38:57+00:00", -35.0, 0.0),
        ("2004-12-04T19:02:03+00:00", -35.0, 0.0),
    ],
)
def test_sunrises_and_sunsets_of_nrel(stamp: str, latitude: float, longitude: float) -> None:
    """The answers of NREL's SPA calculator, winter and summer, north and south."""
    assert solar_elevation(times_of(stamp), latitude, longitude) == pytest.approx([SUNRISE], abs=ERROR)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2024-06-20T20:51:00+00:00", 23.436),  # the solstices of 2024 (USNO), in the obliquity of the date
        ("2024-12-21T09:20:00+00:00", -23.436),
        ("2024-03-20T03:06:00+00:00", 0.0),
        ("2024-09-22T12:44:00+00:00", 0.0),
    ],
)
def test_solstices_and_equinoxes_at_the_pole(stamp: str, expected: float) -> None:
    assert solar_elevation(times_of(stamp), 90.0, 123.0) == pytest.approx([expected], abs=ERROR)
    assert solar_elevation(times_of(stamp), -90.0, 45.0) == pytest.approx([-expected], abs=ERROR)


def test_night_and_day_at_the_stations_of_the_north() -> None:
    """Lille on 5 October 2024: dark at 4 h UTC, twilight at 5:30, day at noon, and dark again at 20 h."""
    stamps = times_of(*(f"2024-10-05T{hour}:00+00:00" for hour in ("04:00", "05:30", "12:00", "20:00")))
    night, twilight, noon, evening = solar_elevation(stamps, 50.575, 3.092)
    assert night < -6.0
    assert -6.0 < twilight < 0.0
    assert 30.0 < noon < 40.0
    assert evening < -6.0


@given(
    st.lists(st.integers(-631_152_000_000, 2_524_608_000_000), max_size=20),
    st.floats(-90.0, 90.0),
    st.floats(-180.0, 180.0),
)
def test_an_elevation_for_each_time(stamps: list[int], latitude: float, longitude: float) -> None:
    times = np.array(sorted(stamps), dtype=np.int64)
    elevation = solar_elevation(times, latitude, longitude)
    assert elevation.shape == times.shape
    assert np.all(np.abs(elevation) <= 90.0)


@given(st.integers(-631_152_000_000, 2_524_608_000_000), st.floats(-60.0, 60.0), st.floats(-180.0, 180.0))
def test_the_sun_goes_by_longitude_and_time_alike(stamp: int, latitude: float, longitude: float) -> None:
    """Fifteen degrees to the west see the same sun an hour later, but for the sun's own way in that hour (0.02°)."""
    here = solar_elevation(np.array([stamp]), latitude, longitude)
    west = solar_elevation(np.array([stamp + DAY // 24]), latitude, longitude - 15.0)
    assert west == pytest.approx(here, abs=0.03)


def test_no_times_no_elevations() -> None:
    assert solar_elevation(np.zeros(0, dtype=np.int64), 50.0, 3.0).shape == (0,)


def test_clear_sky_irradiance_is_that_of_pvlib() -> None:
    """The values of pvlib's test of `clearsky.haurwitz`."""
    elevation = np.array([-20.0, -0.05, -0.001, 5.0, 10.0, 30.0, 50.0, 90.0])
    expected = [0, 0, 0, 48.6298687941956, 135.741748091813, 487.894132885425, 778.766689344363, 1035.09203253450]
    assert clear_sky_irradiance(elevation) == pytest.approx(expected, rel=1e-9)


def test_clear_sky_uv_is_the_formula_of_madronich() -> None:
    """12.5 at the zenith; at 60° from it 12.5 * 0.5 ** 2.42; nothing at and below the horizon."""
    assert clear_sky_uv(np.array([90.0, 30.0, 0.0, -10.0])) == pytest.approx([12.5, 2.33570, 0.0, 0.0], abs=1e-5)


@pytest.mark.parametrize("clear_sky", [clear_sky_irradiance, clear_sky_uv])
class TestClearSky:
    def test_the_horizon_is_dark(self, clear_sky: Callable[[Floats], Floats]) -> None:
        assert clear_sky(np.array([0.0, -90.0])).tolist() == [0.0, 0.0]

    def test_an_unknown_sun_gives_an_unknown_sky(self, clear_sky: Callable[[Floats], Floats]) -> None:
        assert np.isnan(clear_sky(np.array([np.nan, 10.0]))).tolist() == [True, False]

    def test_a_higher_sun_gives_more(self, clear_sky: Callable[[Floats], Floats]) -> None:
        assert np.all(np.diff(clear_sky(np.arange(1.0, 91.0))) > 0.0)

    def test_empty(self, clear_sky: Callable[[Floats], Floats]) -> None:
        assert clear_sky(np.zeros(0)).shape == (0,)
