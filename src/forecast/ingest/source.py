"""One run over one source: makes its calls, and writes what is new to the raw zone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from forecast.core.errors import ForecastError
from forecast.core.stations import Station
from forecast.ingest.answers import Record
from forecast.ingest.api import Api, Window
from forecast.ingest.ending import note_calls, note_ending, note_partial
from forecast.ingest.failures import Failures
from forecast.ingest.faults import WindowError
from forecast.ingest.fingerprints import DayFingerprints
from forecast.ingest.kept_hours import has_all_of, lost_since
from forecast.ingest.plan import StationPlan, station_plan, windows
from forecast.ingest.raw_zone import MAX_PART_BYTES, Part, Sync
from forecast.ingest.records import records_by_day
from forecast.ingest.result import SourceResult, WindowFault
from forecast.ingest.state import SourceState, StationState
from forecast.networks.fetch import Fetch
from forecast.storage import Store

LOGGER = logging.getLogger("forecast.ingest")
# What was read is published after so many minutes of calls, so that a killed run loses no more of the quota.
_MINUTES_PER_OBJECT: Final = 2

# Shows progress: it is entered before a number of calls to a source, and notified of each.
Progress = Callable[[int, str], AbstractContextManager[Callable[[], None]]]


def no_progress(_calls: int, _source: str) -> AbstractContextManager[Callable[[], None]]:
    """Shows nothing."""
    return nullcontext(lambda: None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The period that a run requests."""

    since: date | None = None
    until: date | None = None
    full_refresh: bool = False


@dataclass(slots=True)
class SourceRun:
    """Reads one source. `folder` is for what is being written; `check_lease` raises if the lease is lost."""

    api: Api
    state: SourceState
    store: Store
    stations: Mapping[str, Station]
    wanted: Wanted
    result: SourceResult
    folder: Path
    progress: Progress
    check_lease: Callable[[], None] = lambda: None
    _part: Part | None = None
    _sync: Sync | None = None
    _touched: set[str] = field(default_factory=set)
    _calls_at_flush: int = 0
    _failures: Failures = field(init=False)
    _plans: dict[str, StationPlan] = field(default_factory=dict)
    _came_back: dict[str, tuple[date, ...]] = field(default_factory=dict)
    _sync_before: int = 0

    def __post_init__(self) -> None:
        self._failures = Failures(self._fetch.network)

    @property
    def _fetch(self) -> Fetch:
        return self.api.fetch

    def plan(self) -> dict[str, StationPlan]:
        """What to read, by station; nothing is changed."""
        return {
            name: station_plan(
                self._fetch, self.state.stations.get(name, StationState()), self._today(name), self.wanted.since,
                self.wanted.until,
            )
            for name in self.stations
        }  # fmt: skip

    def count_calls(self, plans: Mapping[str, StationPlan]) -> int:
        """The number of calls that the plans need, which goes into the result."""
        kinds = (
            {name: getattr(plan, kind) for name, plan in plans.items()} for kind in ("recent", "missing", "history")
        )
        self.result.calls_planned = sum(len(self._windows(days)) for days in kinds)
        return self.result.calls_planned

    def _windows(self, days: Mapping[str, Iterable[date]], *, backwards: bool = False) -> list[Window]:
        return windows(self._fetch, days, own_id=lambda name: self.stations[name].network_id, backwards=backwards)

    def execute(self) -> None:
        """Read what is planned. What was read before a fault is kept; the fault goes into the result."""
        try:
            self.prepare()
            plans = self.plan()
            self._note_gone(plans)
            self._read_all(plans)
        except ForecastError as error:
            note_ending(self.result, error, self._flush)
        finally:
            if self._part is not None:
                self._part.discard()
            self._sum_up()

    def prepare(self) -> None:
        """Read the state and give the sync its number."""
        self.state.load(lambda key: self.store.find(key) is not None)
        for of_station in self.state.stations.values():
            of_station.forget(self._fetch.deep_lookback_days)
        if self.wanted.full_refresh:
            self.state.generation += 1
            for name in self.stations:
                before = self.state.stations.get(name, StationState())
                wanted = [day for day in (before.since, before.read_from) if day is not None]
                self.state.stations[name] = StationState(since=min(wanted, default=None))
        # Never the number of an earlier sync, even if the clock was set back.
        self._sync_before = self.state.last_sync
        started = max(int(self.api.caller.clock.now() * 1000), self.state.last_sync + 1)
        self.state.last_sync = started
        self._sync = Sync(self._fetch.source, self._fetch.stream, started, self.state.generation)
        self.result.sync_id, self.result.generation = started, self.state.generation

    def _read_all(self, plans: Mapping[str, StationPlan]) -> None:
        for name, plan in plans.items():
            state = self.state.stations.setdefault(name, StationState())
            state.since = min(
                filter(None, (state.since, self.wanted.since, min(plan.days, default=None))), default=None
            )
            self._plans[name] = plan
            self.result.stations[name].days_left = len(plan.days)
        with self.progress(self.count_calls(plans), self._fetch.source) as advance:
            self._read(self._windows({name: plan.recent for name, plan in plans.items()}), advance)
            self._note_deep(plans)
            self._read_missing(plans, advance)
            past = {name: plan.history for name, plan in plans.items()}
            self._read(self._windows(past, backwards=True), advance)
        self._flush()

    def _read_missing(self, plans: Mapping[str, StationPlan], advance: Callable[[], None]) -> None:
        """Request again what was not answered, newest first, and old records of stations that were silent.

        Days that are never answered do not keep anything else from being read: not the recent days, which came before,
        and not the history, for which failures are counted separately.
        """
        holes = {name: {*plan.missing, *self._came_back.get(name, ())} for name, plan in plans.items()}
        with self._failures.counted_apart():
            self._read(self._windows(holes, backwards=True), advance)

    def _note_gone(self, plans: Mapping[str, StationPlan]) -> None:
        """Record what an API that keeps few hours has lost since the previous run."""
        known = [name for name in plans if name in self.state.stations]
        fault = lost_since(self._fetch, self._sync_before / 1000, self.api.caller.clock.now(), known)
        if fault is None:
            return
        for name in known:
            if plans[name].gone:
                self.state.stations[name].note_missing(plans[name].gone)
                self._touched.add(name)
        LOGGER.warning("%s: %s", self._fetch.source, fault.message)
        self.result.window_faults.append(fault)

    def _note_deep(self, plans: Mapping[str, StationPlan]) -> None:
        for name, plan in plans.items():
            if plan.deep and not self._failures.has_failed(name):
                self.state.stations[name].deep_read = self._today(name)
                self._touched.add(name)

    def _read(self, planned: Sequence[Window], advance: Callable[[], None]) -> None:
        for window in planned:
            stations = tuple(name for name in window.stations if not self._failures.is_left(name))
            if not stations:
                continue
            asked = Window(stations, window.first, window.last)
            try:
                # Not assigned to a name: otherwise, an answer would stay in memory until the next one arrives.
                self._take(asked, records_by_day(self._fetch, self.stations, asked, self._ask(asked)))
            except WindowError as error:
                self._miss(asked, error)
            for name in stations:
                self.result.stations[name].days_left -= len(asked.days)
            advance()
            if self._is_due():
                self._flush()

    def _ask(self, window: Window) -> list[Record]:
        """The records of a window, whose stations have other ids in the network."""
        own = tuple(self.stations[name].network_id for name in window.stations)
        return self.api.ask(Window(own, window.first, window.last))

    def _take(self, window: Window, by_day: dict[tuple[str, date], list[Record]]) -> None:
        """Write what is new in an answer, and release it."""
        self._failures.note_answer(window.stations)
        read = written = 0
        now = self.api.caller.clock.now()
        for name in window.stations:
            state = self.state.stations[name]
            for day in window.days:
                counts = self.result.stations[name].days[day]
                prints = DayFingerprints(state.days.get(day, ""))
                for record in by_day.pop((name, day), ()):
                    counts.written += self._write_if_new(record, prints)
                    counts.read += 1
                counts.vanished = prints.vanished if has_all_of(self._fetch, day, now) else 0
                read, written = read + counts.read, written + counts.written
                if counts.read:
                    self._note_back(name, day)
                # Before the end of the run, the silent days may turn out to be missing.
                state.note_read(day, prints.packed, self._fetch.deep_lookback_days, self._plans[name].silent)
            self._touched.add(name)
        LOGGER.info("%s: %d records, %d of them new or changed", window, read, written)

    def _note_back(self, name: str, day: date) -> None:
        """If a station was silent until this day, mark the days before it as missing.

        A station that was offline uploads its old records when it is back, including those of the rest of the day on
        which it failed.
        """
        plan = self._plans[name]
        if day not in plan.empty or name in self._came_back:
            return
        self._came_back[name] = plan.silent
        self.state.stations[name].note_missing(plan.silent)
        self.result.stations[name].days_left += len(plan.silent)

    def _write_if_new(self, record: Record, prints: DayFingerprints) -> bool:
        line = record.line
        if not prints.is_new(str(record.time), line):
            return False
        if self._part is None:
            self._part = Part(self.folder)
        self._part.add(line, int(self.api.caller.clock.now() * 1000), self._current_sync)
        return True

    @property
    def _current_sync(self) -> Sync:
        if self._sync is None:
            raise AssertionError("a sync begins before anything is read")
        return self._sync

    def _miss(self, window: Window, error: WindowError) -> None:
        """Record what was not read. Raises SilentError if nothing is answered any more."""
        LOGGER.warning("%s: not read: %s", window, error.message)
        self.result.window_faults.append(
            WindowFault(window.stations, window.first, window.last, error.code, error.message, error.exit_code)
        )
        for name in window.stations:
            self.state.stations[name].note_missing(window.days)
            self._touched.add(name)
        self._failures.note_failure(window.stations)

    def _is_due(self) -> bool:
        calls = self.api.caller.calls - self._calls_at_flush
        size = self._part.size if self._part is not None else 0
        return calls >= _MINUTES_PER_OBJECT * self._fetch.per_minute or size >= MAX_PART_BYTES

    def _flush(self) -> None:
        """Publish what was read, and then update the state."""
        self._calls_at_flush = self.api.caller.calls
        if not self._touched:
            return
        touched, part = sorted(self._touched), self._part
        if part is not None:
            self.check_lease()
            key = self._current_sync.next_key()
            self.state.announce(key, touched)
            part.publish(self.store, key, self._current_sync)
            self._part = None
            self.result.objects.append(f"{self.store.uri.rstrip('/')}/{key}")
        self.state.commit(touched)
        self._touched.clear()

    def _sum_up(self) -> None:
        result = self.result
        note_calls(result, self.api.caller)
        for name in self.stations:
            state = self.state.stations.get(name, StationState())
            result.stations[name].through = state.through
            result.stations[name].missing = tuple(sorted(state.missing))
        note_partial(result)

    def _today(self, name: str) -> date:
        zone = ZoneInfo(self.stations[name].timezone) if self._fetch.local_days else UTC
        return datetime.fromtimestamp(self.api.caller.clock.now(), zone).date()
