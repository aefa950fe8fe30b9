"""Detects columns in place of rows: {"time": ["00:04", "00:09"], "temperature": [13.8, 13.7]}."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.errors import ObjectRejectedError

_SHOWN_NAMES: Final = 6
_SHOWN_LETTERS: Final = 40
_FEW, _MANY = 2, 3


def columns_not_rows(names: Sequence[str], where: str = "") -> ObjectRejectedError:
    """The rejection of an object that holds its values column by column."""
    shown = ", ".join(repr(str(name)[:_SHOWN_LETTERS]) for name in names[:_SHOWN_NAMES])
    place = f" in {where[:_SHOWN_LETTERS]!r}" if where else ""
    return ObjectRejectedError(
        "unknown_layout",
        f"columns instead of rows: {shown}{place} are lists of values; known networks have one object per time",
    )


def check_fields(fields: Mapping[str, Any]) -> None:
    """Raise ObjectRejectedError if a document, or an object in it, holds lists of values of the same length."""
    for where, part in [("", fields), *((name, value) for name, value in fields.items() if isinstance(value, dict))]:
        lists = {name: value for name, value in part.items() if isinstance(value, list) and not _has_objects(value)}
        if _are_columns(len(lists), len(part)) and len({len(value) for value in lists.values()}) == 1:
            raise columns_not_rows(list(lists), where)


def check_table(rows: pa.Table) -> None:
    """Raise ObjectRejectedError if the cells of a table are lists of values, with the same length within each row."""
    _check(list(zip(rows.column_names, rows.columns, strict=True)), "")
    for name, cells in zip(rows.column_names, rows.columns, strict=True):
        if pa.types.is_struct(cells.type) and any(_is_list(member.type) for member in cells.type):
            members = [(member.name, pc.struct_field(cells, [index])) for index, member in enumerate(cells.type)]
            _check(members, name)


def _check(columns: Sequence[tuple[str, pa.ChunkedArray]], where: str) -> None:
    lists = [(name, cells) for name, cells in columns if _is_list(cells.type)]
    if not _are_columns(len(lists), len(columns)):
        return
    lengths = [np.asarray(pc.fill_null(pc.list_value_length(cells), -1)) for _, cells in lists]
    if len(lengths[0]) and all(np.array_equal(lengths[0], length) for length in lengths):
        raise columns_not_rows([name for name, _ in lists], where)


def _are_columns(lists: int, fields: int) -> bool:
    """Whether there are so many lists that they are columns; a row can have a few lists among many fields."""
    return lists >= _MANY or (lists >= _FEW and _FEW * lists >= fields)


def _is_list(kind: pa.DataType) -> bool:
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not pa.types.is_nested(kind.value_type)


def _has_objects(values: Sequence[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)
