"""The result of an ingest run: counts by source, station and day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    """How reading a source, or all sources, ended."""

    SUCCESS = "success"
    QUOTA_REACHED = "quota_reached"  # a clean end: the next run continues
    PARTIAL = "partial"  # some stations or days were not answered or not accepted
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(slots=True)
class DayCounts:
    """Records of one day of a station. `vanished` were delivered before, but not this time."""

    read: int = 0
    written: int = 0
    vanished: int = 0


@dataclass(slots=True)
class StationResult:
    """What was done for one station."""

    days: defaultdict[date, DayCounts] = field(default_factory=lambda: defaultdict(DayCounts))
    through: date | None = None
    missing: tuple[date, ...] = ()
    days_left: int = 0  # requested but not reached


@dataclass(frozen=True, slots=True)
class WindowFault:
    """Stations and days that were not read, and why."""

    stations: tuple[str, ...]
    first: date
    last: date
    code: str
    message: str
    exit_code: int


@dataclass(slots=True)
class FileCounts:
    """Files of a source that serves whole files: how many were wanted, and what happened to them."""

    listed: int = 0
    written: int = 0
    unchanged: int = 0
    missing: int = 0


@dataclass(slots=True)
class SourceResult:
    """What was done for one source. `fault` is what ended it early."""

    source: str
    network: str
    outcome: Outcome = Outcome.SUCCESS
    exit_code: int = 0
    fault: str | None = None
    calls: int = 0
    calls_planned: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    quota_per_day: int = 0
    quota_left: int = 0
    sync_id: int | None = None
    generation: int | None = None
    objects: list[str] = field(default_factory=list)
    files: FileCounts | None = None
    stations: defaultdict[str, StationResult] = field(default_factory=lambda: defaultdict(StationResult))
    window_faults: list[WindowFault] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # stations that are not read, and why

    @property
    def read(self) -> int:
        """Records received."""
        return sum(counts.read for counts in self._days())

    @property
    def written(self) -> int:
        """Records that were new or changed."""
        return sum(counts.written for counts in self._days())

    @property
    def vanished(self) -> int:
        """Records received in an earlier run but not in this one."""
        return sum(counts.vanished for counts in self._days())

    def _days(self) -> list[DayCounts]:
        return [counts for station in self.stations.values() for counts in station.days.values()]
