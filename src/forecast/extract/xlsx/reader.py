"""Reads workbooks (.xlsx), one batch per sheet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.batches import BatchMaker
from forecast.extract.ledger import Ledger
from forecast.extract.limits import check_columns
from forecast.extract.shapes import Shapes
from forecast.extract.xlsx.percents import Percents, as_shown
from forecast.extract.xlsx.prescan import Marks, survey_workbook

_HEADER_ROWS = 20
# A whole sheet is in memory together with its batches, so these are small.
_CHUNK_ROWS = 10_000
_HEADER_CELLS = 3
_LETTERS = 26


def read_workbook(path: Path, raw: RawObject, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """One batch per sheet, including hidden ones; a sheet's name may be its day.

    The header is the first of 20 rows with at least three names, so there may be lines of text above it.
    """
    maker = BatchMaker(raw, shapes, limits, Ledger("not_workbook", "row"))
    surveyed = survey_workbook(path, limits)
    try:
        workbook = CalamineWorkbook.from_path(path)
        for index, sheet in enumerate(workbook.sheets_metadata):
            if sheet.typ is not SheetTypeEnum.WorkSheet:
                continue
            rows = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
            if index < len(surveyed):
                _put_percents(rows, surveyed[index].percents)
                _put_marks(rows, surveyed[index].marks)
            if rows:
                yield from _sheet_batches(sheet.name, rows, maker)
        maker.ledger.check()
    except (CalamineError, OSError, ValueError) as error:
        raise ObjectRejectedError("not_workbook", f"the workbook cannot be read: {error}") from error


def _put_marks(rows: list[list[Any]], marks: Marks) -> None:
    for (row, column), text in marks.items():
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text


def _put_percents(rows: list[list[Any]], percents: Percents) -> None:
    for column, of_column in percents.items():
        for row in of_column:
            if row < len(rows) and column < len(rows[row]):
                rows[row][column] = as_shown(rows[row][column])


def _sheet_batches(name: str, rows: list[list[Any]], maker: BatchMaker) -> Iterator[RawBatch]:
    start = next((index for index, row in enumerate(rows[:_HEADER_ROWS]) if _is_header(row)), 0)
    header = [
        str(cell) if str(cell).strip() or not _has_cells(rows[start + 1 :], index) else f"column {_letters(index)}"
        for index, cell in enumerate(rows[start])
    ]
    used = [index for index, title in enumerate(header) if title.strip()]
    check_columns(len(used), len(rows))
    for first in range(start + 1, max(len(rows), start + 2), _CHUNK_ROWS):
        part = rows[first : first + _CHUNK_ROWS]
        columns = [_cells([row[index] for row in part]) for index in used]
        table = pa.Table.from_arrays(columns, names=[header[index] for index in used])
        places = pa.array([f"sheet {name} row {first + number}" for number in range(1, len(part) + 1)], pa.string())
        for batch in maker.of_table(table, places):
            batch.sheet = name
            yield batch


def _has_cells(rows: list[list[Any]], index: int) -> bool:
    """Whether a column has any cells; if the header has no name for it, it is named by its letters."""
    return any(row[index] != "" for row in rows)


def _letters(index: int) -> str:
    """The letters of a column, counted from 0: 27 is "AB"."""
    letters = ""
    while index >= 0:
        index, place = divmod(index, _LETTERS)
        letters = chr(ord("A") + place) + letters
        index -= 1
    return letters


def _is_header(row: list[Any]) -> bool:
    """Whether a row is a header: distinct texts without digits; "00:04:00" and "56.8 °F" are cells."""
    names = [cell for cell in row if cell != ""]
    return (
        len(names) >= _HEADER_CELLS
        and len(set(map(str, names))) == len(names)
        and all(isinstance(cell, str) and not any(map(str.isdigit, cell)) for cell in names)
    )


def _cells(values: list[Any]) -> pa.Array:
    """The cells unchanged if they have one type, otherwise as text."""
    values = [None if value == "" else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if kinds == {date, datetime}:  # the reader returns midnight as a date
        values = [datetime.combine(value, time()) if type(value) is date else value for value in values]
        kinds = {datetime}
    if len(kinds) > 1:
        return pa.array([None if value is None else _cell_text(value) for value in values], pa.string())
    return pa.array(values)


def _cell_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, time | date | datetime) else str(value)
