"""What may enter: a known station, a real instant, not in the future, values that are numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.parameters import PARAMETER_NAMES
from forecast.stations import Stations

Mask = npt.NDArray[np.bool_]

# The clocks of stations run a little fast; hostile-clock readings are days or years off.
FUTURE_TOLERANCE = timedelta(minutes=10)
# The oldest digitised observations of our networks; an empty clock says 1899, 1900 or 1970-01-01T00:00.
FIRST_YEAR = 1901
_EPOCH_MS = 0


def refusals(table: pa.Table, stations: Stations, now: datetime) -> list[tuple[Mask, str, str, str]]:
    """Masks of the rows that may not enter, each with code, field and reason; a row may be in several."""
    stamps = table["timestamp"]
    milliseconds = np.asarray(pc.fill_null(stamps.cast(pa.int64()), _EPOCH_MS))
    missing = np.asarray(stamps.is_null())
    latest = int((now + FUTURE_TOLERANCE).timestamp() * 1000)
    known = pa.array([station.id for station in stations], pa.string())
    unknown = ~np.asarray(pc.is_in(table["station_id"], value_set=known))
    first = int(np.datetime64(f"{FIRST_YEAR}-01-01", "ms").astype(np.int64))
    found = [
        (unknown, "unknown_station", "station_id", "the station is not in src/config/stations.json"),
        (missing, "no_timestamp", "timestamp", "the row has no time"),
        (milliseconds > latest, "future_timestamp", "timestamp", "later than now by more than 10 minutes"),
        (
            (milliseconds < first) | (~missing & (milliseconds == _EPOCH_MS)),
            "impossible_timestamp",
            "timestamp",
            "the time of an empty clock",
        ),
    ]
    for name in PARAMETER_NAMES:
        column = table[name]
        if column.null_count < len(column):
            bad = ~np.asarray(pc.fill_null(pc.is_finite(column), fill_value=True))
            found.append((bad, "not_finite", name, "not a finite number"))
    return found


def refused_rows(table: pa.Table, found: list[tuple[Mask, str, str, str]]) -> tuple[Mask, list[dict[str, Any]]]:
    """The mask of all refused rows, and a record of each under its first reason."""
    refused = np.zeros(table.num_rows, dtype=bool)
    records = []
    for mask, code, field, reason in found:
        for row in np.flatnonzero(mask & ~refused).tolist():
            observation = {
                name: value for name, value in table.slice(row, 1).to_pylist()[0].items() if value is not None
            }
            records.append(
                {
                    "position": observation.get("source_row"),
                    "code": code,
                    "field": field,
                    "value": None if observation.get(field) is None else str(observation[field]),
                    "reason": reason,
                    "observation": observation,
                }
            )
        refused |= mask
    return refused, records
