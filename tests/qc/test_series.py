"""Stations one after another on one axis: evaluated together, they are said what each is said alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.clock import DAY_MS
from forecast.qc.aggregates import station_days
from forecast.qc.neighbours import Neighbours
from forecast.qc.results import QcResults
from forecast.qc.runner import (
    compared_values,
    run_closing_checks,
    run_neighbour_checks,
    run_station_checks,
)
from forecast.qc.series import Series, alike, joined
from forecast.report.findings import Findings
from tests.examples import examples
from tests.networks import DAY, HOUR_MS, START_MS, hours, series, station
from tests.qc.test_windows import weather

AIR = "air_temperature"
THREE = joined(
    [
        series(station("A"), hours(3), air_temperature=[1, 2, 3]),
        series(station("B"), hours(0), air_temperature=[]),
        series(station("C"), hours(2, START_MS + 30 * HOUR_MS), wind_speed=[4, 5]),
    ]
)


def test_in_concatenated_series_a_parameter_that_one_lacks_is_missing() -> None:
    assert [one.id for one in THREE.stations] == ["A", "B", "C"]
    assert THREE.starts.tolist() == [0, 3, 3]
    assert THREE.of_row.tolist() == [0, 0, 0, 2, 2]
    np.testing.assert_equal(THREE.values[AIR], [1, 2, 3, np.nan, np.nan])
    np.testing.assert_equal(THREE.values["wind_speed"], [np.nan, np.nan, np.nan, 4, 5])


def test_on_the_axis_intervals_and_hours_of_the_day_are_kept_and_stations_lie_years_apart() -> None:
    axis = THREE.axis
    assert axis[:3].tolist() == THREE.times[:3].tolist()
    assert np.diff(axis[3:]).tolist() == [HOUR_MS]
    assert ((axis - THREE.times) % DAY_MS).tolist() == [0] * 5
    assert axis[3] - axis[2] > 700 * DAY_MS


def test_a_moment_of_the_axis_tells_its_station_and_time_also_days_outside() -> None:
    for days in (-9, 0, 9):
        stations, times = THREE.from_axis(THREE.axis + days * DAY_MS)
        assert stations.tolist() == THREE.of_row.tolist()
        assert times.tolist() == (THREE.times + days * DAY_MS).tolist()


def test_rows_of_days_are_those_of_their_station() -> None:
    """The third station has its rows on the second day."""
    asked: Mapping[str, set[int]] = {"A": {DAY + 1}, "C": {DAY, DAY + 1}, "X": {DAY}}
    assert THREE.rows_on(asked).tolist() == [False, False, False, True, True]
    assert THREE.rows_on({"A": {DAY}}).tolist() == [True, True, True, False, False]


def test_stations_of_one_network_with_equal_thresholds_and_intervals_are_alike() -> None:
    strict: dict[str, Any] = {"thresholds": {AIR: {"spike_suspect": 2.0}}}
    stations = [
        station("A"),
        station("B", interval_minutes=5),
        station("C", network="DWD"),
        station("D", **strict),
        replace(station("E"), name="Elsewhere"),
        station("F", **strict),
    ]
    assert alike(stations) == [[0, 4], [1], [2], [3, 5]]


def evaluated(parts: list[Series], everyone: list[Series]) -> list[QcResults]:
    """What the checks say of series, each as it is, among all stations."""
    found = [run_station_checks(one) for one in parts]
    neighbours = Neighbours(one.stations[0] for one in everyone)
    run_neighbour_checks(found, [compared_values(one) for one in found], neighbours)
    for one in found:
        run_closing_checks(one)
    return found


@settings(max_examples=examples(0.15))
@given(st.integers(0, 2**32 - 1))
def test_stations_checked_together_get_the_same_flags_as_alone(seed: int) -> None:
    """Flags, daily aggregates, and what a report finds."""
    everyone = weather(np.random.default_rng(seed))
    apart, (together,) = evaluated(everyone, everyone), evaluated([joined(everyone)], everyone)
    whole, parts = together.quality(), [one.quality() for one in apart]
    assert whole.flags.to_pylist() == [text for part in parts for text in part.flags.to_pylist()]
    np.testing.assert_array_equal(whole.flag, np.concatenate([part.flag for part in parts]))
    np.testing.assert_array_equal(whole.amount, np.concatenate([part.amount for part in parts]))
    days = {one.stations[0].id: set((one.times // DAY_MS).tolist()) for one in everyone}
    assert list(station_days(together, days)) == [day for one in apart for day in station_days(one, days)]
    of_whole, of_parts = Findings(), Findings()
    of_whole.observe(together, days)
    for one in apart:
        of_parts.observe(one, days)
    assert of_whole.by_check() == of_parts.by_check()
    assert of_whole.by_station() == of_parts.by_station()
    assert of_whole.worst == of_parts.worst
    assert of_whole.biases == of_parts.biases
    assert of_whole.received == of_parts.received
    assert of_whole.evaluated_days == of_parts.evaluated_days
