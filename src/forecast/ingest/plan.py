"""Plans which stations and days to request, in which order, with as few calls as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from forecast.ingest.api import Window
from forecast.ingest.state import StationState, days_between
from forecast.networks.fetch import Fetch

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class StationPlan:
    """The days of one station, in the order of their importance: recent, missing, history.

    A silent station, whose last days had no records, may come back: then the days in `silent` are read again, if any
    day in `empty` has records. `gone` are days that were never read and that the API no longer has.
    """

    recent: tuple[date, ...]
    missing: tuple[date, ...]
    history: tuple[date, ...]
    empty: frozenset[date]
    silent: tuple[date, ...]
    deep: bool
    gone: tuple[date, ...] = ()

    @property
    def days(self) -> tuple[date, ...]:
        """All days to read."""
        return self.recent + self.missing + self.history


def station_plan(fetch: Fetch, state: StationState, today: date, since: date | None, until: date | None) -> StationPlan:
    """What to read for a station.

    Recent days are those after the newest that was read, and some before it, which are read again; once a week, more of
    them. Of the days that were read, only those with known fingerprints are read again. The history goes back to the
    earliest day that was ever requested.
    """
    end = min(until or today, today)
    newest = min(end, state.read_to) if state.read_to else end
    deep = state.deep_read is None or (today - state.deep_read).days >= fetch.deep_every_days
    start = newest - timedelta(days=fetch.deep_lookback_days if deep and state.read_to else fetch.lookback_days)
    wanted = min(filter(None, (since, state.since)), default=start)
    earliest = _earliest(fetch, today)
    last = [day for day in days_between(max(start, wanted), end) if _is_due(state, day)]
    recent = tuple(day for day in last if day not in state.missing and day >= earliest)
    missing = tuple(sorted(day for day in state.missing if earliest <= day <= end))
    oldest = state.read_from or min(recent, default=end + _ONE_DAY)
    history = tuple(days_between(max(wanted, earliest), min(oldest - _ONE_DAY, end)))
    empty = frozenset(day for day in last if state.days.get(day) == "")
    silent = state.silent_before(min(empty)) if empty else []
    # What this run requests anyway need not be requested again.
    silent = [day for day in silent if day not in recent and day not in state.missing and day >= earliest]
    gone = days_between(state.read_to + _ONE_DAY, earliest - _ONE_DAY) if state.read_to else ()
    return StationPlan(recent, missing, history, empty, tuple(silent), deep, tuple(gone))


def windows(
    fetch: Fetch,
    days: Mapping[str, Iterable[date]],
    *,
    own_id: Callable[[str], str] = str,
    backwards: bool = False,
) -> list[Window]:
    """The calls that read these days of these stations; in each, the days are consecutive and in this order.

    `own_id` returns the network's own id of a station, by which the API groups them.
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
    """The first day for which the API has data."""
    if fetch.keeps_hours is None:
        return date.min + _ONE_DAY
    return today - timedelta(hours=fetch.keeps_hours)


def _is_due(state: StationState, day: date) -> bool:
    """Whether a day is after those that were read, or has known fingerprints."""
    return state.read_to is None or day > state.read_to or day in state.days


def _cut(fetch: Fetch, stations: tuple[str, ...], first: date, last: date) -> Iterator[Window]:
    step = timedelta(days=max(1, fetch.station_days // len(stations)))
    while first <= last:
        yield Window(stations, first, min(last, first + step - _ONE_DAY))
        first += step


def _runs(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """The ranges of consecutive days."""
    for _, run in groupby(enumerate(days), key=lambda pair: pair[1].toordinal() - pair[0]):
        members = [day for _, day in run]
        yield members[0], members[-1]
