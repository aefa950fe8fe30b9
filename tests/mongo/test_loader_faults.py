"""Loading while connections break: what was written is counted once, whether the server had applied it or not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

import forecast.mongo.loader as loading
from forecast.core.errors import ForecastError, RetryableError
from forecast.mongo import versions
from forecast.mongo.client import ObservationCollection
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.versions import LoadCounts
from tests.integration.replica_set import replica_set
from tests.mongo.test_loader import Delivery, _frame, _newest, _versions

# The server inserts in groups; small ones, so that a connection can break between two of a batch.
OPTIONS = ("--setParameter", "enableTestCommands=1", "--setParameter", "internalInsertMaxBatchSize=25")

DAY = 20_001  # 2024-10-05, on which all deliveries are


def _deliveries(generation: int, value: int) -> list[Delivery]:
    return [Delivery(generation, 0, 0, value, minute=minute) for minute in range(60)]


@pytest.fixture(scope="module")
def client(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of a replica set of one that can be made to fail."""
    folder = tmp_path_factory.mktemp("faulty")
    with (
        replica_set(mongod_binary, folder, 1, *OPTIONS) as made,
        MongoClient[dict[str, Any]](made.uri, tz_aware=True) as opened,
    ):
        yield opened


@pytest.fixture
def collection(client: MongoClient[dict[str, Any]]) -> Iterator[ObservationCollection]:
    database = client[f"test_{secrets.token_hex(6)}"]
    made = database.get_collection(
        "weather", write_concern=WriteConcern("majority"), read_concern=ReadConcern("majority")
    )
    prepare_collection(made)
    yield made
    for point in ("failCommand", "onPrimaryTransactionalWrite"):
        client.admin.command("configureFailPoint", point, mode="off")
    client.drop_database(database.name)


@pytest.fixture
def pending_qc(collection: ObservationCollection) -> PendingQc:
    """The day is marked already, so that what breaks is not the marking."""
    marks = PendingQc.for_collection(collection, "run")
    marks.enqueue([("07915", DAY)])
    return marks


def _fail(collection: ObservationCollection, point: str, data: dict[str, Any], times: int = 1) -> None:
    collection.database.client.admin.command("configureFailPoint", point, mode={"times": times}, data=data)


def _command(name: str, **failure: Any) -> tuple[str, dict[str, Any]]:
    return "failCommand", {"failCommands": [name], **failure}


# The server closes the connection when a group of writes is committed, before it answers.
APPLIED = ("onPrimaryTransactionalWrite", {"closeConnection": True})
STEPPED_DOWN = {"code": 91, "errmsg": "the primary is shutting down"}


@pytest.mark.parametrize(
    ("point", "data"),
    [
        _command("insert", closeConnection=True),
        _command("insert", errorCode=10107, errorLabels=["RetryableWriteError"]),
        _command("insert", writeConcernError=STEPPED_DOWN, errorLabels=["RetryableWriteError"]),
        _command("aggregate", closeConnection=True),
        APPLIED,
    ],
    ids=["lost before", "no primary", "applied, not confirmed", "lost while reading", "applied, not answered"],
)
def test_an_insert_that_fails_once_is_written_once(
    collection: ObservationCollection, pending_qc: PendingQc, point: str, data: dict[str, Any]
) -> None:
    _fail(collection, point, data)
    assert load(_frame(_deliveries(1, 10)), collection, pending_qc) == LoadCounts(inserted=60)
    assert _versions(collection) == _newest(_deliveries(1, 10))


@pytest.mark.parametrize("value", [20, 10], ids=["replaced", "marked"])
@pytest.mark.parametrize(
    ("point", "data"),
    [
        _command("update", closeConnection=True),
        _command("update", writeConcernError=STEPPED_DOWN, errorLabels=["RetryableWriteError"]),
        APPLIED,
    ],
    ids=["lost before", "applied, not confirmed", "applied, not answered"],
)
def test_an_update_that_fails_once_is_written_once(
    collection: ObservationCollection, pending_qc: PendingQc, point: str, data: dict[str, Any], value: int
) -> None:
    load(_frame(_deliveries(1, 10)), collection, pending_qc)
    _fail(collection, point, data)
    expected = LoadCounts(updated=60) if value == 20 else LoadCounts(unchanged=60)
    assert load(_frame(_deliveries(2, value)), collection, pending_qc) == expected
    assert _versions(collection) == _newest(_deliveries(2, value))


LOST = "the connection to MongoDB was lost (inserting, 127.0.0.1:"
UNCONFIRMED = "MongoDB did not confirm a write on a majority of its members (writing)"
NOT_CONFIRMED = {"writeConcernError": STEPPED_DOWN, "errorLabels": ["RetryableWriteError"]}


@pytest.mark.parametrize(
    ("failure", "words", "written"),
    [({"closeConnection": True}, LOST, 0), (NOT_CONFIRMED, UNCONFIRMED, 60)],
    ids=["lost before", "applied, not confirmed"],
)
def test_a_load_that_fails_permanently_is_completed_by_the_next(
    collection: ObservationCollection, pending_qc: PendingQc, failure: dict[str, Any], words: str, written: int
) -> None:
    """Of the documents that the first load had written, the second says that they are there."""
    _fail(collection, *_command("insert", **failure), times=2)
    with pytest.raises(ForecastError) as told:
        load(_frame(_deliveries(1, 10)), collection, pending_qc)
    assert (told.value.exit_code, told.value.message.startswith(words)) == (1, True)
    assert collection.with_options(read_concern=ReadConcern("local")).count_documents({}) == written
    counts = load(_frame(_deliveries(1, 10)), collection, pending_qc)
    assert counts == LoadCounts(inserted=60 - written, unchanged=written)
    assert _versions(collection) == _newest(_deliveries(1, 10))


def test_a_queue_write_that_fails_once_is_written_once(collection: ObservationCollection) -> None:
    marks = PendingQc.for_collection(collection, "run")
    _fail(collection, *APPLIED)
    assert load(_frame(_deliveries(1, 10)), collection, marks) == LoadCounts(inserted=60)
    assert marks.marks() == {("07915", DAY): ["run"]}


def test_nothing_is_written_that_could_not_be_queued(collection: ObservationCollection) -> None:
    marks = PendingQc.for_collection(collection, "run")
    _fail(collection, *_command("update", closeConnection=True), times=2)
    with pytest.raises(RetryableError, match=r"lost \(queueing station-days, 127"):
        load(_frame(_deliveries(1, 10)), collection, marks)
    assert collection.count_documents({}) == 0
    assert load(_frame(_deliveries(1, 10)), collection, marks) == LoadCounts(inserted=60)
    assert marks.marks() == {("07915", DAY): ["run"]}


def test_waiting_batches_are_dropped_when_one_has_failed(
    collection: ObservationCollection, pending_qc: PendingQc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would wait for the database again."""
    monkeypatch.setattr(versions, "BATCH_ROWS", 5)
    tried = []

    def lost(table: pa.Table, *_: Any, **__: Any) -> LoadCounts:
        tried.append(table.num_rows)
        raise RetryableError("lost")

    monkeypatch.setattr(loading, "_load_batch", lost)
    with pytest.raises(RetryableError, match="lost"):
        load(_frame(_deliveries(1, 10)), collection, pending_qc)
    assert 1 <= len(tried) <= loading.WRITERS
