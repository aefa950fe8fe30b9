"""Floats of 32 and 16 bits as the shortest decimals that represent them: 13.8, not 13.800000190734863.

This makes a value the same whether it was stored as text or as a number of any width.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def shortest_decimals(cells: pa.Array) -> npt.NDArray[np.float64]:
    """Numbers of any Arrow type, or numbers as text, as 64-bit floats; NaN if missing."""
    if is_short(cells.type):
        cells = _widened(cells)
    elif pa.types.is_decimal(cells.type):
        cells = cells.cast(pa.string())
    return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


@lru_cache(maxsize=1 << 16)
def shortest_decimal(number: float) -> float:
    """The same for a 32-bit float that a reader returned as a 64-bit one."""
    return float(str(np.float32(number)))


def is_short(kind: pa.DataType) -> bool:
    """Whether a type is a float of less than 64 bits."""
    return bool(pa.types.is_floating(kind) and not pa.types.is_float64(kind))


def without_short_floats(cells: pa.Array) -> pa.Array:
    """The same cells with 64-bit floats, also within objects and lists."""
    kind = cells.type
    if is_short(kind):
        return _widened(cells)
    if pa.types.is_struct(kind) and kind.num_fields:
        members = [without_short_floats(pc.struct_field(cells, index)) for index in range(kind.num_fields)]
        return pa.StructArray.from_arrays(members, [member.name for member in kind], mask=cells.is_null())
    if pa.types.is_list(kind) and _has_short(kind):
        # Without the items of nulls, and from the first item on.
        lengths = np.asarray(pc.fill_null(pc.list_value_length(cells), 0), dtype=np.int32)
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), mask=_ends_of(cells))
        return pa.ListArray.from_arrays(offsets, without_short_floats(pc.list_flatten(cells)))
    return cells


def _ends_of(cells: pa.Array) -> npt.NDArray[np.bool_]:
    """Which offsets are null: those of missing lists, and never the last."""
    return np.append(np.asarray(cells.is_null()), False)


def _has_short(kind: Any) -> bool:
    if pa.types.is_struct(kind) or pa.types.is_list(kind):
        return any(_has_short(kind.field(index).type) for index in range(kind.num_fields))
    return is_short(kind)


def _widened(cells: pa.Array) -> pa.Array:
    encoded = cells.dictionary_encode()
    distinct = encoded.dictionary
    if pa.types.is_float16(cells.type):  # Arrow would write it with the digits of a longer float
        distinct = pa.array(distinct.to_numpy(zero_copy_only=False).astype(str), pa.string())
    return distinct.cast(pa.string()).cast(pa.float64()).take(encoded.indices)
