"""Splits a batch with rows of several layouts, by the columns that only rows of one of them fill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.schemas import REJECTED_SCHEMA, RawBatch, concat, empty_frame, frame_of
from forecast.transform.declared import DeclaredLayout
from forecast.transform.quarantine import Rejection, rejected_rows
from forecast.transform.raw_columns import Columns, normalise_field

AMBIGUOUS: Final = "ambiguous_layout"
# The normalised names of the columns that can have the time of a row of this layout.
TimeFields = frozenset[str]


def parts_of(batch: RawBatch, layouts: Sequence[TimeFields]) -> list[RawBatch]:
    """The unchanged batch if all rows have the same layout, otherwise one batch per layout without the others' columns.

    A row with the times of two layouts belongs to the first of them; a row without any belongs to the first layout.
    """
    names = [normalise_field(name) for name in batch.rows.columns]
    present = {number: fields for number, fields in enumerate(layouts) if not fields.isdisjoint(names)}
    if len(present) < 2:  # noqa: PLR2004
        return [batch]
    layout = np.full(len(batch.rows), len(layouts))
    for number, fields in reversed(present.items()):
        layout[_filled(batch, names, fields)] = number
    layout[layout == len(layouts)] = layout.min(initial=len(layouts))
    found = np.unique(layout).tolist()
    if len(found) < 2:  # noqa: PLR2004
        return [batch]
    parts = [_part(batch, layout == number) for number in found]
    for part in parts:
        part.rows = part.rows.dropna(axis=1, how="all")
    parts[0].rejected = batch.rejected
    return parts


def split_by_own(batch: RawBatch, layouts: Sequence[DeclaredLayout]) -> list[tuple[RawBatch, DeclaredLayout]]:
    """One batch per layout with the rows that fill columns which identify this layout and none of the others.

    Rows of which this is not true are rejected if they have a value, and belong to the first layout otherwise. Empty
    if it is true of none, so that the batch cannot be split.
    """
    names = [normalise_field(name) for name in batch.rows.columns]
    common = frozenset.intersection(*(layout.recognised_by for layout in layouts))
    fills = np.column_stack([_filled(batch, names, layout.recognised_by - common) for layout in layouts])
    is_clear = fills.sum(axis=1) == 1
    if not is_clear.any():
        return []
    columns = Columns(batch.rows)
    fields = frozenset[str]().union(*(layout.read_fields(columns) for layout in layouts))
    has_values = _filled(batch, names, fields)
    fills[:, 0] |= ~is_clear & ~has_values
    is_clear |= ~has_values
    parts = []
    for number, layout in enumerate(layouts):
        rows = is_clear & fills[:, number]
        if rows.any():
            part = _part(batch, rows)
            known = layout.known(Columns(part.rows))
            kept = [at for at, name in enumerate(names) if name in known or part.rows.iloc[:, at].notna().any()]
            part.rows = part.rows.iloc[:, kept]
            parts.append((part, layout))
    unclear = np.flatnonzero(~is_clear).tolist()
    rejected = rejected_rows(batch, unclear, Rejection(~is_clear, AMBIGUOUS, "", ambiguous(layouts)))
    parts[0][0].rejected = concat([batch.rejected, frame_of(rejected, REJECTED_SCHEMA)], REJECTED_SCHEMA)
    return parts


def ambiguous(layouts: Sequence[DeclaredLayout]) -> str:
    """What is wrong with rows that have the columns of several layouts."""
    names = " and of ".join(layout.layout.name for layout in layouts)
    return f"the rows are of {names}: their columns do not show which of the two"


def _filled(batch: RawBatch, names: Sequence[str], own: frozenset[str]) -> Mask:
    """The rows that fill any of these columns, given by their normalised names."""
    places = [at for at, name in enumerate(names) if name in own]
    return batch.rows.iloc[:, places].notna().any(axis=1).to_numpy(bool)


def _part(batch: RawBatch, rows: Mask) -> RawBatch:
    return RawBatch(
        _taken(batch.rows, rows),
        _taken(batch.origin, rows),
        batch.sheet,
        None if batch.groups is None else batch.groups.filter(pa.array(rows)),
        batch.metadata,
        batch.containers,
        empty_frame(REJECTED_SCHEMA),
    )


def _taken(frame: pd.DataFrame, rows: Mask) -> pd.DataFrame:
    return frame[rows].reset_index(drop=True)
