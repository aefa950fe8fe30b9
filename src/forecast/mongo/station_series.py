"""The observations of some stations in an interval, as columns, read through the index on station and time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from forecast.mongo.bson_decoder import PROJECTION, StationColumns, read_columns
from forecast.mongo.client import ObservationCollection, mongo_errors


def station_series(
    collection: ObservationCollection, stations: Collection[str], since: datetime, until: datetime
) -> dict[str, StationColumns]:
    """The observations from `since` up to but not including `until` of each of these stations that has any."""
    query = {"station.id": {"$in": sorted(stations)}, "timestamp": {"$gte": since, "$lt": until}}
    with mongo_errors("reading observations of stations"):
        batches: Any = collection.find_raw_batches(query, PROJECTION, hint="station_time", batch_size=5_000)
        return read_columns(batches)
