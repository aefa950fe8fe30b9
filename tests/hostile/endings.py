"""The outcome of hostile bytes, in one form for whole runs and for runs without a database."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.integration.worlds import Outcome, Row, World

TABLE_KEY = "wunderground/ITESTB25/2024_10_05_1728097200000_0.jsonl"
# The second, good object of a run: whatever happens to the other one, it is loaded.
NEIGHBOUR_KEY = "neighbour/2024_10_05_1728097200000_0.jsonl"
NEIGHBOUR_ID = "07915@2021-06-01T00:00:00Z"
_NEIGHBOUR = {"id_station": "07915", "dh_utc": "2021-06-01 00:00:00", "temperature": "12.5", "humidite": "80"}


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
    rejected: list[Row]
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
        """Position, code and reason of every rejected row."""
        return [(row["position"], row["code"], row["reason"]) for row in self.rejected]

    @property
    def notes(self) -> list[tuple[str, str, str]]:
        """Parameter, raw text and reason of every note of the documents."""
        return [
            (note["parameter"], note["raw"], note["reason"])
            for document in self.documents
            for note in document["data_quality"].get("parse_issues", [])
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
    def evaluated(self) -> list[tuple[int, Row, int]]:
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
        assert (self.documents, self.processed_keys, self.rejected) == ([], [], [])
        assert self.exit_code == 3
        assert self.status["status"] == "partial"

    def assert_accepted(self, rows: int, *, unread: Sequence[str] = (), renamed: Sequence[str] = ()) -> None:
        """ACCEPT: all rows, of this number, are loaded, nothing is rejected, and only these parameters are unread."""
        assert self.outcome == "loaded", self.status["errors"]
        assert self.sums == (rows, 0, rows, 0)
        assert len(self.documents) == rows
        assert self.rejected == []
        assert [entry["parameter"] for entry in self.quality["unread_parameters"]] == list(unread)
        assert [entry["parameter"] for entry in self.quality["renamed_parameters"]] == list(renamed)
        assert self.exit_code == (3 if unread or renamed else 0)


RunObject = Callable[..., Ending]


def deliver_neighbour(world: World) -> None:
    """Put the neighbour into the raw zone."""
    world.raw.put(NEIGHBOUR_KEY, json.dumps(_NEIGHBOUR).encode() + b"\n")


def ending_of(
    world: World,
    outcome: Outcome,
    key: str,
    documents: Mapping[str, Row],
    rejected: Mapping[str, bytes],
    records: list[str],
) -> Ending:
    """What became of the object with this key; the neighbour, if there is one, is unharmed, and the counts add up.

    `documents` by id, the zone's files of rejected rows by key, and the keys of its files with records of the object.
    """
    assert "Traceback" not in outcome.stderr, outcome.stderr
    found = json.loads(outcome.stdout)
    status, quality = found["status"], found["quality"]
    assert status["exit_code"] == outcome.code
    counts = {entry["key"]: entry for entry in quality["by_object"]}
    for entry in counts.values():
        assert entry["rows_read"] == entry["rows_empty"] + entry["records_extracted"]
        assert entry["records_extracted"] == entry["records_validated"] + entry["records_rejected"]
    if NEIGHBOUR_KEY in world.raw.keys():
        assert NEIGHBOUR_ID in documents, status
        assert counts[NEIGHBOUR_KEY]["outcome"] == "loaded"
    uri = f"{world.raw.uri}/{key}"
    rows = [
        (name, row) for name, content in rejected.items() for row in _refused_rows(content) if row["source_uri"] == uri
    ]
    return Ending(
        key=key,
        uri=uri,
        exit_code=outcome.code,
        status=status,
        quality=quality,
        counts=counts.get(key, {}),
        documents=[document for _, document in sorted(documents.items()) if document["metadata"]["source_uri"] == uri],
        rejected=[row for _, row in rows],
        processed_keys=sorted({*records, *(name for name, _ in rows)}),
        stdout=outcome.stdout,
        stderr=outcome.stderr,
    )


def _refused_rows(content: bytes) -> Iterator[Row]:
    for line in gzip.decompress(content).splitlines():
        yield json.loads(line)
