"""Where the service level objectives of a command come from: SLO_URI."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from forecast.core.clock import report_time
from forecast.core.errors import SettingError
from forecast.core.settings import Settings, load_settings
from forecast.core.slo import default_slos
from forecast.mongo.probes.latency import Measured, Plan
from forecast.report.latency import report_of
from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.status import PipelineStatus, RunStatus
from forecast.report.silence import Seen
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.write import write_report, write_timed_report
from forecast.run.slo import configured_slos, past_measurements, query_budgets, run_budgets
from tests.slo import query_slo, slo_file


def test_without_the_setting_the_objectives_are_the_built_in_ones() -> None:
    assert configured_slos(load_settings({})) == default_slos()


def test_a_file_replaces_the_built_in_objectives(tmp_path: Path) -> None:
    slos = configured_slos(load_settings({"SLO_URI": slo_file(tmp_path, 12.5, clients="3")}))
    assert (slos.queries.latest, slos.clients) == (query_slo(12.5), 3)


def test_the_file_may_be_on_s3(s3_bucket: str, tmp_path: Path) -> None:
    boto3.client("s3").upload_file(slo_file(tmp_path, 12.5), s3_bucket, "config/slo.toml")
    slos = configured_slos(load_settings({"SLO_URI": f"s3://{s3_bucket}/config/slo.toml"}))
    assert slos.queries.station_day == query_slo(12.5)


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"there is no file .*no\.toml \(SLO_URI\)"):
        configured_slos(load_settings({"SLO_URI": str(tmp_path / "no.toml")}))


NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SLOS = default_slos()


def latency(days_ago: float, times: list[float]) -> QueryLatencyReport:
    moment = NOW - timedelta(days=days_ago)
    found = Measured("d.c", "ITESTB25", moment, moment, times, 288, Plan("station_time", 288, 288))
    return report_of(found, moment, SLOS.queries.station_day, moment)


def write(folder: Path, report: QueryLatencyReport) -> Path:
    return write_timed_report(report, logs_dir=folder, now=datetime.fromisoformat(report.generated_at))


def test_error_budgets_count_the_reports_of_their_days_and_the_one_that_is_made(tmp_path: Path) -> None:
    write(tmp_path, latency(29, [900.0] * 100))
    write(tmp_path, latency(27, [10.0] * 99 + [900.0]))
    newest = latency(0, [300.0] + [10.0] * 99)
    found = query_budgets(Settings(logs_dir=tmp_path), SLOS, NOW, newest)
    assert [(one.objective, one.total, one.missed) for one in found] == [
        ("station_day.p95", 200, 2),
        ("station_day.p99", 200, 1),
    ]


def test_reports_that_only_s3_has_count_once(s3_bucket: str, tmp_path: Path) -> None:
    client = boto3.client("s3")
    for days_ago in (1, 2, 30):
        path = write(tmp_path / "elsewhere", latency(days_ago, [10.0] * 50))
        client.upload_file(str(path), s3_bucket, f"zone/logs/{path.name}")
    write(tmp_path / "logs", latency(1, [10.0] * 50))
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=f"s3://{s3_bucket}/zone/")
    found = past_measurements(settings, SLOS, NOW)
    assert [report.generated_at for report in found.latency] == ["2026-11-27T12:00:00Z", "2026-11-28T12:00:00Z"]


@pytest.mark.usefixtures("s3_bucket")
def test_a_report_that_cannot_be_read_is_named_and_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, latency(1, [10.0]))
    (tmp_path / "query_latency_report_20261128T130000Z.json").write_text("[")
    (tmp_path / "load_test_report_20261128T130000Z.json").write_bytes(b"\xff")
    settings = Settings(logs_dir=tmp_path, processed_uri="s3://there-is-no-such-bucket-anywhere/zone/")
    with caplog.at_level(logging.WARNING, "forecast.report"):
        found = past_measurements(settings, SLOS, NOW)
    assert (len(found.latency), found.load) == (1, [])
    for words in (
        "error budgets exclude query_latency_report_20261128T130000Z.json, which is not a report of this version",
        "error budgets exclude load_test_report_20261128T130000Z.json, which is not a report of this version",
        "error budgets only cover the reports in LOGS_DIR: ",
    ):
        assert words in caplog.text


def run_report(days_ago: int, status: RunStatus, age_hours: float) -> PipelineStatus:
    started = NOW - timedelta(days=days_ago)
    progress = RunProgress(seen={"07915": Seen("07915", 1, age_hours, "fresh")})
    info = RunInfo(f"{report_time(started)}-abcdef", started, "2.0.0", {})
    code = 0 if status == "success" else 1
    return status_report(info, progress, [], status=status, exit_code=code, finished_at=started)


def test_runs_and_freshness_have_their_budgets_from_the_history_here_and_on_s3(s3_bucket: str, tmp_path: Path) -> None:
    """Of thirty runs the two oldest are too old; one of the others failed, two found only old observations."""
    client = boto3.client("s3")
    for days_ago in range(30):
        age = 50.0 if days_ago in {3, 4} else 2.0
        report = run_report(days_ago, "failed" if days_ago in {7, 29} else "success", age)
        name = f"history/{report.run_id}.json"
        if days_ago < 10:
            write_report(name, report, logs_dir=tmp_path / "logs")
        if days_ago > 7:
            path = write_report(name, report, logs_dir=tmp_path / "elsewhere")
            client.upload_file(str(path), s3_bucket, f"zone/logs/{name}")
    settings = Settings(logs_dir=tmp_path / "logs", processed_uri=f"s3://{s3_bucket}/zone/")
    found = run_budgets(settings, SLOS, NOW)
    assert [(one.objective, one.total, one.missed) for one in found] == [("runs", 29, 1), ("freshness", 29, 2)]
    due = Settings(logs_dir=tmp_path / "logs", processed_uri=f"s3://{s3_bucket}/zone/", schedule="0 0,12 * * *")
    assert run_budgets(due, SLOS, NOW)[0].missed == 1 + 28
