"""The thresholds of one station: those of the checks, its network's, and its own in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forecast.core.stations import Station
from forecast.qc.check import Limits
from forecast.qc.registry import THRESHOLDS
from forecast.qc.thresholds import Thresholds


def limits_of(station: Station, of_network: Mapping[str, Thresholds]) -> Mapping[str, Limits]:
    """The limits by group, as in `THRESHOLDS`; a station's own take precedence over its network's."""
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
