"""Hostile bytes as one object of a real run: local folders, a real mongod, the real command."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import aws_environment, local_world, s3_world
from tests.integration.worlds import Row, World, WorldMaker

__all__ = ["aws_environment", "local_world", "s3_world"]

TABLE_KEY = "wunderground/ILAMAD25/2024_10_05_1728097200000_0.jsonl"
# Every run has a second, good object: whatever happens to the other one, it is loaded.
NEIGHBOUR_KEY = "neighbour/2024_10_05_1728097200000_0.jsonl"
NEIGHBOUR_ID = "07015@2021-06-01T00:00:00Z"
_NEIGHBOUR = {"id_station": "07015", "dh_utc": "2021-06-01 00:00:00", "temperature": "12.5", "humidite": "80"}


@dataclass(frozen=True)
class Ending:
    """What became of one object, and of the run it was in."""

    key: str
    uri: str
    exit_code: int
    status: Row
    quality: Row
    counts: Row
    documents: list[Row]
    refused: list[Row]
    processed_keys: list[str]
    stdout: str
    stderr: str

    @property
    def outcome(self) -> str:
        """ "loaded", "rejected", "failed", or "skipped" where the object is not even counted as read."""
        return str(self.counts["outcome"]) if self.counts else "skipped"

    @property
    def error(self) -> tuple[str, str]:
        """Code and message of an object that was rejected."""
        (error,) = [error for error in self.status["errors"] if error["object"] == self.key]
        return error["code"], error["message"]

    @property
    def reasons(self) -> list[tuple[str, str, str]]:
        """Position, code and reason of every refused row."""
        return [(row["position"], row["code"], row["reason"]) for row in self.refused]

    @property
    def notes(self) -> list[tuple[str, str, str]]:
        """Parameter, raw text and reason of every note of the documents."""
        return [
            (note["parameter"], note["raw"], note["reason"])
            for document in self.documents
            for note in document["data_quality"].get("notes", [])
        ]

    @property
    def warnings(self) -> list[str]:
        """What the log says of the object, but that it was loaded."""
        return [
            line.partition(" WARNING ")[2]
            for line in self.stderr.splitlines()
            if " WARNING " in line and self.key in line
        ]

    @property
    def measurements(self) -> list[Row]:
        return [document["measurements"] for document in self.documents]

    @property
    def judged(self) -> list[tuple[int, Row, int]]:
        """What the checks say of each document: its flag, the flags 3 and 4 of its values, and how many they are."""
        parts = (document["data_quality"] for document in self.documents)
        return [(part["flag"], part["flags"], part["anomalies_detected"]) for part in parts]

    @property
    def sums(self) -> tuple[int, int, int, int]:
        """Rows read, empty, validated and rejected."""
        names = ("rows_read", "rows_empty", "records_validated", "records_rejected")
        return tuple(self.counts[name] for name in names)

    def assert_rejected(self, code: str, message: str) -> None:
        """REJECT FILE: nothing of it is anywhere, the run says why and ends with 3."""
        assert self.outcome == "rejected", self.counts
        assert self.error == (code, message)
        assert (self.documents, self.processed_keys, self.refused) == ([], [], [])
        assert self.exit_code == 3
        assert self.status["status"] == "partial"

    def assert_accepted(self, rows: int) -> None:
        """ACCEPT: all of so many rows are loaded, nothing is refused."""
        assert self.outcome == "loaded", self.status["errors"]
        assert self.sums == (rows, 0, rows, 0)
        assert len(self.documents) == rows
        assert self.refused == []
        assert self.exit_code == 0


RunObject = Callable[..., Ending]


@pytest.fixture(scope="module")
def one_world(local_world: WorldMaker) -> World:
    return local_world()


@pytest.fixture
def run_object(one_world: World) -> RunObject:
    """Run the pipeline on these bytes as one object, with a good one beside it; `variables` are settings by name.

    The world is the same for all tests of a module and emptied before each run: to make one takes longer than the run.
    """

    def run(content: bytes, key: str = TABLE_KEY, variables: dict[str, str] | None = None) -> Ending:
        empty(one_world)
        return run_in(one_world, content, key, variables)

    return run


def empty(world: World) -> None:
    """Take all objects and documents out of a world."""
    for zone in (world.raw, world.processed):
        for key in zone.keys():
            zone.delete(key)
    with world.mongo() as database:
        for name in database.list_collection_names():
            database[name].delete_many({})


def run_in(world: World, content: bytes, key: str = TABLE_KEY, variables: dict[str, str] | None = None) -> Ending:
    """One run of a world on these bytes and the neighbour; the neighbour must be unharmed."""
    world.raw.put(key, content)
    world.raw.put(NEIGHBOUR_KEY, json.dumps(_NEIGHBOUR).encode() + b"\n")
    given = ("--json", "--max-rejection-rate", "1")
    outcome = world.typed("pipeline", *given, variables=world.variables(**(variables or {})))
    ending = _ending(world, key, outcome.code, outcome.stdout, outcome.stderr)
    assert ending.status["exit_code"] == ending.exit_code
    assert "Traceback" not in outcome.stderr
    return ending


def _ending(world: World, key: str, code: int, stdout: str, stderr: str) -> Ending:
    found = json.loads(stdout)
    status, quality = found["status"], found["quality"]
    counts = {entry["key"]: entry for entry in quality["by_object"]}
    documents = world.documents()
    assert NEIGHBOUR_ID in documents, status
    assert counts[NEIGHBOUR_KEY]["outcome"] == "loaded"
    for entry in counts.values():
        assert entry["rows_read"] == entry["rows_empty"] + entry["records_extracted"]
        assert entry["records_extracted"] == entry["records_validated"] + entry["records_rejected"]
    uri = f"{world.raw.uri}/{key}"
    records = {record_key: _sources(world, record_key) for record_key in world.record_keys()}
    refused = {refused_key: list(_refused_rows(world, refused_key)) for refused_key in world.rejected_keys()}
    return Ending(
        key=key,
        uri=uri,
        exit_code=code,
        status=status,
        quality=quality,
        counts=counts.get(key, {}),
        documents=[document for _, document in sorted(documents.items()) if document["metadata"]["source_uri"] == uri],
        refused=[row for rows in refused.values() for row in rows if row["source_uri"] == uri],
        processed_keys=sorted(
            [record_key for record_key, sources in records.items() if uri in sources]
            + [refused_key for refused_key, rows in refused.items() if any(row["source_uri"] == uri for row in rows)]
        ),
        stdout=stdout,
        stderr=stderr,
    )


def _sources(world: World, key: str) -> set[Any]:
    return set(pq.read_table(io.BytesIO(world.processed.get(key)), columns=["source_uri"])["source_uri"].to_pylist())


def _refused_rows(world: World, key: str) -> Iterator[Row]:
    for line in gzip.decompress(world.processed.get(key)).splitlines():
        yield json.loads(line)
