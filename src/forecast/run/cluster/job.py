"""What crosses processes: the run as its workers know it, and what they give back."""

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
    """A run as its workers know it.

    `settings` hold those that a worker needs and no credential, but for the connection string where the workers are
    `local`, processes of the machine and of the user of the run. `program` is the digest of what makes a record.
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
    """The run for its workers; with a connection string where they are local."""
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
    """What became of an object on a worker: its share of the counts, the log, and the fault that ends the run.

    One that was staged and waits to be loaded is `at` that worker, with the station-days of its records.
    """

    share: Share
    log: list[logging.LogRecord]
    fault: ForecastError | None = None
    at: str | None = None
    station_days: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of a QC window: `reflagged` are the station-days whose flags were rewritten."""

    counts: QcCounts
    findings: Findings
    reflagged: set[tuple[str, int]]
    log: list[logging.LogRecord]
    fault: ForecastError | None = None


def tell(log: list[logging.LogRecord]) -> None:
    """Log here what a worker has logged."""
    for record in log:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            _LOGGER.handle(record)
