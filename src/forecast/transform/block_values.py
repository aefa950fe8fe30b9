"""Reads the values of a layout with unit blocks: those inside and outside the blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.parameters import PARAMETERS, Parameter
from forecast.networks.model import Aggregates, Extremes
from forecast.transform.aggregate_evidence import BOUNDS, Bound
from forecast.transform.declared import BY_NAME, DeclaredLayout
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.unit_blocks import ReadBlock, blocks_of, merged
from forecast.transform.values.columns import ParsedColumn, RawColumn, filled
from forecast.transform.values.numbers import convert_batch
from forecast.transform.values.units import Floats


@dataclass(slots=True)
class BlockValues:
    """The values of a batch by parameter, and the rows whose blocks contradict each other.

    `bare` marks the rows that have values that need a unit but no value in any block that names one. `has_units` tells
    whether any row has a block with a value.
    """

    columns: dict[str, ParsedColumn]
    rejections: list[Rejection]
    bare: Mask
    has_units: bool


def read_block_values(layout: DeclaredLayout, columns: Columns, size: int) -> BlockValues:
    """The values of a batch of `size` rows."""
    reads = [ReadBlock.of(block, layout.mean) for block in blocks_of(layout, columns)]
    inside, rejections = merged(reads, size)
    # Outside the blocks, a number only counts if its own cell has a unit.
    members = layout.member_parameters
    numbers = {name: cells for name in members if (cells := columns.get(name)) is not None}
    raw = [RawColumn(cells, members[name], source=columns.name_of(name)) for name, cells in numbers.items()]
    outside = convert_batch(raw)
    if layout.mean is not None:
        outside = layout.mean.taken(outside, numbers)
    bare = np.zeros(size, dtype=bool)
    bare[[issue.row for column in outside.values() for issue in column.issues]] = True
    common = convert_batch(layout.common_columns(columns))
    found = {}
    for parameter in PARAMETERS:
        parts = [part[parameter.name] for part in (inside, outside, common) if parameter.name in part]
        if parts:
            found[parameter.name] = parts[0]
            for more in parts[1:]:
                found[parameter.name] = filled(found[parameter.name], more)
    _drop_idle(found, layout.layout.idle, size)
    if bare.any():
        for read in reads:
            bare &= ~_with_something(read.columns, size)
    return BlockValues(found, rejections, bare, any(_has_something(read.columns) for read in reads))


def bounds_of(layout: DeclaredLayout, declared: Aggregates, columns: Columns) -> dict[Bound, Floats]:
    """The highest and the lowest values (one row each) of the rows of a batch, in canonical units."""
    bounds: dict[Bound, Floats] = {}
    blocks = list(blocks_of(layout, columns))
    for extremes in declared.extremes:
        parameter = BY_NAME[extremes.parameter]
        names = _names(extremes)
        bound = BOUNDS[parameter.quantity]
        if extremes.unit is not None:
            cells = [found for name in names if (found := columns.get(name)) is not None]
            if len(cells) == len(names):
                bounds[bound] = _both(cells, parameter, extremes.unit)
            continue
        for block in blocks:
            if all(name in block.cells for name in names):
                both = _both([block.cells[name] for name in names], parameter, block.unit_name(parameter))
                known = bounds.get(bound, both)
                bounds[bound] = np.where(np.isnan(known), both, known)
    return bounds


def _names(extremes: Extremes) -> tuple[str, str]:
    return normalise_field(extremes.highest), normalise_field(extremes.lowest)


def _both(cells: Sequence[pa.Array], parameter: Parameter, unit: str) -> Floats:
    named = enumerate(cells)
    converted = convert_batch([RawColumn(found, replace(parameter, name=str(line)), unit) for line, found in named])
    return np.stack([column.values for column in converted.values()])


def _with_something(columns: Mapping[str, ParsedColumn], size: int) -> Mask:
    """The rows in which any of these columns has a value, or a cell that could not be read."""
    found = np.zeros(size, dtype=bool)
    for column in columns.values():
        found |= ~np.isnan(column.values)
        found[[issue.row for issue in column.issues]] = True
    return found


def _has_something(columns: Mapping[str, ParsedColumn]) -> bool:
    return any(column.issues or not np.isnan(column.values).all() for column in columns.values())


def _drop_idle(columns: Mapping[str, ParsedColumn], idle: Sequence[str], size: int) -> None:
    """Remove the zeros of rows that have nothing else: a station without sensors reports those."""
    zeros = [column for name, column in columns.items() if name in idle]
    sensors = {name: column for name, column in columns.items() if name not in idle}
    if not zeros or any(not np.isnan(column.values).any() for column in sensors.values()):
        return
    meaningful = _with_something(sensors, size)
    for column in zeros:
        meaningful |= np.nan_to_num(column.values) != 0
        meaningful[[issue.row for issue in column.issues]] = True
    for column in zeros:
        column.values = np.where(meaningful, column.values, np.nan)
