"""Reads the stored versions of observations, as far as needed to decide between two versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from bson.int64 import Int64
from pymongo.errors import OperationFailure

from forecast.core.errors import SettingError
from forecast.core.precedence import RANK
from forecast.core.removals import Present
from forecast.mongo.client import ObservationCollection
from forecast.mongo.parts import GROUP, Document, Part, parts_of
from forecast.mongo.versions import SOURCE, StoredState

# The versions of documents, as parallel lists: ids, digests and ranks, times as milliseconds. Some usually have one
# value for a whole batch, so they are grouped and read once.
_OF_GROUP = ("has_values", "generation_id", "sync_id")
# Stands for the group of a document with several parts; no group has this name.
_SEVERAL = "*"
_SEEN = {
    "_id": {
        GROUP: {"$cond": [{"$isArray": "$metadata.parts"}, _SEVERAL, {"$ifNull": [f"$metadata.{GROUP}", ""]}]},
        "has_values": {"$ne": ["$measurements", {}]},
        "generation_id": {"$toLong": "$metadata.generation_id"},
        "sync_id": {"$toLong": "$metadata.sync_id"},
    },
    "ids": {"$push": "$_id"},
    "digest": {"$push": "$metadata.digest"},
    "extracted_at": {"$push": {"$toLong": "$metadata.extracted_at"}},
    "source_modified_at": {"$push": {"$toLong": "$metadata.source_modified_at"}},
}

_CONVERSION_FAILED = 241
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS = frozenset((int, Int64))
_KINDS = {
    "ids": frozenset((str,)),
    "digest": frozenset((str,)),
    "has_values": frozenset((bool,)),
    **dict.fromkeys(RANK, _NUMBERS),
}
# The fields that identify a document as this program's.
_OURS = {
    "measurements": {"$type": "object"},
    "metadata.digest": {"$type": "string"},
    **{f"metadata.{name}": {"$type": kind} for name, kind in zip(RANK, ("date", "long", "long", "date"), strict=True)},
}


@dataclass(slots=True)
class StoredVersions:
    """What the database holds.

    `several` are the documents that also have parts of other groups than the one last requested, by id.
    """

    collection: ObservationCollection
    several: dict[str, Document] = field(default_factory=dict)

    def seen(self, ids: list[str], group: str) -> StoredState:
        """See `Versions.seen`."""
        # One document of lists instead of one document each: 0.5 µs per version instead of 4.
        stages: list[dict[str, Any]] = [{"$match": {"_id": {"$in": ids}}}, {"$group": _SEEN}]
        found: StoredState = {}
        several: list[str] = []
        try:
            for alike in self.collection.aggregate(stages):
                in_common = alike.pop("_id")
                if in_common[GROUP] != group:
                    several += alike["ids"]
                    continue
                repeated = {name: [in_common[name]] * len(alike["ids"]) for name in _OF_GROUP}
                for name, values in {**alike, **repeated}.items():
                    found.setdefault(name, []).extend(values)
        except OperationFailure as error:
            if error.code == _CONVERSION_FAILED:
                self.check_ours(ids)
            raise
        # A missing digest is not added to the list, so the lengths differ.
        of_one_length = len({len(values) for values in found.values()}) <= 1
        if not of_one_length or any(not _KINDS[name].issuperset(map(type, values)) for name, values in found.items()):
            self.check_ours(ids)
        self.several = self._whole(several)
        for name, document in self.several.items():
            if (part := parts_of(document).get(group)) is not None:
                for column, value in _version_of(name, part).items():
                    found.setdefault(column, []).append(value)
        return found

    def _whole(self, ids: list[str]) -> dict[str, Document]:
        """Whole documents by id. Raises SettingError if one of them is not this program's."""
        if not ids:
            return {}
        if self.collection.find_one({"_id": {"$in": ids}, "$nor": [_OURS]}, {"_id": 1}) is not None:
            self.check_ours(ids)
        return {document["_id"]: document for document in self.collection.find({"_id": {"$in": ids}})}

    def holds_any_of(self, table: pa.Table) -> bool:
        """Whether there is any observation of these records' stations in their time span.

        Most batches are entirely new, which one index lookup shows; looking up each id would cost the server
        a twentieth of the cost of inserting them. Any other document with the `_id` of an observation is
        found by the insert.
        """
        times = pc.min_max(table["timestamp"]).as_py()
        stations = pc.unique(table["station_id"]).to_pylist()
        query = {"station.id": {"$in": stations}, "timestamp": {"$gte": times["min"], "$lte": times["max"]}}
        return self.collection.find_one(query, {"_id": 1}) is not None

    def check_ours(self, ids: list[str]) -> None:
        """Raise SettingError if one of the documents does not have the form that this program writes."""
        stranger = self.collection.find_one({"_id": {"$in": ids}, "$nor": [_OURS]}, {"_id": 1})
        if stranger is not None:
            raise SettingError(
                f"document {stranger['_id']} of {self.collection.full_name} has the name of an observation, but this "
                "version of the pipeline did not write it: a field that every document has (measurements, metadata) "
                "is missing or has another type. Remove it, or set MONGODB_COLLECTION to another collection"
            )

    def sources(self, ids: list[str], group: str) -> dict[str, tuple[Any, ...]]:
        """See `Versions.sources`."""
        wanted = {name: f"$metadata.{name}" for name in SOURCE}
        found = self.collection.find({"_id": {"$in": ids}}, wanted)
        sources = {entry["_id"]: tuple(map(entry.get, SOURCE)) for entry in found}
        return sources | {name: tuple(map(part.get, SOURCE)) for name, part in self._parts(ids, group).items()}

    def others(self, ids: list[str], group: str) -> dict[str, set[str]]:
        """See `Versions.others`."""
        wanted = {name: parts_of(self.several[name]) for name in ids if name in self.several}
        return {
            name: set().union(*(part["measurements"] for other, part in parts.items() if other != group))
            for name, parts in wanted.items()
        }

    def part(self, name: str, group: str) -> Part | None:
        """The part of a group, if the document has other parts too."""
        document = self.several.get(name)
        return None if document is None else parts_of(document).get(group)

    def _parts(self, ids: list[str], group: str) -> dict[str, Part]:
        return {name: part for name in ids if (part := self.part(name, group)) is not None}

    def present(self, ids: list[str], group: str) -> Present:
        """See `Versions.present`."""
        parts = self._parts(ids, group)
        of_parts = [(list(part["measurements"]), [name]) for name, part in parts.items()]
        return [*self._present([name for name in ids if name not in parts]), *of_parts]

    def _present(self, ids: list[str]) -> list[tuple[list[str], list[str]]]:
        names = {"$map": {"input": {"$objectToArray": "$measurements"}, "in": "$$this.k"}}
        stages: list[dict[str, Any]] = [
            {"$match": {"_id": {"$in": ids}}},
            {"$group": {"_id": names, "ids": {"$push": "$_id"}}},
        ]
        try:
            return [(group["_id"], group["ids"]) for group in self.collection.aggregate(stages)]
        except OperationFailure:
            self.check_ours(ids)
            raise


def _version_of(name: str, part: Part) -> dict[str, Any]:
    """An entry of each list of `_SEEN`."""
    return {
        "ids": name,
        "digest": part["digest"],
        "has_values": bool(part["measurements"]),
        **{column: _as_number(part[column]) for column in RANK},
    }


def _as_number(value: datetime | int) -> int:
    """Times as milliseconds since 1970."""
    return (value - _EPOCH) // timedelta(milliseconds=1) if isinstance(value, datetime) else int(value)
