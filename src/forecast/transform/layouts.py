"""Splits a batch with rows of several layouts, by the columns in which each layout has its times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.schemas import REJECTED_SCHEMA, RawBatch, empty_frame
from forecast.transform.raw_columns import normalise_field

# The normalised names of the columns that can have the time of a row of this layout.
TimeFields = frozenset[str]


def parts_of(batch: RawBatch, layouts: Sequence[TimeFields]) -> list[RawBatch]:
    """The unchanged batch if all rows have the same layout, otherwise one batch per layout without the others' columns.

    A row with the times of two layouts belongs to the first of them; a row without any belongs to the first layout.
    """
    names = [normalise_field(name) for name in batch.rows.columns]
    columns = {number: [at for at, name in enumerate(names) if name in fields] for number, fields in enumerate(layouts)}
    present = {number: places for number, places in columns.items() if places}
    if len(present) < 2:  # noqa: PLR2004
        return [batch]
    layout = np.full(len(batch.rows), len(layouts))
    for number, places in reversed(present.items()):
        layout[batch.rows.iloc[:, places].notna().any(axis=1).to_numpy(bool)] = number
    layout[layout == len(layouts)] = layout.min(initial=len(layouts))
    found = np.unique(layout).tolist()
    if len(found) < 2:  # noqa: PLR2004
        return [batch]
    parts = [_part(batch, layout == number) for number in found]
    parts[0].rejected = batch.rejected
    return parts


def _part(batch: RawBatch, rows: Mask) -> RawBatch:
    return RawBatch(
        _taken(batch.rows, rows).dropna(axis=1, how="all"),
        _taken(batch.origin, rows),
        batch.sheet,
        None if batch.groups is None else batch.groups.filter(pa.array(rows)),
        batch.metadata,
        batch.containers,
        empty_frame(REJECTED_SCHEMA),
    )


def _taken(frame: pd.DataFrame, rows: Mask) -> pd.DataFrame:
    return frame[rows].reset_index(drop=True)
