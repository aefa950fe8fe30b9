"""Case 105: a run that stood still for more than a minute, while a concurrent run evaluated the same station-day.

The concurrent run sees the paused run's entries in the queue, evaluates the half of the day that is there and
acknowledges them. However the paused run ends then, the next one leaves the flags of an undisturbed run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forecast.core.errors import RetryableError
from forecast.core.registry import load_stations
from forecast.mongo import loader as load
from forecast.mongo import lock as lease
from forecast.mongo import versions
from forecast.mongo.client import connect
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.run.run import RunOptions
from tests.integration.worlds import World, WorldMaker

BATCH, BATCHES = 24, 4
# The last row of a batch jumps by 8 °C. While it is the newest it is a step; with the row after it, a spike.
JUMPS = (BATCH - 1, 2 * BATCH - 1, 3 * BATCH - 1)


class Killed(BaseException):
    """The end of a process: nothing that comes after it is done."""


@dataclass
class Script:
    """What happens around the inserts of a run, which are counted from 1."""

    rival_before: int
    kill_after: int | None = None
    lose_lease: bool = False
    world: World | None = None
    inserts: int = 0
    lost: bool = field(default=False)

    def insert(self, real: Callable[..., Any], *arguments: Any) -> Any:
        self.inserts += 1
        if self.inserts == self.rival_before:
            self._rival()
        done = real(*arguments)
        if self.inserts == self.kill_after:
            raise Killed
        return done

    def check(self) -> None:
        if self.lost:
            raise RetryableError("its lease expired, and another run may be at work; run again")

    def _rival(self) -> None:
        assert self.world is not None
        with connect(self.world.settings()) as collection:
            marks = PendingQc.for_collection(collection, "other")
            assert evaluate_pending(marks, collection, load_stations()).evaluated > 0
            assert marks.marks() == {}
        self.lost = self.lose_lease


def lines(rows: range) -> bytes:
    start = datetime(2024, 10, 1, tzinfo=UTC)
    entries = [
        {
            "_airbyte_raw_id": str(row),
            "_airbyte_extracted_at": "2024-10-09T12:00:00Z",
            "_airbyte_generation_id": 1,
            "_airbyte_meta": {"changes": [], "sync_id": 1},
            "_airbyte_data": {
                "id_station": "07915",
                "dh_utc": f"{start + timedelta(minutes=10 * row):%Y-%m-%d %H:%M:%S}",
                "temperature": "20.0" if row in JUMPS else f"12.{row % 3}",
            },
        }
        for row in rows
    ]
    return b"\n".join(json.dumps(entry).encode() for entry in entries)


def delivered(new_world: WorldMaker) -> World:
    """A day in an object of four batches, and a second object of another week."""
    world = new_world()
    world.raw.put("infoclimat/a.jsonl", lines(range(BATCHES * BATCH)))
    world.raw.put("infoclimat/b.jsonl", lines(range(1008, 1008 + BATCH)))
    return world


def said(world: World) -> dict[str, Any]:
    return {
        name: (document["metadata"]["digest"], document["data_quality"]) for name, document in world.documents().items()
    }


def disturbed(world: World, script: Script, options: RunOptions | None = None) -> int | None:
    """A run in which this happens; its exit code, None where it was killed."""
    script.world = world
    real = load._insert
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "BATCH_ROWS", BATCH)
        patch.setattr(load, "WRITERS", 1)
        patch.setattr(load, "_insert", lambda *arguments: script.insert(real, *arguments))
        patch.setattr(lease.Lease, "check", lambda _: script.check())
        try:
            return int(world.run(options)["exit_code"])
        except Killed:
            return None


@pytest.fixture(scope="module")
def undisturbed(local_world: WorldMaker) -> dict[str, Any]:
    world = delivered(local_world)
    assert world.run()["exit_code"] == 0
    found = said(world)
    spikes = [name for name, (_, quality) in found.items() if quality["flags"]]
    assert spikes == [f"07915@2024-10-01T{clock}:00Z" for clock in ("03:50", "07:50", "11:50")]
    return found


@pytest.mark.parametrize(
    ("script", "code", "differs"),
    [
        # The batch is written after the concurrent run has evaluated, and then the run ends in its own way.
        (Script(rival_before=3, kill_after=3), None, True),
        (Script(rival_before=4, kill_after=4), None, True),
        (Script(rival_before=3, lose_lease=True), 1, True),
        # The object is wholly there and has its checkpoint; the run stops at the next one.
        (Script(rival_before=4, lose_lease=True), 1, True),
        # The run goes on to its own end.
        (Script(rival_before=3), 0, False),
        (Script(rival_before=4), 0, False),
    ],
    ids=["killed", "killed at the last batch", "stopped", "stopped at the next object", "goes on", "goes on at last"],
)
def test_case_105_in_the_end_the_flags_are_those_of_an_undisturbed_run(
    local_world: WorldMaker, undisturbed: dict[str, Any], script: Script, code: int | None, differs: bool
) -> None:
    world = delivered(local_world)
    assert disturbed(world, script) == code
    assert (said(world) != undisturbed) == differs
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("success", 0)
    assert said(world) == undisturbed
    with world.mongo() as database:
        assert list(database["weather_measurements_pending_qc"].find()) == []
        assert [
            entry["_id"] for entry in database["weather_measurements_objects"].find({"loading": {"$ne": None}})
        ] == []


def test_case_105_rows_that_were_written_before_the_pause_are_unchanged_and_evaluated_all_the_same(
    local_world: WorldMaker, undisturbed: dict[str, Any]
) -> None:
    """All four batches were written when the run was killed: the next one only has flags to update."""
    world = delivered(local_world)
    assert disturbed(world, Script(rival_before=4, kill_after=4)) is None
    counts = world.run()["counts"]
    assert (counts["inserted"], counts["unchanged"], counts["documents_reflagged"]) == (BATCH, BATCHES * BATCH, 1)
    assert said(world) == undisturbed


def test_case_105_a_run_without_reprocess_completes_one_with_it(
    local_world: WorldMaker, undisturbed: dict[str, Any]
) -> None:
    """The checkpoints of the earlier load no longer vouch for the two objects that the killed run has begun."""
    world = delivered(local_world)
    world.run()
    with world.mongo() as database:
        database["weather_measurements"].delete_many({})
    assert disturbed(world, Script(rival_before=3, kill_after=3), RunOptions(reprocess=True)) is None
    assert world.run(RunOptions())["counts"]["objects_loaded"] == 2
    assert said(world) == undisturbed


def test_an_object_whose_rows_are_already_stored_is_not_evaluated_again(local_world: WorldMaker) -> None:
    """Delivered once more under another name, by a run that nothing disturbs."""
    world = delivered(local_world)
    world.run()
    world.raw.put("infoclimat/c.jsonl", lines(range(BATCHES * BATCH)))
    counts = world.run()["counts"]
    assert (counts["objects_loaded"], counts["unchanged"], counts["documents_checked"]) == (1, BATCHES * BATCH, 0)
