"""Converts JSON records to columns, by the fast path through Arrow or the slow path through Python.

The slow path can say which record is wrong, and why. Both give the same rows (a property test checks this).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.extract.json.arrow import SAMPLE_BYTES, ArrowReader
from forecast.extract.json.mixed import whole_number
from forecast.extract.limits import MAX_ROW_BYTES, check_columns, check_lines, too_deep

_MAX_SHOWN = 1000
_BLANKS = re.compile(r"[ \t\r\n]*")
_BEGINS_WITH_NULL = re.compile(rb"[ \t\r\n]*+null")
_NULL_LINE = re.compile(rb"null[ \t\r]*+\n")
HALF_OF_A_PAIR = "half of a surrogate pair, which is not a character"
BARE_CONSTANT = "{} (a constant that JSON does not have)"


class BadRecordError(ValueError):
    """A record that is not a JSON object; the message says why."""


def rejected_record(position: str, reason: str, raw: Any, field: str | None = None) -> dict[str, Any]:
    """A rejected record (REJECTED_SCHEMA) that could not be read at all, or whose `field` could not be read."""
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
    """Reads blocks of JSON lines with Arrow."""

    def __init__(self) -> None:
        self._reader = ArrowReader()

    @property
    def has_mixed(self) -> bool:
        """See `ArrowReader.has_mixed`."""
        return self._reader.has_mixed

    def read(self, block: bytes, ends: npt.NDArray[np.intp]) -> pa.Table | None:
        """One row per line, with lines ending at `ends`; None if the block needs the slow path.

        Raises ObjectRejectedError if it is nested too deeply or has too many columns.
        """
        lines = len(ends)
        if check_lines(block, ends) > MAX_ROW_BYTES or b"\0" in block or _may_have_null(block, ends):
            return None
        try:
            table = self._reader.read(block, lines, _first_lines)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
        # Blank lines, and two objects on one line, would shift the positions.
        return table if table.num_rows == lines else None


def _first_lines(block: bytes) -> bytes:
    return block[: block.find(b"\n", SAMPLE_BYTES) + 1] or block


def read_record(text: bytes) -> dict[str, Any]:
    """One JSON object, read on the slow path.

    Raises BadRecordError that says what is wrong, ObjectRejectedError if it is nested too deeply.
    """
    records = read_records(text)
    if len(records) > 1:
        raise BadRecordError("more than one JSON object")
    return records[0]


def read_records(text: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a line: one, or several in sequence. Raises the same errors as `read_record`."""
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
            # Half of a surrogate pair can only occur as an escape, because its bytes would not be UTF-8.
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


def rows_of_records(records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Records as columns; a column with several kinds of values becomes text.

    Raises ObjectRejectedError if they have too many columns.
    """
    # Records of one source have few distinct sets of names.
    names = dict.fromkeys(name for some in dict.fromkeys(map(tuple, records)) for name in some)
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
    """Objects with members of several kinds, converted member by member."""
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        _reject_duplicates(pairs)
    return record


_DECODER = json.JSONDecoder(parse_int=whole_number, parse_constant=BARE_CONSTANT.format, object_pairs_hook=_unique)


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> NoReturn:
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    raise BadRecordError(f"the key {twice[:40]!r} appears twice")


def _may_have_null(block: bytes, ends: npt.NDArray[np.intp]) -> bool:
    """Whether a record may be null, which Arrow reads as an empty row, or crashes on if it is the first."""
    if _BEGINS_WITH_NULL.match(block):
        return True
    letters = np.frombuffer(block, dtype=np.uint8)
    return not np.all(letters[ends - 1] == ord("}")) and _NULL_LINE.search(block) is not None
