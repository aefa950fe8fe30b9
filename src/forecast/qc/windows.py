"""QC windows: stations near each other over a range of days, with everything that their flags depend on.

A new observation can change the flags of its station some days around it and, through comparison, those of its
neighbours (`changes`). Each of those flags in turn depends on the observations around it. The numbers of days and hours
follow from the reach of the checks, so flags depend on the observations and not on the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil
from typing import Final

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.core.stations import Station, Stations
from forecast.qc.changes import Changes, Span
from forecast.qc.registry import REACH, STATION_REACH
from forecast.qc.station_groups import StationGroup, all_reached

# The days that the flags of a day depend on, before and after it.
_HALO_BEFORE: Final = ceil(REACH.before / 24)
_HALO_AFTER: Final = ceil(REACH.after / 24)
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
    `halo` from the time `read_from` to the end of the day `last_read`; from the day `first_read` on, there are `rows`
    of them. `watched` are times before changed days, by target station, at which the station's own flags may be
    outdated (`Changes.watched`).
    """

    changed: Mapping[str, set[int]]
    targets: tuple[Station, ...]
    halo: tuple[Station, ...]
    first: int
    last: int
    rows: int = field(compare=False)
    watched: Mapping[str, tuple[Span, ...]] = field(default_factory=dict, compare=False)

    @property
    def first_read(self) -> int:
        """The first day of which anything is read."""
        return self.first - _HALO_BEFORE

    @property
    def read_from(self) -> int:
        """The first time that is read (ms since 1970): for hourly stations, this is a day less than whole days."""
        return self.first * DAY_MS - round(REACH.before * HOUR_MS)

    @property
    def last_read(self) -> int:
        """The last day that is read."""
        return self.last + _HALO_AFTER

    @property
    def is_large(self) -> bool:
        """Whether it exceeds what may be in memory at once: a single day of stations that send every few seconds."""
        return self.rows > rows_at_once(self.halo)


def windows_of(changes: Changes, stations: Stations, rows_by_day: RowsByDay) -> Iterator[QcWindow]:
    """Windows that cover every flag that these changes reach directly. Days of unknown stations are ignored.

    No flag is in two windows. Windows are sized by the observations that exist, not by the interval in the registry:
    none has more than `rows_at_once`, except one of a single day.
    """
    whole = all_reached(changes, stations)
    waiting = [whole] if whole is not None else []
    while waiting:
        group = waiting.pop()
        if group.is_to_be_cut:
            waiting += group.cut()
            continue
        counted = [_DayRange.counted(*each, group.halo, rows_by_day) for each in day_ranges(group.days)]
        if group.can_be_cut and not all(each.fits for each in counted):
            waiting += group.cut()
        else:
            yield from _windows(group, counted, changes)


def _windows(group: StationGroup, counted: Iterable[_DayRange], changes: Changes) -> Iterator[QcWindow]:
    changed = {name: changes.days[name] for name in group.names if name in changes.days}
    watched = {name: found for name in changed if (found := tuple(changes.watched(name)))}
    for each in counted:
        for first, last, rows in each.cut():
            within = {name: {day for day in days if first <= day <= last} for name, days in changed.items()}
            seen = _between(watched, first, last)
            yield QcWindow(within, group.targets, group.halo, first, last, rows, seen)


def _between(watched: Mapping[str, tuple[Span, ...]], first: int, last: int) -> dict[str, tuple[Span, ...]]:
    """What is watched of a window: before its days as far as it is read for the checks of a single station."""
    begin, limit = first * DAY_MS - round(STATION_REACH.after * HOUR_MS), (last + 1) * DAY_MS
    cut = {
        name: tuple((max(start, begin), min(end, limit)) for start, end in spans if start < limit and end > begin)
        for name, spans in watched.items()
    }
    return {name: spans for name, spans in cut.items() if spans}


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
