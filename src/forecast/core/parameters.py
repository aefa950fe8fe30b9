"""The table of parameters: what is measured, and in which unit it is stored.

Names are CF standard names (with the period, if there is one), units those of EUMETNET's E-SOH
(`units_config/std_name_units.json`). The MongoDB schema, the reports and the docs are checked against this table.
A network's own names and units of parameters are in the network's package.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quantity(StrEnum):
    """The quantity that a unit measures: "in" can be a pressure in one column and a depth of rain in another."""

    TEMPERATURE = "temperature"
    RATIO = "ratio"
    PRESSURE = "pressure"
    SPEED = "speed"
    ANGLE = "angle"
    RAIN_RATE = "rain rate"
    RAIN = "rain"
    DISTANCE = "distance"
    CLOUD = "cloud"
    SNOW = "snow"
    CODE = "code"
    INDEX = "index"
    IRRADIANCE = "irradiance"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of the table.

    A derived parameter is computed from others, and is not part of the observation itself.
    """

    name: str
    unit: str
    quantity: Quantity
    description: str
    derived: bool = False


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "air_temperature",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the air in the screen.",
    ),
    Parameter(
        "dew_point_temperature",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature to which the air would have to cool to be saturated.",
    ),
    Parameter(
        "relative_humidity",
        "%",
        Quantity.RATIO,
        "Relative humidity of the air.",
    ),
    Parameter(
        "air_temperature_min_1h",
        "°C",
        Quantity.TEMPERATURE,
        "Lowest air temperature of the last hour.",
    ),
    Parameter(
        "air_temperature_max_1h",
        "°C",
        Quantity.TEMPERATURE,
        "Highest air temperature of the last hour.",
    ),
    Parameter(
        "air_pressure_at_mean_sea_level",
        "hPa",
        Quantity.PRESSURE,
        "Air pressure, reduced to mean sea level by the station.",
    ),
    Parameter(
        "surface_air_pressure",
        "hPa",
        Quantity.PRESSURE,
        "Air pressure at the station's own height, not reduced.",
    ),
    Parameter(
        "air_pressure_at_mean_sea_level_qnh",
        "hPa",
        Quantity.PRESSURE,
        "QNH of an aerodrome: reduced by the standard atmosphere, mostly cut to whole hPa; no pressure at sea level.",
    ),
    Parameter(
        "wind_speed",
        "m/s",
        Quantity.SPEED,
        "Mean wind speed over the source's interval.",
    ),
    Parameter(
        "wind_speed_of_gust",
        "m/s",
        Quantity.SPEED,
        "Highest gust of the source's interval.",
    ),
    Parameter(
        "wind_speed_of_gust_10min",
        "m/s",
        Quantity.SPEED,
        "Highest gust of the last ten minutes.",
    ),
    Parameter(
        "wind_speed_of_gust_1h",
        "m/s",
        Quantity.SPEED,
        "Highest gust of the last hour.",
    ),
    Parameter(
        "wind_from_direction",
        "°",
        Quantity.ANGLE,
        "Direction the wind comes from, clockwise; 360 is north.",
    ),
    Parameter(
        "rainfall_rate",
        "mm/h",
        Quantity.RAIN_RATE,
        "Rainfall rate of the moment; not to be summed.",
    ),
    Parameter(
        "precipitation_amount_6min",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last six minutes.",
    ),
    Parameter(
        "precipitation_amount_10min",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last ten minutes.",
    ),
    Parameter(
        "precipitation_amount_1h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the sliding hour; rows at 10 minutes overlap.",
    ),
    Parameter(
        "precipitation_amount_3h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last three hours.",
    ),
    Parameter(
        "precipitation_amount_6h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last six hours.",
    ),
    Parameter(
        "precipitation_amount_12h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last twelve hours.",
    ),
    Parameter(
        "precipitation_amount_24h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last 24 hours.",
    ),
    Parameter(
        "precipitation_counter",
        "mm",
        Quantity.RAIN,
        "Precipitation since the station's own reset (mostly local midnight).",
    ),
    Parameter(
        "precipitation_amount",
        "mm",
        Quantity.RAIN,
        "Precipitation since the previous observation, from the counter; a fall of the counter is a reset.",
        derived=True,
    ),
    Parameter(
        "visibility_in_air",
        "m",
        Quantity.DISTANCE,
        "Horizontal visibility.",
    ),
    Parameter(
        "cloud_area_fraction",
        "okta",
        Quantity.CLOUD,
        "Total cloud cover in eighths; 9 is sky obscured.",
    ),
    Parameter(
        "surface_snow_thickness",
        "cm",
        Quantity.SNOW,
        "Depth of the snow on the ground.",
    ),
    Parameter(
        "present_weather",
        "WMO code",
        Quantity.CODE,
        "Present weather, WMO code table 4677 (manned) or 4680 (automatic).",
    ),
    Parameter(
        "ultraviolet_index",
        "1",
        Quantity.INDEX,
        "UV index.",
    ),
    Parameter(
        "duration_of_sunshine_6min",
        "min",
        Quantity.DURATION,
        "Sunshine of the last six minutes.",
    ),
    Parameter(
        "duration_of_sunshine_10min",
        "min",
        Quantity.DURATION,
        "Sunshine of the last ten minutes.",
    ),
    Parameter(
        "duration_of_sunshine_1h",
        "min",
        Quantity.DURATION,
        "Sunshine of the last hour.",
    ),
    Parameter(
        "soil_temperature_5cm",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the soil at a depth of 5 cm.",
    ),
    Parameter(
        "soil_temperature_10cm",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the soil at a depth of 10 cm.",
    ),
    Parameter(
        "soil_temperature_20cm",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the soil at a depth of 20 cm.",
    ),
    Parameter(
        "soil_temperature_50cm",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the soil at a depth of 50 cm.",
    ),
    Parameter(
        "soil_temperature_100cm",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the soil at a depth of 100 cm.",
    ),
    Parameter(
        "surface_downwelling_shortwave_flux_in_air",
        "W/m²",
        Quantity.IRRADIANCE,
        "Global solar irradiance.",
    ),
    Parameter(
        "surface_downwelling_shortwave_flux_in_air_6min",
        "W/m²",
        Quantity.IRRADIANCE,
        "Global solar irradiance, mean of the last six minutes.",
    ),
    Parameter(
        "surface_downwelling_shortwave_flux_in_air_10min",
        "W/m²",
        Quantity.IRRADIANCE,
        "Global solar irradiance, mean of the last ten minutes.",
    ),
    Parameter(
        "surface_downwelling_shortwave_flux_in_air_1h",
        "W/m²",
        Quantity.IRRADIANCE,
        "Global solar irradiance, mean of the last hour.",
    ),
)

PARAMETER_NAMES: tuple[str, ...] = tuple(parameter.name for parameter in PARAMETERS)
# What a source can deliver: all but what is derived.
MEASURED_NAMES: tuple[str, ...] = tuple(parameter.name for parameter in PARAMETERS if not parameter.derived)
