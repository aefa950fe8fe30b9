"""Reads CSV: a header, and rows whose cells stay text until they are converted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.batches import BatchMaker
from forecast.extract.headers import BLANK_LINES, LINE_BREAK, Header, read_header
from forecast.extract.json.lines import rejected_record
from forecast.extract.ledger import Ledger
from forecast.extract.limits import BLOCK_BYTES
from forecast.extract.parts import positions
from forecast.extract.shapes import Shapes
from forecast.extract.text_stream import BAD_BYTE, Opener, write_copy

_FAULTS = {"\0": "a NUL character in the row", BAD_BYTE: "a byte in the row that is not UTF-8"}


def read_csv(open_file: Opener, raw: RawObject, shapes: Shapes, limits: Limits, copy: Path) -> Iterator[RawBatch]:
    """Batches of a table with a header, whose names may repeat. `copy` is a path for the table as plain text."""
    maker = BatchMaker(raw, shapes, limits, Ledger("not_csv", "row"))
    with open_file() as file:
        header = read_header(file)
    places = _Places(header.lines)
    if not header.has_rows:
        names = [name for name in header.names if name.strip()]
        yield from maker.of_table(pa.table([[]] * len(names), names), positions(1, 0))
    else:
        with open_file() as file:
            write_copy(file, copy, "the table", limits)
        yield from _batches(copy, header, places, maker)
        maker.ledger.check()


def _batches(path: Path, header: Header, places: _Places, maker: BatchMaker) -> Iterator[RawBatch]:
    """Batches from a path, not a file object: Arrow's read-ahead thread could outlive the interpreter."""
    columns = [str(index) for index in range(len(header.names))]
    try:
        with pa.OSFile(str(path)) as file:
            reader = pa_csv.open_csv(
                file,
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=BLOCK_BYTES, column_names=columns, skip_rows=header.lines
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=places.reject
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
                ),
            )
            for block in reader:
                rows, kept, rejected = _texts(block, places.of_next(block.num_rows), header.names)
                yield from maker.of_table(rows, kept, [*places.take_rejected(), *rejected])
            if rejected := places.take_rejected():
                yield maker.of_rejected(rejected)
    except pa.ArrowInvalid as error:
        message = f"the table cannot be read: {error}"
        raise ObjectRejectedError("not_csv", message) from error


class _Places:
    """The positions of rows: "row 1" is the first after the header, and rows that Arrow skips count too."""

    def __init__(self, header_lines: int) -> None:
        self._header_lines = header_lines
        self._next = 1
        self._blank = 0
        self._passed_over: set[int] = set()
        self._rejected: list[dict[str, Any]] = []

    def reject(self, row: pa_csv.InvalidRow) -> str:
        """Arrow's handler for a row with more or fewer cells than the header; a blank line is not a row."""
        if row.text.strip(" \t\r\n").casefold() in BLANK_LINES:
            self._blank += 1
            return "skip"
        number = row.number - self._header_lines - self._blank
        self._passed_over.add(number)
        reason = f"{row.actual_columns} cells where the header has {row.expected_columns}"
        self._rejected.append(rejected_record(f"row {number}", reason, row.text))
        return "skip"

    def of_next(self, count: int) -> pa.Array:
        """The positions of the next `count` rows that Arrow returns."""
        numbers: list[int] = []
        while len(numbers) < count:
            if self._next not in self._passed_over:
                numbers.append(self._next)
            self._next += 1
        self._passed_over = {number for number in self._passed_over if number >= self._next}
        return pc.binary_join_element_wise("row ", pa.array(numbers, pa.int64()).cast(pa.string()), "")

    def take_rejected(self) -> list[dict[str, Any]]:
        """The rows that were rejected since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected


def _texts(
    block: pa.RecordBatch, places: pa.Array, names: Sequence[str]
) -> tuple[pa.Table, pa.Array, list[dict[str, Any]]]:
    """Cells as text, with blank ones as null; the positions of the kept rows; and the rejected rows."""
    faults: dict[int, str] = {}
    for cells in block.columns:
        for letter, reason in _FAULTS.items():
            for index in np.flatnonzero(pc.match_substring(cells, letter)).tolist():
                faults.setdefault(index, reason)
    columns = [_blank_to_null(cells) for cells in block.columns]
    columns[-1] = _blank_to_null(pc.replace_substring_regex(columns[-1], LINE_BREAK, ""))
    names = list(names)
    if not names[-1].strip():
        surplus = columns.pop()
        names.pop()
        for index in np.flatnonzero(surplus.is_valid()).tolist():
            faults.setdefault(index, f"one more cell than the header: {surplus[index].as_py()[:80]!r}")
    table = pa.Table.from_arrays(columns, names)
    if not faults:
        return table, places, []
    rejected = [
        rejected_record(places[index].as_py(), reason, _row_text(block, index))
        for index, reason in sorted(faults.items())
    ]
    kept = pa.array([index for index in range(block.num_rows) if index not in faults], pa.int64())
    return table.take(kept), places.take(kept), rejected


def _blank_to_null(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _row_text(block: pa.RecordBatch, index: int) -> str:
    return ",".join(column[index].as_py() for column in block.columns)
