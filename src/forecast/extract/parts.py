"""Rows that will become a batch, and operations on their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.extract.envelope import (
    MORE_FIELDS,
    PAYLOAD_FIELDS,
    is_sources_own,
    own_names,
)
from forecast.extract.fields import STATION_FIELDS, spelled
from forecast.extract.json.objects import as_texts, flat, is_binary, without_nothing
from forecast.extract.limits import check_columns
from forecast.extract.shapes import Shapes

_SHORT = 16


@dataclass(slots=True)
class Part:
    """Rows, their origin, the tables of fields next to them (the innermost first), and the rejected records.

    `rows` may have no columns; `origin` has the number of rows.
    """

    rows: pa.Table
    origin: pa.Table
    beside: list[pa.Table]
    rejected: list[dict[str, Any]]

    def keep(self, kept: npt.NDArray[np.intp], rows: pa.Table | None = None) -> None:
        """Only keep some of the rows; `rows` are these, if they have already been selected."""
        if len(kept) < len(self.origin):
            self.rows = _taken(self.rows, kept) if rows is None else rows
            self.origin = self.origin.take(kept)
            self.beside = [_taken(level, kept) for level in self.beside]
        elif rows is not None:
            self.rows = rows


def take_more_fields(part: Part) -> None:
    """Add the fields for which Airbyte had no column to the other columns."""
    if part.rows.column_names.count(MORE_FIELDS) != 1:
        return
    cells = flat(part.rows[MORE_FIELDS])
    if pa.types.is_map(cells.type):
        cells = pa.array(cells.to_pylist(maps_as_pydicts="lossy"))
    if pa.types.is_struct(cells.type):
        check_columns(cells.type.num_fields, len(cells))
        part.beside.insert(0, members(cells))
    elif cells.null_count < len(cells):
        return
    part.rows = part.rows.drop_columns([MORE_FIELDS])


def are_documents(rows: pa.Table, shapes: Shapes, size: int) -> Mask:
    """The rows that have something in a field in which documents have their rows.

    Raises ObjectRejectedError if such a name appears twice.
    """
    found = np.zeros(size, dtype=bool)
    for index, name in enumerate(rows.column_names):
        if name in shapes.containers:
            cells = flat(rows.column(index))
            found |= np.asarray((without_nothing(cells) if pa.types.is_string(cells.type) else cells).is_valid())
    if found.any() and len(set(rows.column_names)) < len(rows.column_names):
        raise ObjectRejectedError("duplicate_column", "two columns of the documents have the same name")
    return found


def payload_cells(table: pa.Table, field: str) -> pa.Array:
    """The payloads: objects, JSON text, or of a type that cannot be a payload; null if blank."""
    first, *others = [flat(table.column(index)) for index in table.schema.get_all_field_indices(field)]
    if any(not cells.equals(first) for cells in others):
        raise ObjectRejectedError("duplicate_column", f"two columns are called {field!r} and their values differ")
    if pa.types.is_dictionary(first.type):
        first = first.dictionary_decode()
    first = as_texts(first)
    if not pa.types.is_string(first.type) or (pc.min(pc.binary_length(first)).as_py() or 0) > _SHORT:
        return first
    return without_nothing(first)


def bytes_of(cells: pa.Array) -> bytes:
    """All texts of an array, concatenated."""
    data = cells.buffers()[2]
    return b"" if data is None else data.to_pybytes()


def filled_fields(rows: pa.Table, index: int) -> dict[str, Any]:
    """The fields of a row that are not empty; values that Python cannot represent are replaced by their type."""
    fields = {}
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        try:
            value = column[index].as_py()
        except (ValueError, OverflowError, pa.ArrowException):
            value = str(column.type)
        if value is not None:
            fields[name] = value
    return fields


def sources_own(table: pa.Table, payload: str | None = None) -> pa.Table:
    """The columns that are not part of the envelope, without the payload that they are next to."""
    own = table.select([index for index, name in enumerate(table.column_names) if is_sources_own(name, payload)])
    names = own_names(own.column_names)
    return own if names == own.column_names else own.rename_columns(names)


def _taken(table: pa.Table, kept: npt.NDArray[np.intp]) -> pa.Table:
    return table.take(kept) if table.column_names else table


def no_columns() -> pa.Table:
    """A table without any column."""
    return pa.table({})


def plain(table: pa.Table) -> pa.Table:
    """Decimals and bytes as text: 7.6 stays 7.6, and only texts and numbers have to be converted later."""
    for index, name in enumerate(table.column_names):
        cells = table.column(index)
        if pa.types.is_decimal(cells.type):
            table = table.set_column(index, name, cells.cast(pa.string()))
        elif is_binary(cells.type):
            table = table.set_column(index, name, pa.chunked_array([_text_of_bytes(name, flat(cells))]))
    return table


def _text_of_bytes(name: str, cells: pa.Array) -> pa.Array:
    """Bytes decoded to text; bytes that are not text as Python prints them.

    Raises ObjectRejectedError if they should name the station but no row has text.
    """
    if pa.types.is_fixed_size_binary(cells.type):
        cells = pc.replace_substring_regex(cells.cast(pa.binary()), "\0+$", "")
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid:
        found = cells.to_pylist()
    texts = [None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in found]
    if spelled(name) in STATION_FIELDS and all(
        text is None or text.encode() != cell for text, cell in zip(texts, found, strict=True)
    ):
        first = next(text for text in texts if text is not None)
        message = f"the field {name!r}, which names the station, holds bytes that are not text: {first[:40]!r}"
        raise ObjectRejectedError("bad_envelope", message)
    return pa.array(texts, pa.string())


def members(cells: pa.StructArray) -> pa.Table:
    """The members of objects as columns; the members of a null object are null."""
    members = [pc.struct_field(cells, [index]) for index in range(cells.type.num_fields)]
    return pa.Table.from_arrays(members, [field.name for field in cells.type])


def positions(first: int, count: int, before: str = "line ", after: str = "") -> pa.Array:
    """The positions of rows, for people: "line 7", "[6]"."""
    numbers = pa.array(np.arange(first, first + count)).cast(pa.string())
    return pc.binary_join_element_wise(before, numbers, after, "")


def has_one_shape(table: pa.Table) -> bool:
    """Whether every row has its payload in the same place."""
    cells = [
        column for name, column in zip(table.column_names, table.columns, strict=True) if name.lower() in PAYLOAD_FIELDS
    ]
    return all(
        column.null_count == 0 and (pa.types.is_struct(column.type) or pa.types.is_string(column.type))
        for column in cells
    )
