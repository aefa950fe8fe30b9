"""Headers of tables: every way of writing one gives the same rows."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.examples import for_every_change
from tests.extract.test_extract import batches_of, observations_of, rejected

NAMES = ["Date", "Time", "Temperature", "Humidity", "Pressure"]
ROWS = [["2024-10-01", f"00:0{minute}:00", "56.8 °F", "87 %", "29.48 in"] for minute in (4, 9)]
PACKED: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "BOM": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "gzip": lambda text: gzip.compress(text.encode()),
}
# What divides cells, what ends lines, and what blank lines between them hold.
LAYOUTS = [
    *product([",", ";"], ["\n", "\r\n"], [None, "", " \t"]),
    # Blanks with a tab are two cells here.
    *product(["\t"], ["\n", "\r\n"], [None, "", " "]),
]


@pytest.mark.parametrize("packed", ["plain", *for_every_change(*(name for name in PACKED if name != "plain"))])
@pytest.mark.parametrize(("delimiter", "end", "blank"), LAYOUTS, ids=repr)
@pytest.mark.parametrize("is_said", [True, False], ids=["sep", "no sep"])
@pytest.mark.parametrize(
    "broken",
    ["Temperature", *for_every_change('"Temperature{}"', '"{}{}Temperature"')],
    ids=["", "behind", "before"],
)
@pytest.mark.parametrize("trailing", [True, False], ids=["trailing", "not trailing"])
def test_every_way_of_writing_a_table_gives_its_rows(
    packed: str, delimiter: str, end: str, blank: str | None, is_said: bool, broken: str, trailing: bool, tmp_path: Path
) -> None:
    names = [*NAMES[:2], broken.format(end, end), *NAMES[3:]]
    lines = [f"sep={delimiter}"] * is_said + [delimiter.join(names)]
    lines += [delimiter.join([*row, ""] if trailing else row) for row in ROWS]
    between = end if blank is None else f"{end}{blank}{end}"
    result = observations_of(PACKED[packed](between.join(lines) + end), tmp_path)
    assert result.rejected == []
    assert (result.rows_read, result.rows_empty) == (2, 0)
    assert [(row["source_row"], row["timestamp"].minute) for row in result.observations] == [("row 1", 4), ("row 2", 9)]
    assert {row["air_temperature"] for row in result.observations} == {13.777777777777775}


@pytest.mark.parametrize("mark", ["<br>", "<br />", " <BR/> "])
@pytest.mark.parametrize("trailing", ["", ","], ids=["not trailing", "trailing"])
def test_an_html_line_break_on_a_line_of_its_own_is_not_a_row(mark: str, trailing: str, tmp_path: Path) -> None:
    lines = [",".join(NAMES) + mark, *(",".join(row) + f"{trailing}\n{mark}" for row in [*ROWS, ROWS[0]])]
    result = observations_of(("\n".join(lines) + "\n").encode(), tmp_path)
    assert (result.rows_read, result.rows_empty, result.rejected) == (3, 0, [])
    assert [row["source_row"] for row in result.observations] == ["row 1", "row 2", "row 3"]
    assert {row["air_pressure_at_mean_sea_level"] for row in result.observations} == {998.3073711725268}


def test_a_name_that_is_broken_in_its_middle_has_a_blank_there(tmp_path: Path) -> None:
    (batch,) = batches_of(b'a,"b \r\n c"\n1,2\n', tmp_path)
    assert list(batch.rows.columns) == ["a", "b c"]


def test_blank_lines_below_a_header_are_not_rows(tmp_path: Path) -> None:
    result = observations_of((",".join(NAMES) + "\n\n  \n").encode(), tmp_path)
    assert (result.rows_read, result.rejected) == (0, [])


def test_a_bad_row_after_blank_lines_has_its_position_in_the_file(tmp_path: Path) -> None:
    lines = [",".join(NAMES), "  ", ",".join(ROWS[0]), " ", "1,2", ",".join(ROWS[1])]
    result = observations_of("\n".join(lines).encode(), tmp_path)
    assert [(row["position"], row["reason"]) for row in result.rejected] == [
        ("row 2", "2 cells where the header has 5")
    ]
    assert [row["source_row"] for row in result.observations] == ["row 1", "row 3"]


def test_one_truncated_row_is_a_row_and_not_text(tmp_path: Path) -> None:
    content = (",".join(NAMES) + "\n2024-10-01\n").encode()
    assert rejected(content, tmp_path) == (
        "not_csv",
        "none of its rows can be read; row 1: 1 cells where the header has 5",
    )


@pytest.mark.parametrize("packed", PACKED)
def test_text_is_recognised_however_it_is_compressed(packed: str, tmp_path: Path) -> None:
    message = "text that is not a table: 'AAXX 01004' (a table has a header and commas, semicolons or tabs)"
    assert rejected(PACKED[packed]("\nAAXX 01004\n07915 11458=\n"), tmp_path) == ("unknown_layout", message)


def test_a_line_of_json_after_a_byte_order_mark_is_not_binary(tmp_path: Path) -> None:
    code, message = rejected(b'\xef\xbb\xbf{"a": "\0"}\n', tmp_path)
    assert (code, "NUL" in message) == ("not_json", True)


def test_a_table_without_a_header_is_rejected_as_that(tmp_path: Path) -> None:
    """Not for two columns that would be called "mq"."""
    first = "07005;20180112150000;102630;mq;mq;280.2"
    code, message = rejected(f"{first}\n07015;20180112150000;102620;mq;7;281.4\n".encode(), tmp_path)
    assert code == "unknown_layout"
    assert message == f"the first line is a row and not a header, which would name the columns: '{first}'"


def test_a_header_alone_that_ends_with_a_delimiter_has_no_unknown_column(tmp_path: Path) -> None:
    (batch,) = batches_of(b"numer_sta;date;t;\n", tmp_path)
    assert list(batch.rows.columns) == ["numer_sta", "date", "t"]
