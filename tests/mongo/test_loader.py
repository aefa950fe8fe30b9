"""Records into a real MongoDB: whatever the order, the newest record of an observation is what stays."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient, monitoring
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

import forecast.mongo.loader as loading
from forecast.core.errors import RetryableError, SettingError
from forecast.core.removals import Removed
from forecast.core.schemas import RECORD_SCHEMA, to_frame
from forecast.mongo import versions
from forecast.mongo.client import ObservationCollection
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.dry_run import DryRunOverlay, plan_load
from forecast.mongo.loader import INDEXES, SCHEMA_FILE, load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.versions import LoadCounts
from tests.concurrent_runs import beaten
from tests.examples import on_a_database
from tests.waiting import WAIT_SECONDS

NOON = datetime(2024, 10, 5, 12, tzinfo=UTC)
REFUSING = {"$jsonSchema": {"properties": {"measurements": {"properties": {"air_temperature": {"maximum": 50}}}}}}


Version = tuple[bool, datetime, int, int, datetime, str]


@dataclass(frozen=True)
class Delivery:
    """One record as the tests tell them apart: its rank, then what it says of one observation (None: no value)."""

    generation: int
    sync: int
    second: int
    value: int | None
    minute: int = 0
    modified: int = 0

    @property
    def name(self) -> str:
        return f"07915@2024-10-05T12:{self.minute:02d}:00Z"

    @property
    def digest(self) -> str:
        return hashlib.blake2b(str(self.value).encode(), digest_size=16).hexdigest()

    @property
    def version(self) -> Version:
        """What decides, in the order in which it decides."""
        extracted, modified = (NOON + timedelta(seconds=seconds) for seconds in (self.second, self.modified))
        return self.value is not None, extracted, self.generation, self.sync, modified, self.digest

    @property
    def record(self) -> dict[str, Any]:
        return {
            "_id": self.name,
            "station_id": "07915",
            "timestamp": NOON + timedelta(minutes=self.minute),
            "air_temperature": None if self.value is None else float(self.value),
            "source_row": f"line {self.value}",
            "extracted_at": NOON + timedelta(seconds=self.second),
            "generation_id": self.generation,
            "sync_id": self.sync,
            "completeness_score": 0.5,
            "flag": 1,
            "anomalies_detected": 0,
            "qc_version": 1,
            "digest": self.digest,
            "station_name": "Lille-Lesquin",
            "station_network": "InfoClimat",
            "station_network_id": "07915",
            "station_type": "synop",
            "latitude": 50.575,
            "longitude": 3.092,
            "elevation": 47.0,
            "station_city": "Lille-Lesquin",
            "station_country": "FR",
            "station_region": "Hauts-de-France",
            "station_licence": json.dumps({"name": "a", "url": "https://example.org/a", "source": "b"}),
            "source_uri": "raw/object.jsonl",
            "source_modified_at": NOON + timedelta(seconds=self.modified),
            "run_id": "20241005T120000Z-000000",
            "ingested_at": NOON,
            "pipeline_version": "2.0.0",
        }


def _frame(deliveries: Sequence[Delivery]) -> pd.DataFrame:
    rows = [{**dict.fromkeys(RECORD_SCHEMA.names), **delivery.record} for delivery in deliveries]
    return to_frame(pa.Table.from_pylist(rows, schema=RECORD_SCHEMA))


def _load_frame(frame: pd.DataFrame, collection: ObservationCollection) -> LoadCounts:
    return load(frame, collection, PendingQc.for_collection(collection, "run"))


def _load(collection: ObservationCollection, *deliveries: Delivery) -> LoadCounts:
    return _load_frame(_frame(deliveries), collection)


def _versions(collection: ObservationCollection) -> dict[str, Version]:
    return {
        document["_id"]: (
            bool(document["measurements"]),
            document["metadata"]["extracted_at"],
            document["metadata"]["generation_id"],
            document["metadata"]["sync_id"],
            document["metadata"]["source_modified_at"],
            document["metadata"]["digest"],
        )
        for document in collection.find()
    }


def _newest(deliveries: Sequence[Delivery]) -> dict[str, Version]:
    names = {delivery.name for delivery in deliveries}
    return {name: max(one.version for one in deliveries if one.name == name) for name in names}


@pytest.fixture(scope="module")
def database(replica_set: str) -> Iterator[Any]:
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set, tz_aware=True) as client:
        name = f"test_{secrets.token_hex(6)}"
        yield client[name]
        client.drop_database(name)


@pytest.fixture(scope="module")
def shared_collection(database: Any) -> ObservationCollection:
    collection = database.get_collection(
        "shared", write_concern=WriteConcern("majority"), read_concern=ReadConcern("majority")
    )
    prepare_collection(collection)
    return cast("ObservationCollection", collection)


@pytest.fixture
def collection(shared_collection: ObservationCollection) -> ObservationCollection:
    shared_collection.delete_many({})
    return shared_collection


deliveries = st.builds(
    Delivery,
    generation=st.integers(0, 2),
    sync=st.integers(0, 1),
    second=st.integers(0, 1),
    value=st.none() | st.integers(0, 2),
    minute=st.integers(0, 2),
    modified=st.integers(0, 1),
)


@on_a_database(0.3)
@given(batches=st.lists(st.lists(deliveries, min_size=1, max_size=6), min_size=1, max_size=4), chance=st.randoms())
def test_the_newest_record_is_kept_in_whatever_order_and_batches(
    shared_collection: ObservationCollection, batches: list[list[Delivery]], chance: random.Random
) -> None:
    everything = [delivery for batch in batches for delivery in batch]
    for _ in range(2):
        shared_collection.delete_many({})
        for batch in batches:
            counts = _load(shared_collection, *batch)
            assert counts.records == len(batch)
        assert _versions(shared_collection) == _newest(everything)
        chance.shuffle(batches)
        for batch in batches:
            chance.shuffle(batch)


def test_counts_say_what_happened_to_each_record(collection: ObservationCollection) -> None:
    first, newer, older = Delivery(1, 0, 0, 10), Delivery(2, 0, 0, 20), Delivery(0, 0, 0, 30)
    again = Delivery(2, 0, 0, 20)
    assert _load(collection, first) == LoadCounts(inserted=1)
    assert _load(collection, newer) == LoadCounts(updated=1)
    assert _load(collection, older) == LoadCounts(superseded=1)
    assert _load(collection, again) == LoadCounts(unchanged=1)
    assert _load(collection, older, again, newer, Delivery(0, 0, 0, 1, minute=1)) == LoadCounts(
        inserted=1, unchanged=2, superseded=1
    )


def test_dry_run_counts_the_same_and_writes_nothing(collection: ObservationCollection) -> None:
    _load(collection, Delivery(1, 0, 0, 10), Delivery(1, 0, 0, 10, minute=1), Delivery(1, 0, 0, 10, minute=2))
    before = list(collection.find())
    more = [
        *(Delivery(2, 0, 0, 20), Delivery(1, 0, 0, 10, minute=1)),
        *(Delivery(0, 0, 0, 30, minute=2), Delivery(0, 0, 0, 30, minute=3)),
    ]
    expected = LoadCounts(inserted=1, updated=1, unchanged=1, superseded=1)
    assert plan_load(_frame(more), StoredVersions(collection)) == expected
    assert list(collection.find()) == before
    assert _load_frame(_frame(more), collection) == expected


def test_a_dry_run_of_several_records_counts_what_loading_them_one_by_one_does(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    """Later objects of a run meet what earlier ones would have written."""
    _load(collection, *(Delivery(1, 0, 0, 10, minute=minute) for minute in range(5)))
    before = list(collection.find())
    chance = random.Random(7)
    batches = [
        [
            Delivery(chance.randrange(3), chance.randrange(2), 0, chance.randrange(3), minute=minute)
            for minute in chance.sample(range(12), 8)
        ]
        for _ in range(30)
    ]
    with closing(DryRunOverlay(collection, tmp_path / "overlay")) as overlay:
        foreseen = [plan_load(_frame(batch), overlay) for batch in batches]
    assert list(collection.find()) == before
    assert foreseen == [_load_frame(_frame(batch), collection) for batch in batches]


def test_a_value_that_is_delivered_again_is_newer_than_what_came_between(collection: ObservationCollection) -> None:
    old, newest, between = Delivery(1, 0, 0, 10), Delivery(3, 0, 0, 10), Delivery(2, 0, 0, 20)
    for delivery in (old, newest, between):
        _load(collection, delivery)
    assert _versions(collection) == {old.name: newest.version}


def test_equal_rank_is_decided_by_content_and_not_by_order(collection: ObservationCollection) -> None:
    one, other = Delivery(1, 1, 1, 10), Delivery(1, 1, 1, 20)
    for order in ((one, other), (other, one)):
        collection.delete_many({})
        for delivery in order:
            _load(collection, delivery)
        assert _versions(collection) == {one.name: max(one.version, other.version)}


@pytest.mark.parametrize("number", range(5))
def test_values_then_extraction_then_counters_then_the_objects_own_time_decide(
    collection: ObservationCollection, number: int
) -> None:
    """Each decides where those before it are level, whatever those after it say."""
    names = ("value", "second", "generation", "sync", "modified")
    low: dict[str, Any] = {**dict.fromkeys(names, 1), "value": 10}
    lower, higher = dict(low), dict(low)
    for name in names[number + 1 :]:
        lower[name] = 9
    lower[names[number]], higher[names[number]] = (None, 10) if number == 0 else (1, 2)
    pair = [Delivery(**lower), Delivery(**higher)]
    # The digest would decide otherwise.
    value = next(value for value in range(100) if Delivery(0, 0, 0, value).digest < pair[0].digest)
    pair[1] = replace(pair[1], value=value)
    for order in (pair, pair[::-1]):
        collection.delete_many({})
        for delivery in order:
            _load(collection, delivery)
        assert _versions(collection) == {pair[1].name: pair[1].version}
    assert _load(collection, *pair) == LoadCounts(unchanged=1, superseded=1)


def test_record_without_any_value_replaces_none_with_values(collection: ObservationCollection) -> None:
    """Not as a later delivery, and not as what newer rules make of the same row."""
    stored, empty = Delivery(1, 1, 1, 10), Delivery(2, 2, 2, None)
    _load(collection, stored)
    assert _load(collection, empty) == LoadCounts(superseded=1)
    assert _load(collection, replace(empty, minute=1)) == LoadCounts(inserted=1)
    same_row = _frame([Delivery(1, 1, 1, None)]).assign(source_row="line 10")
    assert _load_frame(same_row, collection) == LoadCounts(superseded=1)
    assert _load(collection, Delivery(0, 0, 0, 10, minute=1)) == LoadCounts(updated=1)
    assert _versions(collection) == _newest([stored, Delivery(0, 0, 0, 10, minute=1)])


def _with(delivery: Delivery, **values: Any) -> pd.DataFrame:
    """A delivery with other values than the temperature of its `value`, from which its digest still comes."""
    table = pa.Table.from_pylist([{**dict.fromkeys(RECORD_SCHEMA.names), **delivery.record, **values}], RECORD_SCHEMA)
    return to_frame(table)


@pytest.mark.parametrize("sort", ["delivered later", "made of the same row"])
def test_values_that_a_replacement_removes_are_counted(
    collection: ObservationCollection, tmp_path: Path, sort: str
) -> None:
    """By station, parameter and object; a dry run tells the same."""
    _load_frame(_with(Delivery(1, 0, 0, 1), wind_speed=3.0, air_pressure_at_mean_sea_level=1000.0), collection)
    delivery = Delivery(2 if sort == "delivered later" else 1, 0, 0, 2)
    later = _with(delivery, source_row="line 1", air_temperature=None, wind_speed=4.0, relative_humidity=50.0)
    expected = LoadCounts(updated=1, values_removed=2)
    removed = {
        Removed("07915", name, "raw/object.jsonl"): 1 for name in ("air_temperature", "air_pressure_at_mean_sea_level")
    }
    dry, wet = Conflicts(), Conflicts()
    with closing(DryRunOverlay(collection, tmp_path / "overlay")) as overlay:
        assert plan_load(later, overlay, dry) == expected
        # A later object of the run meets what this one would have left.
        again = _with(Delivery(3, 0, 0, 3), air_temperature=None, wind_speed=4.0)
        assert plan_load(again, overlay, dry) == LoadCounts(updated=1, values_removed=1)
    assert dry.removed == {**removed, Removed("07915", "relative_humidity", "raw/object.jsonl"): 1}
    assert load(later, collection, PendingQc.for_collection(collection, "run"), wet) == expected
    assert wet.removed == removed
    assert _load_frame(later, collection) == LoadCounts(unchanged=1)


def test_a_record_that_loses_within_a_batch_removes_nothing(collection: ObservationCollection) -> None:
    both = pd.concat([_with(Delivery(1, 0, 0, 1), wind_speed=3.0), _with(Delivery(2, 0, 0, 2))], ignore_index=True)
    assert _load_frame(both, collection) == LoadCounts(inserted=1, superseded=1)


def test_removed_values_are_counted_once_although_another_writer_comes_between(
    collection: ObservationCollection,
) -> None:
    _load_frame(_with(Delivery(1, 0, 0, 1), wind_speed=3.0), collection)
    both = [Delivery(3, 0, 0, 3), Delivery(3, 0, 0, 3, minute=1)]
    _load(collection, Delivery(1, 0, 0, 1, minute=1))
    conflicts = Conflicts()
    other = _beaten(collection, Delivery(2, 0, 0, 2, minute=1))
    counts = load(_frame(both), other, PendingQc.for_collection(collection, "run"), conflicts)
    assert counts == LoadCounts(updated=2, values_removed=1)
    assert conflicts.removed == {Removed("07915", "wind_speed", "raw/object.jsonl"): 1}


def test_record_that_is_equal_is_not_written_again(collection: ObservationCollection) -> None:
    _load(collection, Delivery(1, 0, 0, 10))
    collection.update_one({}, {"$set": {"metadata.run_id": "the first run"}})
    _load(collection, Delivery(5, 0, 0, 10))
    (document,) = collection.find()
    assert document["metadata"]["run_id"] == "the first run"
    assert document["metadata"]["generation_id"] == 5


def test_more_records_than_one_batch_are_all_loaded(
    collection: ObservationCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "BATCH_ROWS", 7)
    many = [Delivery(1, 0, 0, minute % 5, minute=minute) for minute in range(60)]
    assert _load(collection, *many) == LoadCounts(inserted=60)
    assert _load(collection, *many) == LoadCounts(unchanged=60)
    assert _versions(collection) == _newest(many)


class _Commands(monitoring.CommandListener):
    """The names of the commands that read or write the collection."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get(event.command_name) == "listened_to":
            self.names.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def test_if_no_document_of_a_period_is_stored_none_is_looked_up(replica_set: str, database: Any) -> None:
    commands = _Commands()
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True, event_listeners=[commands]) as client:
        collection = client[database.name]["listened_to"]
        prepare_collection(collection)
        commands.names.clear()
        _load(collection, Delivery(1, 0, 0, 10), Delivery(1, 0, 0, 10, minute=2))
        assert commands.names == ["find", "insert"]
        commands.names.clear()
        # Between the two that are there.
        assert _load(collection, Delivery(1, 0, 0, 10, minute=1)) == LoadCounts(inserted=1)
        assert commands.names == ["find", "insert"]
        commands.names.clear()
        assert _load(collection, Delivery(1, 0, 0, 10), Delivery(1, 0, 0, 10, minute=3)).inserted == 1
        assert commands.names == ["find", "aggregate", "insert"]


def test_document_that_has_an_observations_name_but_is_of_another_time_is_named(
    collection: ObservationCollection,
) -> None:
    one = Delivery(1, 0, 0, 10)
    collection.insert_one({"_id": one.name, "written by": "hand"}, bypass_document_validation=True)
    with pytest.raises(SettingError, match=f"document {one.name} of .* has the name of an observation"):
        _load(collection, one)


@pytest.mark.parametrize("seed", range(6))
def test_two_writers_without_a_lock_end_with_the_newest(
    collection: ObservationCollection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(versions, "BATCH_ROWS", 20)
    chance = random.Random(seed)
    both = [
        [Delivery(chance.randrange(4), 0, 0, chance.randrange(3), minute=chance.randrange(40)) for _ in range(120)]
        for _ in range(2)
    ]
    together = threading.Barrier(2)

    def write(mine: list[Delivery]) -> LoadCounts:
        together.wait()
        total = LoadCounts()
        for at in range(0, len(mine), 30):
            total += _load(collection, *mine[at : at + 30])
        return total

    with ThreadPoolExecutor(2) as writers:
        counts = list(writers.map(write, both))
    assert [count.records for count in counts] == [120, 120]
    assert sum(count.inserted for count in counts) == collection.count_documents({})
    assert _versions(collection) == _newest(both[0] + both[1])


def _beaten(collection: ObservationCollection, *others: Delivery, times: int = 1) -> ObservationCollection:
    return beaten(collection, lambda: _load(collection, *others), times)


@pytest.mark.parametrize("other", [Delivery(0, 0, 0, 30), Delivery(1, 0, 0, 10), Delivery(2, 0, 0, 20)])
def test_concurrent_run_inserts_first(collection: ObservationCollection, other: Delivery) -> None:
    ours = [Delivery(1, 0, 0, 10), Delivery(1, 0, 0, 10, minute=1)]
    counts = _load_frame(_frame(ours), _beaten(collection, other))
    assert counts.records == 2
    assert counts.inserted == 1
    assert _versions(collection) == _newest([*ours, other])


@pytest.mark.parametrize("other", [Delivery(1, 0, 0, 30), Delivery(2, 0, 0, 20), Delivery(3, 0, 0, 40)])
def test_concurrent_run_replaces_first(collection: ObservationCollection, other: Delivery) -> None:
    before = [Delivery(0, 0, 0, 1, minute=minute) for minute in range(3)]
    ours = [Delivery(2, 0, 0, 20, minute=minute) for minute in range(3)]
    _load(collection, *before)
    counts = _load_frame(_frame(ours), _beaten(collection, other))
    assert counts.records == 3
    assert _versions(collection) == _newest([*before, *ours, other])


def test_a_concurrent_run_replaces_a_document_whose_lineage_we_only_update(collection: ObservationCollection) -> None:
    """Equal content of a higher rank, and a concurrent run writes content of a rank between: ours must come back."""
    before, ours, other = Delivery(1, 0, 0, 10), Delivery(3, 0, 0, 10), Delivery(2, 0, 0, 20)
    _load(collection, before)
    counts = _load_frame(_frame([ours]), _beaten(collection, other))
    assert counts.records == 1
    assert _versions(collection) == {ours.name: ours.version}


def test_a_concurrent_run_that_never_stops_is_a_retryable_error(
    collection: ObservationCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _load(collection, Delivery(0, 0, 0, 1))
    generations = iter(range(1, 1000))
    endless = beaten(collection, lambda: _load(collection, Delivery(next(generations), 0, 0, 7)), times=1000)
    monkeypatch.setattr(loading, "_ROUNDS", 3)
    with pytest.raises(RetryableError, match="run again"):
        _load_frame(_frame([Delivery(2000, 0, 0, 10)]), endless)


def test_validator_and_indexes_are_those_of_the_project(collection: ObservationCollection) -> None:
    for _ in range(2):
        prepare_collection(collection)
        (found,) = collection.database.list_collections(filter={"name": collection.name})
        assert found["options"]["validator"] == json.loads(SCHEMA_FILE.read_text("utf-8"))
        expected = {index.document["name"]: list(index.document["key"].items()) for index in INDEXES}
        indexes = {name: entry["key"] for name, entry in collection.index_information().items() if name != "_id_"}
        assert indexes == expected
    assert expected == {
        "station_time": [("station.id", 1), ("timestamp", 1)],
        "time": [("timestamp", 1)],
        "place_time": [("station.location", "2dsphere"), ("timestamp", 1)],
    }


def test_older_validator_is_brought_up_to_date(database: Any) -> None:
    database.create_collection("older", validator=REFUSING)
    prepare_collection(database["older"])
    (found,) = database.list_collections(filter={"name": "older"})
    assert found["options"]["validator"] == json.loads(SCHEMA_FILE.read_text("utf-8"))


def test_collection_that_many_prepare_at_once(replica_set: str, database: Any) -> None:
    """Whoever looks before a concurrent run makes it, and makes it after the concurrent run, finds it there."""
    together = threading.Barrier(8)

    def prepare(_: int) -> None:
        with MongoClient[dict[str, Any]](replica_set) as client:
            client.admin.command("ping")
            together.wait(WAIT_SECONDS)
            prepare_collection(client[database.name]["at_once"])

    with ThreadPoolExecutor(together.parties) as preparers:
        list(preparers.map(prepare, range(together.parties)))
    (found,) = database.list_collections(filter={"name": "at_once"})
    assert found["options"]["validator"] == json.loads(SCHEMA_FILE.read_text("utf-8"))
    assert set(database["at_once"].index_information()) == {"_id_", "station_time", "time", "place_time"}


@pytest.mark.parametrize("city", ["Aire", "Zuydcoote"])
def test_newer_rules_replace_what_the_same_raw_row_gave_before(collection: ObservationCollection, city: str) -> None:
    """Ranks are equal then, and which digest is the higher is chance."""
    _load(collection, Delivery(1, 1, 1, 10))
    renamed = _frame([Delivery(1, 1, 1, 10)]).assign(station_city=city)
    renamed["digest"] = pd.Series(
        [hashlib.blake2b(city.encode(), digest_size=16).hexdigest()], dtype=renamed["digest"].dtype
    )
    assert _load_frame(renamed, collection) == LoadCounts(updated=1)
    assert [document["station"]["city"] for document in collection.find()] == [city]
    assert _load_frame(renamed, collection) == LoadCounts(unchanged=1)


@pytest.fixture
def refusing(database: Any) -> Iterator[ObservationCollection]:
    """A collection whose validator takes no temperature above 50."""
    collection = database["refusing"]
    database.create_collection("refusing")
    yield collection
    collection.drop()


def test_a_document_that_the_validator_rejects_is_named(refusing: ObservationCollection) -> None:
    refusing.database.command("collMod", refusing.name, validator=REFUSING)
    hot = Delivery(1, 0, 0, 60, minute=1)
    with pytest.raises(SettingError, match=hot.name):
        _load(refusing, Delivery(1, 0, 0, 10), hot)


@pytest.mark.parametrize("later", [Delivery(2, 0, 0, 61), Delivery(2, 0, 0, 60)], ids=["replaced", "marked"])
def test_a_replacement_that_the_validator_rejects_is_named(refusing: ObservationCollection, later: Delivery) -> None:
    _load(refusing, Delivery(1, 0, 0, 60))
    refusing.database.command("collMod", refusing.name, validator=REFUSING, validationLevel="strict")
    with pytest.raises(SettingError, match=later.name):
        _load(refusing, later)


def test_every_document_is_as_the_schema_says_after_all_ways_of_writing(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    _load(collection, Delivery(0, 0, 0, 1))
    _load(collection, Delivery(1, 0, 0, 2))
    _load(collection, Delivery(2, 3, 4, 2))
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    assert collection.count_documents({"$nor": [schema]}) == 0
    assert collection.count_documents({}) == 1
