"""Runs whose database fails in mid-load: nothing acknowledged is lost, and the next run completes what is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from forecast.core.settings import EMBEDDED_FOLDER
from forecast.mongo.embedded import embedded_mongodb
from forecast_demo import write_history_jsonl
from tests.integration.replica_set import Mongod, ReplicaSet, replica_set
from tests.integration.worlds import COLLECTION, FolderZone, Row, World, WorldMaker, assert_reports_hold
from tests.waiting import WAIT_SECONDS

KILLED_RUN = Path(__file__).with_name("killed_run.py")
AFTER_AN_INSERT = ("forecast.mongo.loader", "_insert", "after", "1")
AFTER_AN_OBJECT_IS_PUBLISHED = ("forecast.run.loading", "publish", "after", "1")
ROWS, OBJECTS = 8_000, 8
# The driver notices a member that hangs within seconds then, instead of within 30 s.
WATCHFUL = "&heartbeatFrequencyMS=500&connectTimeoutMS=2000"
WRITTEN = ("inserted", "updated", "unchanged", "superseded")


def _no_bucket() -> str:
    raise AssertionError("these worlds are in local folders")


@pytest.fixture(scope="module")
def three(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with replica_set(mongod_binary, tmp_path_factory.mktemp("three"), 3) as made:
        yield made


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    stations = ["ITESTA19", "ITESTB25"]
    write_history_jsonl(
        folder, rows=ROWS, rows_per_object=ROWS // OBJECTS, station_ids=stations, start=date(2020, 1, 1)
    )
    return folder


@pytest.fixture(scope="module")
def new_world_of_three(
    three: ReplicaSet, history: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], World]]:
    """Makes worlds on the three members that hold the whole history as raw data."""
    make = WorldMaker("local", three.uri + WATCHFUL, tmp_path_factory.mktemp("worlds"), _no_bucket)

    def new() -> World:
        world = make()
        world.deliver(history)
        return world

    yield new
    make.end()


@pytest.fixture(scope="module")
def undisturbed(new_world_of_three: Callable[[], World]) -> dict[str, str]:
    """The digests of a run that nothing happened to."""
    world = new_world_of_three()
    assert world.command("pipeline").code == 0
    digests = _digests(world)
    assert len(digests) == ROWS
    return digests


def _digests(world: World) -> dict[str, str]:
    """As a majority of the members has them."""
    with world.mongo() as database:
        collection = database.get_collection(COLLECTION, read_concern=ReadConcern("majority"))
        return {entry["_id"]: entry["digest"] for entry in collection.find({}, {"digest": "$metadata.digest"})}


def _run_that_gets(world: World, place: tuple[str, ...], what: signal.Signals) -> subprocess.Popen[str]:
    """A run that gets a signal at a place of the program, so that how busy the machine is decides nothing."""
    return subprocess.Popen(
        [sys.executable, str(KILLED_RUN), *place, what.name],
        cwd=world.home,
        env=world.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@contextmanager
def _held_in_mid_load(world: World) -> Iterator[subprocess.Popen[str]]:
    """A run that is paused since its first documents were acknowledged; SIGCONT continues it."""
    with _run_that_gets(world, AFTER_AN_INSERT, signal.SIGSTOP) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        try:
            yield process
        finally:
            process.kill()


def _assert_counts(status: Row) -> None:
    """What became of the records of loaded objects adds up, and none is counted twice."""
    counts = status["counts"]
    assert sum(counts[name] for name in WRITTEN) == counts["records_validated"]


@contextmanager
def _killed(member: Mongod) -> Iterator[None]:
    member.kill()
    yield
    member.start()


@contextmanager
def _stepped_down(member: Mongod) -> Iterator[None]:
    with MongoClient[dict[str, Any]](member.uri) as client:
        client.admin.command("replSetStepDown", 5, force=True)
    yield


def _paused(member: Mongod) -> Any:
    return member.paused()


@pytest.mark.parametrize("fault", [_killed, _stepped_down, _paused])
def test_a_load_survives_the_failure_of_the_primary(
    three: ReplicaSet, new_world_of_three: Callable[[], World], undisturbed: dict[str, str], fault: Callable[..., Any]
) -> None:
    three.wait_until_healthy()
    world = new_world_of_three()
    with _held_in_mid_load(world) as process, fault(three.primary()):
        process.send_signal(signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
        assert "Traceback" not in stderr
        status = world.status()
        if process.returncode == 0:
            # Nobody else writes: a document that a repeated write had found there would be counted as unchanged.
            assert status["counts"]["inserted"] == status["counts"]["records_validated"] == ROWS
            assert _digests(world) == undisturbed
        else:
            # A member that wakes up while a write waits for its majority: not confirmed, so not told as done.
            assert (process.returncode, status["status"]) == (1, "failed"), stdout + stderr
    if process.returncode != 0:
        three.wait_until_healthy()
        assert world.run()["exit_code"] == 0
    assert len(world.checkpoints()) == OBJECTS
    three.wait_until_healthy()
    assert _digests(world) == undisturbed
    assert_reports_hold(world)


def test_no_primary_at_all_ends_the_run_and_the_next_completes_it(
    three: ReplicaSet, new_world_of_three: Callable[[], World], undisturbed: dict[str, str]
) -> None:
    three.wait_until_healthy()
    world = new_world_of_three()
    world.mongodb_uri += "&serverSelectionTimeoutMS=2000"
    with _held_in_mid_load(world) as process:
        primary = three.primary()
        lost = [primary, next(member for member in three.members if member is not primary)]
        for member in lost:
            member.kill()
        process.send_signal(signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 1, stdout + stderr
    assert "Traceback" not in stderr
    status = world.status()
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    (error,) = status["errors"]
    assert error["message"].startswith(
        ("the connection to MongoDB was lost (", "MongoDB is unreachable (", "MongoDB has no primary (")
    )
    assert any(line.endswith(f" ERROR {error['message']}") for line in stderr.splitlines())
    assert [len(world.reports(kind)) for kind in ("quality_report", "migration_report")] == [1, 1]
    assert_reports_hold(world)

    for member in lost:
        member.start()
    three.wait_until_healthy()
    assert len(_digests(world)) >= status["counts"]["inserted"]
    done = len(world.checkpoints())
    outcome = world.command("pipeline")
    assert outcome.code == 0, outcome.text
    again = world.status()
    _assert_counts(again)
    assert (again["counts"]["objects_already_processed"], again["counts"]["objects_loaded"]) == (done, OBJECTS - done)
    assert _digests(world) == undisturbed


def test_killed_run_on_the_embedded_mongodb_leaves_nothing_in_the_way(
    mongod_binary: Path, history: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    raw, processed = FolderZone(tmp_path / "raw"), FolderZone(tmp_path / "processed")
    world = World(raw, processed, "", "forecast", tmp_path)
    world.deliver(history)
    with _run_that_gets(world, AFTER_AN_OBJECT_IS_PUBLISHED, signal.SIGKILL) as process:
        _, stderr = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == -signal.SIGKILL, stderr
    assert world.status()["status"] == "running"
    # Its mongod goes on, and is in nobody's way.
    outcome = world.command("pipeline")
    assert outcome.code == 0, outcome.text
    _assert_counts(world.status())
    with embedded_mongodb(tmp_path / EMBEDDED_FOLDER) as world.mongodb_uri:
        assert _digests(world) == undisturbed
