"""The columns in which a record of the processed zone describes its station."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.schemas import RECORD_SCHEMA
from forecast.core.stations import Station, Stations

_ATTRIBUTES: Final = {
    "station_name": "name",
    "station_network": "network",
    "station_network_id": "network_id",
    "station_wigos_id": "wigos_id",
    "station_type": "type",
    "latitude": "latitude",
    "longitude": "longitude",
    "elevation": "elevation",
    "station_city": "city",
    "station_country": "country",
    "station_region": "region",
    "station_hardware": "hardware",
    "station_software": "software",
}


class StationColumns:
    """Makes these columns for rows of the stations of a registry."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations
        # Most small objects are of one station, and for them it took longer to find these values than to write them.
        self._of_one: dict[str, Mapping[str, pa.Array]] = {}

    def of(self, station_ids: pa.ChunkedArray) -> dict[str, pa.Array]:
        """The columns, in the types of RECORD_SCHEMA, for rows of these stations."""
        encoded = station_ids.combine_chunks().dictionary_encode()
        return {name: _column(name, values, encoded.indices) for name, values in self._values(encoded).items()}

    def _values(self, encoded: pa.DictionaryArray) -> Mapping[str, pa.Array]:
        """The values of each station, by column."""
        ids = encoded.dictionary.to_pylist()
        if len(ids) != 1:
            return _described([self._stations.get(name) for name in ids])
        if ids[0] not in self._of_one:
            self._of_one[ids[0]] = _described([self._stations.get(ids[0])])
        return self._of_one[ids[0]]


def _described(stations: Sequence[Station | None]) -> dict[str, pa.Array]:
    licences = [json.dumps(dict(station.licence), ensure_ascii=False) if station else None for station in stations]
    reported = [" ".join(station.parameters) if station else None for station in stations]
    columns = {name: [getattr(station, attribute) for station in stations] for name, attribute in _ATTRIBUTES.items()}
    columns |= {"station_licence": licences, "station_parameters": reported}
    return {name: pa.array(values, _kind(name)) for name, values in columns.items()}


def _kind(column: str) -> pa.DataType:
    kind = RECORD_SCHEMA.field(column).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _column(name: str, values: pa.Array, indices: pa.Array) -> pa.Array:
    """One value per station; a Parquet dictionary cannot contain null, so a station without a value has no index."""
    if not pa.types.is_dictionary(RECORD_SCHEMA.field(name).type):
        return values.take(indices)
    if values.null_count:
        has_value = pc.take(values.is_valid(), indices)
        indices = pc.if_else(has_value, indices, pa.scalar(None, indices.type))
        values = pc.fill_null(values, "")
    return pa.DictionaryArray.from_arrays(indices, values)
