"""The header of a table of text: which names, parted by what, on how many lines; or what the text is instead."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from forecast.errors import ObjectRejectedError
from forecast.extract.envelope import PAYLOAD_FIELDS
from forecast.extract.limits import MAX_ROW_BYTES, check_columns
from forecast.extract.streams import BAD_BYTE, shown

_DELIMITERS: Final = (",", ";", "\t")
# What Excel writes and reads before the header, to name the delimiter.
_NAMED_DELIMITER: Final = re.compile(r'"?sep=(?P<delimiter>[,;\t])"?\s*', re.IGNORECASE)
# No header of a real table goes over more lines; a quote that never ends would go over all.
_MOST_LINES: Final = 20
# How far behind the header the first row may be, after blank lines; and how far the first words of a text.
_LOOK_AHEAD_LINES: Final = 1_000
_MOST_LETTERS: Final = 1_000
_HEADING: Final = re.compile(r"#{1,6} ")
_WORD: Final = re.compile(r"[^\W\d_]{2}")
_INFOCLIMAT_EXPORT: Final = re.compile(r"station_id;dh_utc\b")
# No text has them; SOH, ETX and ESC stand in bulletins and in what terminals wrote.
_CONTROLS: Final = re.compile(r"[\x00\x02\x04-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_BEGINNING: Final = 12


class Header(NamedTuple):
    """The names of the columns, which may repeat; `lines` is how many lines stand before the first behind them."""

    names: list[str]
    delimiter: str
    lines: int
    has_rows: bool


def read_header(file: IO[bytes]) -> Header:
    """The header of a table in UTF-8, with BAD_BYTE for every byte that is none.

    Raises ObjectRejectedError saying what the content is, where it is no table.
    """
    lines = _Lines(file)
    text = lines.next_filled()
    if named := _NAMED_DELIMITER.fullmatch(text):
        text = lines.next_filled()
    _refuse_binary(text, lines)
    delimiter = named["delimiter"] if named else max(_DELIMITERS, key=text.count)
    text = _whole_record(text, lines)
    check_columns(text.count(delimiter) + 1)
    names = _cells(text, delimiter)
    count = lines.count
    row = lines.next_filled(or_none=True)
    is_payload = names in ([name] for name in PAYLOAD_FIELDS)
    if (not names[1:] and not is_payload) or (_HEADING.match(text) and row and delimiter not in row):
        _refuse_text([text, row, *lines.rest()])
    if row.endswith(delimiter) and len(_cells(row, delimiter)) == len(names) + 1:
        names.append("")
    return Header(names, delimiter, count, has_rows=bool(row))


class _Lines:
    """The lines of a file without what ends them, and how many of them were read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def next(self) -> str | None:
        """The next line, None behind the last."""
        line = self._file.readline(MAX_ROW_BYTES)
        self.count += 1
        return line.decode("utf-8", "replace").rstrip("\r\n") if line else None

    def next_filled(self, *, or_none: bool = False) -> str:
        """The next line that is not blank; "" where there is none and there need not be one."""
        for _ in range(_LOOK_AHEAD_LINES):
            if (line := self.next()) is None:
                break
            if line.strip():
                return line
        if or_none:
            return ""
        raise ObjectRejectedError("empty", "the object holds nothing but blanks")

    def rest(self) -> Iterator[str]:
        """The beginnings of some of the lines that follow."""
        for _ in range(_LOOK_AHEAD_LINES):
            if (line := self.next()) is None:
                return
            yield line[:_MOST_LETTERS]


def _whole_record(text: str, lines: _Lines) -> str:
    """The header with the lines that a name in quotes goes on in."""
    for _ in range(_MOST_LINES):
        if text.count('"') % 2 == 0 or (more := lines.next()) is None:
            break
        text = f"{text}\n{more}"
    return text


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error as error:
        raise ObjectRejectedError("not_csv", f"the header of the table cannot be read: {error}") from error


def _refuse_binary(text: str, lines: _Lines) -> None:
    """Bytes that are no text: binary data where control characters are among them, else text in another encoding."""
    if "\0" not in text and BAD_BYTE not in text:
        return
    if "\0" in text or any(_CONTROLS.search(line) for line in (text, *lines.rest())):
        beginning = ascii(text[:_BEGINNING].replace(BAD_BYTE, "\N{REPLACEMENT CHARACTER}"))
        raise ObjectRejectedError(
            "not_data",
            "the object is neither JSON, CSV, Parquet, Avro nor a workbook, but binary data; "
            f"it begins with {beginning}",
        )
    raise ObjectRejectedError(
        "not_text",
        "the header of the table is not UTF-8; FALLBACK_ENCODING=cp1252 reads what old Windows programs write",
    )


def _refuse_text(lines: list[str]) -> None:
    """Say what a text is that is no table, by its first line with letters."""
    if lines[0].startswith("#") and any(_INFOCLIMAT_EXPORT.match(line) for line in lines):
        raise ObjectRejectedError(
            "unknown_layout",
            "the object is InfoClimat's CSV export, whose units stand in a row of their own; sync format=json instead",
        )
    telling = next((line for line in lines if _WORD.search(line)), lines[0])
    raise ObjectRejectedError(
        "unknown_layout", f"the object is text that is no table; its first line with letters is '{shown(telling)}'"
    )
