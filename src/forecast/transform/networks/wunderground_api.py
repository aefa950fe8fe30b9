"""The values of Weather Underground's PWS API v2, row by row.

Temperatures, winds, pressures and rain stand in an object that is named after its system of units ("metric"), or, where
a tool has flattened the answer, in columns whose names begin with that ("metric.tempAvg", "metric_temp",
"metric__temp_avg"). One row may have one system, the next another, or one row two. What is the same in every system
stands beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS, Parameter, Quantity
from forecast.transform.aggregates import Bound
from forecast.transform.quarantine import Refusal
from forecast.transform.raw_columns import Columns, normalise_field, python_cells
from forecast.transform.values.numbers import (
    MISSING_TOKENS,
    Converted,
    Note,
    RawColumn,
    convert_batch,
    filled,
    shorten,
    shortened,
)
from forecast.transform.values.units import CANONICAL, Floats, Unit, find_unit

Rows = npt.NDArray[np.int64]

# What the objects of each system hold, by quantity of the parameter table.
SYSTEMS: Final[Mapping[str, Mapping[Quantity, str]]] = {
    system: {
        Quantity.TEMPERATURE: temperature,
        Quantity.SPEED: speed,
        Quantity.PRESSURE: pressure,
        Quantity.RAIN: rain,
        Quantity.RAIN_RATE: f"{rain}/h",
    }
    for system, temperature, speed, pressure, rain in (
        ("metric", "°C", "km/h", "hPa", "mm"),
        ("metricsi", "°C", "m/s", "hPa", "mm"),
        ("ukhybrid", "°C", "mph", "hPa", "mm"),
        ("imperial", "°F", "mph", "inHg", "in"),
    )
}
# Outside these objects stand the values that are the same in every system.
_COMMON_UNITS: Final = {Quantity.RATIO: "%", Quantity.ANGLE: "°", Quantity.INDEX: "1", Quantity.IRRADIANCE: "W/m²"}
_BY_NAME: Final = {parameter.name: parameter for parameter in PARAMETERS}
_PRESSURE: Final = _BY_NAME["air_pressure_at_mean_sea_level"]
_RAIN: Final = frozenset({"rainfall_rate", "precipitation_counter"})
# The history has no mean pressure, only the highest and the lowest of its five minutes: their mean is taken, as weewx's
# importer does.
_HIGHEST, _LOWEST = "pressuremax", "pressuremin"
_SPELLED: Final = {_HIGHEST: "pressureMax", _LOWEST: "pressureMin"}
_FIELDS: Final = {name: parameter for parameter in PARAMETERS for name in parameter.pws}
_COMMON: Final = {name: parameter for name, parameter in _FIELDS.items() if parameter.quantity in _COMMON_UNITS}
# The fields that need a unit, in the order in which they are tried.
_MEMBERS: Final = {name: parameter for name, parameter in _FIELDS.items() if name not in _COMMON} | {
    name: replace(_PRESSURE, name=name) for name in _SPELLED
}
# What stands in the objects beside the values that are taken.
_BESIDE: Final = (
    *(f"{name}{bound}" for name in ("temp", "dewpt", "windspeed") for bound in ("high", "low")),
    *(f"{name}{bound}" for name in ("windchill", "heatindex") for bound in ("high", "low", "avg", "")),
    *("windgustlow", "windgustavg", "pressuretrend", "elev"),
)
# The columns that are read, and those that are known to stand beside them.
READ_FIELDS: Final = frozenset({*_COMMON, *_MEMBERS, *(f"{system}{name}" for system in SYSTEMS for name in _MEMBERS)})
KNOWN_FIELDS: Final = frozenset(
    {*READ_FIELDS, *SYSTEMS, *(f"{system}{name}" for system in SYSTEMS for name in _BESIDE)}
)
_BOUNDS: Final = {
    Bound.TEMPERATURE: (_BY_NAME["air_temperature"], "temphigh", "templow"),
    Bound.PRESSURE: (_PRESSURE, _HIGHEST, _LOWEST),
}
_NO_UNITS: Final = "missing_units"
_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,9})(?:\.0*)?")
# Cells of published feeds have no more; and so many that a value is again the decimal that stood in its cell.
_MOST_DECIMALS, _DIGITS = 4, 9
# What binary numbers add to a difference that is just one decimal.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Block:
    """The fields of one system of units by normalised name, from its object or from its flattened columns."""

    system: str
    cells: Mapping[str, pa.Array]

    def unit_name(self, parameter: Parameter) -> str:
        """The unit of a parameter in this system."""
        return SYSTEMS[self.system][parameter.quantity]

    def unit(self, parameter: Parameter) -> Unit:
        """The same, to convert by."""
        unit = find_unit(parameter.quantity, self.unit_name(parameter))
        if unit is None:
            raise AssertionError(f"{self.unit_name(parameter)} is no unit of {parameter.quantity}")
        return unit

    def columns(self) -> list[RawColumn]:
        """What is taken of it, and in which unit its numbers are."""
        return [
            RawColumn(self.cells[name], parameter, self.unit_name(parameter), f"{self.system}.{name}")
            for name, parameter in _MEMBERS.items()
            if name in self.cells
        ]


@dataclass(slots=True)
class ApiValues:
    """The values of a batch by parameter, and the rows whose objects contradict each other.

    `bare` are the rows with values that need a unit and nothing in any object that would name it; `has_units` tells
    whether any row has an object with something in it.
    """

    columns: dict[str, Converted]
    refusals: list[Refusal]
    bare: Mask
    has_units: bool


def blocks_of(columns: Columns) -> Iterator[Block]:
    """The blocks of a batch: the object of each system, and the columns that begin with its name."""
    for system in SYSTEMS:
        if system in columns and (members := columns.members(system)):
            yield Block(system, members)
        names = {name: columns.get(f"{system}{name}") for name in (*_MEMBERS, *_BESIDE)}
        if flattened := {name: cells for name, cells in names.items() if cells is not None}:
            yield Block(system, flattened)


def parameters_of(field: str) -> Sequence[str]:
    """The names of our parameters that a field of the API gives: of "metric.tempAvg" one, of "metric" all in it."""
    name = normalise_field(field)
    if name in SYSTEMS:
        return [parameter.name for parameter in PARAMETERS if any(field in _MEMBERS for field in parameter.pws)]
    members = [name.removeprefix(system) for system in ("", *SYSTEMS) if name.startswith(system)]
    found = next((member for member in members if member in _COMMON or member in _MEMBERS), None)
    if found is None:
        return ()
    return (_PRESSURE.name if found in _SPELLED else _FIELDS[found].name,)


class MissingUnits:
    """Watches one object for rows with numbers of which nothing names the unit."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self.has_units = False

    def refusal(self, values: ApiValues, names: Sequence[str], columns: Columns) -> Refusal:
        """The bare rows of a batch, whose columns have these names."""
        self.has_units |= values.has_units
        bare = [name for name in names if normalise_field(name) in _MEMBERS] if values.bare.any() else []
        self._names |= dict.fromkeys(bare)
        cells = columns.get(normalise_field(bare[0])) if bare else None
        return Refusal(values.bare, _NO_UNITS, bare[0] if bare else "", _no_units(bare), cells)

    def check(self) -> None:
        """Raises ObjectRejectedError where there were such rows, and none that has units."""
        if self._names and not self.has_units:
            raise ObjectRejectedError(_NO_UNITS, _no_units(list(self._names)))


def _no_units(names: Sequence[str]) -> str:
    return (
        f"nothing names the units of {', '.join(map(shorten, names))}: such values belong into an object (metric, "
        "imperial, uk_hybrid, metric_si) or into columns named after it, such as metric.tempAvg or metric_tempAvg"
    )


def read_values(columns: Columns, size: int) -> ApiValues:
    """The values of a batch of `size` rows of the API."""
    reads = [_Read.of(block) for block in blocks_of(columns)]
    merged, refusals = _merged(reads, size)
    # Beside the objects a number counts where its own cell has a unit.
    numbers = {name: cells for name in _MEMBERS if (cells := columns.get(name)) is not None}
    raw = [RawColumn(cells, _MEMBERS[name], source=columns.name_of(name)) for name, cells in numbers.items()]
    beside = _with_mean_pressure(convert_batch(raw), numbers)
    bare = np.zeros(size, dtype=bool)
    bare[[note.row for column in beside.values() for note in column.notes]] = True
    common = convert_batch(
        [
            RawColumn(cells, parameter, _COMMON_UNITS[parameter.quantity], columns.name_of(name))
            for name, parameter in _COMMON.items()
            if (cells := columns.get(name)) is not None
        ]
    )
    found = {}
    for parameter in PARAMETERS:
        parts = [part[parameter.name] for part in (merged, beside, common) if parameter.name in part]
        if parts:
            found[parameter.name] = parts[0]
            for more in parts[1:]:
                found[parameter.name] = filled(found[parameter.name], more)
    _drop_heartbeats(found, size)
    if bare.any():
        for read in reads:
            bare &= ~_with_something(read.columns, size)
    return ApiValues(found, refusals, bare, any(_has_something(read.columns) for read in reads))


def bounds_of(columns: Columns, rows: int) -> dict[Bound, Floats]:
    """The highest and the lowest values (two lines) of the first rows of a batch, in canonical units."""
    bounds: dict[Bound, Floats] = {}
    for block in blocks_of(columns):
        for bound, (parameter, *names) in _BOUNDS.items():
            if all(name in block.cells for name in names):
                found = _both([block.cells[name] for name in names], parameter, block.unit_name(parameter), rows)
                known = bounds.get(bound, found)
                bounds[bound] = np.where(np.isnan(known), found, known)
    humidity = [cells for name in ("humidityhigh", "humiditylow") if (cells := columns.get(name)) is not None]
    if len(humidity) == len(("highest", "lowest")):
        bounds[Bound.HUMIDITY] = _both(humidity, _BY_NAME["relative_humidity"], "%", rows)
    return bounds


def _both(cells: Sequence[pa.Array], parameter: Parameter, unit: str, rows: int) -> Floats:
    named = enumerate(found.slice(0, rows) for found in cells)
    converted = convert_batch([RawColumn(found, replace(parameter, name=str(line)), unit) for line, found in named])
    return np.stack([column.values for column in converted.values()])


def source_codes(cells: pa.Array) -> pa.Array:
    """The network's quality codes as JSON, null where there is none: whole numbers as such, anything else as text."""
    if pa.types.is_nested(cells.type):
        cells = pa.array([None if cell is None else json.dumps(cell) for cell in python_cells(cells)], pa.string())
    encoded = cells.cast(pa.string()).dictionary_encode()
    codes = [_code(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(codes, pa.string()).take(encoded.indices)


def _code(text: str) -> str | None:
    word = text.strip()
    if word.casefold() in MISSING_TOKENS:
        return None
    number = _WHOLE.fullmatch(word)
    return str(int(number[1])) if number else json.dumps(shortened(word))


@dataclass(slots=True)
class _Read:
    """A block and its values; `shown` are those whose decimals tell how finely it was written, by quantity."""

    block: Block
    columns: dict[str, Converted]
    shown: dict[Quantity, list[Floats]]

    @classmethod
    def of(cls, block: Block) -> _Read:
        raw = block.columns()
        converted = convert_batch(raw)
        shown: dict[Quantity, list[Floats]] = {}
        for parameter in {column.parameter.name: column.parameter for column in raw}.values():
            shown.setdefault(parameter.quantity, []).append(converted[parameter.name].values)
        return cls(block, _with_mean_pressure(converted, block.cells, block.unit(_PRESSURE)), shown)

    def decimals(self, parameter: Parameter, rows: Rows) -> Rows:
        """The most decimals of any value of a parameter's quantity, in each of these rows."""
        unit = self.block.unit(parameter)
        most = np.zeros(len(rows), dtype=np.int64)
        for values in self.shown[parameter.quantity]:
            shown = np.nan_to_num(_as_shown(values[rows], unit))
            for decimals in range(_MOST_DECIMALS):
                most = np.maximum(most, np.where(np.round(shown, decimals) == shown, 0, decimals + 1))
        return most


def _as_shown(values: Floats, unit: Unit) -> Floats:
    """Canonical values as they stood in their cells."""
    shown: Floats = np.round(unit.from_canonical(values), _DIGITS)
    return shown


def _with_mean_pressure(
    converted: dict[str, Converted], cells: Mapping[str, pa.Array], unit: Unit = CANONICAL
) -> dict[str, Converted]:
    """The mean of the highest and the lowest pressure instead of the two; one of them alone is noted and is no mean."""
    pair = {name: converted.pop(name) for name in _SPELLED if name in converted}
    if not pair:
        return converted
    size = len(next(iter(pair.values())).values)
    nothing = Converted(np.full(size, np.nan))
    highest, lowest = (_as_shown(pair.get(name, nothing).values, unit) for name in (_HIGHEST, _LOWEST))
    sources = tuple(name for column in pair.values() for name in column.sources)
    mean = Converted(unit.to_canonical((highest + lowest) / 2), list(_pair_notes(pair, cells)), sources=sources)
    converted[_PRESSURE.name] = filled(mean, converted.get(_PRESSURE.name, nothing))
    return converted


def _pair_notes(pair: Mapping[str, Converted], cells: Mapping[str, pa.Array]) -> Iterator[Note]:
    """What could not be read of the two, and where one of them stands alone."""
    for name, column in pair.items():
        yield from (replace(n, parameter=_PRESSURE.name, reason=f"{_SPELLED[name]}: {n.reason}") for n in column.notes)
        other = _LOWEST if name == _HIGHEST else _HIGHEST
        alone = ~np.isnan(column.values)
        if other in pair:
            alone &= np.isnan(pair[other].values)
            alone[[note.row for note in pair[other].notes]] = False
        reason = f"{_SPELLED[name]} without {_SPELLED[other]}: the pressure is the mean of the two"
        for row in np.flatnonzero(alone).tolist():
            yield Note(row, _PRESSURE.name, shorten(str(cells[name][row].as_py())), reason)


def _merged(reads: Sequence[_Read], size: int) -> tuple[dict[str, Converted], list[Refusal]]:
    """Row by row the values of the block that has one; and the rows in which two blocks contradict each other."""
    merged: dict[str, Converted] = {}
    refusals = []
    for name, parameter in _BY_NAME.items():
        having = [read for read in reads if name in read.columns]
        if not having:
            continue
        columns = [read.columns[name] for read in having]
        merged[name] = columns[0]
        for column in columns[1:]:
            merged[name] = replace(filled(merged[name], column), notes=[*merged[name].notes, *column.notes])
        rows = np.flatnonzero(np.sum([~np.isnan(column.values) for column in columns], axis=0) > 1)
        if len(rows):
            values, refusal = _compared(parameter, having, rows, size)
            merged[name].values[rows] = values
            refusals += [refusal] if refusal.mask.any() else []
    return merged, refusals


def _compared(parameter: Parameter, reads: Sequence[_Read], rows: Rows, size: int) -> tuple[Floats, Refusal]:
    """Of rows with a value in several blocks the one with the most decimals; refused where two differ beyond rounding.

    A value may be off by the last decimal that its block shows for this quantity in this row.
    """
    values = np.stack([read.columns[parameter.name].values[rows] for read in reads])
    decimals = np.stack([read.decimals(parameter, rows) for read in reads])
    steps = np.array([[read.block.unit(parameter).span] for read in reads])
    resolutions = steps / 10.0**decimals
    differ = np.zeros(len(rows), dtype=bool)
    for one, other in combinations(range(len(reads)), 2):
        allowed = np.maximum(resolutions[one], resolutions[other]) * (1 + _TOLERANCE)
        differ |= np.abs(values[one] - values[other]) > allowed
    mask = np.zeros(size, dtype=bool)
    mask[rows[differ]] = True
    finest = np.where(np.isnan(values), -1, decimals).argmax(axis=0)
    texts = np.full(size, None, dtype=object)
    for row in np.flatnonzero(differ).tolist():
        told = (
            f"{value:.6g} {parameter.unit} in {read.block.system}"
            for value, read in zip(values[:, row], reads, strict=True)
            if not np.isnan(value)
        )
        texts[rows[row]] = ", ".join(told)
    reason = "the values of two systems of units differ by more than rounding"
    refusal = Refusal(mask, "contradicting_values", parameter.name, reason, pa.array(texts, pa.string()))
    return values[finest, np.arange(len(rows))], refusal


def _with_something(columns: Mapping[str, Converted], size: int) -> Mask:
    """The rows in which any of these columns has a value, or a cell that could not be read."""
    found = np.zeros(size, dtype=bool)
    for column in columns.values():
        found |= ~np.isnan(column.values)
        found[[note.row for note in column.notes]] = True
    return found


def _has_something(columns: Mapping[str, Converted]) -> bool:
    return any(column.notes or not np.isnan(column.values).all() for column in columns.values())


def _drop_heartbeats(columns: Mapping[str, Converted], size: int) -> None:
    """Take the rain of rows that only say that it does not rain: the API writes that for a station without sensors."""
    rain = [column for name, column in columns.items() if name in _RAIN]
    sensors = {name: column for name, column in columns.items() if name not in _RAIN}
    if not rain or any(not np.isnan(column.values).any() for column in sensors.values()):
        return
    told = _with_something(sensors, size)
    for column in rain:
        told |= np.nan_to_num(column.values) != 0
        told[[note.row for note in column.notes]] = True
    for column in rain:
        column.values = np.where(told, column.values, np.nan)
