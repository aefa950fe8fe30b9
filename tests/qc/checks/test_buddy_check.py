"""A value against its neighbours: their median and spread, the recent offset, the QC result."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.checks.buddy_check import buddy_check, expected
from forecast.qc.comparison import median_and_spread, neighbour_median
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Floats, Times
from tests.quality.experiments import FAR_HOURS, FEW, RH, TD, Experiment, P, T, at_places, compared, plus, plus_or_minus

NAN = np.nan
INF = np.inf
MINUTE = 60_000
HOUR = 60 * MINUTE


def minutes(*at: float) -> Times:
    return np.array([round(minute * MINUTE) for minute in at], dtype=np.int64)


def floats(*values: float) -> Floats:
    return np.array(values, dtype=float)


def test_median_and_spread_of_an_odd_and_an_even_number_of_neighbours() -> None:
    for values, median, mad in (((10, 12, 19), 12, 2), ((10, 12, 13, 19), 12.5, 1.5)):
        got, spread = median_and_spread(floats(*values)[None], min_neighbours=3)
        assert got.tolist() == [median]
        assert spread.tolist() == pytest.approx([1.4826 * mad])


def test_one_bad_neighbour_among_three_does_not_move_the_median() -> None:
    median, _ = median_and_spread(floats(10, 10.4, 85)[None], min_neighbours=3)
    assert median.tolist() == [10.4]


def test_with_too_few_neighbours_there_is_no_median() -> None:
    for min_neighbours, expected_median in ((2, 10.5), (3, NAN)):
        median, spread = median_and_spread(floats(10, 11, NAN, NAN)[None], min_neighbours=min_neighbours)
        np.testing.assert_equal(median, [expected_median])
        assert np.isnan(spread).tolist() == np.isnan(median).tolist()


@pytest.mark.parametrize("min_neighbours", [0, 1])
@pytest.mark.parametrize("number", [0, 1])
def test_no_neighbours_at_all(number: int, min_neighbours: int) -> None:
    for part in median_and_spread(np.full((2, number), NAN), min_neighbours=min_neighbours):
        np.testing.assert_equal(part, [NAN, NAN])


def test_the_number_of_neighbours_may_change_from_time_to_time() -> None:
    table = np.array([[1, 3, 8], [2, 4, NAN], [3, NAN, NAN]])
    median, spread = median_and_spread(table, min_neighbours=2)
    np.testing.assert_equal(median, [3, 3, NAN])
    np.testing.assert_allclose(spread, [1.4826 * 2, 1.4826, NAN])


def test_the_median_alone_is_the_one_with_the_spread() -> None:
    table = np.array([[10, 11, 15, NAN], [NAN, NAN, NAN, 3]])
    for least in (1, 2, 3, 4):
        median, _ = median_and_spread(table, min_neighbours=least)
        np.testing.assert_equal(neighbour_median(table, min_neighbours=least), median)


def qc_result(*values: float, median: float = 10.0, spread: float = 2.0, fail_z: float = 5.0) -> list[int]:
    size = len(values)
    flags = buddy_check(
        floats(*values), np.full(size, median), np.full(size, spread), suspect_z=3.0, fail_z=fail_z, floor=1.0
    )
    found: list[int] = flags.tolist()
    return found


def test_too_far_from_the_neighbours_on_either_side() -> None:
    assert qc_result(10, 16, 16.1, 20, 20.1) == [GOOD, GOOD, SUSPECT, SUSPECT, FAIL]
    assert qc_result(4, 3.9, 0, -0.1) == [GOOD, SUSPECT, SUSPECT, FAIL]
    assert qc_result(1e6, fail_z=INF) == [SUSPECT]


def test_neighbours_that_agree_by_chance_count_as_spread_by_the_floor() -> None:
    assert qc_result(13, 13.1, spread=0.0) == [GOOD, SUSPECT]
    assert qc_result(13, 13.1, spread=1.1) == [GOOD, GOOD]


def test_no_median_no_flag_and_missing_stays_missing() -> None:
    assert qc_result(10, NAN, median=NAN, spread=NAN) == [NOT_EVALUATED, MISSING]
    assert qc_result(NAN) == [MISSING]
    assert qc_result() == []


def offset_of(
    deviation: list[float], times: Times, hours: int = 3, min_hours: int = 2, cap: float = 9.0
) -> list[float]:
    median = np.full(len(deviation), 100.0)
    moved = expected(median + floats(*deviation), median, times, hours=hours, min_hours=min_hours, max_offset=cap)
    offset: list[float] = (moved - median).tolist()
    return offset


def hourly(count: int) -> Times:
    return np.arange(count, dtype=np.int64) * HOUR


def test_a_lasting_difference_is_expected_and_an_error_of_an_hour_is_not() -> None:
    assert offset_of([-3.0] * 4 + [2.0] + [-3.0] * 4, hourly(9)) == [-3.0] * 9


def test_each_hour_counts_once_however_many_values_it_has() -> None:
    times = minutes(0, 1, 2, 3, 4, 60, 120)
    assert offset_of([9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 2.0], times) == [2.0] * 7
    # An hour with an even number of values stands for the middle between the middle two.
    assert offset_of([1.0, 4.0], minutes(0, 59), min_hours=1) == [2.5, 2.5]


def test_the_offset_follows_the_hours_around_and_no_others() -> None:
    assert offset_of([0.0] * 5 + [4.0] * 5, hourly(10), hours=1) == [0.0] * 5 + [4.0] * 5
    # Hours without values, which are not filled by those farther away: 02 sees 01...03, of which one is there.
    assert offset_of([5.0, 1.0, 5.0], minutes(0, 120, 240), hours=1, min_hours=1) == [5.0, 1.0, 5.0]
    assert offset_of([5.0, 1.0, 5.0], minutes(0, 120, 240), hours=2, min_hours=1) == [3.0, 5.0, 3.0]


def test_the_offset_is_cut_at_the_cap_and_zero_with_too_few_hours() -> None:
    assert offset_of([-3.0, -3.0], hourly(2), cap=1.5) == [-1.5, -1.5]
    assert offset_of([3.0, 3.0], hourly(2), cap=1.5) == [1.5, 1.5]
    assert offset_of([3.0, 3.0], hourly(2), min_hours=3) == [0.0, 0.0]
    assert offset_of([3.0, 3.0, 3.0], hourly(3), min_hours=3) == [3.0, 3.0, 3.0]
    # Each value has hours of its own around it: the last one is alone.
    assert offset_of([3.0, 3.0, 3.0, 7.0], minutes(0, 60, 120, 600), hours=1) == [3.0, 3.0, 3.0, 0.0]


def test_missing_values_and_medians_count_for_nothing() -> None:
    values, median = floats(12, NAN, 12, 50), floats(10, 10, 10, NAN)
    moved = expected(values, median, hourly(4), hours=3, min_hours=2, max_offset=9)
    np.testing.assert_equal(moved, [12, 12, 12, NAN])
    nothing = expected(floats(NAN, 1), floats(10, NAN), hourly(2), hours=3, min_hours=1, max_offset=9)
    np.testing.assert_equal(nothing, [10, NAN])
    assert offset_of([], hourly(0)) == []


def test_an_error_that_brings_a_cold_hollow_near_its_neighbours_is_found() -> None:
    # Fog: 3 °C below the neighbours for ten hours; +5 °C in one of them is 2 °C above the neighbours, which is nothing.
    values = np.full(60, 7.0)
    values[24:30] += 5
    times = np.arange(60, dtype=np.int64) * 10 * MINUTE
    median, spread = np.full(60, 10.0), np.full(60, 0.5)
    plain = buddy_check(values, median, spread, suspect_z=3.0, fail_z=INF, floor=1.0)
    assert (plain == GOOD).all()
    moved = expected(values, median, times, hours=6, min_hours=4, max_offset=1.5)
    flags = buddy_check(values, moved, spread, suspect_z=3.0, fail_z=INF, floor=1.0)
    assert np.flatnonzero(flags == SUSPECT).tolist() == list(range(24, 30))
    assert (np.delete(flags, range(24, 30)) == GOOD).all()


rows = st.lists(st.tuples(st.one_of(st.just(NAN), st.integers(-50, 50)), st.integers(1, 200)), max_size=40)


@given(st.lists(st.lists(st.one_of(st.just(NAN), st.integers(-9, 9)), min_size=4, max_size=4), min_size=1, max_size=6))
def test_median_and_spread_are_those_of_the_valid_values(table: list[list[float]]) -> None:
    median, spread = median_and_spread(np.array(table, dtype=float).T, min_neighbours=2)
    for at in range(4):
        column = floats(*(row[at] for row in table))
        column = column[~np.isnan(column)]
        if column.size < 2:
            assert np.isnan(median[at])
            assert np.isnan(spread[at])
        else:
            assert median[at] == np.median(column)
            assert spread[at] == pytest.approx(1.4826 * np.median(np.abs(column - np.median(column))))


@given(rows, st.integers(0, 40), st.integers(0, 3))
def test_what_lies_beyond_the_reach_changes_no_expectation(ours: list[tuple[float, int]], cut: int, hours: int) -> None:
    times = np.cumsum([0, *(step for _, step in ours)])[1:].astype(np.int64) * MINUTE
    values = floats(*(value for value, _ in ours))
    median = np.zeros(len(ours))
    cut = min(cut, len(ours))
    whole = expected(values, median, times, hours=hours, min_hours=2, max_offset=20)
    assert whole.shape == values.shape
    tail = expected(values[cut:], median[cut:], times[cut:], hours=hours, min_hours=2, max_offset=20)
    settled = times[cut:] > (times[cut] if cut < len(ours) else 0) + (hours + 1) * HOUR
    np.testing.assert_array_equal(whole[cut:][settled], tail[settled])
    head = expected(values[:cut], median[:cut], times[:cut], hours=hours, min_hours=2, max_offset=20)
    settled = times[:cut] < (times[cut - 1] if cut else 0) - (hours + 1) * HOUR
    np.testing.assert_array_equal(whole[:cut][settled], head[settled])


def _experiments() -> Iterator[Experiment]:
    errors = (
        (T, "+5 °C", plus(5), 0.9),
        (T, "-5 °C", plus(-5), 0.9),
        (TD, "+5 °C", plus(5), 0.9),
        (RH, "-30 %", plus(-30), 0.9),
        # Barometers that stand 8 hPa from each other make a wide spread.
        (P, "±8 hPa", plus_or_minus(8), 0.75),
    )
    for parameter, words, change, least in errors:
        alter = at_places(parameter, change, minutes=60, where=compared(parameter), at_once=FEW, apart_hours=FAR_HOURS)
        yield Experiment("buddy_check", f"{words} for 1 h", parameter, alter, least, trials=4, by_itself=True)


EXPERIMENTS = tuple(_experiments())
