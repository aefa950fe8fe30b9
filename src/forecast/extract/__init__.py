"""Raw objects to rows as found. Content decides what an object is, not its name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from forecast.errors import ObjectRejectedError
from forecast.extract.binaries import read_avro, read_parquet, read_workbook
from forecast.extract.texts import read_csv, read_json
from forecast.observations import RawBatch, RawObject

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_AVRO = b"Obj\x01"
_OLE2 = b"\xd0\xcf\x11\xe0"
_BOM = b"\xef\xbb\xbf"
_SNIFFED_BYTES = 4096


def extract(path: Path, raw: RawObject, containers: Sequence[str]) -> Iterator[RawBatch]:
    """The rows of one object, in batches; `path` is its local copy.

    Raises ObjectRejectedError where it cannot be read to its end, also after some batches.
    """
    if path.stat().st_size == 0:
        raise ObjectRejectedError("empty", "the object is empty")
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    try:
        with _open(path, packed=packed) as file:
            start = file.read(_SNIFFED_BYTES)
        if packed and start.startswith((_PARQUET, _AVRO, _ZIP)):
            with gzip.open(path) as source, (path.with_suffix(".unpacked")).open("wb") as target:
                while block := source.read(1 << 20):
                    target.write(block)
            path, packed = path.with_suffix(".unpacked"), False
        yield from _read(path, start, raw, containers, packed=packed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ObjectRejectedError("bad_gzip", f"the gzip file is damaged or cut off: {str(error)[:200]}") from error


def _read(path: Path, start: bytes, raw: RawObject, containers: Sequence[str], *, packed: bool) -> Iterator[RawBatch]:
    if start.startswith(_PARQUET):
        return read_parquet(path, raw, containers)
    if start.startswith(_AVRO):
        return read_avro(path, raw, containers)
    if start.startswith(_ZIP):
        return read_workbook(path, raw, containers)
    text = start.removeprefix(_BOM).lstrip()

    def open_text() -> IO[bytes]:
        file = _open(path, packed=packed)
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        return file

    if text[:1] in (b"{", b"["):
        return read_json(open_text, raw, containers)
    _refuse_known(text)
    return read_csv(open_text, raw, containers)


def _refuse_known(text: bytes) -> None:
    """Say what a file is that no table is."""
    if not text:
        raise ObjectRejectedError("empty", "the object holds nothing but blanks")
    if text.startswith(b"<"):
        raise ObjectRejectedError("not_data", "the object is an HTML or XML page, not data")
    if text.startswith(_OLE2):
        raise ObjectRejectedError(
            "not_data", "the object is an old or protected Excel file (OLE2); save it as .xlsx without a password"
        )
    if text.startswith(b"version https://git-lfs"):
        raise ObjectRejectedError("not_data", "the object is a Git LFS pointer, not the file it stands for")
    if b"\0" in text:
        raise ObjectRejectedError("not_data", "the object is neither JSON, CSV, Parquet, Avro nor a workbook")


def _open(path: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")
