"""InfoClimat's open data: one observation a row, `dh_utc` in UTC, numbers as text, units documented by the API."""

from __future__ import annotations

from typing import Final

from forecast.networks.infoclimat.csv_export import CSV_EXPORT
from forecast.networks.model import (
    Code,
    Container,
    Field,
    Layout,
    Licence,
    Network,
    Recognise,
    UnitsInNames,
    UtcTime,
)

# As SYNOP reports are published: -0.1 mm is a trace, and where the cloud cover is written in %, 101 (113 in BUFR) is a
# sky obscured, which is 9 in okta.
_TRACE: Final = (Code((-0.1,), "mm", 0.0, "a trace: too little to be measured"),)
_OBSCURED: Final = tuple(
    Code((101.0, 113.0), unit, 9.0, "the code of a sky obscured, 9 okta") for unit in ("okta", "%")
)
_FIELDS: Final = {
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

NETWORK: Final = Network(
    name="InfoClimat",
    id_prefix="",
    licence=Licence("CC BY", "https://creativecommons.org/licenses/by/2.0/fr/", "infoclimat.fr"),
    formats=(CSV_EXPORT,),
    layouts=(
        Layout(
            name="InfoClimat",
            recognise=Recognise(columns=("dh_utc",), station=True),
            station="id_station",
            time=UtcTime("dh_utc"),
            fields=_FIELDS,
            cell='a number with a decimal point, such as "7.6"',
            # One list a station; beside them stands a list of the fields' names.
            containers=(Container("hourly", beside=("_params",), units="metadata"),),
            language="fr",
            units_in_names=UnitsInNames({name: (known.parameter,) for name, known in _FIELDS.items()}),
        ),
    ),
)
