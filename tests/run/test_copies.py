"""Reports of commands are copied to the processed zone where that is on S3: a machine's LOGS_DIR may end with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

import boto3
import pytest

from forecast.core.clock import report_time
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Settings
from forecast.run.copies import newest_copies, write_and_copy
from forecast.storage import LocalStore, Store
from tests.report.test_error_budget import NOW, latency

NIGHT: Final = datetime(2025, 1, 1, 3, tzinfo=UTC)


@dataclass
class CountingStore:
    """A store that counts what it lists."""

    store: LocalStore
    listed: int = 0

    def list(self, prefix: str = "", after: str = "") -> Iterator[RawObject]:
        for found in self.store.list(prefix, after):
            self.listed += 1
            yield found


def test_a_commands_report_is_copied_under_its_name(s3_bucket: str, tmp_path: Path) -> None:
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=f"s3://{s3_bucket}/zone/")
    path = write_and_copy(latency(1, [10.0] * 10), settings, NOW)
    copied = boto3.client("s3").get_object(Bucket=s3_bucket, Key=f"zone/logs/{path.name}")["Body"].read()
    assert path.parent == tmp_path / "logs"
    assert copied == path.read_bytes()


@pytest.mark.parametrize("zone", [None, "processed"])
def test_without_s3_only_the_report_itself_is_written(zone: str | None, tmp_path: Path) -> None:
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=None if zone is None else str(tmp_path / zone))
    path = write_and_copy(latency(1, [10.0] * 10), settings, NOW)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_with_a_missing_bucket_only_the_copy_fails(
    s3_bucket: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=f"s3://{s3_bucket}-missing/zone/")
    path = write_and_copy(latency(1, [10.0] * 10), settings, NOW)
    assert path.is_file()
    (record,) = [one for one in caplog.records if one.name == "forecast.report"]
    assert record.getMessage().startswith(f"{path.name} was not copied: ")
    assert f"{s3_bucket}-missing" in record.getMessage()


def test_of_two_copies_of_one_second_the_second_is_the_newest(tmp_path: Path) -> None:
    zone = LocalStore(tmp_path)
    for name in ("quality_report_20261129T030000Z-2.json", "quality_report_20261129T030000Z.json"):
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "logs" / name).write_text("{}", "utf-8")
    newest = newest_copies(zone, "quality_report_", 1, datetime(2026, 11, 30, tzinfo=UTC))
    assert [copy.key for copy in newest] == ["logs/quality_report_20261129T030000Z-2.json"]


@pytest.mark.parametrize(
    ("days_since_the_last", "listed"),
    [(0, 3), (10, 3 + 50), (100, 3 + 500)],
    ids=["every night", "last week", "long ago"],
)
def test_of_many_copies_only_the_newest_are_listed(tmp_path: Path, days_since_the_last: int, listed: int) -> None:
    """500 nights; the last 3 days, then the last 60, then all."""
    names = [f"history/{report_time(NIGHT + timedelta(days=day))}-abc.json" for day in range(500)]
    (tmp_path / "logs" / "history").mkdir(parents=True)
    for name in [*names, "quality_report_20261129T030000Z.json"]:
        (tmp_path / "logs" / name).write_text("{}", "utf-8")
    zone = CountingStore(LocalStore(tmp_path))
    now = NIGHT + timedelta(days=499 + days_since_the_last, hours=1)
    found = newest_copies(cast(Store, zone), "history/", 3, now)
    assert [copy.key for copy in found] == [f"logs/{name}" for name in names[-3:]]
    assert zone.listed <= listed
