"""What a real database knows of its stations: kept up by what changed, right after whatever happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.loader import load
from forecast.mongo.presence import presence_of
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import enqueue_everything, evaluate_pending
from forecast.mongo.station_states import StationStates, note_stations
from tests.examples import on_a_database
from tests.networks import START, network, observation, records, station

STATIONS = network(station("A"), station("B", 300), station("C", 600))
NOW = START + timedelta(days=2)


def put(collection: ObservationCollection, folder: Path, *rows: tuple[str, float]) -> None:
    """Observations by station and hour after START."""
    made = [observation(name, START + timedelta(hours=hour), air_temperature=9.0) for name, hour in rows]
    load(records(made, STATIONS, folder), collection, PendingQc.for_collection(collection, "run"))


def evaluate(collection: ObservationCollection) -> None:
    evaluate_pending(PendingQc.for_collection(collection, "run"), collection, STATIONS)


def note(collection: ObservationCollection, now: datetime = NOW, stations: Stations = STATIONS) -> None:
    note_stations(collection, stations, now, 36.0)


def states(collection: ObservationCollection) -> dict[str, dict[str, Any]]:
    """But for the revisions, which are random."""
    found = StationStates.for_collection(collection).read()
    return {one["_id"]: {name: value for name, value in one.items() if name != "revision"} for one in found}


def counts(collection: ObservationCollection) -> dict[str, int]:
    return {name: one["count"] for name, one in states(collection).items()}


def test_every_station_of_the_registry_has_a_document(collection: ObservationCollection, tmp_path: Path) -> None:
    put(collection, tmp_path, *(("A", hour) for hour in range(48)), ("B", 3))
    evaluate(collection)
    note(collection)
    assert states(collection) == {
        "A": {
            "_id": "A",
            "first": START,
            "last": START + timedelta(hours=47),
            "count": 48,
            "months": {"2024-10": 48},
            "state": "fresh",
            "since": NOW,
        },
        "B": {
            "_id": "B",
            "first": START + timedelta(hours=3),
            "last": START + timedelta(hours=3),
            "count": 1,
            "months": {"2024-10": 1},
            "state": "silent",
            "since": NOW,
        },
        "C": {"_id": "C", "first": None, "last": None, "count": 0, "months": {}, "state": "never", "since": NOW},
    }


def test_since_is_when_the_state_was_first_found(collection: ObservationCollection, tmp_path: Path) -> None:
    put(collection, tmp_path, ("A", 0))
    evaluate(collection)
    found = []
    for hours in (1, 2, 4, 30, 40):
        note(collection, START + timedelta(hours=hours))
        one = states(collection)["A"]
        found.append((one["state"], (one["since"] - START) / timedelta(hours=1)))
    assert found == [("fresh", 1), ("fresh", 1), ("late", 4), ("late", 4), ("silent", 40)]


def test_a_station_that_falls_silent_is_reported_once(collection: ObservationCollection, tmp_path: Path) -> None:
    put(collection, tmp_path, ("A", 0), ("B", 20))
    kept = StationStates.for_collection(collection)
    found = []
    for hours in (21, 40, 41, 60):
        now = START + timedelta(hours=hours)
        found.append(kept.note(STATIONS, presence_of(collection, STATIONS, (), 36.0), now))
    assert found == [{"C"}, {"A"}, set(), {"B"}]


def test_only_the_months_that_changed_are_counted_again(collection: ObservationCollection, tmp_path: Path) -> None:
    """A month that somebody made up stays as it is, until its days change."""
    put(collection, tmp_path, ("A", -24 * 35), ("A", -24 * 10), ("A", 0))
    evaluate(collection)
    of_a = StationStates.for_collection(collection).collection
    assert of_a.find_one({"_id": "A"}, {"revision": 0}) == {
        "_id": "A", "months": {"2024-08": 1, "2024-09": 1, "2024-10": 1}, "count": 3,
    }  # fmt: skip
    of_a.update_one({"_id": "A"}, {"$set": {"months.2024-08": 1000}})
    put(collection, tmp_path, ("A", -24 * 10 + 1))
    evaluate(collection)
    assert of_a.find_one({"_id": "A"}, {"months": 1}) == {
        "_id": "A", "months": {"2024-08": 1000, "2024-09": 2, "2024-10": 1},
    }  # fmt: skip


def test_a_station_that_returns_to_the_registry_has_all_its_observations(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    put(collection, tmp_path, ("A", 0), ("A", 24 * 35), ("B", 1))
    evaluate(collection)
    note(collection)
    without = network(station("B", 300), station("C", 600))
    note(collection, stations=without)
    assert counts(collection) == {"B": 1, "C": 0}
    note(collection)
    assert counts(collection) == {"A": 2, "B": 1, "C": 0}


def test_what_was_deleted_by_hand_is_not_counted_after_all_is_checked_again(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    put(collection, tmp_path, *(("A", hour) for hour in range(72)))
    evaluate(collection)
    note(collection)
    collection.delete_many({"timestamp": {"$gte": START + timedelta(hours=30)}})
    enqueue_everything(PendingQc.for_collection(collection, "run"), collection)
    evaluate(collection)
    note(collection)
    of_a = states(collection)["A"]
    assert (of_a["count"], of_a["last"]) == (30, START + timedelta(hours=29))


def test_a_revision_differs_after_each_change_of_the_station_and_only_then(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    def revisions() -> list[str]:
        return [one["revision"] for one in StationStates.for_collection(collection).read() if one["_id"] in "AB"]

    put(collection, tmp_path, ("A", 0), ("B", 0))
    evaluate(collection)
    note(collection)
    first = revisions()
    evaluate(collection)
    note(collection)
    assert revisions() == first
    put(collection, tmp_path, ("A", 1))
    evaluate(collection)
    (of_a, of_b), (before, unchanged) = revisions(), first
    assert (of_a != before, of_b) == (True, unchanged)


def test_lost_states_are_rebuilt(collection: ObservationCollection, tmp_path: Path) -> None:
    put(collection, tmp_path, ("A", 0), ("A", 24 * 35))
    evaluate(collection)
    note(collection)
    before = states(collection)
    collection.database.drop_collection("weather_stations")
    note(collection)
    assert states(collection) == before


_ROWS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(-24 * 40, 24 * 35)), min_size=1, max_size=15)


@on_a_database(0.1)
@given(st.lists(_ROWS, min_size=1, max_size=3))
def test_in_whatever_order_observations_arrive_the_counts_match_the_documents(
    collection: ObservationCollection, tmp_path: Path, deliveries: list[list[tuple[str, int]]]
) -> None:
    collection.delete_many({})
    for beside in (
        DailyAggregates.for_collection(collection).collection,
        StationStates.for_collection(collection).collection,
    ):
        beside.delete_many({})
    for delivery in deliveries:
        put(collection, tmp_path, *delivery)
        evaluate(collection)
    note(collection)
    expected = {name: collection.count_documents({"station.id": name}) for name in "ABC"}
    assert counts(collection) == expected
    for name, one in states(collection).items():
        times = sorted(document["timestamp"] for document in collection.find({"station.id": name}))
        assert (one["first"], one["last"]) == ((times[0], times[-1]) if times else (None, None))


@pytest.mark.parametrize("foreign", [{"a": 1}, 5, None, ObjectId("65f0c0ffee65f0c0ffee65f0")], ids=type)
def test_a_document_of_another_program_whose_id_is_no_name_changes_nothing(
    collection: ObservationCollection, tmp_path: Path, foreign: Any
) -> None:
    put(collection, tmp_path, ("A", 1))
    evaluate(collection)
    note(collection)
    before = states(collection)
    beside = StationStates.for_collection(collection).collection
    beside.insert_one({"_id": foreign, "reading": 3.0})
    note(collection)
    assert states(collection) == before
    assert beside.find_one({"_id": foreign}) == {"_id": foreign, "reading": 3.0}
