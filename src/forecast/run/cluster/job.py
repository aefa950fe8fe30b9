"""What is sent between processes: the run for its workers, and their results."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from forecast.core.counts import QcCounts
from forecast.core.errors import ForecastError
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.report.findings import Findings
from forecast.run.run import Run, RunOptions
from forecast.run.share import Share
from forecast.zone.writer import RunContext

_LOGGER: Final = logging.getLogger("forecast")


@dataclass(frozen=True, slots=True)
class Job:
    """The description of a run for its workers.

    `settings` are those that a worker needs, without credentials, except for the connection string if the workers are
    `local`, that is, processes of the same machine and user. `program` is the digest of what records depend on.
    """

    settings: Settings
    options: RunOptions
    context: RunContext
    stations: Stations
    program: str
    local: bool


def job_of(
    run: Run, stations: Stations, raw_uri: str, processed_uri: str, program: str, mongodb_uri: str | None
) -> Job:
    """The description of a run for its workers; with a connection string if they are local."""
    settings = Settings(
        raw_uri=raw_uri,
        processed_uri=processed_uri,
        mongodb_uri=mongodb_uri,
        mongodb_database=run.settings.mongodb_database,
        mongodb_collection=run.settings.mongodb_collection,
        log_level=run.settings.log_level,
        limits=run.settings.limits,
    )
    return Job(settings, run.options, run.context, stations, program, local=mongodb_uri is not None)


@dataclass(frozen=True, slots=True)
class Done:
    """The result for an object from a worker: its share of the counts, the log, and a fault that ends the run.

    An object that was staged and waits to be loaded is `at` that worker, with the station-days of its records.
    """

    share: Share
    log: list[logging.LogRecord]
    fault: ForecastError | None = None
    at: str | None = None
    station_days: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The result of a QC window; `reflagged` are the station-days whose flags were rewritten.

    `outdated` are days before changed days that the worker enqueued (`PendingQc.enqueue_reflagged`).
    """

    counts: QcCounts
    findings: Findings
    reflagged: set[tuple[str, int]]
    outdated: set[tuple[str, int]]
    log: list[logging.LogRecord]
    fault: ForecastError | None = None


def tell(log: list[logging.LogRecord]) -> None:
    """Log the records of a worker in this process."""
    for record in log:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            _LOGGER.handle(record)
