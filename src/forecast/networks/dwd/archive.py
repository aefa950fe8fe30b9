"""Files of DWD's Climate Data Center: zip files with one or more tables `produkt_…txt`, and such a table by itself.

A zip file of hourly values also has tables of the station's history (`Metadaten_…`), without observations. Cells are
padded with blanks, the last one in a row is "eor", and old files end with a control character (0x1A).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final

from forecast.core.errors import ObjectRejectedError
from forecast.networks.model import Format, Record

_ZIP: Final = b"PK\x03\x04"
_HEADER: Final = "STATIONS_ID;MESS_DATUM;"
_TABLE: Final = re.compile(r"(?:^|/)produkt_\w+\.txt$", re.IGNORECASE)
# The history of the station and of its instruments, as text and as pages to be read.
_BESIDE_TABLES: Final = re.compile(r"(?:^|/)Metadaten_[^/]*$|/$", re.IGNORECASE)
# The name of the first member is in the first bytes.
_FIRST_MEMBER: Final = re.compile(rb"^PK\x03\x04.{26}(?:produkt_|Metadaten_)", re.DOTALL | re.IGNORECASE)
_END_OF_ROW: Final = "eor"
_END_OF_FILE: Final = "\x1a"
# Ten years of ten-minute values have 40 MB.
_MAX_BYTES: Final = 1 << 30


def _is_archive(start: bytes) -> bool:
    """Whether these are the first bytes of such a file."""
    if start.startswith(_ZIP):
        return _FIRST_MEMBER.match(start) is not None
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_HEADER.encode())


def _records(file: IO[bytes]) -> Iterator[Record]:
    start = file.read(len(_ZIP))
    if start != _ZIP:
        yield from _rows(file, "", start.decode("latin-1"))
        return
    try:
        with zipfile.ZipFile(file) as archive:
            tables = [member for member in archive.infolist() if _TABLE.search(member.filename)]
            if not tables:
                raise ObjectRejectedError(
                    "unknown_layout", "the zip file from DWD contains no table of observations (produkt_…txt)"
                )
            yield from _unread_members(archive)
            for member in tables:
                if member.file_size > _MAX_BYTES:
                    message = (
                        f"{member.filename} has {member.file_size >> 20} MB unpacked; more than {_MAX_BYTES >> 20} MB"
                    )
                    raise ObjectRejectedError("too_large", message)
                with archive.open(member) as table:
                    yield from _rows(table, member.filename if len(tables) > 1 else "")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ObjectRejectedError(
            "not_data", f"the zip file is damaged or truncated, or cannot be unpacked: {error}"
        ) from error


def _unread_members(archive: zipfile.ZipFile) -> Iterator[Record]:
    """A fault for each member that is neither a table of observations nor another file that DWD's archives contain."""
    for member in archive.infolist():
        if not _TABLE.search(member.filename) and not _BESIDE_TABLES.search(member.filename):
            fault = "neither a table of observations (produkt_…txt) nor a description (Metadaten_…), so it is not read"
            yield Record(member.filename, {"member": member.filename}, fault, member.filename)


def _rows(table: IO[bytes], name: str, begun: str = "") -> Iterator[Record]:
    """The rows of one table, which has a name if there are several; `begun` is the part that was already read."""
    text = io.TextIOWrapper(table, "latin-1", newline="")
    place = f"{name} line " if name else "line "
    names: list[str] = []
    try:
        for number, rest in enumerate(text, 1):
            line = begun + rest if number == 1 else rest
            cells = [cell.strip() for cell in line.strip(_END_OF_FILE).split(";")]
            if len(cells) == 1 and not cells[0]:
                continue
            if not names:
                names = cells
            elif len(cells) != len(names) or (names[-1] == _END_OF_ROW and cells[-1] != _END_OF_ROW):
                fault = f"{len(cells)} cells where the header has {len(names)}, or the row does not end with eor"
                yield Record(f"{place}{number}", {"row": line.strip()}, fault, name)
            else:
                yield Record(f"{place}{number}", dict(zip(names, cells, strict=True)), "", name)
        if not names:
            yield Record(name or "line 1", {}, "an empty table, without even a header", name)
    finally:
        text.detach()


ARCHIVE: Final = Format("DWD's files", _is_archive, _records)
