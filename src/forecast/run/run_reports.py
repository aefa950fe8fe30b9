"""The reports of one pipeline run: its status all the way, and at its end what was found and what was loaded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict

from forecast.core.clock import iso_time
from forecast.core.counts import totals
from forecast.core.errors import ForecastError
from forecast.report.attention import RunLimits, attention
from forecast.report.migration import migration_report
from forecast.report.models.migration import Verification
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import Attention, PipelineStatus, PreviousRun, RunStatus
from forecast.report.status import REPORT_NAME, status_report
from forecast.report.write import write_report, write_timed_report
from forecast.run.run import Run
from forecast.storage import Store
from forecast.storage.s3 import S3Store

LOGGER = logging.getLogger("forecast.report")


class RunReports:
    """Writes the reports of a run to `logs/`, and copies to the processed zone where that is on S3."""

    def __init__(self, run: Run, processed: Store) -> None:
        self._run = run
        self._processed = processed

    def begin(self) -> None:
        """The run has the lease: write that it is running, after what is known of the run before it."""
        run = self._run
        run.progress.previous_run = previous = previous_run(run)
        if previous is not None and previous.status == "died":
            words = "the run before this one did not come to its end: %s, begun %s"
            facts = {"event": "predecessor_died", "previous_run": previous.run_id}
            LOGGER.warning(words, previous.run_id, previous.started_at, extra={"facts": facts})
        self.status("running")

    def status(self, status: RunStatus, exit_code: int | None = None) -> PipelineStatus:
        """Write pipeline_status.json and give it; a dry run writes none, nor does one that another run turned away."""
        run = self._run
        finished = datetime.now(UTC)
        report = status_report(
            run.info,
            run.progress,
            run.objects,
            status=status,
            exit_code=exit_code,
            finished_at=None if exit_code is None else finished,
            attention=[] if exit_code is None else self._attention(),
        )
        if not run.options.dry_run and not run.turned_away:
            path = write_report(REPORT_NAME, report, logs_dir=run.settings.logs_dir)
            if exit_code is not None:
                self._copy(path)
        if exit_code is not None:
            LOGGER.info("the run ended: %s", status, extra={"facts": self._last_line(report, finished)})
        return report

    def _attention(self) -> list[Attention]:
        run = self._run
        limits = RunLimits(run.options.max_rejection_rate, run.settings.max_data_age_hours)
        return attention(run.progress, run.objects, run.tally, run.findings, run.conflicts.removed, limits)

    def _last_line(self, report: PipelineStatus, finished: datetime) -> dict[str, Any]:
        """What metrics are made of: the outcome, times and counts of a run, as one line of the log."""
        return {
            "event": "run_finished",
            "run_id": report.run_id,
            "status": report.status,
            "exit_code": report.exit_code,
            "dry_run": report.dry_run,
            "times": asdict(report.times),
            "seconds": round((finished - self._run.facts.started_at).total_seconds(), 3),
            "rows": report.counts.rows_read,
            **asdict(report.counts),
        }

    def findings(self, quality: QualityReport, verification: Verification) -> None:
        """Write the quality and the migration report, and say in the status what was written where."""
        run = self._run
        sums = totals(run.objects)
        if published := run.progress.records_published:
            run.progress.add_written("records", f"{self._processed.uri.rstrip('/')}/observations/", published)
        if changed := sums["inserted"] + sums["updated"]:
            place = f"{run.settings.mongodb_database}.{run.settings.mongodb_collection}"
            # Those that the collection holds now, where that could still be asked.
            run.progress.add_written("documents", place, verification.documents_in_database or changed)
        now = datetime.now(UTC)
        migration = migration_report(run.facts.run_id, run.objects, verification, now, run.conflicts.removed)
        for report in (quality, migration):
            path = write_timed_report(report, logs_dir=run.settings.logs_dir, now=now)
            run.progress.add_written("report", str(path), 1)
            self._copy(path)

    def _copy(self, path: Path) -> None:
        """The report is there already: a zone out of reach costs its copy, not the run."""
        if not isinstance(self._processed, S3Store):
            return
        try:
            self._processed.publish(path, f"logs/{path.name}")
        except ForecastError as error:
            LOGGER.warning("no copy of %s: %s", path.name, error.message)


def previous_run(run: Run) -> PreviousRun | None:
    """The run before this one: as its status or the lease that it left behind has it; "died" where it did not end."""
    told = _last_status(run.settings.logs_dir / REPORT_NAME)
    left_by = None if run.lease is None else run.lease.left_by
    if left_by is not None and (told is None or told.run_id != left_by["run_id"]):
        # On another machine, or a command that writes no status.
        begun = iso_time(left_by["since"])
        return PreviousRun(left_by["run_id"], "died", exit_code=None, started_at=begun, finished_at=None)
    if told is None:
        return None
    died = told.status == "running" and _works_where(told, run)
    return PreviousRun(told.run_id, "died" if died else told.status, told.exit_code, told.started_at, told.finished_at)


def _works_where(told: PipelineStatus, run: Run) -> bool:
    """Whether a run works on the collection of this one, whose lease nobody else has; on another it may be at work."""
    ours = run.info.arguments
    places = ("mongodb_server", "mongodb_database", "mongodb_collection")
    return all(told.arguments.get(name) == ours[name] for name in places)


def _last_status(path: Path) -> PipelineStatus | None:
    """The status that a run before left; None where there is none that this version could have written."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PipelineStatus)
    except (OSError, ValueError):
        return None
