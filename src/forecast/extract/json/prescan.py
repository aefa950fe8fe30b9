"""Checks a whole JSON file before it is parsed: its nesting, the length of its strings, and its numbers.

ijson parses in C and trusts its input: a string takes as much memory as it is long, and an integer beyond 64 bits is an
error (and, as a decimal, one of 5 000 digits crashes the process).
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import ijson
import numpy as np

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits
from forecast.extract.json.lines import BARE_CONSTANT, HALF_OF_A_PAIR
from forecast.extract.limits import BLOCK_BYTES, JSON_PIECE_BYTES, MAX_DEPTH, depths, too_deep, too_long
from forecast.extract.text_stream import Convert, Opener, filtered

_TOKEN = 64
_LONGEST_INTEGER = 18
# What ijson may not be able to read: integers of 19 digits, numbers that overflow, and the constants that JSON does
# not have but Python writes.
_MANY_DIGITS = 19
_CONSTANTS = (b"NaN", b"Infinity")
_OVERFLOW = re.compile(rb"(?<=[0-9])[eE]\+?[0-9]{3,}(?![0-9A-Fa-f-])")
_LOWER_CASE = 32
_SURROGATES = (b"\\ud", b"\\uD")
_PAIR = 12
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)
_TEXT_OR_NUMBER = re.compile(
    rb'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<constant>NaN|-?Infinity)|-?[0-9]+(?P<decimal>[0-9.eE+-]*)', re.DOTALL
)


class Surveyed(NamedTuple):
    """Opens JSON with the numbers and constants that ijson cannot read as text; `is_plain` if there are none."""

    open: Opener
    is_plain: bool


def surveyed(open_file: Opener, limits: Limits) -> Surveyed:
    """The JSON of a file in a form that ijson can read.

    Raises ObjectRejectedError if it is nested deeper than MAX_DEPTH, or has a string or number longer than a record, or
    half of a surrogate pair, which ijson turns into "?" or another character.
    """
    found = _survey(open_file, limits)
    opener: Opener = (lambda: filtered(open_file(), _odd_as_text())) if found.odd else open_file
    if found.deep:
        _check_depth(opener)
    if found.surrogates:
        _check_surrogates(open_file)
    return Surveyed(opener, not found.odd)


class _Survey(NamedTuple):
    """Whether brackets, including those in strings, nest too deeply; odd numbers; and surrogates."""

    deep: bool
    odd: bool
    surrogates: bool


def _survey(open_file: Opener, limits: Limits) -> _Survey:
    deep = odd = surrogates = False
    depth = since_quote = 0
    tail = b""
    with open_file() as file:
        while block := file.read(BLOCK_BYTES):
            levels = depth + depths(block)
            deep = deep or (len(levels) > 0 and int(levels.max()) > MAX_DEPTH)
            depth = int(levels[-1]) if len(levels) else depth
            odd = odd or _may_be_odd(tail + block)
            surrogates = surrogates or any(begin in block or begin in tail + block[:_PAIR] for begin in _SURROGATES)
            since_quote = _longest_token(tail[-1:], block, since_quote, limits)
            tail = block[-_TOKEN:]
    return _Survey(deep, odd, surrogates)


def _may_be_odd(text: bytes) -> bool:
    """Whether a text may contain something that ijson cannot read.

    It searches all letters at once: a pattern that tries every letter took a fifth of the time for an array.
    """
    if any(constant in text for constant in _CONSTANTS):
        return True
    letters = np.frombuffer(text, dtype=np.uint8)
    digits = letters - np.uint8(ord("0")) < 10  # noqa: PLR2004  what is below "0" comes out above 9
    exponents = digits[:-1] & ((letters[1:] | _LOWER_CASE) == ord("e"))
    if exponents.any() and _OVERFLOW.search(text):
        return True
    run = 1
    while run < _MANY_DIGITS and len(digits):
        step = min(run, _MANY_DIGITS - run)
        digits, run = digits[:-step] & digits[step:], run + step
    return bool(digits.any())


def _longest_token(before: bytes, block: bytes, since_quote: int, limits: Limits) -> int:
    """Bytes since the last quote. A quote after a backslash does not count, so a token can only look longer."""
    letters = np.frombuffer(before + block, dtype=np.uint8)
    quotes = letters == ord('"')
    quotes[1:] &= letters[:-1] != ord("\\")
    places = np.flatnonzero(quotes[len(before) :])
    gaps = np.diff(places, prepend=-1 - since_quote, append=len(block))
    if len(gaps) and int(gaps.max()) > limits.record_bytes:
        raise too_long("a string or a number", limits)
    return int(gaps[-1])


def _check_depth(open_file: Opener) -> None:
    depth = 0
    with open_file() as file:
        for event, _ in ijson.basic_parse(file, use_float=True, buf_size=JSON_PIECE_BYTES):
            depth += event.startswith("start_") - event.startswith("end_")
            if depth > MAX_DEPTH:
                raise too_deep()


def _check_surrogates(open_file: Opener) -> None:
    """Raise ObjectRejectedError with the position of the first unpaired surrogate."""
    offset = 0
    rest = b""
    last = False
    with open_file() as file:
        while not last:
            block = file.read(BLOCK_BYTES)
            last = not block
            text = rest + block
            # A match in the last bytes may continue in the next block.
            done = reach = len(text) if last else max(0, len(text) - _PAIR)
            for match in _ESCAPE.finditer(text):
                if match.start() >= reach:
                    break
                if match["half"] is not None:
                    place = f"{match['half'].decode()} at byte {offset + match.start() + 1}"
                    raise ObjectRejectedError("not_text", f"{HALF_OF_A_PAIR}: {place}")
                done = max(done, match.end())
            offset += done
            rest = text[done:]


def _odd_as_text() -> Convert:
    """A conversion that quotes odd numbers and constants."""
    rest = b""

    def convert(block: bytes, last: bool) -> bytes:
        nonlocal rest
        text = rest + block
        cut = len(text) if last else _end_of_last_text(text)
        rest = text[cut:]
        return _TEXT_OR_NUMBER.sub(_quoted, text[:cut])

    return convert


def _end_of_last_text(text: bytes) -> int:
    """Where to split without splitting a token."""
    end = 0
    for match in _TEXT_OR_NUMBER.finditer(text):
        if match["text"] is not None:
            end = match.end()
    return end


def _quoted(match: re.Match[bytes]) -> bytes:
    if match["constant"] is not None:
        return b'"' + BARE_CONSTANT.format(match["constant"].decode()).encode() + b'"'
    return b'"' + match[0] + b'"' if match["text"] is None and _is_odd(match) else match[0]


def _is_odd(match: re.Match[bytes]) -> bool:
    if not match["decimal"]:
        return len(match[0].lstrip(b"-")) > _LONGEST_INTEGER
    try:
        return math.isinf(float(match[0]))
    except ValueError:
        return False
