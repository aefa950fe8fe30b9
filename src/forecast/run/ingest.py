"""`forecast ingest` as a whole: the run, its log, and its report."""

from __future__ import annotations

import logging

from forecast.core.logs import progress_bar
from forecast.core.memory import map_answers
from forecast.core.processes import stoppable
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.run import IngestResult, run_ingest
from forecast.report.ingest import ingest_report, metrics
from forecast.report.models.ingest import IngestReport
from forecast.run.copies import write_and_copy

LOGGER = logging.getLogger("forecast.ingest")
_LEVELS = logging.getLevelNamesMapping()


def ingest_and_report(
    settings: Settings, request: Request, stations: Stations, around: Surroundings | None = None
) -> tuple[IngestResult, IngestReport]:
    """Run ingest and write its report, unless it is a dry run; Ctrl-C and SIGTERM end it between two calls.

    Raises SettingError for faults that are found before the first call.
    """
    map_answers()
    around = around or Surroundings()
    around.progress = lambda calls, source: progress_bar(calls, f"calls to {source}")
    with stoppable(around.stop):
        result = run_ingest(settings, request, stations, around)
    report = ingest_report(result)
    LOGGER.info("ingest ended: %s", report.status, extra={"facts": metrics(report)})
    for entry in report.attention:
        LOGGER.log(_LEVELS[entry.severity.upper()], "%s", entry.message)
    if not (request.dry_run or request.check):
        write_and_copy(report, settings, result.finished_at)
    return result, report
