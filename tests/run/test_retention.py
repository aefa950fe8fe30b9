"""What is old goes, and the newest of each kind stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.clock import report_time
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection
from forecast.mongo.history import RunHistory
from forecast.run.retention import old_names, remove_old
from forecast.storage import open_store

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
OLD, RECENT = "20261001T030000Z", "20261120T030000Z"
NAMES = [
    f"quality_report_{OLD}.json",
    f"quality_report_{OLD}-2.json",
    f"quality_report_{RECENT}.json",
    f"migration_report_{OLD}.json",
    f"history/{OLD}-abcdef.json",
    f"history/{RECENT}-abcdef.json",
    f"lineage/{OLD}-abcdef.jsonl",
    f"lineage/{RECENT}-abcdef.jsonl",
    "pipeline_status.json",
    "notes.json",
    f"my_{OLD}.json",
]
GONE = [
    f"history/{OLD}-abcdef.json",
    f"lineage/{OLD}-abcdef.jsonl",
    f"quality_report_{OLD}-2.json",
    f"quality_report_{OLD}.json",
]


def fill(folder: Path) -> None:
    (folder / "history").mkdir(parents=True)
    (folder / "lineage").mkdir()
    for name in NAMES:
        (folder / name).write_text("{}", "utf-8")


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json*"))


def test_only_timed_reports_and_runs_are_old_and_never_the_newest_of_a_kind() -> None:
    assert sorted(old_names(NAMES, NOW - timedelta(days=30))) == GONE
    assert old_names(NAMES, NOW - timedelta(days=300)) == []
    assert old_names([f"history/{OLD}-abcdef.json"], NOW) == []


def test_of_two_reports_of_one_second_the_second_is_the_newest() -> None:
    first, second = f"quality_report_{OLD}.json", f"quality_report_{OLD}-2.json"
    assert old_names([second, first], NOW) == [first]


@given(st.lists(st.integers(0, 1000), min_size=1, unique=True), st.integers(0, 1000))
def test_whatever_is_kept_the_newest_is_among_it(ages: list[int], days: int) -> None:
    names = {age: f"history/{report_time(NOW - timedelta(days=age))}-abcdef.json" for age in ages}
    gone = set(old_names(names.values(), NOW - timedelta(days=days)))
    assert gone == {name for age, name in names.items() if age > days and age != min(ages)}


def test_a_run_removes_what_is_old_from_files_copies_and_database(
    tmp_path: Path, s3_bucket: str, collection: ObservationCollection, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path / "logs")
    s3 = boto3.client("s3")
    for name in NAMES:
        s3.put_object(Bucket=s3_bucket, Key=f"processed/logs/{name}", Body=b"{}")
    s3.put_object(Bucket=s3_bucket, Key=f"processed/observations/quality_report_{OLD}.json", Body=b"")
    runs = RunHistory.for_collection(collection)
    for day in (1, 20):
        runs.put({"run_id": f"r{day}", "status": "success", "started_at": f"2026-10-{day:02}T03:00:00Z"})
    zone = open_store(f"s3://{s3_bucket}/processed/")
    with caplog.at_level("INFO"):
        remove_old(Settings(logs_dir=tmp_path / "logs", logs_retention_days=40), zone, collection, NOW)
    kept = sorted(set(NAMES) - set(GONE))
    assert left(tmp_path / "logs") == kept
    keys = {entry["Key"].removeprefix("processed/") for entry in s3.list_objects_v2(Bucket=s3_bucket)["Contents"]}
    assert keys == {f"logs/{name}" for name in kept} | {f"observations/quality_report_{OLD}.json"}
    assert [one["run_id"] for one in runs.newest(9)] == ["r20"]
    assert [record.getMessage() for record in caplog.records if record.name == "forecast.report"] == [
        "removed what is older than 40 days (LOGS_RETENTION_DAYS): 4 reports, 4 copies of reports, 1 runs"
    ]


def test_without_the_setting_everything_is_kept(tmp_path: Path, collection: ObservationCollection) -> None:
    fill(tmp_path / "logs")
    remove_old(Settings(logs_dir=tmp_path / "logs"), open_store(str(tmp_path)), collection, NOW)
    assert left(tmp_path / "logs") == sorted(NAMES)
