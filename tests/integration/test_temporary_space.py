"""A run's temporary files, those of all objects that are there at once, stay within MAX_TEMPORARY_MB."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import main
from forecast.core.errors import RetryableError
from forecast.core.registry import load_stations
from forecast.core.settings import Limits
from forecast.mongo.loader import load
from forecast.report.write import as_data
from forecast.run import steps
from forecast.run.run import RunOptions
from tests.integration.worlds import Row, World, WorldMaker

OBJECTS, MONTHS, DAYS = 8, 40, 5
# A file a month of observation: what is made of an object is much more than the object.
LIMITS = Limits(object_bytes=20_000, unpacked_bytes=20_000)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def slow_load(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading that lets as many objects be staged before it as may be."""

    def slow(*arguments: Any) -> Any:
        wait_until_nothing_is_written(work)
        return load(*arguments)

    monkeypatch.setattr(steps, "load", slow)


def table(minute: int, months: int = MONTHS) -> bytes:
    """Rows of some days of each month, from January 2020 on."""
    names = [f"{2020 + month // 12}-{month % 12 + 1:02}" for month in range(months)]
    rows = [f"{name}-0{day},12:{minute:02},50 F,80 %,29.5 in\n" for name in names for day in range(1, 1 + DAYS)]
    return "".join(["Date,Time,Temperature,Humidity,Pressure\n", *rows]).encode()


def deliver(world: World) -> None:
    for number in range(OBJECTS):
        world.raw.put(f"wunderground/ITESTB25/{number:02}.csv", table(number))


@dataclass
class Peak:
    size: int = 0


@contextmanager
def watched(folder: Path) -> Iterator[Peak]:
    """The most bytes that files in a folder have at once."""
    peak, ended = Peak(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.002):
            peak.size = max(peak.size, size_of(folder))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def size_of(folder: Path) -> int:
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(place) / name).stat().st_size
            except FileNotFoundError:
                continue
    return size


def wait_until_nothing_is_written(folder: Path) -> None:
    before = -1
    while (size := size_of(folder)) != before:
        before = size
        time.sleep(0.3)


def run(world: World, limits: Limits, options: RunOptions | None = None) -> Row:
    status, _ = main.run_pipeline(replace(world.settings(), limits=limits), options or RunOptions(), load_stations())
    return as_data(status)


def test_objects_staged_ahead_of_a_slow_load_stay_within_the_bound(
    local_world: WorldMaker, work: Path, slow_load: None
) -> None:
    free, bounded = local_world(), local_world()
    for world in (free, bounded):
        deliver(world)
    with watched(work) as unbounded_peak:
        assert run(free, LIMITS)["counts"]["objects_loaded"] == OBJECTS
    most = unbounded_peak.size * 6 // 10
    limits = replace(LIMITS, temporary_bytes=most)
    for options in (RunOptions(), RunOptions(reprocess=True)):
        with watched(work) as peak:
            status = run(bounded, limits, options)
        assert (status["exit_code"], status["counts"]["objects_loaded"]) == (0, OBJECTS)
        # More than one of them, or a bound would be easy to keep.
        assert most // 2 < peak.size <= most < unbounded_peak.size
    assert bounded.contents() == free.contents()
    assert list(work.iterdir()) == []


def test_an_object_that_has_no_room_alone_is_rejected_and_the_others_are_loaded(
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


def test_a_run_whose_load_fails_ends_though_an_object_waits_for_room(
    local_world: WorldMaker, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> Any:
        wait_until_nothing_is_written(work)
        raise RetryableError("the connection to MongoDB was lost (inserting)")

    world = local_world()
    deliver(world)
    monkeypatch.setattr(steps, "load", unreachable)
    status = run(world, replace(LIMITS, temporary_bytes=1 << 20))
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    assert [error["message"] for error in status["errors"]] == ["the connection to MongoDB was lost (inserting)"]
    assert list(work.iterdir()) == []
