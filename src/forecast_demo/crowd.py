"""Simulated networks of any number of stations, in a city or across a country, and their temperatures.

The city has the size of CrowdQC+'s example set (Fenner et al. 2021): 624 stations, hourly values of one
parameter for a month, a third of them missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.registry_files import RegistryFile

Floats = npt.NDArray[np.float64]
Moments = npt.NDArray[np.int64]
START: Final = datetime(2024, 7, 1, tzinfo=UTC)
CITY_STATIONS: Final = 624
CITY_ROWS: Final = 298_706
CITY_HOURS: Final = 744
_HOUR_MS: Final = 3_600_000
_KM_A_DEGREE: Final = 111.195
# The centre of the city, and how far it extends in each direction.
_MIDDLE: Final = (52.5, 13.4)
_CITY_KM: Final = 20.0
# How a station's site changes the temperature: standard deviations of its offset (°C), of its daily range (a share),
# and of the rest from hour to hour (°C).
_OFFSET, _RANGE, _NOISE = 0.7, 0.15, 0.35
_LAPSE: Final = 0.0065  # °C per metre: the standard atmosphere


@dataclass(frozen=True)
class Crowd:
    """Stations at random places, and the weather over them; everything follows from the seed."""

    latitudes: Floats
    longitudes: Floats
    elevations: Floats
    seed: int

    @classmethod
    def city(cls, number: int = CITY_STATIONS, seed: int = 1) -> Crowd:
        """Stations in a square of 40 km, most of them near the middle."""
        rng = np.random.default_rng(seed)
        north, east = rng.normal(0, _CITY_KM / 2, (2, number)).clip(-_CITY_KM, _CITY_KM) / _KM_A_DEGREE
        latitudes = _MIDDLE[0] + north
        return cls(latitudes, _MIDDLE[1] + east / np.cos(np.radians(latitudes)), rng.uniform(30, 110, number), seed)

    @classmethod
    def country(cls, number: int, seed: int = 1) -> Crowd:
        """Stations across France, up to 900 m high."""
        rng = np.random.default_rng(seed)
        latitudes, longitudes = rng.uniform(43.5, 50.5, number), rng.uniform(-1, 7, number)
        return cls(latitudes, longitudes, rng.gamma(1, 120, number).clip(0, 900), seed)

    @property
    def ids(self) -> list[str]:
        """C00001 and so on."""
        return [f"C{number:05d}" for number in range(1, len(self.latitudes) + 1)]

    def registry(self) -> RegistryFile:
        """The stations as a registry file of a network."""
        places = zip(self.ids, self.latitudes.tolist(), self.longitudes.tolist(), self.elevations.tolist(), strict=True)
        document = {
            "network": "InfoClimat",
            "defaults": {"country": "FR", "interval_minutes": 60, "parameters": ["air_temperature"]},
            "stations": [
                {
                    "id": name,
                    "name": f"Crowd {name}",
                    "latitude": round(north, 5),
                    "longitude": round(east, 5),
                    "elevation": round(height),
                }
                for name, north, east, height in places
            ],
        }
        return RegistryFile("crowd.json", json.dumps(document).encode())

    def temperatures(self, moments: Moments) -> Floats:
        """°C in steps of 0.1, one row per station and one column per time (ms since 1970).

        A daily curve, days that differ, a field that moves over the stations, and the effect of each site.
        """
        rng = np.random.default_rng([self.seed, 7])
        hours = moments / _HOUR_MS
        day = np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
        weather = 18 + 3 * np.sin(hours / 97) + 2 * np.sin(hours / 41 + 1)
        number = len(self.latitudes)
        offset = rng.normal(0, _OFFSET, (number, 1)) - _LAPSE * self.elevations[:, None]
        wide = 1 + rng.normal(0, _RANGE, (number, 1))
        own = offset + wide * 5 * day + self._field(hours, rng) + rng.normal(0, _NOISE, (number, len(hours)))
        found: Floats = (weather + own).round(1)
        return found

    def _field(self, hours: Floats, rng: np.random.Generator) -> Floats:
        """Waves of 15 to 60 km that move over the stations."""
        north = self.latitudes * _KM_A_DEGREE
        east = self.longitudes * _KM_A_DEGREE * np.cos(np.radians(self.latitudes))
        field = np.zeros((len(north), len(hours)))
        for _ in range(6):
            length, angle = rng.uniform(15, 60), rng.uniform(0, 2 * np.pi)
            phase = (north * np.cos(angle) + east * np.sin(angle)) / length * 2 * np.pi
            field += 0.35 * np.sin(phase[:, None] + hours * rng.uniform(0.1, 0.6) + rng.uniform(0, 6))
        return field


def hourly(hours: int) -> Moments:
    """The full hours from START on, in ms since 1970."""
    found: Moments = round(START.timestamp() * 1000) + np.arange(hours, dtype=np.int64) * _HOUR_MS
    return found


def present(crowd: Crowd, hours: int, rows: int) -> npt.NDArray[np.bool_]:
    """Which values of that many hours exist: `rows` of them, at random."""
    number = len(crowd.latitudes) * hours
    found = np.zeros(number, dtype=bool)
    found[np.random.default_rng([crowd.seed, 3]).choice(number, rows, replace=False)] = True
    return found.reshape(-1, hours)


def write_days(folder: Path, crowd: Crowd, *, hours: int, rows: int | None = None, stations: int | None = None) -> None:
    """Write one object per day of the crowd's temperatures, as records of InfoClimat (infoclimat/<day>.jsonl).

    `rows` is the number of values, chosen at random (default: all); `stations` the number of stations, from the first
    on (default: all).
    """
    moments = hourly(hours)
    values = crowd.temperatures(moments)
    there = present(crowd, hours, rows) if rows is not None else np.ones(values.shape, dtype=bool)
    target = folder / "infoclimat"
    target.mkdir(parents=True, exist_ok=True)
    for day in range(0, hours, 24):
        moment = START + timedelta(hours=day)
        lines = "".join(_lines(crowd.ids[:stations], moment, values[:, day : day + 24], there[:, day : day + 24]))
        (target / f"{moment:%Y_%m_%d}.jsonl").write_text(lines, encoding="utf-8")


def _lines(ids: list[str], start: datetime, values: Floats, there: npt.NDArray[np.bool_]) -> Iterator[str]:
    texts = [f"{start + timedelta(hours=hour):%Y-%m-%d %H:%M:%S}" for hour in range(values.shape[1])]
    for name, row, kept in zip(ids, values.tolist(), there.tolist(), strict=False):
        for text, value, is_there in zip(texts, row, kept, strict=True):
            if is_there:
                yield f'{{"id_station":"{name}","dh_utc":"{text}","temperature":"{value}"}}\n'
