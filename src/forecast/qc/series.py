"""Observations of one station in the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forecast.core.stations import Station
from forecast.qc.flags import Floats, Mask, Times
from forecast.qc.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Series:
    """`times` are ms since 1970, ascending, none twice; `values` by parameter (measured ones), NaN where missing.

    `doubted` are the values, by parameter, that failed the network's own check; `network_limits` are the thresholds
    that differ at the stations of its network.
    """

    station: Station
    times: Times
    values: dict[str, Floats]
    doubted: Mapping[str, Mask] = field(default_factory=dict)
    network_limits: Mapping[str, Thresholds] = field(default_factory=dict)

    def has(self, *parameters: str) -> bool:
        """Whether there is any value of each."""
        return all(name in self.values for name in parameters)
