"""What is known of runs and stations, from wherever it can be read."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Final

from forecast.core.errors import ForecastError
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.core.text import listed
from forecast.report.headline import Situation
from forecast.report.history import FOLDER, past_runs
from forecast.report.models.status import Attention, PipelineStatus
from forecast.report.situation import last_observations, run_state, station_states
from forecast.report.status import REPORT_NAME
from forecast.storage import open_store
from forecast.storage.s3 import S3Store

# Six weeks of nights.
MOST_RUNS: Final = 42
_LOGS: Final = "logs"


def situation_of(settings: Settings, stations: Stations, now: datetime) -> Situation:
    """The situation at a moment; what could not be read is among its faults."""
    reports, unreadable = past_runs(settings.logs_dir, MOST_RUNS)
    faults = []
    if not reports and settings.processed_uri is not None and settings.processed_uri.startswith("s3://"):
        try:
            reports, unreadable = _copied_runs(settings.processed_uri)
        except ForecastError as error:
            faults.append(Attention("error", "reports_unreachable", error.message))
    if unreadable:
        message = f"These are no status reports of this version: {listed(unreadable)}. Move them elsewhere"
        faults.append(Attention("warning", "reports_unreadable", message))
    last = next((last_observations(report) for report in reports if report.stations), {})
    return Situation(
        now,
        tuple(map(run_state, reports)),
        station_states(last, stations, now, settings.max_data_age_hours),
        max_age_hours=settings.max_data_age_hours,
        faults=tuple(faults),
    )


def _copied_runs(processed_uri: str) -> tuple[list[PipelineStatus], list[str]]:
    """The runs whose reports were copied to the processed zone; see `past_runs`."""
    store = open_store(processed_uri)
    if not isinstance(store, S3Store):
        return [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / FOLDER).mkdir()
        copies = [raw for raw in store.list(f"{_LOGS}/{FOLDER}/") if raw.key.endswith(".json")]
        for raw in sorted(copies, key=lambda raw: raw.key)[-MOST_RUNS:]:
            store.fetch(raw, folder / FOLDER / Path(raw.key).name)
        if (status := store.find(f"{_LOGS}/{REPORT_NAME}")) is not None:
            store.fetch(status, folder / REPORT_NAME)
        return past_runs(folder, MOST_RUNS)
