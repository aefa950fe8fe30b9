"""Where a network lists its own stations, and what the fields of that list are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class StationSource:
    """A list of stations: CSV with a header (`delimiter`), JSON objects, features of GeoJSON, or text (`line`).

    Each field may have several names, of which the first that is there counts. `url` is where the list can be had
    without a key; `described` describes it for people. An id that lost its zeros gets `id_digits` again. `wmo` is
    the field with the station's five digits of the WMO. A station with something in `end` is closed. `zones` are
    the time zones of stations whose ids begin so, where that is not their network's. Of a feature the place is that
    of its geometry: of its two numbers the one between `latitudes` is the latitude, for WFS servers differ in their
    order. `line` is a pattern whose groups are the fields; a line of another form is none of a station. A station is
    closed too if its day in `last_day` (YYYYMMDD) is more than 31 days before the newest of the list.
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
