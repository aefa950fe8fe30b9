"""The versions of observations: which are there already, and which of two wins.

The one with the higher rank (generation_id, sync_id, extracted_at) wins; where ranks are equal, the higher digest, so
that every order of loading ends the same; but what newer rules make of the very same raw row replaces what older ones
made of it. Only the observation counts, the first half of the digest: what the checks say of it follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.database import Documents
from forecast.digests import HALF
from forecast.observations import RECORD_SCHEMA, to_table

SOURCE = ("source_uri", "source_row")
RANK = ("generation_id", "sync_id", "extracted_at")
# 2 500 documents of 1.3 kB are 3 MB of BSON; more made no insert faster, and every writer holds three copies of them.
BATCH_ROWS = 2_500
# The versions of documents, as lists in one order: ids, digests and ranks, times as milliseconds. Generation and sync
# are mostly one for a whole batch: as a group they are read once.
_OF_GROUP = ("generation_id", "sync_id")
_SEEN = {
    "_id": {name: {"$toLong": f"$metadata.{name}"} for name in _OF_GROUP},
    "ids": {"$push": "$_id"},
    "digest": {"$push": "$metadata.digest"},
    "extracted_at": {"$push": {"$toLong": "$metadata.extracted_at"}},
}

Seen = dict[str, list[Any]]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class CountsOfLoad(Protocol):
    """Counts that tell, among others, what became of records."""

    inserted: int
    updated: int
    unchanged: int
    superseded: int


@dataclass(slots=True)
class LoadCounts:
    """records = inserted + updated + unchanged + superseded, from the server's answers."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0

    def __add__(self, other: LoadCounts) -> LoadCounts:
        return LoadCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def add_to(self, counts: CountsOfLoad) -> None:
        """Add these to counts that have the same four among others."""
        for f in fields(self):
            setattr(counts, f.name, getattr(counts, f.name) + getattr(self, f.name))


class Versions(Protocol):
    """What is there of some observations, by their ids."""

    def seen(self, ids: list[str]) -> Seen:
        """The lists of `_SEEN`, in one order; empty where nothing is there."""
        ...

    def sources(self, ids: list[str]) -> dict[str, tuple[Any, ...]]:
        """SOURCE of each that is there."""
        ...


@dataclass(frozen=True, slots=True)
class StoredVersions:
    """What the database holds."""

    collection: Documents

    def seen(self, ids: list[str]) -> Seen:
        """See `Versions.seen`."""
        # One document of lists, not a document each: 0.5 µs a version instead of 4.
        stages: list[dict[str, Any]] = [{"$match": {"_id": {"$in": ids}}}, {"$group": _SEEN}]
        found: Seen = {}
        for group in self.collection.aggregate(stages):
            of_group = group.pop("_id")
            repeated = {name: [of_group[name]] * len(group["ids"]) for name in _OF_GROUP}
            for name, values in {**group, **repeated}.items():
                found.setdefault(name, []).extend(values)
        return found

    def sources(self, ids: list[str]) -> dict[str, tuple[Any, ...]]:
        """See `Versions.sources`."""
        wanted = {name: f"$metadata.{name}" for name in SOURCE}
        found = self.collection.find({"_id": {"$in": ids}}, wanted)
        return {entry["_id"]: tuple(map(entry.get, SOURCE)) for entry in found}


@dataclass(slots=True)
class Plan:
    """Row numbers of what is to be done, and the versions that were seen.

    That of row r is at place `at[r]` of every list of `seen`; -1 where there is none. `mended` are those of the newer
    that newer rules made of the same raw row.
    """

    new: list[int]
    newer: list[int]
    mended: list[int]
    restamped: list[int]
    unchanged: list[str]
    superseded: list[int]
    seen: dict[str, list[Any]]
    at: npt.NDArray[np.int64]


def compare(table: pa.Table, versions: Versions) -> Plan:
    """What is there already, and which of the two versions wins; compared as columns."""
    ids = table["_id"].combine_chunks()
    seen = versions.seen(ids.to_pylist())
    if not seen:
        return Plan(list(range(len(ids))), [], [], [], [], [], seen, np.full(len(ids), -1))
    at = np.asarray(pc.fill_null(pc.index_in(ids, value_set=pa.array(seen["ids"], pa.string())), -1), dtype=np.int64)
    there = np.flatnonzero(at >= 0)
    digests = _first_halves(table["digest"].take(pa.array(there)))
    digests_there = _first_halves(pa.array(seen["digest"], pa.string()))[at[there]]
    higher, level = _ranks(table, there, seen, at[there])
    equal = digests == digests_there
    newer = ~equal & (higher | (level & (digests > digests_there)))
    tied = np.flatnonzero(~equal & level)
    mended = np.zeros(len(there), dtype=bool)
    mended[tied] = _from_the_same_row(table.take(pa.array(there[tied])), versions)
    newer |= mended
    return Plan(
        new=np.flatnonzero(at < 0).tolist(),
        newer=there[newer].tolist(),
        mended=there[mended].tolist(),
        restamped=there[equal & higher].tolist(),
        unchanged=ids.take(pa.array(there[equal])).to_pylist(),
        superseded=there[~equal & ~newer].tolist(),
        seen=seen,
        at=at,
    )


def _first_halves(digests: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.object_]:
    return np.asarray(pc.utf8_slice_codeunits(digests, 0, HALF).to_pylist(), dtype=object)


def _from_the_same_row(table: pa.Table, versions: Versions) -> Mask:
    """Whether the versions there came from the very same raw rows: then they are what older rules made of them."""
    if not table.num_rows:
        return np.zeros(0, dtype=bool)
    ids = table["_id"].to_pylist()
    found = versions.sources(ids)
    ours = zip(*(table[name].to_pylist() for name in SOURCE), strict=True)
    return np.array([found.get(name) == source for name, source in zip(ids, ours, strict=True)], dtype=bool)


def _ranks(table: pa.Table, rows: Rows, seen: dict[str, list[Any]], places: Rows) -> tuple[Mask, Mask]:
    """Where the rank of a row is higher than that of the version seen, and where it is level with it."""
    higher = np.zeros(len(rows), dtype=bool)
    level = np.ones(len(rows), dtype=bool)
    for name in RANK:
        ours = np.asarray(table[name].cast(pa.int64()))[rows]
        theirs = np.asarray(seen[name], dtype=np.int64)[places]
        higher |= level & (ours > theirs)
        level &= ours == theirs
    return higher, level


def batches_of(records: pd.DataFrame) -> Iterator[pa.Table]:
    """Records (RECORD_SCHEMA) in batches of BATCH_ROWS."""
    table = to_table(records, RECORD_SCHEMA)
    for at in range(0, table.num_rows, BATCH_ROWS):
        yield table.slice(at, BATCH_ROWS)


def one_each(table: pa.Table) -> tuple[pa.Table, pa.Table, LoadCounts]:
    """The winner of each observation within a batch, the losers that differ from it, and the count of all losers."""
    if pc.count_distinct(table["_id"]).as_py() == table.num_rows:
        return table, table.slice(0, 0), LoadCounts()
    frame = table.select(["_id", *RANK]).to_pandas()
    frame["half"] = _first_halves(table["digest"])
    ordered = frame.sort_values(["_id", *RANK, "half"])
    winners = ordered.drop_duplicates("_id", keep="last")
    losers = ordered.drop(winners.index)
    equal = losers["half"].to_numpy() == winners.set_index("_id")["half"][losers["_id"]].to_numpy()
    kept = table.take(pa.array(sorted(winners.index)))
    lost = table.take(pa.array(sorted(losers.index[~equal]), pa.int64()))
    return kept, lost, LoadCounts(unchanged=int(equal.sum()), superseded=lost.num_rows)
