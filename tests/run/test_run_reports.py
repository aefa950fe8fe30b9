"""What a run writes of itself while it is at work and at its end."""

from __future__ import annotations

import json
from pathlib import Path

from forecast.core.counts import ObjectCounts
from forecast.core.settings import load_settings
from forecast.run.run import Run, RunOptions
from forecast.run.run_reports import RunReports
from forecast.storage import LocalStore


def test_the_last_status_says_what_needs_attention(tmp_path: Path) -> None:
    run = Run.begin(load_settings({"LOGS_DIR": str(tmp_path / "logs")}), RunOptions(max_rejection_rate=0.5))
    reports = RunReports(run, LocalStore(tmp_path / "processed"))
    path = tmp_path / "logs" / "pipeline_status.json"
    run.objects.append(ObjectCounts("a.csv", "raw/a.csv", "rejected", error_code="no_day", error="Its day is lost."))
    run.objects.append(ObjectCounts("b.csv", "raw/b.csv", "loaded", 4, 0, 3, 1, inserted=3))
    run.tally.reasons["no_time"] += 1
    reports.status("running")
    assert json.loads(path.read_text("utf-8"))["attention"] == []
    reports.status("partial", 3)
    assert json.loads(path.read_text("utf-8"))["attention"] == [
        {"severity": "warning", "kind": "rejected_object", "message": "a.csv: Its day is lost.", "object": "a.csv"},
        {
            "severity": "info",
            "kind": "quarantined_rows",
            "message": "1 of 4 rows (25.00%) were quarantined: no_time (1)",
        },
    ]
