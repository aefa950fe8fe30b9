"""Two columns of one parameter, such as "Temp_F" and "Temp_C".

If they differ by more than rounding, nothing shows which is right, and the row is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pyarrow as pa

from forecast.core.parameters import Parameter, Quantity
from forecast.transform.quarantine import Rejection
from forecast.transform.values.columns import ParsedColumn, RawColumn
from forecast.transform.values.numbers import convert_batch

# The largest difference (in the canonical unit) between two representations of one value, each rounded as coarsely as
# in a table: whole degrees, inches of mercury with one decimal, whole m/s. A word for the wind direction next to its
# degrees is not a second value.
_ROUNDING: Final[Mapping[Quantity, float]] = {
    Quantity.TEMPERATURE: 1.0,
    Quantity.RATIO: 1.0,
    Quantity.PRESSURE: 2.5,
    Quantity.SPEED: 1.0,
    Quantity.RAIN_RATE: 1.0,
    Quantity.RAIN: 1.0,
    Quantity.INDEX: 1.0,
    Quantity.IRRADIANCE: 1.0,
    Quantity.DISTANCE: 1000.0,
    Quantity.SNOW: 2.0,
    Quantity.CLOUD: 1.0,
    Quantity.DURATION: 1.0,
}
# The binary rounding error of a difference of exactly one decimal.
_TOLERANCE: Final = 1e-9


def contradictions(columns: Sequence[RawColumn]) -> list[Rejection]:
    """The rows in which two of these columns give one parameter two values."""
    by_parameter: dict[Parameter, list[RawColumn]] = {}
    for column in columns:
        if column.parameter.quantity in _ROUNDING:
            by_parameter.setdefault(column.parameter, []).append(column)
    found = (_compared(parameter, twins) for parameter, twins in by_parameter.items() if len(twins) > 1)
    return [rejection for rejection in found if rejection.mask.any()]


def _compared(parameter: Parameter, twins: Sequence[RawColumn]) -> Rejection:
    read = [convert_batch([twin])[parameter.name] for twin in twins]
    differ = np.zeros(len(twins[0].cells), dtype=bool)
    for one, other in combinations(read, 2):
        differ |= np.abs(one.values - other.values) > _ROUNDING[parameter.quantity] * (1 + _TOLERANCE)
    names = " and ".join(twin.source for twin in twins)
    reason = f"{names} hold one parameter, and their values differ by more than rounding"
    texts = np.full(len(differ), None, dtype=object)
    for row in np.flatnonzero(differ).tolist():
        texts[row] = ", ".join(_shown(twin, column, row) for twin, column in zip(twins, read, strict=True))
    return Rejection(differ, "contradicting_values", parameter.name, reason, pa.array(texts, pa.string()))


def _shown(twin: RawColumn, column: ParsedColumn, row: int) -> str:
    value = column.values[row]
    return f"{twin.source}: {'nothing' if np.isnan(value) else f'{value:.6g} {twin.parameter.unit}'}"
