"""Parameters in the terms of the CF conventions: standard name, UDUNITS unit and cell methods."""

from __future__ import annotations

import re
from typing import Final

from forecast.core.parameters import Parameter, Quantity

# Units in UDUNITS' spelling. An okta is an eighth, which UDUNITS writes "0.125"; it has no "okta".
UDUNITS: Final = {
    "°C": "degC",
    "%": "%",
    "hPa": "hPa",
    "m/s": "m s-1",
    "°": "degree",
    "mm/h": "mm h-1",
    "mm": "mm",
    "m": "m",
    "okta": "0.125",
    "cm": "cm",
    "WMO code": "1",
    "1": "1",
    "W/m²": "W m-2",
    "min": "min",
}
# CF has different standard names for a depth and a mass of water: its precipitation_amount is in kg m-2.
_RAIN: Final = "lwe_thickness_of_precipitation_amount"
# CF has names for air pressures, but none for an altimeter setting.
_QNH: Final = "air_pressure_at_mean_sea_level_qnh"
# What follows the standard name in a parameter's name: the extreme and the period, or the depth.
_SUFFIX: Final = re.compile(r"(_min|_max)?_\d+(h|min)$|_\d+cm$")


def standard_name(parameter: Parameter) -> str | None:
    """The CF standard name of a parameter; None if the standard name table has none."""
    if parameter.quantity is Quantity.CODE or parameter.name == _QNH:
        return None
    return _RAIN if parameter.quantity is Quantity.RAIN else _SUFFIX.sub("", parameter.name)


def attributes(parameter: Parameter) -> dict[str, str]:
    """The CF attributes of a parameter's observed values: long_name, units, and standard_name if there is one.

    `units_metadata` states that a temperature is not a difference (CF 1.11, 3.1.2).
    """
    name = standard_name(parameter)
    return {
        "long_name": parameter.description,
        "units": UDUNITS[parameter.unit],
        **({"standard_name": name} if name else {}),
        **({"units_metadata": "temperature: on_scale"} if parameter.quantity is Quantity.TEMPERATURE else {}),
    }
