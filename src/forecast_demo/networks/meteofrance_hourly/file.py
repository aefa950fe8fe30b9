"""A department's file of Météo-France's hourly base data, with a quality code next to each value."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Final

from forecast.core.stations import Station
from forecast_demo.clock import Epochs, utc_text
from forecast_demo.weather import Site, simulate

_VALUES: Final = {"RR1": "rain_rate", "FF": "speed", "DD": "direction", "FXI": "gust", "T": "air_temperature",
                  "TD": "dew_point", "U": "humidity", "PMER": "pressure"}  # fmt: skip


def file(stations: Iterable[tuple[Station, Site, Epochs]], seed: int, warmer: float = 0.0) -> bytes:
    """Make the gzipped file of these stations; temperatures are higher by `warmer` (°C)."""
    columns = [column for name in _VALUES for column in (name, f"Q{name}")]
    lines = [";".join(["NUM_POSTE", "NOM_USUEL", "LAT", "LON", "ALTI", "AAAAMMJJHH", *columns])]
    for station, site, epochs in stations:
        weather = simulate(epochs, site, seed)
        place = (station.network_id, station.name, station.latitude, station.longitude, station.elevation)
        for row, epoch in enumerate(epochs.tolist()):
            cells = [*map(str, place), utc_text(epoch, "%Y%m%d%H")]
            for name, attribute in _VALUES.items():
                cells += [f"{float(getattr(weather, attribute)[row]) + warmer * (name == 'T'):.1f}", "9"]
            lines.append(";".join(cells))
    return gzip.compress("\n".join([*lines, ""]).encode(), 6, mtime=0)
