"""What a station's UTC day comes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.aggregates import ParameterDay, StationDay, station_days
from forecast.qc.flags import FAIL, NOT_EVALUATED, SUSPECT
from forecast.qc.results import QcResults
from tests.networks import DAY, DAY_MS, START_MS, hours, series, station

A = station("A", interval_minutes=7)


def results(times: np.ndarray, **values: Any) -> QcResults:
    """Values that no check has looked at yet."""
    return QcResults(series(A, times, **values))


def flag(of: QcResults, check: str, parameter: str, given_flags: list[int]) -> None:
    of.add(check, parameter, np.array(given_flags, dtype=np.uint8))


def only(of: QcResults, parameter: str) -> ParameterDay:
    (found,) = station_days(of, {"A": {DAY}})
    return found.parameters[parameter]


def test_a_day_counts_what_came_what_is_flagged_and_by_which_check() -> None:
    one = results(hours(5), air_temperature=[10.0, 11.0, 50.0, None, 12.0], wind_speed=[1.0] * 5)
    flag(one, "gross_range", "air_temperature", [1, 1, FAIL, 9, 1])
    flag(one, "spike", "air_temperature", [2, SUSPECT, SUSPECT, 9, 1])
    flag(one, "stuck", "wind_speed", [SUSPECT, 1, 1, 1, 1])
    assert list(station_days(one, {"A": {DAY}})) == [
        StationDay(
            "A",
            DAY,
            1440 // 7,
            5,
            {
                "air_temperature": ParameterDay(4, 1, 1, 10.0, 11.0, 12.0, {"gross_range": 1, "spike": 1}),
                "wind_speed": ParameterDay(5, 1, 0, 1.0, 1.0, 1.0, {"stuck": 1}),
            },
        )
    ]


def test_only_requested_days_with_observations_have_aggregates() -> None:
    one = results(hours(72), air_temperature=np.arange(72.0))
    found = list(station_days(one, {"A": {DAY, DAY + 2, DAY + 9}}))
    assert [(day.day, day.received) for day in found] == [(DAY, 24), (DAY + 2, 24)]
    ranges = [day.parameters["air_temperature"] for day in found]
    assert [(of_day.min, of_day.mean, of_day.max) for of_day in ranges] == [(0.0, 11.5, 23.0), (48.0, 59.5, 71.0)]
    assert list(station_days(one, {"A": {DAY + 9}})) == []


def test_a_parameter_without_a_value_has_no_entry_and_one_that_is_all_flagged_has_no_range() -> None:
    one = results(hours(2), air_temperature=[None, None], wind_speed=[3.0, 4.0])
    flag(one, "stuck", "wind_speed", [FAIL, FAIL])
    (found,) = station_days(one, {"A": {DAY}})
    assert found.parameters == {"wind_speed": ParameterDay(2, 0, 2, None, None, None, {"stuck": 2})}


@pytest.mark.parametrize(
    ("directions", "mean"),
    [
        ([350.0, 10.0], 360.0),
        ([80.0, 100.0], 90.0),
        ([350.0, 30.0], 10.0),
        ([90.0, 270.0], None),
        ([0.0, 360.0], 360.0),
    ],
)
def test_the_mean_of_directions_is_that_of_vectors(directions: list[float], mean: float | None) -> None:
    one = results(hours(2), wind_from_direction=directions)
    flag(one, "gross_range", "wind_from_direction", [1, 1])
    found = only(one, "wind_from_direction")
    assert (found.min, found.max) == (None, None)
    assert found.mean == (None if mean is None else pytest.approx(mean))


def test_a_direction_at_calm_is_in_no_mean() -> None:
    one = results(hours(3), wind_from_direction=[90.0, 0.0, 0.0])
    flag(one, "gross_range", "wind_from_direction", [1, 1, 1])
    one.set_aside("wind_from_direction", np.array([False, True, True]))
    assert one.flags["wind_from_direction"].tolist() == [1, NOT_EVALUATED, NOT_EVALUATED]
    found = only(one, "wind_from_direction")
    assert found.received == 3
    assert found.mean == pytest.approx(90.0)


def test_the_rain_that_was_made_of_a_counter_is_a_parameter_too() -> None:
    one = results(hours(3), precipitation_counter=[1.0, 2.0, 5.0])
    one.amount = np.array([np.nan, 1.0, 3.0])
    assert only(one, "precipitation_amount") == ParameterDay(2, 0, 0, 1.0, 2.0, 3.0, {})
    without = results(hours(1), precipitation_counter=[1.0])
    (found,) = station_days(without, {"A": {DAY}})
    assert list(found.parameters) == ["precipitation_counter"]


_ROWS = st.lists(
    st.tuples(
        st.integers(0, 4 * 1440 - 1), st.one_of(st.none(), st.floats(-40, 40)), st.sampled_from([1, 2, SUSPECT, FAIL])
    ),
    min_size=1,
    unique_by=lambda row: row[0],
)


@given(_ROWS, st.sets(st.integers(0, 5)))
def test_the_aggregates_of_a_day_depend_only_on_its_rows(
    rows: list[tuple[int, float | None, int]], asked: set[int]
) -> None:
    rows = sorted(rows)
    times = START_MS + np.array([minute for minute, _, _ in rows], dtype=np.int64) * 60_000
    one = results(times, air_temperature=[value for _, value, _ in rows])
    flag(one, "spike", "air_temperature", [9 if value is None else given_flag for _, value, given_flag in rows])
    found = {day.day - DAY: day for day in station_days(one, {"A": {DAY + day for day in asked}})}
    assert found.keys() == {minute // 1440 for minute, _, _ in rows} & asked
    for day, entry in found.items():
        own = [(value, given_flag) for minute, value, given_flag in rows if minute // 1440 == day]
        values = [value for value, _ in own if value is not None]
        good = [value for value, given_flag in own if value is not None and given_flag not in {SUSPECT, FAIL}]
        assert entry.received == len(own)
        if not values:
            assert entry.parameters == {}
            continue
        got = entry.parameters["air_temperature"]
        suspect, failed = (sum(value is not None and f == which for value, f in own) for which in (SUSPECT, FAIL))
        assert (got.received, got.suspect, got.failed) == (len(values), suspect, failed)
        assert dict(got.checks) == ({"spike": suspect + failed} if suspect + failed else {})
        assert (got.min, got.max) == ((min(good), max(good)) if good else (None, None))
        assert got.mean == (pytest.approx(sum(good) / len(good), abs=1e-9) if good else None)


def test_days_are_those_of_utc() -> None:
    assert START_MS == DAY * DAY_MS
    one = results(np.array([START_MS - 1, START_MS], dtype=np.int64), air_temperature=[1.0, 2.0])
    assert [(day.day, day.received) for day in station_days(one, {"A": {DAY - 1, DAY}})] == [(DAY - 1, 1), (DAY, 1)]
