"""Deliveries of one observation that contradict each other: the newer one wins, and both are told."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.database import Documents, told_apart
from forecast.parameters import MEASURED_NAMES
from forecast.versions import Plan

# So many are told in full; all are counted.
MOST_TOLD: Final = 20
Side = dict[str, Any]


@dataclass(slots=True)
class Conflicts:
    """`by_station` counts the losers; `told` has the first of them, with what was kept and what was not."""

    by_station: Counter[str] = field(default_factory=Counter)
    told: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def within(self, kept: pa.Table, lost: pa.Table) -> None:
        """Rows of one batch that lost against another of it."""
        if not lost.num_rows:
            return
        rivals = kept.filter(pc.is_in(kept["_id"], value_set=lost["_id"].combine_chunks()))
        winners = {row["_id"]: row for row in _rows(rivals)}
        for row in _rows(lost):
            self._tell(row, _side(winners[row["_id"]]), _side(row))

    def with_stored(self, table: pa.Table, plan: Plan, collection: Documents) -> None:
        """Rows that replace another delivery's, and rows that come too late."""
        mended = set(plan.mended)
        winning = [row for row in plan.newer if row not in mended]
        rows = [*winning, *plan.superseded]
        if not rows:
            return
        part = table.take(pa.array(rows))
        with told_apart("reading what is there"):
            found = collection.find(
                {"_id": {"$in": part["_id"].to_pylist()}}, {"measurements": 1, "metadata.source_uri": 1}
            )
            stored = {document["_id"]: document for document in found}
        for number, row in enumerate(_rows(part)):
            if (document := stored.get(row["_id"])) is not None:
                theirs = {"source_uri": document["metadata"]["source_uri"], "values": document["measurements"]}
                pair = (_side(row), theirs) if number < len(winning) else (theirs, _side(row))
                self._tell(row, *pair)

    def _tell(self, row: dict[str, Any], kept: Side, lost: Side) -> None:
        """Count a loser and tell of it, unless all that differs is a note, or how the station is described."""
        differing = [name for name in MEASURED_NAMES if kept["values"].get(name) != lost["values"].get(name)]
        if not differing:
            return
        entry = {
            "observation": row["_id"],
            **{
                name: {"source_uri": side["source_uri"], "values": {p: side["values"].get(p) for p in differing}}
                for name, side in (("kept", kept), ("not_kept", lost))
            },
        }
        with self._lock:
            self.by_station[row["station_id"]] += 1
            if len(self.told) < MOST_TOLD:
                self.told.append(entry)


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(["_id", "station_id", "source_uri", *MEASURED_NAMES]).to_pylist()
    return rows


def _side(row: dict[str, Any]) -> Side:
    return {
        "source_uri": row["source_uri"],
        "values": {name: row[name] for name in MEASURED_NAMES if row[name] is not None},
    }
