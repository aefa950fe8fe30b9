"""Registries of the tests' own, and the built-in one with a change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from forecast.core.registry import load_stations
from forecast.core.registry_files import RegistryFile
from forecast.core.stations import Stations


def entry(station_id: str, **more: Any) -> dict[str, Any]:
    """The least that an entry of a registry says, and more of it."""
    position = {"latitude": 50.5, "longitude": 3.0, "elevation": 20}
    return {"id": station_id, "name": f"Station {station_id}", **position, **more}


def registry_file(network: str, *entries: Mapping[str, Any], place: str = "more.json", **more: Any) -> RegistryFile:
    """A JSON file of a network's stations."""
    return RegistryFile(place, json.dumps({"network": network, "stations": entries, **more}).encode())


def stations_with(changes: Mapping[str, Mapping[str, Any]]) -> Stations:
    """The built-in stations, some of them with other fields, by id."""
    return Stations({one.id: replace(one, **changes.get(one.id, {})) for one in load_stations()})
