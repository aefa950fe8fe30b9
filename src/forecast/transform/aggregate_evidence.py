"""The evidence that rows are hourly or daily values and not observations, if a network gives both the same names.

Each row has the highest and the lowest value of a few quantities, and their difference is the row's spread. In five
minutes the air hardly changes; over a longer time, the spread is about the difference between two rows. A station that
reports once an hour has the same interval, but in each row the highest and the lowest value are nearly equal.

Measured on a week of two stations that report every five minutes: the mean spread of aggregates of three rows and more
was 1.1 to 1.3 times the mean difference between the midpoints of successive aggregates. For single rows at the same
intervals it was 0.1 to 0.5 times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.core.admission import Mask
from forecast.core.parameters import Quantity
from forecast.transform.values.clocks import DateTimes

Indexes = npt.NDArray[np.intp]
# Of the spreads of rows with those of others.
_Comparison = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], Mask]

# The shortest aggregates that can be recognised are of a quarter of an hour. Of those of less than an hour, more are
# needed, because the air changes less in that time.
_FARTHER_THAN: Final = np.timedelta64(14, "m")
_HOURLY: Final = np.timedelta64(50, "m")
# Aggregates are of a day at most: rows farther apart say nothing about each other.
_LONGEST: Final = np.timedelta64(36, "h")
_MANY: Final = 12
# Fewer rows, with no five-minute rows to compare them with, can be those of an hourly station in unsettled air.
_SURE: Final = 4
# The highest and the lowest value of an hour differ by as much as the means of two hours, and by more in unsettled air.
_SHARE_OF_CHANGE: Final = 0.7
_HOUR, _DAY, _IN_HOURS = 60, 24 * 60, 120
_LAST_MINUTES: Final = 5
# The spread of an hour is at least this many times that of five minutes.
_TIMES_WIDER: Final = 2.0
# An hourly value has the time of its last observation, and observations are five minutes apart.
_SAME_TIME: Final = np.timedelta64(150, "s")
_BEFORE: Final = np.timedelta64(25, "m")
_ROWS_BEFORE: Final = 3
_SEVERAL: Final = 3


class Bound(StrEnum):
    """The quantities of which a row has the highest and the lowest value."""

    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    PRESSURE = "pressure"


class _Wide(NamedTuple):
    """Differences (°C, %, hPa) between highest and lowest value that are too large for five minutes.

    `mean` applies to the mean of many rows; `last` to a single row at the end of an hour, where the last observation
    of an hour or a day usually is; `alone` to a single row at any time, beyond what a squall causes in five minutes.
    """

    unit: str
    mean: float
    last: float
    alone: float


_WIDE: Final[Mapping[Bound, _Wide]] = {
    Bound.TEMPERATURE: _Wide("°C", 0.3, 1.0, 4.0),
    Bound.HUMIDITY: _Wide("%", 1.5, 3.0, 20.0),
    Bound.PRESSURE: _Wide("hPa", 0.3, 0.5, 2.0),
}
_MEANS, _LASTS, _ALONES = (
    np.array([getattr(wide, name) for wide in _WIDE.values()]) for name in ("mean", "last", "alone")
)
_QUANTITIES_ALONE: Final = 2
BOUNDS: Final[Mapping[Quantity, Bound]] = {
    Quantity.TEMPERATURE: Bound.TEMPERATURE,
    Quantity.RATIO: Bound.HUMIDITY,
    Quantity.PRESSURE: Bound.PRESSURE,
}


@dataclass(frozen=True, slots=True)
class BoundedRows:
    """Rows with their numbers in the object, their stations and the minutes of their local day.

    Bounds have a column per quantity, NaN if missing.
    """

    numbers: Indexes
    stations: npt.NDArray[np.object_]
    moments: DateTimes
    minutes: npt.NDArray[np.int64]
    highest: npt.NDArray[np.float64]
    lowest: npt.NDArray[np.float64]

    @property
    def spreads(self) -> npt.NDArray[np.float64]:
        """The differences between highest and lowest values."""
        return self.highest - self.lowest

    @property
    def station(self) -> str:
        """The station, if all rows are of one."""
        return str(self.stations[0])

    def take(self, rows: Indexes | Mask | slice) -> BoundedRows:
        """Some of the rows."""
        return BoundedRows(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def concat(cls, parts: Sequence[BoundedRows]) -> BoundedRows:
        """The rows of all parts, in order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


class Finding(NamedTuple):
    """Rows that are aggregates, and the evidence for people.

    Without `is_sure` they are likely to be aggregates, but a few observations in unsettled air can look the same.
    """

    rows: Indexes
    is_sure: bool
    words: str


def findings(rows: BoundedRows) -> Iterator[Finding]:
    """The aggregates among the rows of one station, which are in the order of time."""
    repeating = _repeating(rows)
    if len(repeating):
        yield Finding(repeating, True, _evidence_of_repeating(rows.take(repeating)))
    others = np.setdiff1d(np.arange(len(rows.moments)), repeating)
    _, first = np.unique(rows.moments[others], return_index=True)
    places = others[first]
    for found in _apart(rows.take(places)):
        yield found._replace(rows=places[found.rows])


def _repeating(rows: BoundedRows) -> Indexes:
    """Rows whose values enclose those of another row of the same time, and of the time before.

    An hourly value has the time of the last observation of the hour, so if both were delivered, both are there. If
    there are several such values, less is enough for the hours in which the air hardly changed.
    """
    numbers = np.arange(len(rows.moments))
    wide = numbers[_is_around(rows, _is_wider)]
    if len(wide) < _SEVERAL:
        return wide
    others = np.setdiff1d(numbers, wide)
    return np.union1d(wide, others[_is_around(rows.take(others), _is_not_narrower)])


def _is_around(rows: BoundedRows, is_wider: _Comparison) -> Mask:
    spreads = rows.spreads
    found: npt.NDArray[np.bool_] = np.zeros(len(spreads), dtype=bool)
    close = np.diff(rows.moments) < _SAME_TIME
    may_be: npt.NDArray[np.bool_] = found.copy()
    may_be[:-1] |= close & is_wider(spreads[:-1], spreads[1:])
    may_be[1:] |= close & is_wider(spreads[1:], spreads[:-1])
    for row in np.flatnonzero(may_be).tolist():
        moment = rows.moments[row]
        near = np.arange(*np.searchsorted(rows.moments, [moment - _BEFORE, moment + _SAME_TIME]))
        near = near[is_wider(spreads[row], spreads[near])]
        beyond = (rows.highest[near] > rows.highest[row]) | (rows.lowest[near] < rows.lowest[row])
        has_same_time = (np.abs(rows.moments[near] - moment) < _SAME_TIME).any()
        found[row] = bool(len(near) >= _ROWS_BEFORE and has_same_time and not beyond.any())
    return found


def _is_wider(spreads: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> Mask:
    """Whether half of the quantities that both rows have are much wider in the first, and too wide for five minutes."""
    both = ~np.isnan(spreads) & ~np.isnan(others)
    wider = both & (spreads >= _MEANS) & (spreads >= _TIMES_WIDER * others)
    found: Mask = wider.any(axis=-1) & (2 * wider.sum(axis=-1) >= both.sum(axis=-1))
    return found


def _is_not_narrower(spreads: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> Mask:
    """Whether at least one quantity is wider in the first row, and none is narrower."""
    found: Mask = np.any(spreads > others, axis=-1) & ~np.any(spreads < others, axis=-1)
    return found


def _apart(rows: BoundedRows) -> Iterator[Finding]:
    """Of rows at different times, those far from the others whose spread is the change of the air in that time."""
    far = np.diff(rows.moments) >= _FARTHER_THAN
    has_far = np.concatenate([[True], far]) & np.concatenate([far, [True]])
    is_near = ~has_far
    usual = _means(rows.spreads[is_near])
    lone = np.flatnonzero(has_far)
    is_end = (np.diff(lone) > 1) | (np.diff(rows.moments[lone]) > _LONGEST)
    for run in np.split(lone, np.flatnonzero(is_end) + 1):
        if not len(run):
            continue
        found = _covering(rows.take(run)) if len(run) > 1 else _alone(rows.take(run))
        if found is None:
            continue
        if not is_near.any():
            yield found._replace(rows=run)
        elif _is_wider(_means(rows.spreads[run]), usual):
            # The rows before and after a run may belong to it, although other rows are close to them.
            ends = np.array([end for end in (run[0] - 1, run[-1] + 1) if 0 <= end < len(is_near)], dtype=np.intp)
            ends = ends[is_near[ends]]
            wide = ends[_is_wider(rows.spreads[ends], usual)] if len(run) > 1 else ends[:0]
            is_sure = found.is_sure or len(run) > 1
            yield found._replace(rows=np.concatenate([run, wide]), is_sure=is_sure)


def _covering(rows: BoundedRows) -> Finding | None:
    """The rows, if in at least half of the quantities the spread is about the change from row to row."""
    steps = np.diff(rows.moments)
    if np.median(steps) < _HOURLY and len(rows.moments) < _MANY:
        return None
    votes = [_covers(rows, number, steps) for number in np.flatnonzero(~np.isnan(rows.spreads).all(axis=0)).tolist()]
    if 2 * sum(votes) < len(votes):
        return None
    minutes = np.median(steps) / np.timedelta64(1, "m")
    apart = f"{minutes:.0f} minutes" if minutes < _IN_HOURS else f"{minutes / _HOUR:.0f} hours"
    return Finding(
        np.arange(len(rows.moments)),
        len(rows.moments) >= _SURE,
        f"{len(rows.moments)} rows of {rows.station} are {apart} apart, and in each the highest and "
        f"lowest values differ by as much as the air changes in that time (on average {_mean_spreads(rows.spreads)})",
    )


def _covers(rows: BoundedRows, number: int, steps: npt.NDArray[np.timedelta64]) -> bool:
    """Whether one quantity's highest and lowest values differ by as much as it changes from row to row."""
    spread = _means(rows.spreads)[number]
    middles = (rows.highest[:, number] + rows.lowest[:, number]) / 2
    # Where rows are missing, the change is scaled to one typical step.
    changes = np.abs(np.diff(middles)) * np.minimum(np.median(steps) / steps, 1.0)
    change = 0.0 if np.isnan(changes).all() else float(np.nanmean(changes))
    return bool(spread >= _MEANS[number] and spread >= _SHARE_OF_CHANGE * change)


def _alone(rows: BoundedRows) -> Finding | None:
    """A row without others close to it, if the spreads of two of its quantities are too large for five minutes."""
    minute = rows.minutes[0]
    is_beyond_squalls = _count(rows.spreads[0] >= _ALONES) >= _QUANTITIES_ALONE
    is_wide = minute % _HOUR >= _HOUR - _LAST_MINUTES and _count(rows.spreads[0] >= _LASTS) >= _QUANTITIES_ALONE
    if not is_beyond_squalls and not is_wide:
        return None
    where = f"{rows.station} at {rows.moments[0]}Z"
    words = f"in the row of {where} the highest and lowest values differ widely ({_mean_spreads(rows.spreads)})"
    return Finding(np.arange(1), is_beyond_squalls and minute >= _DAY - _LAST_MINUTES, words)


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def _means(spreads: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of each quantity, NaN if no row has it."""
    there = ~np.isnan(spreads)
    counts = there.sum(axis=0)
    sums = np.where(there, spreads, 0.0).sum(axis=0)
    means: npt.NDArray[np.float64] = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return means


def _mean_spreads(spreads: npt.NDArray[np.float64]) -> str:
    means = zip(Bound, _means(spreads).tolist(), strict=True)
    return ", ".join(f"{bound} {mean:.1f} {_WIDE[bound].unit}" for bound, mean in means if not np.isnan(mean))


def _evidence_of_repeating(rows: BoundedRows) -> str:
    number = len(rows.moments)
    which = f"the row of {rows.station} at {rows.moments[0]}Z has"
    if number > 1:
        which = f"{number} rows of {rows.station}, the first at {rows.moments[0]}Z, have"
    return (
        f"{which} the time of another row, and the highest and lowest values lie around all of the half hour before "
        f"(on average {_mean_spreads(rows.spreads)} apart)"
    )
