"""Rows that their producer has marked as deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask
from forecast.extract.fields import marks_deletion
from forecast.extract.json.lines import rejected_record
from forecast.extract.parts import filled_fields

DELETED: Final = "deleted_by_source"
_NOT_DELETED: Final = pa.array(["", "false", "f", "no", "n", "0", "null", "none"])
_SHOWN: Final = 40


def without_marks(rows: pa.Table) -> pa.Table:
    """The columns that do not mark deletions."""
    own = [index for index, name in enumerate(rows.column_names) if not marks_deletion(name)]
    return rows if len(own) == rows.num_columns else rows.select(own)


def deleted_in(levels: Sequence[pa.Table], positions: pa.ChunkedArray) -> tuple[Mask, list[dict[str, Any]]]:
    """Which rows are marked as deleted, and a rejected record for each.

    `levels` are the rows and the tables of fields next to them; any of them may have marks.
    """
    deleted = np.zeros(len(positions), dtype=bool)
    records: list[dict[str, Any]] = []
    for level in levels:
        for index, name in enumerate(level.column_names):
            if not marks_deletion(name):
                continue
            found = _filled(level.column(index)) & ~deleted
            deleted |= found
            records += [_record(level, name, positions[row].as_py(), row) for row in np.flatnonzero(found).tolist()]
    return deleted, records


def _filled(cells: pa.ChunkedArray) -> Mask:
    """Where a mark is neither empty nor some form of "no"."""
    try:
        texts = pc.utf8_lower(pc.utf8_trim_whitespace(cells.cast(pa.string())))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.asarray(cells.is_valid(), dtype=bool)
    # Without any rows, NumPy could not infer the type.
    return np.asarray(pc.and_(texts.is_valid(), pc.invert(pc.is_in(texts, value_set=_NOT_DELETED))), dtype=bool)


def _record(level: pa.Table, name: str, position: str, row: int) -> dict[str, Any]:
    fields = filled_fields(level, row)
    value = str(fields[name])[:_SHOWN]
    reason = f"the source marked the row as deleted: {name[:_SHOWN]} is {value!r}"
    return rejected_record(position, reason, fields) | {"code": DELETED, "field": name[:_SHOWN], "value": value}
