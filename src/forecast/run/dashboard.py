"""Builds the dashboard's model from the reports, the processed zone and the database, and publishes its files."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from forecast import __version__
from forecast.core.errors import ForecastError, RetryableError
from forecast.core.presence import SILENT_HOURS
from forecast.core.settings import Settings
from forecast.core.slo import Slos, default_slos
from forecast.core.stations import Station, Stations
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.strangers import strangers_named
from forecast.report.headline import RunState, Schedule, StationState, assess
from forecast.report.history import FOLDER
from forecast.report.situation import (
    last_observations,
    reports_unreadable,
    run_state,
    schedule_of,
    situation_at,
    station_states,
)
from forecast.report.status import REPORT_NAME
from forecast.run.cache import code_digest
from forecast.run.copies import FOLDER as COPIES
from forecast.run.copies import newest_copies
from forecast.run.slo import configured_slos
from forecast.run.station_views import with_database, with_details
from forecast.site.build import changed_files, of_the_database, site_files
from forecast.site.logs import TIMED, Logs, read_logs
from forecast.site.model import NIGHTS, NO_SCHEDULE, STATIONS_A_RUN, Night, Place, Quarantine, Site, StationView
from forecast.site.publish import Published, publish_site
from forecast.site.quarantine import read_quarantine
from forecast.storage import Store, open_store

LOGGER = logging.getLogger("forecast.run.dashboard")
_NO_RUN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def write_dashboard(
    settings: Settings,
    stations: Stations,
    database_fault: str | None = None,
    collection: ObservationCollection | None = None,
    most_stations: int | None = None,
) -> Published:
    """Build the site and write the changed files to SITE_URI; `collection` is one that is already connected.

    Of stations that only have new values, the pages of at most `most_stations` are written (of all if it is None).

    Without the database (`database_fault` says why it is not used), only the reports are used, and the stations'
    pages stay as they were. Raises ForecastError if the site cannot be written.
    """
    zone = None if settings.processed_uri is None else open_store(settings.processed_uri)
    with _reports(settings.logs_dir, zone) as folder:
        logs = read_logs(folder)
    runs, slos = tuple(map(run_state, logs.runs)), configured_slos(settings)
    # As of the newest run, like everything else on the site.
    schedule = schedule_of(settings.schedule, runs, runs[0].started_at) if runs else NO_SCHEDULE
    site = make_site(logs, stations, settings.max_data_age_hours, read_zone(zone, logs), schedule, slos)
    target = open_store(site_uri(settings), "SITE_URI")
    if database_fault is None:
        try:
            with (
                connect(settings) if collection is None else nullcontext(collection) as connected,
                strangers_named(connected),
            ):
                known = replace(site, stations=with_database(site.stations, connected))
                files = changed_files(known, code_digest(), partial(with_details, collection=connected))
                at = 0.0 if site.made_at is None else site.made_at.timestamp()
                return publish_site(files, target, most_groups=most_stations, at=at)
        except ForecastError as error:
            # If the site is what cannot be written, the second attempt reports it.
            LOGGER.warning("the dashboard is built without the database: %s", error.message)
            database_fault = error.message
    site = replace(site, database_fault=database_fault)
    return publish_site(site_files(site), target, of_the_database(site))


def write_dashboard_or_warn(
    settings: Settings,
    stations: Stations,
    fault: ForecastError | None,
    collection: ObservationCollection | None = None,
) -> None:
    """The same at the end of a run, for which a fault is only a warning.

    If the run failed because the database was lost, it is not waited for again.
    """
    try:
        database_fault = fault.message if isinstance(fault, RetryableError) else None
        write_dashboard(settings, stations, database_fault, collection, STATIONS_A_RUN)
    except ForecastError as error:
        LOGGER.warning("the dashboard was not written: %s", error.message)
    except Exception:
        LOGGER.exception("the dashboard was not written because of an internal error")


def site_uri(settings: Settings) -> str:
    """The place of the site."""
    return settings.site_uri or str(settings.logs_dir / "site")


def make_site(
    logs: Logs,
    stations: Stations,
    max_age_hours: float | None,
    quarantine: Quarantine,
    schedule: Schedule = NO_SCHEDULE,
    slos: Slos | None = None,
) -> Site:
    """The model of the site, as of the newest run: times in reports are not compared with the clock.

    Without `slos`, the objectives are the built-in ones.
    """
    made_at = datetime.fromisoformat(logs.runs[0].started_at) if logs.runs else None
    seen = next((report for report in logs.runs if report.stations), None)
    last = {} if seen is None else last_observations(seen)
    # As of the run that found them, so that a failed run does not make stations late.
    seen_at = _NO_RUN if seen is None else datetime.fromisoformat(seen.started_at)
    states = station_states(last, stations, seen_at, max_age_hours)
    runs = tuple(map(run_state, logs.runs))
    situation = situation_at(
        made_at or _NO_RUN,
        runs,
        states,
        schedule,
        slos or default_slos(),
        logs.measurements,
        max_age_hours=max_age_hours,
        faults=(reports_unreadable(logs.unreadable),) if logs.unreadable else (),
        measured_until=_newest(logs, runs),
    )
    return Site(
        made_at=made_at,
        version=__version__,
        assessment=(assessment := assess(situation)),
        nights=_with_missed(logs.nights, assessment.missed),
        stations=tuple(_views(states, stations, last, logs)),
        quality=logs.quality,
        latency=logs.latency,
        ingestion=logs.ingestion,
        quarantine=quarantine,
        schedule=situation.schedule,
        max_rejection_rate=_rejection_limit(logs),
        silent_hours=SILENT_HOURS if max_age_hours is None else max_age_hours,
        budgets=situation.budgets,
    )


def _newest(logs: Logs, runs: Sequence[RunState]) -> datetime | None:
    """The time of the newest report of any kind."""
    measurements = logs.measurements
    made = [report.generated_at for report in measurements.latency] + [one.generated_at for one in measurements.load]
    return max([*(run.started_at for run in runs), *map(datetime.fromisoformat, made)], default=None)


def _with_missed(nights: tuple[Night, ...], missed: Iterable[datetime]) -> tuple[Night, ...]:
    """The runs, and the due times at which none started, oldest first."""
    without = [Night("", "missed", moment) for moment in missed]
    return tuple(sorted([*nights, *without], key=lambda night: night.started_at)[-NIGHTS:])


def _rejection_limit(logs: Logs) -> float | None:
    """The share of rejected records above which the newest run had to end with exit code 3."""
    found = logs.runs[0].arguments.get("max_rejection_rate") if logs.runs else None
    return found if isinstance(found, float) else None


def read_zone(zone: Store | None, logs: Logs) -> Quarantine:
    """The quarantined rows."""
    return Quarantine(objects=logs.objects) if zone is None else read_quarantine(zone, logs.objects)


@contextmanager
def _reports(logs_dir: Path, zone: Store | None) -> Iterator[Path]:
    """The folder of reports, together with those that only S3 has, if the zone is available."""
    if zone is None or not zone.uri.startswith("s3://"):
        yield logs_dir
        return
    with TemporaryDirectory(prefix="forecast-reports-") as name:
        folder = Path(name)
        (folder / FOLDER).mkdir()
        newest = [zone.find(f"{COPIES}/{REPORT_NAME}")]
        for kind in (f"{FOLDER}/", *(f"{kind}_" for kind in TIMED)):
            newest += newest_copies(zone, kind, NIGHTS, datetime.now(UTC))
        for copy in newest:
            if copy is not None:
                zone.fetch(copy, folder / copy.key.removeprefix(f"{COPIES}/"))
        if logs_dir.is_dir():
            shutil.copytree(logs_dir, folder, dirs_exist_ok=True, ignore=_no_reports)
        yield folder


def _no_reports(_: str, names: list[str]) -> set[str]:
    return {name for name in names if not (name == FOLDER or name.endswith(".json"))}


def _views(
    states: tuple[StationState, ...], stations: Stations, last: Mapping[str, datetime], logs: Logs
) -> Iterator[StationView]:
    for one in states:
        station = stations.get(one.station)
        if station is not None:
            yield StationView(
                place_of(station), one.state, one.last, since=one.since, findings=logs.findings.get(one.station, ())
            )
    for name, moment in last.items():
        if stations.get(name) is None:
            yield StationView(Place(name, name), "unregistered", moment, findings=logs.findings.get(name, ()))


def place_of(station: Station) -> Place:
    """A station of the registry, as shown on the pages."""
    return Place(
        id=station.id,
        name=station.name,
        network=station.network,
        latitude=float(station.latitude),
        longitude=float(station.longitude),
        elevation=float(station.elevation),
        interval_minutes=float(station.interval_minutes),
        licence=station.licence["name"],
        parameters=station.parameters,
    )
