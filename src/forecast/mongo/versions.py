"""The versions of observations: which are there already, and which of two wins.

The order is told in `precedence`. What is compared are records of one parameter group: of a document that several
groups have parts of (`parts`), that group's. One thing goes before the order: what newer rules make of the very same
raw row, in the same version of its object, replaces what older ones made of it; but a record without any value never
replaces one with values. Only the observation counts, the first half of the digest: what the checks say of it follows
from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from bson.int64 import Int64
from pymongo.errors import OperationFailure

from forecast.core.digests import HASH_LENGTH
from forecast.core.errors import SettingError
from forecast.core.precedence import RANK, Column, Mask, Reason, Rows, compared, kept_of_each, order_of, reasons
from forecast.core.removals import Present, Removed, removed_values
from forecast.core.schemas import RECORD_SCHEMA, to_table
from forecast.mongo.client import ObservationCollection
from forecast.mongo.parts import GROUP, Document, Part, parts_of

SOURCE = ("source_uri", "source_row")
# 2 500 documents of 1.3 kB are 3 MB of BSON; more made no insert faster, and every writer holds three copies of them.
BATCH_ROWS = 2_500
# The versions of documents, as lists in one order: ids, digests and ranks, times as milliseconds. Some are mostly one
# for a whole batch: as a group they are read once.
_OF_GROUP = ("has_values", "generation_id", "sync_id")
# What stands for the group of a document with several parts; no group has this name.
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
# What tells that a document is this program's.
_OURS = {
    "measurements": {"$type": "object"},
    "metadata.digest": {"$type": "string"},
    **{f"metadata.{name}": {"$type": kind} for name, kind in zip(RANK, ("date", "long", "long", "date"), strict=True)},
}

StoredState = dict[str, list[Any]]


class CountsOfLoad(Protocol):
    """Counts that tell, among others, what became of records."""

    inserted: int
    updated: int
    unchanged: int
    superseded: int
    values_removed: int


@dataclass(slots=True)
class LoadCounts:
    """What became of records, from the server's answers; and how many stored values their updates removed."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    values_removed: int = 0

    @property
    def records(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.unchanged + self.superseded

    def __add__(self, other: LoadCounts) -> LoadCounts:
        return LoadCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def add_to(self, counts: CountsOfLoad) -> None:
        """Add these to counts that have the same among others."""
        for f in fields(self):
            setattr(counts, f.name, getattr(counts, f.name) + getattr(self, f.name))


class Versions(Protocol):
    """What is there of some observations, by their ids, of one parameter group."""

    def seen(self, ids: list[str], group: str) -> StoredState:
        """The lists of `_SEEN`, in one order; empty where nothing is there."""
        ...

    def sources(self, ids: list[str], group: str) -> dict[str, tuple[Any, ...]]:
        """SOURCE of each that is there."""
        ...

    def present(self, ids: list[str], group: str) -> Present:
        """The parameters of those that are there."""
        ...

    def others(self, ids: list[str], group: str) -> dict[str, set[str]]:
        """The parameters of the parts of other groups, of those that have such parts."""
        ...


@dataclass(slots=True)
class StoredVersions:
    """What the database holds.

    `several` are the documents with parts of another group than that which was last asked for, by their ids.
    """

    collection: ObservationCollection
    several: dict[str, Document] = field(default_factory=dict)

    def seen(self, ids: list[str], group: str) -> StoredState:
        """See `Versions.seen`."""
        # One document of lists, not a document each: 0.5 µs a version instead of 4.
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
        # A digest that is missing is pushed into no list.
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
        """Whole documents by their ids. Raises SettingError where one of them is not this program's."""
        if not ids:
            return {}
        if self.collection.find_one({"_id": {"$in": ids}, "$nor": [_OURS]}, {"_id": 1}) is not None:
            self.check_ours(ids)
        return {document["_id"]: document for document in self.collection.find({"_id": {"$in": ids}})}

    def holds_any_of(self, table: pa.Table) -> bool:
        """Whether there is an observation of these records' stations in the time that they span.

        Most batches are all new, and one look at an index tells so; looking each of their ids up would cost the server
        a twentieth of what inserting them costs. What somebody has named like an observation without being one is
        found by the insert.
        """
        times = pc.min_max(table["timestamp"]).as_py()
        stations = pc.unique(table["station_id"]).to_pylist()
        query = {"station.id": {"$in": stations}, "timestamp": {"$gte": times["min"], "$lte": times["max"]}}
        return self.collection.find_one(query, {"_id": 1}) is not None

    def check_ours(self, ids: list[str]) -> None:
        """Raises SettingError where one of the documents is not as this program writes them."""
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
        """The part of a group, where the document has other parts too."""
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


@dataclass(slots=True)
class Plan:
    """Row numbers of what is to be done, and the versions that were seen.

    That of row r is at place `at[r]` of every list of `seen`; -1 where there is none. `reprocessed` are those of
    `to_replace` that newer rules made of the same raw row. `reasons` says, by row number, what decided about the others
    of them and the superseded ones.
    """

    new: list[int]
    to_replace: list[int]
    reprocessed: list[int]
    touch_lineage: list[int]
    unchanged: list[str]
    superseded: list[int]
    reasons: dict[int, Reason]
    seen: StoredState
    at: Rows

    @classmethod
    def all_new(cls, rows: int) -> Plan:
        """What is to be done where nothing is there yet."""
        return cls(list(range(rows)), [], [], [], [], [], {}, {}, np.full(rows, -1))


def compare(table: pa.Table, versions: Versions) -> Plan:
    """What is there already, and which of the two versions wins; compared as columns. The rows are of one group."""
    ids = table["_id"].combine_chunks()
    seen = versions.seen(ids.to_pylist(), group_of(table))
    if not seen:
        return Plan.all_new(len(ids))
    at = np.asarray(pc.fill_null(pc.index_in(ids, value_set=pa.array(seen["ids"], pa.string())), -1), dtype=np.int64)
    there = np.flatnonzero(at >= 0)
    ours = [column[there] for column in order_of(table, _content_hashes(table["digest"]))]
    theirs = [column[at[there]] for column in _order_of_seen(seen)]
    equal = ours[-1] == theirs[-1]
    newer = ~equal & compared(ours, theirs)[0]
    rank_higher, rank_level = compared(ours[1:-1], theirs[1:-1])
    tied = np.flatnonzero(~equal & rank_level & (ours[0] >= theirs[0]))
    reprocessed = np.zeros(len(there), dtype=bool)
    reprocessed[tied] = _from_the_same_row(table.take(pa.array(there[tied])), versions)
    newer |= reprocessed
    told = np.flatnonzero(~equal & ~reprocessed)
    words = reasons([column[told] for column in ours], [column[told] for column in theirs])
    return Plan(
        new=np.flatnonzero(at < 0).tolist(),
        to_replace=there[newer].tolist(),
        reprocessed=there[reprocessed].tolist(),
        touch_lineage=there[equal & rank_higher].tolist(),
        unchanged=ids.take(pa.array(there[equal])).to_pylist(),
        superseded=there[~equal & ~newer].tolist(),
        reasons=dict(zip(there[told].tolist(), words, strict=True)),
        seen=seen,
        at=at,
    )


def _content_hashes(digests: pa.Array | pa.ChunkedArray) -> Column:
    return np.asarray(pc.utf8_slice_codeunits(digests, 0, HASH_LENGTH).to_pylist(), dtype=object)


def _order_of_seen(seen: StoredState) -> list[Column]:
    """As `order_of` gives it of records."""
    ranks = [np.asarray(seen[name], dtype=np.int64) for name in RANK]
    return [np.asarray(seen["has_values"], dtype=bool), *ranks, _content_hashes(pa.array(seen["digest"], pa.string()))]


def _from_the_same_row(table: pa.Table, versions: Versions) -> Mask:
    """Whether the versions there came from the very same raw rows: then they are what older rules made of them."""
    if not table.num_rows:
        return np.zeros(0, dtype=bool)
    ids = table["_id"].to_pylist()
    found = versions.sources(ids, group_of(table))
    ours = zip(*(table[name].to_pylist() for name in SOURCE), strict=True)
    return np.array([found.get(name) == source for name, source in zip(ids, ours, strict=True)], dtype=bool)


def removed_by(table: pa.Table, plan: Plan, versions: Versions) -> dict[str, list[Removed]]:
    """What replacing removes, by document: what neither the record has nor another part of the document."""
    if not plan.to_replace:
        return {}
    ids = table["_id"].take(pa.array(plan.to_replace)).to_pylist()
    group = group_of(table)
    found = removed_values(table, plan.to_replace, versions.present(ids, group))
    others = versions.others(list(found), group)
    return {
        name: gone
        for name, values in found.items()
        if (gone := [value for value in values if value.parameter not in others.get(name, ())])
    }


def group_of(table: pa.Table) -> str:
    """The parameter group of a batch; empty where its layout names none."""
    return str(table["parameter_group"][0].as_py() or "")


def batches_of(records: pd.DataFrame) -> Iterator[pa.Table]:
    """Records (RECORD_SCHEMA) in batches of BATCH_ROWS, each of one parameter group."""
    whole = to_table(records, RECORD_SCHEMA)
    groups = pc.fill_null(whole["parameter_group"], "")
    names = pc.unique(groups).to_pylist()
    for name in names:
        table = whole if len(names) == 1 else whole.filter(pc.equal(groups, name))
        for at in range(0, table.num_rows, BATCH_ROWS):
            yield table.slice(at, BATCH_ROWS)


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


class Chosen(NamedTuple):
    """Of a batch the record that is kept of each observation; those that are not and differ; and the count of others.

    `reasons` has for each of the lost what decided against it.
    """

    kept: pa.Table
    lost: pa.Table
    reasons: list[Reason]
    counts: LoadCounts


def deduplicate(table: pa.Table) -> Chosen:
    """One record of each observation within a batch."""
    if pc.count_distinct(table["_id"]).as_py() == table.num_rows:
        return Chosen(table, table.slice(0, 0), [], LoadCounts())
    observations = np.asarray(table["_id"].combine_chunks().dictionary_encode().indices)
    order = order_of(table, _content_hashes(table["digest"]))
    kept = kept_of_each(observations, order)
    others = np.setdiff1d(np.arange(table.num_rows), kept)
    # The number of an observation is its place among those that are kept.
    winners = kept[observations[others]]
    equal = order[-1][others] == order[-1][winners]
    lost, against = others[~equal], winners[~equal]
    words = reasons([column[against] for column in order], [column[lost] for column in order])
    return Chosen(
        table.take(pa.array(np.sort(kept))),
        table.take(pa.array(lost)),
        words,
        LoadCounts(unchanged=int(equal.sum()), superseded=len(lost)),
    )
