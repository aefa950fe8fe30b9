"""The stations that tests name, and how a test gets others.

While tests run, the files of `tests/registry` stand in the place of the program's own: what stations are built in may
change without a test changing. A test of the built-in registry itself, or of real files of its stations, asks for the
fixture `built_in_registry` and takes their ids from it (`station_in`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from forecast.core import registry
from forecast.core.registry import built_in_files, load_stations
from forecast.core.registry_files import RegistryFile
from forecast.core.stations import Stations
from forecast.networks.registry import NETWORKS

_FOLDER: Final = Path(__file__).parent / "registry"
# Set while the built-in registry is in force, for processes that a test starts.
BUILT_IN: Final = "TESTS_WITH_BUILT_IN_REGISTRY"


def own_files() -> Iterator[RegistryFile]:
    """The networks' files, with the stations of `tests/registry` or none."""
    for file in built_in_files():
        own = _FOLDER / f"{Path(file.place).parent.name}.json"
        yield replace(file, content=own.read_bytes() if own.exists() else _without_stations(file.content))


def use_own_registry() -> None:
    """Put the tests' stations in the place of the built-in ones, in this process; not where its parent has those."""
    if BUILT_IN not in os.environ:
        registry.built_in_files = own_files


@contextmanager
def built_in_registry() -> Iterator[Stations]:
    """The program's own stations are in force, here and in processes that are started meanwhile."""
    before = registry.built_in_files
    registry.built_in_files = built_in_files
    with patch.dict(os.environ, {BUILT_IN: "1"}):
        try:
            yield load_stations(id_prefixes=NETWORKS.id_prefixes)
        finally:
            registry.built_in_files = before


def built_in_stations() -> Stations:
    """The program's own stations."""
    with built_in_registry() as stations:
        return stations


def station_in(city: str) -> str:
    """The id of the built-in station in a city, of the networks whose ids are bare."""
    bare = (station for station in built_in_stations() if station.id == station.network_id)
    (found,) = (station.id for station in bare if station.city == city)
    return found


def entry(station_id: str, **more: Any) -> dict[str, Any]:
    """The least that an entry of a registry says, and more of it."""
    position = {"latitude": 50.5, "longitude": 3.0, "elevation": 20}
    return {"id": station_id, "name": f"Station {station_id}", **position, **more}


def registry_file(network: str, *entries: Mapping[str, Any], place: str = "more.json", **more: Any) -> RegistryFile:
    """A JSON file of a network's stations."""
    return RegistryFile(place, json.dumps({"network": network, "stations": entries, **more}).encode())


def stations_with(changes: Mapping[str, Mapping[str, Any]]) -> Stations:
    """The stations in force, some of them with other fields, by id."""
    return Stations({one.id: replace(one, **changes.get(one.id, {})) for one in load_stations()})


def _without_stations(content: bytes) -> bytes:
    return json.dumps({**json.loads(content), "stations": []}).encode()
