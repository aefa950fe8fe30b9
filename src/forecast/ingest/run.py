"""One run of `forecast ingest` over the sources that were asked for, one after another."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from forecast.core.clock import report_time
from forecast.core.errors import ForecastError, InterruptedRunError, SettingError, worst_exit_code
from forecast.core.places import absolute, check_not_inside
from forecast.core.settings import Settings
from forecast.core.stations import Station, Stations
from forecast.core.text import listed
from forecast.core.work_folder import work_folder
from forecast.ingest.api import Api, Window
from forecast.ingest.clock import Clock, SystemClock
from forecast.ingest.faults import WindowError
from forecast.ingest.licences import is_non_commercial
from forecast.ingest.lock import source_lease
from forecast.ingest.pace import Pace
from forecast.ingest.result import Outcome, SourceResult
from forecast.ingest.secret import Key
from forecast.ingest.source import Progress, SourceRun, Wanted, no_progress
from forecast.ingest.sources import FETCHES, MANIFESTED
from forecast.ingest.state import SourceState
from forecast.ingest.transport import HttpTransport, Transport
from forecast.networks.fetch import Fetch
from forecast.storage import Store, open_store
from forecast.storage.documents import Documents, open_documents

STATE_SETTING = "INGEST_STATE_URI"


@dataclass(frozen=True, slots=True)
class Request:
    """What a command was asked for; without sources, all that have a key."""

    sources: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    full_refresh: bool = False
    dry_run: bool = False
    check: bool = False

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise SettingError(f"--since {self.since} is later than --until {self.until}")


@dataclass(slots=True)
class Surroundings:
    """What a run meets outside of it; tests give their own."""

    stop: threading.Event = field(default_factory=threading.Event)
    clock: Clock | None = None
    transport: Callable[[Fetch], Transport] = lambda fetch: HttpTransport(ipv4_only=fetch.ipv4_only)
    fetches: Mapping[str, Fetch] = field(default_factory=lambda: FETCHES)
    documents: Documents | None = None
    progress: Progress = no_progress


@dataclass(slots=True)
class IngestResult:
    """What a run has done."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    request: Request
    sources: list[SourceResult] = field(default_factory=list)
    without_key: dict[str, str] = field(default_factory=dict)  # source, and the setting that it lacks

    @property
    def exit_code(self) -> int:
        """The worst of the sources."""
        return worst_exit_code(source.exit_code for source in self.sources)

    @property
    def outcome(self) -> Outcome:
        """The outcome of all: that of each where they agree, else partial."""
        outcomes = {source.outcome for source in self.sources}
        if Outcome.INTERRUPTED in outcomes:
            return Outcome.INTERRUPTED
        worse = outcomes - {Outcome.SUCCESS}
        if len(worse) == 1 and worse in (outcomes, {Outcome.QUOTA_REACHED}):
            return worse.pop()
        return Outcome.PARTIAL if worse else Outcome.SUCCESS


@dataclass(slots=True)
class _Run:
    settings: Settings
    request: Request
    around: Surroundings
    clock: Clock
    run_id: str
    store: Store
    documents: Documents
    folder: Path

    def check_stop(self) -> None:
        if self.around.stop.is_set():
            raise InterruptedRunError("interrupted: what was read is kept; run again to go on")

    def read(self, fetch: Fetch, stations: Mapping[str, Station], result: SourceResult) -> None:
        """Read one source; every foreseeable fault goes into the result."""
        try:
            key = Key("" if fetch.key_setting is None else str(getattr(self.settings, fetch.key_setting.lower())))
            pace = Pace(fetch, key, self.documents, self.clock)
            api = Api(
                fetch,
                key,
                str(getattr(self.settings, fetch.url_setting.lower())),
                self.around.transport(fetch),
                pace,
                self.clock,
                self.check_stop,
            )
            try:
                self._read(api, stations, result)
            finally:
                result.quota_left = pace.left()
        except ForecastError as error:
            result.fault, result.exit_code, result.outcome = error.message, error.exit_code, Outcome.FAILED

    def _read(self, api: Api, stations: Mapping[str, Station], result: SourceResult) -> None:
        if self.request.check:
            _check(api, stations, result)
            return
        state = SourceState(self.documents, api.fetch.source)
        wanted = Wanted(self.request.since, self.request.until, self.request.full_refresh)
        run = SourceRun(api, state, self.store, stations, wanted, result, self.folder, self.around.progress)
        if self.request.dry_run:
            run.prepare()
            _foretell(run, result)
            return
        with source_lease(self.documents, api.fetch.source, self.run_id) as lease:
            run.check_lease = lease.check
            run.execute()


def run_ingest(
    settings: Settings, request: Request, stations: Stations, around: Surroundings | None = None
) -> IngestResult:
    """Read what is new from the networks' APIs into the raw zone.

    Raises SettingError for what is wrong before any call: no key, an unknown source or station, a place for the state
    that would be read as raw data.
    """
    around = around or Surroundings()
    clock = around.clock or SystemClock(around.stop)
    store, documents = _places(settings, around)
    fetches, without_key = _sources(settings, request, around.fetches, {station.network for station in stations})
    chosen = _stations(request, stations, fetches)
    now = datetime.fromtimestamp(clock.now(), UTC)
    result = IngestResult(f"{report_time(now)}-{secrets.token_hex(3)}", now, now, request, without_key=without_key)
    with work_folder() as folder:
        run = _Run(settings, request, around, clock, result.run_id, store, documents, folder)
        for fetch in fetches:
            of_source = SourceResult(fetch.source, fetch.network, quota_per_day=fetch.per_day)
            of_source.left_out = _left_out(settings, chosen[fetch.source])
            result.sources.append(of_source)
            allowed = {name: s for name, s in chosen[fetch.source].items() if name not in of_source.left_out}
            run.read(fetch, allowed, of_source)
            if of_source.outcome is Outcome.INTERRUPTED:
                break
    result.finished_at = datetime.fromtimestamp(clock.now(), UTC)
    return result


def state_place(raw_uri: str) -> str:
    """Where the state is by default: beside the raw zone. Raises SettingError where nothing is beside it."""
    place = absolute(raw_uri).rstrip("/")
    if place in {"", "s3:"} or (place.count("/") == 2 and place.startswith("s3://")):  # noqa: PLR2004  a bucket alone
        raise SettingError(
            f"RAW_URI ({raw_uri}) is a whole bucket or disk, and the state of ingest must not be inside it; "
            f"set {STATE_SETTING}"
        )
    return f"{place}.ingest/"


def _places(settings: Settings, around: Surroundings) -> tuple[Store, Documents]:
    raw = settings.require_raw_uri()
    state = settings.ingest_state_uri or state_place(raw)
    check_not_inside(("RAW_URI", raw), (STATE_SETTING, state))
    return open_store(raw, "RAW_URI"), around.documents or open_documents(state, STATE_SETTING)


def _sources(
    settings: Settings, request: Request, known: Mapping[str, Fetch], networks: Set[str]
) -> tuple[list[Fetch], dict[str, str]]:
    """The sources to read, and those that have no key though none was named.

    Where none is named, those are read whose network has stations in the registry.
    """
    asked = _known_sources(request.sources, known)
    _check_stations(asked if request.sources else [], networks)
    asked = [fetch for fetch in asked if fetch.network in networks]
    missing = {
        fetch.source: fetch.key_setting
        for fetch in asked
        if fetch.key_setting is not None and not getattr(settings, fetch.key_setting.lower())
    }
    if missing and (request.sources or len(missing) == len(asked)):
        raise SettingError(
            *(
                f"{setting} is not set (the key of {source}); get your own from the network and set it in the "
                "environment or in .env"
                for source, setting in missing.items()
            )
        )
    return [fetch for fetch in asked if fetch.source not in missing], missing


def _stations(request: Request, stations: Stations, fetches: list[Fetch]) -> dict[str, dict[str, Station]]:
    networks = {fetch.network for fetch in fetches}
    for name in request.stations:
        station = stations.get(name)
        if station is None:
            raise SettingError(f"--station {name}: the registry has no such station")
        if station.network not in networks:
            raise SettingError(f"--station {name} is of {station.network}, which is not read here")
    return {
        fetch.source: {
            station.id: station
            for station in stations
            if station.network == fetch.network and (not request.stations or station.id in request.stations)
        }
        for fetch in fetches
    }


def airbyte_sources(names: tuple[str, ...], stations: Stations) -> list[Fetch]:
    """The sources of these names that Airbyte can read; where none is named, those that have stations.

    Raises SettingError for an unknown one, and for one without stations.
    """
    networks = {station.network for station in stations}
    asked = _known_sources(names, MANIFESTED)
    _check_stations(asked if names else [], networks)
    return [fetch for fetch in asked if fetch.network in networks]


def allowed_stations(settings: Settings, stations: Stations, fetches: list[Fetch]) -> dict[str, list[str]]:
    """The networks' own ids of the stations by source, without those whose licence keeps them out."""
    chosen = _stations(Request(), stations, fetches)
    return {
        source: [station.network_id for name, station in found.items() if name not in _left_out(settings, found)]
        for source, found in chosen.items()
    }


def _known_sources(names: tuple[str, ...], known: Mapping[str, Fetch]) -> list[Fetch]:
    if unknown := [name for name in names if name not in known]:
        raise SettingError(f"{listed(unknown)}: no such source; there are {', '.join(sorted(known))}")
    return [known[name] for name in dict.fromkeys(names or known)]


def _check_stations(asked: Iterable[Fetch], networks: Set[str]) -> None:
    for fetch in asked:
        if fetch.network not in networks:
            raise SettingError(f"--source {fetch.source}: the station registry has no station of {fetch.network}")


def _left_out(settings: Settings, stations: Mapping[str, Station]) -> dict[str, str]:
    if settings.allow_non_commercial:
        return {}
    return {
        name: f"its licence is {station.licence['name']}; ALLOW_NON_COMMERCIAL=yes reads it"
        for name, station in stations.items()
        if is_non_commercial(station.licence)
    }


def _check(api: Api, stations: Mapping[str, Station], result: SourceResult) -> None:
    """Make one call, which tells whether the network answers this key with records as they are expected."""
    if not stations:
        return
    name = next(iter(stations))
    day = datetime.fromtimestamp(api.clock.now(), UTC).date() - timedelta(days=1)
    try:
        result.stations[name].days[day].read = len(api.ask(Window((stations[name].network_id,), day, day)))
    except WindowError as error:
        result.fault, result.exit_code, result.outcome = error.message, error.exit_code, Outcome.FAILED
    result.calls, result.retries = api.calls, api.retries


def _foretell(run: SourceRun, result: SourceResult) -> None:
    """Which calls would be made."""
    plans = run.plan()
    for name, plan in plans.items():
        result.stations[name].days_left = len(plan.days)
    run.count_calls(plans)
