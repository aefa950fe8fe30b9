"""How the raw objects of a run are processed: here, by the threads of one process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from forecast.core.raw_objects import RawObject
from forecast.run.loading import Loader
from forecast.run.run import Run
from forecast.run.staging import StagedObject, Stager

# One object is staged while another is loaded and two wait: staging is faster than loading, and two hostile objects
# staged at once would take twice the memory. Two loaded at once were a tenth faster, but the counts of what is new and
# what is newer would depend on chance where objects overlap.
_STAGED_AT_ONCE = 1
_WAITING_OBJECTS = 2


class Executor(Protocol):
    """Stages and loads raw objects."""

    def process(self, objects: Sequence[RawObject], advance: Callable[[], None]) -> None:
        """Process these objects; `advance` is called after each.

        The outcome is the same as if they were loaded one after another, in this order. Raises ForecastError for what
        ends the run.
        """
        ...


class ThreadExecutor:
    """Stages objects in one thread and loads them in another: while one is loaded, the next is staged."""

    def __init__(self, run: Run, stager: Stager, loader: Loader, folder: Path) -> None:
        self._run = run
        self._stager = stager
        self._loader = loader
        self._folder = folder
        self._load_failed = threading.Event()

    def process(self, objects: Sequence[RawObject], advance: Callable[[], None]) -> None:
        """See `Executor.process`."""
        staging: deque[Future[StagedObject | None]] = deque()
        loading: deque[Future[None]] = deque()
        with (
            ThreadPoolExecutor(1, thread_name_prefix="load") as loader,
            ThreadPoolExecutor(_STAGED_AT_ONCE, thread_name_prefix="stage") as stagers,
        ):
            try:
                for number, raw in enumerate(objects):
                    self._run.check_stop()
                    staging.append(stagers.submit(self._stager.stage, raw, self._folder / str(number)))
                    while len(staging) > _STAGED_AT_ONCE:
                        self._pass_on(staging, loading, loader, advance)
                while staging or loading:
                    self._pass_on(staging, loading, loader, advance)
            finally:
                self._stager.space.close()
                loader.shutdown(wait=False, cancel_futures=True)
                stagers.shutdown(wait=False, cancel_futures=True)

    def _pass_on(
        self,
        staging: deque[Future[StagedObject | None]],
        loading: deque[Future[None]],
        loader: ThreadPoolExecutor,
        advance: Callable[[], None],
    ) -> None:
        """Hand the next staged object to the loader, and wait where the loader is behind."""
        if staging:
            staged = staging.popleft().result()
            if staged is None:
                advance()
            else:
                loading.append(loader.submit(self._publish_and_load, staged))
        while loading and (not staging or len(loading) > _WAITING_OBJECTS):
            loading.popleft().result()
            advance()

    def _publish_and_load(self, staged: StagedObject) -> None:
        """Load a staged object and take its files away.

        After one that failed nothing more is loaded: where the database is lost, the next would wait for it again.
        """
        try:
            if not self._load_failed.is_set():
                self._loader.publish_and_load(staged)
        except BaseException:
            self._load_failed.set()
            raise
        finally:
            # Also of those that are not loaded: the next may wait for their room.
            self._stager.remove(staged.folder)
