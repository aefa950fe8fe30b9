"""Daily aggregates of a real database are those of its documents, however these came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.clock import midnight
from forecast.mongo import qc_update
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.loader import load
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import enqueue_everything, evaluate_pending
from tests.examples import on_a_database
from tests.networks import DAY, START, five, observation, records

STATIONS = five(interval_minutes=5)


def put(collection: ObservationCollection, folder: Path, *rows: Mapping[str, Any], run: str = "run") -> None:
    load(records(rows, STATIONS, folder), collection, PendingQc.for_collection(collection, run))


def evaluate(collection: ObservationCollection) -> None:
    evaluate_pending(PendingQc.for_collection(collection, "run"), collection, STATIONS)


def row(minute: int, value: float | None, name: str = "A", **more: Any) -> dict[str, Any]:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value, **more)


def documents(collection: ObservationCollection) -> dict[str, dict[str, Any]]:
    return {one["_id"]: one for one in DailyAggregates.for_collection(collection).collection.find()}


def expected_of(found: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, dict[str, tuple[Any, ...]]]]:
    """Received and flagged by station and day, counted from the documents of the collection one by one."""
    days: dict[str, list[Mapping[str, Any]]] = {}
    for one in found:
        days.setdefault(f"{one['station']['id']}@{one['timestamp']:%Y-%m-%d}", []).append(one)
    made = {}
    for name, of_day in days.items():
        parameters = {}
        for parameter in sorted({key for one in of_day for key in one["measurements"]}):
            flags = [one["data_quality"]["flags"].get(parameter) for one in of_day if parameter in one["measurements"]]
            checks: dict[str, int] = {}
            for entry in filter(None, flags):
                for check in entry["checks"]:
                    checks[check] = checks.get(check, 0) + 1
            numbers = [sum(entry is not None and entry["flag"] == which for entry in flags) for which in (3, 4)]
            parameters[parameter] = (len(flags), *numbers, checks)
        made[name] = (len(of_day), parameters)
    return made


def assert_true(collection: ObservationCollection) -> None:
    got = {
        name: (
            one["received"],
            {
                parameter: (entry["received"], entry["suspect"], entry["failed"], entry["checks"])
                for parameter, entry in one["parameters"].items()
            },
        )
        for name, one in documents(collection).items()
    }
    assert got == expected_of(collection.find())


def test_a_day_is_one_document(collection: ObservationCollection, tmp_path: Path) -> None:
    put(collection, tmp_path, row(0, 12.0), row(5, 12.1), row(10, 18.9), row(1440, 9.0))
    evaluate(collection)
    assert documents(collection) == {
        "A@2024-10-01": {
            "_id": "A@2024-10-01",
            "station": "A",
            "day": START,
            "expected": 288,
            "received": 3,
            "parameters": {
                "air_temperature": {
                    "received": 3,
                    "suspect": 1,
                    "failed": 0,
                    "min": 12.0,
                    "mean": pytest.approx(12.05),
                    "max": 12.1,
                    "checks": {"rate_of_change": 1},
                }
            },
        },
        "A@2024-10-02": {
            "_id": "A@2024-10-02",
            "station": "A",
            "day": START + timedelta(days=1),
            "expected": 288,
            "received": 1,
            "parameters": {
                "air_temperature": {
                    "received": 1, "suspect": 0, "failed": 0, "min": 9.0, "mean": 9.0, "max": 9.0, "checks": {},
                }
            },
        },
    }  # fmt: skip


def test_new_observations_on_one_day_update_the_aggregates_of_another_day_whose_flags_change(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    """The last value of the day is a step, until the next day's first one shows that it was a spike."""
    put(collection, tmp_path, row(1425, 12.0), row(1430, 12.1), row(1435, 18.9))
    evaluate(collection)
    assert documents(collection)["A@2024-10-01"]["parameters"]["air_temperature"]["checks"] == {"rate_of_change": 1}
    put(collection, tmp_path, row(1440, 12.2))
    evaluate(collection)
    assert documents(collection)["A@2024-10-01"]["parameters"]["air_temperature"]["checks"] == {"spike": 1}
    assert_true(collection)


@pytest.mark.parametrize("broken", ["DailyAggregates.write", "rewrite_all", "StationStates.count", "PendingQc.ack"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_next_run_completes_an_interrupted_one(
    collection: ObservationCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, moment: str
) -> None:
    """The neighbouring day has no mark of its own: it is found by its flags, so it must be written before them."""
    put(collection, tmp_path, row(1425, 12.0), row(1430, 12.1), row(1435, 18.9))
    evaluate(collection)
    put(collection, tmp_path, row(1440, 12.2))
    owner, _, name = broken.rpartition(".")
    target = getattr(qc_update, owner) if owner else qc_update
    works = getattr(target, name)

    def breaks_off(*arguments: Any, **more: Any) -> None:
        if moment == "after":
            works(*arguments, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(target, name, breaks_off)
        with pytest.raises(KeyboardInterrupt):
            evaluate(collection)
    evaluate(collection)
    assert documents(collection).keys() == {"A@2024-10-01", "A@2024-10-02"}
    assert_true(collection)


def test_a_day_whose_documents_are_gone_has_no_aggregates_after_all_is_checked_again(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    put(collection, tmp_path, row(0, 12.0), row(1440, 9.0), row(1440, 8.0, "B"))
    evaluate(collection)
    collection.delete_many({"timestamp": {"$gte": START + timedelta(days=1)}})
    enqueue_everything(PendingQc.for_collection(collection, "run"), collection)
    evaluate(collection)
    assert documents(collection).keys() == {"A@2024-10-01"}
    collection.database.drop_collection("weather_days")
    DailyAggregates.for_collection(collection).prepare()
    enqueue_everything(PendingQc.for_collection(collection, "run"), collection)
    evaluate(collection)
    assert_true(collection)


_MINUTES = st.tuples(
    st.integers(0, 3 * 288 - 1), st.sampled_from("AB"), st.sampled_from([None, 11.0, 12.0, 19.0, 70.0])
)


@on_a_database(0.1)
@given(st.lists(st.lists(_MINUTES, min_size=1, max_size=12), min_size=1, max_size=3))
def test_in_whatever_order_observations_arrive_the_daily_aggregates_match_the_documents(
    collection: ObservationCollection, tmp_path: Path, deliveries: list[list[tuple[int, str, float | None]]]
) -> None:
    collection.delete_many({})
    DailyAggregates.for_collection(collection).collection.delete_many({})
    for delivery in deliveries:
        put(collection, tmp_path, *(row(5 * step, value, name) for step, name, value in delivery))
        evaluate(collection)
    assert_true(collection)


def test_the_days_of_a_station_and_the_stations_of_a_day_are_read(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    rows = [row(1440 * day, 10.0, name) for day in range(4) for name in "BA"]
    put(collection, tmp_path, *rows)
    evaluate(collection)
    days = DailyAggregates.for_collection(collection)
    assert [one["_id"] for one in days.of_station("A", DAY + 1, DAY + 2)] == ["A@2024-10-02", "A@2024-10-03"]
    assert [one["_id"] for one in days.of_day(DAY + 3)] == ["A@2024-10-04", "B@2024-10-04"]
    assert days.received({"A", "B"}, START, midnight(DAY + 3)) == {("A", "2024-10"): 3, ("B", "2024-10"): 3}
    assert days.received(set(), START, midnight(DAY + 3)) == {}
    assert set(days.station_days()) == {(name, DAY + day) for name in "AB" for day in range(4)}


@pytest.mark.parametrize(
    ("query", "documents_examined"),
    [
        ({"station": "A", "day": {"$gte": START + timedelta(days=60), "$lte": START + timedelta(days=102)}}, 43),
        ({"day": START + timedelta(days=50)}, 3),
    ],
    ids=["42 days of a station", "all stations on a day"],
)
def test_the_queries_of_the_dashboard_scan_no_collection(
    collection: ObservationCollection, query: dict[str, Any], documents_examined: int
) -> None:
    days = DailyAggregates.for_collection(collection)
    days.collection.insert_many(
        {"_id": f"{name}@{day}", "station": name, "day": START + timedelta(days=day), "received": 1}
        for name in "ABC"
        for day in range(365)
    )
    plan = days.collection.find(query).explain()
    assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
    assert plan["executionStats"]["totalDocsExamined"] == plan["executionStats"]["nReturned"] == documents_examined


def test_observations_are_counted_from_the_index_alone(collection: ObservationCollection) -> None:
    days = DailyAggregates.for_collection(collection)
    days.collection.insert_many(
        {"_id": f"A@{day}", "station": "A", "day": START + timedelta(days=day), "received": day} for day in range(90)
    )
    stages = [{"$match": {"station": {"$in": ["A"]}}}, {"$group": {"_id": "$station", "n": {"$sum": "$received"}}}]
    command = {"aggregate": days.collection.name, "pipeline": stages, "cursor": {}, "hint": "station_day_received"}
    plan = str(collection.database.command("explain", command, verbosity="executionStats"))
    assert "'totalDocsExamined': 0" in plan
