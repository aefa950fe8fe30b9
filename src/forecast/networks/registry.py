"""All networks: each is a package in this folder, or in an installed distribution."""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from importlib import import_module
from typing import TYPE_CHECKING, Final

from forecast import networks
from forecast.core.errors import SettingError
from forecast.core.network_folders import folder_of, installed_entries
from forecast.core.network_settings import read_settings
from forecast.core.settings import NETWORK_SETTINGS
from forecast.core.text import listed
from forecast.networks.fetch import Fetch
from forecast.networks.file_fetch import FileFetch
from forecast.networks.model import Network, QualityCode
from forecast.qc.thresholds import Thresholds

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Networks:
    """Networks by name, in alphabetical order.

    Raises ValueError if two networks have the same name, or two of their streams are the same source.
    """

    def __init__(self, found: Iterable[Network]) -> None:
        self._networks: dict[str, Network] = {}
        for network in sorted(found, key=lambda network: network.name):
            if network.name in self._networks:
                raise ValueError(f"two networks are called {network.name!r}")
            self._networks[network.name] = network
        # The streams and the files that `forecast ingest` reads, by the name of their source.
        self.fetches: dict[str, Fetch] = {fetch.source: fetch for network in self for fetch in network.fetch}
        self.file_fetches: dict[str, FileFetch] = {files.source: files for network in self for files in network.files}
        sources = Counter(source.source for network in self for source in network.sources)
        if twice := [source for source, number in sources.items() if number > 1]:
            raise ValueError(f"two sources are called {twice[0]!r}")

    def __iter__(self) -> Iterator[Network]:
        return iter(self._networks.values())

    def __len__(self) -> int:
        return len(self._networks)

    @property
    def id_prefixes(self) -> dict[str, str]:
        """The prefixes of the ids of each network's stations."""
        return {network.name: network.id_prefix for network in self}

    def thresholds_of(self, name: str) -> Mapping[str, Thresholds]:
        """The thresholds of the checks that differ at a network's stations, by parameter."""
        return self._networks[name].thresholds if name in self._networks else {}

    def failed_codes_of(self, name: str) -> Set[QualityCode]:
        """The codes of values that failed a network's own check."""
        return self._networks[name].failed_codes if name in self._networks else frozenset()


def find_networks() -> Networks:
    """The packages in this folder, and those that installed distributions name under `forecast.networks`.

    Raises SettingError if an installed one cannot be loaded, is not a network, or has a name or a source that is taken.
    """
    found = list(_packages())
    for entry in installed_entries():
        place = f"the network {entry.name!r} ({entry.value}), from an installed package,"
        try:
            network = entry.load()
        except Exception as error:
            raise SettingError(f"{place} cannot be loaded: {error}; update the package, or remove it") from error
        if not isinstance(network, Network):
            raise SettingError(f"{place} is not a forecast.networks.model.Network; update the package, or remove it")
        if any(network.name == other.name for other in found):
            raise SettingError(f"{place} has the name of another network, {network.name!r}; remove one of the two")
        taken = {source.source for other in found for source in other.sources}
        if twice := sorted(taken & {source.source for source in network.sources}):
            raise SettingError(f"{place} has a source of another network, {listed(twice)}; remove one of the two")
        _check_settings(entry, place)
        found.append(network)
    return Networks(found)


def installed_networks() -> list[str]:
    """The installed distributions that contain a network, each with its version."""
    distributions = [entry.dist for entry in installed_entries() if entry.dist is not None]
    return sorted(f"{dist.name} {dist.version}" for dist in distributions)


def _check_settings(entry: EntryPoint, place: str) -> None:
    """Raises SettingError if an installed package declares settings that are wrong or taken."""
    folder = folder_of(entry)
    try:
        declared = () if folder is None else read_settings(folder)
    except ValueError as error:
        raise SettingError(f"{place} has wrong settings: {error}; update the package, or remove it") from error
    if strange := [setting.name for setting in declared if setting not in NETWORK_SETTINGS]:
        raise SettingError(f"{place} has the setting {strange[0]}, which exists already; remove one of the two")


def _packages() -> Iterator[Network]:
    """The network of each package in this folder."""
    for module in pkgutil.iter_modules(networks.__path__):
        if module.ispkg:
            network: Network = import_module(f"{networks.__name__}.{module.name}").NETWORK
            yield network


NETWORKS: Final = find_networks()
