"""The history of runs: in files, on S3 and in the database, whichever of them was there at the time."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from forecast.core.counts import ObjectCounts
from forecast.core.processes import this_place
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection
from forecast.mongo.history import RunHistory
from forecast.mongo.state import Checkpoints, Loaded
from forecast.report.models.status import Died, PipelineStatus, Process
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.write import as_data
from forecast.run.history import History, runs_of
from forecast.storage import open_store

STARTED = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)
PLACE = {"mongodb_server": "h", "mongodb_database": "d", "mongodb_collection": "weather"}
FOUND = Died(found_at="2026-11-24T09:00:00Z", found_by="r9")
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def report(night: int, status: Any = "success", **more: Any) -> PipelineStatus:
    started = STARTED + timedelta(days=night)
    ended = None if status == "running" else started + timedelta(minutes=1)
    arguments = {**PLACE, **more.pop("arguments", {})}
    info = RunInfo(f"r{night}", started, "2.0.0", arguments, **more)
    code = {"running": None, "success": 0}.get(status, 1)
    return status_report(info, RunProgress(), [], status=status, exit_code=code, finished_at=ended)


@pytest.fixture
def gone() -> Process:
    """A process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return Process("here", process.pid, this_place())


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(Settings(logs_dir=tmp_path / "logs"), open_store(str(tmp_path)))


def begin(history: History, collection: ObservationCollection) -> dict[str, PipelineStatus]:
    """What is known when run r9 has the lease."""
    ours = report(9, "running")
    history.write(ours)
    assert history.catch_up(ours, collection, NOW) == []
    history.enter(ours)
    return {run.run_id: run for run in runs_of(collection, 99)}


def test_a_run_is_in_the_database_from_its_start_and_with_its_end(
    history: History, collection: ObservationCollection
) -> None:
    assert begin(history, collection) == {"r9": report(9, "running")}
    history.enter(report(9))
    assert runs_of(collection, 99) == [report(9)]


def test_runs_that_found_no_database_are_entered_by_the_next(
    history: History, collection: ObservationCollection, tmp_path: Path
) -> None:
    for one in (report(1, "failed"), report(2, "failed"), report(3)):
        history.write(one)
    RunHistory.for_collection(collection).put(as_data(report(3)))
    assert (tmp_path / "logs" / "history" / "r1.json").exists()
    assert begin(history, collection) == {
        "r1": report(1, "failed"),
        "r2": report(2, "failed"),
        "r3": report(3),
        "r9": report(9, "running"),
    }


def test_the_next_run_records_how_a_run_ended_that_lost_the_database(
    history: History, collection: ObservationCollection
) -> None:
    RunHistory.for_collection(collection).put(as_data(report(1, "running")))
    history.write(report(1, "failed"))
    assert begin(history, collection)["r1"] == report(1, "failed")


def test_a_run_that_was_killed_is_closed_by_the_next(
    history: History, collection: ObservationCollection, tmp_path: Path
) -> None:
    history.write(report(1, "running"))
    RunHistory.for_collection(collection).put(as_data(report(1, "running")))
    # Of another machine, which left no file here.
    RunHistory.for_collection(collection).put(as_data(report(2, "running")))
    found = begin(history, collection)
    for name in ("r1", "r2"):
        run = found[name]
        assert (run.status, run.exit_code, run.finished_at, run.died) == ("failed", 1, "2026-11-24T09:00:00Z", FOUND)
        assert [(error.code, error.message) for error in run.errors] == [
            ("died", "the run did not finish: it was killed, or its machine stopped")
        ]
        file = tmp_path / "logs" / "history" / f"{name}.json"
        assert msgspec.json.decode(file.read_bytes(), type=PipelineStatus) == run


def test_a_run_that_was_killed_is_closed_with_the_counts_of_the_objects_that_it_had_loaded(
    history: History, collection: ObservationCollection
) -> None:
    history.write(report(1, "running"))
    RunHistory.for_collection(collection).put(as_data(report(1, "running")))
    checkpoints = Checkpoints.for_collection(collection, 1, "program", "zone")
    for run_id, name, inserted in (("r0", "a", 1), ("r1", "b", 20), ("r1", "c", 300)):
        raw = RawObject(name, f"s3://raw/{name}", 1, "etag", STARTED)
        counts = ObjectCounts(name, raw.uri, "loaded", inserted + 4, 0, inserted, 4, inserted=inserted)
        checkpoints.begin(run_id, {raw.uri: []})
        checkpoints.write(run_id, NOW, [Loaded(raw, {}, counts, None)])
    counted = begin(history, collection)["r1"].counts
    assert (counted.objects_loaded, counted.rows_read, counted.inserted) == (2, 328, 320)
    assert (counted.records_rejected, counted.rejection_rate) == (8, 8 / 328)


def test_a_run_that_was_killed_before_it_had_the_lease_is_closed_and_one_that_waits_is_not(
    history: History, collection: ObservationCollection, gone: Process
) -> None:
    history.write(report(1, "running", process=gone))
    history.write(report(2, "running"))
    found = begin(history, collection)
    assert found["r1"].died == FOUND
    assert found.keys() == {"r1", "r9"}


def test_runs_on_another_collection_are_ignored(history: History, collection: ObservationCollection) -> None:
    history.write(report(1, "failed", arguments={"mongodb_collection": "another"}))
    assert begin(history, collection).keys() == {"r9"}


def test_a_run_that_loses_the_database_at_its_end_is_still_recorded(
    history: History, collection: ObservationCollection, caplog: pytest.LogCaptureFixture
) -> None:
    begin(history, collection)
    collection.database.client.close()
    with caplog.at_level("WARNING"):
        history.enter(report(9))
    assert "the next run will enter this one into the history" in caplog.text


def test_the_files_of_a_machine_that_is_gone_are_read_from_s3(
    s3_bucket: str, collection: ObservationCollection, tmp_path: Path
) -> None:
    """r1 found no database; r2 lost it on the way. Both ended, in containers that are gone."""
    zone = open_store(f"s3://{s3_bucket}/processed/")
    before = History(Settings(logs_dir=tmp_path / "before"), zone)
    for one in (report(1, "failed"), report(2, "failed"), report(3, "running")):
        before.write(one)
    keys = [entry["Key"] for entry in boto3.client("s3").list_objects_v2(Bucket=s3_bucket)["Contents"]]
    assert keys == ["processed/logs/history/r1.json", "processed/logs/history/r2.json"]
    RunHistory.for_collection(collection).put(as_data(report(2, "running")))
    found = begin(History(Settings(logs_dir=tmp_path / "after"), zone), collection)
    assert found == {"r1": report(1, "failed"), "r2": report(2, "failed"), "r9": report(9, "running")}


def test_the_next_run_names_missed_runs(collection: ObservationCollection, tmp_path: Path) -> None:
    """The fourth night's run found no database: it is in a file alone, and has started all the same."""
    settings = Settings(logs_dir=tmp_path / "logs", schedule="10 3 * * *")
    history = History(settings, open_store(str(tmp_path)))
    for night in (0, 1):
        RunHistory.for_collection(collection).put(as_data(report(night)))
    history.write(report(3, "failed"))
    nights = [STARTED + timedelta(days=night) for night in range(7)]
    assert history.catch_up(report(6, "running"), collection, nights[6]) == [nights[4], nights[5]]
    history.write(report(5, "failed"))
    assert history.catch_up(report(6, "running"), collection, nights[6]) == []
    unscheduled = History(Settings(logs_dir=tmp_path / "logs"), open_store(str(tmp_path)))
    assert unscheduled.catch_up(report(6, "running"), collection, nights[6]) == []
