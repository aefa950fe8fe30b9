"""The declaration of a network's own list of stations: its address, its format and its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class StationSource:
    """A list of stations: CSV with a header (`delimiter`), JSON objects, features of GeoJSON, or text (`line`).

    A field may have several names; the first that exists is used. `url` is the address of the list, if no key is
    needed; `described` describes the list for people. Ids without their leading zeros are padded to `id_digits`. `wmo`
    is the field with the station's five-digit WMO number. A station with a value in `end` is closed. `zones` are the
    time zones of stations whose ids begin with a prefix, if they differ from the network's. The position of a GeoJSON
    feature is that of its geometry: the number between `latitudes` is the latitude, because WFS servers differ in the
    order. `line` is a pattern whose groups are the fields; other lines are ignored. A station is also closed if its
    day in `last_day` (YYYYMMDD) is more than 31 days before the newest in the list.
    """

    form: Literal["csv", "json", "geojson", "text"]
    id: tuple[str, ...]
    name: tuple[str, ...]
    elevation: tuple[str, ...]
    described: str
    url: str | None = None
    latitude: tuple[str, ...] = ()
    longitude: tuple[str, ...] = ()
    latitudes: tuple[float, float] = (-90.0, 90.0)
    delimiter: str = ";"
    id_digits: int = 0
    wmo: str | None = None
    wigos: str | None = None
    end: str | None = None
    last_day: str | None = None
    line: str = ""
    encoding: str = "utf-8-sig"
    zones: Mapping[str, str] = field(default_factory=dict)
