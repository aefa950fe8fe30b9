"""Limits on the resources that an object may use.

Limits that an operator may need to change are in forecast.core.settings.Limits. Those that no real data approach are
constants here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits

CHUNK_ROWS = 50_000
BLOCK_BYTES = 8 << 20
# For JSON lines. The fixed cost of a block equals that of 3 000 rows, so larger blocks are faster: 12 MB by 15 %
# for objects of 9.6 MB. Larger ones would be held in memory while the database loads the previous objects.
LINES_BYTES = 12 << 20
# The beginning of an object that shows its format. An export of many stations can have a comment line for each of them
# above its header.
SNIFFED_BYTES = 64 << 10
# For a row that is not a document; the longest real one has 1 kB.
MAX_ROW_BYTES = 1 << 20
# The widest real table has 48 columns.
MAX_COLUMNS = 500
# For one chunk. Real rows have at most 2 million cells in 12 MB; rows without common columns have many more.
MAX_CELLS = 20_000_000
# For a chunk that is read as Python objects, which take about 100 bytes per value.
CHUNK_VALUES = 1_000_000
# What ijson reads at once: with every piece, an unfinished string is read again from its beginning, and all events of
# a piece are in memory.
JSON_PIECE_BYTES = 1 << 20
# The deepest real record has six levels; Arrow's JSON reader overruns the stack somewhere above 10 000.
MAX_DEPTH = 64
_SHORT_LINE = 1000
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


def depths(text: bytes) -> npt.NDArray[np.int32]:
    """The depth after every bracket, including those in strings, of at most 2 GB."""
    # With 64-bit numbers, a record of 24 MB of brackets took 157 MB more.
    return np.cumsum(_STEPS[np.frombuffer(text.translate(None, _NOT_BRACKETS), dtype=np.uint8)], dtype=np.int32)


def line_ends(block: bytes) -> npt.NDArray[np.intp]:
    """The positions of the newlines, in a third of the time that `bytes.count` takes to count them."""
    return np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))


def check_lines(block: bytes, ends: npt.NDArray[np.intp]) -> int:
    """The length of the longest line, in bytes, of a block whose lines end at `ends`.

    Raises ObjectRejectedError if JSON is nested deeper than MAX_DEPTH. Only lines long enough to be dangerous are
    examined; short ones cost nothing.
    """
    lengths = np.diff(ends, prepend=-1, append=len(block))
    longest = int(lengths.max())
    if longest <= _SHORT_LINE:
        return longest
    for line in np.flatnonzero(lengths > _SHORT_LINE).tolist():
        end = int(ends[line]) if line < len(ends) else len(block)
        levels = depths(block[end - int(lengths[line]) + 1 : end])
        if len(levels) and int(levels.max()) > MAX_DEPTH:
            raise too_deep()
    return longest


def check_columns(columns: int, rows: int = 1) -> None:
    """Raise ObjectRejectedError if a table is wider than any real one, or if few of its cells can be filled."""
    if columns > MAX_COLUMNS or columns * rows > MAX_CELLS:
        raise ObjectRejectedError("too_many_columns", f"{columns} columns or more: no known table is that wide")


def too_deep() -> ObjectRejectedError:
    """The rejection of an object that is nested deeper than any real one."""
    return ObjectRejectedError("too_deep", f"JSON nested deeper than {MAX_DEPTH} levels")


def too_long(what: str, limits: Limits) -> ObjectRejectedError:
    """The rejection of an object with a record longer than any real one."""
    return ObjectRejectedError("record_too_long", f"{what} of more than {limits.record_bytes >> 20} MB (MAX_RECORD_MB)")


def too_large(what: str, limits: Limits) -> ObjectRejectedError:
    """The rejection of an object that unpacks to more than the limit."""
    megabytes = limits.unpacked_bytes >> 20
    return ObjectRejectedError("too_large", f"{what} unpacks to more than {megabytes} MB (MAX_UNPACKED_MB)")
