"""Which objects are staged together, and that the room on the disk for all of them is not needed at once."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import RetryableError
from forecast.core.registry import load_stations
from forecast.core.settings import load_settings
from forecast.run import bundle, executor
from forecast.run.disk_budget import DiskBudget
from forecast.run.executor import ThreadExecutor
from forecast.run.run import Run, RunOptions
from forecast.run.staged import StagedObject
from forecast.run.staging import Stager
from forecast.storage import LocalStore

ROW = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "12.5"}
KEYS = [f"{number}.jsonl" for number in range(5)]
SECONDS = 20


class Loaded:
    """In the place of the loader: the keys of the objects that were loaded together, and each step in order."""

    def __init__(self) -> None:
        self.bundles: list[list[str]] = []
        self.steps: list[str] = []
        # What a step waits for, by its name.
        self.waits: dict[str, threading.Event] = {}

    def publish(self, objects: Sequence[StagedObject]) -> str:
        self.bundles.append([staged.raw.key for staged in objects])
        return self.step("publish", objects)

    def load(self, objects: Sequence[StagedObject], _begun: str) -> str:
        return self.step("load", objects)

    def end(self, objects: Sequence[StagedObject], _begun: str, _days: str) -> None:
        self.step("end", objects)

    def step(self, name: str, objects: Sequence[StagedObject]) -> str:
        """A step, which may wait for another one; its name has the number of the first object."""
        name = f"{name} {objects[0].raw.key[0]}"
        if (until := self.waits.get(f"before {name}")) is not None:
            assert until.wait(SECONDS), name
        self.steps.append(name)
        if (done := self.waits.get(f"after {name}")) is not None:
            done.set()
        return name

    @property
    def keys(self) -> list[str]:
        return [key for bundle in self.bundles for key in bundle]


class Watched(Stager):
    """A stager that notes which objects it stages together."""

    groups: list[list[str]]

    def stage_together(self, objects: Any) -> Any:
        self.groups.append([raw.key for raw, _ in objects])
        return super().stage_together(objects)


@pytest.fixture
def stager(tmp_path: Path) -> Watched:
    (tmp_path / "raw").mkdir()
    for hour, key in enumerate(KEYS):
        row = {**ROW, "dh_utc": f"2024-10-01 0{hour}:00:00"}
        (tmp_path / "raw" / key).write_text(json.dumps(row) + "\n", "utf-8")
    settings = load_settings({"RAW_URI": str(tmp_path / "raw"), "PROCESSED_URI": str(tmp_path / "processed")})
    run = Run.begin(settings, RunOptions())
    checkpoints: Any = None
    zones = LocalStore(tmp_path / "raw"), LocalStore(tmp_path / "processed")
    space = DiskBudget(settings.limits.temporary_bytes, run.check_stop)
    made = Watched(run, load_stations(), *zones, checkpoints, space)
    Watched.groups = []
    return made


def process(stager: Stager, folder: Path) -> tuple[Loaded, list[None]]:
    """What a run would load of the objects that are there, and its progress."""
    loader = Loaded()
    return loader, load(stager, folder, loader)


def load(stager: Stager, folder: Path, loader: Any) -> list[None]:
    """Load the objects that are there; return the progress."""
    advanced: list[None] = []
    work = ThreadExecutor(stager.run, stager, loader, folder)
    work.process(list(stager.raw.list()), lambda: advanced.append(None))
    return advanced


def test_small_objects_are_staged_together_and_a_large_one_alone(
    stager: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_TOGETHER", 2)
    monkeypatch.setattr(executor, "SMALL_BYTES", 100)
    row = {**ROW, "dh_utc": "2024-10-01 03:00:00"}
    (tmp_path / "raw" / KEYS[3]).write_text(json.dumps(row) + 100 * " " + "\n", "utf-8")
    loader, advanced = process(stager, tmp_path)
    assert stager.groups == [KEYS[:2], KEYS[2:3], KEYS[3:4], KEYS[4:]]
    assert (loader.keys, len(advanced)) == (KEYS, 5)


def test_objects_are_loaded_while_those_staged_with_them_wait_for_their_space(stager: Watched, tmp_path: Path) -> None:
    """The room is enough for the file of one object, and the next one's is written when that is loaded."""
    limits = dataclasses.replace(stager.run.settings.limits, unpacked_bytes=10_000)
    stager.run.settings = dataclasses.replace(stager.run.settings, limits=limits)
    small = dataclasses.replace(stager, space=DiskBudget(30_000, stager.run.check_stop))
    loader, _ = process(small, tmp_path)
    assert loader.bundles == [[key] for key in KEYS]


def test_an_error_of_the_run_while_objects_are_staged_together_ends_the_run(
    stager: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> Any:
        raise RetryableError("the database is gone")

    monkeypatch.setattr(Loaded, "load", lost)
    monkeypatch.setattr(executor, "_TOGETHER", 2)
    with pytest.raises(RetryableError, match="the database is gone"):
        process(stager, tmp_path)


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each object is a bundle of its own."""
    monkeypatch.setattr(bundle, "_MOST_OBJECTS", 1)


@pytest.mark.usefixtures("one_by_one")
def test_an_object_is_loaded_while_the_one_before_it_is_and_ends_after_it(stager: Watched, tmp_path: Path) -> None:
    loader = Loaded()
    loader.waits = dict.fromkeys(["after load 1", "before load 0"], threading.Event())
    load(stager, tmp_path, loader)
    assert loader.steps.index("load 1") < loader.steps.index("load 0")
    assert [step for step in loader.steps if step.startswith("end")] == [f"end {number}" for number in range(5)]


@pytest.mark.usefixtures("one_by_one")
def test_an_object_that_may_share_an_observation_is_loaded_after_the_one_before_it(
    stager: Watched, tmp_path: Path
) -> None:
    (tmp_path / "raw" / KEYS[1]).write_text((tmp_path / "raw" / KEYS[0]).read_text("utf-8"), "utf-8")
    loader = Loaded()
    # The second one is published long before the first one is loaded.
    loader.waits = dict.fromkeys(["after publish 1", "before load 0"], threading.Event())
    load(stager, tmp_path, loader)
    assert loader.steps.index("end 0") < loader.steps.index("load 1")


@pytest.mark.usefixtures("one_by_one")
def test_a_dry_run_loads_one_object_after_another(stager: Watched, tmp_path: Path) -> None:
    stager.run.options = dataclasses.replace(stager.run.options, dry_run=True)
    loader = Loaded()
    load(stager, tmp_path, loader)
    assert loader.steps == [f"{step} {number}" for number in range(5) for step in ("publish", "load", "end")]


@pytest.mark.usefixtures("one_by_one")
def test_after_a_failure_no_object_is_loaded_or_ends(
    stager: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one is loaded already when the first one fails, so the next run finds its observations unchanged."""
    loader, step = Loaded(), Loaded.step

    def lost(loader: Loaded, name: str, of: Sequence[StagedObject]) -> str:
        done = step(loader, name, of)
        if done == "load 0":
            raise RetryableError("the database is gone")
        return done

    monkeypatch.setattr(Loaded, "step", lost)
    loader.waits = dict.fromkeys(["after load 1", "before load 0"], threading.Event())
    with pytest.raises(RetryableError, match="the database is gone"):
        load(stager, tmp_path, loader)
    assert sorted(loader.steps) == ["load 0", "load 1", "publish 0", "publish 1"]
