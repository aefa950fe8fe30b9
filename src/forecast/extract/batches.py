"""Tables as read to RawBatch: envelope off, JSON text in columns read, origin beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.decimals import without_short_floats
from forecast.errors import ObjectRejectedError
from forecast.extract.documents import is_document, read_document, whole_text
from forecast.extract.envelope import (
    PAYLOAD_FIELDS,
    is_envelope,
    origin_of_records,
    unwrap_record,
)
from forecast.extract.envelope_columns import origin_of_table
from forecast.extract.fields import OBJECT_FIELDS, STATION_FIELDS, spelled
from forecast.extract.limits import line_ends
from forecast.extract.records import (
    BadRecordError,
    FastReader,
    read_record,
    read_records,
    refused_record,
    rows_of_records,
)
from forecast.observations import ORIGIN_SCHEMA, REFUSED_SCHEMA, RawBatch, RawObject, empty_frame, frame_of, to_frame
from forecast.settings import Limits

_BINARIES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)


def positions(first: int, count: int, word: str = "line") -> pa.Array:
    """Where rows stand, for people: "line 7"."""
    numbers = pa.array(np.arange(first, first + count)).cast(pa.string())
    return pc.binary_join_element_wise(f"{word} ", numbers, "")


def has_one_shape(table: pa.Table) -> bool:
    """Whether every row has its payload where the others have theirs."""
    cells = [table[field] for field in PAYLOAD_FIELDS if field in table.column_names]
    return all(
        column.null_count == 0 and (pa.types.is_struct(column.type) or pa.types.is_string(column.type))
        for column in cells
    )


class BatchMaker:
    """Makes the batches of one raw object."""

    def __init__(self, raw: RawObject, containers: Sequence[str], limits: Limits) -> None:
        self._raw = raw
        self._containers = containers
        self._limits = limits
        self._nested = FastReader()

    def of_table(self, table: pa.Table, places: pa.Array, refused: Sequence[dict[str, Any]] = ()) -> Iterator[RawBatch]:
        """Batches of a table whose rows stand at `places`; the names of its columns may repeat."""
        origin = origin_of_table(table, places, self._raw)
        refused = list(refused)
        for field in PAYLOAD_FIELDS:
            if field not in table.column_names:
                continue
            cells = _flat(table[field])
            if pa.types.is_struct(cells.type):
                table = _members(cells)
            elif pa.types.is_string(cells.type):
                texts = cells.to_pylist()
                if is_document(next((text for text in texts if text), ""), self._containers, self._limits):
                    yield from self._documents(texts, origin, refused)
                    return
                table, kept, more = _parse_cells(self._nested, cells, origin["position"])
                refused += more
                origin = origin.take(kept)
        table = table.select([index for index, name in enumerate(table.column_names) if not is_envelope(name)])
        if any(name in self._containers for name in table.column_names):
            columns = [without_short_floats(_flat(column)) for column in table.columns]
            rows = pa.Table.from_arrays(columns, names=table.column_names).to_pylist()
            texts = [whole_text(row) for row in rows]
            yield from self._documents(texts, origin, refused)
            return
        yield self._batch(table, origin, refused)

    def of_lines(self, lines: Sequence[tuple[str, bytes]]) -> RawBatch:
        """Records at their positions, read patiently; what cannot be read is refused, one by one."""
        items: list[tuple[str, Any]] = []
        refused = []
        for position, text in lines:
            try:
                records = read_records(text)
            except BadRecordError as error:
                refused.append(refused_record(position, str(error), text.decode("utf-8", "backslashreplace")))
                continue
            items.append((position, records[0]))
            items += [(f"{position} object {number}", record) for number, record in enumerate(records[1:], 2)]
        return self.of_items(items, refused)

    def of_items(self, items: Sequence[tuple[str, Any]], refused: Sequence[dict[str, Any]] = ()) -> RawBatch:
        """Values at their positions; what is no record is refused, one by one."""
        payloads, envelopes, places = [], [], []
        refused = list(refused)
        for position, item in items:
            try:
                payload, envelope = unwrap_record(item)
            except BadRecordError as error:
                refused.append(refused_record(position, str(error), item))
                continue
            if any(isinstance(payload.get(name), dict | list) for name in self._containers):
                refused.append(refused_record(position, "a whole document where a single row belongs", item))
                continue
            payloads.append(payload)
            envelopes.append(envelope)
            places.append(position)
        return self._batch(rows_of_records(payloads), origin_of_records(envelopes, places, self._raw), refused)

    def of_refused(self, refused: Sequence[dict[str, Any]]) -> RawBatch:
        """A batch without rows."""
        return RawBatch(pd.DataFrame(), empty_frame(ORIGIN_SCHEMA), refused=frame_of(refused, REFUSED_SCHEMA))

    def _batch(self, rows: pa.Table, origin: pa.Table, refused: list[dict[str, Any]]) -> RawBatch:
        rows, origin, more = _open_objects(rows, origin)
        frame = to_frame(_plain(rows))
        if not rows.column_names:
            frame = frame.reindex(range(len(origin)))
        return RawBatch(frame, to_frame(origin), refused=frame_of([*refused, *more], REFUSED_SCHEMA))

    def _documents(
        self, texts: Sequence[str | None], origin: pa.Table, refused: Sequence[dict[str, Any]]
    ) -> Iterator[RawBatch]:
        if refused:
            yield self.of_refused(refused)
        for text, row in zip(texts, origin.to_pylist(), strict=True):
            if text is not None:
                yield from read_document(text.encode(), row, self._containers, self._limits)


def _open_objects(table: pa.Table, origin: pa.Table) -> tuple[pa.Table, pa.Table, list[dict[str, Any]]]:
    """Objects that came as JSON text (Airbyte's CSV, Parquet and "stringified" JSON) as objects.

    A row whose object cannot be read is refused: what it held is not known.
    """
    refused: list[dict[str, Any]] = []
    for index, name in enumerate(table.column_names):
        if spelled(name) not in OBJECT_FIELDS or not pa.types.is_string(table.column(index).type):
            continue
        texts = _flat(table.column(index))
        texts = pc.if_else(pc.equal(pc.utf8_trim_whitespace(texts), ""), pa.scalar(None, pa.string()), texts)
        objects, kept, more = _parse_cells(FastReader(), texts, origin["position"], name)
        if more:
            table, origin = table.take(kept), origin.take(kept)
            refused += more
        table = table.set_column(index, name, pa.chunked_array(objects.to_struct_array()))
    return table, origin, refused


def _plain(table: pa.Table) -> pa.Table:
    """Decimals and bytes as text: 7.6 stays 7.6, and who converts it reads texts and numbers only."""
    for index, name in enumerate(table.column_names):
        cells = table.column(index)
        if pa.types.is_decimal(cells.type):
            table = table.set_column(index, name, cells.cast(pa.string()))
        elif any(test(cells.type) for test in _BINARIES):
            table = table.set_column(index, name, pa.chunked_array([_text_of_bytes(name, _flat(cells))]))
    return table


def _text_of_bytes(name: str, cells: pa.Array) -> pa.Array:
    """Bytes as the text they are, as they would be printed where they are none.

    Raises ObjectRejectedError where they should name the station, and no row has a text.
    """
    if pa.types.is_fixed_size_binary(cells.type):
        cells = pc.replace_substring_regex(cells.cast(pa.binary()), "\0+$", "")
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid:
        found = cells.to_pylist()
    texts = [None if cell is None else cell.decode("utf-8", "backslashreplace") for cell in found]
    if spelled(name) in STATION_FIELDS and all(
        text is None or text.encode() != cell for text, cell in zip(texts, found, strict=True)
    ):
        first = next(text for text in texts if text is not None)
        message = f"the field {name!r}, which names the station, holds bytes that are no text: {first[:40]!r}"
        raise ObjectRejectedError("bad_envelope", message)
    return pa.array(texts, pa.string())


def _parse_cells(
    reader: FastReader, cells: pa.Array, places: pa.ChunkedArray, field: str | None = None
) -> tuple[pa.Table, pa.Array, list[dict[str, Any]]]:
    """JSON text a cell to columns; which rows are kept; and the rows that cannot be read."""
    filled = pc.replace_substring(pc.fill_null(cells, "{}"), "\n", " ").to_pylist()
    block = "\n".join(filled).encode() + b"\n"
    table = reader.read(block, line_ends(block))
    if table is not None:
        return table, pa.array(np.arange(len(cells))), []
    records, kept, refused = [], [], []
    for index, text in enumerate(filled):
        try:
            records.append(read_record(text.encode()))
            kept.append(index)
        except BadRecordError as error:
            refused.append(refused_record(places[index].as_py(), str(error), text, field))
    return rows_of_records(records), pa.array(kept, pa.int64()), refused


def _members(cells: pa.StructArray) -> pa.Table:
    return pa.table({field.name: pc.struct_field(cells, index) for index, field in enumerate(cells.type)})


def _flat(column: pa.ChunkedArray) -> pa.Array:
    cells = column.combine_chunks()
    cells = pa.concat_arrays(cells.chunks) if isinstance(cells, pa.ChunkedArray) else cells
    return cells.cast(pa.string()) if pa.types.is_large_string(cells.type) else cells
