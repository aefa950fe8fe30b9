"""Runs and stations as they are read back from reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from forecast.core.counts import ObjectCounts, QcCounts
from forecast.report.headline import RunState, StationState
from forecast.report.history import newest_first, past_runs
from forecast.report.models.status import Attention, PipelineStatus, RunStatus
from forecast.report.silence import Seen
from forecast.report.situation import last_observations, run_state, station_states
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.write import as_data
from tests.networks import network, station

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def report(run_id: str, started: datetime = NOW, status: RunStatus = "success", **progress: Any) -> PipelineStatus:
    code = {"success": 0, "running": None}.get(status, 1)
    ended = None if code is None else started + timedelta(minutes=1)
    made = RunProgress(**progress)
    return status_report(
        RunInfo(run_id, started, "2.0.0", {}), made, [], status=status, exit_code=code, finished_at=ended
    )


def test_a_run_is_read_from_its_report() -> None:
    progress = RunProgress()
    progress.add_error("RetryableError", "no primary was found")
    objects = [ObjectCounts("a.csv", "s3://b/a.csv", "rejected", error_code="no_day", error="The day is lost.")]
    info = RunInfo("r1", NOW, "2.0.0", {})
    made = status_report(info, progress, objects, status="failed", exit_code=1, finished_at=NOW + timedelta(seconds=9))
    assert run_state(made) == RunState(
        "r1", "failed", NOW, NOW + timedelta(seconds=9), exit_code=1, error="no primary was found", checked=False
    )
    assert run_state(report("r2", status="running")) == RunState("r2", "running", NOW, checked=False)
    assert run_state(report("r3", evaluated=QcCounts(evaluated=1))).checked
    found = Attention("warning", "values_removed", "station A: 3 stored values were replaced", station="A")
    told = status_report(info, RunProgress(), [], status="success", exit_code=0, finished_at=NOW, attention=[found])
    assert run_state(told).attention == (found,)


def test_the_newest_observation_that_a_run_found_is_that_of_its_freshest_station() -> None:
    seen = {"A": Seen("A", 1, 40.0, "silent"), "B": Seen("B", 2, 2.5, "fresh"), "C": Seen("C", None, None, "never")}
    assert run_state(report("r1", seen=seen)).newest_age_hours == 2.5
    assert run_state(report("r1")).newest_age_hours is None


def test_a_run_that_stopped_because_of_another_is_recognised_by_its_error() -> None:
    progress = RunProgress()
    progress.add_error("LeaseHeldError", "another run is writing to this database")
    found = run_state(status_report(RunInfo("r1", NOW, "2.0.0", {}), progress, [], status="failed", exit_code=1))
    assert found.turned_away


def test_stations_are_as_they_are_now_and_not_as_they_were_when_the_run_ended() -> None:
    ended = report("r1", seen={"A": Seen("A", 1_795_000_000_000, 0.1, "fresh"), "B": Seen("B", None, None, "never")})
    last = last_observations(ended)
    assert last == {"A": datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)}
    stations = network(station("A"), station("B", 10))
    known = [
        station_states(last, stations, last["A"] + timedelta(hours=hours), 36.0)[0].state for hours in (1, 4, 36, 37)
    ]
    assert known == ["fresh", "late", "late", "silent"]
    assert station_states({**last, "gone": NOW}, stations, NOW, None) == (
        StationState("A", "silent", last["A"]),
        StationState("B", "never"),
    )


def test_past_runs_come_newest_first_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    nights = [report(f"2026112{night}T031000Z-000000", NOW + timedelta(days=night)) for night in range(4)]
    for one in nights[:3]:
        (tmp_path / "history" / f"{one.run_id}.json").write_bytes(msgspec.json.encode(one))
    for one in (nights[2], nights[3]):
        (tmp_path / "pipeline_status.json").write_bytes(msgspec.json.encode(one))
    assert past_runs(tmp_path, 3) == ([nights[3], nights[2], nights[1]], [])
    assert past_runs(tmp_path / "nothing", 3) == ([], [])


def test_a_file_that_is_no_status_report_is_named(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "b.json").write_text("{", "utf-8")
    (tmp_path / "history" / "a.json").write_text("{}", "utf-8")
    older = as_data(report("r0")) | {"format_version": 1}
    (tmp_path / "pipeline_status.json").write_text(json.dumps(older), "utf-8")
    assert past_runs(tmp_path, 9) == ([], ["b.json", "a.json", "pipeline_status.json"])


def test_of_two_reports_of_a_run_the_first_counts() -> None:
    running, ended = report("r1", status="running"), report("r1")
    assert newest_first([ended, running]) == [ended]
