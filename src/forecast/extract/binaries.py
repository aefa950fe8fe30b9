"""Recognises binary files of formats that are not read."""

from __future__ import annotations

import codecs
import re
from typing import Final

from forecast.core.errors import ObjectRejectedError

_KINDS: Final = (
    (rb"\x89PNG\r\n\x1a\n", "a PNG image"),
    (rb"\xff\xd8\xff", "a JPEG image"),
    (rb"GIF8[79]a", "a GIF image"),
    (rb"%PDF-", "a PDF"),
    (rb"\xd0\xcf\x11\xe0", "an old or protected Excel file (OLE2); save it as .xlsx without a password"),
    (rb"BZh[1-9]1AY&SY", "compressed with bzip2; use gzip or no compression"),
    (rb"\xfd7zXZ\0", "compressed with xz; use gzip or no compression"),
    (rb"\x28\xb5\x2f\xfd", "compressed with Zstandard; use gzip or no compression"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; use gzip or no compression"),
    (rb"(?s:GRIB.{0,3}\0)", "a GRIB message of gridded data"),
    (rb"(?s:BUFR.{0,3}\0)", "a BUFR message"),
    (rb"CDF[\x01\x02\x05]", "a NetCDF file"),
    (rb"\x89HDF\r\n\x1a\n", "an HDF5 or NetCDF file"),
    (rb"ARROW1\0\0", "an Arrow IPC file (Feather)"),
    (rb"SQLite format 3\0", "an SQLite database"),
)
_UNICODE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Excludes those in texts and weather bulletins (01 to 04), and NUL, which files have after a power failure.
_CONTROLS: Final = bytes(set(range(5, 32)) - set(b"\t\n\v\f\r\x1a\x1b"))
# 8 % of random bytes are such characters; in a text with a damaged row, there are far fewer.
_MAX_CONTROLS: Final = 0.05
_SHOWN: Final = 8


def reject_binary(start: bytes) -> None:
    """Raise ObjectRejectedError if an object that begins like this is not text in any encoding.

    UTF-16 and UTF-32 are recognised by their byte order marks.
    """
    if start.startswith(_UNICODE_MARKS):
        return
    for pattern, name in _KINDS:
        if re.match(pattern, start):
            raise ObjectRejectedError(
                "not_data", f"the object is {name}" + ("" if ";" in name else ", not a table of observations")
            )
    if b"\0" in start.partition(b"\n")[0] or _controls(start) > _MAX_CONTROLS * len(start):
        first = start[:_SHOWN].hex(" ").upper()
        message = f"the object is binary ({first} ...), neither JSON, CSV, Parquet, Avro nor a workbook"
        raise ObjectRejectedError("not_data", message)


def _controls(start: bytes) -> int:
    return len(start) - len(start.translate(None, _CONTROLS))
