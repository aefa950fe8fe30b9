"""Rain counters: amounts out of them, growth and falls that no rain makes, zeros that were not measured."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.checks.false_zero import false_zero
from forecast.qc.checks.rain_counter import precipitation_amount, rain_counter
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Floats, Times
from tests.quality.experiments import (
    COUNTER,
    INFOCLIMAT,
    THREE_HOURS,
    Experiment,
    at_places,
    between_synoptic_hours,
    for_good,
    half_from_here,
    plus,
    to,
    where_value,
)

NAN = np.nan
MINUTE = 60_000
HOUR = 60 * MINUTE
TIP = 0.254


def every(minutes: float, count: int) -> Times:
    return np.arange(count, dtype=np.int64) * round(minutes * MINUTE)


def minutes(*at: float) -> Times:
    return np.array([round(minute * MINUTE) for minute in at], dtype=np.int64)


def amount_of(values: list[float], times: Times | None = None, gap: float = 60, jitter: float = 0.3) -> list[float]:
    times = every(5, len(values)) if times is None else times
    amount = precipitation_amount(np.array(values, dtype=float), times, max_gap_minutes=gap, jitter=jitter)
    rounded: list[float] = np.round(amount, 9).tolist()
    return rounded


def counter_of(values: list[float], times: Times | None = None, gap: float = 60, jitter: float = 0.3) -> list[int]:
    times = every(5, len(values)) if times is None else times
    flags = rain_counter(
        np.array(values, dtype=float),
        times,
        suspect_rate=60,
        fail_rate=120,
        suspect_jump=50,
        jitter=jitter,
        max_gap_minutes=gap,
    )
    found: list[int] = flags.tolist()
    return found


def test_rain_is_what_the_counter_grew_by() -> None:
    np.testing.assert_equal(amount_of([1.0, 1.0, 1.254, 3.0]), [NAN, 0.0, 0.254, 1.746])


@pytest.mark.parametrize("after", [0.0, TIP, 3.0])
def test_a_reset_at_any_hour_counts_what_was_counted_since(after: float) -> None:
    # As at La Madeleine, whose day ends at 08:04 local.
    np.testing.assert_equal(amount_of([4.826, after, after + TIP]), [NAN, after, TIP])


def test_a_small_fall_that_does_not_reach_zero_is_0_mm() -> None:
    np.testing.assert_equal(amount_of([5.0, 4.75, 4.75]), [NAN, 0.0, 0.0])
    np.testing.assert_equal(amount_of([5.0, 4.75], jitter=0.25), [NAN, 4.75])
    np.testing.assert_equal(amount_of([5.0, 4.75], jitter=0.2501), [NAN, 0.0])


def test_a_small_fall_to_zero_is_a_reset() -> None:
    np.testing.assert_equal(amount_of([TIP, 0.0, TIP]), [NAN, 0.0, TIP])


def test_missing_values_do_not_break_the_chain() -> None:
    np.testing.assert_equal(amount_of([NAN, 1.0, NAN, 2.0, NAN]), [NAN, NAN, NAN, 1.0, NAN])


def test_after_a_gap_there_is_no_amount() -> None:
    np.testing.assert_equal(amount_of([1.0, 2.0, 3.5], minutes(0, 60, 120.01)), [NAN, 1.0, NAN])
    np.testing.assert_equal(amount_of([1.0, NAN, 3.5], minutes(0, 40, 61)), [NAN, NAN, NAN])


def test_a_value_below_zero_after_a_fall_gives_no_negative_rain() -> None:
    np.testing.assert_equal(amount_of([1.0, -0.1]), [NAN, 0.0])


def test_amounts_of_none_and_one() -> None:
    assert amount_of([]) == []
    np.testing.assert_equal(amount_of([2.0]), [NAN])


def test_growth_beyond_the_rates_is_flagged_and_growth_at_them_is_not() -> None:
    # 60 and 120 mm/h over 30 minutes are 30 and 60 mm.
    times = every(30, 5)
    assert counter_of([0.0, 30.0, 60.5, 120.5, 181.0], times) == [NOT_EVALUATED, GOOD, SUSPECT, SUSPECT, FAIL]


def test_a_short_interval_counts_as_five_minutes() -> None:
    # One millimetre in a minute is 60 mm/h, and no cloudburst: 5 mm in five minutes are the limit.
    assert counter_of([0.0, 5.0, 10.1], minutes(0, 1, 2)) == [NOT_EVALUATED, GOOD, SUSPECT]
    assert counter_of([0.0, 5.0, 10.1], minutes(0, 5, 11)) == [NOT_EVALUATED, GOOD, GOOD]


def test_a_jump_of_a_hundred_is_seen_and_its_way_back_is_a_reset_only_if_it_ends_near_zero() -> None:
    assert counter_of([2.0, 102.0, 0.0]) == [NOT_EVALUATED, FAIL, GOOD]
    assert counter_of([2.0, 102.0, 2.0]) == [NOT_EVALUATED, FAIL, SUSPECT]


def test_a_jump_is_flagged_however_long_it_took_and_one_of_the_limit_is_not() -> None:
    # 50 mm in an hour are below the rate of 60 mm/h.
    assert counter_of([0.0, 50.0, 100.25], every(60, 3)) == [NOT_EVALUATED, GOOD, SUSPECT]
    assert counter_of([0.0, 100.0], minutes(0, 720), gap=720) == [NOT_EVALUATED, SUSPECT]
    assert counter_of([100.0, 0.0], minutes(0, 720), gap=720) == [NOT_EVALUATED, GOOD]


@pytest.mark.parametrize(
    ("before", "after", "flag"),
    [(9.0, 0.0, GOOD), (9.0, 0.3, GOOD), (9.0, 0.31, SUSPECT), (9.0, 8.75, GOOD), (9.0, 8.5, SUSPECT)],
)
def test_a_fall_is_a_reset_or_jitter_or_a_fault(before: float, after: float, flag: int) -> None:
    assert counter_of([before, after]) == [NOT_EVALUATED, flag]


@pytest.mark.parametrize("reading", [0.0, 2.4])
def test_a_single_low_reading_that_goes_back_to_where_it_was_fails(reading: float) -> None:
    assert counter_of([4.8, 4.8, reading, 4.8, 5.0]) == [NOT_EVALUATED, GOOD, FAIL, GOOD, GOOD]
    assert counter_of([4.8, reading, NAN, 5.0]) == [NOT_EVALUATED, FAIL, MISSING, GOOD]


@pytest.mark.parametrize(("after", "flag"), [(5.25, FAIL), (4.75, FAIL), (5.5, GOOD)])
def test_a_low_reading_fails_if_those_around_it_differ_by_no_more_than_the_jitter(after: float, flag: int) -> None:
    assert counter_of([5.0, 0.0, after], jitter=0.25)[1] == flag


def test_a_reset_that_stays_or_was_small_is_no_single_low_reading() -> None:
    assert counter_of([4.8, 0.0, 0.0, TIP]) == [NOT_EVALUATED, GOOD, GOOD, GOOD]
    assert counter_of([4.8, 0.0, 4.0]) == [NOT_EVALUATED, GOOD, GOOD]
    assert counter_of([0.89, 0.0, 0.89]) == [NOT_EVALUATED, GOOD, GOOD]
    assert counter_of([0.91, 0.0, 0.91]) == [NOT_EVALUATED, FAIL, GOOD]
    assert counter_of([4.8, 0.0, 4.8], minutes(0, 61, 66)) == [NOT_EVALUATED, NOT_EVALUATED, GOOD]


@pytest.mark.parametrize(("at", "flag"), [(60, FAIL), (61, NOT_EVALUATED)])
def test_a_reading_that_was_lost_has_its_neighbours_within_the_gap(at: int, flag: int) -> None:
    """It falls, and the next one stands where the one before stood."""
    assert counter_of([20.0, 0.0, 20.0], minutes(0, at, at + 5))[1] == flag
    assert counter_of([20.0, 0.0, 20.0], minutes(0, 5, 5 + at))[1] == (flag if at == 60 else GOOD)


def test_a_counter_is_not_evaluated_across_a_gap_and_missing_values_are_skipped() -> None:
    assert counter_of([0.0, 99.0], minutes(0, 60.01)) == [NOT_EVALUATED, NOT_EVALUATED]
    assert counter_of([0.0, 99.0], minutes(0, 40)) == [NOT_EVALUATED, FAIL]
    assert counter_of([NAN, 0.0, NAN, 99.0, NAN]) == [MISSING, NOT_EVALUATED, MISSING, FAIL, MISSING]


def test_counters_of_none_and_one() -> None:
    assert counter_of([]) == []
    assert counter_of([7.0]) == [NOT_EVALUATED]
    assert counter_of([NAN]) == [MISSING]


def test_zero_outside_the_synoptic_hours_was_not_measured() -> None:
    times = np.array([0, 1, 2, 3, 4, 6], dtype=np.int64) * HOUR
    zeros = false_zero(np.array([0.0, 0.0, 0.2, 0.0, NAN, 0.0]), times, period_hours=3)
    assert zeros.tolist() == [GOOD, SUSPECT, GOOD, GOOD, MISSING, GOOD]
    assert false_zero(np.zeros(2), minutes(180, 180.5), period_hours=3).tolist() == [GOOD, SUSPECT]
    assert false_zero(np.zeros(0), every(5, 0), period_hours=3).tolist() == []


counters = st.lists(
    st.tuples(st.one_of(st.just(NAN), st.integers(0, 400).map(lambda tips: tips * TIP)), st.integers(1, 90)),
    max_size=40,
)


def columns(rows: list[tuple[float, int]]) -> tuple[Floats, Times]:
    values = np.array([value for value, _ in rows], dtype=float)
    return values, np.cumsum(np.array([step for _, step in rows], dtype=np.int64)) * MINUTE


@given(counters)
def test_amounts_are_never_negative_and_never_known_where_the_counter_is_not(rows: list[tuple[float, int]]) -> None:
    values, times = columns(rows)
    amount = precipitation_amount(values, times, max_gap_minutes=60, jitter=0.3)
    assert amount.shape == values.shape
    assert not (amount < 0).any()
    assert np.isnan(amount[np.isnan(values)]).all()


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_without_reset_and_gap_the_amounts_add_up_to_the_growth(tips: list[int]) -> None:
    values = np.cumsum(np.array(tips, dtype=float)) * TIP
    amount = precipitation_amount(values, every(5, len(values)), max_gap_minutes=60, jitter=0.3)
    assert np.nansum(amount) == pytest.approx(values[-1] - values[0])


@given(counters, st.integers(0, 40))
def test_the_past_beyond_the_gap_changes_nothing(rows: list[tuple[float, int]], cut: int) -> None:
    values, times = columns(rows)
    cut = min(cut, len(rows))
    tail = slice(cut, None)
    # Rows within the reach of the gap may differ: only those farther from the cut are compared.
    settled = times[tail] > (times[cut] if cut < len(rows) else 0) + 60 * MINUTE
    whole = precipitation_amount(values, times, max_gap_minutes=60, jitter=0.3)[tail]
    part = precipitation_amount(values[tail], times[tail], max_gap_minutes=60, jitter=0.3)
    np.testing.assert_array_equal(whole[settled], part[settled])
    limits = {"suspect_rate": 10.0, "fail_rate": 40.0, "suspect_jump": 50.0, "jitter": 0.3, "max_gap_minutes": 60.0}
    flags = rain_counter(values, times, **limits)
    assert ((flags == MISSING) == np.isnan(values)).all()
    np.testing.assert_array_equal(flags[tail][settled], rain_counter(values[tail], times[tail], **limits)[settled])


def _experiments() -> Iterator[Experiment]:
    counted = where_value(COUNTER, lambda counter: counter >= 1)
    half = for_good(COUNTER, half_from_here, where=counted)
    zero = at_places(COUNTER, to(0), where=counted)
    between = at_places(THREE_HOURS, to(0), where=between_synoptic_hours, where_missing=True)
    yield Experiment("rain_counter", "+20 mm at once", COUNTER, for_good(COUNTER, plus(20)), 1, trials=4)
    yield Experiment("rain_counter", "falls to half without a reset", COUNTER, half, 1, trials=4)
    yield Experiment("rain_counter", "0 for one reading after 1 mm or more", COUNTER, zero, 1)
    yield Experiment("false_zero", "0 between synoptic hours", THREE_HOURS, between, 1, INFOCLIMAT)


EXPERIMENTS = tuple(_experiments())
