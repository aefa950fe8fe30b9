"""The thresholds that hold at one station: the checks', the network's, and what the registry says of the station."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forecast.core.stations import Station
from forecast.qc.check import Limits
from forecast.qc.registry import THRESHOLDS
from forecast.qc.thresholds import Thresholds


def limits_of(station: Station, of_network: Mapping[str, Thresholds]) -> Mapping[str, Limits]:
    """The limits of the checks as `THRESHOLDS` has them; a station's own win over its network's."""
    own = of_network.keys() | station.thresholds.keys()
    return {
        group: {**limits, **_values(of_network.get(group, {})), **station.thresholds.get(group, {})}
        if group in own
        else limits
        for group, limits in _OF_ALL.items()
    }


def _values(thresholds: Thresholds) -> dict[str, float]:
    return {name: threshold.value for name, threshold in thresholds.items()}


_OF_ALL: Final[Mapping[str, Limits]] = {group: _values(table) for group, table in THRESHOLDS.items()}
