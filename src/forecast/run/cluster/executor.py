"""The driver of a run on a Dask cluster: it distributes work, and adds up the results in order."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from distributed import Client

from forecast.core.counts import ObjectCounts, QcCounts
from forecast.core.errors import ForecastError, InterruptedRunError, RetryableError
from forecast.core.raw_objects import RawObject
from forecast.mongo.client import ObservationCollection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.window_reader import rows_by_day
from forecast.qc.changes import Changes, StationDay
from forecast.qc.windows import QcWindow, windows_of
from forecast.run.cluster import worker
from forecast.run.cluster.job import Done, Evaluated, Job, tell
from forecast.run.cluster.order import LoadOrder
from forecast.run.cluster.tasks import Tasks, WorkersDiedError, lost, place, scheduler_errors
from forecast.run.run import Run
from forecast.run.share import Share

LOGGER = logging.getLogger("forecast.run.cluster")
# How many objects per worker may be staged or loaded ahead of the first that is not done. Staged objects take disk
# space, and results wait in memory to be counted in order.
_AHEAD: Final = 4
# How many windows per worker are in progress or waiting.
_WINDOWS: Final = 2
_END_SECONDS: Final = 60
_ATTEMPTS: Final = 5


class DaskExecutor:
    """Distributes objects and QC windows of a run to the workers of a cluster; see `forecast.run.executor.Executor`."""

    def __init__(self, run: Run, job: Job, client: Client, collection: ObservationCollection) -> None:
        self._run = run
        self._job = job
        self._client = client
        self._collection = collection
        self._tasks = Tasks(client)
        # Named after the collection, to which one run writes at a time: a killed run's plugin is replaced.
        database = f"{run.info.arguments['mongodb_server']} {collection.full_name}"
        self._name = f"forecast-{hashlib.blake2b(database.encode(), digest_size=8).hexdigest()}"
        self._pending_qc = PendingQc.for_collection(collection, run.context.run_id)
        self._order = LoadOrder()
        self._done: dict[int, Done] = {}
        self._added = 0

    def begin(self) -> None:
        """Register the run with the workers."""
        for attempt in range(_ATTEMPTS):
            try:
                self._client.register_plugin(worker.RunPlugin(self._name, self._job))
                break
            except OSError as error:
                # A worker died meanwhile, if the scheduler is still there.
                if self._client.status != "running" or attempt == _ATTEMPTS - 1:
                    raise lost(self._client) from error
        LOGGER.info("%d workers of %s do the work", self._tasks.workers, place(self._client))

    def end(self) -> None:
        """Unregister the run from the workers, if the cluster is still there."""
        with suppress(ForecastError, RuntimeError), scheduler_errors(self._client):
            if self._client.status == "running":
                self._client.unregister_worker_plugin(self._name)

    def process(self, objects: Sequence[RawObject], advance: Callable[[], None]) -> None:
        """See `Executor.process`."""
        at: dict[int, str] = {}
        submitted = 0
        workers = max(1, self._tasks.workers)
        staging: set[int] = set()
        try:
            while self._order.first < len(objects):
                self._run.check_stop()
                # At most one per worker, so that no other object is blamed if a worker dies while staging.
                while len(staging) < workers and submitted < min(len(objects), self._order.first + _AHEAD * workers):
                    self._submit(("stage", submitted), worker.stage, submitted, objects[submitted])
                    staging.add(submitted)
                    submitted += 1
                for name, result in self._tasks.finished():
                    kind, number = cast("tuple[str, int]", name)
                    done = _left_out(objects[number]) if isinstance(result, WorkersDiedError) else cast("Done", result)
                    if isinstance(done.fault, InterruptedRunError):
                        # Its worker was told to end, so another one does it from the beginning.
                        function = worker.stage if kind == "stage" else worker.load
                        self._submit(name, function, number, objects[number])
                        continue
                    if kind == "stage":
                        staging.discard(number)
                    if done.fault is not None:
                        self._done[number] = done
                        raise done.fault
                    if kind == "stage" and done.at is not None:
                        at[number] = done.at
                        # The counts of staging, except for the object itself, which is counted when it is loaded.
                        self._add(done)
                        self._order.staged(number, done.station_days)
                    else:
                        self._done[number] = done
                        self._order.done(number)
                        advance()
                for number in self._order.begin():
                    self._submit(("load", number), worker.load, number, objects[number], at=at.pop(number))
                self._add_in_order()
        finally:
            self._drain()
            self._pending_qc.enqueued(self._run.loaded_station_days)

    def evaluate(self, changes: Changes, written: set[StationDay]) -> QcCounts:
        """See `ChangesEvaluator`. The results of the windows are added in their order."""
        counts, findings = QcCounts(), self._run.findings
        windows = enumerate(windows_of(changes, self._job.stations, rows_by_day(self._collection)))
        found: dict[int, Evaluated] = {}
        at_work: dict[int, tuple[QcWindow, frozenset[tuple[str, int]]]] = {}
        merged, more = 0, True
        most = _WINDOWS * max(1, self._tasks.workers)
        try:
            while more or self._tasks or found:
                self._run.check_stop()
                while more and len(self._tasks) + len(found) < 2 * most and len(self._tasks) < most:
                    number, window = next(windows, (0, None))
                    if window is None:
                        more = False
                        break
                    of_window = {(name, day) for name, of_station in window.changed.items() for day in of_station}
                    seen = frozenset(of_window & findings.evaluated_days)
                    at_work[number] = window, seen
                    self._submit(number, worker.evaluate, window, seen)
                for name, result in self._tasks.finished():
                    if isinstance(result, WorkersDiedError):
                        raise RetryableError("workers died while they evaluated observations; have they memory enough?")
                    evaluated = cast("Evaluated", result)
                    if isinstance(evaluated.fault, InterruptedRunError):
                        self._submit(name, worker.evaluate, *at_work[cast("int", name)])
                        continue
                    written |= evaluated.reflagged
                    # The worker did so for its own part of this run.
                    self._pending_qc.enqueue_reflagged(evaluated.outdated)
                    if evaluated.fault is not None:
                        raise evaluated.fault
                    found[cast("int", name)] = evaluated
                    del at_work[cast("int", name)]
                while merged in found:
                    evaluated = found.pop(merged)
                    findings.merge(evaluated.findings)
                    counts.add(evaluated.counts)
                    tell(evaluated.log)
                    merged += 1
        finally:
            self._drain()
        return counts

    def _submit(self, name: Any, function: Callable[..., Any], *arguments: Any, at: str | None = None) -> None:
        self._tasks.submit(name, function, self._name, self._job.context.run_id, *arguments, at=at)

    def _add(self, done: Done) -> None:
        done.share.add_to(self._run)
        tell(done.log)

    def _add_in_order(self) -> None:
        while self._added in self._done:
            self._add(self._done.pop(self._added))
            self._added += 1

    def _drain(self) -> None:
        """When a run ends early: stop the workers, wait for tasks in progress, and count what was done."""
        if self._tasks and self._client.status == "running":
            with suppress(ForecastError), scheduler_errors(self._client):
                self._client.run(worker.stop, self._name)
                deadline = time.monotonic() + _END_SECONDS
                while self._tasks and time.monotonic() < deadline:
                    for name, result in self._tasks.finished():
                        if isinstance(result, Done) and isinstance(name, tuple):
                            self._done[name[1]] = result
        for number in sorted(self._done):
            self._add(self._done.pop(number))


def _left_out(raw: RawObject) -> Done:
    """The result for an object that several workers died on: nothing else is known about it."""
    message = "several workers died one after another while they processed it; have they memory enough?"
    counts = ObjectCounts(raw.key, raw.uri, "failed", error_code="workers_died", error=message)
    LOGGER.error("failed %s: %s", raw.key, message, extra={"facts": {"object": raw.key, "code": counts.error_code}})
    return Done(Share([counts]), [])
