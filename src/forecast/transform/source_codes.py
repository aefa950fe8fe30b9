"""The networks' own codes of quality, as JSON."""

from __future__ import annotations

import json
import re
from typing import Final

import pyarrow as pa

from forecast.transform.raw_columns import python_cells
from forecast.transform.values.numbers import MISSING_TOKENS, shortened

_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,9})(?:\.0*)?")


def source_codes(cells: pa.Array) -> pa.Array:
    """The network's quality codes as JSON, null where there is none: whole numbers as such, anything else as text."""
    if pa.types.is_nested(cells.type):
        cells = pa.array([None if cell is None else json.dumps(cell) for cell in python_cells(cells)], pa.string())
    encoded = cells.cast(pa.string()).dictionary_encode()
    codes = [_code(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(codes, pa.string()).take(encoded.indices)


def _code(text: str) -> str | None:
    word = text.strip()
    if word.casefold() in MISSING_TOKENS:
        return None
    number = _WHOLE.fullmatch(word)
    return str(int(number[1])) if number else json.dumps(shortened(word))
