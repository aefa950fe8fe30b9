"""Finds the header of a table and its delimiter, or explains what a text without a header is."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import IO, NamedTuple

from forecast.core.errors import ObjectRejectedError
from forecast.extract.envelope import PAYLOAD_FIELDS
from forecast.extract.limits import MAX_ROW_BYTES, check_columns
from forecast.extract.text_stream import BAD_BYTE, shown

# Some exports end every line with it.
LINE_BREAK = r"\s*<br\s*/?>\s*$"
# Not part of a row: some exports have an HTML line break after each line.
BLANK_LINES = frozenset({"", "<br>", "<br/>", "<br />"})
_DELIMITERS = (",", ";", "\t")
# Excel's own first line, which states the delimiter.
_SEPARATOR = re.compile(r'"?sep=([!#-/:-@\[-`{-~\t])[",;\t]*\s*', re.IGNORECASE)
# Not counting comments, of which an export of many stations has one for each.
_SAMPLE_LINES = 50
_REMARK = "#"
# A line with two decimal commas looks like three cells.
_SURE_CELLS = 3
_A_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_BROKEN_NAME = re.compile(r"[ \t]*[\r\n]+[ \t]*")


class Header(NamedTuple):
    """`lines` is the number of lines of the header and everything above it."""

    names: list[str]
    delimiter: str
    lines: int
    has_rows: bool


def read_header(file: IO[bytes]) -> Header:
    """The header of a table in UTF-8, with BAD_BYTE in place of invalid bytes.

    Raises ObjectRejectedError if there is none, with an explanation of what the text is.
    """
    above, lines = _beginning(file)
    said = None
    if (named := _SEPARATOR.fullmatch(lines[0])) and any(map(str.strip, lines[1:])):
        said = named[1]
        more, lines = _beginning(file, lines[1:])
        above += 1 + more
    text, height = _header_text(lines, said)
    delimiter = _delimiter(text, said)
    if "\0" in text:
        raise ObjectRejectedError("not_data", "the object is neither JSON, CSV, Parquet, Avro nor a workbook")
    check_columns(text.count(delimiter) + 1)
    names = [_BROKEN_NAME.sub(" ", name) for name in _cells(lines[:height], delimiter)]
    rows = _rows(lines[height:], delimiter)
    _reject_text(names, rows, lines)
    _reject_numbers(names, lines)
    if BAD_BYTE in text:
        message = "the header of the table is not UTF-8; FALLBACK_ENCODING=cp1252 reads what old Windows programs write"
        raise ObjectRejectedError("not_text", message)
    if _end_with_an_empty_cell(rows, len(names)):
        names.append("")
    return Header(names, delimiter, above + height, has_rows=any(map(str.strip, lines[height:])) or bool(file.read(1)))


def _beginning(file: IO[bytes], begun: Sequence[str] = ()) -> tuple[int, list[str]]:
    """The number of leading blank lines, and the lines from the first that is not blank, with their line ends.

    `begun` are lines that were already read. Raises ObjectRejectedError if all are blank.
    """
    blank, size, filled = 0, 0, 0
    lines: list[str] = []
    waiting = list(reversed(begun))
    while filled < _SAMPLE_LINES and size < MAX_ROW_BYTES:
        line = waiting.pop() if waiting else file.readline(MAX_ROW_BYTES).decode("utf-8", "replace")
        if not line:
            break
        if line.strip():
            filled += not line.startswith(_REMARK)
        elif not lines:
            blank += 1
            continue
        lines.append(line)
        size += len(line)
    if not lines:
        raise ObjectRejectedError("empty", "the object contains only whitespace")
    return blank, lines + waiting[::-1]


def _header_text(lines: Sequence[str], said: str | None) -> tuple[str, int]:
    """The text of the header and its number of lines: several if a quoted name contains a line break."""
    text = ""
    for height, line in enumerate(lines, 1):
        text += line
        if text.count('"') % 2 == 0:
            reader = csv.reader(lines[:height], delimiter=_delimiter(text, said))
            with suppress(csv.Error):
                if next(reader, None) and reader.line_num == height:
                    return text.rstrip("\r\n"), height
            break
    return lines[0].rstrip("\r\n"), 1


def _delimiter(text: str, said: str | None = None) -> str:
    """The delimiter of a header: the one that a line above it states, if the header contains it."""
    return said if said and said in text else max(_DELIMITERS, key=text.count)


def _cells(lines: Sequence[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader([*lines[:-1], lines[-1].rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error as error:
        raise ObjectRejectedError("not_csv", f"the header of the table cannot be read: {error}") from error


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The cells of the first rows that are not blank, up to one that is too long to be examined."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(csv.reader(lines, delimiter=delimiter))
    return [row for row in rows if len(row) > 1 or any(cell.strip().casefold() not in BLANK_LINES for cell in row)]


def _end_with_an_empty_cell(rows: Sequence[Sequence[str]], columns: int) -> bool:
    """Whether most rows have one more cell than the header, and it is empty."""
    last = [re.sub(LINE_BREAK, "", row[-1]).strip() for row in rows if len(row) == columns + 1]
    return "" in last and _usual_size(rows) == columns + 1


def _usual_size(rows: Sequence[Sequence[str]]) -> int:
    """The number of cells that most rows have; 0 if there are no rows."""
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


def _reject_text(names: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[str]) -> None:
    """Reject a text whose first line is not a header, or a table below a text, with an explanation.

    A single row with one cell is a truncated row; several are lines of a text whose first line has a comma.
    """
    if len(names) == 1:
        is_text = names[0].lower() not in PAYLOAD_FIELDS
    elif sum(1 for name in names if name.strip()) <= 1:  # a title, filled up with commas by a spreadsheet
        is_text = _table_below(lines) is not None
    else:
        fits = any(len(row) - len(names) in (0, 1) for row in rows)
        is_text = (len(rows) > 1 and _usual_size(rows) == 1 and not fits) or _are_of_fixed_width(names)
    if not is_text:
        return
    if header := _table_below(lines):
        message = (
            f"there is text above the table: '{_quoted(lines[0])}'; remove what is above its header '{_quoted(header)}'"
        )
        raise ObjectRejectedError("unknown_layout", message)
    first = next((line for line in lines if any(map(str.isalpha, line))), lines[0])
    message = f"text that is not a table: '{_quoted(first)}' (a table has a header and commas, semicolons or tabs)"
    raise ObjectRejectedError("unknown_layout", message)


def _reject_numbers(names: Sequence[str], lines: Sequence[str]) -> None:
    """Reject a table without a header, whose first row is in its place."""
    # Missing values are the same word again and again.
    filled = {name.strip() for name in names if name.strip()}
    if 2 * sum(_A_NUMBER.fullmatch(name) is not None for name in filled) > len(filled):
        message = f"the first line is a row and not a header, which would name the columns: '{_quoted(lines[0])}'"
        raise ObjectRejectedError("unknown_layout", message)


def _are_of_fixed_width(names: Sequence[str]) -> bool:
    """Whether these are fixed-width numbers, whose decimal commas look like delimiters."""
    return not any(map(str.isalpha, "".join(names))) and any(re.search(r"\d\s{2,}\S", name) for name in names)


def _table_below(lines: Sequence[str]) -> str | None:
    """The first line below the first one that looks like a header."""
    filled = [line.rstrip("\r\n") for line in lines if line.strip()]
    for line, following in pairwise(filled[1:]):
        delimiter = _delimiter(line)
        names, *_ = _rows([line], delimiter) or [[]]
        row, *_ = _rows([following], delimiter) or [[]]
        if len(row) == len(names) >= _SURE_CELLS and all(any(map(str.isalpha, name)) for name in names):
            return line
    return None


def _quoted(line: str) -> str:
    return shown(line.strip().replace(BAD_BYTE, "?"))
