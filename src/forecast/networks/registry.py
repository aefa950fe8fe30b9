"""All networks: each is a package in this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Set
from importlib import import_module

from forecast import networks
from forecast.networks.model import Network, QualityCode
from forecast.qc.thresholds import Thresholds


class Networks:
    """Networks by name, in the order of their names.

    Raises ValueError where two have one name.
    """

    def __init__(self, found: Iterable[Network]) -> None:
        self._networks: dict[str, Network] = {}
        for network in sorted(found, key=lambda network: network.name):
            if network.name in self._networks:
                raise ValueError(f"two networks are called {network.name!r}")
            self._networks[network.name] = network

    def __iter__(self) -> Iterator[Network]:
        return iter(self._networks.values())

    def __len__(self) -> int:
        return len(self._networks)

    def thresholds_of(self, name: str) -> Mapping[str, Thresholds]:
        """The thresholds of the checks that differ at the stations of a network, by parameter."""
        return self._networks[name].thresholds if name in self._networks else {}

    def failed_codes_of(self, name: str) -> Set[QualityCode]:
        """The codes of values that failed a network's own check."""
        return self._networks[name].failed_codes if name in self._networks else frozenset()


def _packages() -> Iterator[Network]:
    """The network of each package in this folder."""
    for module in pkgutil.iter_modules(networks.__path__):
        if module.ispkg:
            network: Network = import_module(f"{networks.__name__}.{module.name}").NETWORK
            yield network


NETWORKS = Networks(_packages())
