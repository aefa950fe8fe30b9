"""Tasks on a Dask cluster, and their results as they come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from distributed import CancelledError, Client, Future
from distributed.scheduler import KilledWorker

from forecast.core.errors import RetryableError

# How often a waiting run checks whether it should stop, and whether the cluster is still there.
_LOOK_SECONDS: Final = 0.5
# A nanny restarts a process within seconds; a container or a machine takes longer.
WORKERS_SECONDS: Final = 120
_COUNT_SECONDS: Final = 5


class _Task(NamedTuple):
    future: Future
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    at: str | None


class WorkersDiedError(Exception):
    """So many workers died on one task that Dask gave up on it."""


class Tasks:
    """The tasks of one run that are in progress, by unique names."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._finished: SimpleQueue[tuple[Hashable, Future]] = SimpleQueue()
        self._at_work: dict[Hashable, _Task] = {}
        self._workers_seen = self._workers_counted = time.monotonic()

    def __len__(self) -> int:
        return len(self._at_work)

    @property
    def workers(self) -> int:
        """The number of workers."""
        with scheduler_errors(self._client):
            return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def submit(self, name: Hashable, function: Callable[..., Any], *arguments: Any, at: str | None = None) -> None:
        """Start a task, on a given worker if that still exists."""
        # Tasks that were started are completed before more are started.
        where: dict[str, Any] = {"workers": [at], "allow_other_workers": True, "priority": 1} if at is not None else {}
        with scheduler_errors(self._client):
            future = self._client.submit(function, *arguments, pure=False, **where)
        # Dropping a future would cancel it.
        self._at_work[name] = _Task(future, function, arguments, at)
        future.add_done_callback(lambda done: self._finished.put((name, done)))

    def finished(self) -> Iterator[tuple[Hashable, Any]]:
        """The tasks that finished since the last call, with results or WorkersDiedError; none if that takes a while.

        Raises RetryableError if the scheduler is lost, or has had no worker for too long.
        """
        try:
            yield from self._result(*self._finished.get(timeout=_LOOK_SECONDS))
            while True:
                yield from self._result(*self._finished.get_nowait())
        except Empty:
            self._check_cluster()

    def _result(self, name: Hashable, future: Future) -> Iterator[tuple[Hashable, Any]]:
        if name not in self._at_work or self._at_work[name].future is not future:
            return  # it was started again
        del self._at_work[name]
        with scheduler_errors(self._client):
            try:
                result = future.result()
            except KilledWorker:
                result = WorkersDiedError()
        yield name, result

    def _check_cluster(self) -> None:
        if self._client.status != "running":
            raise lost(self._client)
        now = time.monotonic()
        if now - self._workers_counted < _COUNT_SECONDS:
            return
        self._workers_counted = now
        with scheduler_errors(self._client):
            processing = self._client.processing()
        if processing:
            self._workers_seen = now
            self._restart(processing)
        elif now - self._workers_seen > WORKERS_SECONDS:
            raise RetryableError(f"{place(self._client)} has no worker any more; start one and run again")

    def _restart(self, processing: Mapping[str, Collection[Any]]) -> None:
        """Restart tasks of a lost worker: Dask moves them to an existing worker, but not to one that joins later."""
        keys = {key for of_worker in processing.values() for key in of_worker}
        for name, task in list(self._at_work.items()):
            if task.at is not None and task.at not in processing and task.future.key not in keys:
                self.submit(name, task.function, *task.arguments)
                task.future.release()


class scheduler_errors:  # noqa: N801  used like a function
    """Translates Dask's errors after losing its scheduler to RetryableError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CancelledError | OSError):
            raise lost(self._client) from error


def lost(client: Client) -> RetryableError:
    """The error for a scheduler that no longer answers."""
    return RetryableError(f"the connection to {place(client)} was lost; run again: the next run completes this one")


def place(client: Client) -> str:
    """The scheduler and its address, for people."""
    return f"the Dask scheduler at {client.scheduler.address}" if client.scheduler else "the Dask scheduler"
