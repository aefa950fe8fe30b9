"""Counts the cells of known columns whose measurements have no parameter."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.numbers import MISSING_TOKENS


def cells_of(columns: Columns, names: Iterable[str]) -> dict[str, int]:
    """How many cells of each of these columns are not empty; columns without any are left out."""
    found = {name: cells for name in names if (cells := columns.get(normalise_field(name))) is not None}
    return {name: count for name, cells in found.items() if (count := _filled(cells))}


def _filled(cells: pa.Array) -> int:
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return len(cells) - int(cells.null_count)
    counted = pc.value_counts(cells)
    texts = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return sum(count for text, count in texts if text is not None and text.strip().casefold() not in MISSING_TOKENS)
