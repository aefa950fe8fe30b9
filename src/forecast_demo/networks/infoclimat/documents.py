"""InfoClimat's API document: numbers as text, UTC times, `_params` next to the stations, null and "" for missing."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import numpy as np

from forecast.core.stations import Station
from forecast_demo.clock import HOUR_SECONDS, Epochs, utc_text
from forecast_demo.weather import Floats, Site, Weather, rain_of_last_hours, simulate

METADATA: Final = {
    "temperature": "temperature,degC",
    "pression": "mean sea level pressure,hPa",
    "humidite": "relative humidity,%",
    "point_de_rosee": "dewpoint,degC",
    "visibilite": "horizontal visibility,m",
    "vent_moyen": "mean wind speed,km/h",
    "vent_rafales": "wind gust,km/h",
    "vent_direction": "wind direction,deg",
    "pluie_3h": "precipitation over 3h,mm",
    "pluie_1h": "precipitation over 1h,mm",
    "neige_au_sol": "snow depth,cm",
    "nebulosite": "Ncloud cover,octats",
    "temps_omm": "present weather,http://www.infoclimat.fr/stations-meteo/ww.php",
}
# The real document lists the fields of volunteers' stations only, although synoptic ones report four more.
PARAMS: Final = (
    *("temperature", "pression", "humidite", "point_de_rosee", "vent_moyen"),
    *("vent_rafales", "vent_direction", "pluie_3h", "pluie_1h"),
)
RAIN_SLIGHT, MIST = "61", "10"  # WMO code table 4677
MIST_METRES: Final = 5_000
MIN_OKTAS: Final = 6  # the real station reports no fewer: its values are 6, 7, 8 and ""

Row = dict[str, str | None]


def observations(station: Station, epochs: Epochs, site: Site, seed: int) -> list[Row]:
    """Make one record per instant, as the API writes it for a "static" or a "synop" station."""
    weather = simulate(epochs, site, seed)
    rain_1h = rain_of_last_hours(epochs, site, seed, 1)
    rain_3h = rain_of_last_hours(epochs, site, seed, 3)
    make = _synop_fields if station.type == "synop" else _static_fields
    rows: list[Row] = []
    for row, epoch in enumerate(epochs.tolist()):
        rain = {
            "pluie_3h": _text(rain_3h[row]) if epoch % (3 * HOUR_SECONDS) == 0 else None,
            "pluie_1h": _text(rain_1h[row]) if epoch % HOUR_SECONDS == 0 else None,
        }
        rows.append(
            {
                "id_station": station.id,
                "dh_utc": utc_text(epoch, "%Y-%m-%d %H:%M:%S"),
                "temperature": _text(weather.air_temperature[row]),
                "pression": _text(weather.pressure[row]),
                "humidite": _text(weather.humidity[row], 0),
                "point_de_rosee": _text(weather.dew_point[row]),
                **make(weather, row, rain),
            }
        )
    return rows


def document(stations: list[Station], rows_by_station: dict[str, list[Row]]) -> dict[str, Any]:
    """Make the API's response for these stations, with their records by station id."""
    return {
        "status": "OK",
        "errors": [],
        "data": [],
        "stations": [_station_entry(station) for station in stations],
        "metadata": METADATA,
        "hourly": {**rows_by_station, "_params": list(PARAMS)},
    }


def document_text(answer: dict[str, Any]) -> str:
    r"""Write the response as PHP does (JSON_PRETTY_PRINT): indent of 4, \u00e8 for è, \/ for /, no last newline."""
    # json escapes what is not ASCII, which msgspec cannot; msgspec indents in a third of json's time.
    return msgspec.json.format(json.dumps(answer), indent=4).replace("/", "\\/")


def _station_entry(station: Station) -> dict[str, Any]:
    return {
        "id": station.id,
        "name": station.name,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "elevation": station.elevation,
        "type": station.type,
        "license": {
            "license": station.licence["name"],
            "url": station.licence["url"],
            "source": station.licence["source"],
            "metadonnees": f"https://www.infoclimat.fr/stations/metadonnees.php?id={station.id}",
        },
    }


def _static_fields(weather: Weather, row: int, rain: Row) -> Row:
    """The fields of a volunteer's station: no gusts (none in 1 083 real records), and no direction at calm."""
    speed = _text(weather.speed[row] * 3.6)
    return {
        "vent_moyen": speed,
        "vent_rafales": None,
        "vent_direction": None if speed == "0" else str(int(np.rint(weather.direction[row])) or 360),
        **rain,
    }


def _synop_fields(weather: Weather, row: int, rain: Row) -> Row:
    """The fields of a synoptic station: wind in whole m/s and tens of degrees, cloud cover from MIN_OKTAS on."""
    oktas = int(np.rint(8 * weather.cloud[row]))
    visibility = _visibility(weather, row)
    wet = weather.rain_rate[row] > 0
    return {
        "visibilite": str(visibility),
        "vent_moyen": _text(np.rint(weather.speed[row]) * 3.6),
        "vent_rafales": _text(np.rint(weather.gust[row]) * 3.6),
        "vent_direction": str(int(np.rint(weather.direction[row] / 10)) * 10 or 360),
        **rain,
        "neige_au_sol": None,
        "nebulosite": str(oktas) if oktas >= MIN_OKTAS else "",
        "temps_omm": RAIN_SLIGHT if wet else MIST if visibility < MIST_METRES else None,
    }


def _visibility(weather: Weather, row: int) -> int:
    """The visibility in m, in steps of 1 km above 5 km and of 100 m below; the moister the air, the lower."""
    depression: Floats = weather.air_temperature - weather.dew_point
    metres = 25_000 * (1 - np.exp(-float(depression[row]) / 2))
    step = 1_000 if metres > MIST_METRES else 100
    return int(metres / step) * step


def _text(value: float, digits: int = 1) -> str:
    """Write "7.6", "12" or "0": the API writes whole numbers without decimals."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}".removesuffix(".0")
