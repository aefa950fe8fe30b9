"""What loading would do, without doing it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from forecast.core.precedence import RANK, has_values
from forecast.core.removals import Present, present_names, removed_values
from forecast.mongo.client import Documents, told_apart
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.versions import (
    SOURCE,
    LoadCounts,
    Plan,
    Seen,
    StoredVersions,
    Versions,
    batches_of,
    compare,
    one_each,
)

_NAMES = ("_id", "digest", "has_values", *RANK, *SOURCE, "present")
_LISTS = ("ids", "digest", "has_values", *RANK)


class ImaginedVersions:
    """What the database would hold after the records of a dry run so far.

    Those are in a SQLite file, because a run may be larger than memory.
    """

    def __init__(self, collection: Documents, path: Path) -> None:
        self._stored = StoredVersions(collection)
        # The loader's thread, one of its own, uses what the main thread has made.
        self._imagined = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        columns = ", ".join(f'"{name}"' for name in _NAMES[1:])
        self._imagined.execute(f'CREATE TABLE versions ("_id" TEXT PRIMARY KEY, {columns}) WITHOUT ROWID')

    def close(self) -> None:
        """Close the file."""
        self._imagined.close()

    def seen(self, ids: list[str]) -> Seen:
        """See `Versions.seen`."""
        stored = self._stored.seen(ids)
        versions = {row[0]: row for row in zip(*(stored.get(name, ()) for name in _LISTS), strict=True)}
        versions |= {row[0]: row[: len(_LISTS)] for row in self._find(ids)}
        return {name: list(column) for name, column in zip(_LISTS, zip(*versions.values(), strict=True), strict=False)}

    def sources(self, ids: list[str]) -> dict[str, tuple[Any, ...]]:
        """See `Versions.sources`."""
        return self._stored.sources(ids) | {row[0]: row[len(_LISTS) : -1] for row in self._find(ids)}

    def present(self, ids: list[str]) -> Present:
        """See `Versions.present`."""
        imagined = {row[0]: row[-1].split() for row in self._find(ids)}
        stored = self._stored.present([name for name in ids if name not in imagined])
        return [*stored, *((names, [name]) for name, names in imagined.items())]

    def imagine(self, table: pa.Table, plan: Plan) -> None:
        """Take what a plan would write as written."""
        written = table.take(pa.array([*plan.new, *plan.newer, *plan.restamped], pa.int64()))
        columns: dict[str, Any] = {name: written[name].to_pylist() for name in ("_id", "digest", *SOURCE)}
        columns |= {name: written[name].cast(pa.int64()).to_pylist() for name in RANK}
        columns["has_values"] = has_values(written).tolist()
        columns["present"] = [" ".join(names) for names in present_names(written)]
        marks = ", ".join("?" * len(_NAMES))
        rows = zip(*(columns[name] for name in _NAMES), strict=True)
        self._imagined.executemany(f"INSERT OR REPLACE INTO versions VALUES ({marks})", rows)  # noqa: S608

    def _find(self, ids: list[str]) -> list[tuple[Any, ...]]:
        marks = ", ".join("?" * len(ids))
        return self._imagined.execute(f'SELECT * FROM versions WHERE "_id" IN ({marks})', ids).fetchall()  # noqa: S608


def foresee(records: pd.DataFrame, versions: Versions, conflicts: Conflicts | None = None) -> LoadCounts:
    """What `load` would do with records (RECORD_SCHEMA), of which nothing is written; `conflicts` hears of removals."""
    counts = LoadCounts()
    for batch in batches_of(records):
        table, _, _, others = one_each(batch.combine_chunks())
        with told_apart("reading what is there"):
            plan = compare(table, versions)
            ids = table["_id"].take(pa.array(plan.newer, pa.int64())).to_pylist()
            removed = removed_values(table, plan.newer, versions.present(ids)) if ids else {}
        if isinstance(versions, ImaginedVersions):
            versions.imagine(table, plan)
        if conflicts is not None:
            conflicts.replaced(removed.values())
        counts += others + LoadCounts(
            len(plan.new), len(plan.newer), len(plan.unchanged), len(plan.superseded), sum(map(len, removed.values()))
        )
    return counts
