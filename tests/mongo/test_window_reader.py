"""Windows are read whole, and what two of them have in common is read once."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from pymongo import MongoClient

from forecast.core.clock import from_ms, midnight
from forecast.mongo import window_reader as block_reader
from forecast.mongo.bson_decoder import StationColumns, read_columns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_evaluation import evaluate
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.window_reader import prefetch, read_window, rows_by_day
from forecast.qc import station_groups
from forecast.qc import windows as qc_windows
from forecast.qc.changes import Changes
from forecast.qc.neighbours import neighbours_of
from forecast.qc.windows import QcWindow
from tests.networks import CELLS, DAY, DAY_MS, START, five, observation, records

LAST = 38
STATIONS = five()
WHOLE = {name: set(range(DAY, DAY + LAST)) for name in "AC"}


@pytest.fixture(scope="module")
def collection(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservationCollection]:
    """Five stations over 38 days, every six hours; C begins late, and D ends early."""
    days = {"A": range(LAST), "B": range(LAST), "C": range(20, LAST), "D": range(20), "E": range(LAST)}
    rows = [
        observation(name, START + timedelta(days=day, hours=hour), air_temperature=day + hour / 10)
        for name, of_station in days.items()
        for day in of_station
        for hour in (0, 6, 12, 18)
    ]
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        made = client["block_reader"]["weather"]
        prepare_collection(made)
        load(records(rows, STATIONS, tmp_path_factory.mktemp("records")), made, PendingQc.for_collection(made, "run"))
        yield made
        client.drop_database("block_reader")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many documents each reading brings."""
    numbers: list[int] = []

    def counted(batches: Iterable[bytes]) -> dict[str, StationColumns]:
        found = read_columns(batches)
        numbers.append(sum(len(columns.times) for columns in found.values()))
        return found

    monkeypatch.setattr(block_reader, "read_columns", counted)
    return numbers


def assert_whole(window: QcWindow, found: dict[str, StationColumns], collection: ObservationCollection) -> None:
    """What is found of a window is what it reads by itself."""
    expected = read_window(window, collection)
    assert {name for name, columns in found.items() if len(columns.times)} == set(expected)
    for name, columns in expected.items():
        assert found[name].times.tolist() == columns.times.tolist()
        assert found[name].digests.tolist() == columns.digests.tolist()
        assert found[name].flags.tolist() == columns.flags.tolist()
        assert set(found[name].values) >= set(columns.values)
        for parameter, values in found[name].values.items():
            missing = np.full(len(columns.times), np.nan)
            np.testing.assert_array_equal(values, columns.values.get(parameter, missing))


@pytest.mark.parametrize("rows", [400, 600, 100_000])
def test_every_document_is_read_once(
    collection: ObservationCollection, read: list[int], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", rows * CELLS)
    changed = {name: set(range(DAY, DAY + LAST)) for name in "AC"}
    found = list(prefetch(Changes(changed), collection, STATIONS))
    assert sum(read) == collection.count_documents({})
    assert len(found) > 1 or rows == 100_000
    for window, columns in found:
        assert_whole(window, columns, collection)


def test_stations_that_two_windows_share_are_read_once(
    collection: ObservationCollection, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station_groups, "_MAX_STATIONS", 2)
    monkeypatch.setattr(station_groups, "_MIN_STATIONS", 1)
    changed = {station.id: {DAY + 20} for station in STATIONS}
    found = list(prefetch(Changes(changed), collection, STATIONS, with_origins=True))
    halos = [{station.id for station in window.halo} for window, _ in found]
    begin = {"timestamp": {"$gte": from_ms(found[0][0].read_from), "$lt": midnight(found[0][0].last_read + 1)}}
    new = [halo - before for before, halo in pairwise([set[str](), *halos])]
    assert len(found) > 1
    assert any(len(halo) > len(one) for halo, one in zip(halos, new, strict=True))
    assert sum(read) == sum(collection.count_documents({"station.id": {"$in": [*names]}, **begin}) for names in new)
    for window, columns in found:
        assert_whole(window, columns, collection)
        for of_station in columns.values():
            rows = np.flatnonzero(of_station.times // DAY_MS == DAY + 20)
            assert not len(rows) or (of_station.origins is not None and None not in of_station.origins.sources[rows])


def test_while_a_large_window_is_in_memory_no_other_is_read(
    collection: ObservationCollection, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read ahead of it or kept for the one after it; small ones are read as ever."""
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", 100 * CELLS)
    numbers = []
    for window, columns in prefetch(Changes(WHOLE), collection, STATIONS):
        if window.is_large:
            of_window = sum(len(of_station.times) for of_station in columns.values())
            assert (window.first, read[-1]) == (window.last, of_window)
        numbers.append(window.is_large)
        assert_whole(window, columns, collection)
        # That it was read once more for the comparison is none of its reading ahead.
        read.pop()
    assert {*numbers} == {True, False}


def test_only_the_caller_keeps_the_columns_of_a_window(
    collection: ObservationCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the checks can combine the columns of stations without having them in memory twice."""
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", 600 * CELLS)
    numbers = []
    for window, columns in prefetch(Changes(WHOLE), collection, STATIONS):
        times = weakref.ref(columns["A"].times)
        evaluate(window, columns, neighbours_of(STATIONS))
        numbers.append((len(columns), times() is None))
    assert len(numbers) > 1
    assert {*numbers} == {(0, True)}


def test_the_rows_of_a_day_are_those_of_all_stations_and_no_document_is_looked_at(
    collection: ObservationCollection,
) -> None:
    count = rows_by_day(collection)
    assert count(tuple(STATIONS), DAY + 19, DAY + 20) == {DAY + 19: 16, DAY + 20: 16}
    of_three = tuple(station for station in STATIONS if station.id in "ACD")
    assert count(of_three, DAY + 18, DAY + 20) == {DAY + 18: 8, DAY + 19: 8, DAY + 20: 8}
    assert count(of_three, DAY + LAST, DAY + LAST + 9) == {}
    plan = collection.database.command(
        "explain",
        {"aggregate": collection.name, "cursor": {}, **_sent()},
        verbosity="executionStats",
    )
    assert _totals(plan) == {0}


def _sent() -> dict[str, Any]:
    """The aggregation as it is sent."""
    sent: dict[str, Any] = {}

    class Watched:
        def aggregate(self, stages: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
            sent.update(pipeline=stages, **options)
            return []

    rows_by_day(cast("ObservationCollection", Watched()))(tuple(STATIONS), DAY, DAY + LAST)
    return sent


def _totals(plan: Any) -> set[int]:
    """How many documents were looked at, wherever the plan says it."""
    if isinstance(plan, dict):
        found = {plan["totalDocsExamined"]} if "totalDocsExamined" in plan else set()
        return found.union(*map(_totals, plan.values()))
    return set().union(*map(_totals, plan)) if isinstance(plan, list) else set()


def test_windows_with_days_between_them_are_read_apart(collection: ObservationCollection, read: list[int]) -> None:
    changed = {"A": {DAY, DAY + 28}}
    first, second = prefetch(Changes(changed), collection, STATIONS)
    # Days 0 to 6 of four stations, and of four from 5:30 UTC of day 23 to day 34.
    assert read == [7 * 4 * 4, (3 + 11 * 4) * 4]
    assert_whole(*first, collection)
    assert_whole(*second, collection)


def test_documents_from_before_a_station_was_moved_are_read_too(collection: ObservationCollection) -> None:
    window = next(qc_windows.windows_of(Changes({"A": {DAY}}), STATIONS, rows_by_day(collection)))
    before = read_window(window, collection)["A"].times.tolist()
    far_away = {"station.location": {"type": "Point", "coordinates": [10.0, -40.0]}}
    collection.update_many({"station.id": "A", "timestamp": {"$lt": START + timedelta(days=1)}}, {"$set": far_away})
    assert read_window(window, collection)["A"].times.tolist() == before


def test_where_documents_come_from_is_read_on_changed_days_alone(
    collection: ObservationCollection, read: list[int]
) -> None:
    """It is most of a document. The days around, and the other stations, are read for the checks alone."""
    found = list(prefetch(Changes({"A": {DAY + 20}}), collection, STATIONS, with_origins=True))
    assert sum(read) == sum(len(columns.times) for _, of in found for columns in of.values())
    for window, columns in found:
        assert_whole(window, columns, collection)
        for name, of_station in columns.items():
            known = of_station.origins
            rows = [] if known is None else [row for row, one in enumerate(known.sources) if one is not None]
            assert {int(day) for day in of_station.times[rows] // DAY_MS} == ({DAY + 20} if name == "A" else set())
            assert known is None or set(known.source_rows[rows].tolist()) == {b"line 1"}
