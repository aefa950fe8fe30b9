"""The thresholds that hold at one station: the checks', the network's, and what the registry says of the station."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.core.stations import Station
from forecast.qc.check import Limits
from forecast.qc.registry import THRESHOLDS
from forecast.qc.thresholds import Thresholds


def limits_of(station: Station, of_network: Mapping[str, Thresholds]) -> Mapping[str, Limits]:
    """The limits of the checks as `THRESHOLDS` has them; a station's own win over its network's."""
    return {
        group: {**_values(table), **_values(of_network.get(group, {})), **station.thresholds.get(group, {})}
        for group, table in THRESHOLDS.items()
    }


def _values(thresholds: Thresholds) -> dict[str, float]:
    return {name: threshold.value for name, threshold in thresholds.items()}
