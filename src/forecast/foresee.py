"""What loading would do, without doing it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from forecast.database import Documents, told_apart
from forecast.versions import (
    RANK,
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

_NAMES = ("_id", "digest", *RANK, *SOURCE)
_LISTS = ("ids", "digest", *RANK)


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
        return self._stored.sources(ids) | {row[0]: row[len(_LISTS) :] for row in self._find(ids)}

    def imagine(self, table: pa.Table, plan: Plan) -> None:
        """Take what a plan would write as written."""
        written = table.take(pa.array([*plan.new, *plan.newer, *plan.restamped], pa.int64()))
        columns = [written[name].cast(pa.int64()) if name == "extracted_at" else written[name] for name in _NAMES]
        marks = ", ".join("?" * len(_NAMES))
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        self._imagined.executemany(f"INSERT OR REPLACE INTO versions VALUES ({marks})", rows)  # noqa: S608

    def _find(self, ids: list[str]) -> list[tuple[Any, ...]]:
        marks = ", ".join("?" * len(ids))
        return self._imagined.execute(f'SELECT * FROM versions WHERE "_id" IN ({marks})', ids).fetchall()  # noqa: S608


def foresee(records: pd.DataFrame, versions: Versions) -> LoadCounts:
    """What `load` would do with records (RECORD_SCHEMA), of which nothing is written."""
    counts = LoadCounts()
    for batch in batches_of(records):
        table, _, others = one_each(batch.combine_chunks())
        with told_apart("reading what is there"):
            plan = compare(table, versions)
        if isinstance(versions, ImaginedVersions):
            versions.imagine(table, plan)
        counts += others + LoadCounts(len(plan.new), len(plan.newer), len(plan.unchanged), len(plan.superseded))
    return counts
