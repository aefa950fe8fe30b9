"""The dataset that belongs to the database: in which zone, in which version, and the run that last wrote it.

The dataset says the same of itself (`zone/identity.py`). If the two differ, the dataset belongs to another database or
to an earlier state of this one (a restored dump), and is rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

SUFFIX: Final = "_dataset"
_ID: Final = "dataset"
# What is in the zone is being removed; it is being written in whole; it is kept up to date.
Phase = Literal["clearing", "building", "complete"]


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of its dataset; `writing` is the run that began to write and may not have ended.

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
        """That of a main collection."""
        return cls(sibling_collection(collection, SUFFIX))

    def read(self) -> Known | None:
        """What is known; None where no dataset was ever written."""
        with mongo_errors("reading the state of the dataset"):
            found = self.collection.find_one({"_id": _ID}, {"_id": 0})
        # A newer version of the program may have added some.
        names = [field.name for field in fields(Known)]
        return None if found is None else Known(**{name: found[name] for name in names if name in found})

    def clear(self, zone: str, format_version: int, hourly_version: int) -> None:
        """What lies in the zone is of no use: it is about to be removed."""
        versions = {"format_version": format_version, "hourly_version": hourly_version}
        self._set({"zone": zone, **versions, "revision": None, "writing": None, "phase": "clearing"}, upsert=True)

    def building(self) -> None:
        """Nothing is left in the zone, and every station-day is marked to be written."""
        self._set({"phase": "building"})

    def begin(self, run_id: str) -> None:
        """A run is about to write."""
        self._set({"writing": run_id})

    def complete(self, run_id: str) -> None:
        """The dataset is what the database holds, and says so by the name of this run."""
        self._set({"phase": "complete", "revision": run_id, "writing": None})

    def forget(self) -> None:
        """The collection was emptied: the dataset is not what it holds."""
        with mongo_errors("writing the state of the dataset"):
            self.collection.delete_one({"_id": _ID})

    def _set(self, entry: dict[str, Any], *, upsert: bool = False) -> None:
        with mongo_errors("writing the state of the dataset"):
            self.collection.update_one({"_id": _ID}, {"$set": entry}, upsert=upsert)
