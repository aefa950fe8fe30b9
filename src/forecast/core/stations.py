"""The station registry: src/config/stations.json, checked against stations.schema.json beside this module."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema

from forecast.core.errors import SettingError

CONFIG_FOLDER = Path(__file__).parents[2] / "config"
STATIONS_FILE = CONFIG_FOLDER / "stations.json"
_SCHEMA_FILE = Path(__file__).parent / "stations.schema.json"


@dataclass(frozen=True)
class Station:
    """One entry of the registry."""

    id: str
    name: str
    network: str
    type: str
    latitude: float
    longitude: float
    elevation: float
    city: str
    country: str
    region: str
    timezone: str
    licence: Mapping[str, str]
    hardware: str | None
    software: str | None
    raw_prefixes: tuple[str, ...]
    parameters: tuple[str, ...]
    interval_minutes: float
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The `station` part of a document (CONTRACT section 5): an absent key is a missing value."""
        document = {
            "id": self.id,
            "name": self.name,
            "network": self.network,
            "type": self.type,
            "location": {"type": "Point", "coordinates": [float(self.longitude), float(self.latitude)]},
            "elevation": float(self.elevation),
            "city": self.city,
            "country": self.country,
            "region": self.region,
            "licence": dict(self.licence),
            "hardware": self.hardware,
            "software": self.software,
        }
        return {name: value for name, value in document.items() if value is not None}


class Stations:
    """Stations by id, and by the prefix of the raw keys whose rows do not name theirs."""

    def __init__(self, stations: Mapping[str, Station]) -> None:
        self._stations = dict(stations)

    def __iter__(self) -> Iterator[Station]:
        return iter(self._stations.values())

    def __len__(self) -> int:
        return len(self._stations)

    def get(self, station_id: str) -> Station | None:
        """Ids are text and compared exactly: "07015" keeps its zero, "iichte19" is another station."""
        return self._stations.get(station_id)

    def of_key(self, key: str) -> Station | None:
        """The station with the longest raw prefix of this key, relative to RAW_URI."""
        matches = [(len(prefix), s) for s in self for prefix in s.raw_prefixes if key.startswith(prefix)]
        return max(matches, key=lambda match: match[0])[1] if matches else None


def load_stations(path: Path = STATIONS_FILE) -> Stations:
    """Read the registry.

    Raises SettingError naming every fault, each with its place.
    """
    try:
        return parse_stations(json.loads(path.read_text("utf-8")), str(path))
    except OSError as error:
        raise SettingError(f"the station registry {path} cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        message = f"the station registry {path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise SettingError(message) from error


def parse_stations(document: Any, source: str) -> Stations:
    """The registry from its JSON document; see `load_stations`."""
    schema = json.loads(_SCHEMA_FILE.read_text("utf-8"))
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(document), key=lambda e: e.json_path)
    faults = [f"{error.json_path}: {error.message}" for error in errors]
    if not faults:
        faults = _more_faults(document["stations"])
    if faults:
        raise SettingError(f"the station registry {source} is wrong: " + "; ".join(faults))
    stations = [
        Station(**{**entry, "raw_prefixes": tuple(entry["raw_prefixes"]), "parameters": tuple(entry["parameters"])})
        for entry in document["stations"]
    ]
    return Stations({station.id: station for station in stations})


def _more_faults(entries: list[dict[str, Any]]) -> list[str]:
    """What a schema cannot say: ids and prefixes are unique, zones exist."""
    faults = []
    seen_ids: set[str] = set()
    seen_prefixes: set[str] = set()
    for index, entry in enumerate(entries):
        place = f"$.stations[{index}]"
        if entry["id"] in seen_ids:
            faults.append(f"{place}.id: {entry['id']!r} is there twice")
        seen_ids.add(entry["id"])
        for prefix in entry["raw_prefixes"]:
            if prefix in seen_prefixes:
                faults.append(f"{place}.raw_prefixes: {prefix!r} belongs to two stations")
            seen_prefixes.add(prefix)
        try:
            ZoneInfo(entry["timezone"])
        except (ZoneInfoNotFoundError, ValueError):
            faults.append(f"{place}.timezone: {entry['timezone']!r} is no IANA time zone")
    return faults
