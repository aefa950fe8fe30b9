"""Changes from one value to the next that are larger than the air can make in that time.

The limit depends on the interval: WMO-No. 305 (1993), VI.21 and Synoptic give changes for some intervals, and between
them the limit is taken as linear. The rate of change test of QARTOD is the same with one rate for all intervals.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecast.qc.checks.valid import MINUTE_MS, ROUNDING, back_to_all, valid_values
from forecast.qc.flags import Flags, Floats, Mask, Times, flags_of


def step(
    values: Floats, times: Times, *, minutes: Sequence[float], suspect: Sequence[float], fail: Sequence[float]
) -> Flags:
    """The later of two consecutive valid values that differ by more than the limit of their interval.

    `suspect` and `fail` are the limits (unit of the values; inf for none) at the intervals `minutes`, which ascend:
    constant below the first, linear from one to the next. A change equal to its limit is GOOD. NOT_EVALUATED: the
    first valid value, and one whose predecessor is farther back than the last interval. `times` in ms since 1970 UTC.
    Each value is compared with the valid one before it, whatever was said of that one, so the way back from a wrong
    level is flagged like the way there.
    Reach in time: back to the last of `minutes`.
    """
    valid = valid_values(values)
    known = values[valid]
    changes, intervals = np.abs(np.diff(known)), np.diff(times[valid]) / MINUTE_MS
    suspects, fails, evaluated = (
        back_to_all(_of_the_later(marks, known.size), valid)
        for marks in (
            changes > np.interp(intervals, minutes, suspect) + ROUNDING,
            changes > np.interp(intervals, minutes, fail) + ROUNDING,
            intervals <= minutes[-1],
        )
    )
    return flags_of(values, suspect=suspects, fail=fails, evaluated=evaluated)


def _of_the_later(marks: Mask, count: int) -> Mask:
    """Marks of the pairs of consecutive values as marks of the later of each; the first value has none."""
    later = np.zeros(count, dtype=np.bool_)
    later[1:] = marks
    return later
