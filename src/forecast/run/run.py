"""One run over raw objects: its request, its results, and its outcome."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pandas as pd

from forecast import __version__
from forecast.core.clock import report_time
from forecast.core.counts import ObjectCounts, QualityTally, ratio, totals
from forecast.core.errors import ForecastError, InterruptedRunError, SettingError
from forecast.core.presence import Presence
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection, server_of
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.lock import Lease, LeaseHeldError, lease
from forecast.report.findings import Findings
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import RunStatus
from forecast.report.status import RunInfo, RunProgress
from forecast.zone.writer import RunContext

# The code of an object that this user or role may not read.
ACCESS_DENIED = "access_denied"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of `pipeline` that are not settings."""

    since: date | None = None
    until: date | None = None
    reprocess: bool = False
    dry_run: bool = False
    max_rejection_rate: float = 0.05
    wait: bool = False
    rerun_qc: bool = False
    workers: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.scheduler is not None:
            raise SettingError("--workers and --scheduler exclude each other")
        if self.on_cluster and self.dry_run:
            raise SettingError("--dry-run goes without workers: what it would load is known in one process only")
        if self.workers is not None and self.workers < 1:
            raise SettingError(f"--workers is {self.workers}; expected a number from 1")
        if self.scheduler is not None and not re.fullmatch(r"(tcp|tls)://[^/@\s]+:[0-9]{1,5}", self.scheduler):
            raise SettingError(
                "--scheduler is not the address of a Dask scheduler; expected tcp://HOST:PORT or tls://HOST:PORT"
            )
        if self.since and self.until and self.since > self.until:
            raise SettingError(f"--since {self.since} is later than --until {self.until}")
        if not 0 <= self.max_rejection_rate <= 1:
            raise SettingError(f"--max-rejection-rate is {self.max_rejection_rate}; expected a share from 0 to 1")

    @property
    def on_cluster(self) -> bool:
        """Whether the workers of a Dask cluster do the work."""
        return self.workers is not None or self.scheduler is not None

    @property
    def takes_what_is_new(self) -> bool:
        """Whether the run processes new objects, instead of selected ones or all."""
        return self.since is None and self.until is None and not self.reprocess

    def takes(self, day: date) -> bool:
        """Whether objects synced on this UTC day are taken."""
        return (self.since is None or day >= self.since) and (self.until is None or day <= self.until)


def new_run_id(now: datetime) -> str:
    """An id for a command's run: its time, and a suffix that distinguishes two in the same second."""
    return f"{report_time(now)}-{secrets.token_hex(3)}"


@dataclass(slots=True)
class Run:
    """The state of a run; its counts become the reports."""

    settings: Settings
    options: RunOptions
    context: RunContext
    progress: RunProgress = field(default_factory=RunProgress)
    objects: list[ObjectCounts] = field(default_factory=list)
    tally: QualityTally = field(default_factory=QualityTally)
    findings: Findings = field(default_factory=Findings)
    conflicts: Conflicts = field(default_factory=Conflicts)
    loaded_station_days: set[tuple[str, int]] = field(default_factory=set)
    samples: list[pd.DataFrame] = field(default_factory=list)
    presence: Presence | None = None
    # The one that was written; none in a dry run, or if the run failed before.
    quality: QualityReport | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    lease: Lease | None = None
    # Another run was active and did not end before this one gave up, so the other's status is kept.
    turned_away: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def begin(cls, settings: Settings, options: RunOptions) -> Run:
        """A new run that begins now."""
        now = datetime.now(UTC)
        context = RunContext(new_run_id(now), now, __version__)
        return cls(settings, options, context)

    @property
    def info(self) -> RunInfo:
        """What is known of the run before its end, for the status report."""
        arguments = {
            "raw_uri": self.settings.raw_uri,
            "processed_uri": self.settings.processed_uri,
            "mongodb_server": server_of(self.settings),
            "mongodb_database": self.settings.mongodb_database,
            "mongodb_collection": self.settings.mongodb_collection,
            "since": self.options.since,
            "until": self.options.until,
            "reprocess": self.options.reprocess,
            "rerun_qc": self.options.rerun_qc,
            "max_rejection_rate": self.options.max_rejection_rate,
        }
        run = self.context
        return RunInfo(run.run_id, run.started_at, run.pipeline_version, arguments, dry_run=self.options.dry_run)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage; stages overlap, so their sum may be more than the run's time."""
        begun, start = time.time_ns(), time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            with self._lock:
                self.progress.times[stage] += seconds
                first, last = self.progress.windows.get(stage, (begun, begun))
                self.progress.windows[stage] = min(first, begun), max(last, begun + round(seconds * 1e9))

    def check_stop(self) -> None:
        """Raise InterruptedRunError after Ctrl-C or SIGTERM, RetryableError if the lease was lost."""
        if self.stop.is_set():
            raise InterruptedRunError("interrupted: work in progress was finished; run again to continue")
        self.check_lease()

    def check_lease(self) -> None:
        """Raise RetryableError without the lease."""
        if self.lease is not None:
            self.lease.check()

    @contextmanager
    def writing(self, collection: ObservationCollection) -> Iterator[None]:
        """Hold the lease of the collection; a dry run needs none."""
        if self.options.dry_run:
            yield
            return
        with ExitStack() as stack:
            try:
                held = lease(collection, self.context.run_id, wait=self.options.wait, check_stop=self.check_stop)
                self.lease = stack.enter_context(held)
            except (LeaseHeldError, InterruptedRunError):
                self.turned_away = True
                raise
            yield

    def final_status(self, fault: ForecastError | None) -> tuple[RunStatus, int]:
        """Status and exit code of a run that finished, or that a fault ended."""
        if fault is not None:
            return "interrupted" if isinstance(fault, InterruptedRunError) else "failed", fault.exit_code
        # Objects that an earlier run rejected were reported then.
        new = [counts for counts in self.objects if not counts.known]
        outcomes = {counts.outcome for counts in new}
        if any(counts.error_code == ACCESS_DENIED for counts in new):
            return "partial", SettingError.exit_code
        if "failed" in outcomes or "interrupted" in outcomes:
            return "partial", 1
        sums = totals(self.objects)
        rate = ratio(sums["records_rejected"], sums["records_extracted"])
        unread = any(True for counts in self.objects for _ in counts.unread)
        not_delivered = any(counts.records_not_delivered for counts in self.objects)
        if "rejected" in outcomes or unread or not_delivered or rate > self.options.max_rejection_rate:
            return "partial", 3
        return "success", 0
