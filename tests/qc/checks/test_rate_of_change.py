"""Changes from one value to the next that are larger than their interval allows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given

from forecast.qc.checks.rate_of_change import rate_of_change
from forecast.qc.flags import Floats, Times
from tests.qc.checks.irregular import (
    NAN,
    F,
    G,
    M,
    N,
    S,
    assert_missing_is_missing,
    assert_same_when_cut,
    at,
    every,
    floats,
    irregular_series,
    listed,
)
from tests.quality.experiments import (
    FAR_HOURS,
    FEW,
    HOURLY,
    LEAST_AT_HOURLY,
    QUICK,
    RH,
    SPEED,
    TD,
    Experiment,
    P,
    T,
    Where,
    at_places,
    plus,
    plus_or_minus,
)

MINUTES = (10, 60, 120)
LIMITS = (5.0, 8.0, 12.0)
FAIL_LIMITS = (7.5, 19.5, 22.5)


def steps(values: Floats, times: Times) -> list[int]:
    return listed(rate_of_change(values, times, minutes=MINUTES, suspect=LIMITS, fail=FAIL_LIMITS))


@pytest.mark.parametrize(
    ("minutes", "suspect", "fail"),
    [
        (1, 5, 7.5),  # below the first: constant
        (10, 5, 7.5),
        (35, 6.5, 13.5),  # halfway from 10 to 60
        (60, 8, 19.5),
        (90, 10, 21),
        (120, 12, 22.5),
    ],
)
@pytest.mark.parametrize("way", [1, -1])
def test_beyond_the_limit_of_the_interval_and_not_at_it(minutes: float, suspect: float, fail: float, way: int) -> None:
    def flag_after(change: float) -> int:
        first, second = steps(floats(15, 15 + way * change), at(0, minutes))
        assert first == N
        return second

    assert flag_after(suspect) == G
    assert flag_after(suspect + 0.001) == S
    assert flag_after(fail) == S
    assert flag_after(fail + 0.001) == F


def test_a_change_that_equals_its_limit_in_decimals_is_good() -> None:
    # 20.1 - 15.1 is 5.000000000000002 in binary.
    assert steps(floats(15.1, 20.1), at(0, 5)) == [N, G]


def test_an_interval_longer_than_the_last_limit_is_not_evaluated() -> None:
    values = floats(10, 99, 99)
    assert steps(values, at(0, 120, 130)) == [N, F, G]
    assert steps(values, at(0, 120.001, 130)) == [N, N, G]


def test_the_way_there_and_the_way_back_are_flagged_and_what_stays_is_not() -> None:
    assert steps(floats(10, 10, 30, 30, 10, 10), every(5, 6)) == [N, G, F, G, F, G]


def test_the_value_before_is_the_valid_one() -> None:
    assert steps(floats(10, NAN, 16, NAN, NAN, 16), every(5, 6)) == [N, M, S, M, M, G]
    # The interval is counted from there too: 6 in 40 min is less than 6.8.
    assert steps(floats(10, NAN, 16), at(0, 5, 40)) == [N, M, G]
    assert steps(floats(NAN, 10, 16), every(5, 3)) == [M, N, S]


@pytest.mark.parametrize("place", range(4))
def test_a_missing_value_at_any_place_is_missing_and_no_step(place: int) -> None:
    values = np.full(4, 10.0)
    values[place] = NAN
    expected = [N, G, G, G] if place else [M, N, G, G]
    expected[place] = M
    assert steps(values, every(5, 4)) == expected


def test_no_values_and_one() -> None:
    assert steps(floats(), at()) == []
    assert steps(floats(10), at(0)) == [N]
    assert steps(floats(NAN), at(0)) == [M]
    assert steps(floats(NAN, NAN), at(0, 5)) == [M, M]


def test_without_a_fail_limit_the_largest_is_suspect() -> None:
    none = (math.inf,) * 3
    flags = rate_of_change(floats(10, 99, 10), at(0, 5, 95), minutes=MINUTES, suspect=LIMITS, fail=none)
    assert flags.tolist() == [N, S, S]


def test_one_anchor_is_one_limit_up_to_there() -> None:
    flags = rate_of_change(floats(10, 14, 19, 10), at(0, 5, 35, 66), minutes=[30], suspect=[4], fail=[9])
    assert flags.tolist() == [N, G, S, N]


def test_an_infinity_is_not_evaluated_and_parts_no_neighbours() -> None:
    assert steps(floats(10, math.inf, 16, -math.inf), every(5, 4)) == [N, N, S, N]


@given(irregular_series())
def test_what_is_farther_back_than_the_last_interval_changes_nothing(series: tuple[Floats, Times]) -> None:
    values, times = series
    assert_missing_is_missing(values, rate_of_change(values, times, minutes=MINUTES, suspect=LIMITS, fail=FAIL_LIMITS))
    assert_same_when_cut(steps, values, times, reach_minutes=MINUTES[-1])


@given(irregular_series())
def test_what_comes_later_changes_nothing(series: tuple[Floats, Times]) -> None:
    values, times = series
    for size in range(values.size):
        assert steps(values[:size], times[:size]) == steps(values, times)[:size]


@given(irregular_series())
def test_a_missing_value_is_as_if_there_were_no_row(series: tuple[Floats, Times]) -> None:
    values, times = series
    valid = ~np.isnan(values)
    assert steps(values[valid], times[valid]) == np.array(steps(values, times))[valid].tolist()


def compared_in_time(parameter: str) -> Where:
    """Where the value follows another, as it does not at the very beginning."""
    return lambda clean, station: np.isin(clean.results[station].by_check["rate_of_change", parameter], (G, S, F))


def _experiments() -> Iterator[Experiment]:
    errors = ((P, "±3 hPa", 3), (T, "±8 °C", 8), (TD, "±8 °C", 8), (RH, "±40 %", 40))
    for stations, more in ((QUICK, ""), (HOURLY, ", hourly station")):
        for parameter, words, size in errors:
            least = LEAST_AT_HOURLY.get(parameter, 0.95) if more else 0.95
            where, change = compared_in_time(parameter), plus_or_minus(size)
            alter = at_places(
                parameter, change, minutes=180, where=where, first_told=True, at_once=FEW, apart_hours=FAR_HOURS
            )
            error = f"{words} for 3 h, flagged at once{more}"
            yield Experiment("rate_of_change", error, parameter, alter, least, stations, trials=8 if more else 4)
    alter = at_places(SPEED, plus(12), minutes=60, first_told=True, at_once=FEW, apart_hours=FAR_HOURS)
    yield Experiment("rate_of_change", "+12 m/s for 1 h, flagged at once", SPEED, alter, 0.95)


EXPERIMENTS = tuple(_experiments())
