"""The same flags as ioos_qc, the reference implementation of QARTOD, where the tests of both are the same."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from ioos_qc import qartod

from forecast.qc.checks.gross_range import Range, gross_range
from forecast.qc.checks.rate_of_change import rate_of_change
from forecast.qc.checks.spike import spike
from forecast.qc.flags import FAIL, NOT_EVALUATED, SUSPECT, Floats, Times
from tests.qc.checks.irregular import NAN, every, floats, irregular_series

numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers | st.just(NAN), min_size=1, max_size=50), st.tuples(numbers, numbers, numbers, numbers))
def test_gross_range(values: list[float], bounds: tuple[float, ...]) -> None:
    limits = Range(*sorted(bounds))
    # A number that is a limit itself, too.
    series = floats(*values, *limits)
    theirs = qartod.gross_range_test(
        series, (limits.fail_min, limits.fail_max), (limits.suspect_min, limits.suspect_max)
    )
    assert gross_range(series, limits).tolist() == theirs.tolist()


# Values are halves and a threshold is none, for "at least" (here) and "more than" (there) are then the same.
thresholds = st.integers(0, 12).map(lambda whole: whole + 0.3)


@given(st.tuples(*[st.integers(-16, 16).map(lambda half: half / 2)] * 3), thresholds, thresholds)
def test_spike_of_one_value_between_two(values: tuple[float, float, float], suspect: float, more: float) -> None:
    """Where the values next to it agree within half the threshold, which ioos_qc does not require."""
    series, fail = floats(*values), suspect + more
    disagreement = abs(values[2] - values[0])
    theirs = qartod.spike_test(
        series,
        suspect if disagreement <= suspect / 2 else math.inf,
        fail if disagreement <= fail / 2 else math.inf,
        method="differential",
    )
    ours = spike(series, every(5, 3), suspect=suspect, fail=fail, max_gap_minutes=5)
    assert ours.tolist() == theirs.tolist()


@given(irregular_series(missing=False), thresholds)
def test_every_spike_of_one_value_in_a_series_is_found(series: tuple[Floats, Times], threshold: float) -> None:
    values, times = series
    if not values.size:
        return
    theirs = qartod.spike_test(values, threshold, None, method="differential") == SUSPECT
    beside_agree = np.zeros(values.shape, dtype=np.bool_)
    beside_agree[1:-1] = np.abs(values[2:] - values[:-2]) <= threshold / 2
    ours = spike(values, times, suspect=threshold, fail=math.inf, max_gap_minutes=180) == SUSPECT
    assert not np.any(theirs & beside_agree & ~ours)


@given(irregular_series(), st.integers(0, 6), st.integers(1, 6))
def test_rate_of_change(series: tuple[Floats, Times], slow: int, more: int) -> None:
    """A limit that grows with the interval is a rate; the first value, which ioos_qc calls good, is left out."""
    values, times = series
    # No multiple of these rates by whole minutes is a half: no change equals its limit.
    suspect, fail = (slow + math.sqrt(2)) / 20, (slow + more + math.sqrt(2)) / 20
    ours = rate_of_change(
        values, times, minutes=(1, 10_000), suspect=(suspect, suspect * 10_000), fail=(fail, fail * 10_000)
    )
    valid = ~np.isnan(values)
    if not valid.any():
        return
    # ioos_qc calls a value good whose predecessor is missing: it is given the valid values alone.
    theirs = qartod.rate_of_change_test(values[valid], times[valid].astype("datetime64[ms]"), suspect / 60, fail / 60)
    assert ours[valid][1:].tolist() == theirs[1:].tolist()
    assert ours[valid][0] == NOT_EVALUATED


def test_the_series_of_these_comparisons_have_what_they_look_for() -> None:
    """The comparison of one series by hand, so that agreement is not that of two empty answers."""
    values, times = floats(0, 8, 0, 0.5, -4), every(5, 5)
    theirs = qartod.spike_test(values, 3.3, 6.3, method="differential")
    ours = spike(values, times, suspect=3.3, fail=6.3, max_gap_minutes=5)
    assert theirs.tolist() == ours.tolist() == [2, FAIL, 1, 1, 2]
    rates = qartod.rate_of_change_test(values, times.astype("datetime64[ms]"), 0.8 / 60, 1.5 / 60)
    steps = rate_of_change(values, times, minutes=(1, 100), suspect=(0.8, 80), fail=(1.5, 150))
    assert rates[1:].tolist() == steps[1:].tolist() == [FAIL, FAIL, 1, SUSPECT]
