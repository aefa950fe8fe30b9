"""The file formats of the station registry: JSON with the stations of one network, and CSV with one station per row."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from forecast.core.registry_faults import FIELDS, field_faults
from forecast.core.stations import Text

# A cell cannot hold objects.
CSV_FIELDS: Final = tuple(name for name in FIELDS if name not in {"licence", "thresholds"})
ENDINGS: Final = (".json", ".csv")
_LISTS: Final = frozenset({"parameters", "raw_prefixes", "same_site_as"})
# What every station must state itself, and what else no two stations of a network share.
OWN_FIELDS: Final = ("id", "name", "latitude", "longitude", "elevation")
NO_DEFAULTS: Final = frozenset({*OWN_FIELDS, "network", "network_id", "wigos_id", "same_site_as"})
_UTF8_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """A file of the registry: its path or URI, whose ending (ENDINGS) gives its format, and its content."""

    place: str
    content: bytes

    @property
    def is_table(self) -> bool:
        """Whether it is CSV."""
        return self.place.lower().endswith(".csv")


class Document(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A JSON file: its network, the common fields of its stations, and the stations."""

    network: Text
    id_prefix: str | msgspec.UnsetType = msgspec.UNSET
    defaults: dict[str, Any] = {}
    stations: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A station as a file has it, and where: `place` is for people. In a table, values are text or lists of text."""

    place: str
    values: dict[str, Any]


def read_document(file: RegistryFile, faults: list[str]) -> Document | None:
    """The content of a JSON file; None if it is invalid, which is added to `faults`."""
    try:
        document = msgspec.json.decode(file.content.removeprefix(_UTF8_MARK), type=Document)
    except msgspec.ValidationError as error:
        faults.append(f"{file.place}: {error}; expected an object with network, defaults and stations")
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        faults.append(f"{file.place} is not JSON: {_json_fault(file.content) or error}")
        return None
    own_faults = [
        f"{name} cannot have a default; set it for each station" for name in NO_DEFAULTS & document.defaults.keys()
    ]
    own_faults += field_faults(document.defaults)
    faults += (f"{file.place}, defaults: {fault}" for fault in own_faults)
    return None if own_faults else document


def document_entries(file: RegistryFile, document: Document) -> Iterator[Entry]:
    """The stations of a JSON file."""
    for number, values in enumerate(document.stations, 1):
        yield Entry(f"{file.place}, station {number} ({values.get('id')})", values)


def table_entries(file: RegistryFile, faults: list[str]) -> Iterator[Entry]:
    """The stations of a CSV file, without empty cells; faults are recorded."""
    try:
        lines = file.content.decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        faults.append(f"{file.place} is not UTF-8 (byte {error.start + 1}); save it as UTF-8")
        return
    # Spreadsheets write semicolons where the comma is the decimal sign.
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        if fault := _header_fault(header):
            faults.append(f"{file.place}: {fault}; the columns of a table are {', '.join(CSV_FIELDS)}")
            return
        for row in rows:
            place = f"{file.place}, line {rows.line_num}"
            if row and len(row) != len(header):
                faults.append(f"{place}: it has {len(row)} cells, but the header has {len(header)}")
            elif any(cells := [cell.strip() for cell in row]):
                values = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
                yield Entry(f"{place} ({values.get('id')})", {**values, **_as_lists(values)})
    except csv.Error as error:
        faults.append(f"{file.place}, line {rows.line_num}: it is not CSV: {error}")


def _as_lists(values: dict[str, str]) -> dict[str, list[str]]:
    """The values with lists split at blanks, which ids, prefixes and names cannot contain."""
    return {name: values[name].split() for name in _LISTS & values.keys()}


def _header_fault(header: list[str]) -> str:
    for name, number in Counter(header).items():
        if name not in CSV_FIELDS:
            return f"column {name!r} is unknown"
        if number > 1:
            return f"column {name!r} occurs {number} times"
    return "" if "id" in header else "there is no column id"


def _json_fault(content: bytes) -> str:
    """The error of Python's JSON reader, which names line and column."""
    try:
        json.loads(content.removeprefix(_UTF8_MARK))
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except (UnicodeDecodeError, RecursionError):
        return ""
    return ""
