"""Compares records with stored versions of observations, and plans what to do with a batch.

`stored_versions` reads the stored versions; `precedence` defines the order. Records of the same parameter group are
compared: if a document has parts of several groups (`parts`), with that group's part. One rule comes before the order:
what newer rules make of the same raw row, in the same version of its object, replaces what older rules made of it. But
a record without any value never replaces one with values. Only the first half of the digest is compared, because QC
results are derived from the observations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.digests import HASH_LENGTH
from forecast.core.precedence import RANK, Column, Mask, Reason, Rows, compared, kept_of_each, order_of, reasons
from forecast.core.removals import Present, Removed, removed_values
from forecast.core.schemas import RECORD_SCHEMA, to_table

SOURCE = ("source_uri", "source_row")
# 2 500 documents of 1.3 kB are 3 MB of BSON. More did not make inserts faster, and every writer holds three copies.
BATCH_ROWS = 2_500
StoredState = dict[str, list[Any]]


class CountsOfLoad(Protocol):
    """Counts that include what became of records."""

    inserted: int
    updated: int
    unchanged: int
    superseded: int
    values_removed: int


@dataclass(slots=True)
class LoadCounts:
    """What became of records according to the server, and how many stored values their updates removed."""

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
        """Add these counts to others that include the same fields."""
        for f in fields(self):
            setattr(counts, f.name, getattr(counts, f.name) + getattr(self, f.name))


class Versions(Protocol):
    """What is stored of some observations, by id, for one parameter group."""

    def seen(self, ids: list[str], group: str) -> StoredState:
        """Ids, digest, has_values and RANK as parallel lists, with times in ms; empty if nothing is stored."""
        ...

    def sources(self, ids: list[str], group: str) -> dict[str, tuple[Any, ...]]:
        """SOURCE of each stored observation."""
        ...

    def present(self, ids: list[str], group: str) -> Present:
        """The parameters of the stored observations."""
        ...

    def others(self, ids: list[str], group: str) -> dict[str, set[str]]:
        """The parameters in parts of other groups, for observations that have such parts."""
        ...


@dataclass(slots=True)
class Plan:
    """What to do with each row, by row number, and the versions that were read.

    The version for row r is at index `at[r]` of every list of `seen`; -1 if there is none. `reprocessed` are those of
    `to_replace` that newer rules made of the same raw row. `reasons` has, by row number, what decided about the others
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
        """The plan if nothing is stored yet."""
        return cls(list(range(rows)), [], [], [], [], [], {}, {}, np.full(rows, -1))


def compare(table: pa.Table, versions: Versions) -> Plan:
    """Compare rows of one parameter group with what is stored, column by column, and decide which version wins."""
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
    differing = np.flatnonzero(~equal & ~reprocessed)
    words = reasons([column[differing] for column in ours], [column[differing] for column in theirs])
    return Plan(
        new=np.flatnonzero(at < 0).tolist(),
        to_replace=there[newer].tolist(),
        reprocessed=there[reprocessed].tolist(),
        touch_lineage=there[equal & rank_higher].tolist(),
        unchanged=ids.take(pa.array(there[equal])).to_pylist(),
        superseded=there[~equal & ~newer].tolist(),
        reasons=dict(zip(there[differing].tolist(), words, strict=True)),
        seen=seen,
        at=at,
    )


def _content_hashes(digests: pa.Array | pa.ChunkedArray) -> Column:
    halves: Column = pc.utf8_slice_codeunits(digests, 0, HASH_LENGTH).to_numpy(zero_copy_only=False)
    return halves


def _order_of_seen(seen: StoredState) -> list[Column]:
    """The same columns as `order_of` returns for records."""
    # The driver's own class of integers takes `asarray` more than twice as long.
    ranks = [np.fromiter(seen[name], np.int64, len(seen[name])) for name in RANK]
    return [np.asarray(seen["has_values"], dtype=bool), *ranks, _content_hashes(pa.array(seen["digest"], pa.string()))]


def _from_the_same_row(table: pa.Table, versions: Versions) -> Mask:
    """Whether the stored versions came from the same raw rows, so that older rules made them."""
    if not table.num_rows:
        return np.zeros(0, dtype=bool)
    ids = table["_id"].to_pylist()
    found = versions.sources(ids, group_of(table))
    ours = zip(*(table[name].to_pylist() for name in SOURCE), strict=True)
    return np.array([found.get(name) == source for name, source in zip(ids, ours, strict=True)], dtype=bool)


def removed_by(table: pa.Table, plan: Plan, versions: Versions) -> dict[str, list[Removed]]:
    """The values that replacing removes, by document: those in neither the record nor another part of the document."""
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
    """The parameter group of a batch; empty if its layout has none."""
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


class Chosen(NamedTuple):
    """The record of a batch that is kept for each observation, those that lost and differ, and those that are equal.

    `reasons` has what decided against each record that lost.
    """

    kept: pa.Table
    lost: pa.Table
    reasons: list[Reason]
    equal: pa.Table


def deduplicate(table: pa.Table) -> Chosen:
    """Keep one record of each observation within a batch."""
    if pc.count_distinct(table["_id"]).as_py() == table.num_rows:
        return Chosen(table, table.slice(0, 0), [], table.slice(0, 0))
    observations = np.asarray(table["_id"].combine_chunks().dictionary_encode().indices)
    order = order_of(table, _content_hashes(table["digest"]))
    kept = kept_of_each(observations, order)
    others = np.setdiff1d(np.arange(table.num_rows), kept)
    # The number of an observation is its index among those that are kept.
    winners = kept[observations[others]]
    equal = order[-1][others] == order[-1][winners]
    lost, against = others[~equal], winners[~equal]
    words = reasons([column[against] for column in order], [column[lost] for column in order])
    return Chosen(
        table.take(pa.array(np.sort(kept))),
        table.take(pa.array(lost)),
        words,
        table.take(pa.array(others[equal])),
    )
