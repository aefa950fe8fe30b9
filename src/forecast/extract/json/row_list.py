"""Reads the rows of a JSON text with a single list of rows as columns: an array, or a document with one container.

Arrow reads the list in pieces, so memory is bounded. Where a piece may end is guessed from how rows begin: a
wrong guess gives a piece that is not a list of whole objects, which Arrow rejects. Then, as in every other case of
doubt, the text is read on the slow path.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.errors import ObjectRejectedError
from forecast.extract.json.arrow import SAMPLE_BYTES, ArrowReader
from forecast.extract.json.header import names_a_container
from forecast.extract.limits import CHUNK_ROWS, LINES_BYTES, MAX_COLUMNS, MAX_ROW_BYTES
from forecast.extract.parts import has_one_shape, members
from forecast.extract.shapes import Shapes
from forecast.extract.text_stream import Opener

_BLANKS: Final = rb"[ \t\r\n]*+"
_FIRST_NAME: Final = rb'(?P<first>"[^"\\]{1,200}+")'
_FIELD: Final = b'{"":['
_CLOSING: Final = b"]}"
# The tables of this many pieces are kept from the first reading; they take less memory than their text.
_KEPT_TABLES: Final = 3
# Each byte of a string can be an escape of six bytes, and no number has more than 25.
_ESCAPE_BYTES: Final = 6
_NUMBER_BYTES: Final = 32


class _NoRowListError(Exception):
    """It is not certain that all rows are in one list."""


def row_list(open_file: Opener, shapes: Shapes, *, in_array: bool) -> RowList | None:
    """The rows of an array, or of a document's only container; None if they need the slow path.

    Everything is read once before any row is returned, because a text that is not JSON to its end has no rows.
    """
    rows = RowList(open_file, shapes, in_array=in_array)
    try:
        rows.check()
    except (_NoRowListError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    except ObjectRejectedError:  # it has more columns than rows of any known network
        return None
    return rows


class RowList:
    """The rows of one list; `before` and `behind` are the text around it, including its brackets."""

    def __init__(self, open_file: Opener, shapes: Shapes, *, in_array: bool) -> None:
        self._open_file = open_file
        self._shapes = shapes
        self._in_array = in_array
        self._member: str | None = None
        self._kept: list[pa.Table] = []
        self._is_checked = False
        self.before = self.behind = b""

    def check(self) -> None:
        """Read everything. Raises ArrowInvalid and other errors if it cannot be read in this way."""
        tables = self._read()
        kept = list(islice(tables, _KEPT_TABLES))
        if next(tables, None) is None:
            self._kept = kept
        else:
            deque(tables, maxlen=0)
        self._is_checked = True
        if self._in_array and self.behind.strip() != b"]":
            raise _NoRowListError
        if not self._in_array and names_a_container(self.behind, self._shapes):
            raise _NoRowListError

    def tables(self) -> Iterator[pa.Table]:
        """The rows, in tables of at most CHUNK_ROWS."""
        for table in self._kept or self._read():
            for at in range(0, table.num_rows, CHUNK_ROWS):
                yield table.slice(at, CHUNK_ROWS)

    def _read(self) -> Iterator[pa.Table]:
        """The rows, in one table per piece."""
        reader = ArrowReader()
        with self._open_file() as file:
            for piece, separator in self._pieces(file):
                yield self._rows(_objects(reader, piece, separator), piece)

    def _pieces(self, file: IO[bytes]) -> Iterator[tuple[bytes, re.Pattern[bytes]]]:
        """The rows as text without the brackets around them, and what separates two of them."""
        rest = file.read(LINES_BYTES)
        begin = re.search(_beginning(self._shapes, in_array=self._in_array), rest)
        if begin is None or names_a_container(rest[: begin.start()], self._shapes):
            raise _NoRowListError
        self._member = None if self._in_array else self._shapes.row_members.get(begin["container"].decode())
        self.before = rest[: begin.end()]
        separator = re.compile(rb"\}" + _BLANKS + rb",(?=" + _row(re.escape(begin["first"])) + rb")")
        rest = rest[begin.end() :]
        while more := file.read(LINES_BYTES):
            end = _last(separator, rest)
            yield rest[: end - 1], separator
            rest = rest[end:] + more
        end = _end_of_list(rest, separator)
        self.behind = rest[end:]
        yield rest[:end], separator

    def _rows(self, objects: pa.StructArray, text: bytes) -> pa.Table:
        rows = members(objects)
        if not self._is_checked:
            values, size = _longest(objects)
            if values > MAX_COLUMNS or size > MAX_ROW_BYTES:
                raise _NoRowListError
            if self._in_array and (names_a_container(text, self._shapes) or not has_one_shape(rows)):
                raise _NoRowListError
        if self._member is not None:
            if self._member not in rows.column_names:
                raise _NoRowListError
            rows = members(_whole(rows[self._member].combine_chunks()))
        return rows


def _row(first: bytes) -> bytes:
    """The beginning of a row: its brace, and the name of its first field."""
    return _BLANKS + rb"\{" + _BLANKS + first + _BLANKS + rb":"


def _beginning(shapes: Shapes, *, in_array: bool) -> bytes:
    """The text before the first row."""
    if in_array:
        return rb"\A" + _BLANKS + rb"\[(?=" + _row(_FIRST_NAME) + rb")"
    names = b"|".join(re.escape(name.encode()) for name in shapes.containers)
    return rb'"(?P<container>' + names + rb')"' + _BLANKS + rb":" + _BLANKS + rb"\[(?=" + _row(_FIRST_NAME) + rb")"


def _last(separator: re.Pattern[bytes], text: bytes) -> int:
    """The end of the last separator in a text."""
    for size in (SAMPLE_BYTES, MAX_ROW_BYTES, len(text)):
        found = [match.end() for match in separator.finditer(text, max(0, len(text) - size))]
        if found:
            return found[-1]
    raise _NoRowListError


def _end_of_list(text: bytes, separator: re.Pattern[bytes]) -> int:
    """The position of the bracket after the last row."""
    try:
        start = _last(separator, text)
    except _NoRowListError:
        start = 0
    try:
        last = text[start:].decode()
        _, end = json.JSONDecoder().raw_decode(last, len(last) - len(last.lstrip()))
    except (ValueError, RecursionError) as error:
        raise _NoRowListError from error
    end = start + len(last[:end].encode())
    behind = re.compile(_BLANKS).match(text, end)
    end = end if behind is None else behind.end()
    if text[end : end + 1] != b"]":
        raise _NoRowListError
    return end


def _objects(reader: ArrowReader, piece: bytes, separator: re.Pattern[bytes]) -> pa.StructArray:
    def sample_of(text: bytes) -> bytes:
        return text[: _last(separator, text[:SAMPLE_BYTES]) - 1] + _CLOSING if len(text) > SAMPLE_BYTES else text

    # Arrow stops reading at NUL; two objects would be two rows.
    table = reader.read(_FIELD + piece + _CLOSING, piece.count(b"{"), sample_of)
    if (
        b"\0" in piece
        or table.num_rows != 1
        or table.column_names != [""]
        or not pa.types.is_list(table.column(0).type)
    ):
        raise _NoRowListError
    return _whole(table.column(0).combine_chunks().flatten())


def _whole(cells: pa.Array) -> pa.StructArray:
    """The objects, which must have members and not be null."""
    if not pa.types.is_struct(cells.type) or not cells.type.num_fields or cells.null_count:
        raise _NoRowListError
    return cells


def _longest(cells: pa.Array) -> tuple[int, int]:
    """The maximum number of values, and of bytes of text, in one of these cells."""
    kind = cells.type
    if pa.types.is_struct(kind):
        values, size = 1, 0
        for index, field in enumerate(kind):
            inner = _longest(pc.struct_field(cells, [index]))
            values, size = values + inner[0], size + inner[1] + len(field.name.encode())
        return values, size
    if pa.types.is_list(kind):
        count = pc.max(pc.list_value_length(cells)).as_py() or 0
        values, size = _longest(cells.flatten())
        return 1 + count * values, count * size
    if pa.types.is_string(kind):
        return 1, _ESCAPE_BYTES * (pc.max(pc.binary_length(cells)).as_py() or 0)
    return 1, _NUMBER_BYTES
