"""Among many near neighbours a temperature has to be closer to their median."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast.qc.crowd import crowd_factor
from forecast.qc.flags import SUSPECT
from forecast.qc.series import Series
from tests.networks import curve, evaluated, hours, series, station

TIMES = hours(48)
WRONG = 20


def suspect_hours(apart_km: float, error: float, parameter: str = "air_temperature", **thresholds: float) -> list[int]:
    """The hours at which the first of 13 stations in a row is suspect, if one of its hours is off by `error`."""
    limits = {parameter: dict(thresholds)} if thresholds else {}
    crowd: list[Series] = []
    for number in range(13):
        at = replace(station(f"C{number:02d}", apart_km * number), thresholds=limits)
        values = curve(TIMES) + (error if number == 0 else 0.0) * (np.arange(len(TIMES)) == WRONG)
        crowd.append(series(at, TIMES, **{parameter: values}))
    found = evaluated(*crowd)["C00"].by_check["buddy_check", parameter]
    listed: list[int] = np.flatnonzero(found == SUSPECT).tolist()
    return listed


@pytest.mark.parametrize(
    ("near", "factor"),
    [
        (0, 1.0),
        (3, 1.0),
        # Student's t of 3, 9 and 29 degrees of freedom.
        (4, 2.353 * np.sqrt(1 + 1 / 4) / 3),
        (10, 1.833 * np.sqrt(1 + 1 / 10) / 3),
        (30, 1.699 * np.sqrt(1 + 1 / 30) / 3),
    ],
)
def test_the_limit_is_a_prediction_interval(near: int, factor: float) -> None:
    assert crowd_factor(np.array([near])).tolist() == pytest.approx([factor])


def test_the_limit_never_rises_with_the_number_of_near_neighbours() -> None:
    assert (np.diff(crowd_factor(np.arange(31))) <= 0).all()


@pytest.mark.parametrize(
    ("apart_km", "error", "suspect"),
    [(0.4, 2.0, [WRONG]), (0.4, 1.7, []), (0.4, -2.0, [WRONG]), (2.6, 2.0, []), (2.6, 3.2, [WRONG])],
)
def test_two_degrees_off_are_suspect_in_a_crowd_and_not_among_stations_some_kilometres_apart(
    apart_km: float, error: float, suspect: list[int]
) -> None:
    assert suspect_hours(apart_km, error) == suspect


def test_other_parameters_have_one_limit_however_near_the_neighbours_are() -> None:
    assert suspect_hours(0.4, 2.0, "dew_point_temperature") == []
    assert suspect_hours(0.4, 3.2, "dew_point_temperature") == [WRONG]


def test_a_station_in_a_crowd_can_have_a_limit_of_its_own() -> None:
    assert suspect_hours(0.4, 2.0, buddy_check_suspect_z=6.0) == []
    assert suspect_hours(0.4, 2.0, buddy_check_near_km=0.0) == []
