"""What the fields of InfoClimat's observations measure, and the units of their numbers."""

from __future__ import annotations

from typing import Final

from forecast.networks.model import Code, Field

# As in published SYNOP reports: -0.1 mm is a trace. Where the cloud cover is in %, 101 (113 in BUFR) is an obscured
# sky, which is 9 in okta.
_TRACE: Final = (Code((-0.1,), "mm", 0.0, "a trace: too little to be measured"),)
_OBSCURED: Final = tuple(
    Code((101.0, 113.0), unit, 9.0, "the code of a sky obscured, 9 okta") for unit in ("okta", "%")
)
FIELDS: Final = {
    "temperature": Field("air_temperature", "degC"),
    "point_de_rosee": Field("dew_point_temperature", "degC"),
    "humidite": Field("relative_humidity", "%"),
    "pression": Field("air_pressure_at_mean_sea_level", "hPa"),
    "vent_moyen": Field("wind_speed", "km/h"),
    "vent_rafales": Field("wind_speed_of_gust", "km/h"),
    "vent_direction": Field("wind_from_direction", "deg"),
    "pluie_1h": Field("precipitation_amount_1h", "mm", codes=_TRACE),
    "pluie_3h": Field("precipitation_amount_3h", "mm", codes=_TRACE),
    "visibilite": Field("visibility_in_air", "m"),
    "nebulosite": Field("cloud_area_fraction", "okta", codes=_OBSCURED),
    "neige_au_sol": Field("surface_snow_thickness", "cm"),
    "temps_omm": Field("present_weather", "code"),
}
