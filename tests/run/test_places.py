"""Case 109: zones that lie within each other, a raw zone in which nothing is, and days on which nothing was synced."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import boto3
import pytest

from forecast.core.errors import SettingError
from forecast.core.places import absolute
from forecast.core.settings import Settings, load_settings
from forecast.run.places import check_apart, no_such_day, nothing_there
from forecast.run.run import Run, RunOptions
from forecast.storage import LocalStore, open_store
from forecast.storage.s3 import S3Store
from main import list_objects


def settings(raw: str, processed: str, logs: str = "logs") -> Settings:
    return load_settings({"RAW_URI": raw, "PROCESSED_URI": processed, "LOGS_DIR": logs})


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "link").symlink_to("raw")


@pytest.mark.parametrize(
    ("raw", "processed", "inner"),
    [
        ("raw", "raw/processed", "PROCESSED_URI"),
        ("raw/", "raw", "PROCESSED_URI"),
        ("raw", "./other/../raw/x", "PROCESSED_URI"),
        ("link", "raw/x", "PROCESSED_URI"),
        ("raw", "link/x", "PROCESSED_URI"),
        ("zone/raw", "zone", "RAW_URI"),
        (".", "processed", "PROCESSED_URI"),
        ("/", "processed", "PROCESSED_URI"),
        ("s3://bucket", "s3://bucket/processed/", "PROCESSED_URI"),
        ("s3://bucket/", "s3://bucket", "PROCESSED_URI"),
        ("s3://bucket/a", "s3://bucket/a//b/", "PROCESSED_URI"),
        ("s3://bucket/a/raw/", "s3://bucket/a", "RAW_URI"),
    ],
)
def test_case_109_zones_within_each_other_are_refused(raw: str, processed: str, inner: str) -> None:
    with pytest.raises(SettingError) as caught:
        check_apart(settings(raw, processed, "/elsewhere/logs"))
    assert caught.value.message.startswith(f"{inner} (")
    assert {"RAW_URI", "PROCESSED_URI"} <= set(caught.value.message.replace("(", " ").split())


def test_case_109_reports_within_the_raw_zone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        check_apart(settings("raw", "processed", "raw/logs"))
    assert caught.value.message == (
        f"LOGS_DIR ({tmp_path}/raw/logs/) lies within RAW_URI ({tmp_path}/raw/); set one of them to a separate "
        "place; otherwise, what is written would be read as raw data"
    )


@pytest.mark.parametrize(
    ("raw", "processed"),
    [("raw", "raw2"), ("raw", "processed"), ("s3://bucket/a", "s3://bucket/ab/"), ("s3://bucket/", "s3://bucket2/")],
)
def test_folders_next_to_each_other_do_not_overlap(raw: str, processed: str) -> None:
    check_apart(settings(raw, processed))


def test_different_spellings_of_one_place_give_the_same_address(tmp_path: Path) -> None:
    assert {absolute(uri) for uri in ("raw", "raw/", "link", f"{tmp_path}/./raw")} == {f"{tmp_path}/raw/"}
    assert {absolute(uri) for uri in ("s3://b/a", "s3://b/a/", "s3://b//a/")} == {"s3://b/a/"}


@pytest.mark.parametrize(
    ("skipped", "only"), [(0, ""), (2, " but 2 markers and temporary files")]
)  # fmt: skip
def test_case_109_an_empty_folder_is_reported_with_what_lies_next_to_it(
    tmp_path: Path, skipped: int, only: str
) -> None:
    (tmp_path / "file\x9b").touch()
    message = nothing_there(LocalStore(tmp_path / "raw"), skipped).message
    assert message == (
        f"there is nothing below {tmp_path}/raw{only}; in {tmp_path}/ there is file\\u009b, link/. Is RAW_URI "
        "right, and "
        "has a sync been written?"
    )


@pytest.mark.parametrize("prefix", ["airbyte/", "airbyte", "x/y/z/"])
def test_case_109_an_empty_prefix_is_reported_with_what_lies_next_to_it(s3_bucket: str, prefix: str) -> None:
    client = boto3.client("s3")
    for key in ("airbyte-sync/a.jsonl", "airbyte-sync/b.jsonl", "readme.txt"):
        client.put_object(Bucket=s3_bucket, Key=key, Body=b"x")
    message = nothing_there(S3Store(f"s3://{s3_bucket}/{prefix}"), 0).message
    assert message == (
        f"there is nothing below s3://{s3_bucket}/{prefix.rstrip('/')}/; in s3://{s3_bucket}/ there is airbyte-sync/, "
        "readme.txt. Is RAW_URI right, and has a sync been written?"
    )


def test_nothing_is_next_to_an_empty_bucket(s3_bucket: str) -> None:
    message = nothing_there(S3Store(f"s3://{s3_bucket}/a/"), 0).message
    assert message == f"there is nothing below s3://{s3_bucket}/a/. Is RAW_URI right, and has a sync been written?"


@pytest.mark.parametrize("names", [[], ["_SUCCESS", ".DS_Store"]])
def test_case_109_a_run_on_a_zone_without_an_object_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / "raw" / name).write_text("x")
    run = Run.begin(settings("raw", "processed"), RunOptions())
    with pytest.raises(SettingError, match="there is nothing below raw"):
        list_objects(run, open_store("raw", "RAW_URI"))
    assert run.progress.objects_skipped == len(names)


@pytest.mark.parametrize(
    ("since", "until", "asked"),
    [
        (date(2024, 10, 5), date(2024, 10, 5), "on 2024-10-05"),
        (date(2024, 10, 4), date(2024, 10, 5), "from 2024-10-04 to 2024-10-05"),
        (date(2024, 10, 9), None, "from 2024-10-09 to the end"),
        (None, date(2024, 10, 5), "from the beginning to 2024-10-05"),
    ],
)
def test_case_109_days_without_a_sync_are_reported_with_those_that_have_one(
    tmp_path: Path, since: date | None, until: date | None, asked: str
) -> None:
    for number, day in enumerate((6, 7, 7)):
        (tmp_path / "raw" / f"2024_10_0{day}_1728183600000_{number}.jsonl").write_text("{}")
    run = Run.begin(settings("raw", "processed"), RunOptions(since=since, until=until))
    with pytest.raises(SettingError) as caught:
        list_objects(run, open_store("raw", "RAW_URI"))
    assert caught.value.message == (
        f"no object of the raw zone was synced {asked} (--date, --since, --until are days of the sync, not of the "
        "observations); the 3 objects there were synced on 2024-10-06, 2024-10-07"
    )


def test_of_many_days_the_newest_are_named() -> None:
    days = dict.fromkeys((date(2024, 10, day) for day in range(1, 31)), 1)
    message = no_such_day(date(2025, 1, 1), None, days).message
    newest = ", ".join(map(str, list(days)[-8:]))
    assert message.endswith(f"the 30 objects there were synced on 22 earlier days, {newest}")


def test_a_raw_uri_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    with pytest.raises(SettingError) as caught:
        list(open_store("x.csv", "RAW_URI").list())
    assert caught.value.message == f"RAW_URI is {tmp_path}/x.csv, a file; set it to the folder that contains the file"


def test_an_address_of_s3_with_one_slash_is_reported() -> None:
    with pytest.raises(SettingError) as caught:
        list(open_store("s3:/raw/airbyte-sync", "RAW_URI").list())
    assert caught.value.message == (
        "RAW_URI is s3:/raw/airbyte-sync; an address of S3 has two slashes: s3://bucket/prefix/"
    )


def test_a_folder_that_is_not_there_is_reported_with_its_path_and_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        list(open_store("no/such/folder", "RAW_URI").list())
    assert caught.value.message == (
        f"the folder {tmp_path}/no/such/folder does not exist (RAW_URI); in {tmp_path}/ there is link/, raw/"
    )
