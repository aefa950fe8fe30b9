"""Writing: whole or not at all, checked, without secrets, and never in place of another report."""

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from msgspec.structs import replace

from forecast.core.clock import iso_time, report_time
from forecast.core.errors import SettingError
from forecast.core.text import without_secrets
from forecast.report.migration import migration_report
from forecast.report.models.migration import MigrationReport, Verification
from forecast.report.write import ReportShapeError, as_data, write_report, write_timed_report

NOW = datetime(2026, 11, 23, 10, 11, 12, 999_000, tzinfo=UTC)


def report(run_id: str = "run") -> MigrationReport:
    verification = Verification(
        documents_expected_at_least=0,
        documents_in_database=0,
        sample_checked=0,
        matching=0,
        read_concern="majority",
        ok=True,
    )
    return migration_report(run_id, [], verification, NOW, {})


def test_a_report_is_utf8_json_with_a_last_newline(tmp_path: Path) -> None:
    path = write_report("r.json", report("Armentières"), logs_dir=tmp_path / "new" / "logs")
    text = path.read_bytes().decode("utf-8")
    assert path == tmp_path / "new" / "logs" / "r.json"
    assert text.startswith('{\n  "format_version": 2,\n  "run_id": "Armentières",\n')
    assert text.endswith("}\n")
    assert json.loads(text) == as_data(report("Armentières"))


def test_a_time_has_whole_seconds_in_utc_and_a_year_of_four_digits() -> None:
    assert iso_time(NOW.astimezone(timezone(timedelta(hours=2)))) == "2026-11-23T10:11:12Z"
    assert iso_time(datetime(1, 1, 2, tzinfo=UTC)) == "0001-01-02T00:00:00Z"


def test_a_report_replaces_the_previous_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_report("r.json", report("first"), logs_dir=tmp_path)
    write_report("r.json", report("second"), logs_dir=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["run_id"] == "second"


def test_a_report_that_breaks_its_schema_is_not_written(tmp_path: Path) -> None:
    wrong = replace(report(), failed=-1)
    with pytest.raises(ReportShapeError, match=r"migration_report: \$\.failed: -1"):
        write_report("r.json", wrong, logs_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report("r.json", report("old"), logs_dir=tmp_path)

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(SettingError) as caught:
        write_report("r.json", report("new"), logs_dir=tmp_path)
    assert caught.value.message == (
        f"reports cannot be written to {tmp_path} (No space left on device). "
        "Free some space there, or set LOGS_DIR (--logs-dir) to another one"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["run_id"] == "old"


def test_a_folder_that_cannot_be_written_is_a_setting_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(SettingError, match="LOGS_DIR") as caught:
        write_report("r.json", report(), logs_dir=tmp_path / "logs")
    assert caught.value.exit_code == 2


def test_two_reports_of_one_second_both_stay(tmp_path: Path) -> None:
    paths = [write_timed_report(report(run), logs_dir=tmp_path, now=NOW) for run in ("a", "b", "c")]
    assert [path.name for path in paths] == [
        "migration_report_20261123T101112Z.json",
        "migration_report_20261123T101112Z-2.json",
        "migration_report_20261123T101112Z-3.json",
    ]
    assert [json.loads(path.read_text("utf-8"))["run_id"] for path in paths] == ["a", "b", "c"]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_system_without_links_still_gets_its_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    for run in ("a", "b"):
        write_timed_report(report(run), logs_dir=tmp_path, now=NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "migration_report_20261123T101112Z-2.json",
        "migration_report_20261123T101112Z.json",
    ]


def test_names_are_in_utc() -> None:
    assert report_time(NOW.astimezone(timezone(timedelta(hours=2)))) == "20261123T101112Z"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("no answer from mongodb://ann:pa@ss/wd@host:27017/?tls=true now", "no answer from mongodb://*** now"),
        ("mongodb+srv://ann:pw@host/db", "mongodb+srv://***"),
        ("https://ann:pw@host/path", "https://***@host/path"),
        ("s3://bucket/airbyte-sync/a@b.csv", "s3://bucket/airbyte-sync/a@b.csv"),
        ("ITESTB25@2024-10-01T00:04:00Z", "ITESTB25@2024-10-01T00:04:00Z"),
    ],
)
def test_secrets_are_removed(text: str, clean: str) -> None:
    assert without_secrets({"deep": [text, 1, None]}) == {"deep": [clean, 1, None]}


def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    path = write_report("r.json", report("mongodb://ann:hunter2@h/"), logs_dir=tmp_path)
    assert "hunter2" not in path.read_text("utf-8")


def test_a_key_that_is_not_valid_unicode_is_kept(tmp_path: Path) -> None:
    path = write_report("r.json", report("caf\udce9"), logs_dir=tmp_path)
    assert json.loads(path.read_bytes().decode("utf-8"))["run_id"] == "caf\udce9"
