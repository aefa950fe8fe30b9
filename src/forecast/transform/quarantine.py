"""Quarantined rows as they are stored, with what people need to fix them and `replay` to process them again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from forecast.core.admission import Mask, instant_text
from forecast.core.schemas import RawBatch
from forecast.transform.raw_columns import python_cells

_ORIGIN = ("extracted_at", "generation_id", "sync_id", "changes")
_MAX_VALUE_LENGTH = 200  # the whole value is in `row`


@dataclass(slots=True)
class Rejection:
    """The rows of one mask, rejected for one reason. `cells` holds what was found in `field`, if it is a column.

    `instants` as in `forecast.core.admission.Violation`.
    """

    mask: Mask
    code: str
    field: str
    reason: str
    cells: pa.Array | None = None
    instants: npt.NDArray[np.datetime64] | None = None


def rejected_rows(batch: RawBatch, rows: Sequence[int], rejection: Rejection) -> list[dict[str, Any]]:
    """The rows at these positions of a batch, in REJECTED_SCHEMA."""
    taken = pa.array(rows, pa.int64())
    values = [None] * len(rows) if rejection.cells is None else python_cells(rejection.cells.take(taken))
    return [
        {
            "position": position,
            "code": rejection.code,
            "field": rejection.field,
            "value": _value_text(value),
            "reason": rejection.reason,
            "row": row,
            "origin": origin,
            "instant": instant_text(rejection.instants, place),
        }
        for place, position, value, row, origin in zip(
            rows,
            pa.array(batch.origin["position"]).take(taken).to_pylist(),
            values,
            raw_rows(batch.rows, taken),
            origins(batch, taken),
            strict=True,
        )
    ]


def raw_rows(rows: pd.DataFrame, taken: pa.Array) -> list[str]:
    """These raw rows, each as JSON text under the source's own names."""
    names = [str(name) for name in rows.columns]
    columns = [python_cells(pa.array(rows.iloc[:, index]).take(taken)) for index in range(len(names))]
    if not columns:
        return ["{}"] * len(taken)
    return [_json(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


def origins(batch: RawBatch, taken: pa.Array) -> list[str]:
    """What object and envelope say about these rows, each as a JSON object without nulls."""
    columns = {name: python_cells(pa.array(batch.origin[name]).take(taken)) for name in _ORIGIN}
    columns["group"] = [None] * len(taken) if batch.groups is None else batch.groups.take(taken).to_pylist()
    columns["sheet"] = [batch.sheet] * len(taken)
    entries = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [_json({name: value for name, value in entry.items() if value is not None}) for entry in entries]


def _json(entry: dict[str, Any]) -> str:
    try:
        return json.dumps(entry, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_without_nan(entry), ensure_ascii=False, default=str)


def _without_nan(value: Any) -> Any:
    """JSON has neither NaN nor infinity, so they are replaced by their names."""
    if isinstance(value, dict):
        return {name: _without_nan(member) for name, member in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_without_nan(member) for member in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _value_text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else _json_value(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[: _MAX_VALUE_LENGTH - 1]}…"


def _json_value(value: object) -> str:
    return json.dumps(_without_nan(value), ensure_ascii=False, default=str)
