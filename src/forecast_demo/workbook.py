"""Writes a minimal workbook in Office Open XML (ECMA-376) with zipfile alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Final
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | time | None

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_CONTENT: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The earliest time that a zip can store; fixed, so that equal data gives equal bytes.
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_DAY_SECONDS: Final = 86_400
_TIME_STYLE: Final = 1  # the second of cellXfs below: number format 21 is h:mm:ss

# Excel requires the first two fills to be as they are here, and openpyxl warns if no style is called Normal.
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="12"/><name val="Arial"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="21" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def write_workbook(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    """Write the sheets, by name; each is a list of at least one row.

    A row in which every cell is None is omitted, as in Excel's files, and is read as an empty row. A time becomes a
    fraction of a day in the style h:mm:ss. Texts are shared between the sheets.
    """
    strings: dict[str, int] = {}
    parts = {
        f"xl/worksheets/sheet{number}.xml": _sheet(rows, strings) for number, rows in enumerate(sheets.values(), 1)
    }
    parts = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relationships([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _workbook(list(sheets)),
        "xl/_rels/workbook.xml.rels": _workbook_relationships(len(sheets)),
        "xl/styles.xml": _STYLES,
        "xl/sharedStrings.xml": _shared_strings(strings),
        **parts,
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = 0  # otherwise, it names the operating system
            archive.writestr(entry, _DECLARATION + text, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def _sheet(rows: Sequence[Sequence[Cell]], strings: dict[str, int]) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{_letter(column)}{number}", cell, strings) for column, cell in enumerate(row))
        if cells:
            lines.append(f'<row r="{number}">{cells}</row>')
    area = f"A1:{_letter(max(map(len, rows)) - 1)}{len(rows)}"
    return f'<worksheet xmlns="{_MAIN}"><dimension ref="{area}"/><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(place: str, cell: Cell, strings: dict[str, int]) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f'<c r="{place}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
    if isinstance(cell, time):
        fraction = (cell.hour * 3600 + cell.minute * 60 + cell.second) / _DAY_SECONDS
        return f'<c r="{place}" s="{_TIME_STYLE}"><v>{fraction!r}</v></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def _letter(column: int) -> str:
    """The letter of one of the first 26 columns."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[column]


def _shared_strings(strings: dict[str, int]) -> str:
    items = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    return f'<sst xmlns="{_MAIN}" uniqueCount="{len(strings)}">{items}</sst>'


def _workbook(names: list[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>' for number, name in enumerate(names, 1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _workbook_relationships(count: int) -> str:
    sheets = [("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, count + 1)]
    return _relationships([*sheets, ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")])


def _relationships(targets: list[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def _content_types(count: int) -> str:
    kinds = {"/xl/workbook.xml": "sheet.main", "/xl/styles.xml": "styles", "/xl/sharedStrings.xml": "sharedStrings"}
    kinds |= {f"/xl/worksheets/sheet{number}.xml": "worksheet" for number in range(1, count + 1)}
    overrides = "".join(
        f'<Override PartName="{part}" ContentType="{_CONTENT}.{kind}+xml"/>' for part, kind in kinds.items()
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
