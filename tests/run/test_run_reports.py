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


def test_a_run_that_ended_has_its_lineage_beside_its_history(tmp_path: Path) -> None:
    run = Run.begin(load_settings({"LOGS_DIR": str(tmp_path / "logs")}), RunOptions())
    reports = RunReports(run, LocalStore(tmp_path / "processed"))
    run.objects.append(ObjectCounts("b.csv", "raw/b.csv", "loaded", 4, 0, 4, 0, inserted=4))
    reports.status("running")
    assert not (tmp_path / "logs" / "lineage").exists()
    reports.status("success", 0)
    (path,) = (tmp_path / "logs" / "lineage").iterdir()
    assert path.name == f"{run.context.run_id}.jsonl"
    start, end = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert [dataset["name"] for dataset in end["inputs"]] == ["raw/b.csv"]


def test_a_dry_run_and_one_that_was_turned_away_have_no_lineage(tmp_path: Path) -> None:
    settings = load_settings({"LOGS_DIR": str(tmp_path / "logs")})
    dry, away = Run.begin(settings, RunOptions(dry_run=True)), Run.begin(settings, RunOptions())
    away.turned_away = True
    for run in (dry, away):
        RunReports(run, LocalStore(tmp_path / "processed")).status("success", 0)
    assert not (tmp_path / "logs" / "lineage").exists()
