"""QARTOD's primary-level flags (IOC Manuals and Guides 54, volume 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GOOD: Final = 1
NOT_EVALUATED: Final = 2
SUSPECT: Final = 3
FAIL: Final = 4
MISSING: Final = 9


# QARTOD's order, from no information to the worst.
_ORDER: Final = (MISSING, NOT_EVALUATED, GOOD, SUSPECT, FAIL)


def flags_of(
    values: Floats, *, suspect: Mask | None = None, fail: Mask | None = None, evaluated: Mask | None = None
) -> Flags:
    """One flag per value: MISSING for NaN, NOT_EVALUATED if not evaluated, otherwise FAIL, SUSPECT or GOOD."""
    flags = np.full(values.shape, GOOD, dtype=np.uint8)
    if suspect is not None:
        flags[suspect] = SUSPECT
    if fail is not None:
        flags[fail] = FAIL
    if evaluated is not None:
        flags[~evaluated] = NOT_EVALUATED
    flags[np.isnan(values)] = MISSING
    return flags


def is_flagged(flags: Flags) -> Mask:
    """Where a flag is SUSPECT or FAIL; `numpy.isin` takes twenty times as long for the few rows of a day."""
    found: Mask = (flags == SUSPECT) | (flags == FAIL)
    return found


def both_suspect(first: Floats, second: Floats, contradicts: Mask, evaluated: Mask) -> tuple[Flags, Flags]:
    """The flags of two values that were compared with each other; both get the same."""
    return (
        flags_of(first, suspect=contradicts, evaluated=evaluated),
        flags_of(second, suspect=contradicts, evaluated=evaluated),
    )


def worse_of(one: Flags, other: Flags) -> Flags:
    """The worse flag of each pair, in the order missing, not evaluated, good, suspect, fail."""
    return _looked_up(_WORST, one, other)


def worst_of(flags: Flags, starts: npt.NDArray[np.intp]) -> Flags:
    """The worst flag of each group; `starts` are the first indices of the groups."""
    if not len(flags):
        return flags
    worst: Flags = np.take(_BY_SEVERITY, np.maximum.reduceat(np.take(_SEVERITY, flags), starts))
    return worst


def merge_flag(standing: Flags, given: Flags) -> Flags:
    """The flag after another check: the worse of the two, but a missing or failed value keeps its flag."""
    return _looked_up(_MERGED, standing, given)


def _looked_up(table: Flags, one: Flags, other: Flags) -> Flags:
    found: Flags = np.take(table, (one << 4) | other)
    return found


def _table(rule: Callable[[int, int], int]) -> Flags:
    """The results of a rule for all pairs of flags, at index 16 * one + other: six times as fast as masks."""
    table = np.zeros(256, dtype=np.uint8)
    for one in _ORDER:
        for other in _ORDER:
            table[(one << 4) | other] = rule(one, other)
    return table


_BY_SEVERITY: Final = np.array(_ORDER, np.uint8)
_SEVERITY: Final = np.zeros(MISSING + 1, np.uint8)
_SEVERITY[_BY_SEVERITY] = np.arange(len(_ORDER))
_WORST: Final = _table(lambda one, other: max(one, other, key=_ORDER.index))
_MERGED: Final = _table(lambda one, other: one if one in {MISSING, FAIL} else max(one, other, key=_ORDER.index))
