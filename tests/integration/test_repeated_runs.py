"""What a run remembers: an object counts as processed when it is loaded, and not a moment before."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

import forecast.mongo.loader as loading
from forecast.core.errors import RetryableError
from forecast.mongo.loader import SCHEMA_FILE
from forecast.mongo.state import Checkpoints
from forecast.run import bundle, executor, steps
from forecast.run.run import Run
from tests.integration.worlds import COLLECTION, Outcome, Row, World, WorldMaker, assert_reports_hold
from tests.waiting import WAIT_SECONDS

KEY = "infoclimat/Data_Source1_011024-031024.json"
OTHER = "infoclimat/api/2024_10_06_1728183600000_0.jsonl"
UNDATED = "wunderground/ITESTB25/undated.csv"


@pytest.fixture
def world(new_world: WorldMaker, demo_data: Path) -> World:
    """A world with one object that was not processed yet."""
    made = new_world()
    made.deliver(demo_data, [KEY])
    return made


def _uri(world: World, key: str) -> str:
    return f"{world.raw.uri.rstrip('/')}/{key}"


def test_checkpoint_names_the_object_and_its_version(world: World) -> None:
    status = world.run()
    (entry,) = world.checkpoints().values()
    assert entry["_id"] == _uri(world, KEY)
    assert entry["run_id"] == status["run_id"]
    assert entry["etag"]
    assert (entry["counts"]["rows_read"], entry["counts"]["inserted"]) == (1368, 1368)


@pytest.mark.both_zones
def test_only_new_objects_are_processed(world: World, demo_data: Path) -> None:
    world.run()
    world.deliver(demo_data, [OTHER])
    counts = world.run()["counts"]
    assert (counts["objects_already_processed"], counts["objects_loaded"], counts["rows_read"]) == (1, 1, 900)


def test_load_that_fails_leaves_no_checkpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> Any:
        raise RetryableError("the connection to MongoDB was lost (inserting)")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "load_by_object", unreachable)
        status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    assert status["counts"]["objects_interrupted"] == 1
    assert [error["message"] for error in status["errors"]] == ["the connection to MongoDB was lost (inserting)"]
    assert world.checkpoints() == {}
    again = world.run()
    assert (again["exit_code"], again["counts"]["objects_loaded"], again["counts"]["inserted"]) == (0, 1, 1368)
    assert_reports_hold(world)


def test_a_document_that_the_validator_rejects_ends_the_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    schema["$jsonSchema"]["properties"]["measurements"] = {"bsonType": "object", "required": ["ultraviolet_index"]}
    stricter = tmp_path / "stricter.json"
    stricter.write_text(json.dumps(schema), "utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "SCHEMA_FILE", stricter)
        status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 2)
    (error,) = status["errors"]
    assert "@2024-10-0" in error["message"]
    assert "mongodb_schema.json" in error["message"]
    assert (world.checkpoints(), world.documents()) == ({}, {})
    assert world.run()["exit_code"] == 0
    assert len(world.documents()) == 1368


def test_full_disk_for_temporary_files_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "save_validated_to_s3", full)
        status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    (error,) = status["errors"]
    assert re.fullmatch(r"no space is left for temporary files in \S+forecast-run-\w+ \(TMPDIR\)", error["message"])
    assert (world.checkpoints(), world.documents(), world.processed.keys()) == ({}, {}, _report_keys(world))
    assert world.run()["exit_code"] == 0


def _report_keys(world: World) -> list[str]:
    """Where the zone is on S3 it has copies of the reports."""
    return [key for key in world.processed.keys() if key.startswith("logs/")]


def test_a_loss_found_by_reading_back_fails_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(records: Any, collection: Any, *others: Any) -> Any:
        counts = loading.load_by_object(records, collection, *others)
        collection.delete_many({})
        return counts

    with monkeypatch.context() as patch:
        patch.setattr(steps, "load_by_object", forgetful)
        status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    assert [error["message"] for error in status["errors"]] == [
        (
            "records that were loaded are no longer in the database; was it restored or changed in the meantime? "
            "Run again with --reprocess"
        )
    ]
    assert not world.reports("migration_report")[-1]["verification"]["ok"]
    assert world.reprocess()["exit_code"] == 0
    assert len(world.documents()) == 1368


def test_an_internal_error_rejects_only_its_object(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(steps, "validate_data", broken)
        status = world.run()
    assert (status["status"], status["exit_code"]) == ("partial", 3)
    assert [(error["object"], error["code"]) for error in status["errors"]] == [(KEY, "internal_error")]
    assert world.documents() == {}


@pytest.mark.both_zones
def test_a_replaced_object_is_processed_again(world: World) -> None:
    world.raw.age(KEY, 2)  # S3 tells the time of a change in whole seconds
    world.run()
    document = json.loads(world.raw.get(KEY))
    document["hourly"]["07915"][0]["temperature"] = "-3.5"
    world.raw.put(KEY, json.dumps(document).encode())
    counts = world.run()["counts"]
    assert (counts["objects_already_processed"], counts["objects_loaded"]) == (0, 1)
    assert (counts["inserted"], counts["updated"], counts["unchanged"]) == (0, 1, 1367)
    assert world.documents()["07915@2024-10-01T00:00:00Z"]["measurements"]["air_temperature"] == -3.5
    assert world.run()["counts"]["objects_already_processed"] == 1


def test_rejected_object_leaves_the_others_alone_and_is_known_from_then_on(world: World) -> None:
    world.raw.put(UNDATED, b"Time,Temperature,Humidity,Wind\n00:04:00,56.8 \xc2\xb0F,87 %,WSW\n")
    first, second = world.run(), world.run()
    assert (first["status"], first["exit_code"]) == ("partial", 3)
    assert (second["status"], second["exit_code"]) == ("success", 0)
    names = ("inserted", "objects_rejected", "objects_known_rejected")
    assert [first["counts"][name] for name in names] == [1368, 1, 0]
    assert [second["counts"][name] for name in names] == [0, 0, 1]
    for status, known in ((first, False), (second, True)):
        assert [(error["object"], error["known"]) for error in status["errors"]] == [(UNDATED, known)]


def test_same_record_twice_in_one_object_is_one_document(world: World) -> None:
    document = json.loads(world.raw.get(KEY))
    rows = document["hourly"]["07915"]
    document["hourly"]["07915"] = [*rows, rows[0], {**rows[1], "temperature": "99.9"}]
    world.raw.put(KEY, json.dumps(document).encode())
    status = world.run()
    counts = status["counts"]
    assert status["exit_code"] == 0
    assert (counts["rows_read"], counts["inserted"]) == (1370, 1368)
    assert counts["unchanged"] + counts["superseded"] == 2
    assert len(world.documents()) == 1368


def test_database_that_is_new_gets_everything_again(world: World) -> None:
    world.run()
    world.forget_documents()
    assert world.run()["counts"]["inserted"] == 1368


def _interrupted(world: World, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcome, Row]:
    """A run that gets the signal right after its first checkpoint, and the status report of that moment."""
    runs: list[Run] = []
    running: list[Row] = []
    begin, write = Run.begin, Checkpoints.write

    def begun(*given: Any) -> Run:
        runs.append(begin(*given))
        return runs[0]

    def signalled(*given: Any) -> None:
        write(*given)
        if not running:
            running.append(world.status())
            os.kill(os.getpid(), number)
            assert runs[0].stop.wait(WAIT_SECONDS)

    with monkeypatch.context() as patch:
        patch.setattr(bundle, "_MOST_OBJECTS", 1)
        # Otherwise, the run may finish loading the next object as well.
        patch.setattr(executor, "_LOADERS", 1)
        patch.setattr(Run, "begin", begun)
        patch.setattr(Checkpoints, "write", signalled)
        outcome = world.typed("pipeline")
    return outcome, running[0]


def test_a_collection_that_was_dropped_or_emptied_is_filled_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The collections next to it say that everything was loaded; an object without records is not processed again."""
    world.raw.put("nothing.json", b"[]")
    world.run()
    documents = world.contents()
    loaded = len(world.checkpoints()) - 1
    for clear in ("drop", "empty"):
        with world.mongo() as database:
            database.drop_collection(COLLECTION) if clear == "drop" else database[COLLECTION].delete_many({})
        caplog.clear()
        counts = world.run()["counts"]
        assert (counts["objects_loaded"], counts["objects_already_processed"]) == (loaded, 1)
        assert world.contents() == documents
        name = f"{world.database}.{COLLECTION}"
        words = f"{name} has no documents; the {loaded} objects whose records were loaded into it are processed again"
        assert [record.getMessage() for record in caplog.records if "no documents" in record.getMessage()] == [words]
    assert world.run()["counts"]["objects_already_processed"] == loaded + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_interrupted_run_is_completed_by_the_next(
    new_world: WorldMaker, demo_data: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, undisturbed = new_world(), new_world()
    for each in (world, undisturbed):
        each.deliver(demo_data, [KEY, OTHER])
    undisturbed.run()
    outcome, running = _interrupted(world, number, monkeypatch)
    assert (running["status"], running["exit_code"], running["finished_at"]) == ("running", None, None)
    status = world.status()
    assert outcome.code == 1, outcome.stderr
    assert (status["status"], status["exit_code"]) == ("interrupted", 1)
    assert "interrupted" in outcome.stdout
    assert "Traceback" not in outcome.stderr
    assert len(world.checkpoints()) == status["counts"]["objects_loaded"] == 1
    assert_reports_hold(world)

    again = world.run()
    assert (again["status"], again["exit_code"]) == ("success", 0)
    assert again["counts"]["objects_already_processed"] == 1
    assert again["counts"]["objects_loaded"] == 1
    assert world.contents() == undisturbed.contents()
    assert world.record_keys() == undisturbed.record_keys()
