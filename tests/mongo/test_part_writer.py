"""Records of several parameter groups into a real MongoDB: their parameters stand together, whatever the order."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from forecast.core.digests import qc_hashes
from forecast.core.raw_objects import RawObject
from forecast.core.removals import Removed
from forecast.core.schemas import RECORD_SCHEMA, to_frame
from forecast.mongo.client import ObservationCollection
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.dry_run import DryRunOverlay, plan_load
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.verify import differing_records
from forecast.mongo.versions import LoadCounts
from tests.concurrent_runs import beaten
from tests.examples import on_a_database

NOON = datetime(2024, 10, 5, 12, tzinfo=UTC)
REPORTED = ("air_temperature", "wind_speed", "precipitation_amount_1h", "relative_humidity")
QUALITY = {"flag": 1, "anomalies_detected": 0, "qc_version": 1}
GROUPS = ("", "1h", "6min")
FILE = RawObject("observations/a.parquet", "file:///zone/observations/a.parquet", 1, "etag", NOON)


@dataclass(frozen=True)
class Delivery:
    """One record of a parameter group of an observation; `values` by parameter."""

    group: str
    values: tuple[tuple[str, float], ...]
    second: int = 0
    minute: int = 0
    row: str = ""

    @property
    def name(self) -> str:
        return f"mf-59343991@2024-10-05T12:{self.minute:02d}:00Z"

    @property
    def record(self) -> dict[str, Any]:
        half = hashlib.blake2b(repr((self.group, sorted(self.values))).encode(), digest_size=8).hexdigest()
        flag, anomalies, version = (np.array([number]) for number in QUALITY.values())
        quality = qc_hashes(flag, pa.nulls(1, pa.string()), anomalies, np.array([np.nan]), version)[0].decode()
        return {
            **dict.fromkeys(RECORD_SCHEMA.names),
            **dict(self.values),
            **QUALITY,
            "_id": self.name,
            "station_id": "mf-59343991",
            "timestamp": NOON + timedelta(minutes=self.minute),
            "parameter_group": self.group or None,
            "source_row": self.row or f"line of {self.values}",
            "extracted_at": NOON + timedelta(seconds=self.second),
            "generation_id": 1,
            "sync_id": 1,
            "completeness_score": len(self.values) / len(REPORTED),
            "digest": half + quality,
            "station_name": "Lille-Lesquin",
            "station_network": "Météo-France observations",
            "station_network_id": "59343991",
            "station_type": "synop",
            "latitude": 50.575,
            "longitude": 3.092,
            "elevation": 47.0,
            "station_licence": json.dumps({"name": "a", "url": "https://example.org/a", "source": "b"}),
            "station_parameters": " ".join(REPORTED),
            "source_uri": f"raw/{self.group}.json",
            "source_modified_at": NOON,
            "run_id": "20241005T120000Z-000000",
            "ingested_at": NOON,
            "pipeline_version": "2.0.0",
        }


def _frame(*deliveries: Delivery) -> pd.DataFrame:
    return to_frame(pa.Table.from_pylist([delivery.record for delivery in deliveries], schema=RECORD_SCHEMA))


def _load(collection: ObservationCollection, *deliveries: Delivery, conflicts: Conflicts | None = None) -> LoadCounts:
    return load(_frame(*deliveries), collection, PendingQc.for_collection(collection, "run"), conflicts)


def _documents(collection: ObservationCollection) -> list[dict[str, Any]]:
    return list(collection.find().sort("_id", 1))


def _expected(deliveries: Sequence[Delivery]) -> dict[str, dict[str, float]]:
    """By the order as people would write it down: of each group the newest, then each parameter from the newest."""

    def key(one: Delivery) -> tuple[Any, ...]:
        return bool(one.values), one.second, one.record["digest"][:16]

    values: dict[str, dict[str, float]] = {}
    for name in sorted({one.name for one in deliveries}):
        own = [one for one in deliveries if one.name == name]
        newest = [max((one for one in own if one.group == group), key=key) for group in {one.group for one in own}]
        values[name] = {parameter: value for one in sorted(newest, key=key) for parameter, value in one.values}
    return values


@pytest.fixture(scope="module")
def shared_collection(replica_set: str) -> Iterator[ObservationCollection]:
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set, tz_aware=True) as client:
        database: Any = client[f"test_{secrets.token_hex(6)}"]
        collection = database.get_collection(
            "shared", write_concern=WriteConcern("majority"), read_concern=ReadConcern("majority")
        )
        prepare_collection(collection)
        yield cast("ObservationCollection", collection)
        client.drop_database(database)


@pytest.fixture
def collection(shared_collection: ObservationCollection) -> ObservationCollection:
    shared_collection.delete_many({})
    return shared_collection


HOUR = Delivery("1h", (("precipitation_amount_1h", 0.4), ("air_temperature", 12.0)), second=1)
SIX_MINUTES = Delivery("6min", (("air_temperature", 12.0), ("wind_speed", 3.0)))
deliveries = st.builds(
    Delivery,
    group=st.sampled_from(GROUPS),
    values=st.dictionaries(st.sampled_from(REPORTED), st.sampled_from([1.0, 2.0]), max_size=3).map(
        lambda values: tuple(sorted(values.items()))
    ),
    second=st.integers(0, 2),
    minute=st.integers(0, 1),
)


@on_a_database(0.2)
@given(batches=st.lists(st.lists(deliveries, min_size=1, max_size=6), min_size=1, max_size=4), chance=st.randoms())
def test_groups_are_merged_in_whatever_order_and_batches(
    shared_collection: ObservationCollection, batches: list[list[Delivery]], chance: random.Random
) -> None:
    everything = [delivery for batch in batches for delivery in batch]
    found = []
    for _ in range(2):
        shared_collection.delete_many({})
        for batch in batches:
            assert _load(shared_collection, *batch).records == len(batch)
        found.append(_documents(shared_collection))
        assert {one["_id"]: one["measurements"] for one in found[-1]} == _expected(everything)
        assert differing_records(FILE, _frame(*everything), shared_collection) == 0
        # What was delivered is there: nothing of it is written again.
        again = [_load(shared_collection, *batch) for batch in batches]
        assert not any(counts.inserted or counts.updated for counts in again)
        assert _documents(shared_collection) == found[-1]
        chance.shuffle(batches)
        for batch in batches:
            chance.shuffle(batch)
    assert found[0] == found[1]


@pytest.mark.parametrize("order", [(HOUR, SIX_MINUTES), (SIX_MINUTES, HOUR)])
def test_the_second_group_of_an_observation_updates_its_document_and_removes_nothing(
    collection: ObservationCollection, tmp_path: Path, order: tuple[Delivery, Delivery]
) -> None:
    conflicts = Conflicts()
    with closing(DryRunOverlay(collection, tmp_path / "overlay")) as overlay:
        foreseen = [plan_load(_frame(one), overlay) for one in order]
    assert [_load(collection, one, conflicts=conflicts) for one in order] == foreseen
    assert foreseen == [LoadCounts(inserted=1), LoadCounts(updated=1)]
    (document,) = _documents(collection)
    assert document["measurements"] == {"air_temperature": 12.0, "wind_speed": 3.0, "precipitation_amount_1h": 0.4}
    assert document["data_quality"]["completeness_score"] == 0.75
    assert document["metadata"]["source_uri"] == "raw/1h.json"
    # Two groups of one observation are no conflict.
    assert (conflicts.by_station, conflicts.removed) == ({}, {})


def test_both_groups_in_one_object_are_one_document(collection: ObservationCollection) -> None:
    counts = _load(collection, HOUR, SIX_MINUTES)
    assert counts == LoadCounts(inserted=1, updated=1)
    assert [one["measurements"].keys() for one in _documents(collection)] == [
        {"air_temperature", "wind_speed", "precipitation_amount_1h"}
    ]


def test_a_dry_run_on_merged_documents_counts_what_loading_does(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    _load(collection, HOUR, SIX_MINUTES)
    before = _documents(collection)
    chance = random.Random(5)
    batches = [
        [
            Delivery(group, ((chance.choice(REPORTED), float(chance.randrange(2))),), chance.randrange(3), minute)
            for group in GROUPS
            for minute in range(2)
        ]
        for _ in range(6)
    ]
    with closing(DryRunOverlay(collection, tmp_path / "overlay")) as overlay:
        # One by one, for two groups of one batch are loaded at once, and either may come first.
        foreseen = [plan_load(_frame(one), overlay) for batch in batches for one in batch]
    assert _documents(collection) == before
    assert foreseen == [_load(collection, one) for batch in batches for one in batch]


def test_a_value_is_removed_only_where_no_other_part_has_it(collection: ObservationCollection, tmp_path: Path) -> None:
    _load(collection, HOUR, SIX_MINUTES)
    later = replace(SIX_MINUTES, values=(("relative_humidity", 80.0),), second=2)
    dry, wet = Conflicts(), Conflicts()
    with closing(DryRunOverlay(collection, tmp_path / "overlay")) as overlay:
        assert plan_load(_frame(later), overlay, dry) == LoadCounts(updated=1, values_removed=1)
    assert _load(collection, later, conflicts=wet) == LoadCounts(updated=1, values_removed=1)
    assert dry.removed == wet.removed == {Removed("mf-59343991", "wind_speed", "raw/6min.json"): 1}
    (document,) = _documents(collection)
    assert document["measurements"] == {
        "air_temperature": 12.0,
        "relative_humidity": 80.0,
        "precipitation_amount_1h": 0.4,
    }


def test_a_conflict_is_reported_with_the_part_of_the_same_group(collection: ObservationCollection) -> None:
    _load(collection, HOUR, SIX_MINUTES)
    conflicts = Conflicts()
    _load(collection, replace(SIX_MINUTES, values=(("wind_speed", 4.0),), second=2), conflicts=conflicts)
    (told,) = conflicts.examples
    assert (told.reason, told.winner.source_uri, told.loser.source_uri) == (
        "later extraction",
        "raw/6min.json",
        "raw/6min.json",
    )
    assert told.loser.values == {"air_temperature": 12.0, "wind_speed": 3.0}


def test_the_same_row_read_under_newer_rules_replaces_its_own_part(collection: ObservationCollection) -> None:
    for values in ((("wind_speed", 4.0),), (("wind_speed", 5.0),)):
        collection.delete_many({})
        _load(collection, HOUR, replace(SIX_MINUTES, row="line 1"))
        # Whichever digest is higher.
        assert _load(collection, replace(SIX_MINUTES, values=values, row="line 1")).updated == 1
        assert _documents(collection)[0]["measurements"]["wind_speed"] == values[0][1]


def test_two_runs_at_once_lose_no_part(collection: ObservationCollection) -> None:
    """A concurrent run adds its part after this run has read the document, and before it writes."""
    _load(collection, HOUR)
    other = beaten(collection, lambda: _load(collection, Delivery("", (("relative_humidity", 80.0),))))
    counts = load(_frame(SIX_MINUTES), other, PendingQc.for_collection(collection, "run"))
    assert counts == LoadCounts(updated=1)
    (document,) = _documents(collection)
    assert document["measurements"].keys() == set(REPORTED)


@pytest.mark.parametrize(
    "change",
    [
        {"measurements.wind_speed": 9.0},
        {"metadata.parts.1.measurements.wind_speed": 9.0},
        {"metadata.parts.0.digest": "0" * 16},
    ],
)
def test_a_merged_document_that_was_changed_by_hand_is_found(
    collection: ObservationCollection, change: dict[str, Any]
) -> None:
    _load(collection, HOUR, SIX_MINUTES)
    assert differing_records(FILE, _frame(HOUR, SIX_MINUTES), collection) == 0
    collection.update_one({}, {"$set": change})
    assert differing_records(FILE, _frame(HOUR, SIX_MINUTES), collection) >= 1
