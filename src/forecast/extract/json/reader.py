"""Reads JSON: lines, an array, or one document."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import ijson
import numpy as np
import numpy.typing as npt

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.batches import RECORD_FAULTS, BatchMaker
from forecast.extract.envelope import PAYLOAD_FIELDS, beside_payload, is_envelope, origin_of_record
from forecast.extract.json.array import as_lines
from forecast.extract.json.document import Around, Document, document_in, read_document_file
from forecast.extract.json.error_position import place_of_fault
from forecast.extract.json.header import (
    has_stringified_container,
    may_hold_a_container,
    names_a_container,
    reassemble,
)
from forecast.extract.json.items import ENDS, STARTS, check_json
from forecast.extract.json.lines import FastReader
from forecast.extract.json.prescan import surveyed
from forecast.extract.json.row_list import row_list
from forecast.extract.ledger import Ledger
from forecast.extract.limits import CHUNK_ROWS, JSON_PIECE_BYTES, LINES_BYTES, MAX_ROW_BYTES, line_ends, too_long
from forecast.extract.parts import has_one_shape, positions
from forecast.extract.shapes import Shapes
from forecast.extract.text_stream import Opener


class _Places(NamedTuple):
    """The numbering of an object's records: "line 1" for lines, "[0]" for an array."""

    before: str
    after: str
    first: int

    def of(self, number: int) -> str:
        """The position of a record."""
        return f"{self.before}{number}{self.after}"


_LINES = _Places("line ", "", 1)
_ITEMS = _Places("[", "]", 0)


def read_json(open_file: Opener, raw: RawObject, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """Batches of JSON lines, a JSON array, or one document, depending on how the content begins."""
    with open_file() as file:
        first, number = _first_line(file, limits)
    is_array = first.lstrip()[:1] == b"["
    maker = BatchMaker(raw, shapes, limits, Ledger("not_json", "item" if is_array else "line"))
    if not is_array and len(first) <= limits.record_bytes and _begins_with_an_object(first):
        _reject_list_without_brackets(first, number)
        yield from _Lines(maker, raw, shapes, limits, _LINES).batches(open_file)
        return
    try:
        if is_array:
            yield from _Lines(maker, raw, shapes, limits, _ITEMS).batches_of_array(open_file)
        else:
            yield from read_document_file(open_file, raw, shapes, limits)
    except ObjectRejectedError as error:
        if error.code != "not_json":
            raise
        raise ObjectRejectedError(
            "not_json", error.message + place_of_fault(surveyed(open_file, limits).open)
        ) from error


class _Lines(NamedTuple):
    """Records, one per line: rows, documents, or both."""

    maker: BatchMaker
    raw: RawObject
    shapes: Shapes
    limits: Limits
    places: _Places

    def batches_of_array(self, open_file: Opener) -> Iterator[RawBatch]:
        """The batches of an array. Raises ObjectRejectedError if it is not JSON to its end."""
        text = surveyed(open_file, self.limits)
        rows = row_list(text.open, self.shapes, in_array=True) if text.is_plain else None
        if rows is None:
            with text.open() as file:
                check_json(file)
            yield from self.batches(as_lines(open_file))
            return
        number = self.places.first
        for table in rows.tables():
            yield from self.maker.of_table(
                table, positions(number, table.num_rows, self.places.before, self.places.after)
            )
            number += table.num_rows
        self.maker.ledger.check()

    def batches(self, open_file: Opener) -> Iterator[RawBatch]:
        """The batches of a file, block by block. Raises ObjectRejectedError if none of its records can be read."""
        fast = FastReader()
        number = self.places.first
        with open_file() as file:
            while block := _block(file, self.limits):
                ends = line_ends(block)
                # Searching all of a block takes a third of the time of reading it, and its columns tell as much.
                holds = names_a_container(block[: ends[0]], self.shapes)
                table = None if holds else fast.read(block, ends)
                if holds or may_hold_a_container(block, table, self.shapes):
                    yield from self._records(self._lines(block, ends, number))
                elif table is not None and has_one_shape(table):
                    yield from self.maker.of_table(
                        table, positions(number, len(ends), self.places.before, self.places.after)
                    )
                else:
                    yield from self._rows(self._lines(block, ends, number))
                number += len(ends)
        self.maker.ledger.check()

    def _records(self, lines: Iterable[tuple[str, bytes]]) -> Iterator[RawBatch]:
        """Batches line by line: each document on its own, and the rows between them."""
        rows: list[tuple[str, bytes]] = []
        for position, text in lines:
            batches = self._of_document(position, text) if names_a_container(text, self.shapes) else None
            if batches is not None or len(rows) == CHUNK_ROWS:
                yield from self._rows(rows)
                rows = []
            if batches is None:
                rows.append((position, text))
            else:
                yield from batches
        yield from self._rows(rows)

    def _of_document(self, position: str, text: bytes) -> Iterator[RawBatch] | None:
        """The batches of a line that is a document, or the text of one; None for a row."""
        try:
            document = Document.of(lambda: io.BytesIO(text), self.shapes, self.limits)
        except ObjectRejectedError as error:
            if error.code not in RECORD_FAULTS or len(text) > MAX_ROW_BYTES:
                raise
            return None
        fields: Any = document.header.fields
        envelope = {name: value for name, value in fields.items() if is_envelope(name)}
        around = Around({"position": position, **origin_of_record(envelope, self.raw)}, beside_payload(fields))
        for name in PAYLOAD_FIELDS:
            if isinstance(fields, dict) and name in fields:
                fields = fields[name]
            if isinstance(fields, str):
                inner = fields.encode()
                found = document_in(inner, self.shapes, self.limits)
                return None if found is None else self.maker.of_opened(found, inner, around)
        if isinstance(fields, dict) and has_stringified_container(fields, self.shapes):
            return self.maker.of_document(reassemble(fields).encode(), around)
        return self.maker.of_opened(document, text, around) if document.header.paths else None

    def _rows(self, lines: Iterable[tuple[str, bytes]]) -> Iterator[RawBatch]:
        """Lines that hold rows, in parts that Python can read with limited memory."""
        part: list[tuple[str, bytes]] = []
        size = 0
        for position, text in lines:
            if part and (size + len(text) > MAX_ROW_BYTES or len(part) == CHUNK_ROWS):
                yield from self.maker.of_lines(part)
                part, size = [], 0
            part.append((position, text))
            size += len(text)
        if part:
            yield from self.maker.of_lines(part)

    def _lines(self, block: bytes, ends: npt.NDArray[np.intp], number: int) -> Iterator[tuple[str, bytes]]:
        """The lines of a block that are not blank, with their positions; one by one, because there can be millions."""
        start = 0
        for at in range(0, len(ends), CHUNK_ROWS):
            for index, end in enumerate(ends[at : at + CHUNK_ROWS].tolist(), at):
                if (text := block[start:end]).strip():
                    yield self.places.of(number + index), text
                start = end + 1


def _first_line(file: IO[bytes], limits: Limits) -> tuple[bytes, int]:
    """The first line that is not blank, and its number."""
    number = 1
    while line := file.readline(limits.record_bytes + 1):
        if line.strip():
            return line, number
        number += 1
    raise ObjectRejectedError("empty", "the object is empty")


def _reject_list_without_brackets(first: bytes, number: int) -> None:
    """Reject lines that end with commas: they are the items of a list without its brackets."""
    if (line := first.rstrip()).endswith(b"},"):
        column = len(line.decode("utf-8", "replace"))
        message = f"not JSON: the lines end with commas, as in a list without its brackets (line {number} "
        raise ObjectRejectedError("not_json", f"{message}column {column})")


def _begins_with_an_object(line: bytes) -> bool:
    """Whether a line begins with a whole JSON object, or looks like a broken one among others."""
    if line.rstrip().endswith(b"}") and b'":' in line:
        return True
    depth = 0
    try:
        for event, _ in ijson.basic_parse(io.BytesIO(line), use_float=True, buf_size=JSON_PIECE_BYTES):
            depth += (event in STARTS) - (event in ENDS)
            if depth == 0:
                return True
    except (ijson.JSONError, UnicodeDecodeError):
        pass
    return False


def _block(file: IO[bytes], limits: Limits) -> bytes:
    """About LINES_BYTES of whole lines, each ending with a newline."""
    block = file.read(LINES_BYTES)
    if block and not block.endswith(b"\n"):
        begun = len(block) - (block.rfind(b"\n") + 1)
        rest = file.readline(limits.record_bytes + 1)
        if begun + len(rest) > limits.record_bytes:
            raise too_long("a line", limits)
        block += rest
        if not block.endswith(b"\n"):
            block += b"\n"
    return block
