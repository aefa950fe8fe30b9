"""A run that is killed, whenever that is, and started again ends as one that was never killed."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.worlds import COLLECTION, Row, World, WorldMaker, assert_reports_hold
from tests.waiting import wait_until

KILLED_RUN: Final = Path(__file__).with_name("killed_run.py")
# The kernel ends it with SIGPROF after so many seconds of CPU time, as suddenly as with SIGKILL.
KILLED_AFTER: Final = """
import signal, sys, main
from tests.stations import use_own_registry
use_own_registry()
seconds = float(sys.argv[1])
sys.argv[:] = ["pipeline"]
signal.setitimer(signal.ITIMER_PROF, seconds)
main.cli()
"""
BEFORE_AN_INSERT: Final = ("forecast.mongo.loader", "_insert", "before", "1")
# Documents are more bytes than whatever else a run sends.
AN_INSERT: Final = 1 << 14
KILLS, KILLS_A_WORLD = 30, 3
# What tells one run from another.
OF_A_RUN = ("run_id", "ingested_at")
# Place in the program, and which call of it is the last: the demo has a dozen objects.
BOUNDARIES: Final[dict[str, tuple[str, str, str, int]]] = {
    "before the lease": ("forecast.mongo.lock", "_acquire", "before", 1),
    "with the lease": ("forecast.mongo.lock", "_acquire", "after", 1),
    "before the collection is prepared": ("forecast.run.pipeline", "prepare_collection", "before", 1),
    "after the collection is prepared": ("forecast.run.pipeline", "prepare_collection", "after", 1),
    "before extract": ("forecast.run.steps", "extract_data", "before", 3),
    "before transform": ("forecast.run.steps", "transform_data", "before", 5),
    "after transform": ("forecast.run.steps", "transform_data", "after", 5),
    "after validate": ("forecast.run.steps", "validate_data", "after", 1),
    "after a file is staged": ("forecast.run.steps", "save_validated_to_s3", "after", 4),
    "before an object is published": ("forecast.run.loading", "publish", "before", 3),
    "between two files of the zone": ("forecast.storage", "LocalStore.publish", "after", 2),
    "after an object is published": ("forecast.run.loading", "publish", "after", 3),
    "before an insert": ("forecast.mongo.loader", "_insert", "before", 1),
    "between insert and replace": ("forecast.mongo.loader", "_insert", "after", 1),
    "after a replace": ("forecast.mongo.loader", "_replace", "after", 1),
    "before a checkpoint": ("forecast.mongo.state", "Checkpoints.write", "before", 1),
    "after a checkpoint": ("forecast.mongo.state", "Checkpoints.write", "after", 1),
    "after a day is marked to be judged": ("forecast.mongo.qc_queue", "PendingQc.enqueue", "after", 1),
    "before anything is evaluated": ("forecast.run.pipeline", "evaluate_pending", "before", 1),
    "between the flags of two stations": ("forecast.mongo.qc_write", "rewrite", "after", 2),
    "before the marks are taken away": ("forecast.mongo.qc_queue", "PendingQc.ack", "before", 1),
    "after days are aggregated": ("forecast.mongo.days", "DailyAggregates.write", "after", 1),
    "before the observations of stations are counted": (
        "forecast.mongo.station_states",
        "StationStates.count",
        "before",
        1,
    ),
    "before a run is in the history": ("forecast.mongo.history", "RunHistory.put", "before", 1),
    "before the reports": ("main", "_report_findings", "before", 1),
    "between two reports": ("forecast.run.run_reports", "write_timed_report", "after", 1),
    "before the lease is given back": ("forecast.mongo.lock", "_release", "before", 1),
    "before the last status": ("forecast.run.run_reports", "RunReports.status", "before", 2),
    "after the last status": ("forecast.run.run_reports", "RunReports.status", "after", 2),
}
# One of each kind of thing that is half done there; the night tries all. Those of an object's load are tried without a
# process in test_zone_versions.py.
_FOR_EVERY_CHANGE: Final = {
    "between two files of the zone",
    "between insert and replace",
    "between the flags of two stations",
}


def boundary_params(for_every_change: Iterable[str], *left_out: str) -> list[Any]:
    """The boundaries as values of a parameter; most of them are for the night, for each takes two runs."""
    return [
        pytest.param(name, marks=[] if name in for_every_change else [pytest.mark.slow])
        for name in BOUNDARIES
        if name not in left_out
    ]


@dataclass
class EndState:
    """What a world holds, without what differs from run to run."""

    contents: dict[str, tuple[str, Row]]
    sources: dict[str, tuple[Any, ...]]
    keys: list[str]
    records: list[Row]
    rejected: list[Row]
    processed: dict[str, tuple[str, int]]
    days: list[Row]
    stations: dict[str, tuple[Any, ...]]


def end_state(world: World) -> EndState:
    documents = world.documents()
    kept = ("source_uri", "source_row", "generation_id", "sync_id", "extracted_at")
    with world.mongo() as database:
        days = list(database[f"{COLLECTION}_days"].find().sort("_id"))
        found = database[f"{COLLECTION}_stations"].find()
        stations = {one["_id"]: (one["first"], one["last"], one["count"], one["state"]) for one in found}
    lines = [line for key in world.rejected_keys() for line in gzip.decompress(world.processed.get(key)).splitlines()]
    return EndState(
        contents=world.contents(),
        sources={name: tuple(document["metadata"][part] for part in kept) for name, document in documents.items()},
        keys=world.processed.keys(),
        records=[_without(record) for record in world.records()],
        rejected=[_without(json.loads(line)) for line in lines],
        processed={
            uri: (entry["etag"], entry["counts"]["records_validated"]) for uri, entry in world.checkpoints().items()
        },
        days=days,
        stations=stations,
    )


def unread_bytes(port: int) -> int:
    """What was sent to a port of this machine and not read there (`proc(5)`: the queues of each socket, in hex)."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(int(of[4].partition(":")[2], 16) for of in sockets if of[1].endswith(f":{port:04X}"))


def _without(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in OF_A_RUN}


@pytest.fixture(scope="module")
def undisturbed(local_world: WorldMaker, demo_data: Path) -> tuple[World, EndState]:
    world = local_world()
    world.deliver(demo_data)
    assert world.run()["exit_code"] == 0
    state = end_state(world)
    assert len(state.contents) > 1000
    return world, state


@pytest.fixture
def world(local_world: WorldMaker, undisturbed: tuple[World, EndState], monkeypatch: pytest.MonkeyPatch) -> World:
    """The same raw zone, with a processed zone, a database and a folder for work of its own."""
    made = replace(local_world(), raw=undisturbed[0].raw)
    work = made.home / "work"
    work.mkdir()
    made.environment["TMPDIR"] = str(work)
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    return made


def assert_completed_by_the_next_run(world: World, expected: EndState) -> None:
    world.wait_for_the_dead()
    before = len(world.documents())
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("success", 0), status["errors"]
    counts = status["counts"]
    assert before + counts["inserted"] == len(world.documents())
    assert counts["objects_already_processed"] + counts["objects_loaded"] == len(expected.processed)
    assert end_state(world) == expected
    assert list((world.home / "work").iterdir()) == []
    assert_reports_hold(world)


def assert_both_runs_are_in_the_history(world: World) -> None:
    """The killed run is closed by the one after it, unless it had written its end."""
    files = [json.loads(path.read_text("utf-8")) for path in sorted((world.logs_dir / "history").iterdir())]
    # Both may have begun in one second, and the names do not tell then which came first.
    killed, completed = sorted(files, key=lambda report: report["run_id"] == world.status()["run_id"])
    assert (completed["status"], completed["died"]) == ("success", None)
    if killed["died"] is None:
        assert killed["status"] == "success"
    else:
        assert (killed["status"], killed["died"]["found_by"]) == ("failed", completed["run_id"])
    with world.mongo() as database:
        documents = list(database[f"{COLLECTION}_runs"].find().sort("_id"))
    assert [(one["_id"], one["status"]) for one in documents] == [(one["run_id"], one["status"]) for one in files]


def assert_every_document_is_told(world: World) -> None:
    """Those that the killed run had written: in its own report, or by the run that took its object again."""
    reports = [json.loads(path.read_text("utf-8")) for path in (world.logs_dir / "history").iterdir()]
    counted = [report["counts"] for report in reports]
    inserted = sum(counts["inserted"] for counts in counted)
    taken_over = sum(counts["written_by_interrupted"] for counts in counted)
    assert inserted + taken_over == len(world.documents())


@pytest.mark.parametrize("boundary", boundary_params(_FOR_EVERY_CHANGE))
def test_killed_at_a_boundary(world: World, undisturbed: tuple[World, EndState], boundary: str) -> None:
    module, attribute, moment, number = BOUNDARIES[boundary]
    killed = subprocess.run(
        [sys.executable, str(KILLED_RUN), module, attribute, moment, str(number)],
        cwd=world.home,
        env=world.variables(),
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert_completed_by_the_next_run(world, undisturbed[1])
    assert_both_runs_are_in_the_history(world)
    assert_every_document_is_told(world)


@pytest.mark.parametrize("seed", range(KILLS // KILLS_A_WORLD))
@pytest.mark.slow
def test_killed_at_random_moments(world: World, undisturbed: tuple[World, EndState], seed: int) -> None:
    """From the begin of a run to about its end, in seconds of its CPU time: how busy the machine is changes nothing."""
    moments = random.Random(seed)
    for _ in range(KILLS_A_WORLD):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED_AFTER, str(moments.uniform(0.01, 2))],
            cwd=world.home,
            env=world.variables(),
            capture_output=True,
            check=False,
        )
        assert killed.returncode in {0, -signal.SIGPROF}, killed.stderr
    assert_completed_by_the_next_run(world, undisturbed[1])


def test_a_run_starts_while_the_server_has_the_last_writes_of_a_dead_one_before_it(
    world: World, undisturbed: tuple[World, EndState]
) -> None:
    """The server is paused while the first run writes, and continues when that run is dead and the next has begun."""
    with world.mongo() as database:
        server = database.client.admin.command("serverStatus")["pid"]
        _, port = database.client.address or ("", 0)
    of_first = [sys.executable, str(KILLED_RUN), *BEFORE_AN_INSERT, "SIGSTOP"]
    with subprocess.Popen(of_first, cwd=world.home, env=world.variables(), stderr=subprocess.DEVNULL) as first:
        _, status = os.waitpid(first.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.kill(server, signal.SIGSTOP)
        try:
            first.send_signal(signal.SIGCONT)
            # What the run has sent waits in the server's sockets.
            wait_until(lambda: unread_bytes(port) > AN_INSERT, first)
            first.kill()
            first.wait()
            second = world.start("pipeline", "--json")
            assert second.stderr is not None
            assert " INFO run started: " in second.stderr.readline()
        finally:
            os.kill(server, signal.SIGCONT)
    with second:
        stdout, stderr = second.communicate()
    assert first.returncode == -signal.SIGKILL
    assert second.returncode == 0, stderr
    counts = json.loads(stdout)["status"]["counts"]
    parts = sum(counts[name] for name in ("inserted", "updated", "unchanged", "superseded"))
    assert parts == counts["records_validated"]
    assert end_state(world) == undisturbed[1]
    assert_reports_hold(world)
