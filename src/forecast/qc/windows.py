"""QC windows: stations near each other over a range of days, with all that their flags depend on.

A new observation can change flags of its station some days around it and, through comparison, those of its neighbours.
Each of those flags depends on the observations around it in turn. The numbers of days follow from the reach of the
checks, so flags depend on the observations and not on the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil
from typing import Final

from forecast.core.stations import Station, Stations
from forecast.qc.neighbours import are_neighbours
from forecast.qc.registry import REACH

# The days that the flags of a day depend on.
_HALO_BEFORE: Final = ceil(REACH.before / 24)
_HALO_AFTER: Final = ceil(REACH.after / 24)
# And seen from the observation, the other way round.
_TARGETS_BEFORE: Final = _HALO_AFTER
_TARGETS_AFTER: Final = _HALO_BEFORE
# About 16 MB of columns. One window is read while another is evaluated, which takes several times as much. Larger
# windows evaluate fewer days twice: of 2 000 000 rows, 80 000 at once took 4 % less time and 35 MB more than 60 000;
# 100 000 took 2 % less again, and 15 MB more.
_ROWS_AT_ONCE: Final = 80_000
_STATIONS_AT_ONCE: Final = 20
# How many observations there are of some stations, by UTC day, from a day to a day (since 1970, both included).
RowsByDay = Callable[[tuple[Station, ...], int, int], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class QcWindow:
    """Days `first` to `last` (since 1970, both included) of `targets` stations are re-evaluated.

    `changed` are the days by station whose observations changed; `halo` are the stations, and `first_read` to
    `last_read` the days, that the verdicts hang on; `rows` is how many observations these have.
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
        return self.rows > _ROWS_AT_ONCE


def windows_of(changed: Mapping[str, set[int]], stations: Stations, rows_by_day: RowsByDay) -> Iterator[QcWindow]:
    """Windows that cover every flag that these changed days can change; days of unknown stations are left out.

    They are cut by the observations that are there, not by those that the registry lets expect: no window has more than
    a number of them, but for one of a single day.
    """
    waiting = {name: station for name in sorted(changed) if (station := stations.get(name)) is not None}
    while waiting:
        group = _group(waiting)
        targets = _with_neighbours(group, stations)
        halo = _with_neighbours(targets, stations)
        of_group = {station.id: changed[station.id] for station in group}
        for day_range in day_ranges(_affected_days(set().union(*of_group.values()))):
            for first, last, rows in _cut(*day_range, halo, rows_by_day):
                within = {name: {day for day in days if first <= day <= last} for name, days in of_group.items()}
                yield QcWindow(within, targets, halo, first, last, rows)


def _group(waiting: dict[str, Station]) -> tuple[Station, ...]:
    """Take a station, its neighbours, theirs and so on out of those that wait, up to a number."""
    group = [waiting.pop(next(iter(waiting)))]
    for member in group:
        near = [station for station in waiting.values() if are_neighbours(member, station)]
        # The loop goes on over what is added here.
        group.extend(waiting.pop(station.id) for station in near[: _STATIONS_AT_ONCE - len(group)])
    return tuple(group)


def _with_neighbours(group: tuple[Station, ...], stations: Stations) -> tuple[Station, ...]:
    members = {station.id for station in group}
    return tuple(s for s in stations if s.id in members or any(are_neighbours(s, member) for member in group))


def _cut(first: int, last: int, halo: tuple[Station, ...], rows_by_day: RowsByDay) -> Iterator[tuple[int, int, int]]:
    """A range of days in pieces that can be read at once: first and last day, and how many rows are read."""
    start, end = first - _HALO_BEFORE, last + _HALO_AFTER
    rows = rows_by_day(halo, start, end)
    before = list(accumulate((rows.get(day, 0) for day in range(start, end + 1)), initial=0))

    def read(one: int, other: int) -> int:
        return before[other + _HALO_AFTER + 1 - start] - before[one - _HALO_BEFORE - start]

    while first <= last:
        until = first
        while until < last and read(first, until + 1) <= _ROWS_AT_ONCE:
            until += 1
        yield first, until, read(first, until)
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
