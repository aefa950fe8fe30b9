"""Parses objects given as JSON text: payloads, and the few fields of known networks that contain objects."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.extract.envelope import NOTHING
from forecast.extract.fields import spelled
from forecast.extract.json.lines import BadRecordError, FastReader, read_record, rejected_record, rows_of_records
from forecast.extract.limits import line_ends

_NOTHING: Final = pa.array(NOTHING)
# Some programs write an object without members as a list.
_NO_OBJECT: Final = pa.array([*NOTHING, "[]"])
_BINARIES: Final = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)
_TEXTS: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


class Opened(NamedTuple):
    """Rows with their objects parsed, which of the rows are kept, and the others as rejected records."""

    rows: pa.Table
    kept: npt.NDArray[np.intp]
    rejected: list[dict[str, Any]]


def is_binary(kind: pa.DataType) -> bool:
    """Whether a type holds bytes, of any kind."""
    return any(test(kind) for test in _BINARIES)


def as_texts(cells: pa.Array) -> pa.Array:
    """Strings and bytes of any kind as text (bytes that are not text as Python prints them); other cells unchanged."""
    if not is_binary(cells.type) and not any(test(cells.type) for test in _TEXTS):
        return cells
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid:
        found = cells.cast(pa.large_binary()).to_pylist()
        return pa.array([None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in found])


def without_nothing(texts: pa.Array, nothing: pa.Array = _NOTHING) -> pa.Array:
    """Texts; null if one is blank or JSON's null."""
    return pc.if_else(pc.is_in(pc.utf8_trim_whitespace(texts), nothing), pa.scalar(None, pa.string()), texts)


def opened(rows: pa.Table, places: pa.ChunkedArray, fields: Set[str]) -> Opened:
    """Parse these fields (as `spelled`) to objects: CSV, Parquet and stringified JSON have their text.

    A row whose object cannot be read is rejected, because its content is unknown.
    """
    kept = np.arange(len(places))
    rejected: list[dict[str, Any]] = []
    for index, name in enumerate(rows.column_names):
        if spelled(name) not in fields:
            continue
        texts = as_texts(flat(rows.column(index)))
        if not pa.types.is_string(texts.type):
            continue
        objects, own, more = parse_cells(
            FastReader(), without_nothing(texts, _NO_OBJECT), places.take(pa.array(kept)), name
        )
        if more:
            rows, kept = rows.take(own), kept[own]
            rejected += more
        rows = rows.set_column(index, name, pa.chunked_array(objects.to_struct_array()))
    return Opened(rows, kept, rejected)


def parse_cells(
    reader: FastReader, cells: pa.Array, places: pa.ChunkedArray, field: str | None = None
) -> tuple[pa.Table, npt.NDArray[np.intp], list[dict[str, Any]]]:
    """The JSON text of each cell, parsed to columns; which rows are kept; and the rows that cannot be read."""
    filled = pc.replace_substring(pc.fill_null(cells, "{}"), "\n", " ").to_pylist()
    block = "\n".join(filled).encode() + b"\n"
    table = reader.read(block, line_ends(block))
    if table is not None:
        return table, np.arange(len(cells)), []
    records, kept, rejected = [], [], []
    for index, text in enumerate(filled):
        try:
            records.append(read_record(text.encode()))
            kept.append(index)
        except BadRecordError as error:
            rejected.append(rejected_record(places[index].as_py(), str(error), text, field))
    return rows_of_records(records), np.array(kept, dtype=np.intp), rejected


def flat(column: pa.ChunkedArray) -> pa.Array:
    """One array, with large strings as plain strings."""
    cells = column.combine_chunks()
    cells = pa.concat_arrays(cells.chunks) if isinstance(cells, pa.ChunkedArray) else cells
    return cells.cast(pa.string()) if pa.types.is_large_string(cells.type) else cells
