"""A run's temporary files, those of all objects that are there at once, stay within MAX_TEMPORARY_MB."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import main
from forecast.core.errors import RetryableError
from forecast.core.registry import load_stations
from forecast.core.settings import Limits
from forecast.mongo.loader import load_by_object
from forecast.report.write import as_data
from forecast.run import executor, steps
from forecast.run.disk_budget import DiskBudget
from forecast.run.run import RunOptions
from tests.integration.worlds import Row, World, WorldMaker
from tests.waiting import WAIT_SECONDS

OBJECTS, MONTHS, DAYS = 8, 20, 1
# A file a month of observation: what is made of an object is much more than the object.
LIMITS = Limits(object_bytes=20_000, unpacked_bytes=20_000)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@dataclass
class Staging:
    """What staging has done, from its own calls: nothing is written between two of them that is not seen at the second.

    `peak` is the most bytes that files had at one of them.
    """

    folder: Path
    peak: int = 0
    unstaged: int = 0
    for_room: bool = False
    for_load: Future[Any] | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, *, unstaged: int = 0, for_room: bool = False) -> None:
        with self.changed:
            self.peak = max(self.peak, size_of(self.folder))
            self.unstaged += unstaged
            self.for_room = for_room
            self.changed.notify_all()

    def wait_until_nothing_is_written(self) -> None:
        """Until staging waits for room, or all that is to be staged while this object is loaded is."""
        with self.changed:
            assert self.changed.wait_for(self._is_at_rest, WAIT_SECONDS)
            self.peak = max(self.peak, size_of(self.folder))

    def _is_at_rest(self) -> bool:
        loading = self.for_load is not None and not self.for_load.done()
        return self.for_room or (loading and self.unstaged == 0)


@pytest.fixture
def staging(work: Path, monkeypatch: pytest.MonkeyPatch) -> Staging:
    seen = Staging(work)
    init, reserve, release = DiskBudget.__init__, DiskBudget.reserve, DiskBudget.release

    class Threads(ThreadPoolExecutor):
        def __init__(self, number: int, thread_name_prefix: str) -> None:
            super().__init__(number, thread_name_prefix)
            self.stages = thread_name_prefix == "stage"

        def submit(self, *call: Any) -> Future[Any]:  # type: ignore[override]
            if self.stages:
                seen.note(unstaged=1)
            future = super().submit(*call)
            if self.stages:
                future.add_done_callback(lambda _: seen.note(unstaged=-1))
            else:
                wait_for = future.result
                future.result = lambda: before(future, wait_for)  # type: ignore[assignment,misc]
            return future

    def before(future: Future[Any], wait_for: Callable[[], Any]) -> Any:
        """Everybody who could let something be staged waits for this load."""
        with seen.changed:
            seen.for_load = future
            seen.changed.notify_all()
        return wait_for()

    def make(space: DiskBudget, most: int, check_stop: Callable[[], None]) -> None:
        def about_to_wait() -> None:
            seen.note(for_room=True)
            check_stop()

        init(space, most, about_to_wait)

    def take(space: DiskBudget, folder: Path, size: int) -> None:
        seen.note()
        reserve(space, folder, size)
        seen.note()

    def give_back(space: DiskBudget, folder: Path) -> None:
        seen.note()
        release(space, folder)

    monkeypatch.setattr(DiskBudget, "__init__", make)
    monkeypatch.setattr(DiskBudget, "reserve", take)
    monkeypatch.setattr(DiskBudget, "release", give_back)
    monkeypatch.setattr(executor, "ThreadPoolExecutor", Threads)
    return seen


@pytest.fixture
def slow_load(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading that lets as many objects be staged before it as may be."""

    def slow(*arguments: Any) -> Any:
        staging.wait_until_nothing_is_written()
        return load_by_object(*arguments)

    monkeypatch.setattr(steps, "load_by_object", slow)


def table(minute: int, months: int = MONTHS) -> bytes:
    """Rows of some days of each month, from January 2020 on."""
    names = [f"{2020 + month // 12}-{month % 12 + 1:02}" for month in range(months)]
    rows = [f"{name}-0{day},12:{minute:02},50 F,80 %,29.5 in\n" for name in names for day in range(1, 1 + DAYS)]
    return "".join(["Date,Time,Temperature,Humidity,Pressure\n", *rows]).encode()


def deliver(world: World) -> None:
    for number in range(OBJECTS):
        world.raw.put(f"wunderground/ITESTB25/{number:02}.csv", table(number))


def size_of(folder: Path) -> int:
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue
    return size


def run(world: World, limits: Limits, options: RunOptions | None = None) -> Row:
    status, _ = main.run_pipeline(replace(world.settings(), limits=limits), options or RunOptions(), load_stations())
    return as_data(status)


def test_objects_staged_ahead_of_a_slow_load_stay_within_the_bound(
    local_world: WorldMaker, staging: Staging, slow_load: None
) -> None:
    free, bounded = local_world(), local_world()
    for world in (free, bounded):
        deliver(world)
    assert run(free, LIMITS)["counts"]["objects_loaded"] == OBJECTS
    unbounded_peak = staging.peak
    most = unbounded_peak * 6 // 10
    limits = replace(LIMITS, temporary_bytes=most)
    for options in (RunOptions(), RunOptions(reprocess=True)):
        staging.peak = 0
        status = run(bounded, limits, options)
        assert (status["exit_code"], status["counts"]["objects_loaded"]) == (0, OBJECTS)
        # More than one of them, or a bound would be easy to keep.
        assert most // 2 < staging.peak <= most < unbounded_peak
    assert bounded.contents() == free.contents()
    assert list(staging.folder.iterdir()) == []


def test_an_object_that_has_no_space_alone_is_rejected_and_the_others_are_loaded(
    local_world: WorldMaker, work: Path
) -> None:
    world = local_world()
    deliver(world)
    world.raw.put("wunderground/ITESTB25/05-large.csv", table(30, months=80))
    status = run(world, replace(LIMITS, temporary_bytes=1 << 20))
    assert (status["exit_code"], status["counts"]["objects_loaded"]) == (3, OBJECTS)
    assert [(error["object"], error["code"], error["message"]) for error in status["errors"]] == [
        (
            "wunderground/ITESTB25/05-large.csv",
            "too_large",
            "the object needs more than 1 MB of temporary files (MAX_TEMPORARY_MB)",
        )
    ]
    assert len(world.documents()) == OBJECTS * MONTHS * DAYS


def test_a_run_whose_load_fails_ends_even_if_an_object_waits_for_space(
    local_world: WorldMaker, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> Any:
        staging.wait_until_nothing_is_written()
        raise RetryableError("the connection to MongoDB was lost (inserting)")

    world = local_world()
    deliver(world)
    monkeypatch.setattr(steps, "load_by_object", unreachable)
    status = run(world, replace(LIMITS, temporary_bytes=1 << 20))
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    assert [error["message"] for error in status["errors"]] == ["the connection to MongoDB was lost (inserting)"]
    assert list(staging.folder.iterdir()) == []
