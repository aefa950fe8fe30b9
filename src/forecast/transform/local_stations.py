"""A column that is in UTC, except for some stations, for which it has local time."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from forecast.networks.model import UtcTime
from forecast.transform.quarantine import Rejection
from forecast.transform.values.statements import Places
from forecast.transform.values.timestamps import ParsedTimes
from forecast.transform.values.zones import local_to_utc

_TWICE: Final = "the station's local time occurs twice (the clocks went back), and nothing shows which hour it is"
_NEVER: Final = "this local time does not exist: the clocks went forward"


def localised(time: UtcTime, readings: ParsedTimes, cells: pa.Array, places: Places) -> list[Rejection]:
    """Convert the times of the stations that have local time to UTC; return rejections for those that are ambiguous.

    The time of a rejected row stays as it was read.
    """
    size = len(readings.moments)
    moments = readings.moments.copy()
    twice, never = np.zeros(size, bool), np.zeros(size, bool)
    for station, rows in places:
        if station.network_id.startswith(time.local_stations):
            utc, twice[rows], never[rows] = local_to_utc(moments[rows], station.timezone)
            moments[rows] = np.where(np.isnat(utc), moments[rows], utc)
    readings.moments = moments
    return [
        Rejection(twice, "ambiguous_local_time", time.column, _TWICE, cells),
        Rejection(never, "no_such_local_time", time.column, _NEVER, cells),
    ]
