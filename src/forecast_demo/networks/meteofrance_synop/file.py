"""A yearly file of Météo-France's SYNOP observations: every three hours, in kelvin and pascal."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Final

from forecast.core.stations import Station
from forecast_demo.clock import Epochs, utc_text
from forecast_demo.weather import Site, simulate

STEP: Final = 10_800
_KELVIN: Final = 273.15
_COLUMNS: Final = (
    *("lat", "lon", "geo_id_wmo", "geo_id_wigos", "name", "reference_time", "insert_time", "validity_time"),
    *("pmer", "tend", "cod_tend", "dd", "ff", "t", "td", "u", "vv", "ww", "n", "pres", "rr3"),
)


def file(stations: Iterable[tuple[Station, Site, Epochs]], seed: int) -> bytes:
    """Make the gzipped file of these stations."""
    lines = [";".join(_COLUMNS)]
    for station, site, epochs in stations:
        weather = simulate(epochs, site, seed)
        for row, epoch in enumerate(epochs.tolist()):
            time = utc_text(epoch, "%Y-%m-%dT%H:%M:%SZ")
            cells = (
                *(station.latitude, station.longitude, station.network_id, f"0-20000-0-{station.network_id}"),
                *(station.name, time, time, time),
                *(round(weather.pressure[row] * 10) * 10, "", "", round(weather.direction[row] / 10) * 10),
                *(f"{weather.speed[row]:.1f}", f"{weather.air_temperature[row] + _KELVIN:.2f}"),
                *(f"{weather.dew_point[row] + _KELVIN:.2f}", round(weather.humidity[row]), "", ""),
                *(round(weather.cloud[row] * 100), "", f"{weather.rain_rate[row] * 3:.1f}"),
            )
            lines.append(";".join(map(str, cells)))
    return gzip.compress("\n".join([*lines, ""]).encode(), 6, mtime=0)
