"""JSON: lines, an array, or one document."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, Any

import ijson

from forecast.errors import ObjectRejectedError
from forecast.extract.batches import BatchMaker, has_one_shape, positions
from forecast.extract.documents import (
    check_answer,
    is_document,
    is_flattened,
    read_document,
    read_document_file,
    read_head_of,
    whole_text,
)
from forecast.extract.envelope import PAYLOAD_FIELDS, is_envelope, origin_of_record, unwrap_record
from forecast.extract.json_arrays import as_lines
from forecast.extract.json_items import ENDS, STARTS, check_json, chunks, read_items
from forecast.extract.json_places import place_of_fault
from forecast.extract.json_survey import surveyed
from forecast.extract.limits import CHUNK_ROWS, JSON_PIECE_BYTES, LINES_BYTES, MAX_ROW_BYTES, line_ends, too_long
from forecast.extract.records import BadRecordError, FastReader, refused_record
from forecast.extract.streams import Opener
from forecast.observations import RawBatch, RawObject
from forecast.settings import Limits


def read_json(open_file: Opener, raw: RawObject, containers: Sequence[str], limits: Limits) -> Iterator[RawBatch]:
    """JSON lines, a JSON array, or one document, told apart by the beginning of the content."""
    with open_file() as file:
        first, number = _first_line(file, limits)
    is_array = first.lstrip()[:1] == b"["
    if not is_array and len(first) <= limits.record_bytes and _begins_with_an_object(first):
        _refuse_list_without_brackets(first, number)
        yield from _read_lines(open_file, raw, containers, limits, first)
        return
    try:
        yield from (_read_array if is_array else read_document_file)(open_file, raw, containers, limits)
    except ObjectRejectedError as error:
        if error.code != "not_json":
            raise
        raise ObjectRejectedError("not_json", error.message + place_of_fault(surveyed(open_file, limits))) from error


def _read_lines(
    open_file: Opener, raw: RawObject, containers: Sequence[str], limits: Limits, first: bytes
) -> Iterator[RawBatch]:
    maker = BatchMaker(raw, containers, limits)
    documents = _holds_documents(first, containers, limits)
    fast = FastReader()
    line = 1
    judge = _Judge("line")
    with open_file() as file:
        while block := _block(file, limits):
            ends = line_ends(block)
            if documents:
                batches = _read_document_lines(block, line, raw, containers, limits)
            elif (table := fast.read(block, ends)) is not None and has_one_shape(table):
                batches = maker.of_table(table, positions(line, len(ends)))
            else:
                batches = (maker.of_lines(part) for part in _parts(block, line))
            for batch in batches:
                judge.see(batch)
                yield batch
            line += len(ends)
    judge.check()


class _Judge:
    """Tells JSON with some bad records, which are refused, from what is no such JSON at all."""

    def __init__(self, word: str) -> None:
        self._word = word
        self._refused = 0
        self._first = ""
        self._found = False

    def see(self, batch: RawBatch) -> None:
        """Look at a batch; raises ObjectRejectedError after many records of which none can be read."""
        self._found = self._found or len(batch.rows) > 0
        if self._found or batch.refused.empty:
            return
        self._first = self._first or f"{batch.refused['position'].iloc[0]}: {batch.refused['reason'].iloc[0]}"
        self._refused += len(batch.refused)
        if self._refused >= CHUNK_ROWS:
            self.check()

    def check(self) -> None:
        """Raises ObjectRejectedError where there were records and none could be read."""
        if self._refused and not self._found:
            raise ObjectRejectedError("not_json", f"no {self._word} of it can be read; {self._first}")


def _holds_documents(first: bytes, containers: Sequence[str], limits: Limits) -> bool:
    """Whether the lines are documents, told by the first one.

    Raises ObjectRejectedError where that is an error answer.
    """
    try:
        head = read_head_of(first, containers, limits)
        payload, _ = unwrap_record(head.fields)
    except ObjectRejectedError as error:
        if error.code != "not_json":
            raise
        return False
    except BadRecordError:
        payload, head = {}, read_head_of(first, containers, limits)
    check_answer(payload)
    texts = [text for name in PAYLOAD_FIELDS for text in _texts_at(head.fields, name)]
    is_one = bool(head.paths) or is_flattened(payload, containers)
    return is_one or any(is_document(text, containers, limits) for text in texts)


def _read_document_lines(
    block: bytes, line: int, raw: RawObject, containers: Sequence[str], limits: Limits, place: str = "line {}"
) -> Iterator[RawBatch]:
    for index, text in enumerate(block.split(b"\n")[:-1]):
        if not text.strip():
            continue
        try:
            payload, envelope = _document_record(text, containers, limits)
        except ObjectRejectedError as error:
            if error.code != "not_json":
                raise
            fault = place_of_fault(surveyed(partial(io.BytesIO, text), limits), line + index)
            raise ObjectRejectedError("not_json", error.message + fault) from error
        origin = {"position": place.format(line + index), **origin_of_record(envelope, raw)}
        yield from read_document(payload, origin, containers, limits)


def _document_record(text: bytes, containers: Sequence[str], limits: Limits) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the document of one line (its own text, where it came as text), and the line's envelope."""
    fields = read_head_of(text, containers, limits).fields
    envelope = {name: value for name, value in fields.items() if is_envelope(name)}
    for name in PAYLOAD_FIELDS:
        inner = fields.get(name)
        if isinstance(inner, str):
            return inner.encode(), envelope
        fields = inner if isinstance(inner, dict) else fields
    if is_flattened(fields, containers):
        return whole_text(fields).encode(), envelope
    return text, envelope


def _read_array(open_file: Opener, raw: RawObject, containers: Sequence[str], limits: Limits) -> Iterator[RawBatch]:
    with as_lines(open_file)() as file:
        first = file.readline(limits.record_bytes + 1)
    may_be_one = len(first) <= limits.record_bytes and any(name.encode() in first for name in containers)
    if may_be_one and first.lstrip()[:1] == b"{" and _holds_documents(first, containers, limits):
        return _read_array_of_documents(open_file, raw, containers, limits)
    return _read_array_of_rows(open_file, raw, containers, limits)


def _read_array_of_documents(
    open_file: Opener, raw: RawObject, containers: Sequence[str], limits: Limits
) -> Iterator[RawBatch]:
    with surveyed(open_file, limits)() as file:
        check_json(file)
    index = 0
    with as_lines(open_file)() as file:
        while block := _block(file, limits):
            yield from _read_document_lines(block, index, raw, containers, limits, "[{}]")
            index += len(line_ends(block))


def _read_array_of_rows(
    open_file: Opener, raw: RawObject, containers: Sequence[str], limits: Limits
) -> Iterator[RawBatch]:
    maker = BatchMaker(raw, containers, limits)
    judge = _Judge("item")
    index = 0
    with surveyed(open_file, limits)() as file:
        for chunk in chunks(read_items(file, lambda prefix: prefix == "item")):
            if isinstance(chunk[0].value, dict):
                check_answer(chunk[0].value)
            places = [f"[{index + offset}]" for offset in range(len(chunk))]
            refused = [
                refused_record(place, item.fault, item.value)
                for place, item in zip(places, chunk, strict=True)
                if item.fault
            ]
            rows = [(place, item.value) for place, item in zip(places, chunk, strict=True) if not item.fault]
            batch = maker.of_items(rows, refused)
            judge.see(batch)
            yield batch
            index += len(chunk)
    judge.check()


def _first_line(file: IO[bytes], limits: Limits) -> tuple[bytes, int]:
    """The first line that is not blank, and its number."""
    number = 1
    while line := file.readline(limits.record_bytes + 1):
        if line.strip():
            return line, number
        number += 1
    raise ObjectRejectedError("empty", "the object is empty")


def _refuse_list_without_brackets(first: bytes, number: int) -> None:
    """A comma behind the object of a line says that it is no line of its own, and of the last line nothing does."""
    if (line := first.rstrip()).endswith(b"},"):
        column = len(line.decode("utf-8", "replace"))
        message = f"not JSON: the lines end with commas, as in a list without its brackets (line {number} "
        raise ObjectRejectedError("not_json", f"{message}column {column})")


def _begins_with_an_object(line: bytes) -> bool:
    """Whether a line begins with a whole JSON object, or looks like a broken one among others."""
    depth = 0
    try:
        for event, _ in ijson.basic_parse(io.BytesIO(line), use_float=True, buf_size=JSON_PIECE_BYTES):
            depth += (event in STARTS) - (event in ENDS)
            if depth == 0:
                return True
    except ijson.JSONError:
        pass
    return line.rstrip().endswith(b"}") and b'":' in line


def _block(file: IO[bytes], limits: Limits) -> bytes:
    """About LINES_BYTES of whole lines, each ended with a newline."""
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


def _parts(block: bytes, line: int) -> Iterator[list[tuple[str, bytes]]]:
    """The lines of a block that are not blank, in parts that Python reads in a bounded memory."""
    part: list[tuple[str, bytes]] = []
    size = 0
    for index, text in enumerate(block.split(b"\n")[:-1]):
        if not text.strip():
            continue
        if part and size + len(text) > MAX_ROW_BYTES:
            yield part
            part, size = [], 0
        part.append((f"line {line + index}", text))
        size += len(text)
    if part:
        yield part


def _texts_at(fields: Any, name: str) -> Iterator[str]:
    """The texts of this name in an object and in the objects in it."""
    if isinstance(fields, dict):
        if isinstance(fields.get(name), str):
            yield fields[name]
        for inner in PAYLOAD_FIELDS:
            yield from _texts_at(fields.get(inner), name)
