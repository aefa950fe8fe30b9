"""Reports of commands are copied to the processed zone where that is on S3: a machine's LOGS_DIR may end with it."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from forecast.core.settings import Settings
from forecast.run.copies import newest_copies, write_and_copy
from forecast.storage import LocalStore
from tests.report.test_error_budget import NOW, latency


def test_a_commands_report_is_copied_under_its_name(s3_bucket: str, tmp_path: Path) -> None:
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=f"s3://{s3_bucket}/zone/")
    path = write_and_copy(latency(1, [10.0] * 10), settings, NOW)
    copied = boto3.client("s3").get_object(Bucket=s3_bucket, Key=f"zone/logs/{path.name}")["Body"].read()
    assert path.parent == tmp_path / "logs"
    assert copied == path.read_bytes()


@pytest.mark.parametrize("zone", [None, "processed"])
def test_without_s3_there_is_the_report_alone(zone: str | None, tmp_path: Path) -> None:
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=None if zone is None else str(tmp_path / zone))
    path = write_and_copy(latency(1, [10.0] * 10), settings, NOW)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_a_bucket_that_is_not_there_costs_the_copy_alone(
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
    newest = newest_copies(zone, "quality_report", 1)
    assert [copy.key for copy in newest] == ["logs/quality_report_20261129T030000Z-2.json"]
