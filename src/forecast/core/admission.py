"""The rules for admitting rows: a known station, and a plausible time that is not in the future.

They are applied where the raw row is available, so that it can be kept, and again by `validate`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.clock import EARLIEST_YEAR
from forecast.core.stations import Stations

Mask = npt.NDArray[np.bool_]

# Stations' clocks run a little fast; wrong clocks are days or years off.
FUTURE_TOLERANCE = timedelta(minutes=10)
# The code of rows that may be admitted later: the only violation that disappears with time.
FUTURE = "future_timestamp"
_EPOCH = np.datetime64(0, "s")


class Violation(NamedTuple):
    """The rows of a mask must not enter; `code` is a short name to count them by.

    `instants` (UTC, one per row) are given for a violation that disappears with time.
    """

    mask: Mask
    code: str
    reason: str
    instants: npt.NDArray[np.datetime64] | None = None


def unknown_stations(ids: pa.Array | pa.ChunkedArray, stations: Stations) -> Violation:
    """Rows whose station (text or null) is not in the registry."""
    known = pa.array([station.id for station in stations], pa.string())
    unknown = ~np.asarray(pc.is_in(ids, value_set=known))
    return Violation(unknown, "unknown_station", "the station is not in the station registry")


def other_networks(ids: pa.Array | pa.ChunkedArray, stations: Stations, network: str) -> Violation:
    """Rows whose station belongs to another network: two networks' versions of a station are never mixed."""
    others = pa.array([station.id for station in stations if station.network != network], pa.string())
    other = np.asarray(pc.is_in(ids, value_set=others)) & np.asarray(ids.is_valid())
    return Violation(other, "other_network", f"the station registry has no such station in {network}")


def wrong_times(
    moments: npt.NDArray[np.datetime64], now: datetime, first_year: int = EARLIEST_YEAR
) -> tuple[Violation, Violation, Violation]:
    """Rows without a time (NaT), in the future, or before the network's first year; `moments` is UTC."""
    latest = np.datetime64(int((now + FUTURE_TOLERANCE).timestamp()), "s")
    first = np.datetime64(f"{first_year}-01-01", "s")
    early = f"before {first_year}, when the network had no stations, or the time of an empty clock"
    return (
        Violation(np.isnat(moments), "no_timestamp", "the row has no time"),
        Violation(moments > latest, FUTURE, "more than 10 minutes in the future", moments),
        Violation((moments < first) | (moments == _EPOCH), "impossible_timestamp", early),
    )


def instant_text(instants: npt.NDArray[np.datetime64] | None, row: int) -> str | None:
    """The instant of a row in the form that rejected rows keep it in: "2024-10-01T00:04:00Z"."""
    return None if instants is None else f"{np.datetime_as_string(instants[row], unit='s')}Z"
