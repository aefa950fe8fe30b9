"""Airbyte's envelope as columns of a table, of any type that a file declares.

The types that Airbyte's destinations write are read as whole columns. Cells of any other type go through the
functions that read single records, so that a table and JSON lines with the same envelope have the same origin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.clock import TICKS_PER_SECOND
from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import ORIGIN_SCHEMA, UTC_TIME
from forecast.extract.envelope import (
    CHANGES,
    ERRORS,
    EXTRACTED,
    GENERATION,
    LAST_MS,
    MAX_COUNTER,
    META,
    bad_counter,
    bad_envelope,
    changes_text,
    lost_of,
    read_counter,
    read_instant,
    read_meta,
)

_SYNC = "sync_id"
_ENTRY: Final = pa.struct([(_SYNC, pa.int64()), (CHANGES, pa.string())])


def origin_of_table(table: pa.Table, positions: pa.Array, raw: RawObject) -> pa.Table:
    """Origin of a table's rows (ORIGIN_SCHEMA); the table still has its envelope.

    Raises ObjectRejectedError that names a cell of the envelope that is invalid.
    """
    size = table.num_rows
    stamps = [_instants(cells) for name in EXTRACTED if (cells := _cells(table, name)) is not None]
    generations = _cells(table, GENERATION)
    sync, changes = _meta(_cells(table, META), size)
    return pa.table(
        {
            "position": positions,
            "extracted_at": reduce(pc.coalesce, [*stamps, pa.scalar(raw.last_modified, UTC_TIME)])
            if stamps
            else _repeat(raw.last_modified, UTC_TIME, size),
            "generation_id": _repeat(0, pa.int64(), size) if generations is None else _counters(generations),
            "sync_id": sync,
            "changes": changes,
        },
        schema=ORIGIN_SCHEMA,
    )


def _cells(table: pa.Table, name: str) -> pa.Array | None:
    """The cells of the column with this name; None if there is none.

    Raises ObjectRejectedError if there are two that differ.
    """
    first, *others = [_flat(table.column(index)) for index in table.schema.get_all_field_indices(name)] or [None]
    if any(not cells.equals(first) for cells in others):
        raise ObjectRejectedError("duplicate_column", f"two columns are called {name!r} and their values differ")
    return first


def _instants(cells: pa.Array) -> pa.Array:
    """Times of extraction; null if there is none."""
    if pa.types.is_timestamp(cells.type):
        _check(cells.cast(pa.int64()), LAST_MS // 1000 * TICKS_PER_SECOND[cells.type.unit])
        stamps = cells.cast(pa.timestamp("ms", tz=cells.type.tz), safe=False)
    elif pa.types.is_integer(cells.type):
        _check(cells, LAST_MS)
        stamps = cells.cast(pa.timestamp("ms"))
    else:
        stamps = _each(cells, read_instant, pa.int64(), "time of extraction")
    return stamps.cast(pa.int64()).cast(UTC_TIME)


def _counters(cells: pa.Array) -> pa.Array:
    """Whole numbers; 0 if there is none."""
    if pa.types.is_integer(cells.type):
        if (odd := _beyond(cells, MAX_COUNTER - 1)) is not None:
            raise bad_counter(odd)
        numbers = cells.cast(pa.int64())
    else:
        numbers = _each(cells, read_counter, pa.int64(), GENERATION)
    return pc.fill_null(numbers, 0)


def _meta(cells: pa.Array | None, size: int) -> tuple[pa.Array, pa.Array]:
    """The sync ids, and Airbyte's changes as JSON text, if there are any."""
    if cells is None:
        return _repeat(0, pa.int64(), size), pa.nulls(size, pa.string())
    names = [field.name for field in cells.type] if pa.types.is_struct(cells.type) else []
    if not names or ERRORS in names:
        entries = _each(cells, _entry, _ENTRY, META)
        return pc.fill_null(pc.struct_field(entries, _SYNC), 0), pc.struct_field(entries, CHANGES)
    sync = _counters(pc.struct_field(cells, _SYNC)) if _SYNC in names else _repeat(0, pa.int64(), size)
    if CHANGES not in names:
        return sync, pa.nulls(size, pa.string())
    changes = pc.struct_field(cells, CHANGES)
    if pa.types.is_list(changes.type) and not pc.max(pc.list_value_length(changes)).as_py():
        return sync, pa.nulls(size, pa.string())
    return sync, _each(changes, changes_text, pa.string(), META)


def _entry(meta: Any) -> dict[str, Any]:
    read = read_meta(meta)
    return {_SYNC: read_counter(read.get(_SYNC)), CHANGES: lost_of(read)}


def _each(cells: pa.Array, read: Callable[[Any], Any], kind: pa.DataType, part: str) -> pa.Array:
    """The result of `read` for every cell; it is called once for equal cells."""
    try:
        encoded = cells.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return pa.array([read(value) for value in _values(cells, part)], kind)
    return pa.array([read(value) for value in _values(encoded.dictionary, part)], kind).take(encoded.indices)


def _values(cells: pa.Array, part: str) -> list[Any]:
    """Cells as Python values.

    Raises ObjectRejectedError for those that Python cannot represent: times beyond its years, text that is not UTF-8.
    """
    try:
        return list(cells.to_pylist(maps_as_pydicts="lossy"))
    except (ValueError, OverflowError, pa.ArrowException) as error:
        raise bad_envelope(part, f"a {cells.type} that cannot be read", f"{type(error).__name__}: {error}") from error


def _check(milliseconds: pa.Array, most: int) -> None:
    """Raise ObjectRejectedError for a time of extraction before 1970 or later than `most`."""
    if (odd := _beyond(milliseconds, most)) is not None:
        raise bad_envelope("time of extraction", "not a time", odd)


def _beyond(numbers: pa.Array, most: int) -> int | None:
    """A number below 0 or above `most`, if there is one."""
    bounds = pc.min_max(numbers).as_py()
    return next((bound for bound in bounds.values() if bound is not None and not 0 <= bound <= most), None)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    cells = column.combine_chunks()
    if isinstance(cells, pa.ChunkedArray):
        cells = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)
    return cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells


def _repeat(value: Any, kind: pa.DataType, size: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), size)
