"""The commands other than `pipeline`, from their options to what they print."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pymongo import MongoClient
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.mongo.probes.crud import scratch_document
from forecast.report.write import SCHEMAS_FOLDER
from forecast.run.run import RunOptions
from forecast_demo import write_demo
from main import run_pipeline
from tests.slo import GENEROUS_MS, NO_MACHINE_MS, slo_file


@pytest.fixture(autouse=True)
def _own_surroundings(
    replica_set: str, mongo_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Settings of the test alone, and a log that is as before afterwards."""
    monkeypatch.chdir(tmp_path)
    for name in ("RAW_URI", "PROCESSED_URI", "MONGODB_COLLECTION", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MONGODB_URI", replica_set)
    monkeypatch.setenv("MONGODB_DATABASE", mongo_database)
    monkeypatch.setenv("LOGS_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("COLUMNS", "200")
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@dataclass(frozen=True)
class Loaded:
    """A processed zone, and the database that holds the same."""

    zone: str
    database: str


@pytest.fixture(scope="module")
def of_the_module(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """One InfoClimat object, which all tests look at and none changes."""
    folder = tmp_path_factory.mktemp("loaded")
    write_demo(folder / "demo")
    raw = folder / "raw" / "infoclimat"
    raw.mkdir(parents=True)
    (folder / "demo" / "infoclimat" / "Data_Source1_011024-031024.json").rename(raw / "a.json")
    settings = Settings(
        raw_uri=str(folder / "raw"),
        processed_uri=str(folder / "processed"),
        mongodb_uri=replica_set,
        mongodb_database=f"test_{secrets.token_hex(6)}",
        logs_dir=folder / "runs",
        log_level="ERROR",
    )
    status, _ = run_pipeline(settings, RunOptions(), load_stations())
    assert status.counts.inserted == 1368
    yield Loaded(str(folder / "processed"), settings.mongodb_database)
    with MongoClient[dict[str, Any]](replica_set) as client:
        client.drop_database(settings.mongodb_database)


@pytest.fixture
def loaded(of_the_module: Loaded, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """What is loaded, as the database of the settings."""
    monkeypatch.setenv("MONGODB_DATABASE", of_the_module.database)
    return of_the_module


def _typed(*arguments: str) -> Result:
    result = CliRunner().invoke(forecast_app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _report(tmp_path: Path, kind: str) -> dict[str, Any]:
    (path,) = (tmp_path / "logs").glob(f"{kind}_*.json")
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    schema = json.loads((SCHEMAS_FOLDER / f"{kind}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(report)
    return report


def test_latency_report_shows_times_and_writes_its_report(loaded: Loaded, tmp_path: Path) -> None:
    slow = ("--slo-uri", slo_file(tmp_path, GENEROUS_MS))
    result = _typed("latency", "--station-id", "00092", "--date", "2024-10-02", "--iterations", "3", *slow)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "3 queries, 144 rows each" in result.stdout
    assert "p95" in result.stdout
    report = _report(tmp_path, "query_latency_report")
    assert (report["rows_returned"], report["iterations"], report["index"]) == (144, 3, "station_time")
    assert report["documents_examined"] == 144


def test_latency_report_writes_its_metrics_before_its_result(loaded: Loaded, tmp_path: Path) -> None:
    slow = ("--slo-uri", slo_file(tmp_path, GENEROUS_MS))
    options = ("--station-id", "07915", "--iterations", "20", "--metrics-namespace", "weather")
    metrics, budget, result = map(json.loads, _typed("latency", *options, "--json", *slow).stdout.splitlines())
    assert (metrics["SloMissed"], result["slo"]["met"]) == (0, True)
    assert (budget["objective"], budget["ErrorBudgetUsedPercent"]) == ("station_day.p95", 0)
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "weather"


def test_latency_report_uses_the_newest_day_by_default(loaded: Loaded, tmp_path: Path) -> None:
    slow = ("--slo-uri", slo_file(tmp_path, GENEROUS_MS))
    result = _typed("latency", "--station-id", "07915", "--iterations", "1", "--json", *slow)
    assert json.loads(result.stdout)["date"] == "2024-10-03"


def test_latency_over_its_limit_is_exit_code_3(loaded: Loaded, tmp_path: Path) -> None:
    result = _typed("latency", "--station-id", "00092", "--slo-uri", slo_file(tmp_path, NO_MACHINE_MS), "--json")
    assert (result.exit_code, json.loads(result.stdout)["slo"]["met"]) == (3, False)


@pytest.mark.parametrize(
    "arguments", [("--station-id", "NOWHERE"), ("--iterations", "0"), ("--date", "soon"), ("--slo-uri", "no.toml")]
)
def test_latency_report_with_an_invalid_request_is_exit_code_2(arguments: tuple[str, str], tmp_path: Path) -> None:
    result = _typed("latency", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert arguments[0] in result.stderr or arguments[1] in result.stderr
    assert not (tmp_path / "logs").exists()


def test_migrate_fills_another_database_and_says_so(loaded: Loaded, tmp_path: Path, replica_set: str) -> None:
    client: MongoClient[dict[str, Any]]
    options = ("--processed-uri", loaded.zone, "--mongodb-collection", "another")
    result = _typed("migrate", *options)
    assert result.exit_code == 0
    assert "1,368 inserted" in result.stdout
    assert "compared 1,368 records with 1,368 documents: both hold the same" in result.stdout
    assert _report(tmp_path, "migration_report")["verification"]["ok"]
    with MongoClient[dict[str, Any]](replica_set) as client:
        database = client[loaded.database]
        assert list(database["another"].find(sort=[("_id", 1)])) == list(
            database["weather_measurements"].find(sort=[("_id", 1)])
        )


def test_migrate_verify_names_the_file_that_differs(loaded: Loaded, replica_set: str) -> None:
    options = ("--processed-uri", loaded.zone, "--mongodb-collection", "less")
    assert _typed("migrate", *options).exit_code == 0
    with MongoClient[dict[str, Any]](replica_set) as client:
        client[loaded.database]["less"].delete_many({"station.id": "07915"})
    result = _typed("migrate", "--verify", *options)
    assert result.exit_code == 3
    assert "72 differ" in result.stdout
    assert "observations/year=2024/month=10/" in result.stderr
    assert "72 records missing" in result.stderr


def test_migrate_without_a_zone_names_the_setting() -> None:
    result = _typed("migrate")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: PROCESSED_URI is not set")


def test_quality_report_shows_the_days_and_writes_its_report(loaded: Loaded, tmp_path: Path) -> None:
    result = _typed("quality", "--since", "2024-10-02", "--until", "2024-10-03")
    assert (result.exit_code, result.stderr) == (0, "")
    flagged = _report(tmp_path, "quality_report")["anomalies_detected"]
    assert result.stdout.startswith(
        f"2024-10-02 to 2024-10-03 (UTC): 912 observations, {flagged:,} values flagged\n\nStations\n"
    )
    report = _report(tmp_path, "quality_report")
    assert report["window"] == {"since": "2024-10-02", "until": "2024-10-03"}
    assert {name: station["received"] for name, station in report["by_station"].items()} == {
        "00092": 288,
        "000T5": 288,
        "07915": 48,
        "STATIC0090": 288,
        "ITESTA19": 0,
        "ITESTB25": 0,
    }
    assert report["completeness"]["07915"]["expected"] == [24, 24]
    assert report["completeness"]["ITESTB25"]["received"]["air_temperature"] == [0, 0]


def test_quality_report_as_json_is_the_report(loaded: Loaded, tmp_path: Path) -> None:
    result = _typed("quality", "--since", "2024-10-01", "--until", "2024-10-01", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == _report(tmp_path, "quality_report")


def test_quality_report_changes_nothing(loaded: Loaded, replica_set: str) -> None:
    with MongoClient[dict[str, Any]](replica_set) as client:
        database = client[loaded.database]
        before = {name: list(database[name].find(sort=[("_id", 1)])) for name in database.list_collection_names()}
        _typed("quality", "--since", "2024-09-01", "--until", "2024-10-31")
        after = {name: list(database[name].find(sort=[("_id", 1)])) for name in database.list_collection_names()}
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "2024-10-02"), "--until"),
        (("--since", "2024-10-02", "--until", "soon"), "soon"),
        (("--since", "2024-10-02", "--until", "2024-10-01"), "--since 2024-10-02 is later than --until 2024-10-01"),
    ],
    ids=["no end", "no date", "wrong order"],
)
def test_quality_report_of_no_days_is_exit_code_2(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    result = _typed("quality", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert not (tmp_path / "logs").exists()


def test_crud_check_tries_four_steps_and_leaves_nothing(loaded: Loaded, replica_set: str) -> None:
    result = _typed("crud-check")
    assert result.exit_code == 0
    for step in ("create", "read", "update", "delete"):
        assert f"\n{step} " in result.stdout
    client: MongoClient[dict[str, Any]]
    with MongoClient[dict[str, Any]](replica_set) as client:
        collection = client[loaded.database]["weather_measurements"]
        assert collection.count_documents({}) == 1368
        assert collection.count_documents({"station.id": {"$regex": "^crud-check"}}) == 0


def test_crud_check_with_another_validator_is_exit_code_2(replica_set: str, mongo_database: str) -> None:
    client: MongoClient[dict[str, Any]]
    with MongoClient[dict[str, Any]](replica_set) as client:
        validator = {"$jsonSchema": {"required": ["no such part"]}}
        client[mongo_database].create_collection("weather_measurements", validator=validator)
    result = _typed("crud-check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "validator" in result.stderr


def test_scratch_document_is_nobodys_observation() -> None:
    assert load_stations().get(scratch_document("r1")["station"]["id"]) is None
