"""Which raw objects are processed, by what, and what came of it.

Kept in the database beside the documents they vouch for, so that a new database has none, and written only after the
load was acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecast.database import Documents, beside, told_apart
from forecast.observations import RawObject
from forecast.report.counts import COUNTED, ObjectCounts

SUFFIX = "_objects"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What came of an object: files of the processed zone (digest by key), and the numbers of ObjectCounts."""

    files: Mapping[str, str]
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Checkpoints of one main collection, in `<collection>_objects`; `program` as `program_digest` gives it."""

    collection: Documents
    rules_version: int
    program: str

    @classmethod
    def beside(cls, collection: Documents, rules_version: int, program: str) -> Checkpoints:
        """The checkpoints that belong to a main collection."""
        return cls(beside(collection, SUFFIX), rules_version, program)

    def processed(self) -> dict[str, str]:
        """ETag by URI of every object that was processed under these rules, and whose load was not begun again."""
        vouched = {"rules_version": self.rules_version, "loading": None}
        with told_apart("reading the checkpoints"):
            found = self.collection.find(vouched, {"etag": 1})
            return {entry["_id"]: entry["etag"] for entry in found}

    def of_this_program(self, raw: RawObject) -> Checkpoint | None:
        """The checkpoint of this very version of an object, where this very program wrote it."""
        same = {"_id": raw.uri, "etag": raw.etag, "rules_version": self.rules_version, "program": self.program}
        with told_apart("reading a checkpoint"):
            found = self.collection.find_one(same)
        if found is None:
            return None
        return Checkpoint({file["key"]: file["digest"] for file in found["files"]}, found["counts"])

    def begin(self, raw: RawObject, run_id: str) -> bool:
        """Note that an object is about to be loaded, until `write`; whether another load of it was begun and not ended.

        What that one wrote is in the database and looks as if nothing had to be done about it.
        """
        with told_apart("noting that an object is loaded"):
            before = self.collection.find_one_and_update(
                {"_id": raw.uri}, {"$set": {"loading": run_id}}, {"loading": 1}, upsert=True
            )
        return before is not None and "loading" in before

    def write(self, raw: RawObject, run_id: str, now: datetime, files: Mapping[str, str], counts: ObjectCounts) -> None:
        """Vouch for one object: its load has come to its end."""
        entry = {
            "_id": raw.uri,
            "etag": raw.etag,
            "rules_version": self.rules_version,
            "program": self.program,
            "run_id": run_id,
            "processed_at": now,
            "files": [{"key": key, "digest": digest} for key, digest in files.items()],
            "counts": {name: getattr(counts, name) for name in (*COUNTED, "remarks")},
        }
        with told_apart("writing a checkpoint"):
            self.collection.replace_one({"_id": raw.uri}, entry, upsert=True)
