"""The commands as they are typed: exit codes, what goes to which stream, and what is never shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import main
from forecast.core.registry import load_stations
from forecast.run.run import RunOptions
from tests.integration.worlds import COMMANDS, SCRIPTS, FolderZone, World, WorldMaker, assert_reports_hold
from tests.slo import GENEROUS_MS, slo_file

PASSWORD = "tr0ub4dor-Zebra"
NOBODY_LISTENS = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300"
DOCUMENT = "infoclimat/Data_Source1_011024-031024.json"
API = "infoclimat/api/2024_10_06_1728183600000_0.jsonl"
ONE_BY_ONE = "infoclimat/observations/2024_10_08_1728356400000_0.jsonl.gz"
WRITTEN = ("inserted", "updated", "unchanged", "superseded")
# What is told of results, which a dry run does not make.
JUDGED = ("documents_checked", "documents_reflagged", "flags_changed")
# What only a run that writes knows: it reads the database when its documents are in it.
AFTERWARDS = (*JUDGED, "newest_observation_age_s")


@pytest.fixture
def world(new_world: WorldMaker, demo_data: Path) -> World:
    """A world with one object."""
    made = new_world()
    made.deliver(demo_data, [DOCUMENT])
    return made


@pytest.fixture
def local(local_world: WorldMaker, demo_data: Path) -> World:
    """A world in local folders with one object."""
    made = local_world()
    made.deliver(demo_data, [DOCUMENT])
    return made


def _written_text(world: World) -> str:
    """All that a run left in reports, the dashboard, checkpoints and documents."""
    found = sorted(world.logs_dir.rglob("*")) if world.logs_dir.exists() else []
    reports = [path.read_text("utf-8") for path in found if path.is_file()]
    return "\n".join([*reports, repr(world.checkpoints())])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples(local: World, command: str) -> None:
    outcome = local.command(command, "--help", variables=local.variables(MONGODB_URI=NOBODY_LISTENS))
    assert (outcome.code, outcome.stderr) == (0, "")
    assert "Example" in outcome.stdout
    typed = " ".join(SCRIPTS[command])
    assert f"Usage: {typed} [OPTIONS]" in outcome.stdout
    assert f"\n    {typed} " in outcome.stdout.partition("Example")[2]
    for option in ("--raw-uri", "--processed-uri", "--mongodb-uri", "--logs-dir", "--log-format", "--json"):
        assert option in outcome.stdout


@pytest.mark.both_zones
def test_run_shows_its_result_on_stdout_and_its_log_on_stderr(world: World) -> None:
    outcome = world.command("pipeline")
    assert outcome.code == 0
    assert "success, exit code 0" in outcome.stdout
    assert "1,368 inserted" in outcome.stdout
    run_id = world.status()["run_id"]
    said = [line.split(" ", 1)[1] for line in outcome.stderr.splitlines()]
    assert f"{run_id} INFO loaded {DOCUMENT}: 1,368 records" in said
    assert "INFO" not in outcome.stdout
    assert len(world.documents()) == 1368


def test_json_is_one_object_on_stdout(world: World) -> None:
    outcome = world.typed("pipeline", "--json", variables=world.variables(LOG_FORMAT="json"))
    result = outcome.json()
    assert outcome.code == result["status"]["exit_code"] == 0
    assert result["status"] == world.status()
    assert result["quality"]["records_validated"] == 1368
    entries = [json.loads(line) for line in outcome.stderr.splitlines()]
    assert entries
    for entry in entries:
        assert {"time", "level", "message"} <= entry.keys()
        assert datetime.fromisoformat(entry["time"]).utcoffset() is not None
    told = [entry for entry in entries if "records_validated" in entry]
    assert [entry["records_validated"] for entry in told] == [1368, 1368]
    names = ("event", "status", "exit_code", "dry_run", "rows")
    assert [told[-1][name] for name in names] == ["run_finished", "success", 0, False, 1368]
    assert told[-1]["times"] == result["status"]["times"]
    assert told[-1]["seconds"] > told[-1]["times"]["qc"] > 0
    assert {entry["run_id"] for entry in entries} == {result["status"]["run_id"]}
    assert entries[0]["event"] == "run_started"
    assert (entries[0]["raw_uri"], entries[0]["processed_uri"]) == (world.raw.uri, world.processed.uri)


def test_dry_run_writes_nothing_and_says_what_a_run_would_do(world: World) -> None:
    outcome = world.typed("pipeline", "--dry-run", "--json")
    assert f" INFO would load {DOCUMENT}: 1,368 records" in outcome.stderr
    dry = outcome.json()["status"]
    assert dry["dry_run"]
    assert [dry["counts"][name] for name in WRITTEN] == [1368, 0, 0, 0]
    assert (world.documents(), world.checkpoints(), world.processed.keys()) == ({}, {}, [])
    assert not world.logs_dir.exists()
    with world.mongo() as database:
        assert database.list_collection_names() == []

    wet = world.typed("pipeline", "--json").json()["status"]
    assert wet["counts"] == {**dry["counts"], **{name: wet["counts"][name] for name in AFTERWARDS}}
    assert (wet["counts"]["documents_checked"], {dry["counts"][name] for name in JUDGED}) == (1368, {0})
    document = json.loads(world.raw.get(DOCUMENT))
    rows = document["hourly"]["07915"]
    rows[0]["temperature"] = "-3.5"
    rows.append({**rows[0], "dh_utc": "2024-10-09 00:00:00"})
    in_a_minute = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp() * 1000)
    envelope = {"_airbyte_extracted_at": in_a_minute, "_airbyte_generation_id": 1, "_airbyte_meta": {"sync_id": 1}}
    world.raw.put("infoclimat/later.jsonl", json.dumps({**envelope, "_airbyte_data": document}).encode())
    before = world.document_bytes(), world.checkpoints(), world.processed.keys(), world.reports("")
    dry = world.typed("pipeline", "--dry-run", "--json").json()["status"]
    assert [dry["counts"][name] for name in WRITTEN] == [1, 1, 1367, 0]
    assert (world.document_bytes(), world.checkpoints(), world.processed.keys(), world.reports("")) == before
    wet = world.typed("pipeline", "--json").json()["status"]
    assert wet["counts"] == {**dry["counts"], **{name: wet["counts"][name] for name in AFTERWARDS}}
    assert (wet["counts"]["documents_checked"], {dry["counts"][name] for name in JUDGED}) == (1369, {0})


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (["--date", "2024-10-06"], [API]),
        (["--since", "2024-10-06", "--until", "2024-10-07"], [API]),
        (["--since", "2024-10-07", "--until", "2024-10-08"], [ONE_BY_ONE]),
        (["--until", "2024-10-08"], [API, ONE_BY_ONE]),
        (["--date", "today"], [DOCUMENT]),
        (["--since", "2024-10-08"], [DOCUMENT, ONE_BY_ONE]),
    ],
)
def test_objects_are_selected_by_the_day_of_their_sync(
    new_world: WorldMaker, demo_data: Path, options: list[str], taken: list[str]
) -> None:
    """Airbyte's names tell the day; of any other object it is the day of its last change."""
    world = new_world()
    world.deliver(demo_data, [DOCUMENT, API, ONE_BY_ONE])
    today = datetime.now(UTC).date().isoformat()
    chosen = [today if option == "today" else option for option in options]
    result = world.typed("pipeline", "--json", "--dry-run", *chosen).json()
    assert [entry["key"] for entry in result["quality"]["by_object"]] == taken
    assert result["status"]["exit_code"] == 0


def test_days_on_which_nothing_was_synced_are_exit_code_2(world: World) -> None:
    outcome = world.typed("pipeline", "--date", "2024-10-05")
    assert (outcome.code, world.status()["status"], world.status()["exit_code"]) == (2, "failed", 2)
    today = datetime.now(UTC).date()
    assert "no object of the raw zone was synced on 2024-10-05" in outcome.stderr
    assert f"the 1 objects there were synced on {today}" in outcome.stderr


def test_an_empty_raw_zone_is_exit_code_2(new_world: WorldMaker) -> None:
    world = new_world()
    outcome = world.typed("pipeline")
    assert (outcome.code, world.status()["exit_code"]) == (2, 2)
    assert f"there is nothing below {world.raw.uri}" in outcome.stderr


def test_a_zone_inside_the_other_is_exit_code_2(local: World) -> None:
    outcome = local.typed("pipeline", "--processed-uri", f"{local.raw.uri}/processed")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("error: PROCESSED_URI (")
    assert not local.logs_dir.exists()


def test_the_reported_counts_are_what_was_written(local: World) -> None:
    status = local.run()
    kinds = {item["kind"]: item["count"] for item in status["written"] if item["kind"] != "report"}
    assert kinds == {"records": 1368, "documents": 1368, "dataset": 1368}
    unchanged = local.run()
    assert {item["kind"] for item in unchanged["written"]} == {"report"}
    assert "No records were written" in local.typed("pipeline").stdout
    document = json.loads(local.raw.get(DOCUMENT))
    document["hourly"]["07915"] = [{**document["hourly"]["07915"][0], "dh_utc": "2024-10-09 00:00:00"}]
    local.raw.put("infoclimat/later.json", json.dumps(document).encode())
    kinds = {item["kind"]: item["count"] for item in local.run()["written"] if item["kind"] != "report"}
    assert kinds["documents"] == len(local.documents()) == 1369
    assert kinds["records"] < 1368


def test_case_109_another_processed_zone_is_filled(local: World) -> None:
    local.run()
    moved = replace(local.settings(), processed_uri=str(local.home / "moved"))
    status, _ = main.run_pipeline(moved, RunOptions(), load_stations())
    assert (status.exit_code, status.counts.unchanged, status.counts.inserted) == (0, 1368, 0)
    keys = [path.relative_to(local.home / "moved").as_posix() for path in (local.home / "moved").rglob("*.parquet")]
    assert sorted(key for key in keys if key.startswith("observations/")) == local.record_keys() != []
    assert sorted(keys) == [key for key in local.processed.keys() if key.endswith(".parquet")]
    status, _ = main.run_pipeline(moved, RunOptions(), load_stations())
    assert status.counts.objects_already_processed == 1


def test_share_of_rejected_records_has_a_limit(local_world: WorldMaker, demo_data: Path) -> None:
    world = local_world()
    world.deliver(demo_data, [ONE_BY_ONE])
    outcome = world.typed("pipeline", "--max-rejection-rate", "0.001", "--json")
    status = outcome.json()["status"]
    assert (outcome.code, status["status"], status["counts"]["records_rejected"]) == (3, "partial", 2)
    assert len(world.checkpoints()) == 1
    outcome = world.typed("pipeline", "--reprocess", "--max-rejection-rate", "0.01", "--json")
    assert (outcome.code, outcome.json()["status"]["status"]) == (0, "success")


def test_a_rejected_object_is_exit_code_3(world: World) -> None:
    world.raw.put("wunderground/ITESTB25/a.csv", b"Time,Temperature,Humidity,Wind\n00:04:00,56.8 \xc2\xb0F,87 %,WSW\n")
    outcome = world.typed("pipeline")
    assert outcome.code == 3
    assert "time of day and no day" in outcome.stdout
    assert "ERROR rejected wunderground/ITESTB25/a.csv" in outcome.stderr
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("command", COMMANDS)
def test_unreachable_database_is_exit_code_1(local: World, command: str) -> None:
    local.processed.put("observations/year=2024/month=10/a-0.parquet", b"")
    uri = NOBODY_LISTENS.replace("//", f"//ann:{PASSWORD}@")
    outcome = local.typed(command, variables=local.variables(MONGODB_URI=uri))
    assert outcome.code == 1
    assert "MongoDB is unreachable" in outcome.stderr
    assert "Traceback" not in outcome.text
    assert PASSWORD not in outcome.text
    if command == "pipeline":
        assert (local.status()["status"], local.status()["exit_code"]) == ("failed", 1)
        assert PASSWORD not in _written_text(local)
        assert_reports_hold(local)


def test_missing_settings_are_named(local: World) -> None:
    for name in ("RAW_URI", "PROCESSED_URI"):
        outcome = local.typed("pipeline", variables=local.variables(**{name: ""}))
        assert (outcome.code, outcome.stdout) == (2, "")
        (line,) = outcome.stderr.splitlines()
        assert line.startswith(f"error: {name} is not set")
        assert "--demo" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-such-option"], "--no-such-option"),
        (["--date", "yesterday"], "yesterday"),
        (["--since", "2024-10-08", "--until", "2024-10-07"], "later than"),
        (["--date", "2024-10-08", "--until", "2024-10-08"], "--date"),
        (["--max-rejection-rate", "2"], "--max-rejection-rate"),
        (["--raw-uri", "gs://bucket/"], "RAW_URI"),
        (["--raw-uri", "s3://"], "RAW_URI"),
        (["--raw-uri", "no/such/folder"], "no/such/folder"),
        (["--log-level", "LOUD"], "LOG_LEVEL"),
        (["--mongodb-uri", "http://localhost"], "MONGODB_URI"),
    ],
)
def test_an_error_that_needs_a_change_is_exit_code_2(local: World, arguments: list[str], words: str) -> None:
    outcome = local.typed("pipeline", *arguments)
    assert outcome.code == 2
    assert words in outcome.stderr
    assert "Traceback" not in outcome.text
    assert local.documents() == {}


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://ann:{PASSWORD}@",
        f"mongodb://ann:{PASSWORD}@127.0.0.1:port/",
        f"mongodb://ann:{PASSWORD}@127.0.0.1:99999/",
        f"mongodb://ann:x@y{PASSWORD}@127.0.0.1/",
        f"mongodb://ann:x?{PASSWORD}=1@127.0.0.1/",
        f"mongodb://127.0.0.1:1/?{PASSWORD}=1",
        f"mongodb://ann:{PASSWORD}@127.0.0.1:1/?tls=true&tlsCAFile=no-such-file.pem",
        f"mongodb+srv://ann:{PASSWORD}@cluster.invalid/",
        f"postgres://ann:{PASSWORD}@127.0.0.1/",
    ],
)
def test_connection_string_that_cannot_be_used_is_exit_code_2_and_stays_secret(local: World, uri: str) -> None:
    outcome = local.typed("pipeline", variables=local.variables(MONGODB_URI=uri))
    assert outcome.code == 2
    assert "MONGODB_URI" in outcome.stderr
    assert "Traceback" not in outcome.text
    assert PASSWORD not in outcome.text + _written_text(local)


def test_wrong_password_is_exit_code_2_and_stays_secret(local: World) -> None:
    uri = f"mongodb://ann:{PASSWORD}@{local.mongodb_uri.rpartition('@')[2]}"
    outcome = local.typed("pipeline", "--mongodb-uri", uri)
    assert outcome.code == 2
    assert "wrong password" in outcome.stderr
    assert "Traceback" not in outcome.text
    assert PASSWORD not in outcome.text + _written_text(local)
    assert (local.status()["status"], local.status()["exit_code"]) == ("failed", 2)


@pytest.mark.parametrize("name", ["RAW_URI", "PROCESSED_URI"])
def test_unknown_bucket_is_exit_code_2(s3_world: WorldMaker, demo_data: Path, name: str) -> None:
    world = s3_world()
    world.deliver(demo_data, [DOCUMENT])
    outcome = world.typed("pipeline", variables=world.variables(**{name: "s3://no-such-bucket-here/a/"}))
    assert outcome.code == 2
    assert "no-such-bucket-here" in outcome.stderr
    assert "the bucket does not exist" in outcome.stderr
    assert (world.documents(), world.checkpoints()) == ({}, {})
    assert (world.status()["status"], world.status()["exit_code"]) == ("failed", 2)


def test_settings_come_from_the_file_too_and_the_environment_wins(local: World) -> None:
    (local.home / ".env").write_text(f"RAW_URI={local.raw.uri}\nMONGODB_DATABASE=unused\n", "utf-8")
    variables = local.variables()
    del variables["RAW_URI"]
    outcome = local.typed("pipeline", "--json", variables=variables)
    assert outcome.code == 0
    assert outcome.json()["status"]["arguments"]["mongodb_database"] == local.database
    assert len(local.documents()) == 1368


def test_migrate_verify_names_what_is_missing(world: World) -> None:
    assert world.typed("pipeline").code == 0
    outcome = world.typed("migrate", "--verify")
    assert outcome.code == 0
    assert "both hold the same" in outcome.stdout
    with world.mongo() as database:
        database["weather_measurements"].delete_one({})
    outcome = world.typed("migrate", "--verify", "--json")
    assert (outcome.code, outcome.json()["verification"]["ok"]) == (3, False)
    assert outcome.json()["verification"]["sample_checked"] - outcome.json()["verification"]["matching"] == 1
    outcome = world.typed("migrate", "--json")
    assert (outcome.code, outcome.json()["inserted"], outcome.json()["unchanged"]) == (0, 1, 1367)
    assert_reports_hold(world)


def test_latency_and_crud_run_on_the_real_database(local: World) -> None:
    assert local.typed("pipeline").code == 0
    arguments = ("--station-id", "00092", "--date", "2024-10-02", "--iterations", "3")
    slow = ("--slo-uri", slo_file(local.logs_dir.parent, GENEROUS_MS))
    outcome = local.typed("latency-report", *arguments, *slow, "--json")
    report = outcome.json()
    assert (outcome.code, report["rows_returned"], report["index"]) == (0, 144, "station_time")
    (written,) = local.logs_dir.glob("query_latency_report_*.json")
    assert json.loads(written.read_text("utf-8")) == report
    outcome = local.typed("crud-check", "--json")
    assert (outcome.code, outcome.json()["ok"]) == (0, True)
    assert len(local.documents()) == 1368
    assert_reports_hold(local)


def test_raw_folder_is_only_read(local: World) -> None:
    assert isinstance(local.raw, FolderZone)
    before = {key: (local.raw.folder / key).stat().st_mtime_ns for key in local.raw.keys()}
    assert local.typed("pipeline").code == 0
    assert {key: (local.raw.folder / key).stat().st_mtime_ns for key in local.raw.keys()} == before
