"""SIGTERM at every stage: the run ends cleanly, its status says so, and the next one completes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.leases import asked_in_vain, held_by
from tests.integration.test_crashes import (
    BOUNDARIES,
    KILLED_RUN,
    EndState,
    assert_completed_by_the_next_run,
    boundary_params,
    undisturbed,
    world,
)
from tests.integration.worlds import World, assert_reports_hold

__all__ = ["undisturbed", "world"]

# Past the last object and the last day of the dataset there is nothing to stop: the run ends as it would have.
PAST_THE_END = (
    "before the reports",
    "between two reports",
    "before the lease is given back",
)
SAID = ["ERROR interrupted: work in progress was finished; run again to continue", "INFO the run ended: interrupted"]


# Where objects are loaded, and where they are evaluated; what a stop leaves half done, a kill leaves as well.
_FOR_EVERY_CHANGE = {"between two files of the zone", "between the flags of two stations"}


@pytest.mark.parametrize("stage", boundary_params(_FOR_EVERY_CHANGE, "before the last status", "after the last status"))
def test_a_run_that_is_told_to_stop_ends_cleanly(world: World, undisturbed: tuple[World, EndState], stage: str) -> None:
    module, attribute, moment, number = BOUNDARIES[stage]
    stopped = subprocess.run(
        [sys.executable, str(KILLED_RUN), module, attribute, moment, str(number), "SIGTERM"],
        cwd=world.home,
        env=world.variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    status = world.status()
    ending = (stopped.returncode, status["status"], status["exit_code"])
    assert ending == ((0, "success", 0) if stage in PAST_THE_END else (1, "interrupted", 1)), stopped.stderr
    if stage not in PAST_THE_END:
        assert _said(stopped.stderr)[-2:] == SAID
    assert "Traceback" not in stopped.stderr
    with world.mongo() as database:
        assert list(database["weather_measurements_lease"].find()) == []
    assert status["counts"]["objects_loaded"] == len(world.checkpoints())
    assert list((world.home / "work").iterdir()) == []
    assert_reports_hold(world)
    assert_completed_by_the_next_run(world, undisturbed[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_run_that_waits_for_another_can_be_told_to_stop(world: World, number: signal.Signals) -> None:
    with held_by(world, expires_at=datetime.now(UTC) + timedelta(hours=1)) as leases:
        before = list(leases.find())
        with asked_in_vain(lambda: os.kill(os.getpid(), number)):
            outcome = world.typed("pipeline", "--wait", "--json")
        assert list(leases.find()) == before
    assert outcome.code == 1
    assert json.loads(outcome.stdout)["status"]["status"] == "interrupted"
    assert not (world.logs_dir / "pipeline_status.json").exists()
    assert _said(outcome.stderr)[-2:] == SAID
    assert (world.documents(), world.checkpoints(), world.processed.keys()) == ({}, {}, [])


def _said(stderr: str) -> list[str]:
    """The lines of the log without their time and run."""
    return [line.split(" ", 2)[2] for line in stderr.splitlines()]
