"""Hostile headers of tables, and what is no table: cases 98 and 100, and InfoClimat's own CSV."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from tests.hostile.conftest import RunObject
from tests.hostile.objects import VALUES, table_row

NAMES = ["Date", "Time", "Temperature", "Humidity", "Pressure", "Wind"]
ROWS = [list(table_row(minute).values()) for minute in (4, 9, 14)]
PACKED: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "BOM": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "gzip": lambda text: gzip.compress(text.encode()),
}


def table(delimiter: str, end: str) -> str:
    """Three rows with a delimiter behind each, under `sep=` and a header with a broken name, and blank lines."""
    names = [*NAMES[:2], f'"Temperature{end}"', *NAMES[3:]]
    lines = [f"sep={delimiter}", delimiter.join(names), *(delimiter.join([*row, ""]) for row in ROWS)]
    return f"{end}{end}".join(lines) + end


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize(("delimiter", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\n")], ids=repr)
def test_case_98_decoration_around_a_table_is_not_part_of_it(
    delimiter: str, end: str, packed: str, run_object: RunObject
) -> None:
    ending = run_object(PACKED[packed](table(delimiter, end)))
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3
    assert [document["metadata"]["source_row"] for document in ending.documents] == ["row 1", "row 2", "row 3"]


def test_case_98_another_delimiter_is_read_where_the_first_line_says_it(run_object: RunObject) -> None:
    text = "\n".join('"sep=|"' if row is None else "|".join(row) for row in (None, NAMES, *ROWS))
    ending = run_object(text.encode())
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3


def test_case_98_a_declared_delimiter_that_does_not_occur_is_ignored(run_object: RunObject) -> None:
    run_object("\n".join(["sep=;", *map(",".join, [NAMES, *ROWS])]).encode()).assert_accepted(3)


def test_case_98_a_quote_within_a_name_breaks_no_line(run_object: RunObject) -> None:
    lines = [",".join([*NAMES[:5], 'Wind"']), *(",".join(row) + '"' for row in ROWS)]
    ending = run_object("\n".join(lines).encode())
    assert ending.sums == (3, 0, 3, 0)


def test_case_98_bad_rows_are_reported_with_their_position_in_the_file(run_object: RunObject) -> None:
    lines = ["sep=,", "", ",".join(["Date", "Time", '"\nTemperature"', *NAMES[3:]])]
    lines += ["", "1,2", "  ", ",".join(ROWS[0]) + ",", "", ",".join(ROWS[1]) + ",", " ", ",".join(ROWS[2]) + ",5"]
    ending = run_object("\n".join(lines).encode())
    assert ending.reasons == [
        ("row 1", "malformed_record", "2 cells where the header has 7"),
        ("row 4", "malformed_record", "one more cell than the header: '5'"),
    ]
    assert [document["metadata"]["source_row"] for document in ending.documents] == ["row 2", "row 3"]


NEITHER = "neither JSON, CSV, Parquet, Avro nor a workbook"
REMARKS = ["# METADATA:", "# 000T5 Bergues"]
IC_NAMES = "station_id;dh_utc;temperature;pression"
IC_UNITS = "string;YYYY-MM-DD hh:mm:ss;degC;hPa"
IC_ROW = "000T5;2024-10-01 00:00:00;13.8;1012.3"


@pytest.mark.parametrize(
    "lines",
    [
        [*REMARKS, IC_NAMES, IC_UNITS, IC_ROW],
        [*REMARKS, *["# {of} [many]; stations"] * 200, "", IC_NAMES, IC_UNITS, IC_ROW],
        [*REMARKS, IC_NAMES, IC_ROW],
        [IC_NAMES, IC_UNITS, IC_ROW],
        [line.replace(";", ",") for line in (*REMARKS, IC_NAMES, IC_UNITS, IC_ROW)],
    ],
    ids=["as it comes", "many stations", "without units", "without remarks", "commas"],
)
def test_infoclimats_own_csv_is_rejected_with_what_to_sync(lines: list[str], run_object: RunObject) -> None:
    message = "the object is InfoClimat's CSV export, which is not read; sync its JSON (format=json) instead"
    run_object("\n".join(lines).encode(), "ic/export.csv").assert_rejected("unknown_layout", message)


def test_infoclimats_fields_in_a_table_of_ones_own_are_read(run_object: RunObject) -> None:
    run_object(f"{IC_NAMES}\n{IC_ROW}\n".encode(), "ic/export.csv").assert_accepted(1)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("TAF LFQQ 011100Z 0112/0212 24010KT CAVOK=\n" * 2, "TAF LFQQ 011100Z 0112/0212 24010KT CAVOK="),
        ("\x01\r\r\n123\r\r\nSAFR31 LFPW 011200\r\r\nMETAR LFQQ 011200Z=\r\r\n\x03", "SAFR31 LFPW 011200"),
        ("AAXX 01004\n07915 11458 80205 10138 20091 30062 40121=\n", "AAXX 01004"),
        ("Date        Hour  Temp\n2024-10-01  00    13,8\n2024-10-01  01    13,9\n", "Date        Hour  Temp"),
        ("2024 10 01  00  13,8  1012,3\n2024 10 01  01  13,9  1012,4\n", "2024 10 01  00  13,8  1012,3"),
        ("Date  Temp, °C\n2024-10-01  13.8\n2024-10-02  13.9\n", "Date  Temp, °C"),
        ("# Station, Lille\n\nSome text.\nMore text.\n\n| a | b |\n|---|---|\n", "# Station, Lille"),
        ("----------\n2024-10-01\nStation La Madeleine\n", "Station La Madeleine"),
    ],
    ids=["TAF", "bulletin", "FM-12", "fixed width", "fixed width, decimal commas", "unit in the header", "Markdown",
         "no letter at first"],
)  # fmt: skip
def test_case_100_a_text_is_rejected_with_its_first_line_of_letters(
    text: str, first: str, run_object: RunObject
) -> None:
    message = f"text that is not a table: '{first}' (a table has a header and commas, semicolons or tabs)"
    run_object(text.encode()).assert_rejected("unknown_layout", message)


def test_case_100_a_text_of_another_encoding_is_still_a_text(run_object: RunObject) -> None:
    message = "text that is not a table: 'M?t?o de Lille' (a table has a header and commas, semicolons or tabs)"
    run_object("Météo de Lille\nà midi\n".encode("latin-1")).assert_rejected("unknown_layout", message)


@pytest.mark.parametrize("above", ["# my station\n# Lille, 2024\n", "Station La Madeleine\n\n"])
def test_case_100_a_table_below_a_text_is_distinguished_from_a_text(above: str, run_object: RunObject) -> None:
    first = above.partition("\n")[0]
    header = "Date,Time,Temperature,Humidity,Pressure,Wind"
    message = f"there is text above the table: '{first}'; remove what is above its header '{header}'"
    text = above + "\n".join([header, *map(",".join, ROWS)])
    run_object(text.encode()).assert_rejected("unknown_layout", message)


@pytest.mark.parametrize("rows", [1, 2])
def test_case_100_a_row_is_not_skipped_as_if_it_were_a_header(rows: int, run_object: RunObject) -> None:
    """One row alone would be a header without rows: nothing of it would be read, and nothing would be said."""
    text = "\n".join(f"07915,2024-10-05 0{hour}:00:00,7.6,89" for hour in range(rows))
    message = (
        "the first line is a row and not a header, which would name the columns: '07915,2024-10-05 00:00:00,7.6,89'"
    )
    run_object(text.encode(), "ic/export.csv").assert_rejected("unknown_layout", message)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image, not a table of observations"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image, not a table of observations"),
        (b"GIF89a\x01\0", "a GIF image, not a table of observations"),
        (b"%PDF-1.4\n%\xe2\xe3\n", "a PDF, not a table of observations"),
        (b"GRIB\0\1\2\1", "a GRIB message of gridded data, not a table of observations"),
        (b"GRIB\xff\xff\0\2", "a GRIB message of gridded data, not a table of observations"),
        (b"BUFR\0\1\2\4", "a BUFR message, not a table of observations"),
        (b"CDF\1\0\0\0\0", "a NetCDF file, not a table of observations"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 or NetCDF file, not a table of observations"),
        (b"ARROW1\0\0", "an Arrow IPC file (Feather), not a table of observations"),
        (b"SQLite format 3\0", "an SQLite database, not a table of observations"),
        (b"BZh91AY&SY", "compressed with bzip2; use gzip or no compression"),
        (b"\xfd7zXZ\0", "compressed with xz; use gzip or no compression"),
        (b"\x28\xb5\x2f\xfd\x04", "compressed with Zstandard; use gzip or no compression"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; use gzip or no compression"),
        (b"\xca\xfe\n\x0e\x0f\x10\x11\x12\xee", "binary (CA FE 0A 0E 0F 10 11 12 ...), " + NEITHER),
        ("Date,Time\n".encode("utf-16-le"), "binary (44 00 61 00 74 00 65 00 ...), " + NEITHER),
    ],
    ids=lambda part: part.split(",")[0].split(";")[0] if isinstance(part, str) else "",
)  # fmt: skip
def test_case_100_binary_data_are_named_and_no_encoding_is_recommended(
    start: bytes, what: str, run_object: RunObject
) -> None:
    ending = run_object(gzip.compress(start), variables={"FALLBACK_ENCODING": "cp1252"})
    ending.assert_rejected("not_data", f"the object is {what}")
    assert "is read as" not in ending.stderr


def test_case_100_a_table_with_a_hole_of_zeros_is_a_table(run_object: RunObject) -> None:
    ending = run_object("\n".join(map(",".join, [NAMES, *ROWS])).encode() + b"\n" + bytes(3000))
    assert ending.sums == (4, 0, 3, 1)


@pytest.mark.parametrize("title", ["La Madeleine,,,,,", "La Madeleine,,,,,\n,,,,,", ",,,La Madeleine,,"])
def test_case_100_a_title_in_a_row_of_its_own_is_no_header(title: str, run_object: RunObject) -> None:
    header = "Date,Time,Temperature,Humidity,Pressure,Wind"
    rows = [f"2024-10-01,00:0{minute}:00,56.8 °F,87 %,29.48 in,WSW" for minute in (4, 9)]
    told = title.partition("\n")[0]
    message = f"there is text above the table: '{told}'; remove what is above its header '{header}'"
    content = "\n".join([title, header, *rows]).encode()
    run_object(content).assert_rejected("unknown_layout", message)
