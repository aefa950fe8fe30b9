"""Which of two records of the same observation is kept. This is the only place that defines the order.

A record with a measured value wins over one without. Then the one that was extracted later wins; if these are equal,
the one with the higher (generation_id, sync_id), which count the syncs of one producer; then the one from the later
version of the raw object; then the one with the higher first half of the digest, so that every order of loading ends
the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.parameters import MEASURED_NAMES

# Columns of a record, the most significant first.
RANK: Final = ("extracted_at", "generation_id", "sync_id", "source_modified_at")
# What decided, for people.
Reason = Literal[
    "has values",
    "later extraction",
    "higher generation",
    "higher sync",
    "later version of the object",
    "higher digest",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Column = npt.NDArray[Any]


def has_values(table: pa.Table) -> Mask:
    """Which rows hold at least one measured value."""
    columns = [table[name] for name in MEASURED_NAMES]
    if any(not column.null_count for column in columns):
        return np.ones(table.num_rows, dtype=bool)
    found = np.zeros(table.num_rows, dtype=bool)
    for column in columns:
        if column.null_count < len(column):
            found |= np.asarray(column.is_valid())
    return found


def order_of(table: pa.Table, halves: Column) -> list[Column]:
    """The columns to compare, the most significant first; `halves` are the first halves of the digests.

    Rows of the same raw object do not need source_modified_at, which is the same for all of them.
    """
    ranks = [np.asarray(table[name].cast(pa.int64())) for name in RANK if name in table.column_names]
    return [has_values(table), *ranks, halves]


def key_of(entry: Mapping[str, Any], half: str, *, valued: bool) -> tuple[Any, ...]:
    """The values to compare of one record or part, the most significant first; the rank is under the names of RANK."""
    return (valued, *(entry[name] for name in RANK), half)


def kept_of_each(observations: npt.NDArray[np.integer], order: Sequence[Column]) -> Rows:
    """The row to keep of each observation; `observations` numbers them, and the result is in their order."""
    *columns, halves = order
    # lexsort does not accept objects.
    codes = np.unique(halves, return_inverse=True)[1]
    rows = np.lexsort([codes, *reversed(columns), observations])
    numbers = observations[rows]
    last = np.ones(len(rows), dtype=bool)
    last[:-1] = numbers[1:] != numbers[:-1]
    kept: Rows = rows[last]
    return kept


def compared(ours: Sequence[Column], theirs: Sequence[Column]) -> tuple[Mask, Mask]:
    """Where our rows come after theirs in the order of these columns, and where they are equal."""
    higher = np.zeros(len(ours[0]), dtype=bool)
    level = np.ones(len(ours[0]), dtype=bool)
    for our, their in zip(ours, theirs, strict=True):
        higher |= level & (our > their)
        level &= our == their
    return higher, level


def reasons(ours: Sequence[Column], theirs: Sequence[Column]) -> list[Reason]:
    """What decided between each pair of rows (columns of `order_of`), in the words of REASONS."""
    differs = np.array([our != their for our, their in zip(ours, theirs, strict=True)], dtype=bool)
    return [REASONS[number] for number in differs.argmax(axis=0).tolist()]
