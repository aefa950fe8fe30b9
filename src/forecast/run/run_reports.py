"""Writes the reports of a pipeline run: its status throughout, and the quality and migration reports at its end."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import asdict

from forecast.core.clock import iso_time, minute
from forecast.core.counts import totals
from forecast.core.errors import ForecastError
from forecast.mongo.client import ObservationCollection
from forecast.report.attention import RunLimits, attention
from forecast.report.history import read_reports
from forecast.report.lineage import FOLDER as LINEAGE
from forecast.report.lineage import lineage
from forecast.report.migration import migration_report
from forecast.report.models.migration import Verification
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import Attention, PipelineStatus, PreviousRun, RunStatus
from forecast.report.spans import send_spans
from forecast.report.status import REPORT_NAME, status_report
from forecast.report.write import write_report, write_text, write_timed_report
from forecast.run.copies import copy_to
from forecast.run.history import History, same_place
from forecast.run.run import Run
from forecast.storage import Store

LOGGER = logging.getLogger("forecast.report")


class RunReports:
    """Writes the reports of a run to LOGS_DIR, their copies if the processed zone is on S3, and the history."""

    def __init__(self, run: Run, processed: Store) -> None:
        self._run = run
        self._processed = processed
        self._history = History(run.settings, processed)

    def start(self) -> None:
        """Record the start of the run in the history, whether it finds a database or not."""
        if not self._run.options.dry_run:
            self._history.write(self._report("running", None, None))

    def begin(self, collection: ObservationCollection) -> None:
        """Record that the run is running, after updating the history of earlier runs. It must hold the lease."""
        run = self._run
        run.progress.previous_run = previous = previous_run(run)
        if previous is not None and previous.status == "died":
            words = "the previous run did not finish: %s, started %s"
            facts = {"event": "predecessor_died", "previous_run": previous.run_id}
            LOGGER.warning(words, previous.run_id, previous.started_at, extra={"facts": facts})
        if not run.options.dry_run:
            ours = self._report("running", None, None)
            run.progress.missed_runs = self._history.catch_up(ours, collection, run.context.started_at)
            # A task on AWS begins without the files of the one before.
            run.progress.previous_run = previous or self._history.newest
        for moment in run.progress.missed_runs:
            facts = {"event": "run_missed", "due_at": iso_time(moment)}
            LOGGER.warning("the run due at %s did not start (SCHEDULE)", minute(moment), extra={"facts": facts})
        self.status("running")

    def end(self, fault: ForecastError | None) -> PipelineStatus:
        """Write and return the final status of a run that finished, or that a fault ended."""
        if fault is not None:
            self._run.progress.add_error(type(fault).__name__, fault.message)
            LOGGER.error(fault.message)
        return self.status(*self._run.final_status(fault))

    def status(self, status: RunStatus, exit_code: int | None = None) -> PipelineStatus:
        """Write and return the status: in the history, and as the last run unless another run turned this one away.

        A dry run writes none.
        """
        run = self._run
        finished = None if exit_code is None else datetime.now(UTC)
        report = self._report(status, exit_code, finished)
        if not run.options.dry_run:
            if not run.turned_away:
                path = write_report(REPORT_NAME, report, logs_dir=run.settings.logs_dir)
                if finished is not None:
                    copy_to(self._processed, path, run.settings)
                    self._lineage(report)
            self._history.write(report)
            self._history.enter(report)
        if finished is not None:
            LOGGER.info("the run ended: %s", status, extra={"facts": self._last_line(report, finished)})
            if (endpoint := run.settings.otlp_endpoint) is not None and not run.options.dry_run:
                send_spans(endpoint, report, run.progress.windows)
        return report

    def _lineage(self, report: PipelineStatus) -> None:
        name, text = f"{LINEAGE}/{report.run_id}.jsonl", lineage(report, self._run.objects)
        path = write_text(name, text, logs_dir=self._run.settings.logs_dir)
        copy_to(self._processed, path, self._run.settings)

    def _report(self, status: RunStatus, exit_code: int | None, finished: datetime | None) -> PipelineStatus:
        run = self._run
        return status_report(
            run.info,
            run.progress,
            run.objects,
            status=status,
            exit_code=exit_code,
            finished_at=finished,
            attention=[] if finished is None else self._attention(),
        )

    def _attention(self) -> list[Attention]:
        run = self._run
        limits = RunLimits(run.options.max_rejection_rate, run.settings.max_data_age_hours)
        return attention(run.progress, run.objects, run.tally, run.findings, run.conflicts.removed, limits)

    def _last_line(self, report: PipelineStatus, finished: datetime) -> dict[str, Any]:
        """The data for metrics, in one log line: outcome, times and counts of a run."""
        return {
            "event": "run_finished",
            "run_id": report.run_id,
            "status": report.status,
            "exit_code": report.exit_code,
            "dry_run": report.dry_run,
            "times": asdict(report.times),
            "seconds": round((finished - self._run.context.started_at).total_seconds(), 3),
            "rows": report.counts.rows_read,
            **asdict(report.counts),
        }

    def findings(self, quality: QualityReport, verification: Verification) -> None:
        """Write the quality and migration reports, and record in the status what was written where."""
        run = self._run
        sums = totals(run.objects)
        if published := run.progress.records_published:
            run.progress.add_written("records", f"{self._processed.uri.rstrip('/')}/observations/", published)
        if changed := sums["inserted"] + sums["updated"]:
            place = f"{run.settings.mongodb_database}.{run.settings.mongodb_collection}"
            # The number of documents in the collection now, if the database could still be queried.
            run.progress.add_written("documents", place, verification.documents_in_database or changed)
        now = datetime.now(UTC)
        migration = migration_report(run.context.run_id, run.objects, verification, now, run.conflicts.removed)
        for report in (quality, migration):
            path = write_timed_report(report, logs_dir=run.settings.logs_dir, now=now)
            run.progress.add_written("report", str(path), 1)
            copy_to(self._processed, path, run.settings)


def previous_run(run: Run) -> PreviousRun | None:
    """The previous run, from its status or the lease it left behind; "died" if it did not finish."""
    # None if there is no report of this version.
    last = next(iter(read_reports([run.settings.logs_dir / REPORT_NAME])[0]), None)
    left_by = None if run.lease is None else run.lease.left_by
    if left_by is not None and (last is None or last.run_id != left_by["run_id"]):
        # It ran on another machine, or was a command that writes no status.
        begun = iso_time(left_by["since"])
        return PreviousRun(left_by["run_id"], "died", exit_code=None, started_at=begun, finished_at=None)
    if last is None:
        return None
    # This run holds the lease of its collection; on another collection, the other run may still be active.
    died = last.status == "running" and same_place(last, run.info.arguments)
    return PreviousRun(last.run_id, "died" if died else last.status, last.exit_code, last.started_at, last.finished_at)
