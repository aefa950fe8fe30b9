"""The processed zone into a new database, and the proof that both hold the same."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient

from forecast.core.digests import HASH_LENGTH, qc_hashes
from forecast.core.errors import RetryableError, SettingError
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.qc_update import evaluate_changes
from forecast.qc.changes import Changes
from forecast.report.write import SCHEMAS_FOLDER, as_data
from forecast.run.migrate import migrate
from forecast.run.run import RunOptions
from forecast.storage import LocalStore
from forecast_demo import write_demo
from main import run_pipeline

STATIONS = load_stations()
# Of each station so many rows a delivery; the second begins in the middle of the first.
ROWS = 36
DELIVERED = "infoclimat/Data_Source1_011024-031024.json"
RUN = "20260101T000000Z-aaaaaa"
RECORDS, DOCUMENTS = 2 * 4 * ROWS, 3 * 4 * ROWS // 2
DAY = 19_997  # 2024-10-01


@pytest.fixture(scope="module")
def original(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a run over two deliveries of four stations, half of which are of the same observations."""
    folder = tmp_path_factory.mktemp("original")
    write_demo(folder / "demo")
    document = json.loads((folder / "demo" / DELIVERED).read_bytes())
    (folder / "raw").mkdir()
    for first in (0, ROWS // 2):
        given = document["hourly"].items()
        hourly = {name: rows if name == "_params" else rows[first : first + ROWS] for name, rows in given}
        (folder / "raw" / f"{first}.json").write_text(json.dumps({**document, "hourly": hourly}), "utf-8")
    settings = Settings(
        raw_uri=str(folder / "raw"),
        processed_uri=str(folder / "processed"),
        mongodb_uri=replica_set,
        mongodb_database=f"test_{secrets.token_hex(6)}",
        mongodb_collection="weather_measurements",
        logs_dir=folder / "logs",
        log_level="INFO",
        log_format="text",
    )
    run_pipeline(settings, RunOptions(), STATIONS)
    yield settings
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set) as client:
        client.drop_database(settings.mongodb_database)


@pytest.fixture
def store(original: Settings) -> LocalStore:
    return LocalStore(Path(original.require_processed_uri()))


@pytest.fixture
def collection(original: Settings, mongo_database: str) -> Iterator[ObservationCollection]:
    """The collection of a new database."""
    changed = Settings(mongodb_uri=original.mongodb_uri, mongodb_database=mongo_database, logs_dir=original.logs_dir)
    with connect(changed) as new:
        yield new


def _documents(collection: ObservationCollection) -> dict[str, dict[str, Any]]:
    return {document["_id"]: document for document in collection.find()}


def test_new_database_becomes_the_same_from_the_processed_zone_alone(
    original: Settings, store: LocalStore, collection: ObservationCollection
) -> None:
    report, code = migrate(store, collection, STATIONS, RUN)
    assert code == 0
    assert (report.records_validated, report.inserted, report.failed) == (RECORDS, DOCUMENTS, 0)
    assert report.verification.ok
    assert report.verification.sample_checked == RECORDS
    assert report.verification.documents_in_database == DOCUMENTS
    with connect(original) as there:
        assert _documents(collection) == _documents(there)


def test_second_migration_changes_nothing(store: LocalStore, collection: ObservationCollection) -> None:
    migrate(store, collection, STATIONS, RUN)
    before = _documents(collection)
    report, code = migrate(store, collection, STATIONS, RUN)
    assert (code, report.inserted, report.updated) == (0, 0, 0)
    assert report.unchanged + report.superseded == RECORDS
    assert _documents(collection) == before


@pytest.fixture
def migrated(store: LocalStore, collection: ObservationCollection) -> ObservationCollection:
    migrate(store, collection, STATIONS, RUN)
    return collection


def test_verifying_writes_nothing(store: LocalStore, migrated: ObservationCollection) -> None:
    before = _documents(migrated)
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.records_validated) == (0, 0)
    assert (report.verification.sample_checked, report.verification.matching) == (RECORDS, RECORDS)
    assert _documents(migrated) == before


@pytest.mark.parametrize(
    "change",
    [
        {"$set": {"measurements.air_temperature": 99.0}},
        {"$unset": {"measurements.air_temperature": ""}},
        {"$set": {"station.name": "Elsewhere"}},
        {"$set": {"metadata.digest": "0" * 32}},
    ],
    ids=["value", "missing value", "station", "digest"],
)
def test_changed_document_is_found(store: LocalStore, migrated: ObservationCollection, change: dict[str, Any]) -> None:
    migrated.update_one({"_id": "07915@2024-10-01T00:00:00Z"}, change)
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.verification.ok) == (3, False)
    assert report.verification.sample_checked - report.verification.matching == 1


QC_RESULTS: list[dict[str, Any]] = [
    {"data_quality.flag": 4},
    {"data_quality.flags": {"air_temperature": {"flag": 4, "checks": ["spike"]}}},
    {"data_quality.anomalies_detected": 1},
    {"data_quality.qc_version": 0},
    {"measurements.precipitation_amount": 99.0},
]


@pytest.mark.parametrize("change", QC_RESULTS, ids=lambda change: next(iter(change)))
def test_flag_that_somebody_changed_is_found(
    store: LocalStore, migrated: ObservationCollection, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    migrated.update_one({"_id": "07915@2024-10-01T00:00:00Z"}, {"$set": change})
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.verification.ok) == (3, False)
    assert report.verification.sample_checked - report.verification.matching == 1
    assert [record.message for record in caplog.records] == [
        "document 07915@2024-10-01T00:00:00Z was changed in the database"
    ]


def test_flag_that_the_checks_do_not_give_is_found_and_brought_up_to_date(
    store: LocalStore, migrated: ObservationCollection, caplog: pytest.LogCaptureFixture
) -> None:
    """As older checks would have left it: with a digest of its own."""
    before = _documents(migrated)
    name = "07915@2024-10-01T00:00:00Z"
    older = qc_hashes(np.array([2]), pa.nulls(1, pa.string()), np.array([0]), np.array([np.nan]), np.array([0]))
    qc_result = {
        "data_quality.flag": 2,
        "data_quality.flags": {},
        "data_quality.anomalies_detected": 0,
        "data_quality.qc_version": 0,
        "metadata.digest": before[name]["metadata"]["digest"][:HASH_LENGTH] + older[0].decode(),
    }
    migrated.update_one({"_id": name}, {"$set": qc_result})
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.verification.outdated_flags) == (3, 1)
    assert report.verification.sample_checked == report.verification.matching
    assert [record.message for record in caplog.records] == [
        f"document {name} has outdated flags; run pipeline --rerun-qc"
    ]
    evaluate_changes(Changes({"07915": {DAY}}), migrated, STATIONS)
    assert _documents(migrated) == before


@pytest.mark.parametrize("fault", ["changed", "missing", "left over"])
def test_a_daily_aggregate_that_is_not_what_the_observations_come_to_is_found(
    store: LocalStore, migrated: ObservationCollection, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    days = migrated.database[f"{migrated.name}_days"]
    name = "07915@2024-10-01"
    if fault == "changed":
        days.update_one({"_id": name}, {"$inc": {"parameters.air_temperature.suspect": 1}})
    elif fault == "missing":
        days.delete_one({"_id": name})
    else:
        name = "07915@2020-01-01"
        days.insert_one({"_id": name, "station": "07915", "day": datetime(2020, 1, 1, tzinfo=UTC), "received": 1})
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.verification.outdated_days, report.verification.ok) == (3, 1, False)
    assert [record.message for record in caplog.records] == [
        f"daily aggregate {name} does not match the observations; run pipeline --rerun-qc"
    ]
    repaired, code = migrate(store, migrated, STATIONS, RUN)
    assert (code, repaired.verification.outdated_days) == (0, 0)


def test_a_missing_document_is_found_and_restored(store: LocalStore, migrated: ObservationCollection) -> None:
    before = _documents(migrated)
    migrated.delete_one({"_id": "07915@2024-10-01T00:00:00Z"})
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.verification.ok) == (3, False)
    report, code = migrate(store, migrated, STATIONS, RUN)
    assert (code, report.inserted) == (0, 1)
    assert _documents(migrated) == before


def test_document_that_the_zone_does_not_hold_is_named(
    store: LocalStore, migrated: ObservationCollection, caplog: pytest.LogCaptureFixture
) -> None:
    document = migrated.find_one({})
    assert document is not None
    document["station"]["id"] = "X"
    for name, moment in (
        ("X@2024-10-02T00:00:00Z", datetime(2024, 10, 2)),
        ("X@2023-01-01T00:00:00Z", datetime(2023, 1, 1)),
    ):
        station = {**document["station"], "id": "X"}
        migrated.insert_one({**document, "_id": name, "station": station, "timestamp": moment})
    report, code = migrate(store, migrated, STATIONS, RUN, verify_only=True)
    assert (code, report.verification.ok, report.verification.orphaned) == (3, False, 2)
    assert [record.message for record in caplog.records] == [
        "document X@2023-01-01T00:00:00Z is not in the processed zone",
        "document X@2024-10-02T00:00:00Z is not in the processed zone",
    ]


def test_report_keeps_its_schema(store: LocalStore, migrated: ObservationCollection) -> None:
    schema = (SCHEMAS_FOLDER / "migration_report.schema.json").read_text("utf-8")
    report, _ = migrate(store, migrated, STATIONS, RUN)
    jsonschema.Draft202012Validator(json.loads(schema)).validate(as_data(report))


def test_zone_without_records_is_a_wrong_setting(collection: ObservationCollection, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="PROCESSED_URI"):
        migrate(LocalStore(tmp_path), collection, STATIONS, RUN)
    assert _documents(collection) == {}


def test_a_truncated_file_is_named(store: LocalStore, collection: ObservationCollection, tmp_path: Path) -> None:
    whole = next(store.list("observations/"))
    broken = tmp_path / "observations" / "year=2024" / "month=10" / "a-0.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(Path(whole.uri).read_bytes()[:-100])
    with pytest.raises(RetryableError, match=r"a-0\.parquet"):
        migrate(LocalStore(tmp_path), collection, STATIONS, RUN)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, "states no format version"),
        ("1", "is of format version 1"),
        ("3", "is of format version 3"),
        ("2", "has other columns than this program writes"),
    ],
)
def test_a_file_of_another_format_is_named_with_what_to_do(
    version: str | None, words: str, store: LocalStore, collection: ObservationCollection, tmp_path: Path
) -> None:
    published = pq.read_table(Path(next(store.list("observations/")).uri))
    assert published.schema.metadata == {b"format_version": b"2"}
    path = tmp_path / "observations" / "c.parquet"
    path.parent.mkdir()
    table = published.drop_columns("qc_version") if version == "2" else published
    pq.write_table(table.replace_schema_metadata(version and {"format_version": version}), path)
    with pytest.raises(SettingError) as told:
        migrate(LocalStore(tmp_path), collection, STATIONS, RUN)
    assert told.value.message == (
        f"{path} {words}, and this program reads 2. Run the pipeline, which rewrites the files of its raw objects; "
        "or use the version of the program that wrote it"
    )
    assert _documents(collection) == {}


def test_a_file_of_another_program_is_named(collection: ObservationCollection, tmp_path: Path) -> None:
    path = tmp_path / "observations" / "b.parquet"
    path.parent.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(SettingError, match=r"b\.parquet"):
        migrate(LocalStore(tmp_path), collection, STATIONS, RUN)
