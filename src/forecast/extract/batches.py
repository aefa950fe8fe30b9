"""Tables as read to RawBatch: envelope off, JSON text in columns read, origin beside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from forecast.extract.documents import is_document, read_document
from forecast.extract.envelope import (
    PAYLOAD_FIELDS,
    is_envelope,
    origin_of_records,
    origin_of_table,
    unwrap_record,
)
from forecast.extract.records import BadRecordError, FastReader, read_record, rows_of_records
from forecast.observations import REFUSED_SCHEMA, RawBatch, RawObject, frame_of, to_frame

_MAX_SHOWN = 1000


def has_one_shape(table: pa.Table) -> bool:
    """Whether every row has its payload where the others have theirs."""
    cells = [table[field] for field in PAYLOAD_FIELDS if field in table.column_names]
    return all(
        column.null_count == 0 and (pa.types.is_struct(column.type) or pa.types.is_string(column.type))
        for column in cells
    )


def refused_record(position: str, reason: str, text: str) -> dict[str, Any]:
    """A record that could not be read at all."""
    return {
        "position": position,
        "code": "malformed_record",
        "field": None,
        "value": None,
        "reason": reason,
        "row": text[:_MAX_SHOWN],
    }


class BatchMaker:
    """Makes the batches of one raw object."""

    def __init__(self, raw: RawObject, containers: Sequence[str]) -> None:
        self._raw = raw
        self._containers = containers
        self._nested = FastReader()

    def of_table(
        self, table: pa.Table, positions: pa.Array, refused: Sequence[dict[str, Any]] = ()
    ) -> Iterator[RawBatch]:
        """Batches of a table whose rows stand at `positions`."""
        origin = origin_of_table(table, positions, self._raw)
        for field in PAYLOAD_FIELDS:
            if field not in table.column_names:
                continue
            cells = _flat(table[field])
            if pa.types.is_struct(cells.type):
                table = _members(cells)
            elif pa.types.is_string(cells.type):
                if is_document(next((text for text in cells.to_pylist() if text), ""), self._containers):
                    yield from self._documents(cells.to_pylist(), origin)
                    return
                table, kept, more = self._parse_cells(cells, positions)
                refused = [*refused, *more]
                origin = origin.take(kept)
        table = table.select([name for name in table.column_names if not is_envelope(name)])
        if any(name in self._containers for name in table.column_names):
            yield from self._documents([json.dumps(row, default=str) for row in table.to_pylist()], origin)
            return
        yield RawBatch(to_frame(self._open_objects(table)), to_frame(origin), refused=frame_of(refused, REFUSED_SCHEMA))

    def of_lines(self, lines: Sequence[tuple[str, bytes]]) -> RawBatch:
        """Records at their positions, read patiently; what cannot be read is refused, one by one."""
        items, refused = [], []
        for position, text in lines:
            try:
                items.append((position, read_record(text)))
            except BadRecordError as error:
                refused.append(refused_record(position, str(error), text.decode("utf-8", "backslashreplace")))
        return self.of_items(items, refused)

    def of_items(self, items: Sequence[tuple[str, Any]], refused: Sequence[dict[str, Any]] = ()) -> RawBatch:
        """Values at their positions; what is no record is refused, one by one."""
        payloads, envelopes, positions = [], [], []
        more = []
        for position, item in items:
            try:
                payload, envelope = unwrap_record(item)
            except BadRecordError as error:
                more.append(refused_record(position, str(error), json.dumps(item, ensure_ascii=False)))
                continue
            payloads.append(payload)
            envelopes.append(envelope)
            positions.append(position)
        return self.of_payloads(payloads, envelopes, positions, [*refused, *more])

    def of_payloads(
        self,
        payloads: Sequence[dict[str, Any]],
        envelopes: Sequence[dict[str, Any]],
        positions: Sequence[str],
        refused: Sequence[dict[str, Any]] = (),
    ) -> RawBatch:
        """A batch of payloads that are already read."""
        rows = self._open_objects(rows_of_records(payloads))
        origin = origin_of_records(envelopes, positions, self._raw)
        frame = to_frame(rows)
        if not rows.column_names:
            frame = frame.reindex(range(len(payloads)))
        return RawBatch(frame, to_frame(origin), refused=frame_of(refused, REFUSED_SCHEMA))

    def _documents(self, texts: Sequence[str | None], origin: pa.Table) -> Iterator[RawBatch]:
        for text, row in zip(texts, origin.to_pylist(), strict=True):
            if text is not None:
                yield from read_document(text.encode(), row, self._containers)

    def _parse_cells(self, cells: pa.Array, positions: pa.Array) -> tuple[pa.Table, pa.Array, list[dict[str, Any]]]:
        """JSON text a cell to columns; which rows are kept; and the rows that cannot be read."""
        filled = pc.replace_substring(pc.fill_null(cells, "{}"), "\n", " ")
        block = "\n".join(filled.to_pylist()).encode() + b"\n"
        table = self._nested.read(block, len(cells))
        if table is not None:
            return table, pa.array(range(len(cells)), pa.int64()), []
        records, kept, refused = [], [], []
        for index, text in enumerate(filled.to_pylist()):
            try:
                records.append(read_record(text.encode()))
                kept.append(index)
            except BadRecordError as error:
                refused.append(refused_record(positions[index].as_py(), str(error), text))
        return rows_of_records(records), pa.array(kept, pa.int64()), refused

    def _open_objects(self, table: pa.Table) -> pa.Table:
        """Objects that came as JSON text (Airbyte's CSV, Parquet and "stringified" JSON) as objects."""
        for index, name in enumerate(table.column_names):
            cells = table[name]
            if not pa.types.is_string(cells.type) or cells.null_count == len(cells):
                continue
            first = next(text for chunk in cells.chunks for text in chunk if text.is_valid).as_py()
            if first[:1] != "{":
                continue
            flat = _flat(cells)
            block = "\n".join(pc.replace_substring(pc.fill_null(flat, "{}"), "\n", " ").to_pylist()).encode() + b"\n"
            opened = FastReader().read(block, len(flat))
            if opened is not None:
                table = table.set_column(index, name, pa.chunked_array(opened.to_struct_array()))
        return table


def _members(cells: pa.StructArray) -> pa.Table:
    return pa.table({field.name: pc.struct_field(cells, index) for index, field in enumerate(cells.type)})


def _flat(column: pa.ChunkedArray) -> pa.Array:
    cells = column.combine_chunks()
    cells = pa.concat_arrays(cells.chunks) if isinstance(cells, pa.ChunkedArray) else cells
    return cells.cast(pa.string()) if pa.types.is_large_string(cells.type) else cells
