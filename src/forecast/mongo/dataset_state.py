"""The state of the dataset that belongs to the database: its zone, its version, and the run that last wrote it.

The dataset also states this itself (`zone/identity.py`). If the two differ, the dataset belongs to another database or
to an earlier state of this one (a restored dump), and is rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

SUFFIX: Final = "_dataset"
_ID: Final = "dataset"
# The dataset in the zone is being removed; it is being written in full; it is kept up to date.
Phase = Literal["clearing", "building", "complete"]


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows about its dataset; `writing` is a run that began to write and may not have finished.

    `hourly_version` is the version of the hourly values next to it.
    """

    zone: str
    format_version: int
    phase: Phase
    revision: str | None
    writing: str | None
    hourly_version: int = 0


def is_empty(collection: ObservationCollection) -> bool:
    """Whether a collection holds no document."""
    with mongo_errors("looking for documents"):
        return collection.find_one({}, {"_id": 1}) is None


@dataclass(frozen=True, slots=True)
class DatasetState:
    """One document, in `<collection>_dataset`."""

    collection: ObservationCollection

    @classmethod
    def for_collection(cls, collection: ObservationCollection) -> DatasetState:
        """The state for a main collection."""
        return cls(sibling_collection(collection, SUFFIX))

    def read(self) -> Known | None:
        """The recorded state; None if no dataset was ever written."""
        with mongo_errors("reading the state of the dataset"):
            found = self.collection.find_one({"_id": _ID}, {"_id": 0})
        # A newer version of the program may have added some.
        names = [field.name for field in fields(Known)]
        return None if found is None else Known(**{name: found[name] for name in names if name in found})

    def clear(self, zone: str, format_version: int, hourly_version: int) -> None:
        """Record that the dataset in the zone is unusable and about to be removed."""
        versions = {"format_version": format_version, "hourly_version": hourly_version}
        self._set({"zone": zone, **versions, "revision": None, "writing": None, "phase": "clearing"}, upsert=True)

    def building(self) -> None:
        """Record that the zone is empty, and that every station-day is queued to be written."""
        self._set({"phase": "building"})

    def begin(self, run_id: str) -> None:
        """Record that a run is about to write."""
        self._set({"writing": run_id})

    def complete(self, run_id: str) -> None:
        """Record that the dataset matches the database, under the id of this run."""
        self._set({"phase": "complete", "revision": run_id, "writing": None})

    def forget(self) -> None:
        """Drop the state: the collection was emptied, so the dataset does not match it."""
        with mongo_errors("writing the state of the dataset"):
            self.collection.delete_one({"_id": _ID})

    def _set(self, entry: dict[str, Any], *, upsert: bool = False) -> None:
        with mongo_errors("writing the state of the dataset"):
            self.collection.update_one({"_id": _ID}, {"$set": entry}, upsert=upsert)
