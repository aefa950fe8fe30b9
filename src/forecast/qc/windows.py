"""QC windows: stations near each other over a range of days, with all that their flags depend on.

A new observation can change flags of its station some days around it and, through comparison, those of its neighbours.
Each of those flags depends on the observations around it in turn. The numbers of days follow from the reach of the
checks, so flags depend on the observations and not on the order in which they arrived.
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

# The days that the flags of a day depend on.
_HALO_BEFORE: Final = ceil(REACH.before / 24)
_HALO_AFTER: Final = ceil(REACH.after / 24)
# And seen from the observation, the other way round.
_TARGETS_BEFORE: Final = _HALO_AFTER
_TARGETS_AFTER: Final = _HALO_BEFORE
# 80 000 rows of 12 parameters: about 16 MB of columns. One window is read while another is evaluated, which takes
# several times as much. Larger windows evaluate fewer days twice: of 2 000 000 rows, 80 000 at once took 4 % less time
# and 35 MB more than 60 000; 100 000 took 2 % less again, and 15 MB more.
_CELLS_AT_ONCE: Final = 2_880_000
# What a row has beside its parameters: time, digest, both texts of flags, and what is made of them. With 8, a month of
# a city of 624 stations of one parameter took 290 MB to evaluate, with 24 it takes 190 MB and no longer.
_CELLS_BESIDE: Final = 24
# A window takes stations rather than days: the stations around a group are read again for the next group, and days that
# two windows one after another share are not. But each window evaluates the days around its own once more.
_MIN_DAYS: Final = 14
# How many observations there are of some stations, by UTC day, from a day to a day (since 1970, both included).
RowsByDay = Callable[[tuple[Station, ...], int, int], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class QcWindow:
    """Days `first` to `last` (since 1970, both included) of `targets` stations are re-evaluated.

    `changed` are the days by station whose observations changed; `halo` are the stations, and `first_read` to
    `last_read` the days, that the flags depend on; `rows` is how many observations these have.
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
        """Whether it is all that may be in memory at once: a day whose stations send every few seconds."""
        return self.rows > rows_at_once(self.halo)


def windows_of(changed: Mapping[str, set[int]], stations: Stations, rows_by_day: RowsByDay) -> Iterator[QcWindow]:
    """Windows that cover every flag that these changed days can change; days of unknown stations are left out.

    No flag is in two of them. They are cut by the observations that are there, not by those that the registry lets
    expect: no window has more than `rows_at_once`, but for one of a single day.
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
    """How many rows of these stations may be in one window: the fewer parameters they report, the more."""
    parameters = sum(len(station.parameters) for station in stations) / len(stations)
    return int(_CELLS_AT_ONCE / (_CELLS_BESIDE + parameters))


@dataclass(frozen=True, slots=True)
class _DayRange:
    """Days one after another; `before` is how many rows there are before each of the days that are read for them."""

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
        """How many rows a window from a day to a day reads."""
        days_read = other - one + 1 + _HALO_BEFORE + _HALO_AFTER
        return self.before[one - self.first + days_read] - self.before[one - self.first]

    @property
    def fits(self) -> bool:
        """Whether no window has to be shorter than a number of days."""
        days = min(self.last - self.first + 1, _MIN_DAYS)
        return all(self.read(day, day + days - 1) <= self.limit for day in range(self.first, self.last - days + 2))

    def cut(self) -> Iterator[tuple[int, int, int]]:
        """Pieces that can be read at once: first and last day, and how many rows are read."""
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
    """First and last of each range of days one after another."""
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
