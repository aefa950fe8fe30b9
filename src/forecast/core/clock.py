"""Moments: as text in UTC, and as days since 1970."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

DAY_MS: Final = 86_400_000


def report_time(now: datetime) -> str:
    """Give the time in a report's name, in UTC: 20261123T101112Z."""
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def iso_time(moment: datetime) -> str:
    """Write a moment in UTC and whole seconds: 2026-11-23T10:11:12Z."""
    # strftime leaves out the zeros before a year of the first millennium.
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def iso_time_of(milliseconds: int) -> str:
    """The same of milliseconds since 1970."""
    return iso_time(datetime.fromtimestamp(milliseconds / 1000, UTC))


def midnight(day: int) -> datetime:
    """The beginning of a UTC day, which is counted since 1970."""
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC)
