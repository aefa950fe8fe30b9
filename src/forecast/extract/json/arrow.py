"""Arrow's JSON reader, with the schema that it infers from the beginning of an object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from forecast.extract.json.mixed import MixedKinds
from forecast.extract.limits import MAX_COLUMNS, check_columns

# The schema is inferred from the first rows; the rest is parsed once.
SAMPLE_BYTES: Final = 64 << 10
# Up to here, floats represent every whole number.
_EXACT: Final = 2.0**53
# Possessive: backtracking into strings that are not followed by a colon took twice as long.
KEY: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+:', re.DOTALL)


class ArrowReader:
    """Reads blocks of JSON with Arrow.

    It keeps the inferred schema, with times as text: by default, Arrow reads "2024-10-01T00:04:00Z" as a time
    and forgets its zone.
    """

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None
        self._columns = 0
        self._mixed = MixedKinds()

    @property
    def has_mixed(self) -> bool:
        """Whether a field had numbers in some records and texts in others."""
        return self._mixed.found

    def read(self, block: bytes, rows: int, sample_of: Callable[[bytes], bytes]) -> pa.Table:
        """A block of at most `rows` rows as columns; `sample_of` returns a beginning of a block that is also JSON.

        Raises ArrowInvalid if the block needs the slow path, ObjectRejectedError if it has too many columns.
        """
        check_utf8(block)
        while True:
            marked, marks = self._mixed.marked(block)
            try:
                table = self._mixed.restored(self._read(marked, rows, sample_of), marks)
            except pa.ArrowInvalid as error:
                if not self._mixed.learn(error):
                    raise
                self._schema = None
                continue
            # Arrow accepts a bare NaN, which is not JSON, and reads whole numbers among others as floats.
            if not all(map(_is_exact, table.columns)):
                raise pa.ArrowInvalid("a number that is none, or is not exact as a float")
            return table

    def _read(self, block: bytes, rows: int, sample_of: Callable[[bytes], bytes]) -> pa.Table:
        if self._schema is not None:
            check_columns(self._columns, rows)
            try:
                return _read(block, self._schema)
            except pa.ArrowInvalid as error:
                if MixedKinds.tells(error):
                    raise
        try:
            return self._learnt(sample_of(block), block, rows)
        except pa.ArrowInvalid as error:
            if MixedKinds.tells(error):
                raise
        # Without knowing its columns, reading the whole block could take too much memory.
        check_columns(_count_keys(block), rows)
        return self._learnt(block, block, rows)

    def _learnt(self, learnt_from: bytes, block: bytes, rows: int) -> pa.Table:
        learnt = _read(learnt_from, None).schema
        self._columns = len(set(field_names(learnt)))
        check_columns(self._columns, rows)
        self._schema = pa.schema([_as_text(field) for field in learnt])
        return _read(block, self._schema)


def check_utf8(block: bytes) -> None:
    """Raise ArrowInvalid if the block is not UTF-8, because Arrow's JSON reader accepts any bytes."""
    ends = pa.py_buffer(np.array([0, len(block)], dtype=np.int64))
    pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(block)).validate(full=True)


def _read(block: bytes, schema: pa.Schema | None) -> pa.Table:
    """Read a block. Without a schema, one is inferred; with a schema, other fields are an error.

    Raises ArrowInvalid if the block is not JSON, or not read correctly by Arrow.
    """
    table = pa_json.read_json(
        pa.BufferReader(block),
        read_options=pa_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pa_json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "error"
        ),
    )
    # For lists that only contain nulls, it creates cells that reach beyond their own end.
    table.validate()
    return table.combine_chunks()


def _is_exact(cells: pa.ChunkedArray | pa.Array) -> bool:
    """Whether no float is NaN or infinite, or too large to be exact as a whole number."""
    if pa.types.is_struct(cells.type):
        return all(_is_exact(pc.struct_field(cells, index)) for index in range(cells.type.num_fields))
    if pa.types.is_list(cells.type):
        return _is_exact(pc.list_flatten(cells))
    return not pa.types.is_floating(cells.type) or pc.all(pc.less(pc.abs(cells), _EXACT)).as_py() is not False


def field_names(fields: Iterable[pa.Field]) -> Iterator[str]:
    """The names of all fields, including nested ones."""
    for field in fields:
        yield field.name
        kind = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_struct(kind):
            yield from field_names(kind)


def _count_keys(block: bytes) -> int:
    """The number of distinct keys, or more than MAX_COLUMNS; any string before a colon counts as a key."""
    keys: set[bytes] = set()
    start = 0
    while start < len(block) and len(keys) <= MAX_COLUMNS:
        end = block.find(b"\n", start + SAMPLE_BYTES) + 1 or len(block)
        keys.update(KEY.findall(block, start, end))
        start = end
    return len(keys)


def _as_text(field: pa.Field) -> pa.Field:
    """The field with text in place of inferred times."""
    kind = field.type
    if pa.types.is_timestamp(kind):
        return field.with_type(pa.string())
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_as_text(child) for child in kind]))
    if pa.types.is_list(kind):
        return field.with_type(pa.list_(_as_text(kind.value_field)))
    return field
