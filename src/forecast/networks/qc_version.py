"""The version of QC: the checks, and what the networks change in them."""

from __future__ import annotations

from functools import cache

from forecast.networks.registry import NETWORKS
from forecast.qc.version import checks_version, values_of


@cache
def qc_version() -> int:
    """A number that differs after every change of the checks and of the networks' thresholds and failed codes."""
    return checks_version(
        [
            [network.name, values_of(network.thresholds), sorted(map(repr, network.failed_codes))]
            for network in NETWORKS
            if network.thresholds or network.failed_codes
        ]
    )
