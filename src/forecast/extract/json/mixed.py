"""Handles fields with numbers in some records and texts in others, such as a visibility of 6.21 or "10+" miles.

Arrow's JSON reader allows one kind per column. The numbers of such a field are quoted and marked before it reads
them, and then restored to the JSON text that `rows_of_records` writes.
"""

from __future__ import annotations

import json
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# A noncharacter, which Unicode reserves for internal use.
_MARK: Final = "\ufdd0"
_OPEN, _CLOSE = f'"{_MARK}'.encode(), b'"'
_ESCAPED_MARK: Final = re.compile(rb"\\u[fF][dD][dD]0")
_CHANGED: Final = re.compile(
    r"Column\((?P<path>(?:/[^/]*)*/(?P<name>[A-Za-z0-9_]+))\) changed from (?:number to string|string to number) "
)
# Airbyte's own fields depend on their kind, and a list within a row is a single value.
_NO_FIELD: Final = re.compile(r"/(?!_airbyte_data/)(?:_airbyte_|_ab_)|[^/]/\[\]", re.IGNORECASE)
# The quote comes first, with a lookbehind, so that the search jumps from quote to quote instead of trying every letter.
_KEY: Final = rb'"(?<!\\")(?:%s)"[ \t\r\n]*+:[ \t\r\n]*+'
_NUMBER: Final = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?=[ \t\r\n]*+[,}])"
_WHOLE: Final = re.compile("-?[0-9]+")
# int() takes time quadratic in the digits and allows at most 4300; 64 bits have 19.
_LONGEST_INTEGER: Final = 20


def whole_number(digits: str) -> int | str:
    """A whole number of JSON, or its text if it is too long for any counter."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


class MixedKinds:
    """The names of such fields, collected from Arrow's errors."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    @property
    def found(self) -> bool:
        """Whether there is any."""
        return bool(self._names)

    @staticmethod
    def tells(error: pa.ArrowInvalid) -> bool:
        """Whether Arrow rejected a block because a field has both kinds."""
        return _CHANGED.search(str(error)) is not None

    def learn(self, error: pa.ArrowInvalid) -> bool:
        """Whether Arrow rejected a block because a field has both kinds that was not known to; it is then added."""
        found = _CHANGED.search(str(error))
        if found is None or found["name"] in self._names or _NO_FIELD.search(found["path"]):
            return False
        self._names.add(found["name"])
        return True

    def marked(self, block: bytes) -> tuple[bytes, int]:
        """A block with the numbers of these fields as marked texts, and the number of marks.

        Raises ArrowInvalid if a text in it contains the mark.
        """
        if not self._names:
            return block, 0
        if _MARK.encode() in block or _ESCAPED_MARK.search(block):
            raise pa.ArrowInvalid("a text with a noncharacter")
        names = b"|".join(name.encode() for name in sorted(self._names))
        # What is before, the key, the number, what is before, ...
        parts = re.split(b"(" + _KEY % names + b")(" + _NUMBER + b")", block)
        parts[2::3] = [_OPEN + number + _CLOSE for number in parts[2::3]]
        return b"".join(parts), len(parts) // 3

    def restored(self, table: pa.Table, marks: int) -> pa.Table:
        """The table of a marked block with its numbers restored as they are written.

        Raises ArrowInvalid if not all marks are in columns of text.
        """
        if not marks:
            return table
        restorer = _Restorer()
        columns = [restorer.restored(column.combine_chunks()) for column in table.columns]
        if restorer.marks != marks:
            raise pa.ArrowInvalid("a marked number is in no column of texts")
        return pa.Table.from_arrays(columns, table.column_names)


class _Restorer:
    """Removes the marks from columns, at any depth of objects and lists, and counts them."""

    def __init__(self) -> None:
        self.marks = 0

    def restored(self, cells: pa.Array) -> pa.Array:
        kind = cells.type
        if pa.types.is_string(kind):
            return self._texts(cells)
        if pa.types.is_struct(kind) and kind.num_fields:
            members = [self.restored(pc.struct_field(cells, [index])) for index in range(kind.num_fields)]
            return pa.StructArray.from_arrays(members, [field.name for field in kind], mask=cells.is_null())
        if pa.types.is_list(kind):
            return pa.ListArray.from_arrays(cells.offsets, self.restored(cells.values), mask=cells.is_null())
        return cells

    def _texts(self, cells: pa.Array) -> pa.Array:
        is_marked = pc.starts_with(cells, _MARK)
        if not pc.any(is_marked).as_py():
            return cells
        encoded = pc.if_else(is_marked, cells, pa.scalar(None, pa.string())).dictionary_encode()
        self.marks += len(cells) - encoded.null_count
        numbers = [_number(text[len(_MARK) :]) for text in encoded.dictionary.to_pylist()]
        if encoded.null_count == cells.null_count:  # only numbers: another field with this name, or only in this block
            return _numbers(numbers).take(encoded.indices)
        written = [number if isinstance(number, str) else json.dumps(number) for number in numbers]
        return pc.coalesce(pa.array(written, pa.string()).take(encoded.indices), cells)


def _number(text: str) -> float | str:
    return whole_number(text) if _WHOLE.fullmatch(text) else float(text)


def _numbers(numbers: list[float | str]) -> pa.Array:
    try:
        return pa.array(numbers)
    except (pa.ArrowException, OverflowError) as error:
        raise pa.ArrowInvalid("numbers of several kinds") from error
