"""Which stations and days are asked for, in which order, in how few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from forecast.ingest.api import Window
from forecast.ingest.state import StationState
from forecast.networks.fetch import Fetch

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StationPlan:
    """The days of one station: what is current, oldest first, and its history, newest first.

    `gone` are days that were never read and that the API no longer has.
    """

    current: tuple[date, ...]
    history: tuple[date, ...]
    deep: bool
    gone: tuple[date, ...] = ()


def station_plan(fetch: Fetch, state: StationState, today: date, since: date | None, until: date | None) -> StationPlan:
    """What to read of a station.

    Current are the days after the newest that was read, those before it that are read again (more of them once a week),
    and those that are missing. Of the days that were read, those are read again whose fingerprints are known. The
    history reaches back to the earliest day that was ever asked for.
    """
    end = min(until or today, today)
    newest = min(end, state.read_to) if state.read_to else end
    deep = state.deep_read is None or (today - state.deep_read).days >= fetch.deep_every_days
    start = newest - timedelta(days=fetch.deep_lookback_days if deep and state.read_to else fetch.lookback_days)
    wanted = min(filter(None, (since, state.since)), default=start)
    due = {day for day in _days(max(start, wanted), end) if _is_due(state, day)}
    current = due | {day for day in state.missing if day <= end}
    oldest = state.read_from or min(current, default=end + _ONE_DAY)
    history = tuple(reversed(list(_days(wanted, min(oldest - _ONE_DAY, end)))))
    earliest = _earliest(fetch, today)
    gone = _days(state.read_to + _ONE_DAY, earliest - _ONE_DAY) if state.read_to else ()
    there = tuple(sorted(day for day in current if day >= earliest))
    return StationPlan(there, tuple(day for day in history if day >= earliest), deep, tuple(gone))


def came_back(state: StationState, empty_before: Set[date]) -> tuple[date, ...]:
    """The empty days before those that were read again, where a station that was silent has sent something.

    What was offline for days uploads its old records when it is back, also those of the rest of the day on which it
    went. `empty_before` are the days without records among those that were read again, as they were before.
    """
    if not any(state.days.get(day) for day in empty_before):
        return ()
    day, found = min(empty_before) - _ONE_DAY, []
    while day in state.days:
        found.append(day)
        if state.days[day]:
            break
        day -= _ONE_DAY
    return tuple(reversed(found))


def windows(
    fetch: Fetch,
    days: Mapping[str, Iterable[date]],
    *,
    own_id: Callable[[str], str] = str,
    backwards: bool = False,
) -> list[Window]:
    """The calls that read these days of these stations; days follow one another in each, in this order.

    `own_id` gives the network's own id of a station, by which the API groups them.
    """
    by_run: dict[tuple[date, date, str], list[str]] = {}
    for station, of_station in days.items():
        group = fetch.group_of(own_id(station)) if fetch.group_of is not None else ""
        for first, last in _runs(sorted(of_station)):
            by_run.setdefault((first, last, group), []).append(station)
    found = [
        window
        for (first, last, _), stations in by_run.items()
        for at in range(0, len(stations), fetch.batch)
        for window in _cut(fetch, tuple(stations[at : at + fetch.batch]), first, last)
    ]
    return sorted(found, key=lambda window: window.first, reverse=backwards)


def _earliest(fetch: Fetch, today: date) -> date:
    """The first day of which the API has anything."""
    if fetch.keeps_hours is None:
        return date.min + _ONE_DAY
    return today - timedelta(hours=fetch.keeps_hours)


def _is_due(state: StationState, day: date) -> bool:
    """Whether a day is after those that were read, or known by its fingerprints."""
    return state.read_to is None or day > state.read_to or day in state.days


def _cut(fetch: Fetch, stations: tuple[str, ...], first: date, last: date) -> Iterator[Window]:
    step = timedelta(days=max(1, fetch.station_days // len(stations)))
    while first <= last:
        yield Window(stations, first, min(last, first + step - _ONE_DAY))
        first += step


def _runs(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """The stretches of days that follow one another."""
    for _, run in groupby(enumerate(days), key=lambda pair: pair[1].toordinal() - pair[0]):
        members = [day for _, day in run]
        yield members[0], members[-1]


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE_DAY
