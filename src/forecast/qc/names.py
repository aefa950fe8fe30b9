"""The parameters that the checks speak of."""

from __future__ import annotations

from typing import Final

TEMPERATURE: Final = "air_temperature"
DEW_POINT: Final = "dew_point_temperature"
HUMIDITY: Final = "relative_humidity"
PRESSURE: Final = "air_pressure_at_mean_sea_level"
STATION_PRESSURE: Final = "air_pressure"
QNH: Final = "air_pressure_at_mean_sea_level_qnh"
WIND_SPEED: Final = "wind_speed"
GUST: Final = "wind_speed_of_gust"
WIND_DIRECTION: Final = "wind_from_direction"
RAIN_RATE: Final = "rainfall_rate"
RAIN_6MIN: Final = "precipitation_amount_6min"
RAIN_1H: Final = "precipitation_amount_1h"
RAIN_3H: Final = "precipitation_amount_3h"
RAIN_COUNTER: Final = "precipitation_counter"
VISIBILITY: Final = "visibility_in_air"
CLOUD: Final = "cloud_area_fraction"
SNOW: Final = "surface_snow_thickness"
WEATHER: Final = "present_weather"
UV: Final = "ultraviolet_index"
IRRADIANCE: Final = "surface_downwelling_shortwave_flux_in_air"
IRRADIANCE_6MIN: Final = "surface_downwelling_shortwave_flux_in_air_6min"
IRRADIANCE_1H: Final = "surface_downwelling_shortwave_flux_in_air_1h"
