"""The PWS API v2: `observations/current`, `observations/all/1day` and `history/all`.

Temperatures, winds, pressures and rain are in an object named after its system of units ("metric") or, if a tool has
flattened the response, in columns whose names begin with it ("metric.tempAvg", "metric_temp"). One row may use one
system and the next another, or one row two.
"""

from __future__ import annotations

from typing import Final

from forecast.core.parameters import Quantity
from forecast.networks.model import (
    Aggregates,
    Container,
    Extremes,
    Field,
    Layout,
    MeanOf,
    Recognise,
    UnitBlocks,
    UtcTime,
)

RECOGNISE: Final = Recognise(columns=("obsTimeUtc",), station=True)
_PRESSURE: Final = "air_pressure_at_mean_sea_level"
_SOLAR: Final = "surface_downwelling_shortwave_flux_in_air"
_ADVICE: Final = (
    "history/hourly, history/daily, observations/hourly/7day and dailysummary return such rows, which are not "
    "observations; sync observations/current, observations/all/1day or history/all instead"
)
_SYSTEMS: Final = {
    system: {
        Quantity.TEMPERATURE: temperature,
        Quantity.SPEED: speed,
        Quantity.PRESSURE: pressure,
        Quantity.RAIN: rain,
        Quantity.RAIN_RATE: f"{rain}/h",
    }
    for system, temperature, speed, pressure, rain in (
        ("metric", "°C", "km/h", "hPa", "mm"),
        ("metric_si", "°C", "m/s", "hPa", "mm"),
        ("uk_hybrid", "°C", "mph", "hPa", "mm"),
        ("imperial", "°F", "mph", "inHg", "in"),
    )
}

API: Final = Layout(
    name="Weather Underground's PWS API",
    recognise=RECOGNISE,
    station="stationID",
    time=UtcTime("obsTimeUtc", beside=("epoch",), local="obsTimeLocal"),
    # Those of the history before those of the current conditions.
    fields={
        "tempAvg": Field("air_temperature"),
        "temp": Field("air_temperature"),
        "dewptAvg": Field("dew_point_temperature"),
        "dewpt": Field("dew_point_temperature"),
        "humidityAvg": Field("relative_humidity", "%"),
        "humidity": Field("relative_humidity", "%"),
        "pressure": Field(_PRESSURE),
        "windspeedAvg": Field("wind_speed"),
        "windSpeed": Field("wind_speed"),
        "windgustHigh": Field("wind_speed_of_gust"),
        "windGust": Field("wind_speed_of_gust"),
        "winddirAvg": Field("wind_from_direction", "°"),
        "winddir": Field("wind_from_direction", "°"),
        "precipRate": Field("rainfall_rate"),
        "precipTotal": Field("precipitation_counter"),
        "uvHigh": Field("ultraviolet_index", "1"),
        "uv": Field("ultraviolet_index", "1"),
        "solarRadiationHigh": Field(_SOLAR, "W/m²"),
        "solarRadiation": Field(_SOLAR, "W/m²"),
    },
    cell="a number",
    containers=(Container("observations"), Container("summaries", rejected=f"they are daily values. {_ADVICE}")),
    beside=(
        *("tz", "lat", "lon", "qcStatus", "humidityHigh", "humidityLow"),
        *("neighborhood", "softwareType", "country", "realtimeFrequency"),
    ),
    blocks=UnitBlocks(
        _SYSTEMS,
        beside=(
            *(f"{name}{bound}" for name in ("temp", "dewpt", "windspeed") for bound in ("High", "Low")),
            *(f"{name}{bound}" for name in ("windChill", "heatIndex") for bound in ("High", "Low", "Avg", "")),
            *("windgustLow", "windgustAvg", "pressureTrend", "elev"),
        ),
    ),
    # The history has no mean pressure, only the highest and the lowest of its five minutes: their mean is used, as in
    # weewx's importer.
    mean=MeanOf(_PRESSURE, "pressureMax", "pressureMin"),
    aggregates=Aggregates(
        (
            Extremes("air_temperature", "tempHigh", "tempLow"),
            Extremes(_PRESSURE, "pressureMax", "pressureMin"),
            Extremes("relative_humidity", "humidityHigh", "humidityLow", "%"),
        ),
        _ADVICE,
    ),
    row_quality="qcStatus",
    # For a station without sensors, the API reports rain as 0.
    idle=("rainfall_rate", "precipitation_counter"),
)
