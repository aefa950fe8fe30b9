"""Numbers that a network declares to be codes instead of amounts, such as that for a trace of rain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from forecast.networks.model import Code
from forecast.transform.values.columns import ParsedColumn, ParseIssue, RawColumn, shorten
from forecast.transform.values.units import find_unit


def read_codes(columns: Sequence[RawColumn], converted: Mapping[str, ParsedColumn]) -> None:
    """Replace each code in the columns by its value, with a parse issue that shows the cell."""
    for column in columns:
        found = converted[column.parameter.name]
        for code in column.codes:
            rows = np.flatnonzero(np.isin(found.values, _canonical(code, column)))
            if not len(rows):
                continue
            found.values = found.values.copy()
            found.values[rows] = code.value
            found.issues += [
                ParseIssue(row, column.parameter.name, shorten(str(column.cells[row].as_py())), code.reason)
                for row in rows.tolist()
            ]


def _canonical(code: Code, column: RawColumn) -> np.ndarray:
    unit = find_unit(column.parameter.quantity, code.unit)
    if unit is None:
        raise ValueError(f"{code.unit!r} is not a known unit of {column.parameter.name}")
    return unit.to_canonical(np.array(code.numbers))
