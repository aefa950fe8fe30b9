"""Rejects what transform should already have rejected, and values that are not finite numbers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask, Violation, instant_text, unknown_stations, wrong_times
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.stations import Stations

_NOT_FINITE = ("not_finite", "not a finite number")


def violations(table: pa.Table, stations: Stations, now: datetime) -> list[tuple[str, Violation]]:
    """The violations, each with its field; a row may have several."""
    moments = table["timestamp"].to_numpy()
    found = [
        ("station_id", unknown_stations(table["station_id"], stations)),
        *(("timestamp", fault) for fault in wrong_times(moments, now)),
    ]
    for name in PARAMETER_NAMES:
        column = table[name]
        if column.null_count < len(column):
            bad = ~np.asarray(pc.fill_null(pc.is_finite(column), fill_value=True))
            found.append((name, Violation(bad, *_NOT_FINITE)))
    return found


def rejected_rows(table: pa.Table, found: list[tuple[str, Violation]]) -> tuple[Mask, list[tuple[int, dict[str, Any]]]]:
    """The mask of all rejected rows, and each of them with its record (REJECTED_SCHEMA) under its first reason."""
    rejected = np.zeros(table.num_rows, dtype=bool)
    records = []
    for field, fault in found:
        for row in np.flatnonzero(fault.mask & ~rejected).tolist():
            observation = {
                name: value for name, value in table.slice(row, 1).to_pylist()[0].items() if value is not None
            }
            record = {
                "position": observation.get("source_row"),
                "code": fault.code,
                "field": field,
                "value": None if observation.get(field) is None else str(observation[field]),
                "reason": fault.reason,
                "row": json.dumps(observation, default=str),
                "instant": instant_text(fault.instants, row),
            }
            records.append((row, record))
        rejected |= fault.mask
    return rejected, records
