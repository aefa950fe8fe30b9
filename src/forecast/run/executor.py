"""Executors process the raw objects of a run. The one here uses the threads of one process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from forecast.core.raw_objects import RawObject
from forecast.run.bundle import Bundle
from forecast.run.loading import Loader
from forecast.run.run import Run
from forecast.run.staged import StagedObject
from forecast.run.staging import SMALL_BYTES, Stager

# Staging is faster than loading, and staging two hostile objects at once would take twice the memory.
_STAGERS: Final = 1
# One bundle is published and read while the documents of another are inserted; otherwise the server waits for it.
_LOADERS: Final = 2
# Consecutive small objects are read, transformed and validated together.
_TOGETHER: Final = 20
_WAITING_BUNDLES: Final = 2
# If the next object takes longer than this, the staged ones are loaded, because it may be waiting for their disk space.
_PATIENCE_SECONDS: Final = 0.5


class Executor(Protocol):
    """Stages and loads raw objects."""

    def process(self, objects: Sequence[RawObject], advance: Callable[[], None]) -> None:
        """Process these objects; `advance` is called after each.

        The outcome is the same as if they were loaded one after another in this order. Raises ForecastError for a fault
        that ends the run.
        """
        ...


class ThreadExecutor:
    """Stages objects in one thread and loads them in two others, so that the next is staged while others are loaded."""

    def __init__(self, run: Run, stager: Stager, loader: Loader, folder: Path) -> None:
        self._run = run
        self._stager = stager
        self._loader = loader
        self._folder = folder
        self._load_failed = threading.Event()

    def process(self, objects: Sequence[RawObject], advance: Callable[[], None]) -> None:
        """See `Executor.process`."""
        staging: list[Future[StagedObject | None]] = []
        # What a dry run would load is compared with all that it would have loaded before.
        loaders = 1 if self._run.options.dry_run else _LOADERS
        with (
            ThreadPoolExecutor(loaders, thread_name_prefix="load") as loader,
            ThreadPoolExecutor(_STAGERS, thread_name_prefix="stage") as stagers,
        ):
            queue = _LoadQueue(lambda *bundle: loader.submit(self._publish_and_load, *bundle), advance)
            try:
                numbered = ((raw, self._folder / str(number)) for number, raw in enumerate(objects))
                for group in _staged_together(numbered):
                    self._run.check_stop()
                    staged: list[Future[StagedObject | None]] = [Future() for _ in group]
                    stagers.submit(self._stage, group, staged)
                    queue.put_all(staging)
                    staging = staged
                queue.put_all(staging)
                queue.end()
            finally:
                self._stager.space.close()
                loader.shutdown(wait=False, cancel_futures=True)
                stagers.shutdown(wait=False, cancel_futures=True)

    def _stage(self, group: Sequence[tuple[RawObject, Path]], staged: Sequence[Future[StagedObject | None]]) -> None:
        """Stage objects, and complete the future of each as soon as it is staged."""
        try:
            for future, made in zip(staged, self._stager.stage_together(group), strict=True):
                future.set_result(made)
        except BaseException as error:
            for future in staged:
                if not future.done():
                    future.set_exception(error)
            raise

    def _publish_and_load(
        self, bundle: Sequence[StagedObject], earlier: Sequence[Future[None]], shared: Sequence[Future[None]]
    ) -> None:
        """Load staged objects and remove their files.

        They are only loaded when those that may hold the same observations (`shared`) are, and only counted when all
        `earlier` ones are, so that neither the counts nor their order depend on chance. After a failure, nothing more
        is loaded: if the database is lost, the next object would wait for it again.
        """
        try:
            if self._load_failed.is_set():
                return
            begun = self._loader.publish(bundle)
            wait(shared)
            if self._load_failed.is_set():
                return
            days = self._loader.load(bundle, begun)
            wait(earlier)
            if not self._load_failed.is_set():
                self._loader.end(bundle, begun, days)
        except BaseException:
            self._load_failed.set()
            raise
        finally:
            # Even if they are not loaded: the next object may be waiting for their space.
            for staged in bundle:
                self._stager.remove(staged.folder)


def _staged_together(objects: Iterable[tuple[RawObject, Path]]) -> Iterator[list[tuple[RawObject, Path]]]:
    """Group consecutive small objects, each with its folder; a large object is a group of its own."""
    group: list[tuple[RawObject, Path]] = []
    for raw, folder in objects:
        small = raw.size <= SMALL_BYTES
        if group and (not small or len(group) == _TOGETHER):
            yield group
            group = []
        group.append((raw, folder))
        if not small:
            yield group
            group = []
    if group:
        yield group


_Load = Callable[[Sequence[StagedObject], Sequence[Future[None]], Sequence[Future[None]]], Future[None]]


class _Loading(NamedTuple):
    bundle: Bundle
    future: Future[None]


@dataclass(slots=True)
class _LoadQueue:
    """Bundles staged objects and has them loaded, in order; waits if the loader is behind.

    `load` gets the objects of a bundle, the earlier ones that are not loaded yet, and those of them that may hold the
    same observations.
    """

    load: _Load
    advance: Callable[[], None]
    _bundle: Bundle = field(default_factory=Bundle)
    _loading: deque[_Loading] = field(default_factory=deque)

    def put_all(self, staging: Sequence[Future[StagedObject | None]]) -> None:
        """Add the next objects, each once it is staged."""
        for one in staging:
            self._put(one)

    def _put(self, staging: Future[StagedObject | None]) -> None:
        if not wait([staging], _PATIENCE_SECONDS).done:
            self._close_bundle()
        staged = staging.result()
        if staged is None:
            self.advance()
        elif not self._bundle.add(staged):
            self._close_bundle()
            self._bundle.add(staged)

    def end(self) -> None:
        """Wait until everything is loaded."""
        self._close_bundle()
        self._wait_for_all_but(0)

    def _close_bundle(self) -> None:
        bundle, self._bundle = self._bundle, Bundle()
        if bundle.objects:
            earlier = [one.future for one in self._loading]
            shared = [one.future for one in self._loading if one.bundle.may_share(bundle)]
            self._loading.append(_Loading(bundle, self.load(bundle.objects, earlier, shared)))
        self._wait_for_all_but(_WAITING_BUNDLES)

    def _wait_for_all_but(self, number: int) -> None:
        while len(self._loading) > number:
            bundle, loading = self._loading.popleft()
            loading.result()
            for _ in bundle.objects:
                self.advance()
