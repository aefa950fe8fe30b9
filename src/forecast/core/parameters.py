"""The one table of parameters: what is measured, in which unit it is kept, and what the sources call it.

Names are CF standard names (with the period where one belongs), units those of EUMETNET's E-SOH
(`units_config/std_name_units.json`). The MongoDB schema, the reports and the docs are checked against this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quantity(StrEnum):
    """What a unit measures; "in" is a pressure in one column and a depth of rain in another."""

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


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of the table.

    The fields of a source are tried in order; the first that has a value in a row is taken.
    `table` holds the columns of Weather Underground's history table, `pws` the fields of its PWS API v2
    (history before current conditions), both in the normalised spelling of `normalise_field`.
    A derived parameter has no field: it is computed from others, and belongs to no observation by itself.
    """

    name: str
    unit: str
    quantity: Quantity
    description: str
    infoclimat: str | None = None
    infoclimat_unit: str | None = None
    table: str | None = None
    pws: tuple[str, ...] = ()
    derived: bool = False


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "air_temperature",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature of the air in the screen.",
        infoclimat="temperature",
        infoclimat_unit="degC",
        table="temperature",
        pws=("tempavg", "temp"),
    ),
    Parameter(
        "dew_point_temperature",
        "°C",
        Quantity.TEMPERATURE,
        "Temperature to which the air would have to cool to be saturated.",
        infoclimat="point_de_rosee",
        infoclimat_unit="degC",
        table="dewpoint",
        pws=("dewptavg", "dewpt"),
    ),
    Parameter(
        "relative_humidity",
        "%",
        Quantity.RATIO,
        "Relative humidity of the air.",
        infoclimat="humidite",
        infoclimat_unit="%",
        table="humidity",
        pws=("humidityavg", "humidity"),
    ),
    Parameter(
        "air_pressure_at_mean_sea_level",
        "hPa",
        Quantity.PRESSURE,
        "Air pressure, reduced to mean sea level by the station.",
        infoclimat="pression",
        infoclimat_unit="hPa",
        table="pressure",
        # The history has no mean pressure, only its highest and its lowest: the mean of the two is taken.
        pws=("pressuremax", "pressuremin", "pressure"),
    ),
    Parameter(
        "wind_speed",
        "m/s",
        Quantity.SPEED,
        "Mean wind speed over the source's interval.",
        infoclimat="vent_moyen",
        infoclimat_unit="km/h",
        table="speed",
        pws=("windspeedavg", "windspeed"),
    ),
    Parameter(
        "wind_speed_of_gust",
        "m/s",
        Quantity.SPEED,
        "Highest gust of the source's interval.",
        infoclimat="vent_rafales",
        infoclimat_unit="km/h",
        table="gust",
        pws=("windgusthigh", "windgust"),
    ),
    Parameter(
        "wind_from_direction",
        "°",
        Quantity.ANGLE,
        "Direction the wind comes from, clockwise; 360 is north.",
        infoclimat="vent_direction",
        infoclimat_unit="deg",
        table="wind",
        pws=("winddiravg", "winddir"),
    ),
    Parameter(
        "rainfall_rate",
        "mm/h",
        Quantity.RAIN_RATE,
        "Rainfall rate of the moment; not to be summed.",
        table="preciprate",
        pws=("preciprate",),
    ),
    Parameter(
        "precipitation_amount_1h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the sliding hour; rows at 10 minutes overlap.",
        infoclimat="pluie_1h",
        infoclimat_unit="mm",
    ),
    Parameter(
        "precipitation_amount_3h",
        "mm",
        Quantity.RAIN,
        "Precipitation of the last three hours.",
        infoclimat="pluie_3h",
        infoclimat_unit="mm",
    ),
    Parameter(
        "precipitation_counter",
        "mm",
        Quantity.RAIN,
        "Precipitation since the station's own reset (mostly local midnight).",
        table="precipaccum",
        pws=("preciptotal",),
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
        infoclimat="visibilite",
        infoclimat_unit="m",
    ),
    Parameter(
        "cloud_area_fraction",
        "okta",
        Quantity.CLOUD,
        "Total cloud cover in eighths; 9 is sky obscured.",
        infoclimat="nebulosite",
        infoclimat_unit="okta",
    ),
    Parameter(
        "surface_snow_thickness",
        "cm",
        Quantity.SNOW,
        "Depth of the snow on the ground.",
        infoclimat="neige_au_sol",
        infoclimat_unit="cm",
    ),
    Parameter(
        "present_weather",
        "WMO code",
        Quantity.CODE,
        "Present weather, WMO code table 4677 (manned) or 4680 (automatic).",
        infoclimat="temps_omm",
        infoclimat_unit="code",
    ),
    Parameter(
        "ultraviolet_index",
        "1",
        Quantity.INDEX,
        "UV index.",
        table="uv",
        pws=("uvhigh", "uv"),
    ),
    Parameter(
        "surface_downwelling_shortwave_flux_in_air",
        "W/m²",
        Quantity.IRRADIANCE,
        "Global solar irradiance.",
        table="solar",
        pws=("solarradiationhigh", "solarradiation"),
    ),
)

PARAMETER_NAMES: tuple[str, ...] = tuple(parameter.name for parameter in PARAMETERS)
# What a source can deliver: all but what is derived.
MEASURED_NAMES: tuple[str, ...] = tuple(parameter.name for parameter in PARAMETERS if not parameter.derived)
