"""JSON records to columns: the fast way through Arrow, and the patient way through Python.

The patient way tells what is wrong with which record. Both give the same rows (a property test holds them to it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from forecast.extract.limits import check_depth, too_deep

# The first lines teach the schema; the rest is parsed once.
_SAMPLE_BYTES = 64 << 10
BARE_CONSTANT = "{} (a bare constant, which JSON does not have)"


class BadRecordError(ValueError):
    """A record that is no JSON object; the text says why."""


class FastReader:
    """Reads blocks of JSON lines with Arrow.

    It keeps the schema it learnt, so that text stays text: left to itself, Arrow reads "2024-10-01T00:04:00Z" as a time
    and forgets its zone.
    """

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None

    def read(self, block: bytes, lines: int) -> pa.Table | None:
        """One row a line, or None where the block needs the patient way.

        Raises ObjectRejectedError where it nests too deep.
        """
        check_depth(block)
        if b"\0" in block:
            return None
        try:
            block.decode("utf-8")
            table = self._parse(block)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
            return None
        # Blank lines, and two objects on one line, would shift the positions. A bare NaN, which
        # JSON does not have, Arrow reads as a number.
        return table if table.num_rows == lines and all(map(_is_finite, table.columns)) else None

    def _parse(self, block: bytes) -> pa.Table:
        if self._schema is not None:
            try:
                table = _read(block, self._schema)
                if not _has_times(table.schema):
                    return table
            except pa.ArrowInvalid:
                pass
        sample = block[: block.find(b"\n", _SAMPLE_BYTES) + 1] or block
        for learnt_from in (sample, block):
            self._schema = pa.schema([_as_text(field) for field in _read(learnt_from, None).schema])
            try:
                table = _read(block, self._schema)
            except pa.ArrowInvalid:
                continue
            if not _has_times(table.schema):
                return table
        raise pa.ArrowInvalid("no one schema fits this block")


def read_record(text: bytes) -> dict[str, Any]:
    """One JSON object, read patiently.

    Raises BadRecordError saying what is wrong with it, ObjectRejectedError where it nests too deep.
    """
    if b"\0" in text:
        raise BadRecordError("a NUL character in the record")
    try:
        record = json.loads(text.decode("utf-8"), parse_constant=BARE_CONSTANT.format, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise BadRecordError(f"not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise BadRecordError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise too_deep() from error
    if not isinstance(record, dict):
        raise BadRecordError("not a JSON object")
    return record


def rows_of_records(records: Sequence[dict[str, Any]]) -> pa.Table:
    """Records as columns; where a column's values are of several kinds, as text."""
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: _column([record.get(name) for record in records]) for name in names}
    return pa.table(columns) if names else pa.table({"": pa.nulls(len(records))}).select([])


def _column(values: list[Any]) -> pa.Array:
    try:
        cells = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        cells = pa.array([_leaves_as_text(value) for value in values])
    return cells.cast(pa.string()) if pa.types.is_binary(cells.type) else cells


def _leaves_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)[:1000]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        _refuse_duplicates(pairs)
    return record


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> NoReturn:
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    raise BadRecordError(f"the key {twice[:40]!r} is there twice")


def _is_finite(cells: pa.ChunkedArray | pa.Array) -> bool:
    if pa.types.is_struct(cells.type):
        return all(_is_finite(pc.struct_field(cells, index)) for index in range(cells.type.num_fields))
    return not pa.types.is_floating(cells.type) or pc.all(pc.is_finite(cells)).as_py() is not False


def _read(block: bytes, schema: pa.Schema | None) -> pa.Table:
    return pa_json.read_json(
        pa.BufferReader(block),
        read_options=pa_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pa_json.ParseOptions(explicit_schema=schema),
    ).combine_chunks()


def _as_text(field: pa.Field) -> pa.Field:
    if pa.types.is_timestamp(field.type):
        return field.with_type(pa.string())
    if pa.types.is_struct(field.type):
        return field.with_type(pa.struct([_as_text(child) for child in field.type]))
    return field


def _has_times(fields: pa.Schema | pa.StructType) -> bool:
    return any(
        pa.types.is_timestamp(field.type) or (pa.types.is_struct(field.type) and _has_times(field.type))
        for field in fields
    )
