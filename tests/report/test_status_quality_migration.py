"""The three reports of a run: exact numbers, and each as its schema says."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forecast.core.counts import ObjectCounts, QcCounts, QualityTally
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.presence import Presence
from forecast.core.registry import load_stations
from forecast.core.removals import Removed, removals_message
from forecast.core.schemas import REJECTED_SCHEMA, VALIDATED_SCHEMA, frame_of
from forecast.mongo.conflicts import Conflict, Conflicts, Side
from forecast.networks.qc_version import qc_version
from forecast.qc.flags import FAIL
from forecast.qc.registry import CHECKS
from forecast.report import status as status_module
from forecast.report.findings import Findings
from forecast.report.migration import migration_report
from forecast.report.models.base import Report
from forecast.report.models.migration import Verification
from forecast.report.models.quality import QualityReport
from forecast.report.quality import quality_report
from forecast.report.silence import Seen
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.write import ReportShapeError, as_data, write_report

STATIONS = load_stations()
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
END = datetime(2026, 11, 23, 10, 1, tzinfo=UTC)
VERIFICATION = Verification(
    documents_expected_at_least=10,
    documents_in_database=12,
    sample_checked=10,
    matching=10,
    orphaned=0,
    outdated_flags=0,
    read_concern="majority",
    ok=True,
)
OBJECTS = [
    ObjectCounts(
        "a.jsonl", "s3://b/a.jsonl", "loaded", 22, 2, 19, 1, inserted=10, updated=4, unchanged=3, superseded=2
    ),
    ObjectCounts("b.csv", "s3://b/b.csv", "rejected", error_code="no_day", error="The table's day is lost."),
    ObjectCounts("c.json", "s3://b/c.json", "failed", 10, 0, 10, 0, inserted=4, error_code="database", error="Gone."),
]


def run(**changes: Any) -> RunInfo:
    facts: dict[str, Any] = {"run_id": "r1", "started_at": START, "pipeline_version": "2.0.0", "arguments": {}}
    return RunInfo(**{**facts, **changes})


def written(report: Report, folder: Path) -> dict[str, Any]:
    """The report as its file has it."""
    found: dict[str, Any] = json.loads(write_report("r.json", report, logs_dir=folder).read_text("utf-8"))
    return found


def test_the_status_of_a_finished_run(tmp_path: Path) -> None:
    progress = RunProgress(objects_listed=6, objects_skipped=1, objects_already_processed=2)
    progress.evaluated.add(QcCounts(evaluated=40, rewritten=5, flags_changed=7))
    progress.evaluated.add(QcCounts(evaluated=2, rewritten=1, flags_changed=1))
    progress.times["load"] = 1.23456
    progress.add_written("observations", "s3://p/observations/x.parquet", 19)
    progress.add_written("report", "logs/quality_report_20261123T100100Z.json", 1)
    progress.add_error("interrupted", "Stopped by SIGTERM.")
    progress.seen = {
        "07915": Seen("07915", None, None, "never"),
        "ITESTB25": Seen("ITESTB25", HEARD_MS, 0.1, "fresh"),
    }
    progress.stations_silent = 1
    progress.stations_newly_silent = 0
    known = ObjectCounts("d.csv", "s3://b/d.csv", "rejected", error_code="no_day", error=OBJECTS[1].error, known=True)
    ended = status_report(run(), progress, [known, *OBJECTS], status="partial", exit_code=3, finished_at=END)
    report = written(ended, tmp_path)
    assert report["counts"] == {
        "objects_listed": 6,
        "objects_skipped": 1,
        "objects_already_processed": 2,
        "objects_loaded": 1,
        "objects_rejected": 1,
        "objects_known_rejected": 1,
        "objects_failed": 1,
        "objects_interrupted": 0,
        "rows_read": 32,
        "rows_empty": 2,
        "records_extracted": 30,
        "records_validated": 29,
        "records_rejected": 1,
        "inserted": 14,
        "updated": 4,
        "unchanged": 3,
        "superseded": 2,
        "values_removed": 0,
        "records_withdrawn": 0,
        "unread_parameters": 0,
        "renamed_parameters": 0,
        "objects_with_unknown_columns": 0,
        "documents_checked": 42,
        "documents_reflagged": 6,
        "flags_changed": 8,
        "rejection_rate": 1 / 30,
        "stations_silent": 1,
        "stations_newly_silent": 0,
        "newest_observation_age_s": 360,
        "written_by_interrupted": 0,
    }
    assert report["stations"] == {
        "07915": {"last_observation": None, "age_hours": None, "state": "never"},
        "ITESTB25": {"last_observation": "2024-10-01T00:59:00Z", "age_hours": 0.1, "state": "fresh"},
    }
    assert report["times"] == {
        "extract": 0.0,
        "transform": 0.0,
        "validate": 0.0,
        "save": 0.0,
        "load": 1.235,
        "qc": 0.0,
        "dataset": 0.0,
        "report": 0.0,
    }
    assert report["written"] == [
        {"kind": "observations", "uri": "s3://p/observations/x.parquet", "count": 19},
        {"kind": "report", "path": "logs/quality_report_20261123T100100Z.json", "count": 1},
    ]
    assert report["errors"] == [
        {"object": None, "code": "interrupted", "message": "Stopped by SIGTERM.", "known": False},
        {"object": "b.csv", "code": "no_day", "message": "The table's day is lost.", "known": False},
        {"object": "c.json", "code": "database", "message": "Gone.", "known": False},
        {"object": "d.csv", "code": "no_day", "message": "The table's day is lost.", "known": True},
    ]
    assert (report["started_at"], report["finished_at"]) == ("2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z")


def test_a_running_run_has_no_end_yet(tmp_path: Path) -> None:
    report = written(status_report(run(), RunProgress(), [], status="running"), tmp_path)
    assert (report["exit_code"], report["finished_at"], report["counts"]["rejection_rate"]) == (None, None, 0.0)


@pytest.mark.parametrize(
    ("status", "exit_code", "finished_at"),
    [("running", 0, None), ("success", None, END), ("success", 0, None), ("done", 0, END), ("failed", 4, END)],
)
def test_a_status_that_contradicts_itself_is_not_written(
    status: Any, exit_code: int | None, finished_at: datetime | None, tmp_path: Path
) -> None:
    report = status_report(run(), RunProgress(), [], status=status, exit_code=exit_code, finished_at=finished_at)
    with pytest.raises(ReportShapeError):
        write_report("r.json", report, logs_dir=tmp_path)


def test_the_connection_string_is_not_among_the_arguments() -> None:
    arguments = {"--mongodb-uri": "mongodb://ann:hunter2@h/", "since": START.date(), "dry_run": True, "until": None}
    report = status_report(run(arguments=arguments), RunProgress(), [], status="running")
    assert report.arguments == {"--mongodb-uri": "***", "since": "2026-11-23", "dry_run": True, "until": None}


def test_errors_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "MAX_ERRORS", 1)
    report = status_report(run(), RunProgress(), OBJECTS, status="running")
    assert [error.object for error in report.errors] == ["b.csv"]
    assert report.errors_truncated == 1


CONFLICT = Conflict(
    observation="ITESTB25@2024-10-01T00:04:00Z",
    reason="has values",
    winner=Side("s3://b/a", {"air_temperature": 1.0}),
    loser=Side("s3://b/b", {"air_temperature": None}),
)
REMOVED = {
    "total": 5,
    "by_parameter": {"air_temperature": 4, "wind_speed": 1},
    "by_station": {"07915": 2, "ITESTB25": 3},
    "by_object": {"s3://b/a": 3, "s3://b/b": 2},
}


# 2024-10-01T00:59:00Z
HEARD_MS = 1_727_744_340_000


def quality() -> QualityReport:
    tally = QualityTally()
    observation = {"station_id": "ITESTB25", "completeness_score": 0.5, "air_temperature": 1.0}
    times = [datetime(2024, 10, 1, 0, minute, tzinfo=UTC) for minute in (4, 9, 59)]
    rows = [dict.fromkeys(VALIDATED_SCHEMA.names) | observation | {"timestamp": time} for time in times]
    rows[2] |= {"completeness_score": 0.8}
    tally.add_validated(pa.Table.from_pylist(list(rows), schema=VALIDATED_SCHEMA), STATIONS)
    tally.add_rejected(frame_of([{"code": "no_time"}], REJECTED_SCHEMA))
    findings = Findings()
    findings.add_stored("ITESTB25", "air_temperature", FAIL, 1, {"spike": 1})
    conflicts = Conflicts()
    conflicts.by_station["ITESTB25"] = 2
    conflicts.examples.append(CONFLICT)
    conflicts.replaced([[Removed("ITESTB25", "air_temperature", "s3://b/a")]] * 3)
    conflicts.replaced([[Removed("07915", "air_temperature", "s3://b/b"), Removed("07915", "wind_speed", "s3://b/b")]])
    objects = [ObjectCounts("a", "s3://b/a", "loaded", 5, 1, 3, 1, inserted=3)]
    presence = Presence({}, {"ITESTB25": HEARD_MS}, {"ITESTB25": 3, "gone": 2}, frozenset({19_997}))
    return quality_report("r1", tally, objects, STATIONS, END, findings, conflicts, presence)


def test_the_quality_of_three_records(tmp_path: Path) -> None:
    report = written(quality(), tmp_path)
    assert (report["records_extracted"], report["records_validated"], report["records_rejected"]) == (4, 3, 1)
    assert (report["rejection_rate"], report["completeness_score"], report["anomalies_detected"]) == (0.25, 0.6, 1)
    assert (report["run_id"], report["window"]) == ("r1", None)
    assert (report["rejections_by_code"], report["qc_version"]) == ({"no_time": 1}, qc_version())
    assert list(report["by_check"]) == list(CHECKS)
    assert report["by_check"]["spike"] == {"evaluated": 0, "suspect": 0, "failed": 0}
    assert [(one["check"], one["count"], one["share"]) for one in report["advice"]] == [("spike", 1, None)]
    assert report["conflicts"] == {
        "by_station": {"ITESTB25": 2},
        "examples": [
            {
                "observation": "ITESTB25@2024-10-01T00:04:00Z",
                "reason": "has values",
                "winner": {"source_uri": "s3://b/a", "values": {"air_temperature": 1.0}},
                "loser": {"source_uri": "s3://b/b", "values": {"air_temperature": None}},
            }
        ],
    }
    assert report["values_removed"] == REMOVED
    assert list(report["by_parameter"]) == list(PARAMETER_NAMES)
    assert report["by_parameter"]["air_temperature"] == {
        "unit": "°C",
        "values": 3,
        "missing": 0,
        "unreadable": 0,
        "flagged": 1,
    }
    assert report["by_parameter"]["wind_speed"]["missing"] == 3
    assert (report["by_object"][0]["key"], report["by_object"][0]["rejection_rate"]) == ("a", 0.25)


def test_completeness_compares_expected_and_received_values() -> None:
    station = STATIONS.get("ITESTB25")
    assert station is not None
    assert station.interval_minutes == 5
    by_station = quality().by_station
    assert as_data(by_station["ITESTB25"]) == {
        "observations": 3,
        "first": "2024-10-01T00:04:00Z",
        "last": "2024-10-01T00:59:00Z",
        "completeness_score": 0.6,
        "flagged": 1,
        # Of the whole day, and not from the first to the last of what came.
        "expected": 288,
        "received": 3,
        "last_observation": "2024-10-01T00:59:00Z",
        "age_hours": 18801.03,
        "state": "silent",
    }
    assert [name for name, entry in by_station.items() if not entry.received] == sorted(
        {one.id for one in STATIONS} - {"ITESTB25"}
    )


def test_the_quality_of_nothing_is_zero(tmp_path: Path) -> None:
    nothing = quality_report("r1", QualityTally(), [], STATIONS, END, Findings(), Conflicts())
    report = written(nothing, tmp_path)
    assert (report["rejection_rate"], report["completeness_score"], report["anomalies_detected"]) == (0.0, 0.0, 0)
    assert report["by_object"] == []
    assert {name: (one["state"], one["expected"]) for name, one in report["by_station"].items()} == {
        one.id: ("unknown", None) for one in STATIONS
    }
    assert (report["flags_by_station"], report["completeness"], report["station_days_checked"]) == ({}, {}, 0)
    assert (report["worst_episodes"], report["advice"]) == ([], [])
    assert report["conflicts"] == {"by_station": {}, "examples": []}
    assert report["values_removed"] == {"total": 0, "by_parameter": {}, "by_station": {}, "by_object": {}}
    assert {tuple(numbers.values()) for numbers in report["by_check"].values()} == {(0, 0, 0)}


def test_the_migration_counts_what_was_not_written(tmp_path: Path) -> None:
    report = written(migration_report("r1", OBJECTS, VERIFICATION, END, {}), tmp_path)
    assert {name: report[name] for name in ("inserted", "updated", "unchanged", "superseded")} == {
        "inserted": 14,
        "updated": 4,
        "unchanged": 3,
        "superseded": 2,
    }
    assert (report["records_validated"], report["failed"], report["error_rate"]) == (23, 6, 6 / 29)
    assert (report["objects_loaded"], report["objects_failed"]) == (1, 2)
    assert report["verification"] == as_data(VERIFICATION)


def test_the_migration_report_counts_values_that_were_removed(tmp_path: Path) -> None:
    removed = {Removed("07915", "wind_speed", "s3://b/b"): 2, Removed("07915", "air_temperature", "s3://b/a"): 1}
    report = written(migration_report("r1", OBJECTS, VERIFICATION, END, removed), tmp_path)
    assert report["values_removed"] == {
        "total": 3,
        "by_parameter": {"air_temperature": 1, "wind_speed": 2},
        "by_station": {"07915": 3},
        "by_object": {"s3://b/a": 1, "s3://b/b": 2},
    }
    assert removals_message(removed) == "wind_speed of 07915 (2), air_temperature of 07915 (1)"
    many = {Removed(name, "wind_speed", "s3://b/b"): 1 for name in "ABCDEFG"}
    assert removals_message(many).endswith("wind_speed of E (1), and 2 more")


def test_a_migration_of_nothing_has_no_errors() -> None:
    report = migration_report("r1", [], VERIFICATION, END, {})
    assert (report.records_validated, report.failed, report.error_rate) == (0, 0, 0.0)
