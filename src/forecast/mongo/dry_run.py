"""Determines what loading would do, without writing anything."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from forecast.core.precedence import RANK, has_values
from forecast.core.removals import Present, present_names
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.parts import GROUP
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.versions import (
    SOURCE,
    LoadCounts,
    Plan,
    StoredState,
    Versions,
    batches_of,
    compare,
    deduplicate,
    group_of,
    removed_by,
)

_NAMES = ("_id", GROUP, "digest", "has_values", *RANK, *SOURCE, "present")
_KEYS = ("_id", GROUP)
_LISTS = ("ids", "digest", "has_values", *RANK)


class DryRunOverlay:
    """What the database would hold after the records so far of a dry run.

    The records are in a SQLite file, because a run may be larger than memory.
    """

    def __init__(self, collection: ObservationCollection, path: Path) -> None:
        self._stored = StoredVersions(collection)
        # The main thread creates the connection, and the loader's thread uses it.
        self._overlay = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # The file is not needed after a crash, so writes need not reach the disk.
        self._overlay.execute("PRAGMA synchronous = OFF")
        columns = ", ".join(f'"{name}"' for name in _NAMES)
        keys = ", ".join(_KEYS)
        self._overlay.execute(f"CREATE TABLE versions ({columns}, PRIMARY KEY ({keys})) WITHOUT ROWID")

    def close(self) -> None:
        """Close the file."""
        self._overlay.close()

    def seen(self, ids: list[str], group: str) -> StoredState:
        """See `Versions.seen`."""
        stored = self._stored.seen(ids, group)
        versions = {row[0]: row for row in zip(*(stored.get(name, ()) for name in _LISTS), strict=True)}
        versions |= {row[0]: (row[0], *row[len(_KEYS) : len(_LISTS) + 1]) for row in self._find(ids, group)}
        return {name: list(column) for name, column in zip(_LISTS, zip(*versions.values(), strict=True), strict=False)}

    def sources(self, ids: list[str], group: str) -> dict[str, tuple[Any, ...]]:
        """See `Versions.sources`."""
        overlay = {row[0]: row[len(_LISTS) + 1 : -1] for row in self._find(ids, group)}
        return self._stored.sources(ids, group) | overlay

    def present(self, ids: list[str], group: str) -> Present:
        """See `Versions.present`."""
        overlay = {row[0]: row[-1].split() for row in self._find(ids, group)}
        stored = self._stored.present([name for name in ids if name not in overlay], group)
        return [*stored, *((names, [name]) for name, names in overlay.items())]

    def others(self, ids: list[str], group: str) -> dict[str, set[str]]:
        """See `Versions.others`."""
        found = self._stored.others(ids, group)
        for name, other, *_, names in self._find(ids):
            if other != group:
                found.setdefault(name, set()).update(names.split())
        return found

    def apply(self, table: pa.Table, plan: Plan) -> None:
        """Record what a plan would write as written."""
        written = table.take(pa.array([*plan.new, *plan.to_replace, *plan.touch_lineage], pa.int64()))
        columns: dict[str, Any] = {name: written[name].to_pylist() for name in ("_id", "digest", *SOURCE)}
        columns[GROUP] = [group_of(table)] * written.num_rows
        columns |= {name: written[name].cast(pa.int64()).to_pylist() for name in RANK}
        columns["has_values"] = has_values(written).tolist()
        columns["present"] = [" ".join(names) for names in present_names(written)]
        marks = ", ".join("?" * len(_NAMES))
        rows = zip(*(columns[name] for name in _NAMES), strict=True)
        self._overlay.executemany(f"INSERT OR REPLACE INTO versions VALUES ({marks})", rows)  # noqa: S608

    def _find(self, ids: list[str], group: str | None = None) -> list[tuple[Any, ...]]:
        """The versions of one group, or of all."""
        marks = ", ".join("?" * len(ids))
        found = self._overlay.execute(f'SELECT * FROM versions WHERE "_id" IN ({marks})', ids).fetchall()  # noqa: S608
        return [row for row in found if group is None or row[1] == group]


def plan_load(records: pd.DataFrame, versions: Versions, conflicts: Conflicts | None = None) -> LoadCounts:
    """What `load` would do with records (RECORD_SCHEMA), without writing any; `conflicts` records removals."""
    counts = LoadCounts()
    for batch in batches_of(records):
        table, lost, _, equal = deduplicate(batch.combine_chunks())
        with mongo_errors("reading stored versions"):
            plan = compare(table, versions)
            removed = removed_by(table, plan, versions)
            new = table["_id"].take(pa.array(plan.new, pa.int64())).to_pylist()
            merged = len(versions.others(new, group_of(table)))
        if isinstance(versions, DryRunOverlay):
            versions.apply(table, plan)
        if conflicts is not None:
            conflicts.replaced(removed.values())
        counts += LoadCounts(
            len(new) - merged,
            len(plan.to_replace) + merged,
            len(plan.unchanged) + equal.num_rows,
            len(plan.superseded) + lost.num_rows,
            sum(map(len, removed.values())),
        )
    return counts
