"""Bounds on what an object may ask of the machine, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

import ijson
import numpy as np

from forecast.errors import ObjectRejectedError

CHUNK_ROWS = 50_000
BLOCK_BYTES = 8 << 20
# One record: a year of one InfoClimat station is about 10 MB of JSON.
MAX_RECORD_BYTES = 64 << 20
# The deepest real record has six levels; Arrow's JSON reader overruns the stack somewhere above 10 000.
MAX_DEPTH = 64
_SHORT_LINE = 1000
_BRACKETS = b"[]{}"
_NOT_BRACKETS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = np.zeros(256, dtype=np.int64)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


def check_depth(block: bytes) -> None:
    """Raises ObjectRejectedError where JSON nests deeper than MAX_DEPTH.

    Only lines long enough to be dangerous are looked at: short ones cost nothing.
    """
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1, append=len(block))
    if int(lengths.max()) <= _SHORT_LINE:
        return
    for line in np.flatnonzero(lengths > _SHORT_LINE).tolist():
        end = int(ends[line]) if line < len(ends) else len(block)
        text = block[end - int(lengths[line]) + 1 : end]
        brackets = np.frombuffer(text.translate(None, _NOT_BRACKETS), dtype=np.uint8)
        if len(brackets) and int(np.cumsum(_STEPS[brackets]).max()) > MAX_DEPTH:
            raise too_deep()


def check_depth_of_file(open_file: Callable[[], IO[bytes]]) -> None:
    """Raises ObjectRejectedError where a JSON file nests deeper than MAX_DEPTH.

    Brackets are counted first, which is fast and takes those in texts for real ones; only where they look too deep is
    the file parsed.
    """
    depth = 0
    with open_file() as file:
        while block := file.read(BLOCK_BYTES):
            brackets = np.frombuffer(block.translate(None, _NOT_BRACKETS), dtype=np.uint8)
            depths = depth + np.cumsum(_STEPS[brackets])
            if len(depths) and int(depths.max()) > MAX_DEPTH:
                break
            depth = int(depths[-1]) if len(depths) else depth
        else:
            return
    depth = 0
    with open_file() as file:
        for event, _ in ijson.basic_parse(file, use_float=True):
            depth += event.startswith("start_") - event.startswith("end_")
            if depth > MAX_DEPTH:
                raise too_deep()


def too_deep() -> ObjectRejectedError:
    """The refusal of an object that nests deeper than any real one."""
    return ObjectRejectedError("too_deep", f"JSON nested deeper than {MAX_DEPTH} levels")


def too_long(position: str) -> ObjectRejectedError:
    """The refusal of an object with a record longer than any real one."""
    return ObjectRejectedError("record_too_long", f"{position}: a record of more than {MAX_RECORD_BYTES >> 20} MB")
