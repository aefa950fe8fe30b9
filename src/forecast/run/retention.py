"""Removes reports and runs that are older than LOGS_RETENTION_DAYS."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final

from forecast.core.clock import report_time
from forecast.core.errors import ForecastError
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection
from forecast.mongo.history import RunHistory
from forecast.report.history import FOLDER as HISTORY
from forecast.report.lineage import FOLDER as LINEAGE
from forecast.run import copies
from forecast.storage import Store, is_on_s3

LOGGER = logging.getLogger("forecast.report")
# The kind and the time in the name of a timed report or a run's file.
_TIMED: Final = re.compile(rf"(?P<kind>[a-z_]+_report_|{HISTORY}/|{LINEAGE}/)(?P<time>\d{{8}}T\d{{6}}Z)[-\w]*\.jsonl?")


def remove_old(settings: Settings, zone: Store, collection: ObservationCollection, now: datetime) -> None:
    """Remove timed reports and runs that are too old, but never the newest of a kind; the log says how many.

    They are removed from LOGS_DIR, its copy on S3, and the run history in the database. What cannot be removed
    is logged.
    """
    if settings.logs_retention_days is None:
        return
    moment = now - timedelta(days=settings.logs_retention_days)
    files, of_zone = _remove_files(settings, moment), _remove_copies(zone, moment)
    documents = RunHistory.for_collection(collection).remove_before(moment)
    if files or of_zone or documents:
        LOGGER.info(
            "removed what is older than %d days (LOGS_RETENTION_DAYS): %d reports, %d copies of reports, %d runs",
            settings.logs_retention_days,
            files,
            of_zone,
            documents,
            extra={"facts": {"event": "old_reports_removed", "reports": files, "copies": of_zone, "runs": documents}},
        )


def old_names(names: Iterable[str], moment: datetime) -> list[str]:
    """The names of timed reports from before a time, without the newest of each kind."""
    newest: dict[str, str] = {}
    old = []
    for name in sorted(names, key=lambda name: name.partition(".")[0]):
        if (found := _TIMED.fullmatch(name)) is not None:
            newest[found["kind"]] = name
            if found["time"] < report_time(moment.astimezone(UTC)):
                old.append(name)
    return [name for name in old if name not in newest.values()]


def _remove_files(settings: Settings, moment: datetime) -> int:
    folder = settings.logs_dir
    found = chain.from_iterable(
        folder.glob(pattern) for pattern in ("*.json", f"{HISTORY}/*.json", f"{LINEAGE}/*.jsonl")
    )
    names = [path.relative_to(folder).as_posix() for path in found]
    removed = 0
    for name in old_names(names, moment):
        try:
            (folder / name).unlink(missing_ok=True)
            removed += 1
        except OSError as error:
            LOGGER.warning("the old report %s cannot be removed: %s", name, error.strerror)
    return removed


def _remove_copies(zone: Store, moment: datetime) -> int:
    if not is_on_s3(zone):
        return 0
    prefix = f"{copies.FOLDER}/"
    try:
        old = old_names([raw.key.removeprefix(prefix) for raw in zone.list(prefix)], moment)
        for name in old:
            zone.remove(prefix + name)
    except ForecastError as error:
        LOGGER.warning("old copies of reports are not removed: %s", error.message)
        return 0
    return len(old)
