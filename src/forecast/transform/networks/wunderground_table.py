"""The columns of Weather Underground's history table: what they are called, and where the units of their numbers stand.

The unit stands in the cell ("56.8 °F"), or at the end of the column's name ("Temp_F"), as in the daily CSV of before
2019 ("TemperatureF").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from forecast.core.parameters import PARAMETERS, Parameter, Quantity
from forecast.transform.headings import Heading, read_heading
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.numbers import RawColumn, convert_batch

# What a cell of a measured value looks like, for people.
EXPECTED: Final = (
    'a number with its unit in the cell, such as "56.8 °F" or "29.48 in", '
    'or in the name of the column, such as "Temperature (°F)"'
)
# A table is one with a time and at least this many of its columns: two other tables with a "Time" and a
# "Temperature" exist in every data lake.
_MINIMUM_COLUMNS: Final = 3

# What a table that is none lacks of one.
LACK: Final = (
    f"it needs {_MINIMUM_COLUMNS} of the columns Temperature, Dew Point, Humidity, Wind, Speed, Gust, Pressure, "
    "Precip. Rate., Precip. Accum., UV, Solar"
)

_TABLE: Final[Mapping[str, Parameter]] = {p.table: p for p in PARAMETERS if p.table is not None}
_BY_NAME: Final = {parameter.name: parameter for parameter in PARAMETERS}
# What a column is called before the unit at the end of its name.
BASES: Final[Mapping[str, Sequence[Parameter]]] = {
    base: tuple(_BY_NAME[name] for name in names)
    for base, names in {
        **{field: (parameter.name,) for field, parameter in _TABLE.items()},
        **dict.fromkeys(("temp", "airtemp", "airtemperature"), ("air_temperature",)),
        **dict.fromkeys(("dewpt", "dewpointtemperature"), ("dew_point_temperature",)),
        **dict.fromkeys(("relativehumidity", "hum"), ("relative_humidity",)),
        **dict.fromkeys(("airpressure", "pressuremsl"), ("air_pressure_at_mean_sea_level",)),
        "wind": ("wind_from_direction", "wind_speed"),
        "windspeed": ("wind_speed",),
        **dict.fromkeys(("windgust", "windspeedgust", "gustspeed"), ("wind_speed_of_gust",)),
        **dict.fromkeys(("winddir", "winddirection"), ("wind_from_direction",)),
        "hourlyprecip": ("precipitation_amount_1h",),
        **dict.fromkeys(("dailyrain", "preciptotal"), ("precipitation_counter",)),
        "solarradiation": ("surface_downwelling_shortwave_flux_in_air",),
    }.items()
}
# In a table with units in its header, what has none there, with the unit of its numbers.
_WITHOUT_UNIT: Final = {
    "humidity": Heading(_BY_NAME["relative_humidity"], "%"),
    "winddirection": Heading(_BY_NAME["wind_from_direction"], "°"),
}
# What the daily CSV of before 2019 has beside.
_BESIDE: Final = frozenset({"conditions", "clouds", "softwaretype"})
_NEEDS_UNIT: Final = frozenset(p.name for p in PARAMETERS if p.quantity not in (Quantity.INDEX, Quantity.ANGLE))


def headings(columns: Columns) -> dict[str, Heading]:
    """What the columns hold whose units stand in the header, by field, and what has no unit beside them."""
    names = {field: columns.name_of(field) for field in columns if field not in _TABLE}
    found = {field: heading for field, name in names.items() if (heading := _heading(name)) is not None}
    if any(heading.parameter.quantity is not Quantity.INDEX for heading in found.values()):
        found |= {field: heading for field, heading in _WITHOUT_UNIT.items() if field in columns}
    return found


def known_fields(columns: Columns) -> frozenset[str]:
    """The normalised names of the columns of values that such a table may have."""
    found = headings(columns)
    return frozenset({*_TABLE, *found, *_BESIDE}) if found else frozenset(_TABLE)


def is_table(columns: Columns, beside: frozenset[str]) -> bool:
    """Whether so many of its columns are there; `beside` are those of times and stations."""
    if sum(field in columns for field in _TABLE) >= _MINIMUM_COLUMNS:
        return True
    # Units stand in the headers of other programs' tables too: most of a table's columns must be known.
    parameters = {heading.parameter.name for heading in headings(columns).values()}
    unknown = sum(1 for _ in columns.beside(beside | known_fields(columns)))
    return len(parameters) >= _MINIMUM_COLUMNS and 2 * unknown < len(columns)


def raw_columns(columns: Columns) -> list[RawColumn]:
    """The columns of values, each with its parameter and the unit that its name has."""
    plain = {field: Heading(parameter, None) for field, parameter in _TABLE.items() if field in columns}
    return [
        RawColumn(columns.required(field), heading.parameter, heading.unit, columns.name_of(field))
        for field, heading in (plain | headings(columns)).items()
    ]


def has_units(columns: Columns) -> bool:
    """Whether any number was found with its unit: without one, a table may be another program's."""
    values = convert_batch(raw_columns(columns))
    return any(name in values and not np.isnan(values[name].values).all() for name in _NEEDS_UNIT)


def parameters_of(field: str) -> Sequence[str]:
    """The name of the parameter that a column gives."""
    heading = _heading(field)
    parameter = _TABLE.get(normalise_field(field)) or (None if heading is None else heading.parameter)
    return () if parameter is None else (parameter.name,)


@lru_cache(maxsize=1024)
def _heading(name: str) -> Heading | None:
    return read_heading(name, BASES)
