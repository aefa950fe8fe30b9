"""InfoClimat's open data: one observation a row, `dh_utc` in UTC, numbers as text, units documented by the API."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from forecast.observations import RawBatch, Transformed
from forecast.parameters import PARAMETERS
from forecast.stations import Stations
from forecast.transform.assemble import Draft, Refusal, assemble, lost_on_the_way
from forecast.transform.cells import convert_column
from forecast.transform.columns import Columns, normalise_field, station_ids
from forecast.transform.times import read_moments

NAME = "InfoClimat"

# The container of the API's document that holds the rows, one list a station; "_params" beside the stations is a
# list of field names and no station.
RECORD_CONTAINER = "hourly"

_FIELDS = {normalise_field(p.infoclimat): p for p in PARAMETERS if p.infoclimat is not None}


def recognises(columns: Columns, _batch: RawBatch) -> bool:
    """Whether the rows are this network's."""
    return "idstation" in columns and "dhutc" in columns


class Reader:
    """Turns the batches of one object into observations."""

    def __init__(self, key: str, stations: Stations) -> None:
        del key, stations  # the rows say all that is needed

    def read(self, batch: RawBatch, columns: Columns) -> Transformed:
        """One batch as observations."""
        stations = station_ids(columns.required("idstation"))
        times = columns.required("dhutc")
        readings = read_moments(times)
        refusals = [
            Refusal(np.asarray(stations.is_null()), "no_station", "id_station", "the row does not name its station"),
            Refusal(
                readings.unreadable, "bad_timestamp", "dh_utc", "not a date and time (YYYY-MM-DD HH:MM:SS, UTC)", times
            ),
            Refusal(np.isnat(readings.moments), "no_timestamp", "dh_utc", "the row has no time"),
        ]
        if batch.groups is not None:
            other = np.asarray(pc.fill_null(pc.not_equal(stations, batch.groups), fill_value=False))
            reason = "the row names another station than the one it stands under"
            refusals.append(Refusal(other, "station_mismatch", "id_station", reason, stations))
        converted = {
            parameter.name: convert_column(cells, parameter, parameter.infoclimat_unit)
            for field, parameter in _FIELDS.items()
            if (cells := columns.get(field)) is not None
        }
        lost = lost_on_the_way(batch.origin["changes"], {str(p.infoclimat): p.name for p in _FIELDS.values()})
        transformed, _ = assemble(batch, Draft(stations, readings.moments, converted, refusals, lost))
        return transformed

    def finish(self) -> list[Transformed]:
        """Nothing has to wait for the end of the object."""
        return []
