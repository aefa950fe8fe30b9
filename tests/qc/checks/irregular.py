"""Series as stations send them: intervals that change, values that are missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Floats, Times

MINUTE_MS = 60_000
NAN = float("nan")
# Flags, so short that a series of them is seen at a glance.
G, N, S, F, M = GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING
# 2024-10-01T00:00Z
START_MS = 1_727_740_800_000
# They are exact in binary, and so are their differences.
HALVES = st.integers(-16, 16).map(lambda half: half / 2)

Check = Callable[[Floats, Times], Flags | list[int]]


def at(*minutes: float) -> Times:
    """Times, in minutes after the start."""
    return START_MS + np.round(np.array(minutes) * MINUTE_MS).astype(np.int64)


def every(minutes: float, count: int) -> Times:
    """Times at a constant interval."""
    return at(*(minutes * place for place in range(count)))


def floats(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def listed(flags: Flags | list[int]) -> list[int]:
    return [int(flag) for flag in flags]


@st.composite
def irregular_series(
    draw: st.DrawFn, *, max_size: int = 30, missing: bool = True, numbers: st.SearchStrategy[float] = HALVES
) -> tuple[Floats, Times]:
    """Values at intervals of 1 min to 3 h."""
    values = draw(st.lists(numbers | st.just(NAN) if missing else numbers, max_size=max_size))
    intervals = draw(st.lists(st.integers(1, 180), min_size=len(values), max_size=len(values)))
    return floats(*values), at(*np.cumsum(intervals).tolist())


def assert_missing_is_missing(values: Floats, flags: Flags) -> None:
    """MISSING where the value is, and nowhere else; one flag a value."""
    assert flags.dtype == np.uint8
    assert flags.shape == values.shape
    assert np.array_equal(flags == 9, np.isnan(values))


def assert_same_when_cut(check: Check, values: Floats, times: Times, *, reach_minutes: float) -> None:
    """What lies farther away than the reach changes nothing."""
    whole = listed(check(values, times))
    for place, time in enumerate(times):
        near = np.abs(times - time) <= reach_minutes * MINUTE_MS
        seen = listed(check(values[near], times[near]))
        assert seen[np.flatnonzero(near).tolist().index(place)] == whole[place]


def assert_same_upside_down_and_backwards(check: Check, values: Floats, times: Times) -> None:
    """It does not matter which way is up or forward."""
    flags = listed(check(values, times))
    assert listed(check(-values, times)) == flags
    assert listed(check(values[::-1], -times[::-1])) == flags[::-1]
