"""Points in time as UTC text, as days or milliseconds since 1970, and the units of time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
# The oldest digitised observations of the built-in networks. An unset clock gives 1899, 1900 or 1970-01-01T00:00.
EARLIEST_YEAR: Final = 1901
# By the names that Arrow and numpy use for units of time.
TICKS_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def report_time(now: datetime) -> str:
    """The time in a report's file name, in UTC: 20261123T101112Z."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def iso_time(moment: datetime) -> str:
    """A time in UTC and whole seconds: 2026-11-23T10:11:12Z."""
    # strftime leaves out leading zeros of years below 1000.
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def iso_time_of(milliseconds: int) -> str:
    """The same for milliseconds since 1970."""
    return iso_time(from_ms(milliseconds))


def minute(moment: datetime) -> str:
    """A UTC time for people: 2026-11-23 10:11 UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def seconds_between(earlier: str, later: str) -> float:
    """The seconds between two of these texts."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def from_ms(milliseconds: int) -> datetime:
    """The UTC time of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def midnight(day: int) -> datetime:
    """The start of a UTC day, given as a number of days since 1970."""
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
