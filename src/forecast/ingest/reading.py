"""Reads one source: records of an API, or whole files. Also checks it with one call, and does the dry run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.core.errors import ForecastError, InterruptedRunError
from forecast.core.settings import Settings
from forecast.core.stations import Station
from forecast.ingest.api import Api, Window
from forecast.ingest.caller import Caller
from forecast.ingest.faults import WindowError
from forecast.ingest.file_run import FileRun
from forecast.ingest.file_state import FileState
from forecast.ingest.lock import source_lease
from forecast.ingest.pace import Pace
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.result import Outcome, SourceResult
from forecast.ingest.secret import Key
from forecast.ingest.source import SourceRun, Wanted
from forecast.ingest.state import SourceState
from forecast.networks.file_fetch import FileFetch
from forecast.networks.source import Source
from forecast.storage import Store
from forecast.storage.documents import Documents


@dataclass(slots=True)
class Reading:
    """What the sources of a run have in common."""

    settings: Settings
    request: Request
    around: Surroundings
    run_id: str
    store: Store
    documents: Documents
    folder: Path

    def read(self, fetch: Source, stations: Mapping[str, Station], result: SourceResult) -> None:
        """Read one source; every foreseeable error goes into the result."""
        try:
            key = Key("" if fetch.key_setting is None else str(self.settings.of_networks[fetch.key_setting]))
            clock = self.around.the_clock
            pace = Pace(fetch, key, self.documents, clock)
            caller = Caller(fetch.network, self.around.transport(fetch), pace, clock, self._check_stop)
            url = str(self.settings.of_networks[fetch.url_setting]).rstrip("/")
            try:
                if isinstance(fetch, FileFetch):
                    self._read_files(fetch, caller, url, stations, result)
                else:
                    self._read_records(Api(fetch, key, url, caller), stations, result)
            finally:
                result.quota_left = pace.left()
        except ForecastError as error:
            _fail(result, error)

    def _check_stop(self) -> None:
        if self.around.stop.is_set():
            raise InterruptedRunError("interrupted: what was read is kept; run again to continue")

    @property
    def _wanted(self) -> Wanted:
        return Wanted(self.request.since, self.request.until, self.request.full_refresh)

    def _read_records(self, api: Api, stations: Mapping[str, Station], result: SourceResult) -> None:
        if self.request.check:
            _check_records(api, stations, result)
            return
        state = SourceState(self.documents, api.fetch.source)
        run = SourceRun(api, state, self.store, stations, self._wanted, result, self.folder, self.around.progress)
        if self.request.dry_run:
            run.prepare()
            _note_plan(run, result)
            return
        with source_lease(self.documents, api.fetch.source, self.run_id) as lease:
            run.check_lease = lease.check
            run.execute()

    def _read_files(
        self, fetch: FileFetch, caller: Caller, url: str, stations: Mapping[str, Station], result: SourceResult
    ) -> None:
        state = FileState(self.documents, fetch.source)
        run = FileRun(
            fetch, caller, url, state, self.store, stations, self._wanted, result, self.folder, self.around.progress
        )
        if self.request.check:
            # Checks whether the network's files are still in the expected place.
            _check(caller, run.check, result)
        elif self.request.dry_run:
            run.prepare()
        else:
            with source_lease(self.documents, fetch.source, self.run_id) as lease:
                run.check_lease = lease.check
                run.execute()


def _check_records(api: Api, stations: Mapping[str, Station], result: SourceResult) -> None:
    """Make one call, to check that the network answers this key with the expected records."""
    if not stations:
        return
    name = next(iter(stations))
    day = datetime.fromtimestamp(api.caller.clock.now(), UTC).date() - timedelta(days=1)

    def ask() -> None:
        result.stations[name].days[day].read = len(api.ask(Window((stations[name].network_id,), day, day)))

    _check(api.caller, ask, result)


def _check(caller: Caller, ask: Callable[[], None], result: SourceResult) -> None:
    """Make one call, and record the result."""
    try:
        ask()
    except WindowError as error:
        _fail(result, error)
    result.calls, result.retries = caller.calls, caller.retries


def _fail(result: SourceResult, error: ForecastError) -> None:
    result.fault, result.exit_code, result.outcome = error.message, error.exit_code, Outcome.FAILED


def _note_plan(run: SourceRun, result: SourceResult) -> None:
    """Record how many days would be read, and with how many calls."""
    plans = run.plan()
    for name, plan in plans.items():
        result.stations[name].days_left = len(plan.days)
    run.count_calls(plans)
