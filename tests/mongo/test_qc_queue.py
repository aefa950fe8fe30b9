"""Marks on station-days whose observations have changed, on a real mongod."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from forecast.core.schemas import to_table
from forecast.mongo.client import ObservationCollection
from forecast.mongo.loader import load, station_days
from forecast.mongo.qc_queue import PendingDays, PendingQc, days_by_station, pending_dataset
from tests.networks import DAY, START, five, observation, observations, records


class _Counting:
    """Marks that say how often they were written to."""

    def __init__(self, collection: ObservationCollection) -> None:
        self._collection = collection
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    def bulk_write(self, *arguments: Any, **options: Any) -> Any:
        self.writes += 1
        return self._collection.bulk_write(*arguments, **options)


def test_queue_entries_are_in_a_collection_next_to_the_documents_and_name_the_run(
    collection: ObservationCollection,
) -> None:
    pending_qc = PendingQc.for_collection(collection, "r1")
    pending_qc.enqueue([("A", DAY), ("B", DAY + 1), ("A", DAY)])
    assert list(collection.database["weather_pending_qc"].find(sort=[("_id", 1)])) == [
        {"_id": f"A@{DAY}", "runs": ["r1"], "station": "A", "day": DAY},
        {"_id": f"B@{DAY + 1}", "runs": ["r1"], "station": "B", "day": DAY + 1},
    ]
    assert pending_qc.marks() == {("A", DAY): ["r1"], ("B", DAY + 1): ["r1"]}


def test_without_days_nothing_is_queued(collection: ObservationCollection) -> None:
    PendingQc.for_collection(collection, "r1").enqueue([])
    PendingQc.for_collection(collection, "r1").ack({})
    assert "weather_pending_qc" not in collection.database.list_collection_names()


def test_a_day_that_this_run_has_queued_is_queued_again(collection: ObservationCollection) -> None:
    """A concurrent run may have taken the mark away since."""
    pending_qc = PendingQc.for_collection(collection, "r1")
    for days in ([("A", DAY)], [("A", DAY), ("A", DAY + 1)]):
        pending_qc.enqueue(days)
        PendingQc.for_collection(collection, "other").ack(pending_qc.marks())
        pending_qc.enqueue([("A", DAY)])
        assert pending_qc.marks() == {("A", DAY): ["r1"]}


def test_entries_that_another_writer_removed_are_queued_again_for_all_days_or_some(
    collection: ObservationCollection,
) -> None:
    """What this run has evaluated itself is not part of it, and nothing is written where all marks are there."""
    counting = _Counting(collection.database["weather_pending_qc"])
    days = PendingDays(cast("ObservationCollection", counting), "r1")
    pending_qc, other = (
        PendingQc(days, pending_dataset(collection, "r1")),
        PendingQc.for_collection(collection, "other"),
    )
    pending_qc.enqueue([("own", DAY)])
    pending_qc.ack(pending_qc.marks())
    pending_qc.enqueue([("A", DAY), ("B", DAY)])
    other.ack(other.marks())
    pending_qc.requeue([("A", DAY), ("never marked", DAY)])
    assert pending_qc.marks() == {("A", DAY): ["r1"]}
    pending_qc.requeue()
    assert pending_qc.marks() == {("A", DAY): ["r1"], ("B", DAY): ["r1"]}
    written = counting.writes
    pending_qc.requeue()
    pending_qc.requeue([("A", DAY)])
    assert counting.writes == written


def test_a_day_whose_entry_was_removed_is_queued_again(collection: ObservationCollection) -> None:
    pending_qc = PendingQc.for_collection(collection, "r1")
    for _ in range(2):
        pending_qc.enqueue([("A", DAY)])
        assert pending_qc.marks() == {("A", DAY): ["r1"]}
        pending_qc.ack(pending_qc.marks())
        assert pending_qc.marks() == {}


def test_only_the_entries_that_were_read_are_removed(collection: ObservationCollection) -> None:
    pending_qc = PendingQc.for_collection(collection, "r1")
    pending_qc.enqueue([("A", DAY)])
    read = pending_qc.marks()
    pending_qc.enqueue([("A", DAY + 1)])
    pending_qc.ack(read)
    assert pending_qc.marks() == {("A", DAY + 1): ["r1"]}


def test_an_entry_that_another_run_has_renewed_stays(collection: ObservationCollection) -> None:
    pending_qc, other = (PendingQc.for_collection(collection, run) for run in ("r1", "r2"))
    pending_qc.enqueue([("A", DAY), ("B", DAY)])
    read = pending_qc.marks()
    other.enqueue([("A", DAY)])
    pending_qc.ack(read)
    assert other.marks() == {("A", DAY): ["r1", "r2"]}


def test_the_next_run_processes_the_entries_of_a_killed_run(collection: ObservationCollection) -> None:
    PendingQc.for_collection(collection, "killed").enqueue([("A", DAY)])
    pending_qc = PendingQc.for_collection(collection, "r2")
    assert pending_qc.marks() == {("A", DAY): ["killed"]}
    pending_qc.ack(pending_qc.marks())
    assert pending_qc.marks() == {}


def test_two_writers_of_a_run_queue_what_each_of_them_writes(collection: ObservationCollection) -> None:
    pending_qc = PendingQc.for_collection(collection, "r1")
    together = threading.Barrier(2)

    def mark(station: str) -> None:
        together.wait()
        for day in range(20):
            pending_qc.enqueue([(station, day), ("both", day)])

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(mark, "AB"))
    assert pending_qc.marks() == {(station, day): ["r1"] for station in ("A", "B", "both") for day in range(20)}


def test_queued_days_are_returned_by_station() -> None:
    assert days_by_station([("A", 1), ("B", 1), ("A", 2), ("A", 1)]) == {"A": {1, 2}, "B": {1}}


def test_loading_queues_the_days_that_change_and_no_others(collection: ObservationCollection, tmp_path: Path) -> None:
    """New observations, newer ones, the same again, and older ones, each on a day of its own."""
    stations = five()
    first = observations("A", [12.0] * 96, generation_id=1)
    load(records(first, stations, tmp_path), collection, PendingQc.for_collection(collection, "r1"))
    assert PendingQc.for_collection(collection, "r1").marks() == {("A", DAY + number): ["r1"] for number in range(4)}
    collection.database["weather_pending_qc"].delete_many({})
    second = [
        {**first[0], "air_temperature": 13.0, "generation_id": 2},
        {**first[24], "generation_id": 2},
        {**first[48], "air_temperature": 13.0, "generation_id": 0},
        observation("B", START, air_temperature=12.0),
    ]
    counts = load(records(second, stations, tmp_path), collection, PendingQc.for_collection(collection, "r2"))
    assert (counts.inserted, counts.updated, counts.unchanged, counts.superseded) == (1, 1, 1, 1)
    assert PendingQc.for_collection(collection, "r2").marks() == {("A", DAY): ["r2"], ("B", DAY): ["r2"]}


def test_days_are_queued_before_their_documents_are_written(collection: ObservationCollection, tmp_path: Path) -> None:
    """A run that is killed between the two leaves a mark too many, and never one too few."""
    seen = []

    class Watched(_Counting):
        def insert_many(self, *arguments: Any, **options: Any) -> Any:
            seen.append(PendingQc.for_collection(collection, "").marks())
            return self._collection.insert_many(*arguments, **options)

    watched = cast("ObservationCollection", Watched(collection))
    load(records(observations("A", [12.0]), five(), tmp_path), watched, PendingQc.for_collection(collection, "r1"))
    assert seen == [{("A", DAY): ["r1"]}]
    assert collection.count_documents({}) == 1


def test_the_days_of_records_are_utc_days_also_before_1970(tmp_path: Path) -> None:
    moments = [START.replace(year=1969, month=12, day=31, hour=23), START, START.replace(hour=23, minute=59)]
    rows = [observation("A", moment, air_temperature=1.0) for moment in moments]
    assert station_days(to_table(records(rows, five(), tmp_path))) == {("A", -1), ("A", DAY)}
