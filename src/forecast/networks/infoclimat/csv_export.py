"""InfoClimat's own CSV export, which is rejected by name.

It has comments above its header or a row of units below it, and other names than the JSON of the API.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, Final, NoReturn

from forecast.core.errors import ObjectRejectedError
from forecast.networks.model import Format, Record

_REMARK: Final = "#"
_COLUMNS: Final = frozenset({"station_id", "dh_utc"})
_DELIMITERS: Final = ";,\t"


def _is_export(start: bytes) -> bool:
    """Whether this is the beginning of such a file."""
    if b"dh_utc" not in start.lower():
        return False
    lines = [line for line in start.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    below = next((number for number, line in enumerate(lines) if not line.startswith(_REMARK)), len(lines))
    if below == len(lines):
        return False
    delimiter = max(_DELIMITERS, key=lines[below].count)
    names, *rows = csv.reader(lines[below : below + 2], delimiter=delimiter)
    places = {name.strip().casefold(): place for place, name in enumerate(names)}
    if not places.keys() >= _COLUMNS:
        return False
    units = [row[places["dh_utc"]] for row in rows if len(row) == len(names)]
    return below > 0 or any("yyyy" in unit.casefold() for unit in units)


def _reject(_file: IO[bytes]) -> NoReturn:
    message = "the object is InfoClimat's CSV export, which is not read; sync its JSON (format=json) instead"
    raise ObjectRejectedError("unknown_layout", message)


def _records(file: IO[bytes]) -> Iterator[Record]:
    _reject(file)


CSV_EXPORT: Final = Format("InfoClimat's CSV export", _is_export, _records)
