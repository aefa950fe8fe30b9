"""The QC results of a real database follow from the observations that it holds, however they came."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from forecast.core.counts import QcCounts
from forecast.core.digests import HASH_LENGTH
from forecast.core.errors import InterruptedRunError, RetryableError, SettingError
from forecast.core.stations import Stations
from forecast.mongo import qc_evaluation, qc_update, qc_write, window_reader
from forecast.mongo.bson_decoder import read_columns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days_check import outdated_days
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_evaluation import days_held, evaluate, outdated_flags
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_changes, evaluate_pending
from forecast.mongo.window_reader import prefetch
from forecast.networks.qc_version import qc_version
from forecast.qc import station_groups
from forecast.qc import windows as qc_windows
from forecast.qc.changes import Changes
from forecast.qc.neighbours import neighbours_of
from forecast.qc.results import QcResults
from tests.concurrent_runs import beaten
from tests.examples import examples
from tests.networks import CELLS, DAY, KM_A_DEGREE, START, curve, five, hours, network, observation, records, station

STATIONS = five(interval_minutes=5)
SPIKE = {"air_temperature": {"flag": 4, "checks": ["spike"]}}
STEP = {"air_temperature": {"flag": 3, "checks": ["rate_of_change"]}}


@dataclass
class Database:
    """A collection, and the runs that write to it."""

    collection: ObservationCollection
    folder: Path
    stations: Stations = field(default_factory=lambda: STATIONS)
    runs: dict[str, PendingQc] = field(default_factory=dict)

    def pending_qc(self, run: str = "run") -> PendingQc:
        return self.runs.setdefault(run, PendingQc.for_collection(self.collection, run))

    def load(self, *rows: Mapping[str, Any], run: str = "run") -> None:
        load(records(rows, self.stations, self.folder), self.collection, self.pending_qc(run))

    def evaluate(self, collection: ObservationCollection | None = None, run: str = "run", **more: Any) -> QcCounts:
        chosen = self.collection if collection is None else collection
        return evaluate_pending(self.pending_qc(run), chosen, self.stations, **more)

    def documents(self) -> dict[str, dict[str, Any]]:
        return {document["_id"]: document for document in self.collection.find()}

    def flags(self) -> dict[str, dict[str, Any]]:
        """The flags 3 and 4 of the documents that have some, by their minute."""
        return {
            name.partition("T")[2]: document["data_quality"]["flags"]
            for name, document in self.documents().items()
            if document["data_quality"]["flags"]
        }

    def digests(self) -> dict[str, str]:
        return {name: document["metadata"]["digest"] for name, document in self.documents().items()}


@pytest.fixture(scope="module")
def client(replica_set: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as opened:
        yield opened


def _new(client: MongoClient[dict[str, Any]], name: str) -> ObservationCollection:
    collection = client[name].get_collection(
        "weather", write_concern=WriteConcern("majority"), read_concern=ReadConcern("majority")
    )
    prepare_collection(collection)
    return collection


@pytest.fixture
def database(client: MongoClient[dict[str, Any]], mongo_database: str, tmp_path: Path) -> Database:
    return Database(_new(client, mongo_database), tmp_path)


def row(minute: int, value: float | None, name: str = "A", **more: Any) -> dict[str, Any]:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value, **more)


def assert_up_to_date(database: Database) -> None:
    """Every document says what the checks say now."""
    days = days_held(database.collection, {})
    assert list(outdated_flags(days, database.collection, database.stations)) == []
    assert list(outdated_days(days, database.collection, database.stations)) == []


# A late row


def test_a_late_row_changes_the_qc_results_of_earlier_ones_and_of_nothing_else(database: Database) -> None:
    """18.9 °C is a step while it is the last, and a spike when 12.2 °C comes after it."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    assert database.evaluate() == QcCounts(evaluated=3, rewritten=0, flags_changed=0)
    assert database.flags() == {"00:10:00Z": STEP}
    before = database.documents()
    database.load(row(15, 12.2))
    assert database.evaluate() == QcCounts(evaluated=4, rewritten=1, flags_changed=1)
    after = database.documents()
    late = after.pop("A@2024-10-01T00:15:00Z")
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"A@2024-10-01T00:10:00Z"}
    old, new = (documents["A@2024-10-01T00:10:00Z"] for documents in (before, after))
    digest = new["metadata"]["digest"]
    assert new == {
        **old,
        "data_quality": {**old["data_quality"], "flag": 4, "flags": SPIKE, "anomalies_detected": 1},
        "metadata": {**old["metadata"], "digest": digest},
    }
    assert digest[:HASH_LENGTH] == old["metadata"]["digest"][:HASH_LENGTH]
    assert digest[HASH_LENGTH:] != old["metadata"]["digest"][HASH_LENGTH:]
    assert (late["data_quality"]["flag"], late["data_quality"]["flags"]) == (1, {})


def test_an_earlier_row_that_comes_late_changes_later_ones(database: Database) -> None:
    database.load(row(10, 18.9), row(15, 12.2))
    database.evaluate()
    assert database.flags() == {"00:15:00Z": STEP}
    database.load(row(5, 12.1))
    assert database.evaluate() == QcCounts(evaluated=3, rewritten=2, flags_changed=2)
    assert database.flags() == {"00:10:00Z": SPIKE}


def test_a_newer_record_removes_a_flag(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 18.9), row(10, 12.2))
    database.evaluate()
    assert database.flags() == {"00:05:00Z": SPIKE}
    database.load(row(5, 12.1, generation_id=1))
    assert database.evaluate() == QcCounts(evaluated=3, rewritten=0, flags_changed=0)
    assert database.flags() == {}
    assert_up_to_date(database)


def test_rain_between_two_rows_follows_what_comes_between(database: Database) -> None:
    def counted(minute: int, counter: float | None, **more: Any) -> dict[str, Any]:
        return observation(
            "A", START + timedelta(minutes=minute), precipitation_counter=counter, wind_speed=1.0, **more
        )

    def amounts() -> dict[str, float | None]:
        return {
            name[-6:-4]: document["measurements"].get("precipitation_amount")
            for name, document in sorted(database.documents().items())
        }

    database.load(counted(0, 1.0), counted(10, 2.0))
    database.evaluate()
    assert amounts() == {"00": None, "10": 1.0}
    database.load(counted(5, 1.25))
    assert database.evaluate() == QcCounts(evaluated=3, rewritten=2, flags_changed=0)
    assert amounts() == {"00": None, "05": 0.25, "10": 0.75}
    # A newer delivery of the first has no counter, so that there is nothing to take the second's from.
    database.load(counted(0, None, generation_id=1))
    assert database.evaluate() == QcCounts(evaluated=3, rewritten=1, flags_changed=0)
    assert amounts() == {"00": None, "05": None, "10": 0.75}
    assert_up_to_date(database)


def test_a_late_row_also_changes_flags_of_neighbours(database: Database) -> None:
    """A has two neighbours and is not compared; a third makes its seven degrees suspect."""
    database.stations = five()
    times = hours(48)
    warm = curve(times)
    warm[30:34] += 7

    def rows(name: str, values: np.ndarray) -> list[dict[str, Any]]:
        return [row(60 * hour, float(value), name) for hour, value in enumerate(values)]

    for name, values in (("A", warm), ("B", curve(times)), ("C", curve(times))):
        database.load(*rows(name, values))
    database.evaluate()
    assert database.flags() == {}
    database.load(*rows("D", curve(times)))
    counts = database.evaluate()
    assert database.flags() == {
        f"{hour:02}:00:00Z": {"air_temperature": {"flag": 3, "checks": ["buddy_check"]}} for hour in (6, 7, 8, 9)
    }
    assert (counts.evaluated, counts.flags_changed) == (4 * 48, 4)
    assert_up_to_date(database)


# Again


def test_flags_are_the_same_however_many_rows_are_compared_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qc_evaluation, "_ROWS_AT_ONCE", 2)
    database.load(*(row(5 * place, value) for place, value in enumerate([10.0, 10.0, 10.0, 30.0, 10.0, 10.0, 10.0])))
    assert database.evaluate().evaluated == 7
    assert database.flags() == {"00:15:00Z": SPIKE}
    monkeypatch.undo()
    assert_up_to_date(database)


def test_evaluating_twice_changes_nothing(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 18.9))
    database.load(row(10, 12.2), row(15, 12.3))
    assert database.evaluate().rewritten == 1
    before = database.documents()
    assert database.evaluate() == QcCounts()
    database.pending_qc().enqueue([("A", DAY)])
    assert database.evaluate() == QcCounts(evaluated=4)
    assert database.documents() == before


def test_the_queue_is_empty_afterwards_and_entries_of_a_killed_run_are_processed(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9), run="killed before it judged")
    database.load(row(15, 12.2), run="killed as well")
    assert database.flags() == {"00:10:00Z": STEP}
    assert database.pending_qc().marks() == {("A", DAY): ["killed before it judged", "killed as well"]}
    assert database.evaluate() == QcCounts(evaluated=4, rewritten=1, flags_changed=1)
    assert database.flags() == {"00:10:00Z": SPIKE}
    assert database.pending_qc().marks() == {}


def test_a_stopped_run_leaves_its_queue_entries(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.load(row(15, 12.2))
    before = database.documents()

    def stop() -> None:
        raise InterruptedRunError("interrupted")

    with pytest.raises(InterruptedRunError):
        database.evaluate(check_stop=stop)
    assert (database.documents(), database.pending_qc().marks()) == (before, {("A", DAY): ["run"]})
    assert database.evaluate().rewritten == 1


def test_a_run_that_lost_its_lease_queues_the_days_whose_aggregates_it_wrote_again(database: Database) -> None:
    """A concurrent run may have written those of newer observations, and taken the marks away, while it stood still."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.load(row(24 * 60 - 5, 12.2), run="other")
    asked = iter([False, True])

    def lost() -> None:
        if next(asked):
            other = database.pending_qc()
            other.ack(other.marks())
            raise InterruptedRunError("the lease is gone")

    with pytest.raises(InterruptedRunError):
        database.evaluate(check_stop=lost)
    assert database.pending_qc().marks().keys() == {("A", DAY)}
    database.evaluate()
    assert_up_to_date(database)


# Rivals


def test_a_document_that_another_writer_changed_in_between_is_evaluated_again(database: Database) -> None:
    """The step was about to become a spike, when a newer delivery says that it was 12.15 °C."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.load(row(15, 12.2))
    other = beaten(database.collection, lambda: database.load(row(10, 12.15, generation_id=1), run="other"))
    counts = database.evaluate(other)
    assert database.flags() == {}
    assert (counts.rewritten, database.pending_qc().marks()) == (0, {})
    assert_up_to_date(database)


def test_what_is_written_in_a_second_attempt_counts_once(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.load(*(row(minute, 12.2) for minute in (15, 20, 25, 30)), row(35, 18.9))
    database.load(row(40, 12.3))
    assert database.flags() == {"00:10:00Z": STEP, "00:35:00Z": STEP}
    # Another note of the same values: another document, with the same QC result.
    note = '[{"parameter": "wind_speed", "raw": "x", "reason": "not a number"}]'
    again = row(10, 18.9, generation_id=1, parse_issues=note)
    other = beaten(database.collection, lambda: database.load(again, run="other"))
    counts = database.evaluate(other)
    assert database.flags() == {"00:10:00Z": SPIKE, "00:35:00Z": SPIKE}
    assert (counts.rewritten, counts.flags_changed) == (2, 2)
    assert_up_to_date(database)


def test_days_that_another_run_changes_meanwhile_are_evaluated_again(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))

    @dataclass
    class QcObserver:
        heard: list[dict[str, Any]] = field(default_factory=list)

        def observe(self, results: QcResults, changed: Mapping[str, Set[int]]) -> None:
            if not self.heard:
                database.load(row(15, 12.2), run="other")
            self.heard.append({"days": dict(changed), "rows": len(results.series.times)})

    observer = QcObserver()
    database.evaluate(observer=observer)
    assert observer.heard == [{"days": {"A": {DAY}}, "rows": rows} for rows in (3, 4)]
    assert (database.flags(), database.pending_qc().marks()) == ({"00:10:00Z": SPIKE}, {})


def test_days_that_another_writer_evaluated_before_they_were_written_are_evaluated(database: Database) -> None:
    """It saw this run's mark, evaluated what was there, and took the mark away."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.evaluate()
    mine = database.pending_qc("mine")
    mine.enqueue([("A", DAY)])
    database.evaluate()
    assert database.pending_qc().marks() == {}
    load(records([row(15, 12.2)], database.stations, database.folder), database.collection, mine)
    assert evaluate_pending(mine, database.collection, database.stations).flags_changed == 1
    assert (database.flags(), database.pending_qc().marks()) == ({"00:10:00Z": SPIKE}, {})


def test_concurrent_writers_that_never_stop_are_a_retryable_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qc_update, "_ROUNDS", 3)
    ranks = iter(range(1, 100))
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.load(row(15, 12.2))

    def load_a_newer_one() -> None:
        rank = next(ranks)
        database.load(row(10, 18.9 + rank / 10, generation_id=rank))

    other = beaten(database.collection, load_a_newer_one, times=99)
    words = "other writers keep changing the same documents; run again when they are done"
    with pytest.raises(RetryableError) as told:
        database.evaluate(other)
    assert told.value.message == words
    assert database.pending_qc().marks() == {("A", DAY): ["run"]}
    database.evaluate()
    assert database.flags() == {"00:10:00Z": SPIKE}


def test_a_queue_that_is_never_empty_is_a_retryable_error(database: Database) -> None:
    class Marking:
        def observe(self, *_: Any) -> None:
            database.pending_qc(f"other {datetime.now(UTC)}").enqueue([("A", DAY)])

    database.load(row(0, 12.0))
    with pytest.raises(RetryableError) as told:
        database.evaluate(observer=Marking())
    assert told.value.message == "other writers keep changing the same days; run again when they are done"


def test_a_foreign_unique_index_is_named(database: Database) -> None:
    """It lets the records in, and not what the checks make of them: two documents with one anomaly each."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 99.0), row(15, 12.2))
    name = "data_quality.anomalies_detected"
    database.collection.update_many({}, {"$set": {name: 0}})
    database.collection.create_index([(name, 1)], unique=True, name="mine", partialFilterExpression={name: 1})
    document = database.documents()["A@2024-10-01T00:00:00Z"]
    stranger = {**document, "_id": "A@2020-01-01T00:00:00Z", "timestamp": datetime(2020, 1, 1, tzinfo=UTC)}
    quality = {**document["data_quality"], "anomalies_detected": 1}
    database.collection.insert_one({**stranger, "data_quality": quality})
    outdated = {"$concat": [{"$substrBytes": ["$metadata.digest", 0, 16]}, "0" * 16]}
    database.collection.update_many({}, [{"$set": {"metadata.digest": outdated}}])
    with pytest.raises(SettingError) as told:
        database.evaluate()
    assert told.value.message == (
        "a unique index that is not the pipeline's, mine on data_quality.anomalies_detected, refuses a change of "
        "flags; drop the index, or set MONGODB_COLLECTION to another collection"
    )


@pytest.mark.parametrize("by_hand", ["A@2024-10-01T00:10:00Z", "by-hand"])
def test_a_document_that_the_validator_rejects_is_named(database: Database, by_hand: str) -> None:
    """Somebody has put it there past the validator, which looks at it once more with its QC result."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    document = database.documents()["A@2024-10-01T00:10:00Z"]
    del document["station"]["network"]
    database.collection.delete_one({"_id": document["_id"]})
    database.collection.insert_one({**document, "_id": by_hand}, bypass_document_validation=True)
    database.load(row(15, 12.2))
    with pytest.raises(SettingError) as told:
        database.evaluate()
    which = by_hand if by_hand.startswith("A@") else "of A at 2024-10-01T00:10:00Z"
    assert told.value.message == (
        f"the database's validator rejects the flags of document {which}, which was not written by this "
        "pipeline (src/config/mongodb_schema.json); fix or remove it"
    )
    assert database.pending_qc().marks() == {("A", DAY): ["run"]}


def test_documents_written_by_hand_get_flags_too(database: Database) -> None:
    """Under a name of their own, or a time within a second: no run that finds them waits for anything."""
    database.load(row(0, 12.0), row(5, 12.1), row(10, 18.9))
    database.evaluate()
    document = database.documents()["A@2024-10-01T00:10:00Z"]
    moments = {
        "by-hand@2024-10-01T00:07:00Z": START + timedelta(minutes=7),
        "A@2024-10-01T00:08:00Z": START + timedelta(minutes=8, milliseconds=500),
    }
    for name, moment in moments.items():
        metadata = {**document["metadata"], "digest": "0" * 2 * HASH_LENGTH}
        database.collection.insert_one({**document, "_id": name, "timestamp": moment, "metadata": metadata})
    database.load(row(15, 12.2))
    assert database.evaluate().evaluated == 6
    assert database.pending_qc().marks() == {}
    assert_up_to_date(database)
    assert {
        name: document["data_quality"]["flags"] for name, document in database.documents().items() if name in moments
    } == dict.fromkeys(moments, SPIKE)


# Neighbouring groups


def test_a_station_between_two_groups_is_evaluated_with_both_and_counted_once(database: Database) -> None:
    """A and E are 80 km apart, and the three between them are neighbours of both; C is off for four hours."""
    database.stations = network(*(station(name, 20 * number) for number, name in enumerate("ABCDE")))
    times = hours(48)
    cold = curve(times)
    cold[30:34] -= 7
    for name in "ABCDE":
        values = cold if name == "C" else curve(times)
        database.load(*(row(60 * hour, float(value), name) for hour, value in enumerate(values)))
    database.evaluate()
    assert_up_to_date(database)
    counts = evaluate_changes(Changes({"A": {DAY}, "E": {DAY}}), database.collection, database.stations)
    assert (counts.rewritten, counts.flags_changed) == (0, 0)
    older = {"data_quality.qc_version": 0, "data_quality.flags": {}, "data_quality.flag": 2}
    digest = {"$concat": [{"$substrBytes": ["$metadata.digest", 0, HASH_LENGTH]}, "0" * HASH_LENGTH]}
    database.collection.update_many({}, [{"$set": {name: {"$literal": value} for name, value in older.items()}}])
    database.collection.update_many({}, [{"$set": {"metadata.digest": digest}}])
    counts = evaluate_changes(Changes({"A": {DAY}, "E": {DAY}}), database.collection, database.stations)
    flagged = sum(len(document["data_quality"]["flags"]) for document in database.documents().values())
    assert (counts.rewritten, counts.flags_changed) == (5 * 48, flagged)
    assert flagged >= 4
    assert_up_to_date(database)


def test_of_a_city_each_document_is_read_twice_at_most_and_evaluated_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """600 stations in a square of 20 km, a day and a half: four groups, and the stations around each of them."""
    places = np.random.default_rng(1).uniform(0, 20, (600, 2)).tolist()
    database.stations = network(
        *(
            station(f"S{number:03}", north, longitude=3 + east / KM_A_DEGREE / 0.643)
            for number, (north, east) in enumerate(places)
        )
    )
    monkeypatch.setattr(station_groups, "_MAX_STATIONS", 160)
    read: list[int] = []

    def counted(batches: Any) -> Any:
        found = read_columns(batches)
        read.append(sum(len(columns.times) for columns in found.values()))
        return found

    monkeypatch.setattr(window_reader, "read_columns", counted)
    database.load(*(row(hour * 60, 12.0, one.id) for one in database.stations for hour in (0, 12, 24)))
    counts = database.evaluate()
    assert counts.evaluated == 3 * 600
    assert len(read) == 4
    assert 3 * 600 < sum(read) <= 2 * 3 * 600


def test_everything_that_a_window_depends_on_is_read_however_large_the_network(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty-two stations from one end to the other of 1 554 km."""
    north = [(number, 40 + 74 * number / KM_A_DEGREE) for number in range(22)]
    database.stations = network(*(station(f"S{number:02}", latitude=latitude) for number, latitude in north))
    monkeypatch.setattr(station_groups, "_MAX_STATIONS", 12)
    monkeypatch.setattr(station_groups, "_MIN_STATIONS", 5)
    names = [member.id for member in database.stations]
    database.load(*(row(0, 12.0, name) for name in names))
    found = [
        (sorted(of.id for one in results for of in one.results.series.stations), read)
        for window, columns in prefetch(
            Changes({name: {DAY} for name in names}), database.collection, database.stations
        )
        for read, results in [(sorted(columns), evaluate(window, columns, neighbours_of(database.stations)))]
    ]
    assert sorted(found) == [(names[:11], names[:12]), (names[11:], names[10:])]


# Everything else that is there


def test_documents_of_stations_that_the_registry_has_lost_stay_as_they_are(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 18.9, "E"), row(10, 12.0, "E"))
    before = database.documents()
    database.stations = network(station("A", interval_minutes=5))
    assert database.evaluate() == QcCounts(evaluated=1)
    assert (database.documents(), database.pending_qc().marks()) == (before, {})


def test_documents_evaluated_by_older_checks_are_updated(database: Database) -> None:
    database.load(row(0, 12.0), row(5, 18.9), row(10, 12.2), row(15, 12.3))
    database.evaluate()
    before = database.documents()
    older = {
        "data_quality.flag": 2,
        "data_quality.flags": {},
        "data_quality.anomalies_detected": 0,
        "data_quality.qc_version": qc_version() - 1,
        "measurements.precipitation_amount": 3.0,
    }
    digest = {"$concat": [{"$substrBytes": ["$metadata.digest", 0, HASH_LENGTH]}, "f" * HASH_LENGTH]}
    database.collection.update_many({}, [{"$set": {name: {"$literal": value} for name, value in older.items()}}])
    database.collection.update_many({}, [{"$set": {"metadata.digest": digest}}])
    names = list(outdated_flags({"A": {DAY}}, database.collection, database.stations))
    assert sorted(names) == sorted(before)
    assert database.documents() != before
    assert evaluate_changes(Changes({"A": {DAY}}), database.collection, database.stations) == QcCounts(4, 4, 1)
    assert database.documents() == before


def test_days_held_are_utc_days_of_each_station_among_the_documents_asked_for(database: Database) -> None:
    database.load(
        row(0, 1.0), row(23 * 60 + 59, 1.0), row(24 * 60, 1.0), row(-1, 1.0, "B"), row(-60 * 24 * 30_000, 1.0, "B")
    )
    assert days_held(database.collection, {}) == {"A": {DAY, DAY + 1}, "B": {DAY - 1, DAY - 30_000}}
    assert days_held(database.collection, {"timestamp": {"$gte": START + timedelta(days=1)}}) == {"A": {DAY + 1}}
    assert days_held(database.collection, {"station.id": "X"}) == {}


def test_an_empty_queue_means_that_nothing_is_evaluated(database: Database) -> None:
    assert database.evaluate() == QcCounts()
    database.pending_qc().enqueue([("A", DAY), ("X", DAY)])
    assert database.evaluate() == QcCounts()
    assert database.pending_qc().marks() == {}


# The day before


def _humidity(hour: int) -> dict[str, Any]:
    """Humidity that does not change from 22:00 on; twelve hours of that are suspect."""
    return row(60 * hour, None, relative_humidity=60.0 if hour >= 22 else 40.0 + hour)


def _still(database: Database) -> list[str]:
    return sorted(name for name, given in database.flags().items() if given["relative_humidity"]["flag"] == 3)


def test_a_morning_hour_reaches_the_day_before_only_where_flags_of_its_own_station_change(database: Database) -> None:
    database.stations = network(station("A"))
    database.load(*(_humidity(hour) for hour in range(34)))
    database.evaluate()
    assert database.flags() == {}
    database.load(_humidity(34))
    seen: list[set[int]] = []

    class Watching:
        def observe(self, _: QcResults, changed: Mapping[str, Set[int]]) -> None:
            seen.append({*changed.get("A", ())})

    counts = database.evaluate(observer=Watching())
    # The day by itself, and then both: of the day before, no observation is new.
    assert (counts.evaluated, seen) == (11 + 35, [{DAY + 1}, set()])
    assert _still(database) == sorted(f"{hour % 24:02}:00:00Z" for hour in range(22, 35))
    assert_up_to_date(database)
    database.load(_humidity(35))
    assert database.evaluate().evaluated == 12
    assert_up_to_date(database)


def test_a_run_that_is_stopped_between_a_day_and_the_day_before_leaves_the_rest(database: Database) -> None:
    database.stations = network(station("A"))
    database.load(*(_humidity(hour) for hour in range(34)))
    database.evaluate()
    database.load(_humidity(34))

    def stop() -> None:
        if database.pending_qc().marks().keys() == {("A", DAY)}:
            raise InterruptedRunError("interrupted")

    with pytest.raises(InterruptedRunError):
        database.evaluate(check_stop=stop)
    assert "22:00:00Z" not in _still(database)
    database.evaluate()
    assert "22:00:00Z" in _still(database)
    assert_up_to_date(database)


# The same answer whatever the batches


def _weather(chance: np.random.Generator) -> list[dict[str, Any]]:
    """Five stations over three days, every half hour, with jumps, gaps and stuck sensors."""
    times = hours(144, step_minutes=30)
    rows = []
    for name in "ABCDE":
        air = curve(times) + chance.normal(0, 1, len(times)) + 6 * (name == "C")
        air[chance.integers(0, 144, 8)] += chance.normal(0, 15, 8)
        at = int(chance.integers(0, 100))
        air[at : at + 30] = air[at]
        counter = np.cumsum(chance.choice([0.0, 0.25, 60.0], 144, p=[0.85, 0.12, 0.03])) % 90
        rows += [
            row(30 * n, float(air[n]), name, precipitation_counter=float(counter[n]))
            for n in range(144)
            if chance.random() < 0.9
        ]
    return rows


@settings(max_examples=examples(0.04), suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(2, 9), in_order=st.booleans())
def test_the_same_rows_in_any_batches_and_order_end_with_the_same_qc_results(
    client: MongoClient[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    parts: int,
    in_order: bool,
) -> None:
    """At random, or hour by hour as observations come."""
    chance = np.random.default_rng(seed)
    rows = _weather(chance)
    if in_order:
        rows.sort(key=lambda one: one["timestamp"])
    found = []
    for cut in (False, True):
        name = f"test_invariance_{seed}_{cut}_{threading.get_ident()}"
        try:
            database = Database(_new(client, name), tmp_path_factory.getbasetemp(), five(interval_minutes=30))
            order = chance.permutation(len(rows)) if cut and not in_order else np.arange(len(rows))
            for number, part in enumerate(np.array_split(order, parts if cut else 1)):
                database.load(*(rows[place] for place in part), run=str(number))
                # Some runs are killed before they evaluate.
                if not cut or chance.random() < 0.6:
                    database.evaluate(run=str(number))
            database.evaluate()
            assert_up_to_date(database)
            found.append(database.digests())
            assert {document["data_quality"]["flag"] for document in database.documents().values()} >= {1, 3, 4}
        finally:
            client.drop_database(name)
    assert found[0] == found[1]
    assert len(found[0]) == len(rows)


def test_days_divided_into_many_windows_get_the_same_flags(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.stations = five(interval_minutes=30)
    database.load(*_weather(np.random.default_rng(5)))
    database.evaluate()
    before = database.documents()
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", 10 * CELLS)
    monkeypatch.setattr(qc_write, "_BATCH", 7)
    digest = {"$concat": [{"$substrBytes": ["$metadata.digest", 0, HASH_LENGTH]}, "f" * HASH_LENGTH]}
    database.collection.update_many({}, [{"$set": {"metadata.digest": digest}}])
    held = days_held(database.collection, {})
    counts = evaluate_changes(Changes(held), database.collection, database.stations)
    assert counts == QcCounts(evaluated=len(before), rewritten=len(before), flags_changed=0)
    assert database.documents() == before
