"""Gathers what is known about runs and stations."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from forecast.core.errors import ForecastError
from forecast.core.settings import EMBEDDED_FOLDER, Settings
from forecast.core.stations import Stations
from forecast.mongo.client import connect
from forecast.mongo.lock import holder
from forecast.mongo.station_states import StationStates
from forecast.mongo.strangers import strangers_named
from forecast.report.headline import RunState, Situation
from forecast.report.history import FOLDER, MAX_RUNS, newest_first, past_runs
from forecast.report.models.status import Attention, PipelineStatus
from forecast.report.situation import (
    last_observations,
    reports_unreadable,
    run_state,
    schedule_of,
    situation_at,
    station_states,
)
from forecast.report.status import REPORT_NAME
from forecast.run import copies
from forecast.run.history import runs_of
from forecast.run.slo import configured_slos, past_measurements
from forecast.storage import is_on_s3, open_store


class _Known(NamedTuple):
    """The last runs and which are active, each station's newest observation, and since when it has its state."""

    runs: list[PipelineStatus]
    at_work: str | None
    last: dict[str, datetime]
    since: dict[str, tuple[str, datetime]]


def situation_of(settings: Settings, stations: Stations, now: datetime) -> Situation:
    """The situation at a time, from the database and the reports; what could not be read is among its faults."""
    faults: list[Attention] = []
    reports, unreadable = past_runs(settings.logs_dir, MAX_RUNS)
    try:
        known = _from_database(settings)
    except ForecastError as error:
        message = f"{error.message.rstrip('.')}. The following comes from the reports alone"
        faults.append(Attention("error", "database_unreachable", message))
        known = None
    if known is None and not reports and (settings.processed_uri or "").startswith("s3://"):
        try:
            reports, unreadable = _copied_runs(settings.require_processed_uri(), now)
        except ForecastError as error:
            faults.append(Attention("error", "reports_unreachable", error.message))
    if unreadable:
        faults.append(reports_unreadable(unreadable))
    if known is None:
        last = next((last_observations(report) for report in reports if report.stations), {})
        known = _Known([], None, last, {})
    left = {report.run_id for report in known.runs if report.status == "running"} - {known.at_work}
    # A run that did not reach the database is only in a file; a final report takes precedence over an initial one.
    runs = newest_first(sorted([*known.runs, *reports], key=lambda report: report.status == "running"))
    states = tuple(_as_it_is(run_state(report), left) for report in runs[:MAX_RUNS])
    schedule = schedule_of(settings.schedule, states, now)
    slos, max_age_hours = configured_slos(settings), settings.max_data_age_hours
    return situation_at(
        now,
        states,
        station_states(known.last, stations, now, max_age_hours, known.since),
        schedule,
        slos,
        past_measurements(settings, slos, now),
        max_age_hours=max_age_hours,
        faults=faults,
    )


def _as_it_is(run: RunState, left: set[str]) -> RunState:
    """A run that is recorded as running but does not hold the lease has died."""
    return replace(run, status="died") if run.status == "running" and run.run_id in left else run


def _from_database(settings: Settings) -> _Known | None:
    """What the database knows; None if there is no database on this machine yet."""
    if settings.mongodb_uri is None and not EMBEDDED_FOLDER.exists():
        return None
    with connect(settings) as collection, strangers_named(collection):
        runs, writer = runs_of(collection, MAX_RUNS), holder(collection)
        documents = StationStates.for_collection(collection).read()
    last = {one["_id"]: one["last"] for one in documents if one["last"] is not None}
    return _Known(runs, writer, last, {one["_id"]: (one["state"], one["since"]) for one in documents})


def _copied_runs(processed_uri: str, now: datetime) -> tuple[list[PipelineStatus], list[str]]:
    """The runs whose reports were copied to the processed zone; see `past_runs`."""
    store = open_store(processed_uri)
    if not is_on_s3(store):
        return [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / FOLDER).mkdir()
        for copy in copies.newest_copies(store, f"{FOLDER}/", MAX_RUNS, now):
            store.fetch(copy, folder / FOLDER / Path(copy.key).name)
        if (status := store.find(f"{copies.FOLDER}/{REPORT_NAME}")) is not None:
            store.fetch(status, folder / REPORT_NAME)
        return past_runs(folder, MAX_RUNS)
