"""Cells with digits that are no amounts, such as station ids and times, as text."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# Tools that keep a column of integers with gaps as floats write 7005 as "7005.0".
_WITH_ZEROS: Final = r"^([0-9]+)\.0+$"


def texts_of(cells: pa.Array) -> pa.Array:
    """Cells of a type that is not nested as text without surrounding blanks; null if there is no text."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    texts = _plain_floats(cells) if pa.types.is_floating(cells.type) else cells.cast(pa.string())
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def whole_numbers(texts: pa.Array) -> pa.Array:
    """The same texts, whole numbers without decimals."""
    return pc.replace_substring_regex(texts, pattern=_WITH_ZEROS, replacement=r"\1")


def _plain_floats(cells: pa.Array) -> pa.Array:
    """Floats as text, large whole numbers without an exponent."""
    numbers = cells.cast(pa.float64())
    whole = numbers.cast(pa.int64(), safe=False)
    is_whole = pc.equal(whole.cast(pa.float64(), safe=False), numbers)
    return pc.if_else(is_whole, whole.cast(pa.string()), numbers.cast(pa.string()))
