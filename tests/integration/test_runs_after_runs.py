"""What a run says of the run before it, and of one that is at work; and that it leaves that one's status alone."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forecast.run.run import RunOptions
from tests.hostile.objects import CLIMATE_KEY, climate, lines
from tests.integration.leases import held_by
from tests.integration.worlds import World, WorldMaker

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def world(local_world: WorldMaker) -> World:
    made = local_world()
    made.raw.put(CLIMATE_KEY, lines(climate(0)))
    return made


def leave_status(world: World, **changes: Any) -> None:
    """The status as a run before has left it."""
    path = world.logs_dir / "pipeline_status.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_a_run_that_stops_because_of_another_leaves_its_status_unchanged(world: World) -> None:
    world.run()
    leave_status(world, status="running", exit_code=None, finished_at=None)
    before = (world.logs_dir / "pipeline_status.json").read_bytes()
    with held_by(world):
        status = world.run()
        assert (status["status"], status["exit_code"]) == ("failed", 1)
        assert "another run is writing to this database: 20260101T000000Z-aaaaaa" in status["errors"][0]["message"]
    assert (world.logs_dir / "pipeline_status.json").read_bytes() == before


def test_the_first_run_has_none_before_it_and_the_next_names_it(world: World) -> None:
    first = world.run()
    assert first["previous_run"] is None
    names = ("run_id", "status", "exit_code", "started_at", "finished_at")
    assert world.run()["previous_run"] == {name: first[name] for name in names}


def test_a_run_that_died_is_named_by_the_next(world: World, caplog: pytest.LogCaptureFixture) -> None:
    first = world.run()
    leave_status(world, status="running", exit_code=None, finished_at=None)
    previous = world.run()["previous_run"]
    assert (previous["run_id"], previous["status"], previous["exit_code"]) == (first["run_id"], "died", None)
    words = f"the previous run did not finish: {first['run_id']}, started {first['started_at']}"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [words]
    caplog.clear()
    assert world.run()["previous_run"]["status"] == "success"
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_run_that_died_on_another_machine_is_known_by_its_lease(world: World) -> None:
    world.run()
    with held_by(world, expires_at=AN_HOUR_AGO, since=AN_HOUR_AGO):
        previous = world.run()["previous_run"]
    assert previous == {
        "run_id": "20260101T000000Z-aaaaaa",
        "status": "died",
        "exit_code": None,
        "started_at": f"{AN_HOUR_AGO:%Y-%m-%dT%H:%M:%SZ}",
        "finished_at": None,
    }


@pytest.mark.parametrize("name", ["mongodb_server", "mongodb_database", "mongodb_collection"])
def test_a_status_of_a_run_on_another_database_does_not_say_that_it_died(world: World, name: str) -> None:
    first = world.run()
    arguments = {**first["arguments"], name: "another"}
    assert arguments.keys() == first["arguments"].keys()
    leave_status(world, status="running", exit_code=None, finished_at=None, arguments=arguments)
    assert world.run()["previous_run"]["status"] == "running"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "running"}'])
def test_an_unreadable_status_does_not_stop_a_run(world: World, text: str) -> None:
    first = world.run()
    (world.logs_dir / "pipeline_status.json").write_text(text, "utf-8")
    status = world.run()
    assert (status["exit_code"], status["previous_run"]["run_id"]) == (0, first["run_id"])


def test_a_run_in_an_empty_folder_knows_the_one_before_from_the_database(world: World) -> None:
    """As each task on AWS begins: what it writes to its disk goes with it."""
    first = world.run()
    shutil.rmtree(world.logs_dir)
    names = ("run_id", "status", "exit_code", "started_at", "finished_at")
    assert world.run()["previous_run"] == {name: first[name] for name in names}


def test_a_dry_run_reads_no_lease_and_writes_no_status(world: World) -> None:
    with held_by(world):
        assert world.run(RunOptions(dry_run=True))["exit_code"] == 0
    assert not world.logs_dir.exists()
