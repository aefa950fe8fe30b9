"""Runs on a Dask cluster: real schedulers, workers and drivers, and what is left where one of them is killed."""

from __future__ import annotations

import contextlib
import random
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from forecast.mongo.embedded.server import free_port
from forecast_ops.pki import issue, open_authority
from tests.docs.test_docs import GUIDE, blocks
from tests.integration.clusters import cluster
from tests.integration.test_crashes import EndState, end_state
from tests.integration.worlds import Row, World, WorldMaker, assert_reports_hold
from tests.waiting import WAIT_SECONDS

# What is of one run and not of its data: names, times, and the places of one world.
OF_A_RUN: Final = {
    # One process takes its sample of several small objects together.
    *("sample_checked", "matching"),
    *(
        "run_id",
        "previous_run",
        "started_at",
        "finished_at",
        "generated_at",
        "times",
        "process",
        "arguments",
        "written",
    ),
    *("newest_raw_object", "newest_observation_age_s", "age_s", "age_hours"),
}
# What a repeated load finds there and does not write again.
REPEATED: Final = ("inserted", "updated", "unchanged", "superseded")
LOADING: Final = ("forecast.mongo.loader", "_insert", "after", "2")
STAGING: Final = ("forecast.run.steps", "transform_data", "after", "2")
TLS_FILES: Final = {"CA": "ca.pem", "CERT": "driver.pem", "KEY": "driver.key"}
CHECKING: Final = ("forecast.mongo.qc_update", "rewrite_all", "after", "1")


def without_run(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_run(one) for name, one in value.items() if name not in OF_A_RUN}
    return [without_run(one) for one in value] if isinstance(value, list) else value


def reports(world: World) -> dict[str, Row]:
    return {
        kind: without_run(world.reports(kind)[-1]) for kind in ("pipeline_status", "quality_report", "migration_report")
    }


@pytest.fixture(scope="module")
def undisturbed(local_world: WorldMaker, demo_data: Path) -> tuple[World, EndState]:
    """One process."""
    world = local_world()
    world.deliver(demo_data)
    assert world.run()["exit_code"] == 0
    return world, end_state(world)


@pytest.fixture
def world(local_world: WorldMaker, undisturbed: tuple[World, EndState]) -> World:
    return replace(local_world(), raw=undisturbed[0].raw)


@pytest.mark.parametrize(
    "workers", [2, pytest.param(1, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)]
)
def test_any_number_of_workers_gives_what_one_process_gives(
    world: World, undisturbed: tuple[World, EndState], workers: int
) -> None:
    ended = world.command("pipeline", "--workers", str(workers))

    assert ended.code == 0, ended.text
    assert end_state(world) == undisturbed[1]
    assert reports(world) == reports(undisturbed[0])
    assert_reports_hold(world)
    # What the workers have logged is in the log of the run, in the order of the objects.
    loaded = [
        line.partition(" loaded ")[2].partition(":")[0] for line in ended.stderr.splitlines() if " loaded " in line
    ]
    assert loaded == [key for key in world.raw.keys() if not key.endswith("/_SUCCESS")]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(STAGING, id="staging", marks=pytest.mark.slow),
        pytest.param(LOADING, id="loading"),
        pytest.param(CHECKING, id="checking", marks=pytest.mark.slow),
    ],
)
def test_the_work_of_a_killed_worker_is_done_by_another(
    world: World, undisturbed: tuple[World, EndState], place: tuple[str, ...]
) -> None:
    with cluster(world, place) as started:
        run = world.start("pipeline", "--scheduler", started.address)
        assert started.processes[1].wait(WAIT_SECONDS) == -signal.SIGKILL
        started.start_worker()
        _, log = run.communicate(timeout=WAIT_SECONDS)

    assert run.returncode == 0, log
    assert end_state(world) == undisturbed[1]
    counts, expected = world.status()["counts"], undisturbed[0].status()["counts"]
    assert sum(counts[name] for name in REPEATED) == sum(expected[name] for name in REPEATED)
    assert counts["objects_loaded"] == expected["objects_loaded"]


# A worker that is killed leaves more undone.
@pytest.mark.slow
@pytest.mark.parametrize("place", [pytest.param(LOADING, id="loading"), pytest.param(CHECKING, id="checking")])
def test_the_work_of_a_worker_that_is_told_to_end_is_done_by_another(
    world: World, undisturbed: tuple[World, EndState], place: tuple[str, ...]
) -> None:
    """As AWS does with a task on spot capacity."""
    with cluster(world, (*place, "SIGTERM")) as started:
        run = world.start("pipeline", "--scheduler", started.address)
        started.processes[1].wait(WAIT_SECONDS)
        started.start_worker()
        _, log = run.communicate(timeout=WAIT_SECONDS)

    assert run.returncode == 0, log
    assert end_state(world) == undisturbed[1]


def test_a_run_whose_scheduler_is_killed_fails_and_the_next_completes_it(
    world: World, undisturbed: tuple[World, EndState]
) -> None:
    with cluster(world, ()) as started:
        run = world.start("pipeline", "--scheduler", started.address)
        world.wait_for_a_checkpoint(run)
        started.processes[0].kill()
        _, log = run.communicate(timeout=WAIT_SECONDS)

        assert run.returncode == 1, log
        address = started.address
        assert (
            f"the connection to the Dask scheduler at {address} was lost; run again: the next run completes this one"
            in log
        )
        assert "Traceback" not in log
    assert world.status()["status"] == "failed"
    assert world.run()["exit_code"] == 0
    assert end_state(world) == undisturbed[1]


def test_the_workers_of_a_killed_driver_end_and_the_next_run_completes_it(
    world: World, undisturbed: tuple[World, EndState]
) -> None:
    run = world.start("pipeline", "--workers", "2")
    world.wait_for_a_checkpoint(run)
    workers = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.communicate(timeout=WAIT_SECONDS)

    assert not psutil.wait_procs(workers, timeout=WAIT_SECONDS)[1]
    world.wait_for_the_dead()
    assert world.run()["exit_code"] == 0
    assert end_state(world) == undisturbed[1]


@pytest.mark.slow
def test_the_cluster_of_the_user_guide_works_with_tls(
    world: World, undisturbed: tuple[World, EndState], tmp_path: Path
) -> None:
    """Its commands, with the address and the files of a private CA that is made here."""
    now = datetime.now(UTC)
    authority = open_authority(tmp_path, now)
    for name in ("scheduler", "worker", "driver"):
        (tmp_path / f"{name}.pem").write_bytes(pem := issue(authority, name, 1, now))
        (tmp_path / f"{name}.key").write_bytes(pem)
    port = free_port()
    (block,) = [text for text in blocks(GUIDE, "text") if "dask scheduler" in text]
    *servers, run = block.replace("10.0.0.5:8786", f"127.0.0.1:{port}").replace("10.0.0.5", "127.0.0.1").splitlines()
    started = []
    try:
        for line in servers:
            _, *arguments = shlex.split(line.replace("--port 8786", f"--port {port}"))
            started.append(
                subprocess.Popen([sys.executable, "-m", "dask", *arguments], cwd=tmp_path, env=world.variables())
            )
        files = {f"SCHEDULER_TLS_{what}": str(tmp_path / name) for what, name in TLS_FILES.items()}
        ended = world.command(*shlex.split(run), variables=world.variables(**files))
        assert ended.code == 0, ended.text
        plain = world.command("pipeline", "--scheduler", f"tcp://127.0.0.1:{port}")
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(WAIT_SECONDS)

    assert end_state(world) == undisturbed[1]
    assert plain.code == 1
    assert f"the Dask scheduler at tcp://127.0.0.1:{port} cannot be reached, or refused the connection" in plain.stderr


@pytest.mark.slow
def test_the_workers_that_a_killed_driver_leaves_behind_work_for_the_next_run(
    world: World, undisturbed: tuple[World, EndState]
) -> None:
    with cluster(world, ()) as started:
        run = world.start("pipeline", "--scheduler", started.address)
        world.wait_for_a_checkpoint(run)
        run.kill()
        run.communicate(timeout=WAIT_SECONDS)

        ended = world.command("pipeline", "--scheduler", started.address)
    assert ended.code == 0, ended.text
    assert end_state(world) == undisturbed[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_workers_that_are_killed_at_any_time_change_nothing(
    world: World, undisturbed: tuple[World, EndState], seed: int
) -> None:
    """Three times: Dask gives up a task of which a fourth worker dies."""
    chance = random.Random(seed)
    run = world.start("pipeline", "--workers", "2")
    world.wait_for_a_checkpoint(run)
    for _ in range(3):
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(chance.uniform(0, 5))
        for worker in workers_of(run)[:1]:
            worker.kill()
    _, log = run.communicate(timeout=WAIT_SECONDS)
    assert run.returncode == 0, log
    assert end_state(world) == undisturbed[1]


def workers_of(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes of a local cluster; none where it has ended, or has not begun."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child for child in psutil.Process(run.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    return []


def test_a_run_that_is_told_to_stop_lets_its_workers_stop_and_the_next_completes_it(
    world: World, undisturbed: tuple[World, EndState]
) -> None:
    run = world.start("pipeline", "--workers", "2")
    world.wait_for_a_checkpoint(run)
    workers = workers_of(run)
    run.terminate()
    _, log = run.communicate(timeout=WAIT_SECONDS)

    assert run.returncode == 1, log
    assert world.status()["status"] == "interrupted"
    assert "Traceback" not in log
    assert not psutil.wait_procs(workers, timeout=WAIT_SECONDS)[1]
    assert_reports_hold(world)
    assert world.run()["exit_code"] == 0
    assert end_state(world) == undisturbed[1]
