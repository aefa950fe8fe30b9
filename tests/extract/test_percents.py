"""A cell that Excel shows in percent is what it shows: it keeps 0.87 of 87 %."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from forecast.core.schemas import to_table
from tests.extract.test_extract import batches_of, observations_of

HEADER = ["Date", "Time", "Temperature (°F)", "Humidity (%)", "Pressure (in)"]
KEY = "wunderground/ITESTB25/book.xlsx"


def workbook(cells: list[Any], style: str) -> bytes:
    """A sheet with these humidities, one row each, in this format."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "011024"
    sheet.append(HEADER)
    for number, cell in enumerate(cells):
        sheet.append(["2024-10-01", f"00:0{number}:00", 56.8, cell, 29.48])
        sheet.cell(number + 2, 4).number_format = style
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def humidities(content: bytes, folder: Path) -> list[Any]:
    """What the cells are for the rest of the program."""
    (batch,) = batches_of(content, folder, KEY)
    found: list[Any] = to_table(batch.rows)["Humidity (%)"].to_pylist()
    return found


@pytest.mark.parametrize("style", ["0%", "0.00%", "0.0%;[Red]-0.0%", "0 %", '[>1]0%;"wet "0%'])
def test_a_number_in_percent_is_read_as_the_percent_that_it_shows(style: str, tmp_path: Path) -> None:
    content = workbook([0.87, 0.29, 1, 0.005], style)
    assert humidities(content, tmp_path) == ["87%", "29%", "100%", "0.5%"]
    found = observations_of(content, tmp_path, KEY)
    assert [row["relative_humidity"] for row in found.observations] == [87.0, 29.0, 100.0, 0.5]


@pytest.mark.parametrize("style", ["General", "0.0", '0" %"', "0\\%", '0.0"%"'])
def test_a_percent_sign_next_to_a_number_does_not_change_it(style: str, tmp_path: Path) -> None:
    assert humidities(workbook([87, 29.5], style), tmp_path) == [87, 29.5]


def test_cells_that_are_not_numbers_are_left_unchanged(tmp_path: Path) -> None:
    assert humidities(workbook(["87 %", True, None, 0.5], "0%"), tmp_path) == ["87 %", "True", None, "50%"]


def test_a_formula_that_was_never_calculated_is_reported_as_one(tmp_path: Path) -> None:
    assert humidities(workbook(["=1-B2", 0.5], "0%"), tmp_path) == ["formula without a value", "50%"]
