"""Compares what the columns of a row say about its time. If two statements differ, the row is rejected.

Also finds the columns that are not times of observations, because they have one value in a whole object.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.stations import Station
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import python_cells
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.timestamps import ParsedTimes
from forecast.transform.values.zones import between_zones

# How many rows may wait until it is known whether a column is constant throughout the object.
MAX_WAITING_ROWS = 50_000
_SECOND, _MINUTE = np.timedelta64(1, "s"), np.timedelta64(60, "s")
_BETWEEN_ZONES = "UTC and local time do not differ by an offset of the station's time zone"
_TWO_LOCAL = "the row states its local time twice, and the two differ"
_TWO_INSTANTS = "the row states its time in UTC twice, and the two differ by more than a second"

# The registered stations of a batch, each with its rows.
Places = Sequence[tuple[Station, Mask]]


@dataclass(slots=True)
class Statement:
    """What one column says about the rows' times, or a day and a time of day do; `cells` are shown if it is wrong.

    `is_whole` is false for a time that is combined from a day and a time of day; `field` is then the latter's.
    """

    field: str
    cells: pa.Array
    readings: ParsedTimes
    is_whole: bool = True

    @property
    def there(self) -> Mask:
        """The rows for which it says anything, readable or not."""
        return ~np.isnat(self.readings.moments) | self.readings.unreadable

    def part(self, rows: slice) -> Statement:
        """What it says about some of the rows."""
        return Statement(self.field, self.cells[rows], self.readings.part(rows), self.is_whole)


def first_of(statements: Sequence[Statement], size: int) -> tuple[ParsedTimes, npt.NDArray[np.int64]]:
    """The first statement of each row, and its index; -1 if there is none."""
    sources = np.full(size, -1)
    if len(statements) == 1:
        sources[statements[0].there] = 0
        return statements[0].readings, sources
    masks = (np.zeros(size, dtype=bool) for _ in range(3))
    first = ParsedTimes(np.full(size, np.datetime64("NaT"), "datetime64[s]"), *masks)
    for number, statement in enumerate(statements):
        taken = (sources < 0) & statement.there
        for name in ("moments", "is_utc", "unreadable", "leap"):
            getattr(first, name)[taken] = getattr(statement.readings, name)[taken]
        sources[taken] = number
    return first, sources


def contradictions(first: ParsedTimes, other: Statement, places: Places) -> Iterator[Rejection]:
    """The rows in which a statement differs from the time that counts."""
    both = ~np.isnat(first.moments) & ~np.isnat(other.readings.moments)
    alike = both & (first.is_utc == other.readings.is_utc)
    apart = np.abs(first.moments - other.readings.moments)
    # A time given to the minute does not differ from one given to the second.
    to_the_minute = _to_the_minute(first.moments) | _to_the_minute(other.readings.moments)
    near = (apart <= _SECOND) | (to_the_minute & (apart < _MINUTE) & ~first.is_utc)
    mixed = np.zeros(len(both), dtype=bool)
    for station, rows in places:
        mine = rows & both & ~alike
        utc = np.where(first.is_utc, first.moments, other.readings.moments)[mine]
        local = np.where(first.is_utc, other.readings.moments, first.moments)[mine]
        mixed[mine] = between_zones(utc, local, station.timezone)
    for mask, reason in (
        (alike & ~near & first.is_utc, _TWO_INSTANTS),
        (alike & ~near & ~first.is_utc, _TWO_LOCAL),
        (mixed, _BETWEEN_ZONES),
    ):
        if mask.any():
            yield Rejection(mask, "contradicting_times", other.field, reason, other.cells)


def _to_the_minute(moments: DateTimes) -> Mask:
    whole: Mask = moments == moments.astype("datetime64[m]")
    return whole


class ConstantColumns:
    """Finds the columns that have one value in all rows of an object while its other times vary.

    Such a value is the time of a scrape or a load. Only the whole object can show this, so rows have to wait
    while `undecided`. The result does not depend on how the object is split into batches. `fields` are those that
    can be such columns.
    """

    def __init__(self, fields: Collection[str]) -> None:
        self._fields = fields
        self._seen: dict[tuple[str, bool], _Seen] = {}
        self._is_over = False

    @property
    def undecided(self) -> bool:
        """Whether any column has had a single value so far, so that it may or may not be constant."""
        return not self._is_over and any(seen.may_be_constant and seen.is_open for seen in self._seen.values())

    @property
    def found(self) -> list[str]:
        """The fields that are known not to be times of observations."""
        if not any(seen.varies for seen in self._seen.values()):
            return []
        return [
            field for (field, _), seen in self._seen.items() if seen.is_constant and (self._is_over or not seen.is_open)
        ]

    def watch(self, statements: Sequence[Statement]) -> None:
        """Watch the next rows."""
        for statement in statements:
            key = (statement.field, statement.is_whole)
            seen, start = self._seen.get(key), 0
            if seen is None and (there := statement.there).any():
                seen = self._seen[key] = _Seen(statement.is_whole and statement.field in self._fields)
                start = int(np.argmax(there))
            if seen is not None and seen.is_open:
                seen.watch(statement, start)

    def end(self) -> None:
        """Call this after the last rows."""
        self._is_over = True


@dataclass(slots=True)
class _Seen:
    """The values of one column; `rows` counts all rows from its first value on, `cells` those with a value."""

    may_be_constant: bool
    rows: int = 0
    cells: int = 0
    values: set[Any] = field(default_factory=set)

    @property
    def varies(self) -> bool:
        return len(self.values) > 1

    @property
    def is_open(self) -> bool:
        return not self.varies and self.rows < MAX_WAITING_ROWS

    @property
    def is_constant(self) -> bool:
        return self.may_be_constant and not self.varies and self.cells > 1

    def watch(self, statement: Statement, start: int) -> None:
        part = slice(start, start + MAX_WAITING_ROWS - self.rows)
        moments, unreadable = statement.readings.moments[part], statement.readings.unreadable[part]
        there = ~np.isnat(moments)
        self.rows += len(moments)
        self.cells += int(np.count_nonzero(there | unreadable))
        if there.any():
            self.values |= set(np.array([moments[there].min(), moments[there].max()]).tolist())
        if unreadable.any():
            self.values |= set(map(str, python_cells(statement.cells[part].filter(pa.array(unreadable)))))
