"""A JSON array as lines, one per item, so that the reader for lines reads both."""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.extract.text_stream import Convert, Opener, filtered

_OPENING: Final = (ord("["), ord("{"))
_CLOSING: Final = (ord("]"), ord("}"))
_BLANK, _NEWLINE, _COMMA, _QUOTE = ord(" "), ord("\n"), ord(","), ord('"')


def as_lines(open_file: Opener) -> Opener:
    """Open the items of the array in a file as lines.

    It does not validate the file: invalid JSON gives invalid lines, and an extra comma may be dropped.
    """
    return lambda: filtered(open_file(), _to_lines())


def _to_lines() -> Convert:
    depth = 0
    in_text = False
    rest = b""

    def convert(block: bytes, last: bool) -> bytes:
        nonlocal depth, in_text, rest
        block = rest + block
        # A backslash and the character after it must be in the same block.
        whole = block if last else block.rstrip(b"\\")
        rest = block[len(whole) :]
        # An escaped quote does not end a string; the second of two backslashes escapes nothing.
        letters = np.frombuffer(whole.replace(b"\\\\", b"__").replace(b'\\"', b"__"), dtype=np.uint8)
        quotes = np.cumsum(letters == _QUOTE) + in_text
        outside = quotes % 2 == 0
        steps = outside * (np.isin(letters, _OPENING).astype(np.int64) - np.isin(letters, _CLOSING))
        depths = np.cumsum(steps) + depth
        lines = np.frombuffer(whole, dtype=np.uint8).copy()
        lines[letters == _NEWLINE] = _BLANK
        lines[outside & (depths == 1) & (letters == _COMMA)] = _NEWLINE
        lines[(steps > 0) & (depths == 1) | (steps < 0) & (depths == 0)] = _BLANK
        if len(letters):
            depth, in_text = int(depths[-1]), bool(quotes[-1] % 2)
        return lines.tobytes()

    return convert
