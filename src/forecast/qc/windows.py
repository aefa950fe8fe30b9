"""QC windows: stations near each other over a range of days, with everything that their flags depend on.

A new observation can change the flags of its station some days around it and, through comparison, those of its
neighbours. Each of those flags in turn depends on the observations around it. The numbers of days follow from the reach
of the checks, so flags depend on the observations and not on the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil
from typing import Final

from forecast.core.stations import Station, Stations
from forecast.qc.registry import REACH
from forecast.qc.station_groups import StationGroup, all_reached

# The days that the flags of a day depend on, before and after it.
_HALO_BEFORE: Final = ceil(REACH.before / 24)
_HALO_AFTER: Final = ceil(REACH.after / 24)
# The other way round: the days whose flags depend on an observation, before and after it.
_TARGETS_BEFORE: Final = _HALO_AFTER
_TARGETS_AFTER: Final = _HALO_BEFORE
# 80 000 rows of 12 parameters: about 16 MB of columns. The next window is read while one is evaluated, which takes
# several times as much. Larger windows evaluate fewer days twice: for 2 000 000 rows, 80 000 at once took 4 % less time
# and 35 MB more than 60 000, and 100 000 took another 2 % less, and 15 MB more.
_CELLS_AT_ONCE: Final = 2_880_000
# A row's cells besides its parameters: time, digest, two texts of flags, and what is derived from them. With 8, a month
# of a city of 624 stations with one parameter took 290 MB to evaluate; 24 takes 190 MB, and no longer.
_CELLS_BESIDE: Final = 24
# A group with too many rows is split into fewer stations before windows get shorter than this. The stations around a
# group are read again for the next group, while days shared by consecutive windows are not; but each window evaluates
# the days around its own once more.
_MIN_DAYS: Final = 14
# The number of observations of some stations by UTC day, from one day to another (since 1970, both included).
RowsByDay = Callable[[tuple[Station, ...], int, int], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class QcWindow:
    """A window in which the days `first` to `last` (since 1970, both included) of the `targets` are re-evaluated.

    `changed` are the days whose observations changed, by station. The flags depend on the observations of the stations
    `halo` on the days `first_read` to `last_read`; there are `rows` of them.
    """

    changed: Mapping[str, set[int]]
    targets: tuple[Station, ...]
    halo: tuple[Station, ...]
    first: int
    last: int
    rows: int = field(compare=False)

    @property
    def first_read(self) -> int:
        """The first day that is read."""
        return self.first - _HALO_BEFORE

    @property
    def last_read(self) -> int:
        """The last day that is read."""
        return self.last + _HALO_AFTER

    @property
    def is_large(self) -> bool:
        """Whether it exceeds what may be in memory at once: a single day of stations that send every few seconds."""
        return self.rows > rows_at_once(self.halo)


def windows_of(changed: Mapping[str, set[int]], stations: Stations, rows_by_day: RowsByDay) -> Iterator[QcWindow]:
    """Windows that cover every flag that these changed days can affect. Days of unknown stations are ignored.

    No flag is in two windows. Windows are sized by the observations that exist, not by the interval in the registry:
    none has more than `rows_at_once`, except one of a single day.
    """
    whole = all_reached(changed, stations)
    waiting = [whole] if whole is not None else []
    while waiting:
        group = waiting.pop()
        if group.is_to_be_cut:
            waiting += group.cut()
            continue
        counted = [
            _DayRange.counted(*day_range, group.halo, rows_by_day)
            for day_range in day_ranges(_affected_days(group.days))
        ]
        if group.can_be_cut and not all(each.fits for each in counted):
            waiting += group.cut()
        else:
            yield from _windows(group, counted, changed)


def _windows(group: StationGroup, counted: Iterable[_DayRange], changed: Mapping[str, set[int]]) -> Iterator[QcWindow]:
    of_group = {name: changed[name] for name in group.names if name in changed}
    for each in counted:
        for first, last, rows in each.cut():
            within = {name: {day for day in days if first <= day <= last} for name, days in of_group.items()}
            yield QcWindow(within, group.targets, group.halo, first, last, rows)


def rows_at_once(stations: tuple[Station, ...]) -> int:
    """How many rows of these stations a window may have: the fewer parameters they report, the more."""
    parameters = sum(len(station.parameters) for station in stations) / len(stations)
    return int(_CELLS_AT_ONCE / (_CELLS_BESIDE + parameters))


@dataclass(frozen=True, slots=True)
class _DayRange:
    """Consecutive days; `before` has, for each day that is read for them, the number of rows before it."""

    first: int
    last: int
    limit: int
    before: Sequence[int]

    @classmethod
    def counted(cls, first: int, last: int, halo: tuple[Station, ...], rows_by_day: RowsByDay) -> _DayRange:
        start, end = first - _HALO_BEFORE, last + _HALO_AFTER
        rows = rows_by_day(halo, start, end)
        before = list(accumulate((rows.get(day, 0) for day in range(start, end + 1)), initial=0))
        return cls(first, last, rows_at_once(halo), before)

    def read(self, one: int, other: int) -> int:
        """The number of rows that a window from one day to another reads."""
        days_read = other - one + 1 + _HALO_BEFORE + _HALO_AFTER
        return self.before[one - self.first + days_read] - self.before[one - self.first]

    @property
    def fits(self) -> bool:
        """Whether all windows can have at least `_MIN_DAYS` days."""
        days = min(self.last - self.first + 1, _MIN_DAYS)
        return all(self.read(day, day + days - 1) <= self.limit for day in range(self.first, self.last - days + 2))

    def cut(self) -> Iterator[tuple[int, int, int]]:
        """Pieces that can be read at once: first day, last day, and number of rows to read."""
        first = self.first
        while first <= self.last:
            until = first
            while until < self.last and self.read(first, until + 1) <= self.limit:
                until += 1
            yield first, until, self.read(first, until)
            first = until + 1


def _affected_days(days: set[int]) -> set[int]:
    return {day + step for day in days for step in range(-_TARGETS_BEFORE, _TARGETS_AFTER + 1)}


def day_ranges(days: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last day of each range of consecutive days."""
    first = last = None
    for day in sorted(days):
        if first is None or last is None:
            first = last = day
        elif day == last + 1:
            last = day
        else:
            yield first, last
            first = last = day
    if first is not None and last is not None:
        yield first, last
