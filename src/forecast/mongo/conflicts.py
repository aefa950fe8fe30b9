"""Records duplicates with differing values, which one was kept and why, and the values that were removed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.parameters import MEASURED_NAMES
from forecast.core.precedence import Reason
from forecast.core.removals import Removed
from forecast.mongo.client import mongo_errors
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.versions import Plan, group_of

# At most this many are reported in full; all are counted.
MAX_EXAMPLES: Final = 20


class Side(NamedTuple):
    """One of two records of an observation: its raw object and its values."""

    source_uri: str
    values: dict[str, float | None]


class Conflict(NamedTuple):
    """Two records of one observation: the differing values of both, and the criterion that decided."""

    observation: str
    reason: Reason
    winner: Side
    loser: Side


@dataclass(slots=True)
class Conflicts:
    """`by_station` counts the losers; `examples` has the first of them, with what won and why.

    `removed` counts the stored values that are missing from the records that replaced theirs.
    """

    by_station: Counter[str] = field(default_factory=Counter)
    examples: list[Conflict] = field(default_factory=list)
    removed: Counter[Removed] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def merge(self, by_station: Counter[str], examples: Iterable[Conflict], removed: Counter[Removed]) -> None:
        """Add what another process recorded."""
        with self._lock:
            self.by_station.update(by_station)
            self.examples.extend(list(examples)[: MAX_EXAMPLES - len(self.examples)])
            self.removed.update(removed)

    def replaced(self, removed: Iterable[Iterable[Removed]]) -> None:
        """Record the values that were removed from replaced documents, one group per document."""
        with self._lock:
            for values in removed:
                self.removed.update(values)

    def removed_by(self, source_uri: str) -> Counter[Removed]:
        """The values that the records of one raw object removed."""
        with self._lock:
            return Counter({one: number for one, number in self.removed.items() if one.source_uri == source_uri})

    def add_batch_losers(self, kept: pa.Table, lost: pa.Table, reasons: list[Reason]) -> None:
        """Record rows that lost against another row of the same batch, and why."""
        if not lost.num_rows:
            return
        others = kept.filter(pc.is_in(kept["_id"], value_set=lost["_id"].combine_chunks()))
        winners = {row["_id"]: row for row in _rows(others)}
        for row, reason in zip(_rows(lost), reasons, strict=True):
            self._record(row, _side(winners[row["_id"]]), _side(row), reason)

    def add_stored_losers(self, table: pa.Table, plan: Plan, versions: StoredVersions) -> None:
        """Record rows that replaced or lost against a stored record of another delivery, by parameter group."""
        reprocessed = set(plan.reprocessed)
        winning = [row for row in plan.to_replace if row not in reprocessed]
        rows = [*winning, *plan.superseded]
        if not rows:
            return
        group, ours = group_of(table), table.take(pa.array(rows))
        with mongo_errors("reading stored versions"):
            found = versions.collection.find(
                {"_id": {"$in": ours["_id"].to_pylist()}}, {"measurements": 1, "metadata.source_uri": 1}
            )
            stored = {document["_id"]: document for document in found}
        for number, row in enumerate(_rows(ours)):
            if (document := stored.get(row["_id"])) is not None:
                part = versions.part(row["_id"], group)
                uri, values = document["metadata"]["source_uri"], document["measurements"]
                theirs = Side(uri, values) if part is None else Side(part["source_uri"], part["measurements"])
                pair = (_side(row), theirs) if number < len(winning) else (theirs, _side(row))
                self._record(row, *pair, plan.reasons[rows[number]])

    def _record(self, row: dict[str, Any], kept: Side, lost: Side, reason: Reason) -> None:
        """Count a loser and report it, unless only a parse issue or the station's description differs."""
        differing = [name for name in MEASURED_NAMES if kept.values.get(name) != lost.values.get(name)]
        if not differing:
            return
        sides = (Side(side.source_uri, {name: side.values.get(name) for name in differing}) for side in (kept, lost))
        entry = Conflict(row["_id"], reason, *sides)
        with self._lock:
            self.by_station[row["station_id"]] += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(entry)


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(["_id", "station_id", "source_uri", *MEASURED_NAMES]).to_pylist()
    return rows


def _side(row: dict[str, Any]) -> Side:
    return Side(row["source_uri"], {name: row[name] for name in MEASURED_NAMES if row[name] is not None})
