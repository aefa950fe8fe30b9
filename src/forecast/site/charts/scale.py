"""Axes: round limits for a curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_EXACT: Final = 1e-9
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """At most `most` + 1 round numbers, the first not above `low` and the last not below `high`.

    Raises ValueError if `low` is above `high`.
    """
    if low > high:
        raise ValueError(f"{low} is above {high}")
    if low == high:
        high = low + (abs(low) or 1.0)
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / most))
    for factor in (*_STEPS, *(step * 10 for step in _STEPS)):
        step = factor * power
        first, last = math.floor(low / step + _EXACT), math.ceil(high / step - _EXACT)
        if first == last:
            last += 1
        if last - first <= most:
            return [number * step for number in range(first, last + 1)]
    raise AssertionError  # a hundred times the power is more than the span


def digits_of(marks: Sequence[float]) -> int:
    """How many decimals are needed to distinguish these numbers."""
    return next((digits for digits in range(6) if all(abs(round(mark, digits) - mark) < _EXACT for mark in marks)), 6)


def extent(values: Sequence[float | None], *, zero: bool) -> tuple[float, float]:
    """The smallest and the largest value; `zero` includes 0."""
    known = [value for value in values if value is not None]
    if zero:
        known.append(0.0)
    return (min(known), max(known)) if known else (0.0, 1.0)
