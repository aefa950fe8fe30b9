"""The station as a whole: bias, stuck sensors, a clock that is off, days that are flagged too often."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.networks.meteofrance_limits import HOURLY_LIMITS
from forecast.qc.checks.bias import bias, bias_of_days
from forecast.qc.checks.clock_offset import clock_offset
from forecast.qc.checks.flag_rate import flag_rate
from forecast.qc.checks.stuck import stuck
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Floats, Times
from tests.quality.experiments import (
    RH,
    Experiment,
    P,
    T,
    all_the_time,
    clock_off,
    on_a_day,
    plus_or_minus,
    stand_still,
    to,
)

NAN = np.nan
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FIRST = 20_000  # a day number: 2024-10-04


def hourly(days: float, start: float = 0) -> Times:
    """Hourly from so many days after 2024-10-04 on."""
    return np.arange(round(days * 24), dtype=np.int64) * HOUR + round((FIRST + start) * DAY)


def by_day(flags: Flags, times: Times) -> list[list[int]]:
    """The different flags of each day."""
    return [np.unique(flags[times // DAY == day]).tolist() for day in np.unique(times // DAY)]


def test_the_number_of_a_day_is_the_median_difference_of_the_days_that_end_with_it() -> None:
    times = hourly(4)
    median = np.full(96, 1000.0)
    values = median + np.repeat([1.0, 2.0, 6.0, 7.0], 24)
    numbers, found = bias_of_days(values, median, times, days=3, min_hours=24)
    assert numbers.tolist() == [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]
    assert found.tolist() == [1.0, 1.5, 2.0, 6.0]


def test_a_day_without_rows_is_left_out_and_still_counts_as_a_day() -> None:
    times = np.concatenate([hourly(1), hourly(1, start=2)])
    median = np.zeros(48)
    numbers, found = bias_of_days(np.repeat([1.0, 5.0], 24), median, times, days=2, min_hours=24)
    assert numbers.tolist() == [FIRST, FIRST + 2]
    assert found.tolist() == [1.0, 5.0]


def test_hours_count_once_and_only_with_both_value_and_median() -> None:
    # Four hours of which three have both, the first with many values.
    times = np.array([0, 10, 20, 60, 120, 180], dtype=np.int64) * MINUTE
    values = np.array([1, 1, 1, NAN, 1, 1], dtype=float)
    median = np.zeros(6)
    for min_hours, expected in ((3, 1.0), (4, NAN)):
        np.testing.assert_equal(bias_of_days(values, median, times, days=1, min_hours=min_hours)[1], [expected])
    median[5] = NAN
    np.testing.assert_equal(bias_of_days(values, median, times, days=1, min_hours=3)[1], [NAN])


@pytest.mark.parametrize("sign", [1, -1])
def test_a_bias_beyond_the_limit_flags_the_day_on_either_side(sign: int) -> None:
    times = hourly(2)
    median = np.full(48, 1000.0)
    values = median + sign * np.repeat([3.0, 3.5], 24)
    values[30] = NAN
    flags = bias(values, median, times, days=1, limit=3.0, min_hours=12)
    assert by_day(flags, times) == [[GOOD], [SUSPECT, MISSING]]
    assert np.flatnonzero(flags == MISSING).tolist() == [30]


def test_values_without_neighbours_share_the_flag_of_their_day() -> None:
    times = hourly(1)
    median = np.full(24, 1000.0)
    median[12:] = NAN
    values = np.full(24, 990.0)
    assert by_day(bias(values, median, times, days=1, limit=3.0, min_hours=12), times) == [[SUSPECT]]
    assert by_day(bias(values, median, times, days=1, limit=3.0, min_hours=13), times) == [[NOT_EVALUATED]]


def test_a_few_outliers_are_not_a_bias() -> None:
    times = hourly(1)
    values = np.full(24, 1000.0)
    values[:11] = 900.0
    assert by_day(bias(values, np.full(24, 1000.0), times, days=1, limit=3.0, min_hours=12), times) == [[GOOD]]


def stuck_of(values: Floats, median: Floats, times: Times, min_hours: int = 18) -> list[list[int]]:
    return by_day(stuck(values, times, median, tolerance=0.1, neighbour_range=3.0, min_hours=min_hours), times)


def test_a_sensor_that_stands_still_while_its_neighbours_move() -> None:
    times = hourly(1)
    still = np.full(24, 8.0)
    assert stuck_of(still, np.linspace(5, 8, 24), times) == [[SUSPECT]]
    assert stuck_of(still, np.linspace(5, 7.9, 24), times) == [[GOOD]]
    for step, flag in ((0.1, SUSPECT), (0.11, GOOD)):
        nearly = np.zeros(24)
        nearly[3] = step
        assert stuck_of(nearly, np.linspace(5, 9, 24), times) == [[flag]]


@pytest.mark.parametrize(("count", "flag"), [(17, NOT_EVALUATED), (18, SUSPECT)])
def test_a_day_of_exactly_the_minimum_hours_is_evaluated(count: int, flag: int) -> None:
    assert stuck_of(np.full(count, 8.0), np.linspace(5, 8, count), hourly(count / 24), min_hours=18) == [[flag]]


def test_each_day_is_evaluated_by_itself() -> None:
    times = hourly(3)
    values = np.concatenate([np.full(24, 8.0), np.linspace(4, 9, 24), np.full(24, 7.0)])
    assert stuck_of(values, np.tile(np.linspace(4, 9, 24), 3), times) == [[SUSPECT], [GOOD], [SUSPECT]]


def test_movement_counts_only_where_both_are_there() -> None:
    times = hourly(1)
    values, median = np.full(24, 8.0), np.linspace(5, 9, 24)
    values[:12] = NAN  # the neighbours moved by less than 3 in the hours that are left
    assert stuck_of(values, median, times, min_hours=12) == [[GOOD, MISSING]]
    assert stuck_of(values, median, times, min_hours=13) == [[NOT_EVALUATED, MISSING]]
    assert stuck_of(np.full(24, NAN), median, times) == [[MISSING]]
    quarters = FIRST * DAY + np.arange(24, dtype=np.int64) * 15 * MINUTE  # 24 values, 6 hours
    assert stuck_of(np.full(24, 8.0), median, quarters, min_hours=6) == [[SUSPECT]]
    assert stuck_of(np.full(24, 8.0), median, quarters, min_hours=7) == [[NOT_EVALUATED]]
    assert stuck_of(np.full(24, 8.0), np.full(24, NAN), times, min_hours=0) == [[NOT_EVALUATED]]


def curve(times: Times) -> Floats:
    """Air temperature as it goes in October, every day a little different."""
    day = times / DAY
    return 11 + 4 * np.sin(2 * np.pi * (day - 0.4)) + 1.5 * np.sin(2 * np.pi * day / 2.7)


def noise(size: int, scale: float = 0.4) -> Floats:
    return np.random.default_rng(1).normal(scale=scale, size=size)


def clock_of(
    values: Floats,
    times: Times,
    reference: Callable[[Times], Floats] = curve,
    improvement: float = 0.15,
    reach: int = 3,
) -> Flags:
    shifts = [shift for shift in range(-reach, reach + 1) if shift]
    return clock_offset(
        values, times, reference, shifts_hours=shifts, window_days=2, min_hours=30, improvement=improvement
    )


@pytest.mark.parametrize("hours", [-2, -1, 1, 2])
def test_a_clock_that_is_off_is_found_on_the_second_day(hours: int) -> None:
    times = hourly(3)
    values = curve(times - hours * HOUR) + noise(72) - 3.0  # a bias on top is no matter
    assert by_day(clock_of(values, times), times) == [[NOT_EVALUATED], [SUSPECT], [SUSPECT]]


def test_a_clock_that_is_right_is_good() -> None:
    times = hourly(3)
    assert by_day(clock_of(curve(times) + noise(72), times), times) == [[NOT_EVALUATED], [GOOD], [GOOD]]


def test_a_street_that_warms_and_cools_later_than_the_parks_around_it_has_no_wrong_clock() -> None:
    # As Lariboisière in Paris: 40 minutes after the others, through the noise of single hours.
    times = hourly(3)
    values = curve(times - 40 * MINUTE) + noise(72)
    own = HOURLY_LIMITS["clock_offset"]["clock_offset_improvement"].value
    assert by_day(clock_of(values, times, improvement=own), times) == [[NOT_EVALUATED], [GOOD], [GOOD]]
    hour_off = curve(times - HOUR) + noise(72)
    assert by_day(clock_of(hour_off, times, improvement=own), times) == [[NOT_EVALUATED], [SUSPECT], [SUSPECT]]


def test_a_quiet_overcast_day_gives_no_flag_by_chance() -> None:
    times = hourly(3)
    # A tenth of a degree up and down, an hour late: within the step in which temperatures are reported.
    flat = 12 + 0.05 * np.sin(2 * np.pi * (times - HOUR) / DAY)
    flags = clock_of(flat, times, lambda at: 12 + 0.05 * np.sin(2 * np.pi * at / DAY))
    assert by_day(flags, times) == [[NOT_EVALUATED], [GOOD], [GOOD]]


def test_one_day_that_comes_late_is_outvoted_by_one_that_fits() -> None:
    # A front or a night of fog reaches this station an hour late, with twice the amplitude of an ordinary day.
    times = hourly(2)
    late = times < (FIRST + 1) * DAY

    def reference(at: Times) -> Floats:
        return np.where(at < (FIRST + 1) * DAY, 2 * curve(at), curve(at))

    values = np.where(late, reference(times - HOUR) + noise(48, 1.5), reference(times) + noise(48, 0.1))
    assert by_day(clock_of(values, times, reference), times)[1] == [GOOD]


def test_a_fast_clock_fits_at_a_negative_shift() -> None:
    times = hourly(2)
    for hours, shifts, flag in ((1, (-2, -1), SUSPECT), (1, (1, 2), GOOD), (-1, (1, 2), SUSPECT), (-1, (-2, -1), GOOD)):
        flags = clock_offset(
            curve(times - hours * HOUR),
            times,
            curve,
            shifts_hours=shifts,
            window_days=2,
            min_hours=30,
            improvement=0.15,
        )
        assert by_day(flags, times)[1] == [flag]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_fit_that_improves_up_to_the_largest_shift_is_not_a_minimum(sign: int) -> None:
    times = hourly(2)
    values = curve(times - sign * 3 * HOUR)
    assert by_day(clock_of(values, times, reach=3), times)[1] == [GOOD]
    assert by_day(clock_of(values, times, reach=4), times)[1] == [SUSPECT]


def test_the_improvement_decides() -> None:
    times = hourly(2)
    values = curve(times - HOUR) + noise(48)
    assert by_day(clock_of(values, times, improvement=0.4), times)[1] == [SUSPECT]
    assert by_day(clock_of(values, times, improvement=0.9), times)[1] == [GOOD]


def test_an_hourly_station_among_ten_minute_neighbours_and_the_reverse() -> None:
    def every(step: int) -> Callable[[Times], Floats]:
        """Known within five minutes of every whole step only."""

        def known(times: Times) -> Floats:
            nearest = np.round(times / step) * step
            return np.where(np.abs(times - nearest) <= 5 * MINUTE, curve(nearest.astype(np.int64)), NAN)

        return known

    fine = np.arange(FIRST * DAY, (FIRST + 2) * DAY, 10 * MINUTE, dtype=np.int64)
    for times, reference in ((hourly(2) + 4 * MINUTE, every(10 * MINUTE)), (fine, every(HOUR))):
        values = curve(times - HOUR) + noise(times.size)
        assert by_day(clock_of(values, times, reference), times)[1] == [SUSPECT]
        values = curve(times) + noise(times.size)
        assert by_day(clock_of(values, times, reference), times)[1] == [GOOD]


def test_a_shift_of_half_an_hour_is_found_if_the_thresholds_allow() -> None:
    times = hourly(2)
    values = curve(times - HOUR // 2) + noise(48, 0.1)
    flags = clock_offset(
        values, times, curve, shifts_hours=(-1, -0.5, 0.5, 1), window_days=2, min_hours=30, improvement=0.15
    )
    assert by_day(flags, times)[1] == [SUSPECT]


def test_without_enough_hours_with_neighbours_the_clock_is_not_evaluated() -> None:
    times = hourly(2)
    values = curve(times - HOUR)
    for hours, flag in ((30, SUSPECT), (29, NOT_EVALUATED)):
        partly = values.copy()
        partly[hours:] = NAN
        assert by_day(clock_of(partly, times), times)[1] == [flag, MISSING]
    assert by_day(clock_of(values, times, lambda at: np.full(at.shape, NAN)), times) == [[NOT_EVALUATED]] * 2


def test_flags_beyond_the_rate_take_the_day_with_them() -> None:
    times = hourly(2)
    flags = np.full(48, GOOD, dtype=np.uint8)
    flags[0:4], flags[24:28], flags[28] = SUSPECT, FAIL, SUSPECT
    flags[10], flags[40], flags[41] = NOT_EVALUATED, MISSING, NOT_EVALUATED
    # 4 of 23 are 17 %, 5 of 22 are 23 %.
    result = flag_rate(flags, times, limit=0.2, min_values=20)
    assert by_day(result, times) == [[GOOD, NOT_EVALUATED], [SUSPECT, MISSING]]
    assert np.flatnonzero(result == NOT_EVALUATED).tolist() == [10]
    assert np.flatnonzero(result == MISSING).tolist() == [40]


def test_the_rate_itself_is_allowed() -> None:
    flags = np.array([SUSPECT, GOOD, GOOD, GOOD, GOOD], dtype=np.uint8)
    assert flag_rate(flags, hourly(5 / 24), limit=0.2, min_values=5).tolist() == [GOOD] * 5
    assert flag_rate(flags[:4], hourly(4 / 24), limit=0.2, min_values=4).tolist() == [SUSPECT] * 4


@pytest.mark.parametrize("min_values", [0, 1])
def test_one_evaluated_value_is_a_rate_where_no_more_are_asked_for(min_values: int) -> None:
    flags = np.array([SUSPECT, NOT_EVALUATED], dtype=np.uint8)
    assert flag_rate(flags, hourly(2 / 24), limit=0.2, min_values=min_values).tolist() == [SUSPECT] * 2
    assert flag_rate(flags[1:], hourly(1 / 24), limit=0.2, min_values=min_values).tolist() == [NOT_EVALUATED]


def test_too_few_evaluated_values_give_no_rate() -> None:
    flags = np.array([FAIL, FAIL, NOT_EVALUATED, MISSING], dtype=np.uint8)
    times = hourly(4 / 24)
    assert flag_rate(flags, times, limit=0.2, min_values=3).tolist() == [NOT_EVALUATED] * 3 + [MISSING]
    assert flag_rate(flags, times, limit=0.2, min_values=2).tolist() == [SUSPECT] * 3 + [MISSING]
    pending_qc = np.array([NOT_EVALUATED, MISSING], dtype=np.uint8)
    assert flag_rate(pending_qc, times[:2], limit=0.2, min_values=0).tolist() == [NOT_EVALUATED, MISSING]


def every_check(values: Floats, times: Times) -> list[Flags]:
    median = np.where(np.isnan(curve(times)), NAN, np.round(curve(times), 1))
    return [
        bias(values, median, times, days=2, limit=1.0, min_hours=4),
        stuck(values, times, median, tolerance=2.0, neighbour_range=1.0, min_hours=2),
        clock_offset(values, times, curve, shifts_hours=(-2, -1, 1, 2), window_days=2, min_hours=3, improvement=0.05),
        flag_rate(
            np.where(np.isnan(values), MISSING, np.where(values > 12, SUSPECT, GOOD)).astype(np.uint8),
            times,
            limit=0.3,
            min_values=2,
        ),
    ]


@pytest.mark.parametrize("value", [11.0, NAN])
def test_none_and_one(value: float) -> None:
    for flags in every_check(np.zeros(0), hourly(0)):
        assert flags.dtype == np.uint8
        assert flags.tolist() == []
    flag = MISSING if np.isnan(value) else NOT_EVALUATED
    for flags in every_check(np.array([value]), hourly(1 / 24)):
        assert flags.tolist() == [flag]
    assert [part.tolist() for part in bias_of_days(np.zeros(0), np.zeros(0), hourly(0), days=7, min_hours=1)] == [
        [],
        [],
    ]


rows = st.lists(
    st.tuples(st.one_of(st.just(NAN), st.integers(6, 18).map(float)), st.integers(30, 600)), min_size=1, max_size=60
)


def columns(rows: list[tuple[float, int]]) -> tuple[Floats, Times]:
    values = np.array([value for value, _ in rows], dtype=float)
    return values, np.cumsum(np.array([step for _, step in rows], dtype=np.int64)) * MINUTE + FIRST * DAY


@given(rows)
def test_missing_in_is_missing_out_and_nowhere_else_and_a_day_has_one_flag(rows: list[tuple[float, int]]) -> None:
    values, times = columns(rows)
    for flags in every_check(values, times):
        assert flags.shape == values.shape
        assert ((flags == MISSING) == np.isnan(values)).all()
        for of_day in by_day(flags[flags != MISSING], times[flags != MISSING]):
            assert len(of_day) == 1


@given(rows, st.integers(0, 60))
def test_the_past_beyond_the_days_and_the_days_to_come_change_nothing(rows: list[tuple[float, int]], cut: int) -> None:
    values, times = columns(rows)
    day = times // DAY
    split = day[min(cut, len(rows) - 1)]
    for part, settled in ((day >= split, day > split), (day <= split, day <= split)):
        for whole, cut_off in zip(every_check(values, times), every_check(values[part], times[part]), strict=True):
            np.testing.assert_array_equal(whole[settled], cut_off[settled[part]])


def _experiments() -> Iterator[Experiment]:
    yield Experiment("bias", "±5 hPa all the time", P, all_the_time(P, plus_or_minus(5)), 0.95, by_itself=True)
    for parameter in (T, P, RH):
        yield Experiment("stuck", "the same value for a day", parameter, on_a_day(parameter, stand_still), 0.95)
    for off in (-2, -1, 1, 2):
        error = f"off by {off:+d} h, flagged within 2 days"
        yield Experiment("clock_offset", error, T, clock_off(off), 1, trials=1, by_itself=True)
    alter = on_a_day(T, to(-99.9), share=0.25, flags_rest=True)
    yield Experiment("flag_rate", "-99.9 for a quarter of a day: the rest of it", T, alter, 1, by_itself=True)


EXPERIMENTS = tuple(_experiments())
