"""The thresholds that hold at one station: the table's, the network's, and what the registry says of the station."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.core.stations import Station
from forecast.qc.thresholds import BY_NETWORK, BY_PARAMETER, CLOCK, Thresholds

Limits = Mapping[str, float]


def limits_of(station: Station) -> Mapping[str, Limits]:
    """The limits of the checks by parameter and name; a station's own win over its network's."""
    network = BY_NETWORK.get(station.network, {})
    return {
        parameter: {**_values(table), **_values(network.get(parameter, {})), **station.thresholds.get(parameter, {})}
        for parameter, table in BY_PARAMETER.items()
    }


def clock_limits_of(station: Station) -> Limits:
    """The limits of the check of the clock, which belong to no parameter."""
    return {**_values(CLOCK), **station.thresholds.get("clock", {})}


def _values(thresholds: Thresholds) -> dict[str, float]:
    return {name: threshold.value for name, threshold in thresholds.items()}
