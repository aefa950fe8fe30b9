"""The thresholds that hold at one station: the checks', the network's, and what the registry says of the station."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.core.stations import Station
from forecast.qc.check import Limits
from forecast.qc.registry import THRESHOLDS
from forecast.qc.thresholds import BY_NETWORK, Thresholds


def limits_of(station: Station) -> Mapping[str, Limits]:
    """The limits of the checks as `THRESHOLDS` has them; a station's own win over its network's."""
    network = BY_NETWORK.get(station.network, {})
    return {
        group: {**_values(table), **_values(network.get(group, {})), **station.thresholds.get(group, {})}
        for group, table in THRESHOLDS.items()
    }


def _values(thresholds: Thresholds) -> dict[str, float]:
    return {name: threshold.value for name, threshold in thresholds.items()}
