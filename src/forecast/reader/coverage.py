"""How much there is of what was asked for, by station and parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.aggregation import PERIODS
from forecast.core.clock import MINUTE_MS
from forecast.core.dataset import FLAG_MEANINGS, flag_column
from forecast.reader.request import Request

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("station_id", "parameter", "expected", "observations", *FLAG_MEANINGS.values())
# What is made of another parameter is expected where that is.
_MADE_OF: Final = {"precipitation_amount": "precipitation_counter"}
Row = dict[str, Any]


def coverage_of(observed: pa.Table, request: Request, stations: pa.Table) -> pd.DataFrame:
    """A row (COLUMNS) for each requested or found station and each parameter."""
    known = {one["station_id"]: one for one in stations.to_pylist() if _is_asked_for(one, request)}
    rows: list[Row] = []
    for parameter in request.parameters:
        counted = _by_flag(observed, parameter)
        for name in sorted({*known, *counted}):
            found = counted.get(name, dict.fromkeys(("observations", *FLAG_MEANINGS.values()), 0))
            expected = _expected(known.get(name), parameter, request)
            rows.append({"station_id": name, "parameter": parameter, "expected": expected, **found})
    types = {"station_id": pa.string(), "parameter": pa.string()}
    schema = pa.schema([(name, types.get(name, pa.int64())) for name in COLUMNS])
    frame: pd.DataFrame = pa.Table.from_pylist(rows, schema).sort_by("station_id").to_pandas()
    return frame.astype({"expected": "Int64"})


def _by_flag(observed: pa.Table, parameter: str) -> dict[str, Row]:
    """Observations of each station, and how many of its values have each flag."""
    flags = observed[flag_column(parameter)]
    columns = {meaning: pc.cast(pc.equal(flags, flag), pa.int64()) for flag, meaning in FLAG_MEANINGS.items()}
    table = pa.table({"station_id": observed["station_id"].cast(pa.string()), **columns})
    sums = table.group_by("station_id").aggregate([([], "count_all"), *((name, "sum") for name in columns)])
    rows: list[Row] = sums.rename_columns(["station_id", "observations", *columns]).to_pylist()
    return {row.pop("station_id"): row for row in rows}


def _expected(station: Row | None, parameter: str, request: Request) -> int | None:
    if station is None or request.since is None or request.until is None:
        return None
    if _MADE_OF.get(parameter, parameter) not in station["parameters"]:
        return 0
    step = max(station["interval_minutes"] * MINUTE_MS, PERIODS.get(parameter, 0))
    return int((request.until - request.since).total_seconds() * 1000 // step)


def _is_asked_for(station: Row, request: Request) -> bool:
    if request.stations is not None and station["station_id"] not in request.stations:
        return False
    if request.bbox is None:
        return True
    west, south, east, north = request.bbox
    return bool(west <= station["longitude"] <= east and south <= station["latitude"] <= north)
