"""The tables next to the dataset: its stations and its columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from forecast.core import cf
from forecast.core.dataset import flag_column
from forecast.core.parameters import PARAMETERS
from forecast.core.schemas import UTC_TIME
from forecast.core.stations import Station, Stations
from forecast.storage import Store, digest_of
from forecast.zone.newest import fetch_newest

STATIONS: Final = "stations.parquet"
PARAMETERS_FILE: Final = "parameters.parquet"
STATIONS_SCHEMA: Final = pa.schema(
    [
        ("station_id", pa.string()),
        ("name", pa.string()),
        ("network", pa.string()),
        ("type", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("elevation", pa.float64()),
        ("city", pa.string()),
        ("country", pa.string()),
        ("region", pa.string()),
        ("timezone", pa.string()),
        ("licence", pa.string()),
        ("hardware", pa.string()),
        ("software", pa.string()),
        ("interval_minutes", pa.float64()),
        ("parameters", pa.list_(pa.string())),
        ("first_observation", UTC_TIME),
        ("last_observation", UTC_TIME),
    ]
)


def stations_table(stations: Stations, first: Mapping[str, int], newest: Mapping[str, int]) -> pa.Table:
    """The registry (STATIONS_SCHEMA), with the first and the newest observation of each (ms since 1970)."""
    rows = [_row(station, first, newest) for station in sorted(stations, key=lambda station: station.id)]
    return pa.Table.from_pylist(rows, schema=STATIONS_SCHEMA)


def _row(station: Station, first: Mapping[str, int], newest: Mapping[str, int]) -> dict[str, Any]:
    same = {name: getattr(station, name) for name in STATIONS_SCHEMA.names if hasattr(station, name)}
    return {
        **same,
        "station_id": station.id,
        "licence": json.dumps(dict(station.licence), ensure_ascii=False),
        "parameters": list(station.parameters),
        "first_observation": first.get(station.id),
        "last_observation": newest.get(station.id),
    }


def parameters_table() -> pa.Table:
    """The data dictionary: one row per parameter, in the order of the columns."""
    rows = [
        {
            "parameter": parameter.name,
            "flag_column": flag_column(parameter.name),
            "unit": parameter.unit,
            "description": parameter.description,
            "quantity": parameter.quantity.value,
            "derived": parameter.derived,
            "standard_name": cf.standard_name(parameter),
            "udunits": cf.UDUNITS[parameter.unit],
        }
        for parameter in PARAMETERS
    ]
    return pa.Table.from_pylist(rows)


def intervals_of(stations: Stations) -> dict[str, float]:
    """The interval of each station in minutes."""
    return {station.id: station.interval_minutes for station in stations}


def stations_of_other_interval(store: Store, stations: Stations, folder: Path) -> set[str]:
    """The stations whose interval in the table of the zone differs from that in the registry, or is missing in one.

    Empty if there is no readable table.
    """
    listed = store.find(STATIONS)
    if listed is None:
        return set()
    copy = folder / "stations-there.parquet"
    fetch_newest(store, listed, copy)
    try:
        there = pq.read_table(copy, columns=["station_id", "interval_minutes"]).to_pylist()
    except pa.ArrowException:
        return set()
    finally:
        copy.unlink()
    before = {(one["station_id"], one["interval_minutes"]) for one in there}
    return {name for name, _ in before ^ set(intervals_of(stations).items())}


def publish_if_changed(table: pa.Table, key: str, store: Store, folder: Path) -> None:
    """Publish a small table to the processed zone, unless the same one is already there."""
    path, copy = folder / "table.parquet", folder / "table-there.parquet"
    pq.write_table(table, path, compression="zstd")
    listed = store.find(key)
    if listed is None or fetch_newest(store, listed, copy) != digest_of(path, key):
        store.publish(path, key)
    path.unlink()
    copy.unlink(missing_ok=True)
