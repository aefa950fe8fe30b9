"""Entries for the station registry, proposed from a network's own list of its stations."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from forecast.core.errors import SettingError
from forecast.core.registry import load_stations
from forecast.core.registry_files import RegistryFile
from forecast.core.stations import Stations
from forecast.networks.model import Network
from forecast.networks.registry import NETWORKS
from forecast.networks.station_source import StationSource

_GZIP: Final = b"\x1f\x8b"
_EARTH_KM: Final = 6371.0
# In two networks' lists, the positions of 07015 differ by 0.68 km.
SAME_SITE_KM: Final = 1.0
_OPEN_DAYS: Final = timedelta(days=31)


class Place(NamedTuple):
    """A position and a radius in km."""

    latitude: float
    longitude: float
    km: float


@dataclass(slots=True)
class Proposal:
    """Entries for the registry, and how many stations of the list were left out, by reason."""

    network: str
    stations: list[dict[str, Any]]
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def document(self) -> str:
        """The proposal as a file for STATIONS_URI."""
        return json.dumps({"network": self.network, "stations": self.stations}, indent=2, ensure_ascii=False) + "\n"


def source_of(name: str) -> tuple[Network, StationSource]:
    """The network with this name, and its list of stations. Raises SettingError if there is none."""
    found = next((network for network in NETWORKS if network.name.casefold() == name.casefold()), None)
    listed = [network.name for network in NETWORKS if network.stations is not None]
    if found is None or found.stations is None:
        what = "has no known list of stations" if found else "is not a network"
        raise SettingError(f"{name!r} {what}; lists are available for {', '.join(listed)}")
    return found, found.stations


def propose(
    network: Network, source: StationSource, content: bytes, known: Stations, near: Place | None = None
) -> Proposal:
    """The stations of a list as entries. A station without a position, elevation or name is left out, and counted.

    Stations of other networks within a kilometre are given as the same site. Raises SettingError if the list has
    a different form, or if the proposal would not be a valid registry.
    """
    proposal = Proposal(network.name, [])
    others = [(one.id, one.latitude, one.longitude) for one in known if one.network != network.name]
    seen: set[str] = set()
    rows = list(_rows(source, gzip.decompress(content) if content.startswith(_GZIP) else content))
    oldest = _oldest_day(source, rows)
    for row in rows:
        own = _text(row, source.id).strip().rjust(source.id_digits, "0")
        if not own.strip("0") or own in seen:
            continue
        seen.add(own)
        if oldest and _text(row, (source.last_day or "",)) < oldest:
            proposal.left_out["closed"] += 1
            continue
        entry, reason = _entry(network, source, own, row)
        if entry is None:
            proposal.left_out[reason] += 1
            continue
        here = (entry["latitude"], entry["longitude"])
        if near is not None and _distance_km(here, (near.latitude, near.longitude)) > near.km:
            proposal.left_out["farther away"] += 1
            continue
        if twins := [name for name, *there in others if _distance_km(here, (there[0], there[1])) <= SAME_SITE_KM]:
            entry["same_site_as"] = sorted(twins)
        proposal.stations.append(entry)
    if not seen:
        raise SettingError(f"no station was found in it: the list of {network.name} is {source.described}")
    load_stations([RegistryFile("proposal.json", proposal.document.encode())], NETWORKS.id_prefixes)
    return proposal


def _oldest_day(source: StationSource, rows: Iterable[Mapping[str, Any]]) -> str:
    """Stations whose last day is before this day (YYYYMMDD) are closed; "" if the list has no last days."""
    if source.last_day is None:
        return ""
    newest = max((_text(row, (source.last_day,)) for row in rows), default="")
    return f"{datetime.strptime(newest, '%Y%m%d') - _OPEN_DAYS:%Y%m%d}" if newest else ""  # noqa: DTZ007  a day


def _entry(
    network: Network, source: StationSource, own: str, row: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, str]:
    if source.end is not None and _text(row, (source.end,)):
        return None, "closed"
    place, elevation, name = _place(source, row), _number(row, source.elevation), _text(row, source.name)
    for lacking, what in ((place is None, "position"), (elevation is None, "elevation"), (not name, "name")):
        if lacking:
            return None, f"without {what}"
    latitude, longitude = place or (math.nan, math.nan)
    wmo = _text(row, (source.wmo,)) if source.wmo else ""
    # WMO-No. 1160: the identifier of a station in the synoptic list.
    wigos = _text(row, (source.wigos,)) if source.wigos else f"0-20000-0-{wmo}" if wmo else ""
    entry: dict[str, Any] = {"id": f"{network.id_prefix}{own}", "name": name}
    entry |= {"latitude": latitude, "longitude": longitude, "elevation": elevation}
    zone = next((zone for begin, zone in source.zones.items() if own.startswith(begin)), None)
    return entry | ({"wigos_id": wigos} if wigos else {}) | ({"timezone": zone} if zone else {}), ""


def _rows(source: StationSource, content: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        if source.form == "csv":
            yield from csv.DictReader(io.StringIO(content.decode(source.encoding)), delimiter=source.delimiter)
            return
        if source.form == "text":
            lines = content.decode(source.encoding).splitlines()
            yield from (found.groupdict() for line in lines if (found := re.match(source.line, line)))
            return
        document = json.loads(content)
        if source.form == "json":
            yield from (row for row in document if isinstance(row, dict))
            return
        for feature in document["features"]:
            yield {**feature["properties"], "": (feature.get("geometry") or {}).get("coordinates")}
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise SettingError(f"the list of stations cannot be read; it is {source.described}") from error


def _place(source: StationSource, row: Mapping[str, Any]) -> tuple[float, float] | None:
    if source.form != "geojson":
        latitude, longitude = _number(row, source.latitude), _number(row, source.longitude)
        return None if latitude is None or longitude is None else (latitude, longitude)
    found = row[""]
    if not isinstance(found, list) or not all(isinstance(one, int | float) for one in found[:2]) or len(found) < 2:  # noqa: PLR2004
        return None
    lowest, highest = source.latitudes
    first, second = float(found[0]), float(found[1])
    within = [lowest <= one <= highest for one in (first, second)]
    if within[0] == within[1]:
        return None
    return (first, second) if within[0] else (second, first)


def _text(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(row[name]).strip() for name in names if row.get(name) not in (None, "")), "")


def _number(row: Mapping[str, Any], names: Iterable[str]) -> float | None:
    try:
        number = float(_text(row, names))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The great-circle distance, by the haversine formula; positions in degrees north and east."""
    (north, east), (north_2, east_2) = ((math.radians(a), math.radians(b)) for a, b in (one, other))
    half = math.sin((north_2 - north) / 2) ** 2
    half += math.cos(north) * math.cos(north_2) * math.sin((east_2 - east) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(half)))
