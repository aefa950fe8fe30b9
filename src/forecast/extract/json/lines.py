"""JSON records to columns: the fast path through Arrow, and the slow path through Python.

The slow path says what is wrong with which record. Both give the same rows (a property test checks this).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, time
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from forecast.extract.limits import MAX_COLUMNS, MAX_ROW_BYTES, check_columns, check_lines, too_deep

_MAX_SHOWN = 1000
# The first lines teach the schema; the rest is parsed once.
_SAMPLE_BYTES = 64 << 10
# Possessive: going back into a text that no colon follows, letter by letter, took twice the time.
_KEY = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+:', re.DOTALL)
# int() takes time with the square of the digits, and none above 4300; 64 bits have 19.
_LONGEST_INTEGER = 20
_BLANKS = re.compile(r"[ \t\r\n]*")
_BEGINS_WITH_NULL = re.compile(rb"[ \t\r\n]*+null")
_NULL_LINE = re.compile(rb"null[ \t\r]*+\n")
HALF_OF_A_PAIR = "half of a surrogate pair, which is not a character"
BARE_CONSTANT = "{} (a constant that JSON does not have)"


class BadRecordError(ValueError):
    """A record that is not JSON object; the text says why."""


def rejected_record(position: str, reason: str, raw: Any, field: str | None = None) -> dict[str, Any]:
    """A record (REJECTED_SCHEMA) that could not be read at all, or whose `field` could not."""
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
    return {
        "position": position,
        "code": "malformed_record",
        "field": field,
        "value": None if field is None else text[:_MAX_SHOWN],
        "reason": reason,
        "row": text[:_MAX_SHOWN],
    }


class FastReader:
    """Reads blocks of JSON lines with Arrow.

    It keeps the schema it learnt, so that text stays text: left to itself, Arrow reads "2024-10-01T00:04:00Z" as a time
    and forgets its zone.
    """

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None
        self._columns = 0

    def read(self, block: bytes, ends: npt.NDArray[np.intp]) -> pa.Table | None:
        """One row a line, the lines ending at `ends`, or None where the block needs the patient way.

        Raises ObjectRejectedError where it nests too deep or has too many columns.
        """
        lines = len(ends)
        if check_lines(block, ends) > MAX_ROW_BYTES or b"\0" in block or _may_have_null(block, ends):
            return None
        try:
            _check_utf8(block)
            table = self._parse(block, lines)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
        # Blank lines, and two objects on one line, would shift the positions. A bare NaN, which
        # JSON does not have, Arrow reads as a number.
        return table if table.num_rows == lines and all(map(_is_finite, table.columns)) else None

    def _parse(self, block: bytes, lines: int) -> pa.Table:
        if self._schema is not None:
            check_columns(self._columns, lines)
            try:
                return _read(block, self._schema)
            except pa.ArrowInvalid:
                pass
        sample = block[: block.find(b"\n", _SAMPLE_BYTES) + 1] or block
        for learnt_from in (sample, block):
            self._columns = _count_keys(learnt_from)
            check_columns(self._columns, lines)
            self._schema = pa.schema([_as_text(field) for field in _read(learnt_from, None).schema])
            try:
                return _read(block, self._schema)
            except pa.ArrowInvalid:
                continue
        raise pa.ArrowInvalid("no single schema fits this block")


def read_record(text: bytes) -> dict[str, Any]:
    """One JSON object, read patiently.

    Raises BadRecordError saying what is wrong with it, ObjectRejectedError where it nests too deep.
    """
    records = read_records(text)
    if len(records) > 1:
        raise BadRecordError("more than one JSON object")
    return records[0]


def read_records(text: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a line: one, or several one after another. Raises what `read_record` raises."""
    if len(text) > MAX_ROW_BYTES:
        raise BadRecordError(f"a record of more than {MAX_ROW_BYTES >> 20} MB")
    if b"\0" in text:
        raise BadRecordError("a NUL character in the record")
    records: list[dict[str, Any]] = []
    try:
        line = text.decode("utf-8")
        position = _after_blanks(line, 0)
        while position < len(line) or not records:
            record, end = _DECODER.raw_decode(line, position)
            if not isinstance(record, dict):
                raise BadRecordError("not a JSON object")
            records.append(record)
            position = _after_blanks(line, end)
        if b"\\u" in text:
            # Half of a surrogate pair comes as an escape alone; as bytes it would be no UTF-8.
            json.dumps(records, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRecordError(f"not UTF-8 at byte {error.start + 1}") from error
    except UnicodeEncodeError as error:
        raise BadRecordError(HALF_OF_A_PAIR) from error
    except json.JSONDecodeError as error:
        raise BadRecordError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise too_deep() from error
    return records


def rows_of_records(records: Sequence[dict[str, Any]]) -> pa.Table:
    """Records as columns; where a column's values are of several kinds, as text.

    Raises ObjectRejectedError where they have too many columns.
    """
    names = dict.fromkeys(name for record in records for name in record)
    check_columns(len(names), len(records))
    columns = {name: _column([record.get(name) for record in records]) for name in names}
    return pa.table(columns) if names else pa.table({"": pa.nulls(len(records))}).select([])


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        if all(value is None or isinstance(value, dict) for value in values):
            return _objects(values)
        return pa.array([_leaves_as_text(value) for value in values], pa.string())


def _objects(values: list[Any]) -> pa.StructArray:
    """Objects whose members are of several kinds, member by member."""
    members = rows_of_records([value or {} for value in values])
    missing = pa.array([value is None for value in values])
    return pa.StructArray.from_arrays(
        [column.combine_chunks() for column in members.columns], members.column_names, mask=missing
    )


def _leaves_as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, date | time):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if isinstance(value, dict) else text[:_MAX_SHOWN]


def _after_blanks(line: str, position: int) -> int:
    blanks = _BLANKS.match(line, position)
    return blanks.end() if blanks else position


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else digits


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        _refuse_duplicates(pairs)
    return record


_DECODER = json.JSONDecoder(parse_int=_whole_number, parse_constant=BARE_CONSTANT.format, object_pairs_hook=_unique)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> NoReturn:
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    raise BadRecordError(f"the key {twice[:40]!r} appears twice")


def _may_have_null(block: bytes, ends: npt.NDArray[np.intp]) -> bool:
    """Whether a record may be null: Arrow takes it for an empty row, and ends the process where it comes first."""
    if _BEGINS_WITH_NULL.match(block):
        return True
    letters = np.frombuffer(block, dtype=np.uint8)
    return not np.all(letters[ends - 1] == ord("}")) and _NULL_LINE.search(block) is not None


def _is_finite(cells: pa.ChunkedArray | pa.Array) -> bool:
    if pa.types.is_struct(cells.type):
        return all(_is_finite(pc.struct_field(cells, index)) for index in range(cells.type.num_fields))
    return not pa.types.is_floating(cells.type) or pc.all(pc.is_finite(cells)).as_py() is not False


def _count_keys(block: bytes) -> int:
    """How many different keys there are, or more than MAX_COLUMNS; a text before a colon counts too."""
    keys: set[bytes] = set()
    start = 0
    while start < len(block) and len(keys) <= MAX_COLUMNS:
        end = block.find(b"\n", start + _SAMPLE_BYTES) + 1 or len(block)
        keys.update(_KEY.findall(block, start, end))
        start = end
    return len(keys)


def _check_utf8(block: bytes) -> None:
    """Raises ArrowInvalid where the block is no UTF-8: Arrow's JSON reader takes any bytes."""
    ends = pa.py_buffer(np.array([0, len(block)], dtype=np.int64))
    pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(block)).validate(full=True)


def _read(block: bytes, schema: pa.Schema | None) -> pa.Table:
    """Without a schema, it is learnt; with one, a field that is not in it is an error."""
    return pa_json.read_json(
        pa.BufferReader(block),
        read_options=pa_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=pa_json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "error"
        ),
    ).combine_chunks()


def _as_text(field: pa.Field) -> pa.Field:
    if pa.types.is_timestamp(field.type):
        return field.with_type(pa.string())
    if pa.types.is_struct(field.type):
        return field.with_type(pa.struct([_as_text(child) for child in field.type]))
    return field
