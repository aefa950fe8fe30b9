"""The reports of one pipeline run: its status all the way, and at its end what was found and what was loaded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError
from forecast.report.counts import totals
from forecast.report.migration import migration_report
from forecast.report.status import REPORT_NAME, status_report
from forecast.report.write import write_report, write_timed_report
from forecast.runs import Run
from forecast.stores import S3Store, Store

LOGGER = logging.getLogger("forecast.report")


class RunReports:
    """Writes the reports of a run to `logs/`, and copies to the processed zone where that is on S3."""

    def __init__(self, run: Run, processed: Store) -> None:
        self._run = run
        self._processed = processed

    def status(self, status: str, exit_code: int | None = None) -> dict[str, Any]:
        """Write pipeline_status.json and give it; a dry run writes nothing."""
        run = self._run
        finished = None if exit_code is None else datetime.now(UTC)
        report = status_report(
            run.info, run.progress, run.objects, status=status, exit_code=exit_code, finished_at=finished
        )
        if not run.options.dry_run:
            path = write_report(REPORT_NAME, report, logs_dir=run.settings.logs_dir, schema="pipeline_status")
            if exit_code is not None:
                self._copy(path)
        if exit_code is not None:
            LOGGER.info("the run ended: %s", status, extra={"facts": _last_line(report)})
        return report

    def findings(self, quality: dict[str, Any], verification: dict[str, Any]) -> None:
        """Write the quality and the migration report, and say in the status what was written where."""
        run = self._run
        sums = totals(run.objects)
        run.progress.add_written(
            "records", f"{self._processed.uri.rstrip('/')}/observations/", sums["records_validated"]
        )
        place = f"{run.settings.mongodb_database}.{run.settings.mongodb_collection}"
        run.progress.add_written("documents", place, sums["inserted"] + sums["updated"])
        now = datetime.now(UTC)
        migration = migration_report(run.facts.run_id, run.objects, verification, now, run.conflicts.removed)
        for kind, report in (("quality_report", quality), ("migration_report", migration)):
            path = write_timed_report(kind, report, logs_dir=run.settings.logs_dir, now=now)
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


def _last_line(report: dict[str, Any]) -> dict[str, Any]:
    """What metrics are made of: the outcome and the counts of a run, as one line of the log."""
    named = {name: report[name] for name in ("run_id", "status", "exit_code", "dry_run")}
    return {"event": "run_finished", **named, **report["counts"]}
