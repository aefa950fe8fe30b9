"""Distinguishes hourly and daily values from observations, if a network uses the same field names for both.

They are recognised by the interval between rows, and by the spread between the highest and lowest value of each row.
In five minutes the air hardly changes; over an hour or a day, the spread is about the difference between two rows. A
station that reports once an hour has the same interval, but in each row the highest and the lowest are nearly equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import Quantity
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.units import Floats

CODE: Final = "aggregate_values"
# Only an object's first rows are evaluated: five can be enough, and a year of hourly values has no more than this.
ROWS: Final = 10_000
_FARTHER_THAN: Final = np.timedelta64(50, "m")
# The highest and the lowest value of an hour differ by as much as the means of two hours, and by more in unsettled air.
_SHARE_OF_CHANGE: Final = 0.7
_LAST_MINUTES: Final = 55


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
_QUANTITIES_ALONE: Final = 2
BOUNDS: Final[Mapping[Quantity, Bound]] = {
    Quantity.TEMPERATURE: Bound.TEMPERATURE,
    Quantity.RATIO: Bound.HUMIDITY,
    Quantity.PRESSURE: Bound.PRESSURE,
}

# By quantity: the highest values in one row, the lowest in the next.
Bounds = Mapping[Bound, Floats]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows with bounds: `minutes` of local hours; `middles`, `spreads` have a column per quantity, NaN if missing."""

    stations: npt.NDArray[np.object_]
    moments: DateTimes
    minutes: npt.NDArray[np.int64]
    middles: npt.NDArray[np.float64]
    spreads: npt.NDArray[np.float64]

    def take(self, rows: npt.NDArray[np.intp] | Mask) -> _Rows:
        return _Rows(
            self.stations[rows], self.moments[rows], self.minutes[rows], self.middles[rows], self.spreads[rows]
        )


class Aggregates:
    """Watches the rows of one object, and decides at its end whether they are hourly or daily values.

    `advice` says what to deliver instead.
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice
        self._parts: list[_Rows] = []
        self._left = ROWS

    @property
    def wanted(self) -> int:
        """How many of the next rows to watch."""
        return self._left

    def watch(self, stations: pa.Array, moments: DateTimes, clock: DateTimes, bounds: Bounds) -> None:
        """Watch the next rows, in order; `clock` has their local times."""
        self._left -= len(moments)
        if not bounds:
            return
        nothing = np.full((2, len(moments)), np.nan)
        pairs = np.stack([bounds.get(quantity, nothing) for quantity in Bound], axis=2)
        spreads = pairs[0] - pairs[1]
        rows = _Rows(
            stations.to_numpy(zero_copy_only=False),
            moments,
            (clock - clock.astype("datetime64[h]")).astype("timedelta64[m]").astype(np.int64),
            pairs.mean(axis=0),
            spreads,
        )
        self._parts.append(rows.take(~np.isnat(moments) & ~np.isnan(spreads).all(axis=1)))

    def check(self) -> None:
        """Raise ObjectRejectedError if most of the rows are hourly or daily values."""
        evaluated = [(rows, _is_aggregate(rows)) for rows in self._by_station()]
        total = sum(len(rows.moments) for rows, _ in evaluated)
        found = [rows for rows, is_aggregate in evaluated if is_aggregate]
        if 2 * sum(len(rows.moments) for rows in found) <= total:
            return
        raise ObjectRejectedError(CODE, f"the rows are hourly or daily values: {_evidence(found[0])}. {self._advice}")

    def _by_station(self) -> Iterator[_Rows]:
        if not self._parts:
            return
        stations = np.concatenate([part.stations for part in self._parts])
        rows = _Rows(
            stations,
            *(
                np.concatenate([getattr(part, name) for part in self._parts])
                for name in ("moments", "minutes", "middles", "spreads")
            ),
        )
        names, codes = np.unique(stations.astype(str), return_inverse=True)
        for code in range(len(names)):
            mine = np.flatnonzero(codes == code)
            _, first = np.unique(rows.moments[mine], return_index=True)
            yield rows.take(mine[first])


def _is_aggregate(rows: _Rows) -> bool:
    """Whether the rows of one station, strictly ascending in time, are hourly or daily values."""
    if len(rows.moments) == 1:
        at_the_end = rows.minutes[0] >= _LAST_MINUTES
        limits = [wide.last if at_the_end else wide.alone for wide in (_WIDE[quantity] for quantity in Bound)]
        return int((rows.spreads[0] >= limits).sum()) >= _QUANTITIES_ALONE
    steps = np.diff(rows.moments)
    if np.median(steps) < _FARTHER_THAN:
        return False
    votes = [
        _covers(rows, number, steps) for number in range(len(Bound)) if not np.isnan(rows.spreads[:, number]).all()
    ]
    return 2 * sum(votes) >= len(votes)


def _covers(rows: _Rows, number: int, steps: npt.NDArray[np.timedelta64]) -> bool:
    """Whether one quantity's highest and lowest values differ by as much as it changes from row to row."""
    spread = float(np.nanmean(rows.spreads[:, number]))
    # Where rows are missing, the change is scaled to one typical step.
    changes = np.abs(np.diff(rows.middles[:, number])) * np.minimum(np.median(steps) / steps, 1.0)
    change = 0.0 if np.isnan(changes).all() else float(np.nanmean(changes))
    return spread >= _WIDE[list(Bound)[number]].mean and spread >= _SHARE_OF_CHANGE * change


def _evidence(rows: _Rows) -> str:
    """The evidence for people, from the rows of one station."""
    apart = ", ".join(
        f"{quantity} {np.nanmean(rows.spreads[:, number]):.1f} {_WIDE[quantity].unit}"
        for number, quantity in enumerate(Bound)
        if not np.isnan(rows.spreads[:, number]).all()
    )
    if len(rows.moments) == 1:
        where = f"{rows.stations[0]} at {rows.moments[0]}Z"
        return f"in the row of {where} the highest and lowest values differ widely ({apart})"
    minutes = np.median(np.diff(rows.moments)) / np.timedelta64(1, "m")
    return (
        f"{len(rows.moments)} rows of {rows.stations[0]} are {minutes:.0f} minutes apart, and in each the highest and "
        f"lowest values differ by as much as the air changes in that time (on average {apart})"
    )
