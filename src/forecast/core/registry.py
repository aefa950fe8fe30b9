"""The station registry: the file of each network's package, and the files that an operator adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec

from forecast.core.errors import SettingError
from forecast.core.network_folders import STATIONS_FILE, built_in_folders, installed_folders
from forecast.core.registry_faults import REQUIRED, field_faults, is_sound
from forecast.core.registry_files import Entry, RegistryFile, document_entries, read_document, table_entries
from forecast.core.stations import Station, Stations
from forecast.core.text import escaped

CONFIG_FOLDER: Final = Path(__file__).parents[2] / "config"
# In `raw_prefixes`, mostly those of defaults, this stands for the network's own id of the station.
_NETWORK_ID: Final = "{network_id}"
_MAX_FAULTS: Final = 20


def load_stations(additions: Iterable[RegistryFile] = (), id_prefixes: Mapping[str, str] | None = None) -> Stations:
    """The built-in stations and those of `additions`, which replace built-in ones with the same ids.

    `id_prefixes`, by network, take precedence over those in the files; a file with a different one is a fault.
    Raises SettingError with every fault: the file, the station or line, the field, and what is expected.
    """
    registry = _Registry(id_prefixes or {})
    registry.add(built_in_files())
    registry.leave_out_absent_twins()
    registry.add(additions)
    return registry.finished()


def built_in_files() -> Iterator[RegistryFile]:
    """The files of the networks' packages, including installed ones."""
    for folder in (*built_in_folders(), *installed_folders()):
        path = folder / STATIONS_FILE
        if path.exists():
            yield RegistryFile(f"{folder.name}/{STATIONS_FILE}", path.read_bytes())


@dataclass(frozen=True, slots=True)
class _Network:
    id_prefix: str
    defaults: Mapping[str, Any]


@dataclass(slots=True)
class _Registry:
    """What has been read so far; faults are collected, so that all can be reported at once."""

    id_prefixes: Mapping[str, str]
    networks: dict[str, _Network] = field(default_factory=dict)
    # By the file name that a CSV file of the network has, without its extension.
    names: dict[str, str] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, files: Iterable[RegistryFile]) -> None:
        """Add the stations of files that belong together; no two of them may have the same id."""
        added: dict[str, Station] = {}
        # A CSV file can be of a network that another of these files describes.
        for file in sorted(files, key=lambda file: file.is_table):
            for entry in self._of_table(file) if file.is_table else self._of_document(file):
                if (station := self._station(entry, from_table=file.is_table)) is None:
                    continue
                if station.id in added:
                    self.faults.append(f"{entry.place}: id is already used by {self.places[station.id]}")
                added[station.id] = station
                self.places[station.id] = entry.place
        self.stations |= added

    def leave_out_absent_twins(self) -> None:
        """Drop twins of networks that are not installed: a package can be removed without changing the others."""
        self.stations = {
            name: replace(
                station, same_site_as=tuple(other for other in station.same_site_as if other in self.stations)
            )
            for name, station in self.stations.items()
        }

    def finished(self) -> Stations:
        """All stations. Raises SettingError with what is wrong."""
        if not self.faults:
            self._compare()
        if self.faults:
            left_out = len(self.faults) - _MAX_FAULTS
            more = [f"station registry: {left_out} more faults"] if left_out > 0 else []
            shown = (f"station registry, {escaped(fault)}" for fault in self.faults[:_MAX_FAULTS])
            raise SettingError(*shown, *more)
        return Stations(self.stations)

    def _compare(self) -> None:
        """Join the stations of each site, and note what is wrong between stations."""
        for station in self.stations.values():
            for other in station.same_site_as:
                if other not in self.stations or other == station.id:
                    self.faults.append(f"{self.places[station.id]}: same_site_as: there is no other station {other}")
        if not self.faults:
            self.stations = with_whole_sites(self.stations)
        owners: dict[str, str] = {}
        for station in self.stations.values():
            for prefix in station.raw_prefixes:
                owner = owners.setdefault(prefix, station.id)
                if owner != station.id:
                    self.faults.append(
                        f"{self.places[station.id]}: raw_prefixes: {prefix!r} is also a prefix of {owner}"
                    )

    def _of_document(self, file: RegistryFile) -> Iterator[Entry]:
        document = read_document(file, self.faults)
        if document is None:
            return
        declared = self.id_prefixes.get(document.network)
        said = (declared or "") if document.id_prefix is msgspec.UNSET else document.id_prefix
        if declared is not None and said != declared:
            self.faults.append(
                f"{file.place}: id_prefix is {said!r}, but {document.network} declares {declared!r}; leave it out"
            )
            return
        own = _Network(said, document.defaults)
        network = self.networks.setdefault(document.network, own)
        self.names.setdefault(_table_name(file), document.network)
        defaults = {**network.defaults, **document.defaults, "network": document.network}
        for entry in document_entries(file, document):
            if "network" in entry.values:
                self.faults.append(f"{entry.place}: network is already given at the top of the file; remove it here")
            else:
                yield Entry(entry.place, {**defaults, **entry.values})

    def _of_table(self, file: RegistryFile) -> Iterator[Entry]:
        by_name = self.names.get(_table_name(file))
        for entry in table_entries(file, self.faults):
            name = entry.values.get("network", by_name)
            if name not in self.networks:
                known = ", ".join(self.networks)
                self.faults.append(
                    f"{entry.place}: network is {'missing' if name is None else f'unknown ({name!r})'}; "
                    f"give a column network, with one of {known}"
                )
                continue
            yield Entry(entry.place, {**self.networks[name].defaults, "network": name, **entry.values})

    def _station(self, entry: Entry, *, from_table: bool) -> Station | None:
        """The station of an entry, with its network's defaults; None if it has faults, which are recorded."""
        network = self.networks[entry.values["network"]]
        values = _completed(entry.values, network)
        try:
            station = msgspec.convert(values, Station, strict=not from_table)
        except msgspec.ValidationError:
            faults = list(field_faults(values, REQUIRED, text=from_table))
        else:
            faults = [] if is_sound(values) else list(field_faults(values, text=from_table))
            if not station.id.startswith(network.id_prefix):
                faults.append(f"id is {station.id}; ids of {station.network} begin with {network.id_prefix}")
            if not faults:
                return station
        self.faults += (f"{entry.place}: {fault}" for fault in faults)
        return None


def _table_name(file: RegistryFile) -> str:
    """The name of a network's CSV files: that of the JSON file, or of the package that contains it."""
    path = PurePosixPath(file.place)
    return path.parent.name if path.name == STATIONS_FILE else path.stem


def with_whole_sites(stations: Mapping[str, Station]) -> dict[str, Station]:
    """The stations, each with all others at its site as twins, including its twins' twins."""
    sites = {station_id: {station_id} for station_id in stations}
    for station in stations.values():
        for other in station.same_site_as:
            if sites[other] is not sites[station.id]:
                sites[station.id] |= sites[other]
                sites |= dict.fromkeys(sites[other], sites[station.id])
    return {
        name: replace(station, same_site_as=tuple(sorted(sites[name] - {name}))) if len(sites[name]) > 1 else station
        for name, station in stations.items()
    }


def _completed(values: dict[str, Any], network: _Network) -> dict[str, Any]:
    """The values, with those derived from the id: the network's own id, and the raw prefixes that contain it."""
    station_id = values.get("id")
    if not isinstance(station_id, str) or not station_id:
        return values
    network_id = values.setdefault("network_id", station_id.removeprefix(network.id_prefix))
    if isinstance(prefixes := values.get("raw_prefixes"), list):
        values["raw_prefixes"] = [
            prefix.replace(_NETWORK_ID, str(network_id)) if isinstance(prefix, str) else prefix for prefix in prefixes
        ]
    return values
