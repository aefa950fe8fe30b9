"""Which objects are staged together, and that the room on the disk for all of them is not needed at once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import RetryableError
from forecast.core.registry import load_stations
from forecast.core.settings import load_settings
from forecast.run import executor
from forecast.run.disk_budget import DiskBudget
from forecast.run.executor import ThreadExecutor
from forecast.run.run import Run, RunOptions
from forecast.run.staged import StagedObject
from forecast.run.staging import Stager
from forecast.storage import LocalStore

ROW = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "12.5"}
KEYS = [f"{number}.jsonl" for number in range(5)]


class Loaded:
    """In the place of the loader: the keys of the objects that were loaded together."""

    def __init__(self) -> None:
        self.bundles: list[list[str]] = []

    def publish_and_load(self, bundle: Sequence[StagedObject]) -> None:
        self.bundles.append([staged.raw.key for staged in bundle])

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
    loader: Any = Loaded()
    advanced: list[None] = []
    work = ThreadExecutor(stager.run, stager, loader, folder)
    work.process(list(stager.raw.list()), lambda: advanced.append(None))
    return loader, advanced


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
    limits = dataclasses.replace(stager.run.settings.limits, unpacked_bytes=60_000)
    stager.run.settings = dataclasses.replace(stager.run.settings, limits=limits)
    small = dataclasses.replace(stager, space=DiskBudget(80_000, stager.run.check_stop))
    loader, _ = process(small, tmp_path)
    assert loader.bundles == [[key] for key in KEYS]


def test_an_error_of_the_run_while_objects_are_staged_together_ends_the_run(
    stager: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> Any:
        raise RetryableError("the database is gone")

    monkeypatch.setattr(Loaded, "publish_and_load", lost)
    monkeypatch.setattr(executor, "_TOGETHER", 2)
    with pytest.raises(RetryableError, match="the database is gone"):
        process(stager, tmp_path)
