"""The history of runs: for each a file in LOGS_DIR, its copy on S3, and a document next to the collection.

The file is written before anything else, so that a run is recorded even if it finds no database. The next run with the
lease adds what the database lacks, and closes runs that were left open, because no other run is active then.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from forecast.core.clock import iso_time
from forecast.core.counts import ratio
from forecast.core.errors import ForecastError, RetryableError
from forecast.core.processes import has_died
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection
from forecast.mongo.history import RunHistory
from forecast.mongo.state import counts_of_run
from forecast.report.headline import missed_before_last, missed_runs
from forecast.report.history import FOLDER, MAX_RUNS, newest_first, past_runs, read_reports
from forecast.report.models.status import Died, ErrorEntry, PipelineStatus, PreviousRun
from forecast.report.situation import run_state, schedule_of
from forecast.report.write import as_data, write_report
from forecast.run import copies
from forecast.storage import Store, is_on_s3

LOGGER = logging.getLogger("forecast.report")
# The error code of a run that its successor found unfinished.
DIED: Final = "died"
_SECONDS: Final = 5.0
_SAME_PLACE: Final = ("mongodb_server", "mongodb_database", "mongodb_collection")


class History:
    """The history of the runs on one collection, maintained by one run."""

    def __init__(self, settings: Settings, zone: Store) -> None:
        self._settings = settings
        self._zone = zone
        self._runs: RunHistory | None = None
        # The newest run of the database but this one, once that has caught up.
        self.newest: PreviousRun | None = None

    def write(self, report: PipelineStatus) -> Path:
        """Write the file of a run, and copy it if the run has ended."""
        path = write_report(f"{FOLDER}/{report.run_id}.json", report, logs_dir=self._settings.logs_dir)
        if report.finished_at is not None:
            copies.copy_to(self._zone, path, self._settings)
        return path

    def catch_up(self, ours: PipelineStatus, collection: ObservationCollection, now: datetime) -> list[datetime]:
        """Add earlier runs that the database lacks, and close unfinished ones. The caller must hold the lease.

        Returns the due times since the previous run at which no run started.
        """
        self._runs = RunHistory.for_collection(collection)
        self._runs.prepare()
        self._enter_others(self._runs, collection, ours, now)
        known, _ = past_runs(self._settings.logs_dir, MAX_RUNS)
        mine = [report for report in known if same_place(report, ours.arguments)]
        stored = runs_of(collection, MAX_RUNS, with_stations=False)
        self.newest = next(map(_as_previous, stored), None)
        states = [run_state(report) for report in newest_first([ours, *stored, *mine])]
        due = schedule_of(self._settings.schedule, states, now).due
        return missed_before_last(states, missed_runs(states, due, now))

    def enter(self, report: PipelineStatus) -> None:
        """Add this run. If the database is unreachable at its end, the next run does this from the file."""
        if self._runs is None:
            return
        if report.finished_at is None:
            self._runs.put(as_data(report))
            return
        try:
            self._runs.put(as_data(report), _SECONDS)
        except RetryableError as error:
            LOGGER.warning("the next run will enter this one into the history: %s", error.message)

    def _enter_others(
        self, runs: RunHistory, collection: ObservationCollection, ours: PipelineStatus, now: datetime
    ) -> None:
        died = Died(found_at=iso_time(now), found_by=ours.run_id)
        open_ones = {report["run_id"]: report for report in runs.running() if report["run_id"] != ours.run_id}
        files, found_copies = self._files(), self._copies(now)
        ended = runs.ended({*files, *found_copies})
        for name in sorted({*files, *found_copies, *open_ones} - ended - {ours.run_id}):
            report = self._known(files.get(name), found_copies.get(name), open_ones.get(name))
            if report is None or not same_place(report, ours.arguments):
                continue
            if report.status == "running":
                if name not in open_ones and not has_died(report.process.place, report.process.pid):
                    continue  # it may be waiting for the lease
                report = closed(report, died, *counts_of_run(collection, name))
                self.write(report)
            runs.put(as_data(report))

    def _files(self) -> dict[str, Path]:
        return {path.stem: path for path in (self._settings.logs_dir / FOLDER).glob("*.json")}

    def _copies(self, now: datetime) -> dict[str, RawObject]:
        """The newest copies on S3, by run."""
        if not is_on_s3(self._zone):
            return {}
        try:
            newest = copies.newest_copies(self._zone, f"{FOLDER}/", MAX_RUNS, now)
        except ForecastError as error:
            LOGGER.warning("the copies of the run history are not read: %s", error.message)
            return {}
        return {Path(raw.key).stem: raw for raw in newest}

    def _known(
        self, file: Path | None, copy: RawObject | None, document: dict[str, Any] | None
    ) -> PipelineStatus | None:
        """The best report of a run, preferably of its end; None if none can be read."""
        found, _ = read_reports([] if file is None else [file])
        if not any(report.status != "running" for report in found) and copy is not None:
            found += self._fetched(copy)
        if document is not None:
            found += _converted([document])
        return min(found, key=lambda report: report.status == "running", default=None)

    def _fetched(self, copy: RawObject) -> list[PipelineStatus]:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / Path(copy.key).name
            try:
                self._zone.fetch(copy, target)
            except ForecastError as error:
                LOGGER.warning("no report of an earlier run from %s: %s", copy.uri, error.message)
                return []
            return read_reports([target])[0]


def runs_of(collection: ObservationCollection, most: int, *, with_stations: bool = True) -> list[PipelineStatus]:
    """The last runs on a collection, newest first, without those of other versions of the program."""
    return _converted(RunHistory.for_collection(collection).newest(most, with_stations=with_stations))


def closed(report: PipelineStatus, died: Died, objects_loaded: int, sums: Mapping[str, int]) -> PipelineStatus:
    """The report of an unfinished run as its successor closes it, with the counts of its finished objects."""
    rate = ratio(sums.get("records_rejected", 0), sums.get("records_extracted", 0))
    counts = msgspec.structs.replace(report.counts, objects_loaded=objects_loaded, rejection_rate=rate, **sums)
    message = "the run did not finish: it was killed, or its machine stopped"
    return msgspec.structs.replace(
        report,
        status="failed",
        exit_code=1,
        finished_at=died.found_at,
        died=died,
        counts=counts,
        errors=[*report.errors, ErrorEntry(None, DIED, message, known=False)],
    )


def _as_previous(report: PipelineStatus) -> PreviousRun:
    """A run as the one after it names it."""
    if report.died is not None:
        return PreviousRun(report.run_id, "died", exit_code=None, started_at=report.started_at, finished_at=None)
    return PreviousRun(report.run_id, report.status, report.exit_code, report.started_at, report.finished_at)


def _converted(documents: Iterable[dict[str, Any]]) -> list[PipelineStatus]:
    found = []
    for document in documents:
        try:
            found.append(msgspec.convert(document, PipelineStatus))
        except msgspec.ValidationError as error:
            LOGGER.warning("the run %s in the history is of another version: %s", document.get("run_id"), error)
    return found


def same_place(report: PipelineStatus, arguments: Mapping[str, Any]) -> bool:
    """Whether a run used the same collection as a run with these arguments."""
    return all(report.arguments.get(name) == arguments.get(name) for name in _SAME_PLACE)
