"""Reads what the footer of a Parquet file declares about its columns, without Arrow.

Arrow (26.0.1) aborts the process if statistics in a damaged footer contradict the schema, because its metadata parser
cannot report errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from forecast.core.errors import ObjectRejectedError

# The end of a file: the footer's length, and "PAR1".
_END_BYTES: Final = 8
_LENGTH_BYTES: Final = 4
# Fields of the footer's structures (apache/parquet-format, parquet.thrift).
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
_PATH_IN_SCHEMA, _NUM_VALUES, _TOTAL_UNCOMPRESSED_SIZE = 3, 5, 6
# Types of Thrift's compact protocol, and the sizes of those with a fixed size.
_TRUE, _FALSE, _BYTE, _SHORT, _INTEGER, _LONG, _DOUBLE, _TEXT, _LIST, _SET, _MAP, _STRUCT, _UUID = range(1, 14)
_FIXED: Final = {_TRUE: 1, _FALSE: 1, _BYTE: 1, _DOUBLE: 8, _UUID: 16}
_LONG_LIST: Final = 15
# A footer has seven levels.
_MAX_DEPTH: Final = 32
# 64 bits, seven in a byte.
_MAX_SHIFT: Final = 63


class ColumnChunk(NamedTuple):
    """One column of one row group; `values` includes missing ones, and `size` is the unpacked size in bytes."""

    row_group: int
    path: str
    values: int
    size: int


def column_chunks(path: Path, most: int) -> Iterator[ColumnChunk]:
    """The columns of every row group of a file whose footer has at most `most` bytes.

    Raises ObjectRejectedError if the footer is invalid.
    """
    with path.open("rb") as file:
        file.seek(-_END_BYTES, 2)
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > most:
            raise _no_footer(f"a footer of {length} bytes")
        file.seek(-_END_BYTES - length, 2)
        footer = file.read(length)
    try:
        for number, group in enumerate(_Compact(footer).struct()[_ROW_GROUPS]):
            for column in group[_COLUMNS]:
                declared = column[_META_DATA]
                names = b".".join(declared[_PATH_IN_SCHEMA]).decode("utf-8", "replace")
                yield ColumnChunk(number, names, int(declared[_NUM_VALUES]), int(declared[_TOTAL_UNCOMPRESSED_SIZE]))
    except ValueError as error:
        raise _no_footer(str(error)) from error
    except (KeyError, TypeError) as error:
        raise _no_footer("a footer without its required fields") from error


def _no_footer(reason: str) -> ObjectRejectedError:
    return ObjectRejectedError("not_parquet", f"the Parquet file cannot be read: {reason}")


class _Compact:
    """Decodes Thrift's compact protocol; a structure becomes a dictionary of its values by field number."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while kind := (head := self._byte()) & 0xF:
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError("a footer that is nested too deeply")
        if kind in _FIXED:
            return self._take(_FIXED[kind])
        if kind in (_SHORT, _INTEGER, _LONG):
            return self._signed()
        if kind == _TEXT:
            return self._take(self._unsigned())
        if kind == _STRUCT:
            return self.struct(depth)
        if kind in (_LIST, _SET):
            head = self._byte()
            size = head >> 4 if head >> 4 < _LONG_LIST else self._unsigned()
            return [self._value(head & 0xF, depth) for _ in range(size)]
        if kind == _MAP:
            size = self._unsigned()
            kinds = self._byte() if size else 0
            return [(self._value(kinds >> 4, depth), self._value(kinds & 0xF, depth)) for _ in range(size)]
        raise ValueError(f"a footer with a value of type {kind}")

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError("a footer that ends within a value")
        self._at += size
        return taken

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while (part := self._byte()) & 0x80:
            value |= (part & 0x7F) << shift
            shift += 7
            if shift > _MAX_SHIFT:
                raise ValueError("a footer with a number beyond 64 bits")
        return value | part << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
