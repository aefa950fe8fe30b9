"""The cache of all current reports as CSV (`metars.cache.csv`), and the same columns from the old data server.

The reports are read from their text (`raw_text`): the other columns are derived from it, and lose information. There, a
variable wind is north (`wind_dir_degrees` 0), 7000 m are 4.35 miles, and 1013 hPa are 29.91 inches of mercury.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO, Final

from forecast.core.errors import ObjectRejectedError
from forecast.networks.metar.bulletins import dated
from forecast.networks.metar.report import NoReportError, cells_of
from forecast.networks.model import Format, Record

_COLUMNS: Final = ("raw_text", "station_id", "observation_time")
_HEADER: Final = ",".join(_COLUMNS).encode()
_SHOWN: Final = len("2024-10-05T12:00:00")


def _is_cache(start: bytes) -> bool:
    """Whether these are the first bytes of such a file: there may be comment lines above its header."""
    if _HEADER not in start:
        return False
    return any(line.startswith(_HEADER) for line in start.removeprefix(b"\xef\xbb\xbf").splitlines())


def _records(file: IO[bytes]) -> Iterator[Record]:
    text = io.TextIOWrapper(file, "utf-8-sig", "backslashreplace", newline="")
    lines, has_header = csv.reader(text), False
    try:
        for row in lines:
            if tuple(row[: len(_COLUMNS)]) == _COLUMNS:
                has_header = True
            elif has_header and row:
                yield _record(f"line {lines.line_num}", row)
    except csv.Error as error:
        raise ObjectRejectedError("not_csv", f"line {lines.line_num} is not CSV: {error}") from error
    finally:
        text.detach()  # the caller opened the file and closes it


def _record(position: str, row: list[str]) -> Record:
    if len(row) < len(_COLUMNS):
        return Record(position, {"report": ",".join(row)}, "fewer cells than raw_text, station_id and observation_time")
    text, station, time = row[: len(_COLUMNS)]
    found = {"report": text, "station_id": station, "observation_time": time}
    try:
        cells = dated(cells_of(" ".join(text.split())), f"{time[:_SHOWN]}Z")
    except NoReportError as error:
        return Record(position, found, str(error))
    if cells["station"] != station:
        return Record(position, found, f"the report is one of {cells['station']}, but station_id is {station}")
    return Record(position, cells)


CACHE: Final = Format("aviationweather's cache of METARs as CSV", _is_cache, _records)
