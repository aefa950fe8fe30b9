"""A header among the rows, as in files that were put one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from forecast.core.errors import ObjectRejectedError
from tests.transform.objects import Row, as_csv, as_parquet, as_xlsx, read_object

Write = Callable[[Sequence[Row]], tuple[bytes, str]]
NAMES = ("Date", "Time", "Temperature", "Dew Point", "Humidity")
WRITERS = pytest.mark.parametrize("write", [as_csv, as_xlsx, as_parquet], ids=["csv", "xlsx", "parquet"])


def row(minute: int) -> Row:
    return dict(zip(NAMES, ("2024-10-01", f"00:{minute:02}:00", "56.8 °F", "50.0 °F", "87 %"), strict=True))


def header(*names: str) -> Row:
    """The cells of a row that is a header."""
    return dict(zip(NAMES, names, strict=True))


@WRITERS
def test_a_repeated_header_is_not_a_row(write: Write) -> None:
    result = read_object(*write([row(4), header(*NAMES), row(9), header(*NAMES)]))
    assert (result.rows_read, result.rejected) == (2, [])
    assert result.stamps == ["2024-09-30T22:04:00Z", "2024-09-30T22:09:00Z"]


@WRITERS
@pytest.mark.parametrize(
    ("names", "others"),
    [
        (("Date", "Time", "Dew Point", "Temperature", "Humidity"), "Dew Point, Temperature"),
        (("Time", "Date", "Temperature", "Dew Point", "Humidity"), "Time, Date"),
        (("Day", "Time", "Temperature", "Dew Point", "Pressure"), "Day, Pressure"),
    ],
    ids=["exchanged", "times exchanged", "other names"],
)
def test_rows_below_a_header_with_other_columns_are_not_misread(
    write: Write, names: Sequence[str], others: str
) -> None:
    with pytest.raises(ObjectRejectedError, match=rf"is a second header, .* \({others}\): put each") as caught:
        read_object(*write([row(4), header(*names), row(9)]))
    assert caught.value.code == "unknown_layout"


def test_a_row_with_one_cell_equal_to_a_column_name_is_a_row() -> None:
    result = read_object(*as_csv([row(4), row(9) | {"Date": "Time"}]))
    assert (len(result.observations), len(result.rejected)) == (1, 1)
