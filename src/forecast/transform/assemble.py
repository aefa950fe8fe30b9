"""Puts converted columns together: observations, refused rows, and the count of empty ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from forecast.observations import (
    OBSERVATION_SCHEMA,
    REFUSED_SCHEMA,
    UTC_TIME,
    RawBatch,
    Transformed,
    concat,
    frame_of,
    to_frame,
)
from forecast.parameters import PARAMETER_NAMES
from forecast.transform.cells import Converted, Note
from forecast.transform.times import Moments

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Refusal:
    """The rows of one mask, refused for one reason. `cells` holds what was found in `field`, where it is a column."""

    mask: Mask
    code: str
    field: str
    reason: str
    cells: pa.Array | None = None


@dataclass(slots=True)
class Draft:
    """A batch on its way: one entry a row in every array."""

    station_ids: pa.Array
    moments: Moments
    columns: Mapping[str, Converted]
    refusals: list[Refusal] = field(default_factory=list)
    extra_notes: list[Note] = field(default_factory=list)
    postponed: Mask | None = None


def assemble(batch: RawBatch, draft: Draft) -> tuple[Transformed, pd.DataFrame]:
    """The batch as canonical rows, and the rows that `draft.postponed` holds back (they have no timestamp)."""
    size = len(batch.rows)
    notes = notes_column(
        size, [*draft.extra_notes, *(note for column in draft.columns.values() for note in column.notes)]
    )
    empty = _without_values(size, draft.columns) & np.asarray(notes.is_null())
    refused = np.zeros(size, dtype=bool)
    records: list[dict[str, Any]] = []
    for refusal in draft.refusals:
        rows = np.flatnonzero(refusal.mask & ~empty & ~refused)
        records += refused_rows(batch, rows.tolist(), refusal)
        refused[rows] = True
    table = _observation_table(batch, draft, notes)
    postponed = np.zeros(size, dtype=bool) if draft.postponed is None else draft.postponed & ~empty & ~refused
    kept = ~empty & ~refused & ~postponed
    observations = to_frame(table.filter(pa.array(kept)) if not kept.all() else table)
    transformed = Transformed(
        observations=observations,
        refused=concat([batch.refused, frame_of(records, REFUSED_SCHEMA)], REFUSED_SCHEMA),
        rows_read=size + len(batch.refused) - int(postponed.sum()),
        rows_empty=int(empty.sum()),
    )
    return transformed, to_frame(table.filter(pa.array(postponed)))


def refused_rows(batch: RawBatch, rows: Iterable[int], refusal: Refusal) -> list[dict[str, Any]]:
    """Refused rows with all that a person needs to mend them; a loop, because they are few."""
    return [
        {
            "position": batch.origin["position"].iloc[row],
            "code": refusal.code,
            "field": refusal.field,
            "value": None if refusal.cells is None else _text(refusal.cells[row].as_py()),
            "reason": refusal.reason,
            "row": raw_row(batch.rows, row),
        }
        for row in rows
    ]


def raw_row(rows: pd.DataFrame, row: int) -> str:
    """One raw row as JSON text, under the source's own names."""
    cells = {str(name): rows.iloc[row, position] for position, name in enumerate(rows.columns)}
    return json.dumps(
        {name: None if cell is pd.NA else cell for name, cell in cells.items()}, ensure_ascii=False, default=str
    )


def notes_column(size: int, notes: list[Note]) -> pa.Array:
    """Notes as JSON text a row, null where a row has none."""
    if not notes:
        return pa.nulls(size, pa.string())
    by_row: dict[int, list[dict[str, str]]] = {}
    for note in notes:
        by_row.setdefault(note.row, []).append({"parameter": note.parameter, "raw": note.raw, "reason": note.reason})
    texts = np.full(size, None, dtype=object)
    for row, entries in by_row.items():
        texts[row] = json.dumps(entries, ensure_ascii=False)
    return pa.array(texts, pa.string())


def lost_on_the_way(changes: pd.Series, parameters: Mapping[str, str]) -> list[Note]:
    """Airbyte's own list of values it nulled or cut; `parameters` maps its field names to ours."""
    notes = []
    for row in np.flatnonzero(changes.notna()).tolist():
        for change in changes_of(changes.iloc[row]):
            parameter = parameters.get(str(change.get("field")))
            if parameter is not None:
                reason = f"lost on the way: {change.get('change')}, {change.get('reason')}"
                notes.append(Note(row, parameter, "", reason))
    return notes


def changes_of(text: str) -> list[dict[str, Any]]:
    """Airbyte's changes, those of them that have the shape of one."""
    changes = json.loads(text)
    return [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else []


def _without_values(size: int, columns: Mapping[str, Converted]) -> Mask:
    empty = np.ones(size, dtype=bool)
    for column in columns.values():
        empty &= np.isnan(column.values)
    return empty


def _observation_table(batch: RawBatch, draft: Draft, notes: pa.Array) -> pa.Table:
    size = len(batch.rows)
    nothing = pa.nulls(size, pa.float64())
    columns: dict[str, Any] = {
        "station_id": draft.station_ids.cast(pa.string()),
        "timestamp": pa.array(draft.moments.astype("datetime64[ms]")).cast(UTC_TIME),
    }
    for name in PARAMETER_NAMES:
        converted = draft.columns.get(name)
        # + 0.0 makes -0.0 a zero: equal values have equal digests.
        columns[name] = nothing if converted is None else pa.array(converted.values + 0.0, from_pandas=True)
    columns["notes"] = notes
    columns["source_row"] = batch.origin["position"]
    for name in ("extracted_at", "generation_id", "sync_id"):
        columns[name] = batch.origin[name]
    return pa.table(columns, schema=OBSERVATION_SCHEMA)


def _text(cell: object) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return json.dumps(cell, ensure_ascii=False, default=str)
