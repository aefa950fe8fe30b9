"""JSON and CSV: text that is read in blocks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import ijson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from forecast.errors import ObjectRejectedError
from forecast.extract.batches import BatchMaker, has_one_shape, refused_record
from forecast.extract.documents import check_answer, is_document, read_document, read_document_file, read_head_of
from forecast.extract.envelope import PAYLOAD_FIELDS, is_envelope, origin_of_record, unwrap_record
from forecast.extract.limits import BLOCK_BYTES, CHUNK_ROWS, MAX_RECORD_BYTES, check_depth_of_file, too_long
from forecast.extract.records import BadRecordError, FastReader, read_record
from forecast.observations import RawBatch, RawObject

Opener = Callable[[], IO[bytes]]
_DELIMITERS = (",", ";", "\t")


def read_json(open_file: Opener, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    """JSON lines, a JSON array, or one document, told apart by the beginning of the content."""
    with open_file() as file:
        first = _first_line(file)
    if first.lstrip()[:1] == b"[":
        yield from _read_array(open_file, raw, containers)
    elif len(first) <= MAX_RECORD_BYTES and _is_whole(first):
        yield from _read_lines(open_file, raw, containers, first)
    else:
        yield from read_document_file(open_file, raw, containers)


def _read_lines(open_file: Opener, raw: RawObject, containers: Sequence[str], first: bytes) -> Iterator[RawBatch]:
    maker = BatchMaker(raw, containers)
    try:
        payload, _ = unwrap_record(read_record(first))
        check_answer(payload)
    except (BadRecordError, ValueError):
        payload = {}
    documents = any(name in containers for name in payload) or is_document(first.decode("utf-8", "replace"), containers)
    fast = FastReader()
    with open_file() as file:
        line = 1
        while block := _block(file):
            count = block.count(b"\n")
            if documents:
                yield from _read_document_lines(block, line, raw, containers)
            elif (table := fast.read(block, count)) is not None and has_one_shape(table):
                yield from maker.of_table(table, positions(line, count))
            else:
                texts = block.split(b"\n")[:-1]
                lines = [(f"line {line + index}", text) for index, text in enumerate(texts) if text.strip()]
                yield maker.of_lines(lines)
            line += count


def _read_document_lines(block: bytes, line: int, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    for index, text in enumerate(block.split(b"\n")[:-1]):
        if not text.strip():
            continue
        payload, envelope = _document_record(text, containers)
        origin = {"position": f"line {line + index}", **origin_of_record(envelope, raw)}
        yield from read_document(payload, origin, containers)


def _document_record(text: bytes, containers: Sequence[str]) -> tuple[bytes, dict[str, Any]]:
    """The bytes of the document of one line (its own text, where it came as text), and the line's envelope."""
    fields = read_head_of(text, containers).fields
    envelope = {name: value for name, value in fields.items() if is_envelope(name)}
    for name in PAYLOAD_FIELDS:
        inner = fields.get(name)
        if isinstance(inner, str):
            return inner.encode(), envelope
        fields = inner if isinstance(inner, dict) else fields
    return text, envelope


def _read_array(open_file: Opener, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    maker = BatchMaker(raw, containers)
    try:
        check_depth_of_file(open_file)
    except ijson.JSONError as error:
        raise _cut_array(error) from error
    with open_file() as file:
        items = ijson.items(file, "item", use_float=True)
        index = 0
        while True:
            try:
                chunk = [item for _, item in zip(range(CHUNK_ROWS), items, strict=False)]
            except ijson.JSONError as error:
                raise _cut_array(error) from error
            if not chunk:
                return
            if isinstance(chunk[0], dict):
                check_answer(chunk[0])
            yield maker.of_items([(f"[{index + offset}]", item) for offset, item in enumerate(chunk)])
            index += len(chunk)


def _cut_array(error: ijson.JSONError) -> ObjectRejectedError:
    message = str(error).strip().split("\n", 1)[0]
    return ObjectRejectedError("not_json", f"the JSON array cannot be read to its end: {message}")


def read_csv(open_file: Opener, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    """A table with a header; every cell is text until it is converted."""
    maker = BatchMaker(raw, containers)
    with open_file() as file:
        names, delimiter = _header(file)
    refused: list[tuple[int, str]] = []

    def refuse(row: pa_csv.InvalidRow) -> str:
        refused.append(
            (
                row.number or 0,
                f"{row.actual_columns} cells where the header has {row.expected_columns}: {row.text[:200]}",
            )
        )
        return "skip"

    try:
        with open_file() as file:
            reader = pa_csv.open_csv(
                file,
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=BLOCK_BYTES, column_names=names, skip_rows=1
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
            row = 1
            for block in reader:
                bad, refused[:] = [refused_record(f"row {number}", text, text) for number, text in refused], []
                places = positions(row, block.num_rows, "row")
                yield from maker.of_table(_blank_to_null(pa.Table.from_batches([block])), places, bad)
                row += block.num_rows + len(bad)
    except pa.ArrowInvalid as error:
        raise ObjectRejectedError("not_csv", f"the table cannot be read: {str(error)[:300]}") from error


def _header(file: IO[bytes]) -> tuple[list[str], str]:
    line = file.readline(MAX_RECORD_BYTES).decode("utf-8-sig", "replace").rstrip("\r\n")
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise ObjectRejectedError("not_csv", f"the header of the table cannot be read: {error}") from error
    if not names:
        raise ObjectRejectedError("no_header", "the table has no header")
    return names, delimiter


def _blank_to_null(table: pa.Table) -> pa.Table:
    columns = {}
    for name in table.column_names:
        cells = table[name]
        columns[name] = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
    return pa.table(columns)


def _first_line(file: IO[bytes]) -> bytes:
    while line := file.readline(MAX_RECORD_BYTES + 1):
        if line.strip():
            return line
    raise ObjectRejectedError("empty", "the object is empty")


def _is_whole(line: bytes) -> bool:
    """Whether a line is a JSON object from beginning to end."""
    try:
        for _ in ijson.basic_parse(io.BytesIO(line), use_float=True):
            pass
    except ijson.JSONError:
        # A line that is no JSON among lines that are: the first may be the broken one.
        return line.rstrip().endswith(b"}") and b'":' in line
    return True


def _block(file: IO[bytes]) -> bytes:
    """About BLOCK_BYTES of whole lines, each ended with a newline."""
    block = file.read(BLOCK_BYTES)
    if block and not block.endswith(b"\n"):
        rest = file.readline(MAX_RECORD_BYTES + 1)
        if len(rest) > MAX_RECORD_BYTES:
            raise too_long("a line")
        block += rest
        if not block.endswith(b"\n"):
            block += b"\n"
    return block


def positions(first: int, count: int, word: str = "line") -> pa.Array:
    """Where rows stand, for people: "line 7"."""
    numbers = pa.array(range(first, first + count), pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(f"{word} ", numbers, "")
