"""The flags of days that a run did not evaluate are reported as the documents have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.loader import load
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.stored_flags import StoredFlags, stored_flags
from tests.examples import on_a_database
from tests.networks import DAY, START, five, observation, records

STATIONS = five(interval_minutes=5)
AIR = "air_temperature"
FAILED = {"gross_range": 1}


def stored(collection: ObservationCollection, folder: Path, *rows: Mapping[str, Any]) -> ObservationCollection:
    """The collection, with these rows and their flags."""
    marks = PendingQc.for_collection(collection, "run")
    load(records(rows, STATIONS, folder), collection, marks)
    evaluate_pending(marks, collection, STATIONS)
    return collection


def row(minute: int, value: float, name: str = "A") -> dict[str, Any]:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value)


def counted(found: Iterable[StoredFlags]) -> tuple[Counter[Any], Counter[Any]]:
    """Values by station, parameter and flag; and by station, parameter and check, whichever flag it gave."""
    values, checks = Counter[Any](), Counter[Any]()
    for one in found:
        values[one.station, one.parameter, one.flag] += one.number
        for check, number in one.checks.items():
            checks[one.station, one.parameter, check] += number
    return values, checks


def test_flags_are_those_of_the_requested_days(collection: ObservationCollection, tmp_path: Path) -> None:
    rows = (row(0, 99.0), row(60, 99.0), row(120, 12.0), row(24 * 60, 99.0), row(48 * 60, 99.0), row(0, 99.0, "B"))
    stored(collection, tmp_path, *rows)
    assert list(stored_flags([("A", DAY)], collection)) == [("A", AIR, 4, 2, {"gross_range": 2})]
    asked = [("A", DAY), ("A", DAY + 2), ("B", DAY), ("B", DAY + 1), ("C", DAY)]
    assert list(stored_flags(asked, collection)) == [
        ("A", AIR, 4, 2, {"gross_range": 2}),
        ("A", AIR, 4, 1, FAILED),
        ("B", AIR, 4, 1, FAILED),
    ]
    assert list(stored_flags([], collection)) == []


def test_no_document_is_read_if_the_daily_aggregate_is_enough(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    stored(collection, tmp_path, row(0, 99.0), row(60, 12.0))
    collection.delete_many({})
    assert list(stored_flags([("A", DAY)], collection)) == [("A", AIR, 4, 1, FAILED)]


def test_which_check_gave_which_of_two_flags_of_a_day_is_read_from_the_documents(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    """18.9 °C is a step, and 99 °C is no temperature."""
    stored(collection, tmp_path, row(0, 12.0), row(5, 12.1), row(10, 18.9), row(60, 99.0))
    assert sorted(stored_flags([("A", DAY)], collection)) == [
        ("A", AIR, 3, 1, {"rate_of_change": 1}),
        ("A", AIR, 4, 1, FAILED),
    ]


def test_days_without_an_aggregate_are_read_from_the_documents(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    stored(collection, tmp_path, row(0, 99.0), row(24 * 60, 99.0))
    DailyAggregates.for_collection(collection).collection.delete_one({"_id": "A@2024-10-01"})
    assert counted(stored_flags([("A", DAY), ("A", DAY + 1)], collection))[0] == {("A", AIR, 4): 2}


@on_a_database(0.1)
@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from([12.0, 12.1, 18.9, 99.0]), st.sampled_from("AB"))))
def test_flags_are_those_of_the_documents(
    collection: ObservationCollection, tmp_path: Path, rows: list[tuple[int, float, str]]
) -> None:
    collection.delete_many({})
    DailyAggregates.for_collection(collection).collection.delete_many({})
    distinct = {(name, minute): row(5 * minute, value, name) for minute, value, name in rows}
    stored(collection, tmp_path, *distinct.values())
    values, checks = Counter[Any](), Counter[Any]()
    for document in collection.find():
        for parameter, entry in document["data_quality"]["flags"].items():
            values[document["station"]["id"], parameter, entry["flag"]] += 1
            checks.update((document["station"]["id"], parameter, check) for check in entry["checks"])
    asked = [(name, DAY + day) for name in "AB" for day in range(4)]
    assert counted(stored_flags(asked, collection)) == (values, checks)
