"""Cells of a workbook that are shown as percentages: for 87 %, Excel stores 0.87 and a format, which is dropped."""

from __future__ import annotations

import re
import zipfile
from array import array
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

_STYLES: Final = "xl/styles.xml"
# "0%" and "0.00%" (ECMA-376, part 1, 18.8.30).
_BUILT_IN: Final = frozenset({b"9", b"10"})
_FORMAT: Final = re.compile(rb"<(?:\w+:)?numFmt\s[^<>]*>")
_FORMATS_OF_CELLS: Final = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_FORMAT_OF_CELL: Final = re.compile(rb"<(?:\w+:)?xf\s[^<>]*>")
# In a format, quoted text and characters after a backslash are literal text next to the number.
_TEXT: Final = re.compile(rb"&quot;.*?&quot;|\\.")
_CELL: Final = re.compile(rb'<(?:\w+:)?c\s(?=[^<>]*\bs="(\d+)")(?=[^<>]*\br="([A-Z]+)(\d+)")[^<>]*>')

# The rows of the cells by column, both counted from 0.
Percents = dict[int, "array[int]"]


def percent_styles(archive: zipfile.ZipFile) -> frozenset[bytes]:
    """The ids of the cell styles that show percentages."""
    if _STYLES not in archive.namelist():
        return frozenset()
    xml = archive.read(_STYLES)
    own = {_attribute(b"numFmtId", one[0]): _attribute(b"formatCode", one[0]) for one in _FORMAT.finditer(xml)}
    shown = _BUILT_IN.difference(own) | {name for name, code in own.items() if b"%" in _TEXT.sub(b"", code)}
    of_cells = _FORMATS_OF_CELLS.search(xml)
    styles = _FORMAT_OF_CELL.finditer(of_cells[0]) if of_cells else iter(())
    return frozenset(b"%d" % at for at, one in enumerate(styles) if _attribute(b"numFmtId", one[0]) in shown)


def cells_in_percent(xml: bytes, styles: frozenset[bytes]) -> Iterator[tuple[bytes, int]]:
    """The cells with one of these styles: the letters of the column, and the row, counted from 1."""
    for match in _CELL.finditer(xml) if styles else ():
        if match[1] in styles:
            yield match[2], int(match[3][:8])


def no_percents() -> Percents:
    """An empty collection."""
    return defaultdict(lambda: array("L"))


def as_shown(cell: Any) -> Any:
    """A number as the text that Excel shows, "87%"; any other value unchanged."""
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return cell
    return f"{(Decimal(repr(cell)) * 100).normalize():f}%"


def _attribute(name: bytes, tag: bytes) -> bytes:
    found = re.search(rb'\b%s="([^"]*)"' % name, tag)
    return found[1] if found else b""
