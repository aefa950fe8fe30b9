"""`forecast status`: the first thing wrong, the last runs, and who is silent."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from pymongo import MongoClient
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.mongo.history import RunHistory
from forecast.mongo.station_states import StationStates
from forecast.report.models.status import RunStatus
from forecast.report.silence import Seen
from forecast.report.status import REPORT_NAME, RunInfo, RunProgress, status_report
from forecast.report.write import as_data

STARTED = datetime(2026, 11, 23, 3, 10, 5, tzinfo=UTC)
HEARD_MS = round(STARTED.timestamp() * 1000)


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("RAW_URI", "PROCESSED_URI", "MONGODB_URI", "MAX_DATA_AGE_HOURS", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGS_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("COLUMNS", "200")
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def report(status: RunStatus = "success", exit_code: int = 0, error: str | None = None) -> dict[str, Any]:
    progress = RunProgress(seen={"ITESTB25": Seen("ITESTB25", HEARD_MS, 0.1, "fresh")})
    if error is not None:
        progress.add_error("RetryableError", error)
    info = RunInfo("20261123T031005Z-abcdef", STARTED, "2.0.0", {})
    ended = STARTED + timedelta(minutes=4)
    return as_data(status_report(info, progress, [], status=status, exit_code=exit_code, finished_at=ended))


def write(folder: Path, content: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / REPORT_NAME).write_text(json.dumps(content), "utf-8")


def asked(*arguments: str) -> Result:
    result = CliRunner().invoke(forecast_app, ["status", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_if_nothing_needs_attention_the_exit_code_is_0(tmp_path: Path) -> None:
    write(tmp_path / "logs", report())
    result = asked()
    assert result.stderr == ""
    assert result.exit_code == 0
    ended = "The last run ended at 2026-11-23 03:14 UTC with success"
    assert result.stdout.startswith(f"{ended}; 2 of 2 stations are silent\n")
    assert "2026-11-23 03:10  2026-11-23 03:14  success  0          20261123T031005Z-abcdef" in result.stdout
    assert "Needs attention" not in result.stdout


def test_a_failed_run_is_the_headline_and_exit_code_3(tmp_path: Path) -> None:
    write(tmp_path / "logs", report("failed", 1, "no primary \x1b[31mwas found"))
    result = asked()
    assert result.exit_code == 3
    headline = r"The last run (2026-11-23 03:10 UTC) failed: no primary \u001b[31mwas found"
    assert result.stdout.startswith(headline + "\n\nNeeds attention\n  error  The last run")


def test_silent_stations_and_those_that_never_sent_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "logs", report())
    shown = " ".join(asked("--max-data-age-hours", "999999").stdout.split())
    assert "Stations: 1 late, 1 never, 4 undelivered" in shown
    assert "ITESTB25 late 2026-11-23 03:10" in shown
    result = asked("--max-data-age-hours", "0.001")
    assert result.exit_code == 3
    assert result.stdout.startswith("All 2 stations are silent: the newest observation is from 2026-11-23 03:10")


def test_as_json_it_is_one_object_with_everything(tmp_path: Path) -> None:
    write(tmp_path / "logs", report("failed", 1, "no primary"))
    result = asked("--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert found["headline"] == "The last run (2026-11-23 03:10 UTC) failed: no primary"
    assert found["needs_attention"]
    assert found["attention"] == [{"severity": "error", "kind": "run_failed", "message": found["headline"]}]
    assert found["runs"] == [
        {
            "run_id": "20261123T031005Z-abcdef",
            "status": "failed",
            "started_at": "2026-11-23T03:10:05Z",
            "finished_at": "2026-11-23T03:14:05Z",
            "exit_code": 1,
            "error": "no primary",
            "turned_away": False,
        }
    ]
    assert found["stations"]["07915"] == {"state": "undelivered", "last_observation": None, "since": None}
    assert (found["missed_runs"], found["next_run_due"]) == ([], None)


def test_if_mongodb_is_unreachable_the_status_says_so_and_uses_the_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1/?directConnection=true&serverSelectionTimeoutMS=100")
    write(tmp_path / "logs", report())
    result = asked()
    assert result.exit_code == 3
    headline = result.stdout.splitlines()[0]
    assert "127.0.0.1:1" in headline
    assert headline.endswith("The following comes from the reports alone")
    assert "2026-11-23 03:10  2026-11-23 03:14  success" in result.stdout


def test_runs_and_stations_are_reported_as_the_database_has_them(
    replica_set: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed run without a successor, and two stations; there is no report on this machine."""
    monkeypatch.setenv("MONGODB_URI", replica_set)
    monkeypatch.setenv("MONGODB_DATABASE", mongo_database)
    since = datetime(2026, 11, 22, 3, 14, tzinfo=UTC)
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        collection = client[mongo_database]["weather_measurements"]
        running = {**report(), "status": "running", "exit_code": None, "finished_at": None}
        RunHistory.for_collection(collection).put(running)
        StationStates.for_collection(collection).collection.insert_many(
            [
                {"_id": "ITESTB25", "last": STARTED - timedelta(days=900), "state": "silent", "since": since},
                {"_id": "ITESTA19", "last": None, "state": "never", "since": since},
            ]
        )
    result = asked("--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["runs"][0]["status"]) == (3, "died")
    assert found["headline"].startswith("The last run (2026-11-23 03:10 UTC) did not finish")
    assert found["stations"]["ITESTB25"] == {
        "state": "silent",
        "last_observation": "2024-06-06T03:10:05Z",
        "since": "2026-11-22T03:14:00Z",
    }
    assert found["stations"]["ITESTA19"] == {
        "state": "never",
        "last_observation": None,
        "since": "2026-11-22T03:14:00Z",
    }


def test_with_a_schedule_missed_runs_and_the_next_run_are_shown(
    tmp_path: Path,
) -> None:
    old = {"started_at": "2020-01-01T03:10:05Z", "finished_at": "2020-01-01T03:14:05Z"}
    write(tmp_path / "logs", {**report(), **old})
    result = asked("--json", "--schedule", "10 3 1 1 *")
    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert found["missed_runs"][:2] == ["2021-01-01T03:10:00Z", "2022-01-01T03:10:00Z"]
    assert found["headline"].startswith("No run has started since 2020-01-01 03:10 UTC: ")
    assert found["next_run_due"].endswith("-01-01T03:10:00Z")
    refused = asked("--schedule", "daily")
    assert refused.exit_code == 2
    assert "SCHEDULE is 'daily'" in refused.stderr


def test_without_any_run_the_status_says_so(tmp_path: Path) -> None:
    result = asked()
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        3,
        "No runs were found. Are these the settings of the pipeline?",
    )


def test_a_file_that_is_not_a_report_is_named(tmp_path: Path) -> None:
    write(tmp_path / "logs", {"status": "fine"})
    result = asked()
    assert result.exit_code == 3
    assert "These are not status reports of this version: pipeline_status.json. Move them elsewhere" in result.stdout


def test_without_reports_on_this_machine_the_copies_on_s3_are_read(s3_bucket: str) -> None:
    client = boto3.client("s3")
    body = json.dumps(report("failed", 1, "no primary")).encode()
    client.put_object(Bucket=s3_bucket, Key=f"processed/logs/{REPORT_NAME}", Body=body)
    older = {**report(), "run_id": "20261122T031005Z-abcdef", "started_at": "2026-11-22T03:10:05Z"}
    key = "processed/logs/history/20261122T031005Z-abcdef.json"
    client.put_object(Bucket=s3_bucket, Key=key, Body=json.dumps(older).encode())
    result = asked("--processed-uri", f"s3://{s3_bucket}/processed/")
    assert result.exit_code == 3
    assert result.stdout.startswith("The last run (2026-11-23 03:10 UTC) failed: no primary\n")
    assert "2026-11-22 03:10" in result.stdout


def test_a_missing_bucket_is_reported(s3_bucket: str) -> None:
    result = asked("--processed-uri", f"s3://{s3_bucket}-missing/processed/")
    assert result.exit_code == 3
    assert f"s3://{s3_bucket}-missing/processed/" in result.stdout
