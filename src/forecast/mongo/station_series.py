"""The observations of one station in an interval, as columns, read through the index on station and time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from forecast.mongo.bson_decoder import PROJECTION, StationColumns, read_columns
from forecast.mongo.client import ObservationCollection, mongo_errors


def station_series(
    collection: ObservationCollection, station: str, since: datetime, until: datetime
) -> StationColumns | None:
    """The observations of a station from `since` up to but not including `until`; None if there are none."""
    query = {"station.id": station, "timestamp": {"$gte": since, "$lt": until}}
    with mongo_errors("reading observations of a station"):
        batches: Any = collection.find_raw_batches(query, PROJECTION, hint="station_time", batch_size=5_000)
        return read_columns(batches).get(station)
