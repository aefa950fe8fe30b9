"""The service level objectives of a command: the built-in ones, or those of SLO_URI."""

from __future__ import annotations

import logging
from collections.abc import Container
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from forecast.core.clock import report_time
from forecast.core.errors import ForecastError
from forecast.core.settings import Settings
from forecast.core.slo import Slos, default_slos, read_slos
from forecast.report.error_budget import Evidence, error_budgets, measured
from forecast.report.headline import missed_runs
from forecast.report.history import FOLDER as HISTORY
from forecast.report.history import newest_first
from forecast.report.models.base import Report
from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.load_test import LoadTestReport
from forecast.report.models.slo import ErrorBudget
from forecast.report.models.status import PipelineStatus
from forecast.report.situation import run_state, schedule_of
from forecast.run.copies import FOLDER
from forecast.run.stations import content_of, find_file
from forecast.storage import open_store

LOGGER = logging.getLogger("forecast.report")
_ReportT = TypeVar("_ReportT", bound=Report)


def configured_slos(settings: Settings) -> Slos:
    """The objectives that the settings name.

    Raises SettingError if the file is missing or wrong, RetryableError if S3 is unreachable.
    """
    if settings.slo_uri is None:
        return default_slos()
    store, listed = find_file(settings.slo_uri, "SLO_URI")
    with TemporaryDirectory(prefix="forecast-slo-") as folder:
        return read_slos(content_of(store, listed, Path(folder) / "file"), listed.uri)


def query_budgets(
    settings: Settings, slos: Slos, now: datetime, newest: QueryLatencyReport | LoadTestReport
) -> list[ErrorBudget]:
    """The error budgets of the queries, including a report that is not written yet; only those that were measured."""
    past = past_measurements(settings, slos, now)
    latency = [*past.latency, *([newest] if isinstance(newest, QueryLatencyReport) else [])]
    load = [*past.load, *([newest] if isinstance(newest, LoadTestReport) else [])]
    return list(measured(error_budgets(slos, Evidence(latency=latency, load=load), now)))


def past_measurements(settings: Settings, slos: Slos, now: datetime) -> Evidence:
    """The reports of queries in the days of the budgets, from LOGS_DIR and from their copies on S3.

    Reports that cannot be read are logged and left out.
    """
    since = _first_day(slos, now)
    return Evidence(
        latency=_reports(settings, QueryLatencyReport, f"{QueryLatencyReport.kind}_", since),
        load=_reports(settings, LoadTestReport, f"{LoadTestReport.kind}_", since),
    )


def run_budgets(settings: Settings, slos: Slos, now: datetime) -> list[ErrorBudget]:
    """The error budgets of runs and of freshness, from the history of runs in LOGS_DIR and its copies on S3.

    Only those with enough measurements.
    """
    reports = _reports(settings, PipelineStatus, f"{HISTORY}/", _first_day(slos, now))
    runs = [run_state(report) for report in newest_first(reports)]
    missed = missed_runs(runs, schedule_of(settings.schedule, runs, now).due, now)
    return list(measured(error_budgets(slos, Evidence(runs=runs, missed_runs=missed), now)))


def _first_day(slos: Slos, now: datetime) -> str:
    """The start of the budgets' days, in the form of report names."""
    return report_time(now - timedelta(days=slos.window_days))


def _reports(settings: Settings, of: type[_ReportT], prefix: str, since: str) -> list[_ReportT]:
    """The reports whose names consist of this prefix and a time, from a time on."""
    found = []
    for name, content in sorted(_contents(settings, prefix, prefix + since).items()):
        try:
            found.append(msgspec.json.decode(content, type=of))
        except (msgspec.DecodeError, UnicodeDecodeError):
            LOGGER.warning("error budgets exclude %s, which is not a report of this version", name)
    return found


def _contents(settings: Settings, prefix: str, first: str) -> dict[str, bytes]:
    """The contents of the reports, by their name below LOGS_DIR."""
    folder, found = settings.logs_dir, {}
    for path in folder.glob(f"{prefix}*.json"):
        name = path.relative_to(folder).as_posix()
        if name >= first:
            try:
                found[name] = path.read_bytes()
            except OSError as error:
                LOGGER.warning("error budgets exclude %s: %s", name, error.strerror)
    try:
        return found | _copies(settings, prefix, first, found)
    except ForecastError as error:
        LOGGER.warning("error budgets only cover the reports in LOGS_DIR: %s", error.message)
        return found


def _copies(settings: Settings, prefix: str, first: str, known: Container[str]) -> dict[str, bytes]:
    """The reports that only S3 has, by their name there."""
    uri = settings.processed_uri
    if uri is None or not uri.startswith("s3://"):
        return {}
    zone, found = open_store(uri), {}
    with TemporaryDirectory(prefix="forecast-reports-") as folder:
        for copy in zone.list(f"{FOLDER}/{prefix}"):
            name = copy.key.removeprefix(f"{FOLDER}/")
            if name >= first and name.endswith(".json") and name not in known:
                found[name] = content_of(zone, copy, Path(folder) / "file")
    return found
