"""Runs as documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from forecast.mongo.client import ObservationCollection
from forecast.mongo.history import RunHistory

STARTED = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)


def report(night: int, status: str = "success") -> dict[str, Any]:
    started = STARTED + timedelta(days=night)
    return {
        "run_id": f"r{night}",
        "status": status,
        "started_at": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "finished_at": None if status == "running" else f"{started:%Y-%m-%dT%H:%M:59Z}",
        "previous_run": None if night == 0 else {"run_id": "r0", "started_at": "2026-11-20T03:10:00Z"},
        "stations": {"A.b": {"last_observation": "2026-11-20T03:00:00Z", "state": "fresh"}},
        "errors": [{"object": None, "message": "2026-11-20T03:10:00Z is a time in a text"}],
    }


def test_a_document_is_the_report_with_dates_and_reads_back_as_it_was(collection: ObservationCollection) -> None:
    runs = RunHistory.for_collection(collection)
    runs.put(report(1))
    (document,) = runs.collection.find()
    assert (document["_id"], document["run_id"]) == ("r1", "r1")
    assert document["started_at"] == STARTED + timedelta(days=1)
    assert document["previous_run"]["started_at"] == STARTED
    assert document["stations"]["A.b"]["last_observation"] == datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert document["errors"][0]["message"] == "2026-11-20T03:10:00Z is a time in a text"
    assert runs.newest(9) == [report(1)]


def test_runs_come_newest_first_and_each_once(collection: ObservationCollection) -> None:
    runs = RunHistory.for_collection(collection)
    for night in (2, 0, 3, 1):
        runs.put(report(night, "running"))
    for night in (0, 1, 2):
        runs.put(report(night))
    assert runs.newest(3) == [report(3, "running"), report(2), report(1)]
    assert runs.running() == [report(3, "running")]
    assert runs.ended(["r1", "r3", "r9"]) == {"r1"}


def test_the_stations_of_runs_are_read_where_they_are_asked_for(collection: ObservationCollection) -> None:
    runs = RunHistory.for_collection(collection)
    runs.put(report(1))
    assert runs.newest(9, with_stations=False) == [{**report(1), "stations": {}}]


def test_old_runs_are_removed_but_never_the_newest(collection: ObservationCollection) -> None:
    runs = RunHistory.for_collection(collection)
    for night in range(4):
        runs.put(report(night))
    assert runs.remove_before(STARTED + timedelta(days=2)) == 2
    assert [one["run_id"] for one in runs.newest(9)] == ["r3", "r2"]
    assert runs.remove_before(STARTED + timedelta(days=99)) == 1
    assert [one["run_id"] for one in runs.newest(9)] == ["r3"]


def test_the_last_runs_are_read_through_the_index(collection: ObservationCollection) -> None:
    runs = RunHistory.for_collection(collection)
    runs.prepare()
    for night in range(30):
        runs.put(report(night))
    plan = runs.collection.find().sort("started_at", -1).limit(10).explain()
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["totalDocsExamined"] == 10
