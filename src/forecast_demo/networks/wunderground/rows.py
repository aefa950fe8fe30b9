"""Weather Underground's two layouts: the history table, as people copy it from the page, and the PWS API v2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from forecast.core.stations import Station
from forecast_demo.clock import Epochs, day_texts, time_texts, utc_text, wall_clock
from forecast_demo.weather import Floats, Site, rain_since_midnight, simulate

FIRST_MINUTE: Final = time(0, 4)  # rows are at :04, :09 ... of the station's clock
NBSP: Final = "\u00a0"  # the page puts it between number and unit
TABLE_COLUMNS: Final = (
    "Time",
    "Temperature",
    "Dew Point",
    "Humidity",
    "Wind",
    "Speed",
    "Gust",
    "Pressure",
    "Precip. Rate.",
    "Precip. Accum.",
    "UV",
    "Solar",
)
WIND_WORDS: Final = (
    *("North", "NNE", "NE", "ENE", "East", "ESE", "SE", "SSE"),
    *("South", "SSW", "SW", "WSW", "West", "WNW", "NW", "NNW"),
)
INCH_OF_MERCURY_HPA: Final = 33.86388640341
MILE_PER_HOUR_MS: Final = 0.44704
INCH_MM: Final = 25.4

Column = list[Any]


def table_columns(epochs: Epochs, zone: str, site: Site, seed: int) -> dict[str, Column]:
    """Make the history table of 5-minute rows, by column: cells as text ("56.8 °F"), UV as int, wind None at calm.

    The columns Date "2024-10-01" and DateTime "2024-10-01T00:04:00", in local time, are added to the table's own.
    """
    weather = simulate(epochs, site, seed)
    walls = wall_clock(epochs, zone)
    days, times = day_texts(walls), time_texts(walls)
    speed = _tenths(weather.speed / MILE_PER_HOUR_MS, "mph")
    rain = rain_since_midnight(epochs, zone, site, seed)
    return {
        "Time": times,
        "Temperature": _tenths(weather.air_temperature * 1.8 + 32, "°F"),
        "Dew Point": _tenths(weather.dew_point * 1.8 + 32, "°F"),
        "Humidity": _texts(weather.humidity, 1, lambda code: f"{code}{NBSP}%"),
        "Wind": _wind_words(weather.direction, calm=weather.speed < 0.05 * MILE_PER_HOUR_MS),
        "Speed": speed,
        "Gust": _tenths(weather.gust / MILE_PER_HOUR_MS, "mph"),
        "Pressure": _hundredths(weather.pressure / INCH_OF_MERCURY_HPA),
        "Precip. Rate.": _hundredths(weather.rain_rate / INCH_MM),
        "Precip. Accum.": _hundredths(rain / INCH_MM),
        "UV": [int(index) for index in np.rint(weather.uv)],
        # The page drops the decimals of a whole number here, and only here: "0 w/m²", "345.7 w/m²".
        "Solar": _texts(weather.solar, 10, lambda code: f"{code / 10:g}{NBSP}w/m²"),
        "Date": days,
        "DateTime": [f"{day}T{time}" for day, time in zip(days, times, strict=True)],
    }


def table_rows(columns: dict[str, Column], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Turn columns of the table into one dict per row, with its keys in the order of `names`."""
    return [dict(zip(names, cells, strict=True)) for cells in zip(*(columns[name] for name in names), strict=True)]


def pws_observations(station: Station, epochs: Epochs, site: Site, seed: int) -> list[dict[str, Any]]:
    """Make observations of the PWS API v2 (history, units=m, numericPrecision=decimal): °C, km/h, hPa, mm, mm/h."""
    weather = simulate(epochs, site, seed)
    zone = station.timezone
    walls = wall_clock(epochs, zone)
    rain = rain_since_midnight(epochs, zone, site, seed)
    return [
        {
            "stationID": station.id,
            "tz": zone,
            "obsTimeUtc": utc_text(int(epochs[row]), "%Y-%m-%dT%H:%M:%SZ"),
            "obsTimeLocal": utc_text(int(walls[row]), "%Y-%m-%d %H:%M:%S"),
            "epoch": int(epochs[row]),
            "lat": station.latitude,
            "lon": station.longitude,
            "solarRadiationHigh": _round(weather.solar[row]),
            "uvHigh": _round(weather.uv[row]),
            "winddirAvg": int(np.rint(weather.direction[row])) or 360,
            **_spread("humidity", _round(weather.humidity[row]), 0),
            "qcStatus": 1,
            "metric": {
                **_spread("temp", _round(weather.air_temperature[row]), 0.1),
                **_spread("windspeed", _round(weather.speed[row] * 3.6), 0),
                **_spread("windgust", _round(weather.gust[row] * 3.6), 0),
                **_spread("dewpt", _round(weather.dew_point[row]), 0.1),
                **_spread("windchill", _round(weather.air_temperature[row]), 0.1),
                **_spread("heatindex", _round(weather.air_temperature[row]), 0.1),
                "pressureMax": _round(weather.pressure[row] + 0.1, 2),
                "pressureMin": _round(weather.pressure[row] - 0.1, 2),
                "pressureTrend": 0.0,
                "precipRate": _round(weather.rain_rate[row], 2),
                "precipTotal": _round(rain[row], 2),
            },
        }
        for row in range(len(epochs))
    ]


def _spread(name: str, average: float, half: float) -> dict[str, float]:
    return {f"{name}High": _round(average + half), f"{name}Low": _round(average - half), f"{name}Avg": average}


def _round(value: float, digits: int = 1) -> float:
    return round(float(value), digits)


def _tenths(values: Floats, unit: str) -> list[str]:
    return _texts(values, 10, lambda code: f"{code / 10:.1f}{NBSP}{unit}")


def _hundredths(values: Floats) -> list[str]:
    return _texts(values, 100, lambda code: f"{code / 100:.2f}{NBSP}in")


def _texts(values: Floats, scale: int, write: Callable[[int], str]) -> list[str]:
    """Write each value, rounded to 1 / scale; each distinct text is made once (a day has about 100 of them)."""
    codes = np.rint(values * scale).astype(np.int64)
    lowest = int(codes.min())
    texts = np.array([write(code) for code in range(lowest, int(codes.max()) + 1)], dtype=object)
    return list(texts[codes - lowest])


def _wind_words(direction: Floats, *, calm: npt.NDArray[np.bool_]) -> list[str | None]:
    points = np.rint(direction / 22.5).astype(np.int64) % 16
    words = np.array([*WIND_WORDS, None], dtype=object)
    return list(words[np.where(calm, 16, points)])
