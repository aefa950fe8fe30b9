"""The model of a station. `core/registry.py` reads stations from their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, TypedDict

from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=200)]
# `$` alone would allow a line feed after the id.
StationId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$(?!\n)", description="1 to 40 letters (A-Z, a-z), digits, _ and -")
]
# WMO-No. 1160, WIGOS station identifiers: series, issuer, issue number, local identifier.
WigosId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]-[0-9]{1,5}-[0-9]{1,5}-[A-Za-z0-9]{1,16}$(?!\n)",
        description="a WIGOS station identifier, such as 0-20000-0-07015",
    ),
]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="two capital letters (ISO 3166-1), such as FR")]


class Licence(TypedDict):
    """What a station's data may be used for, and who must be credited."""

    name: Text
    url: Text
    source: Text


@dataclass(frozen=True, kw_only=True)
class Station:
    """One station. Fields without a default here must be in its entry, or in the defaults of its network.

    The types of the fields have their limits. The registry is validated against them, and its schema is derived.
    """

    id: StationId
    name: Text
    network: Text
    network_id: Text  # the network's own id, without our prefix
    wigos_id: WigosId | None = None
    # Other stations at the same site: their measurements are not independent, so they are never neighbours.
    same_site_as: tuple[StationId, ...] = ()
    type: Text
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    # The shore of the Dead Sea is at -433 m, the summit of Mount Everest at 8849 m.
    elevation: Annotated[float, Meta(ge=-433, le=8850)]
    city: Text | None = None
    country: Country | None = None
    region: Text | None = None
    timezone: Text
    licence: Licence
    hardware: Text | None = None
    software: Text | None = None
    # Prefixes of raw keys, relative to RAW_URI; rows below them belong to this station if they name none.
    raw_prefixes: tuple[Text, ...] = ()
    parameters: Annotated[tuple[Text, ...], Meta(min_length=1)]
    interval_minutes: Annotated[float, Meta(gt=0, le=1440)]
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def site(self) -> str:
        """The same for all stations of a site: the first of their ids."""
        return min(self.id, *self.same_site_as) if self.same_site_as else self.id

    @cached_property
    def document(self) -> dict[str, Any]:
        """The `station` part of a document (docs/using-the-data.md): an absent key is a missing value."""
        document = {
            "id": self.id,
            "name": self.name,
            "network": self.network,
            "network_id": self.network_id,
            "wigos_id": self.wigos_id,
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
    """Stations by id, and by the prefix of raw keys whose rows do not name their station."""

    def __init__(self, stations: Mapping[str, Station]) -> None:
        self._stations = dict(stations)
        self._of_prefix = {prefix: station for station in self for prefix in station.raw_prefixes}
        self._prefix_lengths = sorted({len(prefix) for prefix in self._of_prefix}, reverse=True)

    def __iter__(self) -> Iterator[Station]:
        return iter(self._stations.values())

    def __len__(self) -> int:
        return len(self._stations)

    @cached_property
    def digest(self) -> str:
        """A digest of the whole registry."""
        return hashlib.blake2b(repr(list(self)).encode(), digest_size=16).hexdigest()

    def get(self, station_id: str) -> Station | None:
        """Ids are text and compared exactly: "07015" keeps its zero, "iichte19" is another station."""
        return self._stations.get(station_id)

    def of_key(self, key: str) -> Station | None:
        """The station with the longest raw prefix of this key, relative to RAW_URI."""
        for length in self._prefix_lengths:
            if (station := self._of_prefix.get(key[:length])) is not None:
                return station
        return None
