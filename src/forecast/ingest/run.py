"""One run of `forecast ingest` over the requested sources, one after another."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from forecast.core.clock import report_time
from forecast.core.errors import SettingError, worst_exit_code
from forecast.core.logs import log_as
from forecast.core.places import absolute, check_not_inside
from forecast.core.settings import Settings
from forecast.core.stations import Station, Stations
from forecast.core.text import listed
from forecast.core.work_folder import work_folder
from forecast.ingest.licences import is_non_commercial
from forecast.ingest.reading import Reading
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.result import Outcome, SourceResult
from forecast.ingest.sources import MANIFESTED
from forecast.networks.fetch import Fetch
from forecast.networks.file_fetch import FileFetch
from forecast.networks.source import Source
from forecast.storage import Store, open_store
from forecast.storage.documents import Documents, open_documents

STATE_SETTING = "INGEST_STATE_URI"
AnySource = TypeVar("AnySource", Fetch, Source)


@dataclass(slots=True)
class IngestResult:
    """What a run has done."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    request: Request
    sources: list[SourceResult] = field(default_factory=list)
    without_key: dict[str, str] = field(default_factory=dict)  # source, and the setting that is missing

    @property
    def exit_code(self) -> int:
        """The worst exit code of the sources."""
        return worst_exit_code(source.exit_code for source in self.sources)

    @property
    def outcome(self) -> Outcome:
        """The overall outcome: that of all sources if they agree, otherwise partial."""
        outcomes = {source.outcome for source in self.sources}
        if Outcome.INTERRUPTED in outcomes:
            return Outcome.INTERRUPTED
        worse = outcomes - {Outcome.SUCCESS}
        if len(worse) == 1 and worse in (outcomes, {Outcome.QUOTA_REACHED}):
            return worse.pop()
        return Outcome.PARTIAL if worse else Outcome.SUCCESS


def run_ingest(
    settings: Settings, request: Request, stations: Stations, around: Surroundings | None = None
) -> IngestResult:
    """Read what is new from the networks' APIs into the raw zone.

    Raises SettingError for faults that are found before any call: no key, an unknown source or station, or a place for
    the state that would be read as raw data.
    """
    around = around or Surroundings()
    clock = around.the_clock
    store, documents = _places(settings, around)
    known: dict[str, Source] = {**around.fetches, **around.files}
    fetches, without_key = _sources(settings, request, known, {station.network for station in stations})
    chosen = _stations(request, stations, fetches)
    now = datetime.fromtimestamp(clock.now(), UTC)
    result = IngestResult(f"{report_time(now)}-{secrets.token_hex(3)}", now, now, request, without_key=without_key)
    log_as(result.run_id)
    with work_folder() as folder:
        reading = Reading(settings, request, around, result.run_id, store, documents, folder)
        for fetch in fetches:
            of_source = SourceResult(fetch.source, fetch.network, quota_per_day=fetch.per_day)
            of_source.left_out = _left_out(settings, chosen[fetch.source])
            result.sources.append(of_source)
            allowed = {name: s for name, s in chosen[fetch.source].items() if name not in of_source.left_out}
            reading.read(fetch, allowed, of_source)
            if of_source.outcome is Outcome.INTERRUPTED:
                break
    result.finished_at = datetime.fromtimestamp(clock.now(), UTC)
    return result


def state_place(raw_uri: str) -> str:
    """The default place of the state, next to the raw zone. Raises SettingError if nothing can be next to it."""
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
    settings: Settings, request: Request, known: Mapping[str, Source], networks: Set[str]
) -> tuple[list[Source], dict[str, str]]:
    """The sources to read, and those left out for lack of a key.

    If none is named, those whose network has stations in the registry are read, except those that have to be named.
    """
    by_default = (name for name, one in known.items() if not (isinstance(one, FileFetch) and one.only_named))
    asked = _known_sources(request.sources or tuple(by_default), known)
    _check_stations(asked if request.sources else [], networks)
    asked = [fetch for fetch in asked if fetch.network in networks]
    missing = {
        fetch.source: fetch.key_setting
        for fetch in asked
        if fetch.key_setting is not None and not settings.of_networks.get(fetch.key_setting)
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


def _stations(request: Request, stations: Stations, fetches: Sequence[Source]) -> dict[str, dict[str, Station]]:
    networks = {fetch.network for fetch in fetches}
    for name in request.stations:
        station = stations.get(name)
        if station is None:
            raise SettingError(f"--station {name}: the registry has no such station")
        if station.network not in networks:
            raise SettingError(f"--station {name} is of {station.network}, which is not being read")
    return {
        fetch.source: {
            station.id: station
            for station in stations
            if station.network == fetch.network and (not request.stations or station.id in request.stations)
        }
        for fetch in fetches
    }


def airbyte_sources(names: tuple[str, ...], stations: Stations) -> list[Fetch]:
    """The sources with these names that Airbyte can read; if none is named, those with stations.

    Raises SettingError for an unknown source, and for one without stations.
    """
    networks = {station.network for station in stations}
    asked = _known_sources(names, MANIFESTED)
    _check_stations(asked if names else [], networks)
    return [fetch for fetch in asked if fetch.network in networks]


def allowed_stations(settings: Settings, stations: Stations, fetches: list[Fetch]) -> dict[str, list[str]]:
    """The networks' own ids of the stations by source, without those excluded by their licence."""
    chosen = _stations(Request(), stations, fetches)
    return {
        source: [station.network_id for name, station in found.items() if name not in _left_out(settings, found)]
        for source, found in chosen.items()
    }


def _known_sources(names: tuple[str, ...], known: Mapping[str, AnySource]) -> list[AnySource]:
    if unknown := [name for name in names if name not in known]:
        raise SettingError(f"{listed(unknown)}: no such source; there are {', '.join(sorted(known))}")
    return [known[name] for name in dict.fromkeys(names or known)]


def _check_stations(asked: Iterable[Source], networks: Set[str]) -> None:
    for fetch in asked:
        if fetch.network not in networks:
            raise SettingError(f"--source {fetch.source}: the station registry has no station of {fetch.network}")


def _left_out(settings: Settings, stations: Mapping[str, Station]) -> dict[str, str]:
    if settings.allow_non_commercial:
        return {}
    return {
        name: f"its licence is {station.licence['name']}; set ALLOW_NON_COMMERCIAL=yes to read it"
        for name, station in stations.items()
        if is_non_commercial(station.licence)
    }
