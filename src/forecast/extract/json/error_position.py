"""Finds the position at which a text stops being JSON, for the people who have to fix it."""

from __future__ import annotations

from typing import IO, Final

import ijson

from forecast.extract.text_stream import Opener

_PIECE: Final = 1 << 16
# The continuation bytes of UTF-8: all but the first byte of a character.
_CONTINUATIONS: Final = bytes(range(0x80, 0xC0))


class _Watched:
    """A file that is read in pieces, or byte by byte from an offset, and keeps track of the position."""

    def __init__(self, file: IO[bytes], bytewise_from: int | None = None) -> None:
        self._file = file
        self._bytewise_from = bytewise_from
        self.before = self.offset = 0
        self.line = 1
        self.column = 0

    def read(self, size: int) -> bytes:
        if self._bytewise_from is not None and self.offset >= self._bytewise_from:
            size = min(size, 1)
        piece = self._file.read(size)
        self.before = self.offset
        self.offset += len(piece)
        *_, last = lines = piece.split(b"\n")
        self.line += len(lines) - 1
        letters = len(last.translate(None, _CONTINUATIONS))
        self.column = letters if len(lines) > 1 else self.column + letters
        return piece


def place_of_fault(open_file: Opener, first_line: int = 1) -> str:
    """Line and column, in brackets, of the first character that cannot belong to JSON; empty if there is none.

    Lines are numbered from `first_line`. For a truncated text, the position is after its last character.
    """
    with open_file() as file:
        coarse = _Watched(file)
        if not _is_at_fault(coarse):
            return ""
    with open_file() as file:
        fine = _Watched(file, coarse.before)
        _is_at_fault(fine)
    return f" (line {fine.line + first_line - 1} column {fine.column + (fine.before == fine.offset)})"


def _is_at_fault(file: _Watched) -> bool:
    try:
        for _ in ijson.basic_parse(file, use_float=True, buf_size=_PIECE):
            pass
    except (ijson.JSONError, UnicodeDecodeError):
        return True
    return False
