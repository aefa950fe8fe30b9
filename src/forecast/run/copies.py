"""Copies reports to the processed zone if it is on S3, because LOGS_DIR may be lost with the machine."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from forecast.core.clock import report_time
from forecast.core.errors import ForecastError
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Settings
from forecast.report.models.base import Report
from forecast.report.write import write_timed_report
from forecast.storage import Store, is_on_s3, open_store

LOGGER = logging.getLogger("forecast.report")
FOLDER: Final = "logs"
# By default, copies are kept forever. For runs every hour or every night, the newest ones are from these days.
_LOOKBACK_DAYS: Final = (3, 60)


def write_and_copy(report: Report, settings: Settings, now: datetime) -> Path:
    """Write a command's report to LOGS_DIR under its kind and time, copy it, and return its path."""
    path = write_timed_report(report, logs_dir=settings.logs_dir, now=now)
    uri = settings.processed_uri
    if uri is not None and uri.startswith("s3://"):
        try:
            copy_to(open_store(uri), path, settings)
        except ForecastError as error:
            LOGGER.warning("%s was not copied: %s", path.name, error.message)
    return path


def newest_copies(zone: Store, kind: str, most: int, now: datetime) -> list[RawObject]:
    """The newest copies of reports of a kind (the path below the folder of reports, before the time), oldest first.

    Raises ForecastError if the zone cannot be listed.
    """
    for days in _LOOKBACK_DAYS:
        found = _copies(zone, kind, report_time(now - timedelta(days=days)))
        if len(found) >= most:
            break
    else:
        found = _copies(zone, kind)
    # "…Z-2.json" comes after "…Z.json".
    return sorted(found, key=lambda copy: copy.key.removesuffix(".json"))[-most:]


def _copies(zone: Store, kind: str, after: str = "") -> list[RawObject]:
    """The copies of a kind, optionally only those after a name."""
    begin = f"{FOLDER}/{kind}"
    return [copy for copy in zone.list(begin, after and begin + after) if copy.key.endswith(".json")]


def copy_to(zone: Store, path: Path, settings: Settings) -> None:
    """Copy a report from LOGS_DIR. If the zone is unreachable, only the copy is missing, and the log says so."""
    if not is_on_s3(zone):
        return
    try:
        zone.publish(path, f"{FOLDER}/{path.relative_to(settings.logs_dir).as_posix()}")
    except ForecastError as error:
        LOGGER.warning("%s was not copied: %s", path.name, error.message)
