"""The history table of a station's page, one sheet or file per day, and the daily CSV from before 2019.

The unit is in the cell ("56.8 °F"), or at the end of the column's name ("TemperatureF").
"""

from __future__ import annotations

from typing import Final

from forecast.networks.model import Field, Layout, LocalTime, Recognise, UnitsInNames
from forecast.networks.wunderground.api import RECOGNISE as API_ROWS

_SOLAR: Final = "surface_downwelling_shortwave_flux_in_air"
_PRESSURE: Final = "air_pressure_at_mean_sea_level"
_FIELDS: Final = {
    "Temperature": Field("air_temperature"),
    "Dew Point": Field("dew_point_temperature"),
    "Humidity": Field("relative_humidity"),
    "Pressure": Field(_PRESSURE),
    "Speed": Field("wind_speed"),
    "Gust": Field("wind_speed_of_gust"),
    "Wind": Field("wind_from_direction"),
    "Precip. Rate.": Field("rainfall_rate"),
    "Precip. Accum.": Field("precipitation_counter"),
    "UV": Field("ultraviolet_index"),
    "Solar": Field(_SOLAR),
}

TABLE: Final = Layout(
    name="Weather Underground's table",
    # Tables with a "Time" and a "Temperature" exist in every data lake.
    recognise=Recognise(any_of=("Time", "DateTime", "Timestamp"), values=3, unless=API_ROWS),
    station="station",
    station_of_key=True,
    time=LocalTime(
        utc=("DateUTC", "obsTimeUtc", "epoch"),
        whole=("DateTime", "Timestamp"),
        day="Date",
        clock="Time",
        own=("Time", "DateUTC", "DateTime", "Timestamp"),
        # A column whose name says that it is the observation's time in UTC is not the time of a scrape.
        scrape=("epoch", "DateTime", "Timestamp", "Time"),
    ),
    fields=_FIELDS,
    cell='a number with its unit in the cell, such as "56.8 °F" or "29.48 in", '
    'or in the name of the column, such as "Temperature (°F)"',
    units_in_names=UnitsInNames(
        {
            **{name: (known.parameter,) for name, known in _FIELDS.items()},
            **dict.fromkeys(("Temp", "AirTemp", "AirTemperature"), ("air_temperature",)),
            **dict.fromkeys(("Dewpt", "DewPointTemperature"), ("dew_point_temperature",)),
            **dict.fromkeys(("RelativeHumidity", "Hum"), ("relative_humidity",)),
            **dict.fromkeys(("AirPressure", "PressureMSL"), (_PRESSURE,)),
            "Wind": ("wind_from_direction", "wind_speed"),
            "WindSpeed": ("wind_speed",),
            **dict.fromkeys(("WindGust", "WindSpeedGust", "GustSpeed"), ("wind_speed_of_gust",)),
            **dict.fromkeys(("WindDir", "WindDirection"), ("wind_from_direction",)),
            "HourlyPrecip": ("precipitation_amount_1h",),
            **dict.fromkeys(("DailyRain", "PrecipTotal"), ("precipitation_counter",)),
            "SolarRadiation": (_SOLAR,),
        },
        bare={"Humidity": Field("relative_humidity", "%"), "WindDirection": Field("wind_from_direction", "°")},
        beside=("Conditions", "Clouds", "SoftwareType"),
    ),
)
