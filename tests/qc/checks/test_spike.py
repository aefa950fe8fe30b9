"""Up to three values that jump out and come back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.checks.spike import spike
from forecast.qc.flags import Floats, Times
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
from tests.quality.experiments import HOURLY, LEAST_AT_HOURLY, QUICK, RH, TD, Experiment, P, T, at_places, plus_or_minus


def spikes(values: Floats, times: Times | None = None, *, suspect: float = 3, fail: float = 6) -> list[int]:
    """Every 5 min, with a gap of 10 min allowed."""
    times = every(5, values.size) if times is None else times
    return listed(spike(values, times, suspect=suspect, fail=fail, max_gap_minutes=10))


@pytest.mark.parametrize(("size", "flag"), [(2.9, G), (3, S), (5.9, S), (6, F), (-2.9, G), (-3, S), (-5.9, S), (-6, F)])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_spike_of_up_to_three_values_is_flagged_whole_and_what_is_beside_it_is_not(
    length: int, size: float, flag: int
) -> None:
    values = floats(10, 10, *[10 + size] * length, 10, 10)
    assert spikes(values) == [N, G, *[flag] * length, G, N]


def test_four_values_are_a_level_and_not_a_spike() -> None:
    assert spikes(floats(10, 10, 20, 20, 20, 20, 10, 10)) == [N, G, G, G, G, G, G, N]


def test_a_step_that_does_not_return_is_not_a_spike() -> None:
    assert spikes(floats(10, 10, 10, 20, 20, 20)) == [N, G, G, G, G, N]


def test_the_size_is_that_of_the_smaller_jump() -> None:
    # Out by 4 and back by 2.9; out by 4 and back by 3.
    assert spikes(floats(10, 14, 11.1)) == [N, G, N]
    assert spikes(floats(10, 14, 11)) == [N, S, N]


@pytest.mark.parametrize(("after", "flag"), [(11.5, S), (11.6, G), (8.5, S), (8.4, G)])
def test_the_values_beside_agree_within_half_the_threshold(after: float, flag: int) -> None:
    assert spikes(floats(10, 15, after), fail=math.inf) == [N, flag, N]


def test_a_threshold_that_is_reached_in_decimals_is_reached() -> None:
    # 8.2 - 5.2 is 2.999999999999999 in binary.
    assert spikes(floats(5.2, 8.2, 5.2)) == [N, S, N]
    # The values beside it differ by 1.5, which binary makes 1.5000000000000018.
    assert spikes(floats(14.6, 30, 16.1), fail=math.inf) == [N, S, N]


def test_each_value_of_a_spike_counts_not_only_the_first_and_the_last() -> None:
    assert spikes(floats(10, 10, 14, 13, 14, 10, 10)) == [N, G, S, S, S, G, N]
    # Back to 12.9 between two spikes of one value: 12.9 belongs to neither.
    assert spikes(floats(10, 10, 14, 12.9, 14, 10, 10)) == [N, G, G, G, G, G, N]


def test_both_sides_at_once_are_no_spike_of_two() -> None:
    # Up and down again, further than it came: the values beside each differ too much.
    assert spikes(floats(10, 10, 14, 6, 10, 10)) == [N, G, G, G, G, N]


def test_a_wrong_value_among_ten_minute_pressures() -> None:
    pressure = floats(1014.5, 1014.4, 101.4, 1014.2, 1014.2)
    assert spikes(pressure, every(10, 5), suspect=2, fail=5) == [N, G, F, G, N]


def test_missing_values_do_not_part_neighbours() -> None:
    values = floats(10, NAN, 20, NAN, 10)
    assert spikes(values) == [N, M, F, M, N]
    assert spikes(floats(NAN, 10, 20, 20, NAN, 10, NAN)) == [M, N, F, F, M, N, M]


@pytest.mark.parametrize("place", range(5))
def test_a_missing_value_at_any_place_is_missing_and_no_spike(place: int) -> None:
    values = np.full(5, 10.0)
    values[place] = NAN
    flags = spikes(values)
    assert flags[place] == M
    assert S not in flags
    assert F not in flags


def test_an_interval_longer_than_the_gap_leaves_it_open() -> None:
    values = floats(10, 20, 10)
    assert spikes(values, at(0, 10, 20)) == [N, F, N]
    assert spikes(values, at(0, 10.01, 20)) == [N, N, N]
    assert spikes(values, at(0, 10, 20.01)) == [N, N, N]
    # Before, within and after a spike of two.
    assert spikes(floats(10, 20, 20, 10), at(0, 10.5, 15, 20)) == [N, N, G, N]
    assert spikes(floats(10, 20, 20, 10), at(0, 5, 15.5, 20)) == [N, N, N, N]
    assert spikes(floats(10, 20, 20, 10), at(0, 5, 10, 20.5)) == [N, G, N, N]


def test_no_values_one_and_two() -> None:
    assert spikes(floats()) == []
    assert spikes(floats(10)) == [N]
    assert spikes(floats(NAN)) == [M]
    assert spikes(floats(10, 20)) == [N, N]


def test_without_a_fail_limit_the_largest_is_suspect() -> None:
    assert spikes(floats(10, 99, 10), fail=math.inf) == [N, S, N]
    assert spikes(floats(10, 99, 10), suspect=math.inf, fail=math.inf) == [N, G, N]


def test_an_infinity_is_not_evaluated_and_parts_no_neighbours() -> None:
    assert spikes(floats(10, math.inf, 20, 10)) == [N, N, F, N]


def by_definition(values: Floats, times: Times, *, threshold: float, gap: float) -> set[int]:
    """The places of all spikes of one to three values, one after the other."""
    valid = [place for place, value in enumerate(values) if not math.isnan(value)]
    found: set[int] = set()
    for length in (1, 2, 3):
        for start in range(len(valid) - length - 1):
            places = valid[start : start + length + 2]
            before, *inner, after = (float(values[place]) for place in places)
            steps = [times[later] - times[earlier] for earlier, later in pairwise(places)]
            up = all(value - beside >= threshold for value in inner for beside in (before, after))
            down = all(beside - value >= threshold for value in inner for beside in (before, after))
            if (up or down) and abs(after - before) <= threshold / 2 and max(steps) <= gap * MINUTE_MS:
                found.update(places[1:-1])
    return found


# Most values on a level, and some beside the thresholds of 3 and 6 and the halves of them.
spiky_series = irregular_series(numbers=st.sampled_from([0.0, 0.0, 0.0, 1.5, 2.0, 3.0, 5.5, 7.0, -3.0]))


@given(spiky_series)
def test_what_is_flagged_is_what_the_definition_says(series: tuple[Floats, Times]) -> None:
    values, times = series
    flags = spike(values, times, suspect=3, fail=6, max_gap_minutes=120)
    fails = by_definition(values, times, threshold=6, gap=120)
    assert set(np.flatnonzero(flags == F).tolist()) == fails
    assert set(np.flatnonzero(flags == S).tolist()) == by_definition(values, times, threshold=3, gap=120) - fails
    assert_missing_is_missing(values, flags)


@given(spiky_series)
def test_what_is_farther_away_than_three_gaps_changes_nothing(series: tuple[Floats, Times]) -> None:
    assert_same_when_cut(partial(spike, suspect=3, fail=6, max_gap_minutes=90), *series, reach_minutes=270)


@given(irregular_series())
def test_the_result_is_symmetric_in_sign_and_time(series: tuple[Floats, Times]) -> None:
    assert_same_upside_down_and_backwards(partial(spike, suspect=3, fail=6, max_gap_minutes=90), *series)


def _experiments() -> Iterator[Experiment]:
    errors = ((T, "±5 °C", 5), (TD, "±5 °C", 5), (P, "±3 hPa", 3), (RH, "±25 %", 25))
    for stations, more in ((QUICK, ""), (HOURLY, ", hourly station")):
        for parameter, words, size in errors:
            least = LEAST_AT_HOURLY.get(parameter, 0.95) if more else 0.95
            alter = at_places(parameter, plus_or_minus(size))
            yield Experiment(
                "spike", f"{words} for one value{more}", parameter, alter, least, stations, trials=8 if more else 3
            )


EXPERIMENTS = tuple(_experiments())
