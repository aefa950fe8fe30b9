"""Compares the WIGOS identifier in a row with that of its station in the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Violation
from forecast.core.stations import Stations
from forecast.extract.fields import WIGOS_FIELDS
from forecast.transform.raw_columns import Columns, station_ids

# A station can have several identifiers, but only one in this series, which is for stations with a WMO number.
_OF_WMO_NUMBER: Final = r"^0-20000-0-0*(?P<number>[0-9]+)$"
_REASON: Final = "its WIGOS identifier is that of another station"


def contradicting_wigos(columns: Columns, ids: pa.Array, stations: Stations) -> Iterator[Violation]:
    """The rows that name one station by id and another by WIGOS identifier."""
    named = [station for station in stations if station.wigos_id is not None]
    for cells in (columns.get(field) for field in WIGOS_FIELDS):
        if cells is None or not named:
            continue
        known = _numbers(pa.array([station.wigos_id for station in named], pa.string()))
        own = known.take(pc.index_in(ids, value_set=pa.array([station.id for station in named], pa.string())))
        differ = pc.fill_null(pc.not_equal(_numbers(station_ids(cells)), own), fill_value=False)
        yield Violation(np.asarray(differ), "contradicting_stations", _REASON)


def _numbers(identifiers: pa.Array) -> pa.Array:
    """The WMO numbers in WIGOS identifiers; null for those of other series."""
    return pc.struct_field(pc.extract_regex(identifiers, _OF_WMO_NUMBER), "number")
