"""Distinguishes hourly and daily values from observations, if a network uses the same field names for both.

The decision needs many rows of a station, so rows wait for it, up to a portion of ROWS rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.transform.aggregate_evidence import Bound, BoundedRows, findings
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.units import Floats

CODE: Final = "aggregate_values"
# The size of a portion: a month of five-minute rows or a year of hourly values of one station. It waits in memory.
ROWS: Final = 10_000

# By quantity: the highest values in one row, the lowest in the next.
Bounds = Mapping[Bound, Floats]


class AggregateRows(NamedTuple):
    """Numbers of rows in the object that are aggregates, and the evidence for people."""

    numbers: npt.NDArray[np.intp]
    words: str


class Aggregates:
    """Watches the rows of one object, and decides which of them are hourly or daily values.

    `advice` says what to deliver instead. `decided` is the number of rows, from the first on, that have been decided.
    """

    def __init__(self, advice: str) -> None:
        self._advice = advice
        self._open: list[BoundedRows] = []
        self._seen = self.decided = 0
        self._found: list[AggregateRows] = []
        # The number of different rows with bounds, and how many of them are likely to be aggregates.
        self._rows = self._aggregates = 0
        self._example = ""

    def watch(self, stations: pa.Array, moments: DateTimes, clock: DateTimes, bounds: Bounds) -> None:
        """Watch the next rows, in order; `clock` has their local times."""
        nothing = np.full((2, len(moments)), np.nan)
        highest, lowest = np.stack([bounds.get(quantity, nothing) for quantity in Bound], axis=2)
        rows = BoundedRows(
            np.arange(self._seen, self._seen + len(moments)),
            stations.to_numpy(zero_copy_only=False),
            moments,
            (clock - clock.astype("datetime64[D]")).astype("timedelta64[m]").astype(np.int64),
            highest,
            lowest,
        )
        start = 0
        while start < len(moments):
            end = min(len(moments), start + self.decided + ROWS - self._seen)
            self._open.append(rows.take(slice(start, end)))
            self._seen += end - start
            if self._seen == self.decided + ROWS:
                self._decide()
            start = end

    def end(self) -> None:
        """Decide the remaining rows. Raises ObjectRejectedError if most rows are hourly or daily values."""
        self._decide()
        if 2 * self._aggregates > self._rows:
            raise ObjectRejectedError(CODE, f"the rows are hourly or daily values: {self._example}. {self._advice}")

    def among(self, start: int, end: int) -> list[tuple[Mask, str]]:
        """The aggregates among the rows from `start` to `end`, which are decided: masks, each with a reason."""
        found = []
        for rows in self._found:
            numbers = rows.numbers[(rows.numbers >= start) & (rows.numbers < end)]
            if len(numbers):
                mask = np.zeros(end - start, dtype=bool)
                mask[numbers - start] = True
                found.append((mask, f"an hourly or daily value among observations: {rows.words}. {self._advice}"))
        self._found = [rows for rows in self._found if rows.numbers.max() >= end]
        return found

    def _decide(self) -> None:
        if self._open:
            rows = BoundedRows.concat(self._open)
            self._open = []
            has_bounds = ~np.isnan(rows.highest - rows.lowest).all(axis=1)
            for mine in _by_station(rows.take(has_bounds & ~np.isnat(rows.moments))):
                self._decide_station(mine)
        self.decided = self._seen

    def _decide_station(self, rows: BoundedRows) -> None:
        first, numbers = _different(rows)
        self._rows += len(first)
        for found in findings(rows.take(first)):
            self._aggregates += len(found.rows)
            self._example = self._example or found.words
            if found.is_sure:
                mine = np.isin(numbers, found.rows)
                self._found.append(AggregateRows(rows.numbers[mine], found.words))


def _different(rows: BoundedRows) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indexes of the different rows of a station, in the order of time, and for each row which of them it equals."""
    moments, first, numbers = np.unique(rows.moments, return_index=True, return_inverse=True)
    if len(moments) < len(rows.moments):
        bounds = np.nan_to_num(np.concatenate([rows.highest, rows.lowest], axis=1), nan=np.inf)
        alike = np.column_stack([rows.moments.astype(np.int64), bounds.view(np.int64)])
        _, first, numbers = np.unique(alike, axis=0, return_index=True, return_inverse=True)
    return first, numbers.reshape(-1)


def _by_station(rows: BoundedRows) -> Iterator[BoundedRows]:
    names, codes = np.unique(rows.stations.astype(str), return_inverse=True)
    for code in range(len(names)):
        yield rows.take(np.flatnonzero(codes == code))
