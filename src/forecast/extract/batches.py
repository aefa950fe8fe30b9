"""Converts tables to RawBatch: removes the envelope, parses JSON text in columns and adds the origin."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.decimals import without_short_floats
from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import ORIGIN_SCHEMA, REJECTED_SCHEMA, RawBatch, empty_frame, frame_of, to_frame
from forecast.core.settings import Limits
from forecast.extract.beside import with_beside
from forecast.extract.columnar import check_table
from forecast.extract.deletions import deleted_in, without_marks
from forecast.extract.envelope import (
    PAYLOAD_FIELDS,
    in_lower_case,
    origin_of_records,
    unwrap_record,
)
from forecast.extract.envelope_columns import origin_of_table
from forecast.extract.json.answers import (
    LOST,
    NO_ROWS,
    SOURCE_ERROR,
    answers_in,
    check_holds_nothing,
    lost_on_the_way,
    no_rows,
)
from forecast.extract.json.document import Around, Document, document_in
from forecast.extract.json.header import names_a_container, reassemble
from forecast.extract.json.lines import BadRecordError, FastReader, read_records, rejected_record, rows_of_records
from forecast.extract.json.objects import flat, opened, parse_cells
from forecast.extract.ledger import Ledger
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.parts import (
    Part,
    are_documents,
    bytes_of,
    filled_fields,
    members,
    no_columns,
    payload_cells,
    plain,
    sources_own,
    take_more_fields,
)
from forecast.extract.repeated_headers import without_headers
from forecast.extract.shapes import Shapes

# A bad document costs its record; only one that could exhaust the machine costs the object.
RECORD_FAULTS: Final = frozenset({"not_json", "not_text", "unknown_layout", NO_ROWS, SOURCE_ERROR})


class BatchMaker:
    """Makes the batches of one raw object; `ledger` counts what became of the records."""

    def __init__(self, raw: RawObject, shapes: Shapes, limits: Limits, ledger: Ledger) -> None:
        self.ledger = ledger
        self._raw = raw
        self._shapes = shapes
        self._limits = limits
        self._nested = FastReader()

    def of_table(
        self, table: pa.Table, places: pa.Array, rejected: Sequence[dict[str, Any]] = ()
    ) -> Iterator[RawBatch]:
        """Batches of at most CHUNK_ROWS from a table whose rows are at `places`; the names of its columns may repeat.

        A block of text can have 190 000 rows of three short cells, which took 120 MB more when transformed at once.
        """
        for at in range(0, max(len(places), 1), CHUNK_ROWS):
            # From rows without columns, Arrow's slice would return as many rows as requested.
            chosen = places.slice(at, CHUNK_ROWS)
            yield from self._of_chunk(table.slice(at, len(chosen)), chosen, () if at else rejected)

    def _of_chunk(self, table: pa.Table, places: pa.Array, rejected: Sequence[dict[str, Any]]) -> Iterator[RawBatch]:
        table, places = without_headers(table, places)
        table = table.rename_columns([in_lower_case(name) for name in table.column_names])
        part = Part(table, origin_of_table(table, places, self._raw), [], [])
        for record in rejected:
            self._reject(part, record)
        for field in PAYLOAD_FIELDS:
            if field not in part.rows.column_names:
                continue
            cells = payload_cells(part.rows, field)
            part.beside.insert(0, sources_own(part.rows, field))
            part.rows = no_columns()
            if pa.types.is_struct(cells.type):
                part.rows = members(cells)
            elif pa.types.is_string(cells.type):
                yield from self._open_texts(part, cells)
            elif not pa.types.is_null(cells.type):
                self._reject_payloads(part, cells)
        part.rows = sources_own(part.rows)
        yield from self._batches(part)

    def of_lines(self, lines: Sequence[tuple[str, bytes]]) -> Iterator[RawBatch]:
        """Records at their positions, read on the slow path; those that cannot be read are rejected individually."""
        items: list[tuple[str, Any]] = []
        rejected = []
        for position, text in lines:
            try:
                records = read_records(text)
            except BadRecordError as error:
                rejected.append(rejected_record(position, str(error), text.decode("utf-8", "backslashreplace")))
                continue
            items.append((position, records[0]))
            items += [(f"{position} object {number}", record) for number, record in enumerate(records[1:], 2)]
        yield from self._of_items(items, rejected)

    def of_document(self, text: bytes, source: Around) -> Iterator[RawBatch]:
        """The batches of a document that is one record; if it holds no rows, only this record is rejected.

        Raises ObjectRejectedError if it would need more resources than any real one.
        """
        try:
            document = Document.of(lambda: io.BytesIO(text), self._shapes, self._limits)
        except ObjectRejectedError as error:
            yield self._of_unreadable(error, text, source)
        else:
            yield from self.of_opened(document, text, source)

    def of_opened(self, document: Document, text: bytes, source: Around) -> Iterator[RawBatch]:
        """The batches of such a document after its header was read; `text` is the whole document."""
        try:
            batches = list(document.batches(source, self._shapes))
        except ObjectRejectedError as error:
            yield self._of_unreadable(error, text, source)
            return
        if source.origin["changes"] and not batches:
            yield self._of_unreadable(no_rows({}, ()), text, source)
            return
        self.ledger.add_rows()
        yield from batches

    def _of_unreadable(self, error: ObjectRejectedError, text: bytes, source: Around) -> RawBatch:
        if error.code not in RECORD_FAULTS:
            raise error
        return self._of_fault(error, source.origin, text.decode("utf-8", "backslashreplace"))

    def of_rejected(self, rejected: Sequence[dict[str, Any]]) -> RawBatch:
        """A batch without rows."""
        for record in rejected:
            self.ledger.add_unreadable(record["position"], record["reason"])
        return RawBatch(pd.DataFrame(), empty_frame(ORIGIN_SCHEMA), rejected=frame_of(rejected, REJECTED_SCHEMA))

    def _of_items(self, items: Sequence[tuple[str, Any]], rejected: Sequence[dict[str, Any]]) -> Iterator[RawBatch]:
        """Values at their positions; those that are not records are rejected individually."""
        payloads, envelopes, beside, places = [], [], [], []
        part = Part(no_columns(), ORIGIN_SCHEMA.empty_table(), [], [])
        for record in rejected:
            self._reject(part, record)
        for position, item in items:
            try:
                unwrapped = unwrap_record(item)
            except BadRecordError as error:
                self._reject(part, rejected_record(position, str(error), item))
                continue
            payloads.append(unwrapped.payload)
            envelopes.append(unwrapped.envelope)
            beside.append(unwrapped.beside)
            places.append(position)
        part.rows = rows_of_records(payloads)
        part.origin = origin_of_records(envelopes, places, self._raw)
        part.beside = [
            rows_of_records([levels[depth] if depth < len(levels) else {} for levels in beside])
            for depth in range(max(map(len, beside), default=0))
        ]
        yield from self._batches(part)

    def _open_texts(self, part: Part, cells: pa.Array) -> Iterator[RawBatch]:
        """Read payloads that are JSON text: documents on their own, the others into the rows of the part."""
        documents = np.zeros(len(cells), dtype=bool)
        if names_a_container(bytes_of(cells), self._shapes):
            for name in self._shapes.containers:
                documents |= np.asarray(pc.fill_null(pc.match_substring(cells, name), fill_value=False))
        for index in np.flatnonzero(documents).tolist():
            text = cells[index].as_py().encode()
            document = document_in(text, self._shapes, self._limits)
            documents[index] = document is not None
            if document is not None:
                yield from self._of_row(part, index, partial(self.of_opened, document, text))
        rest = np.flatnonzero(~documents)
        part.keep(rest)
        rows, kept, rejected = parse_cells(self._nested, cells.take(pa.array(rest)), part.origin["position"])
        for record in rejected:
            self._reject(part, record)
        part.keep(kept, rows)

    def _batches(self, part: Part) -> Iterator[RawBatch]:
        """The batches of rows without their envelope: one for each document, and one for all other rows."""
        documents = are_documents(part.rows, self._shapes, len(part.origin))
        if documents.any():
            columns = [without_short_floats(flat(column)) for column in part.rows.columns]
            rows = pa.Table.from_arrays(columns, part.rows.column_names)
            for index in np.flatnonzero(documents).tolist():
                yield from self._of_row(part, index, partial(self._reassembled, rows.slice(index, 1)))
            part.keep(np.flatnonzero(~documents))
            if not len(part.origin) and not part.rejected:
                return
        yield self._batch(part)

    def _reassembled(self, row: pa.Table, source: Around) -> Iterator[RawBatch]:
        return self.of_document(reassemble(row.to_pylist()[0]).encode(), source)

    def _of_row(self, part: Part, index: int, batches_of: Callable[[Around], Iterator[RawBatch]]) -> Iterator[RawBatch]:
        """The batches of a row that is a document."""
        origin = part.origin.slice(index, 1).to_pylist()[0]
        try:
            beside = [level.slice(index, 1).to_pylist()[0] for level in part.beside if level.column_names]
            batches = batches_of(Around(origin, beside))
        except (ValueError, OverflowError, pa.ArrowException) as error:
            fault = ObjectRejectedError("not_json", f"a cell of the document cannot be read: {error}")
            batches = iter([self._of_fault(fault, origin, "")])
        yield from batches

    def _batch(self, part: Part) -> RawBatch:
        self._take_deleted(part)
        self._take_answers(part)
        take_more_fields(part)
        has_payloads = any(column.null_count < len(column) for column in part.rows.columns)
        if has_payloads:
            self.ledger.add_rows()
        while part.beside:
            level = part.beside.pop(0)
            if level.column_names:
                merged = with_beside(part.rows, level, part.origin["position"])
                part.rejected += merged.rejected
                part.keep(merged.kept, merged.rows)
        check_table(part.rows)
        objects = opened(part.rows, part.origin["position"], self._shapes.objects)
        part.rejected += objects.rejected
        part.keep(objects.kept, objects.rows)
        frame = to_frame(plain(part.rows))
        if not part.rows.column_names:
            frame = frame.reindex(range(len(part.origin)))
        rejected = frame_of(part.rejected, REJECTED_SCHEMA)
        return RawBatch(frame, to_frame(part.origin), rejected=rejected, has_payloads=has_payloads)

    def _take_deleted(self, part: Part) -> None:
        """Remove the rows that their producer has deleted, and all columns that mark deletions."""
        deleted, records = deleted_in([part.rows, *part.beside], part.origin["position"])
        part.rows, part.beside = without_marks(part.rows), [without_marks(level) for level in part.beside]
        if records:
            self.ledger.add_rows()
            part.rejected += records
            part.keep(np.flatnonzero(~deleted))

    def _take_answers(self, part: Part) -> None:
        """Remove API answers without data: rejected if they report an error, otherwise counted as empty."""
        lost = np.asarray(part.origin["changes"].is_valid())
        found, names = answers_in(part.rows, self._shapes.containers, lost)
        rejected: list[int] = []
        for index in np.flatnonzero(found).tolist():
            nulls = {name: None for name in part.rows.column_names if name in self._shapes.containers}
            fields = nulls | filled_fields(part.rows, index)
            try:
                check_holds_nothing(fields, self._shapes.containers)
                fault = no_rows(fields, self._shapes.containers)
            except ObjectRejectedError as error:
                fault = error
            record = self._fault(fault, part.origin.slice(index, 1).to_pylist()[0], fields)
            if record is not None:
                part.rejected.append(record)
                rejected.append(index)
        if rejected:
            part.keep(np.delete(np.arange(len(found)), rejected))
        if names:
            part.rows = part.rows.select([name for name in part.rows.column_names if name not in names])

    def _of_fault(self, fault: ObjectRejectedError, origin: dict[str, Any], raw: str) -> RawBatch:
        """A batch for one record without rows, rejected or empty."""
        record = self._fault(fault, origin, raw)
        if record is not None:
            return RawBatch(pd.DataFrame(), empty_frame(ORIGIN_SCHEMA), rejected=frame_of([record], REJECTED_SCHEMA))
        return RawBatch(pd.DataFrame(index=pd.RangeIndex(1)), frame_of([origin], ORIGIN_SCHEMA))

    def _fault(self, fault: ObjectRejectedError, origin: dict[str, Any], raw: object) -> dict[str, Any] | None:
        """The rejected record for a record without rows; None if having no rows is its only fault."""
        code, message, position = fault.code, fault.message, origin["position"]
        if code == NO_ROWS and origin["changes"]:
            code, message = LOST, lost_on_the_way(origin["changes"])
        self.ledger.add_without_rows(code, position, message)
        if code == NO_ROWS:
            return None
        kept = code if code in {LOST, SOURCE_ERROR} else "malformed_record"
        return rejected_record(position, message, raw) | {"code": kept}

    def _reject_payloads(self, part: Part, cells: pa.Array) -> None:
        """Reject payloads that are neither objects nor JSON text."""
        reason = f"the payload is not an object but a {cells.type}"
        for index in np.flatnonzero(cells.is_valid()).tolist():
            self._reject(part, rejected_record(part.origin["position"][index].as_py(), reason, ""))
        part.keep(np.flatnonzero(cells.is_null()))

    def _reject(self, part: Part, record: dict[str, Any]) -> None:
        part.rejected.append(record)
        self.ledger.add_unreadable(record["position"], record["reason"])
