"""The spans of a run as a collector receives them by OTLP over HTTP."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest

from forecast.core.counts import ObjectCounts
from forecast.core.settings import load_settings
from forecast.report.models.status import PipelineStatus, RunStatus
from forecast.report.spans import send_spans
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.run.run import Run, RunOptions
from forecast.run.run_reports import RunReports
from forecast.storage import LocalStore
from tests.otlp import attributes, collector

BEGAN, ENDED = datetime(2026, 11, 29, 5, 15, tzinfo=UTC), datetime(2026, 11, 29, 5, 16, 40, tzinfo=UTC)
INFO = RunInfo("20261129T051500Z-abcdef", BEGAN, "2.0.0+g0123456789ab", {})
OBJECTS = [ObjectCounts("a.csv", "raw/a.csv", "loaded", rows_read=4, records_validated=4, inserted=4)]
SECOND = 1_000_000_000
START = round(BEGAN.timestamp()) * SECOND
WINDOWS = {"extract": (START + 2 * SECOND, START + 30 * SECOND), "load": (START + 10 * SECOND, START + 90 * SECOND)}


def status(ended: RunStatus = "success", code: int = 0) -> PipelineStatus:
    progress = RunProgress()
    progress.times |= {"extract": 41.5, "load": 80.0}
    if ended == "failed":
        progress.add_error("RetryableError", "MongoDB does not answer")
    return status_report(INFO, progress, OBJECTS, status=ended, exit_code=code, finished_at=ENDED)


def test_a_run_is_one_trace_with_a_span_for_each_stage_that_was_at_work() -> None:
    with collector() as there:
        send_spans(there.endpoint, status(), WINDOWS)
    assert there.paths == ["/v1/traces"]
    assert there.resource["service.name"] == "forecast"
    assert there.resource["service.version"] == "2.0.0+g0123456789ab"
    spans = there.spans
    assert spans.keys() == {"run", "extract", "load"}
    run = spans["run"]
    assert (run.start_time_unix_nano, run.end_time_unix_nano) == (START, START + 100 * SECOND)
    told = attributes(run)
    assert told["forecast.run_id"] == "20261129T051500Z-abcdef"
    assert (told["forecast.status"], told["process.exit.code"]) == ("success", 0)
    assert (told["forecast.rows_read"], told["forecast.inserted"]) == (4, 4)
    assert run.status.code == 0
    for stage, (first, last) in WINDOWS.items():
        span = spans[stage]
        assert (span.start_time_unix_nano, span.end_time_unix_nano) == (first, last)
        assert (span.trace_id, span.parent_span_id) == (run.trace_id, run.span_id)
    # Two objects were in it at once.
    assert attributes(spans["extract"]) == {"forecast.busy_seconds": 41.5}


def test_a_run_that_failed_says_why() -> None:
    with collector() as there:
        send_spans(there.endpoint, status("failed", 1), {})
    run = there.spans["run"]
    assert (run.status.code, run.status.message) == (2, "MongoDB does not answer")
    assert attributes(run)["process.exit.code"] == 1


def test_a_collector_that_rejects_the_trace_only_causes_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with collector(HTTPStatus.BAD_REQUEST) as there:
        send_spans(there.endpoint, status(), WINDOWS)
    assert [record.message for record in caplog.records] == [
        "the spans of this run were not sent: the collector of OTEL_EXPORTER_OTLP_ENDPOINT did not take them"
    ]


def test_without_the_extra_the_log_says_what_to_install(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    send_spans("http://127.0.0.1:9", status(), WINDOWS)
    assert [record.message for record in caplog.records] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry is not installed: pip install 'forecast[otlp]'"
    ]


def test_a_run_sends_its_stages_where_the_setting_names_a_collector(tmp_path: Path) -> None:
    with collector() as there:
        settings = load_settings({"LOGS_DIR": str(tmp_path / "logs"), "OTEL_EXPORTER_OTLP_ENDPOINT": there.endpoint})
        for options in (RunOptions(), RunOptions(dry_run=True)):
            run = Run.begin(settings, options)
            for stage in ("extract", "transform", "extract"):
                with run.timed(stage):
                    pass
            reports = RunReports(run, LocalStore(tmp_path / "processed"))
            reports.status("running")
            reports.status("success", 0)
    assert len(there.requests) == 1, "nothing is sent before the end, and nothing of a dry run"
    assert there.spans.keys() == {"run", "extract", "transform"}
    extract, transform = there.spans["extract"], there.spans["transform"]
    assert extract.start_time_unix_nano <= transform.start_time_unix_nano <= extract.end_time_unix_nano


@pytest.mark.whole
def test_nothing_of_opentelemetry_is_imported_without_the_setting(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from forecast.core.settings import load_settings
from forecast.run.run import Run, RunOptions
from forecast.run.run_reports import RunReports
from forecast.storage import LocalStore
run = Run.begin(load_settings({"LOGS_DIR": "logs"}), RunOptions())
RunReports(run, LocalStore(Path("processed"))).status("success", 0)
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert done.stdout.splitlines()[-1] == "[]"
