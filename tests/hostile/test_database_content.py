"""What a database may hold that this program did not put there, and deliveries of more than one producer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.timestamp import Timestamp
from pymongo import ASCENDING, MongoClient

from forecast.core.errors import ForecastError, SettingError
from forecast.core.registry import load_stations
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.dataset_state import DatasetState, Known
from forecast.mongo.days import DailyAggregates
from forecast.mongo.dry_run import DryRunOverlay, plan_load
from forecast.mongo.listing_state import ListingState
from forecast.mongo.loader import INDEXES, load
from forecast.mongo.presence import presence_of
from forecast.mongo.qc_evaluation import days_held, outdated_flags
from forecast.mongo.qc_queue import PendingQc, pending_dataset
from forecast.mongo.strangers import strangers_named
from forecast.mongo.versions import LoadCounts
from forecast.run.migrate import migrate
from forecast.run.quality_window import quality_of_window
from forecast.storage import LocalStore
from tests.hostile.objects import lines
from tests.integration.worlds import COLLECTION, World, WorldMaker
from tests.networks import START, five, observation, records
from tests.transform.samples import NOW

STATIONS = five()
NAME = "A@2024-10-01T00:00:00Z"


def loaded(collection: ObservationCollection, folder: Path, **values: float) -> LoadCounts:
    frame = records([observation("A", START, **values)], STATIONS, folder)
    return load(frame, collection, PendingQc.for_collection(collection, "run"))


def fault(collection: ObservationCollection, folder: Path) -> str:
    with pytest.raises(ForecastError) as told:
        loaded(collection, folder, air_temperature=13.0)
    assert told.value.exit_code == 2
    return told.value.message


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (("station.id", "timestamp"), "natural_key on station.id, timestamp"),
        (("station.network",), "natural_key on station.network"),
    ],
)
def test_case_106_a_foreign_unique_index_is_named(
    collection: ObservationCollection, tmp_path: Path, fields: tuple[str, ...], named: str
) -> None:
    """Nobody else writes, so nothing is said of other writers; and waiting would not help."""
    loaded(collection, tmp_path, air_temperature=12.0)
    collection.database.command("collMod", collection.name, validationLevel="off")
    found = collection.find_one_and_delete({})
    assert found is not None
    collection.insert_one({**found, "_id": "as an older program named it"})
    for index in INDEXES:
        collection.drop_index(str(index.document["name"]))
    collection.create_index([(name, ASCENDING) for name in fields], unique=True, name="natural_key")
    assert fault(collection, tmp_path) == (
        f"a unique index that is not the pipeline's, {named}, refuses document {NAME}; drop the index, or set "
        "MONGODB_COLLECTION to another collection"
    )
    assert collection.count_documents({}) == 1


STRANGERS: dict[str, dict[str, Any]] = {
    "no metadata": {"$unset": {"metadata": ""}},
    "metadata of text": {"$set": {"metadata": "imported"}},
    "metadata of another program": {"$set": {"metadata": {"source": "import", "version": 2}}},
    "no digest": {"$unset": {"metadata.digest": ""}},
    "a digest that is a number": {"$set": {"metadata.digest": 7}},
    "no time of extraction": {"$unset": {"metadata.extracted_at": ""}},
    "a time of extraction that is text": {"$set": {"metadata.extracted_at": "2024-10-01"}},
    "a time of extraction that is a number": {"$set": {"metadata.extracted_at": Int64(1)}},
    "no time of the object": {"$unset": {"metadata.source_modified_at": ""}},
    "a generation that is text": {"$set": {"metadata.generation_id": "first"}},
    "a sync that is an object": {"$set": {"metadata.sync_id": {"number": 1}}},
    "measurements that are a list": {"$set": {"measurements": []}},
}


@pytest.mark.parametrize("change", STRANGERS)
@pytest.mark.parametrize("way", ["load", "dry run"])
def test_case_106_a_document_that_this_program_did_not_write_is_named(
    collection: ObservationCollection, tmp_path: Path, change: str, way: str
) -> None:
    loaded(collection, tmp_path, air_temperature=12.0)
    collection.database.command("collMod", collection.name, validationLevel="off")
    collection.update_one({"_id": NAME}, STRANGERS[change])
    before = collection.find_one({})
    words = f"document {NAME} of {collection.full_name} has the name of an observation, but this version of the "
    if way == "load":
        assert fault(collection, tmp_path).startswith(words)
    elif change != "a time of extraction that is a number":  # which could be compared, and cannot be matched
        frame = records([observation("A", START, air_temperature=13.0)], STATIONS, tmp_path)
        with pytest.raises(SettingError) as told:
            plan_load(frame, DryRunOverlay(collection, tmp_path / "overlay"), Conflicts())
        assert told.value.message.startswith(words)
    assert collection.find_one({}) == before


@pytest.mark.parametrize("missing", ["place_time", "station_time", "time"])
def test_case_106_an_index_that_a_copied_database_lacks_is_named(
    collection: ObservationCollection, tmp_path: Path, missing: str
) -> None:
    loaded(collection, tmp_path, air_temperature=12.0)
    collection.drop_index(missing)
    words = (
        f"{collection.full_name} lacks an index of this pipeline: {missing}. Was it copied or restored without them? "
        "`pipeline` and `forecast migrate` create them"
    )
    with pytest.raises(SettingError) as told:
        quality_of_window(collection, STATIONS, START.date(), START.date(), NOW)
    assert told.value.message == words
    path = tmp_path / "observations" / "a.parquet"
    path.parent.mkdir()
    path.write_bytes(b"")
    with pytest.raises(SettingError) as told:
        migrate(LocalStore(tmp_path), collection, STATIONS, "run", verify_only=True)
    assert told.value.message == words


_PLACE = next(iter(STATIONS)).document["location"]
_WHOLE: dict[str, Any] = {
    "station": {"id": "A", "location": _PLACE},
    "timestamp": START,
    "measurements": {"air_temperature": 3.0},
    "data_quality": {"flags": {}},
    "metadata": {"digest": "0" * 32},
}
# Of other programs: beside ours, under names of their own.
BESIDE: dict[str, dict[str, Any]] = {
    "nothing of ours": {"reading": 3.0},
    "a station that is text": {**_WHOLE, "station": "A"},
    "a station that is a number": {**_WHOLE, "station": {"id": 5, "location": _PLACE}},
    "a time that is text": {**_WHOLE, "timestamp": "2024-10-01T00:00:00Z"},
    "no time": {name: part for name, part in _WHOLE.items() if name != "timestamp"},
    "no measurements": {name: part for name, part in _WHOLE.items() if name != "measurements"},
    "no digest": {**_WHOLE, "metadata": {}},
    "a value that is null": {**_WHOLE, "measurements": {"air_temperature": None}},
    "a value that is decimal": {**_WHOLE, "measurements": {"air_temperature": Decimal128("3.0")}},
}


@pytest.mark.parametrize("stranger", BESIDE)
def test_case_106_every_command_that_fails_on_a_document_of_another_program_names_it(
    collection: ObservationCollection, tmp_path: Path, stranger: str
) -> None:
    loaded(collection, tmp_path, air_temperature=12.0)
    collection.database.command("collMod", collection.name, validationLevel="off")
    name = collection.insert_one(dict(BESIDE[stranger])).inserted_id

    def read() -> None:
        with strangers_named(collection):
            list(outdated_flags(days_held(collection, {}), collection, STATIONS))
            presence_of(collection, STATIONS, ())

    with pytest.raises(SettingError) as told:
        read()
    assert told.value.message.startswith(f"the documents of {collection.full_name} cannot be read (")
    assert told.value.message.endswith(
        f"), and document {name} was not written by this pipeline (src/config/mongodb_schema.json). Fix or remove "
        "it, or set MONGODB_COLLECTION to another collection"
    )


@pytest.mark.parametrize(
    ("suffix", "needed"),
    [
        ("_days", "station, day, expected, received, parameters"),
        ("_pending_qc", "station, day, runs"),
        ("_pending_dataset", "station, day, runs"),
        ("_listing", "full_at, ranges"),
    ],
)
def test_a_document_of_another_program_next_to_the_observations_is_named(
    collection: ObservationCollection, suffix: str, needed: str
) -> None:
    beside = collection.database[collection.name + suffix]
    beside.insert_one({"_id": "by hand", "day": "2024-10-01"})

    def read() -> None:
        with strangers_named(collection):
            queues = [PendingQc.for_collection(collection, "run").marks(), pending_dataset(collection, "run").marks()]
            assert queues == [{}, {}]
            list(DailyAggregates.for_collection(collection).station_days())
            assert ListingState.for_collection(collection, "by hand").read() is None

    DailyAggregates.for_collection(collection).prepare()
    with pytest.raises(SettingError) as told:
        read()
    kind = "AttributeError" if suffix == "_days" else "KeyError"
    assert told.value.message == (
        f"the documents of {beside.full_name} cannot be read ({kind}), and document by hand was not written by this "
        f"pipeline (lacks one of {needed}, or has it in another type). Fix or remove it, or set MONGODB_COLLECTION to "
        "another collection"
    )


# What somebody has put next to the observations, or changed there: which field has the wrong type, or is missing.
_ALTERED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "_lease": ({"_id": "writer"}, {"owner": "ann", "expires_at": Timestamp(2**31, 1)}, "lacks one of run_id, host"),
    "_objects": ({}, {"in_zone": "observations/a.parquet"}, "has one of in_zone, files"),
    "_runs": ({"_id": "by hand"}, {"status": "running"}, "lacks one of run_id, status"),
    "_dataset": ({"_id": "dataset"}, {"zone": None, "phase": "new"}, "lacks one of zone, format_version"),
    "_stations": ({}, {"months": 7}, "has one of state, since, months"),
}


@pytest.mark.parametrize("suffix", _ALTERED)
def test_a_run_names_the_altered_document_next_to_the_observations_that_it_fails_on(world: World, suffix: str) -> None:
    which, fields, why = _ALTERED[suffix]
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    world.run()
    with world.mongo() as database:
        beside = database[COLLECTION + suffix]
        before = list(beside.find())
        unset = {name: 1 for name in ("run_id", "revision") if suffix != "_objects"}
        beside.update_many(which, {"$set": fields, "$unset": unset}, upsert=True)
    world.raw.put("infoclimat/a_1.jsonl", RECREATED)
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 2)
    message = status["errors"][-1]["message"]
    assert message.startswith(f"the documents of {world.database}.{COLLECTION}{suffix} cannot be read (")
    assert f"was not written by this pipeline ({why}" in message
    with world.mongo() as database:
        beside = database[COLLECTION + suffix]
        beside.drop()
        if before:
            beside.insert_many(before)
    assert world.run()["exit_code"] == 0
    assert world.documents()[AT]["measurements"]["air_temperature"] == 15.5


def test_an_invalid_lease_is_taken(world: World) -> None:
    with world.mongo() as database:
        database[f"{COLLECTION}_lease"].insert_one({"_id": "writer", "run_id": "by hand"})
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    assert world.run()["exit_code"] == 0


def test_a_dataset_marker_of_a_newer_version_is_left_alone(collection: ObservationCollection) -> None:
    state = DatasetState.for_collection(collection)
    state.clear("/zone", 2, 1)
    state.collection.update_one({}, {"$set": {"compression": "zstd"}})
    assert state.read() == Known("/zone", 2, "clearing", None, None, 1)


def test_case_106_where_all_documents_are_ours_a_fault_of_the_program_stays_one(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    loaded(collection, tmp_path, air_temperature=12.0)
    with pytest.raises(KeyError), strangers_named(collection):
        raise KeyError("measurements")


@pytest.mark.parametrize("command", ["pipeline", "migrate", "quality"])
def test_case_106_a_command_that_fails_on_a_document_of_another_program_ends_with_2(world: World, command: str) -> None:
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    world.run()
    with world.mongo() as database:
        beside = {**_WHOLE, "station": {"id": "07915", "location": {"type": "Point", "coordinates": [3.1, 50.57]}}}
        del beside["measurements"]
        name = database[COLLECTION].insert_one(beside, bypass_document_validation=True).inserted_id
    world.raw.put("infoclimat/b_1.jsonl", RECREATED)
    if command == "pipeline":
        status = world.run()
        assert (status["status"], status["exit_code"]) == ("failed", 2)
        (error,) = status["errors"]
        assert f"document {name} was not written by this pipeline" in error["message"]
        assert world.reports("quality_report")[-1]["values_removed"]["total"] == 0
        return

    def execute() -> None:
        with connect(world.settings()) as collection:
            if command == "migrate":
                migrate(LocalStore(Path(world.processed.uri)), collection, load_stations(), "run")
            else:
                quality_of_window(collection, load_stations(), START.date(), START.date(), NOW)

    with pytest.raises(SettingError) as told:
        execute()
    assert f"document {name} was not written by this pipeline" in told.value.message


def test_a_database_that_holds_nothing_needs_no_index(replica_set: str, mongo_database: str) -> None:
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        nothing = client[mongo_database]["nothing"]
        report = quality_of_window(nothing, STATIONS, START.date(), START.date(), NOW)
    assert report.observations_received == 0


AT = "07915@2024-10-01T00:00:00Z"


def delivery(value: str | None, extracted_at: str, generation: int, sync: int) -> bytes:
    row = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": value, "humidite": "80"}
    envelope = {"_airbyte_extracted_at": extracted_at, "_airbyte_generation_id": generation}
    return lines({**envelope, "_airbyte_meta": {"sync_id": sync}, "_airbyte_data": row})


@pytest.fixture
def world(local_world: WorldMaker) -> World:
    return local_world()


FIRST = delivery("13.8", "2024-10-01T06:00:00Z", 12, 340)
RECREATED = delivery("15.5", "2024-11-01T06:00:00Z", 0, 1)


@pytest.mark.parametrize("order", ["as they came", "the other way round", "at once"])
def test_case_97_a_recreated_connection_counts_anew_and_its_later_extraction_wins(world: World, order: str) -> None:
    given = [("infoclimat/a_1.jsonl", FIRST), ("infoclimat/b_1.jsonl", RECREATED)]
    steps = [given] if order == "at once" else [[one] for one in given]
    for step in steps[::-1] if order == "the other way round" else steps:
        for key, content in step:
            world.raw.put(key, content)
        assert world.run()["exit_code"] == 0
    assert world.documents()[AT]["measurements"]["air_temperature"] == 15.5
    (told,) = world.reports("quality_report")[-1]["conflicts"]["examples"]
    assert (told["observation"], told["reason"]) == (AT, "later extraction")
    assert told["winner"]["source_uri"].endswith("b_1.jsonl")
    assert told["loser"]["source_uri"].endswith("a_1.jsonl")
    before = world.document_bytes()
    assert world.reprocess()["exit_code"] == 0
    assert world.document_bytes() == before


def test_case_97_a_change_of_producer_and_back(world: World) -> None:
    """Airbyte, then a file by hand without an envelope, then another Airbyte: each extracted later than the last."""
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    world.run()
    row = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "14.0", "humidite": "80"}
    world.raw.put("by-hand.jsonl", json.dumps(row).encode() + b"\n")
    world.run()
    assert world.documents()[AT]["measurements"]["air_temperature"] == 14.0
    world.raw.put("infoclimat/b_1.jsonl", RECREATED)
    world.run()
    # The file by hand is of today, so it stays.
    assert world.documents()[AT]["measurements"]["air_temperature"] == 14.0
    assert world.reports("quality_report")[-1]["conflicts"]["examples"][0]["reason"] == "later extraction"


def test_removed_values_are_in_every_report_and_in_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    world.run()
    assert world.status()["counts"]["values_removed"] == 0
    world.raw.put("infoclimat/b_1.jsonl", delivery(None, "2024-11-01T06:00:00Z", 12, 341))
    with caplog.at_level("WARNING", "forecast"):
        status = world.run()
    assert (status["counts"]["updated"], status["counts"]["values_removed"]) == (1, 1)
    expected = {
        "total": 1,
        "by_parameter": {"air_temperature": 1},
        "by_station": {"07915": 1},
        "by_object": {f"{world.raw.uri}/infoclimat/b_1.jsonl": 1},
    }
    for kind in ("quality_report", "migration_report"):
        assert world.reports(kind)[-1]["values_removed"] == expected
    assert [record.getMessage() for record in caplog.records if "replaced" in record.getMessage()] == [
        (
            "infoclimat/b_1.jsonl: 1 stored values were replaced by records of this object that lack them: "
            "air_temperature of 07915 (1)"
        )
    ]


def test_a_record_without_values_leaves_the_stored_ones(world: World) -> None:
    """Its cells cannot be read, so that its record has nothing but notes."""
    row = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "n/a?", "humidite": "80"}
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    world.run()
    envelope = {"_airbyte_extracted_at": "2024-11-01T06:00:00Z", "_airbyte_generation_id": 13}
    rows = [{**row, "humidite": "??"}, {**row, "dh_utc": "2024-10-01 01:00:00", "temperature": "9.0"}]
    world.raw.put(
        "infoclimat/b_1.jsonl", lines(*({**envelope, "_airbyte_meta": {}, "_airbyte_data": one} for one in rows))
    )
    counts = world.run()["counts"]
    assert (counts["inserted"], counts["superseded"], counts["values_removed"]) == (1, 1, 0)
    assert world.documents()[AT]["measurements"] == {"air_temperature": 13.8, "relative_humidity": 80.0}
    (told,) = world.reports("quality_report")[-1]["conflicts"]["examples"]
    assert (told["reason"], told["winner"]["values"]) == (
        "has values",
        {"air_temperature": 13.8, "relative_humidity": 80.0},
    )


def test_the_collection_counted_by_hand_is_what_the_report_says(world: World) -> None:
    world.raw.put("infoclimat/a_1.jsonl", FIRST)
    world.run()
    with world.mongo() as database:
        number = database[COLLECTION].count_documents({})
    assert world.reports("migration_report")[-1]["verification"]["documents_in_database"] == number == 1
