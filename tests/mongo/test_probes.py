"""Both commands on a real replica set."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, OperationFailure
from rich.console import Console

from forecast.core.errors import RetryableError, SettingError
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.core.slo import QuerySlo
from forecast.mongo import client as database
from forecast.mongo.loader import INDEXES, prepare_collection
from forecast.mongo.probes import crud
from forecast.mongo.probes.crud import crud_check, render_crud, scratch_document
from forecast.mongo.probes.latency import Plan, measure_latency, plan_of
from forecast.report.latency import latency_report, render_latency, report_of
from forecast.report.models.slo import LatencySlo
from forecast.report.write import as_data, check_shape
from tests.slo import GENEROUS_MS, NO_MACHINE_MS, query_slo

NOW = datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)
DAY = date(2026, 2, 18)
INDEX = "station_time"
GENEROUS = query_slo(GENEROUS_MS)
STATIONS = load_stations()


@pytest.fixture
def settings(replica_set: str, mongo_database: str, tmp_path: Path) -> Settings:
    return Settings(
        mongodb_uri=replica_set,
        mongodb_database=mongo_database,
        mongodb_collection="weather",
        logs_dir=tmp_path / "logs",
    )


@pytest.fixture
def collection(replica_set: str, mongo_database: str) -> Iterator[Collection[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set, tz_aware=True) as client:
        yield client[mongo_database]["weather"]


@pytest.fixture
def filled(collection: Collection[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """Two days of ITESTB25 and one of 07915, every 30 minutes: the second day begins at DAY, 00:00 UTC."""
    start = datetime(2026, 2, 17, tzinfo=UTC)
    documents = [
        {"station": {"id": station}, "timestamp": start + timedelta(minutes=30 * number)}
        for station, count in (("ITESTB25", 96), ("07915", 48))
        for number in range(count)
    ]
    collection.insert_many(documents)
    collection.create_indexes(list(INDEXES))
    return collection


def text_of(renderable: Any) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_a_day_is_found_by_its_index(filled: Collection[dict[str, Any]]) -> None:
    measured = measure_latency(filled, "ITESTB25", DAY, 3)
    assert (measured.rows, len(measured.times_ms), measured.plan) == (48, 3, Plan(INDEX, 48, 48))
    report = as_data(report_of(measured, None, GENEROUS, NOW))
    assert report["query"] == {
        "station.id": "ITESTB25",
        "timestamp": {"$gte": "2026-02-18T00:00:00Z", "$lt": "2026-02-19T00:00:00Z"},
    }
    assert report["slo"] == {
        "p95_ms": GENEROUS_MS,
        "p99_ms": GENEROUS_MS,
        "over_p95_ms": 0,
        "over_p99_ms": 0,
        "met": True,
    }


def test_a_scan_of_the_collection_is_named_as_such(filled: Collection[dict[str, Any]]) -> None:
    filled.drop_indexes()
    assert measure_latency(filled, "ITESTB25", DAY, 1).plan == Plan("COLLSCAN", 144, 0)


def test_the_warm_up_is_not_counted(filled: Collection[dict[str, Any]]) -> None:
    # Each query reads the clock twice: the first lasts 9 s, the others 10, 20, 30, 40 and 50 ms.
    durations = [9.0, 0.01, 0.02, 0.03, 0.04, 0.05]
    readings = itertools.chain.from_iterable((1000.0, 1000.0 + duration) for duration in durations)
    ticks = list(readings)
    del ticks[1]  # of the warm-up only the beginning is read
    clock = iter(ticks)
    measured = measure_latency(filled, "07915", date(2026, 2, 17), 5, clock=lambda: next(clock))
    report = as_data(report_of(measured, None, QuerySlo(40.0, 49.0, 0.999), NOW))
    assert report["latency_ms"] == {"min": 10.0, "max": 50.0, "mean": 30.0, "p50": 30.0, "p95": 48.0, "p99": 49.6}
    assert report["slo"] == {"p95_ms": 40.0, "p99_ms": 49.0, "over_p95_ms": 1, "over_p99_ms": 1, "met": False}
    assert next(clock, None) is None


@pytest.mark.parametrize(
    ("plan", "index"),
    [
        ({"stage": "FETCH", "inputStage": {"stage": "IXSCAN", "indexName": "i"}}, "i"),
        (
            {"isCached": False, "queryPlan": {"stage": "FETCH", "inputStage": {"stage": "IXSCAN", "indexName": "i"}}},
            "i",
        ),
        ({"shards": [{"winningPlan": {"stage": "COLLSCAN"}}, {"winningPlan": {"indexName": "i"}}]}, "COLLSCAN"),
        ({"stage": "EOF"}, "EOF"),
        ({}, "unknown"),
    ],
)
def test_the_index_is_found_in_every_shape_of_plan(plan: dict[str, Any], index: str) -> None:
    statistics = {"totalDocsExamined": 2, "totalKeysExamined": 3}
    found = plan_of({"queryPlanner": {"winningPlan": plan}, "executionStats": statistics})
    assert found == Plan(index, documents_examined=2, keys_examined=3)


def test_without_a_day_it_is_that_of_the_newest_observation(
    settings: Settings, filled: Collection[dict[str, Any]]
) -> None:
    report, code = latency_report(settings, STATIONS, "ITESTB25", None, 2, GENEROUS, NOW)
    assert (code, report.date, report.rows_returned, report.note) == (0, "2026-02-18", 48, None)
    check_shape(as_data(report), "query_latency_report")


def test_without_a_station_it_is_the_first_of_the_registry(
    settings: Settings, filled: Collection[dict[str, Any]]
) -> None:
    report, code = latency_report(settings, STATIONS, None, None, 1, GENEROUS, NOW)
    assert (code, report.station_id, report.rows_returned, report.date) == (3, "00092", 0, "2026-11-23")
    assert report.note == (
        f"{filled.full_name} has no observation of station 00092, so these times are for empty results."
    )


def test_a_day_without_rows_is_explained(settings: Settings, filled: Collection[dict[str, Any]]) -> None:
    report, code = latency_report(settings, STATIONS, "07915", date(2026, 2, 20), 1, GENEROUS, NOW)
    assert (code, report.rows_returned, report.slo.met) == (3, 0, None)
    assert "on 2026-02-20 (UTC); its newest is from 2026-02-17T23:30:00Z." in (report.note or "")


def test_an_empty_database_meets_no_slo(settings: Settings) -> None:
    report, code = latency_report(settings, STATIONS, "07915", None, 1, GENEROUS, NOW)
    assert (code, report.rows_returned, report.documents_examined) == (3, 0, 0)
    assert report.slo == LatencySlo(GENEROUS_MS, GENEROUS_MS, 0, 0, None)
    assert f"p99 at most {GENEROUS_MS:g} ms: not measured, nothing was found" in text_of(render_latency(report))


def test_a_collection_without_our_indexes_is_reported_with_their_names(
    settings: Settings, filled: Collection[dict[str, Any]]
) -> None:
    filled.drop_index("station_time")
    with pytest.raises(SettingError, match=r"weather lacks an index of this pipeline: station_time\. Was it copied"):
        latency_report(settings, STATIONS, "ITESTB25", DAY, 1, GENEROUS, NOW)


def test_a_missed_slo_is_exit_code_3(settings: Settings, filled: Collection[dict[str, Any]]) -> None:
    report, code = latency_report(settings, STATIONS, "ITESTB25", DAY, 1, query_slo(NO_MACHINE_MS), NOW)
    assert (code, report.slo.met) == (3, False)
    assert "SLO: p95 at most 1e-06 ms, p99 at most 1e-06 ms: MISSED" in text_of(render_latency(report))


def test_an_unknown_station_is_explained(settings: Settings, filled: Collection[dict[str, Any]]) -> None:
    with pytest.raises(SettingError, match=r"'nobody' is neither in the registry nor in .*ITESTB25"):
        latency_report(settings, STATIONS, "nobody", DAY, 1, GENEROUS, NOW)
    assert not settings.logs_dir.exists()


def test_a_station_that_only_the_database_knows_is_timed(
    settings: Settings, collection: Collection[dict[str, Any]]
) -> None:
    collection.create_indexes(list(INDEXES))
    collection.insert_one({"station": {"id": "OLD"}, "timestamp": datetime(2020, 1, 2, 3, tzinfo=UTC)})
    report, _ = latency_report(settings, STATIONS, "OLD", None, 1, GENEROUS, NOW)
    assert (report.date, report.rows_returned) == ("2020-01-02", 1)


@pytest.mark.parametrize(
    ("day", "iterations", "words"),
    [
        (DAY, 0, "--iterations is 0"),
        (date.max, 1, "--date"),
    ],
)
def test_wrong_options_are_named(day: date, iterations: int, words: str, tmp_path: Path) -> None:
    settings = Settings(mongodb_uri="mongodb://127.0.0.1:1/", logs_dir=tmp_path)
    with pytest.raises(SettingError, match=words):
        latency_report(settings, STATIONS, "07915", day, iterations, GENEROUS, NOW)


def test_a_person_reads_the_latency_without_colour(filled: Collection[dict[str, Any]]) -> None:
    text = text_of(render_latency(report_of(measure_latency(filled, "ITESTB25", DAY, 1), None, GENEROUS, NOW)))
    assert "station ITESTB25 on 2026-02-18 (UTC) 1 queries, 48 rows each" in " ".join(text.split())
    assert f"Index: {INDEX}; 48 documents and 48 keys examined" in text
    assert "\x1b" not in text


def test_the_four_operations_work_and_leave_nothing(settings: Settings, filled: Collection[dict[str, Any]]) -> None:
    report, code = crud_check(settings, "r1")
    assert (code, report["ok"], report["document_id"]) == (0, True, "crud-check-r1@1970-01-01T00:00:00Z")
    assert [(step["step"], step["ok"]) for step in report["steps"]] == [
        ("create", True),
        ("read", True),
        ("update", True),
        ("delete", True),
    ]
    assert all(step["ms"] > 0 for step in report["steps"])
    assert filled.count_documents({}) == 144
    lines = text_of(render_crud(report)).splitlines()
    assert len(lines) == 6
    assert lines[2].split()[:2] == ["create", "ok"]


def test_the_scratch_document_is_removed_if_a_step_fails(
    settings: Settings, collection: Collection[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> bool:
        assert collection.count_documents({"_id": "crud-check-r1@1970-01-01T00:00:00Z"}) == 1
        raise AutoReconnect("connection closed")

    monkeypatch.setattr(crud, "_update", breaks)
    with pytest.raises(RetryableError, match="the connection to MongoDB was lost"):
        crud_check(settings, "r1")
    assert collection.count_documents({}) == 0


def test_a_step_with_a_wrong_result_is_a_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crud, "_update", lambda *_: False)
    report, code = crud_check(settings, "r1")
    assert (code, report["ok"]) == (1, False)
    assert report["steps"][2]["detail"] == "not one value changed and read back from a majority"


def test_a_rejection_by_the_validator_is_a_setting_error(
    settings: Settings, collection: Collection[dict[str, Any]]
) -> None:
    collection.database.create_collection("weather", validator={"nothing": {"$exists": True}})
    with pytest.raises(SettingError, match=r"the validator of .* refuses"):
        crud_check(settings, "r1")
    assert collection.count_documents({}) == 0


def test_the_scratch_document_passes_the_real_validator(
    settings: Settings, collection: Collection[dict[str, Any]]
) -> None:
    prepare_collection(collection)
    report, code = crud_check(settings, "20261123T101112Z_with/odd:letters and more than forty of them_a1b2")
    assert (code, report["ok"]) == (0, True)
    assert report["document_id"].endswith("_a1b2@1970-01-01T00:00:00Z")
    assert collection.count_documents({}) == 0


def test_the_real_index_answers_the_query(settings: Settings, collection: Collection[dict[str, Any]]) -> None:
    prepare_collection(collection)
    collection.insert_one(scratch_document("r1"))
    report, code = latency_report(settings, STATIONS, "crud-check-r1", date(1970, 1, 1), 1, GENEROUS, NOW)
    assert (code, report.rows_returned, report.documents_examined) == (0, 1, 1)
    assert report.index == "station_time"


@pytest.mark.parametrize("command", ["latency", "crud"])
def test_an_unreachable_database_is_a_retryable_error(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SELECTION_TIMEOUT_MS", 300)
    uri = "mongodb://ann:hunter2@127.0.0.1:1/"
    settings = Settings(mongodb_uri=uri, logs_dir=tmp_path / "logs")
    with pytest.raises(RetryableError, match="unreachable") as caught:
        latency_report(settings, STATIONS, "07915", DAY, 1, GENEROUS, NOW) if command == "latency" else crud_check(
            settings, "r1"
        )
    assert "hunter2" not in caught.value.message
    assert not settings.logs_dir.exists()


def test_a_missing_right_is_a_setting_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> bool:
        raise OperationFailure("not authorized", 13)

    monkeypatch.setattr(crud, "_update", refused)
    with pytest.raises(SettingError, match="MONGODB_URI"):
        crud_check(settings, "r1")
