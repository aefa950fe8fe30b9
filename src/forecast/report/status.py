"""pipeline_status.json: always the last run."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from forecast.core.clock import iso_time
from forecast.core.counts import ObjectCounts, QcCounts, ratio, totals
from forecast.core.format_version import FORMAT_VERSION
from forecast.core.processes import this_place
from forecast.report.models.status import (
    Argument,
    Attention,
    ErrorEntry,
    PipelineStatus,
    PreviousRun,
    Process,
    RunCounts,
    RunStatus,
    StageTimes,
    Written,
)
from forecast.report.silence import Seen, newest_age_seconds

REPORT_NAME = "pipeline_status.json"
STAGES = StageTimes.__struct_fields__
# Keeps the status readable even if a run has a hundred thousand broken objects.
MAX_ERRORS = 1000


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known about a run before it begins; `arguments` are its options by name."""

    run_id: str
    started_at: datetime
    pipeline_version: str
    arguments: Mapping[str, Any]
    dry_run: bool = False
    process: Process = field(default_factory=lambda: Process(socket.gethostname(), os.getpid(), this_place()))


@dataclass(slots=True)
class RunProgress:
    """What a run has done so far.

    `times` are seconds by stage; `windows` are the first and the last moment of a stage, in nanoseconds since 1970.
    `written`, `errors` and `previous_run` are as in the report. `records_published` were written to the processed zone.
    `newest_raw_object` is when the newest of the listed objects was written.
    """

    times: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    objects_listed: int = 0
    objects_skipped: int = 0
    objects_already_processed: int = 0
    records_published: int = 0
    previous_run: PreviousRun | None = None
    evaluated: QcCounts = field(default_factory=QcCounts)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    stations_silent: int | None = None
    stations_newly_silent: int | None = None
    newest_raw_object: datetime | None = None
    missed_runs: Sequence[datetime] = ()
    written: list[Written] = field(default_factory=list)
    errors: list[ErrorEntry] = field(default_factory=list)

    def add_written(self, kind: str, place: str, count: int) -> None:
        """Record where something was written: `place` is a URI, or the path of a local file."""
        where = {"uri" if "://" in place else "path": place}
        self.written.append(Written(kind=kind, count=count, **where))

    def add_error(self, code: str, message: str, key: str | None = None) -> None:
        """Record an error of one object, or of the run if `key` is None."""
        self.errors.append(ErrorEntry(key, code, message, known=False))


def status_report(
    run: RunInfo,
    progress: RunProgress,
    objects: Sequence[ObjectCounts],
    *,
    status: RunStatus,
    exit_code: int | None = None,
    finished_at: datetime | None = None,
    attention: Sequence[Attention] = (),
) -> PipelineStatus:
    """Describe a run; `exit_code` and `finished_at` are None while it is running.

    Errors are those of `progress`, then those of the objects, with known ones last; after MAX_ERRORS the rest are
    only counted.
    """
    ordered = sorted(objects, key=lambda counts: counts.known)
    errors = progress.errors + [error for counts in ordered for error in _errors_of(counts)]
    return PipelineStatus(
        format_version=FORMAT_VERSION,
        status=status,
        run_id=run.run_id,
        previous_run=progress.previous_run,
        exit_code=exit_code,
        started_at=iso_time(run.started_at),
        finished_at=iso_time(finished_at) if finished_at else None,
        pipeline_version=run.pipeline_version,
        arguments={name: _plain(name, value) for name, value in run.arguments.items()},
        dry_run=run.dry_run,
        process=run.process,
        missed_runs=[iso_time(moment) for moment in progress.missed_runs],
        died=None,
        times=StageTimes(**{stage: round(progress.times.get(stage, 0.0), 3) for stage in STAGES}),
        counts=_counts(progress, objects),
        attention=list(attention),
        stations={name: one.entry() for name, one in progress.seen.items()},
        written=list(progress.written),
        errors=errors[:MAX_ERRORS],
        errors_truncated=max(0, len(errors) - MAX_ERRORS),
        newest_raw_object=None if progress.newest_raw_object is None else iso_time(progress.newest_raw_object),
    )


def _errors_of(counts: ObjectCounts) -> Iterator[ErrorEntry]:
    """Why an object was left out, and what of it could not be read."""
    if counts.error_code is not None or counts.error is not None:
        code, message = counts.error_code or counts.outcome, counts.error or ""
        yield ErrorEntry(counts.key, code, message, counts.known)
    for code, _, words in counts.unread:
        yield ErrorEntry(counts.key, code, words, known=False)


def _counts(progress: RunProgress, objects: Sequence[ObjectCounts]) -> RunCounts:
    sums = totals(objects)
    outcomes = [counts.outcome for counts in objects if not counts.known]
    return RunCounts(
        objects_listed=progress.objects_listed,
        objects_skipped=progress.objects_skipped,
        objects_already_processed=progress.objects_already_processed,
        objects_loaded=outcomes.count("loaded"),
        objects_rejected=outcomes.count("rejected"),
        objects_known_rejected=sum(counts.known for counts in objects),
        objects_failed=outcomes.count("failed"),
        objects_interrupted=outcomes.count("interrupted"),
        **sums,
        unread_parameters=sum(len(counts.unread_parameters) for counts in objects),
        renamed_parameters=sum(len(counts.renamed_parameters) for counts in objects),
        objects_with_unknown_columns=sum(counts.unknown_columns is not None for counts in objects),
        documents_checked=progress.evaluated.evaluated,
        documents_reflagged=progress.evaluated.rewritten,
        flags_changed=progress.evaluated.flags_changed,
        rejection_rate=ratio(sums["records_rejected"], sums["records_extracted"]),
        stations_silent=progress.stations_silent,
        stations_newly_silent=progress.stations_newly_silent,
        newest_observation_age_s=newest_age_seconds(progress.seen),
    )


def _plain(name: str, value: Any) -> Argument:
    """Return an option's value for JSON; a connection string is never shown."""
    if "mongodb_uri" in name.lower().replace("-", "_") and value is not None:
        return "***"
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
