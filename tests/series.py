"""Series of a single station."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecast.core.stations import Station
from forecast.qc.flags import Floats, Mask, Times
from forecast.qc.series import Series
from forecast.qc.thresholds import Thresholds


def series_of(
    station: Station,
    times: Times,
    values: dict[str, Floats],
    doubted: Mapping[str, Mask] | None = None,
    network_limits: Mapping[str, Thresholds] | None = None,
) -> Series:
    """The observations of one station."""
    return Series((station,), np.zeros(1, np.intp), times, values, doubted or {}, network_limits or {})
