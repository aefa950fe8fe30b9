"""Values that stand still for too long."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.checks.persistence import persistence
from forecast.qc.flags import Floats, Mask, Times
from tests.qc.checks.irregular import (
    MINUTE_MS,
    NAN,
    F,
    G,
    M,
    N,
    S,
    assert_missing_is_missing,
    assert_same_upside_down_and_backwards,
    assert_same_when_cut,
    at,
    every,
    floats,
    irregular_series,
    listed,
)
from tests.quality.experiments import (
    DIRECTION,
    FAR_HOURS,
    FEW,
    INFOCLIMAT,
    RH,
    SOLAR,
    SPEED,
    STATIONS,
    TD,
    WUNDERGROUND,
    Experiment,
    P,
    T,
    Where,
    at_places,
    at_sun,
    everywhere,
    stand_still,
    where_value,
)

HOUR_MS = 60 * MINUTE_MS


def flat(
    values: Floats,
    times: Times,
    *,
    suspect: float = 3,
    fail: float = 6,
    tolerance: float = 0,
    gap: float = 2,
    exempt: Mask | None = None,
) -> list[int]:
    exempt = np.zeros(values.shape, dtype=np.bool_) if exempt is None else exempt
    flags = persistence(
        values,
        times,
        suspect_hours=suspect,
        fail_hours=fail,
        tolerance=tolerance,
        max_gap_hours=gap,
        exempt=exempt,
    )
    return listed(flags)


def hourly(count: int) -> Times:
    return every(60, count)


def test_a_run_is_flagged_whole_once_it_lasts_the_hours() -> None:
    assert flat(floats(1, 5, 5, 5, 2), hourly(5)) == [G, G, G, G, G]  # 2 h
    assert flat(floats(1, 5, 5, 5, 5, 2), hourly(6)) == [G, S, S, S, S, G]  # 3 h
    assert flat(floats(1, *[5] * 6, 2), hourly(8)) == [G, *[S] * 6, G]  # 5 h
    assert flat(floats(1, *[5] * 7, 2), hourly(9)) == [G, *[F] * 7, G]  # 6 h
    assert flat(floats(*[5] * 20), hourly(20)) == [F] * 20


def test_just_less_than_the_hours_is_good() -> None:
    values = floats(5, 5, 5, 5)
    assert flat(values, at(0, 60, 120, 179.99)) == [G] * 4
    assert flat(values, at(0, 60, 120, 180)) == [S] * 4


def test_the_time_counts_and_not_the_number_of_values() -> None:
    # 36 values at 5 min last 2 h 55 min, four values at an hour last 3 h.
    assert flat(np.full(36, 5.0), every(5, 36)) == [G] * 36
    assert flat(np.full(37, 5.0), every(5, 37)) == [S] * 37
    assert flat(np.full(4, 5.0), hourly(4)) == [S] * 4


def test_with_no_tolerance_equal_values_are_a_run_and_others_are_not() -> None:
    assert flat(floats(5, 5, 5, 5), hourly(4)) == [S] * 4
    assert flat(floats(5, 5, 5.001, 5), hourly(4)) == [G] * 4
    # Equal in decimals: 0.1 + 0.2 is 0.30000000000000004.
    assert flat(floats(0.3, 0.1 + 0.2, 0.3, 0.3), hourly(4)) == [S] * 4


def test_the_tolerance_is_from_one_value_to_the_next_and_inside() -> None:
    assert flat(floats(20.0, 20.1, 20.2, 20.3), hourly(4), tolerance=0.1) == [S] * 4
    assert flat(floats(20.0, 20.1, 20.2, 20.31), hourly(4), tolerance=0.1) == [G] * 4


def test_a_change_ends_a_run_and_the_next_begins_with_it() -> None:
    assert flat(floats(5, 5, 5, 5, 6, 6, 6), hourly(7)) == [S, S, S, S, G, G, G]
    assert flat(floats(5, 5, 5, 5, 6, 6, 6, 6), hourly(8)) == [S] * 8
    # Each lasts 2 h.
    assert flat(floats(5, 5, 5, 6, 6, 6), hourly(6)) == [G] * 6


def test_a_longer_gap_ends_a_run() -> None:
    values = floats(5, 5, 5, 5)
    assert flat(values, at(0, 60, 180, 240)) == [S] * 4
    assert flat(values, at(0, 60, 180.01, 240)) == [G] * 4


def test_missing_values_do_not_end_a_run() -> None:
    assert flat(floats(NAN, 5, NAN, 5, NAN, 5, NAN), hourly(7)) == [M, S, M, S, M, S, M]
    # But the gap that they leave does.
    assert flat(floats(5, NAN, NAN, 5, 5), hourly(5)) == [N, M, M, G, G]


@pytest.mark.parametrize("place", range(5))
def test_a_missing_value_at_any_place_of_a_run_is_missing(place: int) -> None:
    values = np.full(5, 5.0)
    values[place] = NAN
    expected = [S] * 5
    expected[place] = M
    assert flat(values, hourly(5)) == expected


def test_what_is_exempt_is_good_and_ends_a_run() -> None:
    calm = floats(0, 0, 0, 0, 0, 0)
    assert flat(calm, hourly(6), exempt=calm == 0) == [G] * 6
    fog = np.array([False, False, False, True, False, False, False])
    assert flat(np.full(7, 96.0), hourly(7), exempt=fog) == [G] * 7
    fog = np.array([False, False, False, False, True, False, False])
    assert flat(np.full(7, 96.0), hourly(7), exempt=fog) == [S, S, S, S, G, G, G]


def test_an_exempt_value_that_is_missing_is_missing_and_ends_nothing() -> None:
    exempt = np.array([False, True, False, False, False])
    assert flat(floats(5, NAN, 5, 5, 5), hourly(5), exempt=exempt) == [S, M, S, S, S]


def test_a_value_alone_cannot_be_evaluated() -> None:
    assert flat(floats(), at()) == []
    assert flat(floats(5), at(0)) == [N]
    assert flat(floats(NAN), at(0)) == [M]
    assert flat(floats(5, 5), at(0, 121)) == [N, N]
    assert flat(floats(5, 5), at(0, 120)) == [G, G]
    assert flat(floats(5), at(0), exempt=np.array([True])) == [G]


def test_values_farther_away_than_the_fail_hours_are_not_part_of_a_run() -> None:
    assert flat(floats(5, 5), at(0, 361), gap=9) == [N, N]
    assert flat(floats(5, 5), at(0, 360), gap=9) == [F, F]


def test_without_a_fail_limit_the_longest_is_suspect() -> None:
    assert flat(np.full(100, 5.0), hourly(100), fail=math.inf) == [S] * 100
    assert flat(np.full(3, 5.0), hourly(3), fail=math.inf) == [G] * 3


def test_an_end_of_a_long_run_counts_what_it_sees_within_the_fail_hours() -> None:
    # 7 h 30 min in all. The last sees back to 2 h, which is 5 h 30 min, as 6 h back there is no value.
    times = at(0, 60, 120, 180, 240, 300, 360, 450)
    assert flat(np.full(8, 5.0), times) == [F, F, F, F, F, F, F, S]


def test_an_infinity_is_not_evaluated_and_ends_nothing() -> None:
    assert flat(floats(5, math.inf, 5, 5, 5), hourly(5)) == [S, N, S, S, S]


def by_definition(values: Floats, times: Times, place: int, *, tolerance: float, gap: float, fail: float) -> float:
    """Hours that the run of one value lasts within the fail hours to either side, walking from value to value."""
    ends = []
    for way in (-1, 1):
        here = there = place
        while 0 <= (there := there + way) < values.size and abs(times[there] - times[place]) <= fail * HOUR_MS:
            if math.isnan(values[there]):
                continue
            if abs(times[there] - times[here]) > gap * HOUR_MS or abs(values[there] - values[here]) > tolerance:
                break
            here = there
        ends.append(times[here])
    return float(ends[1] - ends[0]) / HOUR_MS


# Series that change rarely.
still_series = irregular_series(max_size=40, numbers=st.sampled_from([0.0] * 9 + [0.5]))


@given(still_series, st.sampled_from([0.0, 0.5]))
def test_what_is_flagged_is_what_the_definition_says(series: tuple[Floats, Times], tolerance: float) -> None:
    values, times = series
    flags = flat(values, times, tolerance=tolerance)
    assert_missing_is_missing(values, np.array(flags, dtype=np.uint8))
    for place in np.flatnonzero(~np.isnan(values)):
        hours = by_definition(values, times, int(place), tolerance=tolerance, gap=2, fail=6)
        assert flags[place] in ([F] if hours >= 6 else [S] if hours >= 3 else [G, N])


@given(still_series, st.sampled_from([1.0, 2.0, 9.0]))
def test_what_is_farther_away_than_the_fail_hours_changes_nothing(series: tuple[Floats, Times], gap: float) -> None:
    assert_same_when_cut(partial(flat, gap=gap), *series, reach_minutes=6 * 60)


@given(still_series)
def test_without_a_fail_limit_the_reach_is_the_suspect_hours_and_a_gap(series: tuple[Floats, Times]) -> None:
    assert_same_when_cut(partial(flat, fail=math.inf), *series, reach_minutes=(3 + 2) * 60)


@given(still_series)
def test_the_result_is_symmetric_in_sign_and_time(series: tuple[Floats, Times]) -> None:
    assert_same_upside_down_and_backwards(flat, *series)


def _experiments() -> Iterator[Experiment]:
    def still(
        parameter: str, hours: int, words: str = "", stations: Sequence[str] = STATIONS, where: Where = everywhere
    ) -> Experiment:
        alter = at_places(
            parameter,
            stand_still,
            minutes=60 * hours,
            where=where,
            throughout=where is not everywhere,
            at_once=FEW,
            apart_hours=FAR_HOURS,
        )
        return Experiment("persistence", f"stands still for {hours} h{words}", parameter, alter, 0.95, stations)

    yield still(T, 6)
    yield still(TD, 6)
    yield still(P, 6, ", InfoClimat", INFOCLIMAT)
    yield still(P, 12, ", Weather Underground", WUNDERGROUND)
    yield still(RH, 12, " below 95 %", where=where_value(RH, lambda humidity: humidity < 95))
    yield still(SPEED, 12, " above 0", where=where_value(SPEED, lambda speed: speed > 0))
    yield still(DIRECTION, 6, " in wind", where=where_value(SPEED, lambda speed: speed > 0.5))
    yield still(SOLAR, 3, " by day", where=at_sun(lambda height: height > 5))


EXPERIMENTS = tuple(_experiments())
