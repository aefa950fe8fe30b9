"""APIs that only keep the data of some hours: which data were lost between two runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

from forecast.core.clock import iso_time
from forecast.ingest.result import WindowFault
from forecast.networks.fetch import Fetch

_HOUR_SECONDS: Final = 3_600


def lost_since(fetch: Fetch, before: float, now: float, stations: Iterable[str]) -> WindowFault | None:
    """What such an API no longer has since the previous run at `before` (epoch s; 0: there was none)."""
    keeps = fetch.keeps_hours
    if keeps is None or not before or now - before <= keeps * _HOUR_SECONDS:
        return None
    first, last = (datetime.fromtimestamp(at, UTC) for at in (before, now - keeps * _HOUR_SECONDS))
    message = (
        f"the API keeps {keeps} hours, but the previous run was {(now - before) / _HOUR_SECONDS:.0f} hours "
        f"ago: what was measured from {iso_time(first)} to {iso_time(last)} is no longer available from it"
    )
    return WindowFault(tuple(stations), first.date(), last.date(), "gone", message, 3)


def has_all_of(fetch: Fetch, day: date, now: float) -> bool:
    """Whether the API still has all of a UTC day."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    return fetch.keeps_hours is None or begin >= now - fetch.keeps_hours * _HOUR_SECONDS
