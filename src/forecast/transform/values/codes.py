"""Numbers that are no amounts: the codes for a trace of rain and for a sky that cannot be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.core.parameters import Quantity
from forecast.transform.values.numbers import Converted, Note, RawColumn, shorten


@dataclass(frozen=True, slots=True)
class Code:
    """Numbers (in the canonical unit) that stand for a value, and why."""

    numbers: tuple[float, ...]
    value: float
    reason: str


# As SYNOP reports are published: -0.1 mm is a trace, and where the cloud cover is written in %, 101 (113 in BUFR) is a
# sky obscured, which is 9 in okta.
_PERCENT: Final = (101.0, 113.0)
_OKTA_A_PERCENT: Final = 12.5
CODES: Final[Mapping[Quantity, Code]] = {
    Quantity.RAIN: Code((-0.1,), 0.0, "a trace: too little to be measured"),
    Quantity.CLOUD: Code(
        (*_PERCENT, *(number / _OKTA_A_PERCENT for number in _PERCENT)), 9.0, "the code of a sky obscured, 9 okta"
    ),
}


def read_codes(columns: Sequence[RawColumn], converted: Mapping[str, Converted]) -> None:
    """Put the value in the place of each code that one of the columns has, with a note that shows the cell."""
    for column in columns:
        code = CODES.get(column.parameter.quantity)
        found = converted[column.parameter.name]
        rows = np.flatnonzero(np.isin(found.values, code.numbers)) if code else np.zeros(0, np.int64)
        if code is None or not len(rows):
            continue
        found.values = found.values.copy()
        found.values[rows] = code.value
        found.notes += [
            Note(row, column.parameter.name, shorten(str(column.cells[row].as_py())), code.reason)
            for row in rows.tolist()
        ]
