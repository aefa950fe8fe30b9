"""What a worker of a Dask cluster does for a run: stage an object, load it, evaluate a QC window.

A worker process does one thing at a time, so that its memory is that of one object. It keeps what it has staged until
that is loaded, and reads an object again if another worker staged it, or if it was dropped to free space.
"""

from __future__ import annotations

import copy
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from distributed import WorkerPlugin, get_worker

from forecast.core.counts import QcCounts
from forecast.core.errors import ForecastError, InterruptedRunError, SettingError
from forecast.core.logs import trace_without_secrets
from forecast.core.memory import configure_allocators
from forecast.core.raw_objects import RawObject
from forecast.core.settings import load_settings
from forecast.core.work_folder import work_folder
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.loader import station_days
from forecast.mongo.lock import WorkerLease
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_window
from forecast.mongo.state import Checkpoints
from forecast.mongo.strangers import strangers_named
from forecast.qc.windows import QcWindow
from forecast.report.findings import Findings
from forecast.run.cache import program_digest
from forecast.run.cluster.job import Done, Evaluated, Job
from forecast.run.disk_budget import DiskBudget
from forecast.run.loading import Loader
from forecast.run.run import Run
from forecast.run.share import Share
from forecast.run.staged import StagedObject
from forecast.run.staging import Stager
from forecast.storage import Store, open_store
from forecast.transform import RULES_VERSION
from forecast.zone.writer import OBSERVATIONS

_LOGGER: Final = logging.getLogger("forecast")
# How long a worker waits for its current task when a run is being stopped.
_END_SECONDS: Final = 30


def stage(name: str, run_id: str, number: int, raw: RawObject) -> Done:
    """Stage an object on this worker."""
    part = _part_of(name, run_id)
    return _nothing_done() if part is None else part.stage(number, raw)


def load(name: str, run_id: str, number: int, raw: RawObject) -> Done:
    """Load an object that this worker has staged; otherwise, stage it first."""
    part = _part_of(name, run_id)
    return _nothing_done() if part is None else part.load(number, raw)


def evaluate(name: str, run_id: str, window: QcWindow, seen: frozenset[tuple[str, int]]) -> Evaluated:
    """Evaluate a window; the station-days in `seen` were already counted."""
    part = _part_of(name, run_id)
    if part is None:
        return Evaluated(QcCounts(), Findings(), set(), set(), [], _ended())
    return part.evaluate(window, seen)


def stop(name: str, dask_worker: Any) -> None:
    """Stop a run's work at the next opportunity. Dask passes the worker because of the argument's name."""
    if name in dask_worker.plugins:
        dask_worker.plugins[name].part.stop.set()


class RunPlugin(WorkerPlugin):  # type: ignore[misc]
    """Gives every worker of a cluster its part in a run, including workers that join later."""

    def __init__(self, name: str, job: Job) -> None:
        self.name = name
        self._job = job

    def setup(self, worker: Any) -> None:
        """Start the part of a worker."""
        if self._job.local and threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches all processes of a terminal, but the run tells its workers when to end.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.part = _Part(self._job, worker.address)

    def teardown(self, worker: Any) -> None:  # noqa: ARG002  as Dask calls it
        """End it."""
        self.part.close()


def _part_of(name: str, run_id: str) -> _Part | None:
    """The part of this worker; None if it is about to end, or works for a later run."""
    plugin = get_worker().plugins.get(name)
    part: _Part | None = None if plugin is None or plugin.part.run_id != run_id else plugin.part
    return part


def _nothing_done() -> Done:
    return Done(Share([]), [], _ended())


def _ended() -> InterruptedRunError:
    return InterruptedRunError("this worker does not work for the run any more")


@dataclass(frozen=True, slots=True)
class _Tools:
    """What a worker opens once per run."""

    raw: Store
    processed: Store
    collection: ObservationCollection
    checkpoints: Checkpoints
    pending_qc: PendingQc
    lease: WorkerLease
    folder: Path
    space: DiskBudget


class _Part:
    """A worker process's part in a run."""

    def __init__(self, job: Job, address: str) -> None:
        self.stop = threading.Event()
        self.run_id = job.context.run_id
        self._job = job
        self._address = address
        self._turn = threading.Lock()
        self._closed = False
        self._ends = ExitStack()
        self._opened: _Tools | None = None
        self._folders = count()
        self._staged: dict[int, tuple[Stager, StagedObject]] = {}

    def close(self) -> None:
        """Stop the work in progress, wait for it, and release everything."""
        self.stop.set()
        self._closed = True
        if self._turn.acquire(timeout=_END_SECONDS):
            try:
                self._staged.clear()
                self._ends.close()
            finally:
                self._turn.release()

    def stage(self, number: int, raw: RawObject) -> Done:
        """See `stage`."""
        with self._turn, _captured(self._job) as log:
            run, fault, days = self._new_run(), None, None
            try:
                days = self._stage(run, number, raw)
            except ForecastError as error:
                fault = error
            if days is None:
                return Done(Share.of(run), log, fault)
            return Done(Share.of(run), log, fault, self._address, days)

    def load(self, number: int, raw: RawObject) -> Done:
        """See `load`."""
        with self._turn, _captured(self._job) as log:
            run, fault = self._new_run(), None
            try:
                self._tools()
                if number in self._staged or self._stage(run, number, raw) is not None:
                    self._load(run, number)
            except ForecastError as error:
                fault = error
            return Done(Share.of(run), log, fault)

    def evaluate(self, window: QcWindow, seen: frozenset[tuple[str, int]]) -> Evaluated:
        """See `evaluate`."""
        with self._turn, _captured(self._job) as log:
            findings = Findings(evaluated_days=set(seen))
            try:
                tools = self._tools()
                run = self._new_run()
                run.check_stop()
                with strangers_named(tools.collection):
                    counts, reflagged, outdated = evaluate_window(
                        window, tools.pending_qc, tools.collection, self._job.stations, findings
                    )
                return Evaluated(counts, findings, reflagged, outdated, log)
            except ForecastError as error:
                return Evaluated(QcCounts(), findings, set(), set(), log, error)

    def _new_run(self) -> Run:
        """A run to count one piece of work in."""
        lease = None if self._opened is None else self._opened.lease
        return Run(self._job.settings, self._job.options, self._job.context, stop=self.stop, lease=lease)

    def _stage(self, run: Run, number: int, raw: RawObject) -> frozenset[tuple[str, int]] | None:
        """Stage an object; return its station-days, or None if it is skipped."""
        if number not in self._staged:
            tools = self._tools()
            run.lease = tools.lease
            run.check_stop()
            stager = Stager(run, self._job.stations, tools.raw, tools.processed, tools.checkpoints, tools.space)
            staged = stager.stage(raw, tools.folder / str(next(self._folders)))
            if staged is None:
                return None
            self._staged[number] = stager, staged
        days: set[tuple[str, int]] = set()
        for file in self._staged[number][1].files:
            if file.key.startswith(OBSERVATIONS):
                days |= station_days(pq.read_table(file.path, columns=["station_id", "timestamp"]))
        return frozenset(days)

    def _load(self, run: Run, number: int) -> None:
        tools, (stager, staged) = self._tools(), self._staged.pop(number)
        run.lease = tools.lease
        try:
            run.check_stop()
            stations, processed = self._job.stations, tools.processed
            loader = Loader(run, stations, processed, tools.collection, tools.checkpoints, tools.pending_qc)
            loader.publish_and_load([staged])
        finally:
            stager.remove(staged.folder)

    def _drop_staged(self) -> None:
        """Release the disk space of objects that wait to be loaded; they are read again when their turn comes."""
        for stager, staged in self._staged.values():
            stager.remove(staged.folder)
        self._staged.clear()

    def _tools(self) -> _Tools:
        if self._closed:
            raise _ended()
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> _Tools:
        job = self._job
        configure_allocators()
        program = program_digest(job.stations)
        if program != job.program:
            raise SettingError(
                f"the worker {self._address} has another version of the program, of Python, of a library or of the "
                "networks' packages than the run; install the same on both"
            )
        settings = job.settings
        if not job.local:
            settings = replace(settings, mongodb_uri=load_settings().require_mongodb_uri())
        collection = self._ends.enter_context(connect(settings))
        lease = WorkerLease(self.run_id, collection=collection)
        lease.check()
        raw, processed = open_store(settings.require_raw_uri(), "RAW_URI"), open_store(settings.require_processed_uri())

        return _Tools(
            raw,
            processed,
            collection,
            Checkpoints.for_collection(collection, RULES_VERSION, program, processed.place),
            PendingQc.for_collection(collection, self.run_id),
            lease,
            self._ends.enter_context(work_folder()),
            DiskBudget(settings.limits.temporary_bytes, self._drop_staged),
        )


class _Captured(logging.Handler):
    """Keeps log records in a form that can be sent to another process."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        kept = copy.copy(record)
        kept.msg, kept.args = record.getMessage(), None
        if record.exc_info and record.exc_info[1] is not None:
            kept.trace = trace_without_secrets(record.exc_info[1])
        kept.exc_info = kept.exc_text = None
        self.records.append(kept)


@contextmanager
def _captured(job: Job) -> Iterator[list[logging.LogRecord]]:
    """Collects the log records of the block."""
    handler = _Captured()
    _LOGGER.setLevel(job.settings.log_level)
    _LOGGER.addHandler(handler)
    try:
        yield handler.records
    finally:
        _LOGGER.removeHandler(handler)
