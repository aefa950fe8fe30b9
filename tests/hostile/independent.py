"""Rows read a second time, in plain Python and by nobody's code but this: what may become of a row, and what must.

A reading holds, of each parameter, the values that its cell may be read as (none: it must be missing), and which of
them are as plain as in any good row, so that they must be there where the row is accepted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

PARIS: Final = ZoneInfo("Europe/Paris")
_NO_DAY: Final = date(2000, 1, 1)
TABLE_STATION: Final = "ITESTB25"
# How far apart two statements of one quantity may be and still say the same, in canonical units: well above what
# rounding can do. Between that and equality nothing is claimed.
_FAR: Final = 20.0

# The canonical value of a number is (number - offset) * factor.
_INHG: Final = 33.86388640341
_UNITS: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "temperature": {"°F": (32, 1 / 1.8), "°C": (0, 1)},
    "humidity": {"%": (0, 1)},
    "pressure": {"in": (0, _INHG), "inHg": (0, _INHG), "hPa": (0, 1), "mb": (0, 1)},
    "speed": {"m/s": (0, 1), "km/h": (0, 1 / 3.6), "mph": (0, 0.44704)},
    "precipitation": {"mm": (0, 1), "in": (0, 25.4)},
    "direction": {"°": (0, 1)},
}
_NUMBER: Final = re.compile(r"([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*(\D*)")
_WORDS: Final = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")

# InfoClimat's fields with their units.
CLIMATE: Final = {
    "temperature": ("air_temperature", "°C"),
    "point_de_rosee": ("dew_point_temperature", "°C"),
    "humidite": ("relative_humidity", "%"),
    "pression": ("air_pressure_at_mean_sea_level", "hPa"),
    "vent_moyen": ("wind_speed", "km/h"),
    "pluie_1h": ("precipitation_amount_1h", "mm"),
}
# The history table's columns.
TABLE: Final = {
    "Temperature": "air_temperature",
    "Dew Point": "dew_point_temperature",
    "Humidity": "relative_humidity",
    "Pressure": "air_pressure_at_mean_sea_level",
    "Speed": "wind_speed",
    "Precip. Accum.": "precipitation_counter",
    "Wind": "wind_from_direction",
}
# The PWS API's members of a unit block, and the units of each block.
MEMBERS: Final = {
    "temp": ("air_temperature", "temperature"),
    "dewpt": ("dew_point_temperature", "temperature"),
    "windSpeed": ("wind_speed", "speed"),
    "pressure": ("air_pressure_at_mean_sea_level", "pressure"),
    "precipTotal": ("precipitation_counter", "rain"),
}
BLOCKS: Final[Mapping[str, Mapping[str, str]]] = {
    "metric": {"temperature": "°C", "speed": "km/h", "pressure": "hPa", "rain": "mm"},
    "metric_si": {"temperature": "°C", "speed": "m/s", "pressure": "hPa", "rain": "mm"},
    "uk_hybrid": {"temperature": "°C", "speed": "mph", "pressure": "hPa", "rain": "mm"},
    "imperial": {"temperature": "°F", "speed": "mph", "pressure": "inHg", "rain": "in"},
}
COMMON: Final = {"humidity": ("relative_humidity", "%"), "winddir": ("wind_from_direction", "°")}


@dataclass
class Reading:
    """One row as it may be read; `rejected` where it must not be accepted."""

    station: str
    moment: datetime | None
    values: dict[str, set[float]] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)
    rejected: bool = False

    @property
    def has_values(self) -> bool:
        return any(self.values.values())

    def take(self, parameter: str, values: set[float], *, plain: bool) -> None:
        """One more statement of a parameter; two that are far apart refuse the row."""
        known = self.values.setdefault(parameter, set())
        self.rejected |= any(abs(one - other) > _FAR for one in known for other in values)
        known |= values
        if plain and values:
            self.plain.add(parameter)


def canonical(number: float, unit: str, parameter: str) -> float | None:
    """A number of this unit in the parameter's own; None where it is not a unit of it."""
    units = next(units for quantity, units in _UNITS.items() if quantity in parameter)
    if unit not in units:
        return None
    offset, factor = units[unit]
    return (number - offset) * factor


def _numbers(cell: Any) -> Iterator[tuple[float, str | None, bool]]:
    """The numbers that a cell may be: each with the unit that it names, if any, and whether it is plain."""
    if isinstance(cell, bool):
        return
    if isinstance(cell, int | float | Decimal):
        number = float(cell) if abs(float(cell)) < 1e300 else math.inf
        if math.isfinite(number):
            yield number, None, True
    elif isinstance(cell, bytes):
        yield from _numbers(cell.decode("utf-8", "replace"))
    elif isinstance(cell, str):
        found = _NUMBER.fullmatch(cell.replace("\u00a0", " ").strip())
        if found:
            yield (
                float(found[1].replace(",", ".")),
                found[2].strip() or None,
                found[1].isascii() and "," not in found[1],
            )


def _values(cell: Any, parameter: str, unit: str | None) -> tuple[set[float], bool]:
    """The canonical values of a cell, and whether they must be read; `unit` where the layout gives it."""
    values, plain = set(), False
    for number, named, is_plain in _numbers(cell):
        if named is None and unit is None:
            continue
        value = canonical(number, named if named is not None else str(unit), parameter)
        if value is not None:
            values.add(value)
            plain = is_plain and (named is None) == (unit is not None) and plausible(parameter, value)
    return values, plain


def plausible(parameter: str, value: float) -> bool:
    """Whether no limit of any check or unit could be in the way of a value: these are the values of good rows."""
    low, high = {
        "air_temperature": (-5, 30),
        "dew_point_temperature": (-10, 25),
        "relative_humidity": (20, 99),
        "air_pressure_at_mean_sea_level": (990, 1030),
        "wind_speed": (0, 15),
        "wind_from_direction": (1, 359),
    }.get(parameter, (0, 20))
    return low <= value <= high


def _direction(cell: Any) -> tuple[set[float], bool]:
    if isinstance(cell, bytes):
        return _direction(cell.decode("latin-1"))
    if isinstance(cell, str) and cell.strip() in _WORDS:
        return {_WORDS.index(cell.strip()) * 22.5 or 360.0}, True
    return set(), False


def moments(cell: Any, zone: Any = UTC) -> datetime | None:
    """The instant of a cell, to the second; what has no zone is in this one."""
    cell = _text(cell) if isinstance(cell, bytes) else cell
    if isinstance(cell, datetime):
        found = cell if cell.tzinfo else cell.replace(tzinfo=zone)
    elif isinstance(cell, str):
        text = cell.strip()
        if not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z)?", text):
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
        found = found if found.tzinfo else found.replace(tzinfo=zone)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        if 1e9 <= cell < 2e9:
            found = datetime.fromtimestamp(cell, UTC)
        elif 1e12 <= cell < 2e12:
            found = datetime.fromtimestamp(cell / 1000, UTC)
        else:
            return None
    else:
        return None
    return found.astimezone(UTC)


def _text(cell: Any) -> str:
    return cell.strip() if isinstance(cell, str) else cell.decode("utf-8", "replace") if isinstance(cell, bytes) else ""


def _of_climate(row: Mapping[str, Any]) -> Reading:
    reading = Reading(_text(row.get("id_station")), moments(row.get("dh_utc")))
    for name, (parameter, unit) in CLIMATE.items():
        values, plain = _values(row.get(name), parameter, unit)
        reading.take(parameter, values, plain=plain)
    return reading


def _clock(cell: Any) -> str | None:
    """A time of day: written out, typed, a duration, or a share of the day."""
    if isinstance(cell, bytes):
        return _clock(cell.decode("latin-1"))
    if isinstance(cell, str) and re.fullmatch(r"\d{1,2}:\d\d:\d\d", cell.strip()):
        return cell.strip().zfill(8)
    if isinstance(cell, str) and re.fullmatch(r"-?0(\.\d+)?", cell.strip()):
        return _clock(float(cell))
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) and 0 <= cell < 1:
        return _clock(timedelta(days=float(cell)))
    if isinstance(cell, timedelta) and timedelta(0) <= cell < timedelta(days=1):
        return _clock((datetime.combine(_NO_DAY, time()) + cell).time())
    return cell.isoformat("seconds") if isinstance(cell, time) else None


def _of_table(row: Mapping[str, Any], sheet: date | None) -> Reading:
    day, clock = row.get("Date", sheet), row.get("Time")
    day = day.date() if isinstance(day, datetime) else _text(day) if isinstance(day, bytes) else day
    clock = _clock(clock)
    moment = moments(f"{day} {clock}", PARIS) if isinstance(clock, str) and isinstance(day, str | date) else None
    reading = Reading(TABLE_STATION, moment)
    for name, parameter in TABLE.items():
        cell = row.get(name)
        values, plain = _direction(cell) if name == "Wind" else _values(cell, parameter, None)
        reading.take(parameter, values, plain=plain)
    return reading


def _of_api(row: Mapping[str, Any]) -> Reading:
    moment, epoch = moments(row.get("obsTimeUtc")), row.get("epoch")
    reading = Reading(_text(row.get("stationID")), moment)
    if isinstance(epoch, int) and moment is not None and moments(epoch) is not None:
        reading.rejected = abs(epoch - moment.timestamp()) > 1
    filled = [(units, block) for name, units in BLOCKS.items() if isinstance(block := _nested(row.get(name)), dict)]
    for units, block in filled:
        for name, (parameter, quantity) in MEMBERS.items():
            values, plain = _values(block.get(name), parameter, units[quantity])
            reading.take(parameter, values, plain=plain)
    for name, (parameter, unit) in COMMON.items():
        values, plain = _values(row.get(name), parameter, unit)
        reading.take(parameter, values, plain=plain)
    return reading


def _nested(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.strip().startswith("{"):
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return None


def reading_of(row: Mapping[str, Any], layout: str, sheet: date | None = None) -> Reading:
    """A row of a layout ("climate", "table" or "api"), in its envelope or not; what stands beside it belongs to it."""
    inner = _nested(row.get("_airbyte_data"))
    own = {**row, **inner} if isinstance(inner, dict) else row
    if layout == "climate":
        return _of_climate(own)
    return _of_table(own, sheet) if layout == "table" else _of_api(own)
