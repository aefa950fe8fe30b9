"""Hours of all France: made-up rows of Météo-France's observations, an object an hour with every station."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.run import stations as series
from forecast.core.stations import Stations
from forecast_demo.clock import HOUR_SECONDS
from forecast_demo.crowd import Crowd
from forecast_demo.networks.meteofrance_obs.rows import rows
from forecast_demo.weather import Site

# As many as the hour of 17 October 2024, 14:00.
STATIONS: Final = 2_033
# What is there before the hour that is measured, at noon: the checks look back 90.5 hours from the start of its day.
HOURS_BEFORE: Final = 108
START: Final = datetime(2024, 10, 14, tzinfo=UTC)
# Three of five measure temperature and rain alone, which makes the 6.8 values a station of a real hour.
_OF_ALL: Final = {
    "t": "air_temperature",
    "tn": "air_temperature_min_1h",
    "tx": "air_temperature_max_1h",
    "rr1": "precipitation_amount_1h",
}
_OF_SOME: Final = {
    "td": "dew_point_temperature",
    "u": "relative_humidity",
    "dd": "wind_from_direction",
    "ff": "wind_speed",
    "raf": "wind_speed_of_gust_1h",
    "pmer": "air_pressure_at_mean_sea_level",
    "ray_glo01": "surface_downwelling_shortwave_flux_in_air_1h",
}


def stations() -> Stations:
    """The stations, all over France."""
    crowd, plain = Crowd.country(STATIONS), next(iter(series()))
    places = zip(crowd.latitudes.tolist(), crowd.longitudes.tolist(), crowd.elevations.tolist(), strict=True)
    found = {}
    for number, (north, east, height) in enumerate(places):
        own = f"{10_000_000 + number}"
        found[f"mf-{own}"] = replace(
            plain,
            id=f"mf-{own}",
            network="Météo-France observations",
            network_id=own,
            name=f"Station {own}",
            latitude=round(north, 5),
            longitude=round(east, 5),
            elevation=round(height),
            timezone="Europe/Paris",
            interval_minutes=60,
            raw_prefixes=(),
            same_site_as=(),
            parameters=(*_OF_ALL.values(), *(_OF_SOME.values() if _measures_all(number) else ())),
        )
    return Stations(found)


def write_hours(folder: Path, hours: int) -> list[Path]:
    """Write an object for each of so many hours from START on; the objects, oldest first."""
    epochs = round(START.timestamp()) + np.arange(hours, dtype=np.int64) * HOUR_SECONDS
    by_hour: list[list[dict[str, Any]]] = [[] for _ in range(hours)]
    for number, station in enumerate(stations()):
        left = {} if _measures_all(number) else dict.fromkeys(_OF_SOME)
        of_station = rows(station, epochs, Site(number, station.latitude, station.longitude), 1, HOUR_SECONDS)
        for rows_of_hour, row in zip(by_hour, of_station, strict=True):
            rows_of_hour.append({**row, **left})
    folder.mkdir(parents=True)
    paths = [folder / f"{datetime.fromtimestamp(epoch, UTC):%Y_%m_%d_%H}.json" for epoch in epochs.tolist()]
    for path, rows_of_hour in zip(paths, by_hour, strict=True):
        path.write_text(json.dumps(rows_of_hour, separators=(",", ":")), "utf-8")
    return paths


def _measures_all(number: int) -> bool:
    return number % 5 < 2
