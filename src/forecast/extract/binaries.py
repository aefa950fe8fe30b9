"""Parquet, Avro and workbooks."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from forecast.errors import ObjectRejectedError
from forecast.extract.batches import BatchMaker
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.records import rows_of_records
from forecast.extract.texts import positions
from forecast.observations import RawBatch, RawObject

# A sheet of a day has 60 kB of XML; a million empty styled rows some hundred MB.
MAX_WORKBOOK_BYTES = 200 << 20


def read_parquet(path: Path, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    """Batches of a Parquet file."""
    maker = BatchMaker(raw, containers)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            row = 1
            for batch in file.iter_batches(batch_size=CHUNK_ROWS):
                yield from maker.of_table(pa.Table.from_batches([batch]), positions(row, batch.num_rows, "row"))
                row += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise ObjectRejectedError("not_parquet", f"the Parquet file cannot be read: {str(error)[:300]}") from error


def read_avro(path: Path, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    """Batches of an Avro container file."""
    maker = BatchMaker(raw, containers)
    with path.open("rb") as file:
        try:
            records = fastavro.reader(file)
            row = 1
            while chunk := list(islice(records, CHUNK_ROWS)):
                table = rows_of_records([dict(record) for record in chunk if isinstance(record, dict)])
                yield from maker.of_table(table, positions(row, table.num_rows, "row"))
                row += len(chunk)
        except (ValueError, EOFError, KeyError, IndexError, TypeError, OSError) as error:
            raise ObjectRejectedError("not_avro", f"the Avro file cannot be read: {str(error)[:300]}") from error


def read_workbook(path: Path, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    """One batch a sheet, hidden ones too: its header is the first row, and its name may be its day."""
    maker = BatchMaker(raw, containers)
    _check_size(path)
    try:
        workbook = CalamineWorkbook.from_path(path)
        for sheet in workbook.sheets_metadata:
            if sheet.typ is not SheetTypeEnum.WorkSheet:
                continue
            rows = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
            if rows:
                yield _sheet_batch(sheet.name, rows, maker)
    except (CalamineError, OSError, ValueError) as error:
        raise ObjectRejectedError("not_workbook", f"the workbook cannot be read: {str(error)[:300]}") from error


def _sheet_batch(name: str, rows: list[list[Any]], maker: BatchMaker) -> RawBatch:
    header = [str(cell) for cell in rows[0]]
    used = [index for index, title in enumerate(header) if title.strip()]
    columns = {index: _cells([row[index] for row in rows[1:]]) for index in used}
    table = pa.Table.from_arrays(list(columns.values()), names=[header[index] for index in used])
    places = pa.array([f"sheet {name} row {number}" for number in range(2, len(rows) + 1)], pa.string())
    (batch,) = maker.of_table(table, places)
    batch.sheet = name
    return batch


def _cells(values: list[Any]) -> pa.Array:
    """Cells of one kind as they are, of several as text."""
    values = [None if value == "" else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) > 1:
        return pa.array([None if value is None else _cell_text(value) for value in values], pa.string())
    return pa.array(values)


def _cell_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, time | date | datetime) else str(value)


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ObjectRejectedError("not_workbook", f"the workbook is no whole zip file: {error}") from error
    if size > MAX_WORKBOOK_BYTES:
        message = f"the workbook unpacks to {size >> 20} MB; the limit is {MAX_WORKBOOK_BYTES >> 20} MB"
        raise ObjectRejectedError("too_large", message)
