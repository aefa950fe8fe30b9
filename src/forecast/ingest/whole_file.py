"""Checks that a fetched file is complete, by the checksums of its format."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import Final

from forecast.core.text import escaped
from forecast.ingest.answers import BrokenAnswerError

_PIECE_BYTES: Final = 1 << 20


def check_whole(path: Path, name: str) -> None:
    """Raise BrokenAnswerError if a zip or gzip file is damaged, truncated, or of another format than its name says."""
    damaged = None
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
        elif name.endswith(".gz"):
            with gzip.open(path) as file:
                while file.read(_PIECE_BYTES):
                    pass
    except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError) as error:
        raise BrokenAnswerError(f"the file is incomplete: {error}") from error
    if damaged is not None:
        raise BrokenAnswerError(f"the file is incomplete: its member {escaped(damaged)} is damaged")
