"""The names of the parameters that the checks use."""

from __future__ import annotations

from typing import Final

TEMPERATURE: Final = "air_temperature"
TEMPERATURE_MIN_1H: Final = "air_temperature_min_1h"
TEMPERATURE_MAX_1H: Final = "air_temperature_max_1h"
DEW_POINT: Final = "dew_point_temperature"
HUMIDITY: Final = "relative_humidity"
PRESSURE: Final = "air_pressure_at_mean_sea_level"
STATION_PRESSURE: Final = "surface_air_pressure"
QNH: Final = "air_pressure_at_mean_sea_level_qnh"
WIND_SPEED: Final = "wind_speed"
GUST: Final = "wind_speed_of_gust"
GUST_10MIN: Final = "wind_speed_of_gust_10min"
GUST_1H: Final = "wind_speed_of_gust_1h"
WIND_DIRECTION: Final = "wind_from_direction"
RAIN_RATE: Final = "rainfall_rate"
RAIN_6MIN: Final = "precipitation_amount_6min"
RAIN_10MIN: Final = "precipitation_amount_10min"
RAIN_1H: Final = "precipitation_amount_1h"
RAIN_3H: Final = "precipitation_amount_3h"
RAIN_6H: Final = "precipitation_amount_6h"
RAIN_12H: Final = "precipitation_amount_12h"
RAIN_24H: Final = "precipitation_amount_24h"
RAIN_COUNTER: Final = "precipitation_counter"
VISIBILITY: Final = "visibility_in_air"
CLOUD: Final = "cloud_area_fraction"
SNOW: Final = "surface_snow_thickness"
WEATHER: Final = "present_weather"
UV: Final = "ultraviolet_index"
IRRADIANCE: Final = "surface_downwelling_shortwave_flux_in_air"
IRRADIANCE_6MIN: Final = "surface_downwelling_shortwave_flux_in_air_6min"
IRRADIANCE_10MIN: Final = "surface_downwelling_shortwave_flux_in_air_10min"
IRRADIANCE_1H: Final = "surface_downwelling_shortwave_flux_in_air_1h"
# Sunshine, by the minutes of its period, and soil temperature, by depth.
SUNSHINE: Final = {
    6: "duration_of_sunshine_6min",
    10: "duration_of_sunshine_10min",
    60: "duration_of_sunshine_1h",
}
SOIL: Final = tuple(f"soil_temperature_{depth}cm" for depth in (5, 10, 20, 50, 100))
