"""Tasks on a Dask cluster, and their results as they come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from distributed import CancelledError, Client, Future
from distributed.scheduler import KilledWorker

from forecast.core.errors import RetryableError

# How often somebody who waits looks whether the run is to stop, and whether the cluster is there.
_LOOK_SECONDS: Final = 0.5
# A nanny starts a process again within seconds; a container or a machine takes longer.
WORKERS_SECONDS: Final = 120
_COUNT_SECONDS: Final = 5


class _Task(NamedTuple):
    future: Future
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    at: str | None


class WorkersDiedError(Exception):
    """So many workers died of one task that Dask gives it up."""


class Tasks:
    """The tasks of one run that are at work, each under a name of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._finished: SimpleQueue[tuple[Hashable, Future]] = SimpleQueue()
        self._at_work: dict[Hashable, _Task] = {}
        self._workers_seen = self._workers_counted = time.monotonic()

    def __len__(self) -> int:
        return len(self._at_work)

    @property
    def workers(self) -> int:
        """How many there are."""
        with scheduler_errors(self._client):
            return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def submit(self, name: Hashable, function: Callable[..., Any], *arguments: Any, at: str | None = None) -> None:
        """Begin a task; on a certain worker if that is still there."""
        # What was begun is brought to its end before more is begun.
        where: dict[str, Any] = {"workers": [at], "allow_other_workers": True, "priority": 1} if at is not None else {}
        with scheduler_errors(self._client):
            future = self._client.submit(function, *arguments, pure=False, **where)
        # To let go of a future is to cancel it.
        self._at_work[name] = _Task(future, function, arguments, at)
        future.add_done_callback(lambda done: self._finished.put((name, done)))

    def finished(self) -> Iterator[tuple[Hashable, Any]]:
        """The tasks that have ended since, with their results or WorkersDiedError; none where that takes a while.

        Raises RetryableError where the scheduler is lost, or has no worker for long.
        """
        try:
            yield from self._result(*self._finished.get(timeout=_LOOK_SECONDS))
            while True:
                yield from self._result(*self._finished.get_nowait())
        except Empty:
            self._check_cluster()

    def _result(self, name: Hashable, future: Future) -> Iterator[tuple[Hashable, Any]]:
        if name not in self._at_work or self._at_work[name].future is not future:
            return  # it was begun anew
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
            self._begin_anew(processing)
        elif now - self._workers_seen > WORKERS_SECONDS:
            raise RetryableError(f"{place(self._client)} has no worker any more; start one and run again")

    def _begin_anew(self, processing: Mapping[str, Collection[Any]]) -> None:
        """Give tasks whose worker is gone to another: Dask does so where there is another, not where one comes."""
        keys = {key for of_worker in processing.values() for key in of_worker}
        for name, task in list(self._at_work.items()):
            if task.at is not None and task.at not in processing and task.future.key not in keys:
                self.submit(name, task.function, *task.arguments)
                task.future.release()


class scheduler_errors:  # noqa: N801  it is used as a function
    """Turns what Dask raises where its scheduler is gone into RetryableError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CancelledError | OSError):
            raise lost(self._client) from error


def lost(client: Client) -> RetryableError:
    """The scheduler does not answer any more."""
    return RetryableError(f"the connection to {place(client)} was lost; run again: the next run completes this one")


def place(client: Client) -> str:
    """The scheduler, in words."""
    return f"the Dask scheduler at {client.scheduler.address}" if client.scheduler else "the Dask scheduler"
