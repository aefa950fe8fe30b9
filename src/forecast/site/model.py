"""The model of the dashboard: plain data, which `pages` renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.presence import SILENT_HOURS
from forecast.report.attention import SUSPECT_SHARE
from forecast.report.headline import Assessment, Schedule
from forecast.report.history import MAX_RUNS
from forecast.report.models.slo import ErrorBudget

# A station's page takes 5 to 10 ms of CPU, and its week of values is read: those of a country took longer than all
# the rest of a run.
STATIONS_A_RUN: Final = 100
# Nights on the overview, and days of a station's completeness: six weeks.
NIGHTS: Final = MAX_RUNS
WEEK_DAYS: Final = 7
NO_SCHEDULE: Final = Schedule()

Times = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Night:
    """A run, or a due time at which none started (status "missed"); None for unknown numbers.

    The counts are those of docs/reports.md. `values_judged` is the total to which `anomalies_detected` refers.
    """

    run_id: str
    status: str
    started_at: datetime
    seconds: float | None = None
    exit_code: int | None = None
    error: str | None = None
    objects_loaded: int | None = None
    records_extracted: int | None = None
    records_validated: int | None = None
    records_rejected: int | None = None
    documents_new: int | None = None
    rejection_rate: float | None = None
    completeness_score: float | None = None
    anomalies_detected: int | None = None
    values_judged: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A station from the registry; an unregistered one has neither position nor interval."""

    id: str
    name: str
    network: str = ""
    latitude: float | None = None
    longitude: float | None = None
    elevation: float | None = None
    interval_minutes: float | None = None
    licence: str = ""
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParameterDay:
    """Values of a parameter on a day: how many were received, and how many of them are flagged 3 and 4, by check."""

    received: int
    suspect: int = 0
    failed: int = 0
    checks: Mapping[str, int] = field(default_factory=dict)

    @property
    def flagged(self) -> int:
        """Values flagged 3 or 4."""
        return self.suspect + self.failed


@dataclass(frozen=True, slots=True)
class Day:
    """A UTC day of a station; `parameters` only has those with values."""

    day: date
    expected: int
    received: int
    parameters: Mapping[str, ParameterDay] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Week:
    """The newest seven days of a station at full resolution.

    `times` are ms since 1970; `values` by parameter, NaN if missing; `flags` by parameter, 0 if not
    flagged; `checks` are those that flagged something, by parameter.
    """

    times: Times
    values: Mapping[str, Floats]
    flags: Mapping[str, Flags]
    checks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found at a station in the last run, and what to do about it; `share` of its values, if known."""

    parameter: str
    check: str
    message: str
    count: int
    share: float | None


# Not slots: what follows from the days is asked for by every page in each language, and computed once.
@dataclass(frozen=True)
class StationView:
    """A station: its state ("fresh", "late", "silent", "never", "undelivered", "unknown"), and what is known of it.

    `revision` changes when its days or its week in the database may have changed.
    """

    place: Place
    state: str
    last: datetime | None = None
    first: datetime | None = None
    since: datetime | None = None
    count: int | None = None
    days: tuple[Day, ...] = ()
    week: Week | None = None
    findings: tuple[Finding, ...] = ()
    revision: str | None = None

    @cached_property
    def worst(self) -> tuple[str, ParameterDay] | None:
        """The parameter with the largest share of flagged values on the newest day with values."""
        day = next((day for day in reversed(self.days) if day.received), None)
        flagged = {} if day is None else {name: one for name, one in day.parameters.items() if one.flagged}
        if not flagged:
            return None
        return max(flagged.items(), key=lambda item: (item[1].flagged / item[1].received, item[0]))

    @cached_property
    def shown_state(self) -> str:
        """Its state, or "suspect" if it sends too many flagged values."""
        if self.state == "fresh" and (worst := self.worst) and worst[1].flagged > SUSPECT_SHARE * worst[1].received:
            return "suspect"
        return self.state


@dataclass(frozen=True, slots=True)
class Episode:
    """Consecutive flagged values of one parameter."""

    station: str
    parameter: str
    first: datetime
    last: datetime
    count: int
    flag: int
    low: float
    high: float
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckCount:
    """The results of a check in the last run."""

    check: str
    evaluated: int
    suspect: int
    failed: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two records of one observation with different values of a parameter; None if one lacks it."""

    observation: str
    parameter: str
    winner: float | None
    loser: float | None
    source: str


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality report of the newest run that checked any value; `flags` are values and flagged ones.

    `flags` is by station and parameter; `is_newest` is False where later runs had no value to check.
    """

    generated_at: datetime
    is_newest: bool
    completeness_score: float
    anomalies_detected: int
    values_judged: int | None
    episodes: tuple[Episode, ...]
    checks: tuple[CheckCount, ...]
    flags: Mapping[str, Mapping[str, tuple[int, int]]]
    duplicates: tuple[Duplicate, ...]
    duplicates_by_station: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency report; `met` is None if nothing was found, so that it is unknown."""

    generated_at: datetime
    station: str
    day: str
    p50: float
    p95: float
    p99: float
    rows: int
    iterations: int
    index: str
    slo_ms: float
    met: bool | None


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Quarantined rows of one object for one reason, with one of them as an example."""

    source: str
    code: str
    field: str
    value: str
    reason: str
    rows: int
    first_position: str
    example: str


@dataclass(frozen=True, slots=True)
class RejectedObject:
    """An object that was rejected, or a part of one that could not be read."""

    source: str
    code: str
    message: str
    known: bool


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What the processed zone keeps of rejected rows; `fault` says why it could not be read."""

    rows: tuple[RejectedRows, ...] = ()
    total: int = 0
    objects: tuple[RejectedObject, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Ingestion:
    """A source in the newest ingest report that names it; `holes` are days without an answer, by station."""

    source: str
    generated_at: datetime
    status: str
    fault: str | None
    calls: int
    rows_read: int
    written: int
    unchanged: int
    quota_left: int
    quota: int
    holes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """Everything that is shown. `made_at` is the time of the newest report, so that a state has one site.

    `nights` are oldest first, including those without a run. `database_fault` says why the database could not be
    queried; the stations are then taken from the reports. `unwritten` are the stations whose pages are still to be
    written, by id.
    """

    made_at: datetime | None
    version: str
    assessment: Assessment
    nights: tuple[Night, ...] = ()
    stations: tuple[StationView, ...] = ()
    quality: Quality | None = None
    latency: tuple[Latency, ...] = ()
    quarantine: Quarantine = Quarantine()
    ingestion: tuple[Ingestion, ...] = ()
    schedule: Schedule = NO_SCHEDULE
    database_fault: str | None = None
    max_rejection_rate: float | None = None
    silent_hours: float = SILENT_HOURS
    budgets: tuple[ErrorBudget, ...] = ()
    unwritten: frozenset[str] = frozenset()

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {one.place.id: one.place.name for one in self.stations}

    def station_name(self, station_id: str) -> str:
        """The name of a station, or its id where it has none."""
        return self._names.get(station_id, station_id)

    def has_page(self, station_id: str) -> bool:
        """Whether there is a page of a station."""
        return station_id in self._names and station_id not in self.unwritten

    @property
    def in_turn(self) -> bool:
        """Whether there are more stations than a run writes pages for."""
        return len(self.stations) > STATIONS_A_RUN


def last_days(newest: date, number: int) -> list[date]:
    """This many days up to the newest one, oldest first."""
    return [newest - timedelta(days=back) for back in range(number - 1, -1, -1)]
