"""Checks a workbook's XML before it is opened: the resources it would need, and what its reader would skip.

The reader (calamine) allocates a rectangle from A1 to the last cell of a sheet, however few cells it has, and a copy of
a shared string for every cell that shows it. It returns nothing for a cell with an error, or a formula that was never
calculated.
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits
from forecast.extract.xlsx.percents import Percents, cells_in_percent, no_percents, percent_styles

# A sheet is read whole. A year of one station has 1.3 million cells, a day 2 400.
MAX_SHEET_CELLS = 1_500_000
MAX_MARKS = 100_000
# Shared strings, counted as often as they are shown.
_MAX_TEXT_BYTES = 128 << 20
UNCALCULATED = "formula without a value"
_BLOCK = 1 << 20
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_LETTERS = 26
_DTD = re.compile(rb"<!DOCTYPE|<!ENTITY")
_ROW_OR_CELL = re.compile(rb'<(?:\w+:)?(?:(?P<row>row)|c)(?=[\s/>])(?:[^<>]*?\br="(?P<column>[A-Z]*)(?P<number>\d+)")?')
_SHOWN_TEXT = re.compile(rb'<(?:\w+:)?c\s[^<>]*\bt="s"')
_END_OF_TEXT = re.compile(rb"</(?:\w+:)?si>")
_ERROR = re.compile(
    rb'<c\s[^<>]*?\br="([A-Z]+)(\d+)"[^<>]*\bt="e"[^<>]*>(?:<f[^<>]*/>|<f[^<>]*>[^<]*</f>)?<v>([^<]{1,16})</v>'
)
_NO_VALUE = re.compile(
    rb'<c\s[^<>]*?\br="([A-Z]+)(\d+)"[^<>]*>(?:<f[^<>]*/>|<f[^<>]*>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>'
)
_SHEET = re.compile(rb'<(?:\w+:)?sheet\s[^<>]*?\br:id="([^"]+)"')
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^<>]*>")

# What zipfile raises for bytes that are not a zip file, or if it is encrypted or compressed in an unknown way.
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
)

# The contents of cells that the reader skips, by row and column, counted from 0.
Marks = dict[tuple[int, int], str]


class Surveyed(NamedTuple):
    """The cells of a sheet that its reader would skip, and those that are shown as percentages."""

    marks: Marks
    percents: Percents


def survey_workbook(path: Path, limits: Limits) -> list[Surveyed]:
    """The findings for every sheet, in order.

    Every part is unpacked once, so that its size and checksum are verified, not just declared. Raises
    ObjectRejectedError if the file is not a workbook, or would need too many resources.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members, limits)
            styles = percent_styles(archive)
            surveys = {member.filename: _survey(archive, member, styles) for member in members}
            _check_texts(list(surveys.values()))
            found = [surveys.get(part, _Survey(part)) for part in _sheet_parts(archive)]
            return [Surveyed(survey.marks, survey.percents) for survey in found]
    except _DAMAGED as error:
        raise ObjectRejectedError("not_workbook", f"the workbook is not a complete zip file: {error}") from error


def _check_members(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if all(member.filename != _WORKBOOK for member in members):
        names = ", ".join(member.filename[:40] for member in members[:5])
        message = f"the object is a zip archive, not a workbook; it holds: {names}. "
        raise ObjectRejectedError("not_data", message + "Put its files into the raw zone one by one")
    size = sum(member.file_size for member in members)
    if size > limits.workbook_bytes:
        message = f"the workbook unpacks to {size >> 20} MB; MAX_WORKBOOK_MB is {limits.workbook_bytes >> 20}"
        raise ObjectRejectedError("too_large", message)


@dataclass(slots=True)
class _Survey:
    """The findings for one part."""

    part: str
    styles: frozenset[bytes] = frozenset()
    rows: int = 0
    columns: int = 0
    shown_texts: int = 0
    longest_text: int = 0
    marks: Marks = field(default_factory=dict)
    percents: Percents = field(default_factory=no_percents)
    _row: int = 0
    _column: int = 0
    _since_text: int = 0

    def take(self, xml: bytes) -> None:
        """Examine a piece of XML that does not split a cell."""
        for match in _ROW_OR_CELL.finditer(xml):
            number = int(match["number"][:8]) if match["number"] else 0
            if match["row"]:
                self._row, self._column = number or self._row + 1, 0
            else:
                self._row = number or self._row
                self._column = _column_number(match["column"]) or self._column + 1
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)
        self.shown_texts += sum(1 for _ in _SHOWN_TEXT.finditer(xml))
        start = 0
        for match in _END_OF_TEXT.finditer(xml):
            self.longest_text = max(self.longest_text, self._since_text + match.end() - start)
            start, self._since_text = match.end(), 0
        self._since_text += len(xml) - start
        for match in _ERROR.finditer(xml):
            self._mark(match, match[3].decode("utf-8", "replace"))
        for match in _NO_VALUE.finditer(xml):
            self._mark(match, UNCALCULATED)
        for letters, row in cells_in_percent(xml, self.styles):
            self.percents[_column_number(letters) - 1].append(row - 1)
        if self.rows * self.columns > MAX_SHEET_CELLS:
            message = f"{self.part[:80]} reaches to row {self.rows} and column {self.columns}: "
            raise ObjectRejectedError("too_large", message + f"more than {MAX_SHEET_CELLS:,} cells")

    def _mark(self, match: re.Match[bytes], text: str) -> None:
        self.marks[int(match[2][:8]) - 1, _column_number(match[1]) - 1] = text
        if len(self.marks) > MAX_MARKS:
            message = f"{self.part[:80]} has more than {MAX_MARKS:,} errors and formulas that were never calculated"
            raise ObjectRejectedError("too_large", message)


def _survey(archive: zipfile.ZipFile, member: zipfile.ZipInfo, styles: frozenset[bytes]) -> _Survey:
    survey = _Survey(member.filename, styles)
    rest = b""
    with archive.open(member) as part:
        while block := part.read(_BLOCK):
            xml = rest + block
            if _DTD.search(xml):
                message = f"{member.filename[:80]} defines XML entities; no workbook of data does"
                raise ObjectRejectedError("not_workbook", message)
            cut = max(xml.rfind(b"<c "), xml.rfind(b"<row"))
            cut = cut if cut > 0 else max(0, xml.rfind(b"<"))
            survey.take(xml[:cut])
            rest = xml[cut:]
    survey.take(rest)
    return survey


def _check_texts(surveys: list[_Survey]) -> None:
    longest = max(survey.longest_text for survey in surveys)
    most = max(survey.shown_texts for survey in surveys)
    if longest * most > _MAX_TEXT_BYTES:
        message = (
            f"a sheet shows {most:,} shared strings, and one of them has {longest:,} bytes: that may be more than "
        )
        raise ObjectRejectedError("too_large", message + f"{_MAX_TEXT_BYTES >> 20} MB")


def _sheet_parts(archive: zipfile.ZipFile) -> list[str]:
    """The part of every sheet, in the order of the workbook."""
    if _RELATIONS not in archive.namelist():
        return []
    targets = {}
    for match in _RELATION.finditer(archive.read(_RELATIONS)):
        name, target = (re.search(rb'\b%s="([^"]*)"' % key, match[0]) for key in (b"Id", b"Target"))
        if name and target:
            part = target[1].decode("utf-8", "replace")
            targets[name[1]] = part.removeprefix("/") if part.startswith("/") else f"xl/{part}"
    return [targets.get(match[1], "") for match in _SHEET.finditer(archive.read(_WORKBOOK))]


def _column_number(letters: bytes | None) -> int:
    """1 for A, 28 for AB, 0 without letters."""
    number = 0
    for letter in (letters or b"")[:4]:
        number = number * _LETTERS + letter - ord("A") + 1
    return number
