"""Which raw objects are processed.

Kept in the database beside the documents they vouch for, so that a new database has none, and written only after the
load was acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forecast.database import Documents, told_apart
from forecast.observations import RawObject

SUFFIX = "_objects"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Checkpoints of one main collection, in `<collection>_objects`."""

    collection: Documents
    rules_version: int

    @classmethod
    def beside(cls, collection: Documents, rules_version: int) -> Checkpoints:
        """The checkpoints that belong to a main collection."""
        beside = collection.database.get_collection(
            collection.name + SUFFIX, write_concern=collection.write_concern, read_concern=collection.read_concern
        )
        return cls(beside, rules_version)

    def processed(self) -> dict[str, str]:
        """ETag by URI of every object that was processed under these rules."""
        with told_apart("reading the checkpoints"):
            found = self.collection.find({"rules_version": self.rules_version}, {"etag": 1})
            return {entry["_id"]: entry["etag"] for entry in found}

    def write(self, raw: RawObject, digest: str, run_id: str, now: datetime, counts: dict[str, Any]) -> None:
        """Vouch for one object."""
        entry = {
            "_id": raw.uri,
            "etag": raw.etag,
            "rules_version": self.rules_version,
            "digest": digest,
            "run_id": run_id,
            "processed_at": now,
            "counts": counts,
        }
        with told_apart("writing a checkpoint"):
            self.collection.replace_one({"_id": raw.uri}, entry, upsert=True)
