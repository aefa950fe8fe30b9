"""Two runs at once: the second sees the first; and whatever slips past the lease makes no wrong document."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.core.errors import InterruptedRunError, RetryableError
from forecast.core.processes import this_place
from forecast.mongo import lock as leases
from forecast.mongo.client import connect
from forecast.mongo.lock import lease
from forecast.run.run import RunOptions
from tests.integration.leases import asked_in_vain, held_by
from tests.integration.worlds import World, WorldMaker
from tests.waiting import WAIT_SECONDS, wait_for_change

KEY = "infoclimat/Data_Source1_011024-031024.json"


@pytest.fixture
def world(local_world: WorldMaker, demo_data: Path) -> World:
    made = local_world()
    made.deliver(demo_data, [KEY])
    return made


def _nothing() -> None:
    return


def test_a_second_run_detects_the_first_and_exits(world: World) -> None:
    with held_by(world):
        outcome = world.typed("pipeline")
    assert outcome.code == 1
    assert (
        "another run is writing to this database: 20260101T000000Z-aaaaaa on other-machine, since 2026-01-01 00:00:00 "
        "UTC. Run again when it is done, or with --wait; if it died, its lease expires within 60 seconds"
    ) in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (world.documents(), world.checkpoints(), world.processed.keys()) == ({}, {}, [])
    # The status is that of the run at work.
    assert world.reports("pipeline_status") == []


def test_second_run_waits_when_told_to(world: World) -> None:
    loaded_meanwhile = []

    with held_by(world) as beside:

        def give_way() -> None:
            loaded_meanwhile.append(world.documents())
            beside.delete_one({"_id": "writer"})

        with asked_in_vain(give_way):
            outcome = world.typed("pipeline", "--wait")
    assert outcome.code == 0, outcome.stderr
    assert loaded_meanwhile == [{}]
    assert len(world.documents()) > 0


def test_run_that_waits_can_be_interrupted(world: World) -> None:
    def interrupted() -> None:
        raise InterruptedRunError("interrupted")

    with (
        held_by(world),
        connect(world.settings()) as collection,
        pytest.raises(InterruptedRunError),
        lease(collection, "me", wait=True, check_stop=interrupted),
    ):
        pass


def test_dry_run_needs_no_lease(world: World) -> None:
    with held_by(world):
        assert world.run(RunOptions(dry_run=True))["exit_code"] == 0


def test_lease_of_a_run_that_died_elsewhere_expires(world: World) -> None:
    with held_by(world, expires_at=datetime.now(UTC) - timedelta(seconds=1)):
        assert world.run()["exit_code"] == 0


def test_the_lease_of_a_dead_process_on_this_machine_is_free_at_once(world: World) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with held_by(world, place=this_place(), pid=gone.pid):
        assert world.run()["exit_code"] == 0


def test_the_lease_of_a_living_process_on_this_machine_is_not_free(world: World) -> None:
    with held_by(world, place=this_place(), pid=os.getppid()):
        assert world.run()["exit_code"] == 1


def test_the_lease_is_released(world: World) -> None:
    world.run()
    with world.mongo() as database:
        assert list(database["weather_measurements_lease"].find()) == []


def test_lease_is_renewed_while_its_holder_lives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.05)
    with connect(world.settings()) as collection, lease(collection, "me", wait=False, check_stop=_nothing) as held:
        stored = collection.database[f"{collection.name}_lease"]
        first = stored.find_one({})
        wait_for_change(collection.database, lambda: stored.find_one({}) != first)
        renewed = stored.find_one({})
        assert first is not None
        assert renewed is not None
        assert renewed["expires_at"] > first["expires_at"]
        assert {**renewed, "expires_at": 0} == {**first, "expires_at": 0}
        held.check()


def test_run_that_lost_its_lease_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.05)
    with connect(world.settings()) as collection, lease(collection, "me", wait=False, check_stop=_nothing) as held:
        collection.database[f"{collection.name}_lease"].update_one({}, {"$set": {"run_id": "other"}})
        assert held.lost.wait(WAIT_SECONDS)
        with pytest.raises(RetryableError, match="its lease expired, and another run may be at work; run again"):
            held.check()
    with world.mongo() as database:
        assert [entry["run_id"] for entry in database["weather_measurements_lease"].find()] == ["other"]


def test_of_many_concurrent_runs_one_gets_the_lease(world: World) -> None:
    taken, refused = [], []
    all_asked = threading.Barrier(8)

    def ask(name: str) -> None:
        with connect(world.settings()) as collection:
            try:
                with lease(collection, name, wait=False, check_stop=_nothing):
                    taken.append(name)
                    all_asked.wait(WAIT_SECONDS)
            except RetryableError:
                refused.append(name)
                all_asked.wait(WAIT_SECONDS)

    askers = [threading.Thread(target=ask, args=(f"run-{number}",)) for number in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert (len(taken), len(refused)) == (1, 7)


def test_two_runs_without_the_lease_write_the_same_documents(
    local_world: WorldMaker, demo_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both load every object of the demo, overlapping deliveries among them, into one database at once."""
    undisturbed, others = local_world(), local_world()
    undisturbed.deliver(demo_data)
    others.deliver(demo_data)
    undisturbed.run()
    without_lease = world_without_lease(others)
    assert [code for code, _ in without_lease] == [0, 0], without_lease
    assert others.contents() == undisturbed.contents()
    assert others.record_keys() == undisturbed.record_keys()
    assert len(others.checkpoints()) == len(undisturbed.checkpoints())


def world_without_lease(world: World) -> list[tuple[int, str]]:
    """Two runs at once that know of no lease; exit code and stderr of each."""
    code = (
        "from tests.stations import use_own_registry; use_own_registry()\n"
        "import contextlib, sys; sys.argv[0] = 'pipeline'; import forecast.run.run, forecast.mongo.lock, main; "
        "forecast.run.run.lease = lambda *_, **__: contextlib.nullcontext(forecast.mongo.lock.Lease('none')); "
        "main.cli()"
    )
    processes = []
    for number in range(2):
        variables = world.variables(LOGS_DIR=str(world.home / f"logs-{number}"))
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", code], cwd=world.home, env=variables, stderr=subprocess.PIPE, text=True
            )
        )
    return [
        (process.returncode, stderr)
        for process in processes
        for _, stderr in [process.communicate(timeout=WAIT_SECONDS)]
    ]
