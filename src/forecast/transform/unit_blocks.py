"""Reads fields in an object, or in columns with a prefix, that is named after their system of units.

Rows can have different systems. If a row has two, they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.parameters import Parameter, Quantity
from forecast.transform.declared import BY_NAME, DeclaredLayout
from forecast.transform.mean_of import PairedMean
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns
from forecast.transform.values.columns import ParsedColumn, RawColumn, filled
from forecast.transform.values.numbers import convert_batch
from forecast.transform.values.units import Floats, Unit, as_shown, find_unit

Rows = npt.NDArray[np.int64]

# Published feeds have no more decimals than this.
_MAX_DECIMALS: Final = 4
# The binary rounding error of a difference of exactly one decimal.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Block:
    """The fields of one system of units by normalised name, from its object or from its flattened columns."""

    layout: DeclaredLayout
    system: str
    cells: Mapping[str, pa.Array]

    def unit_name(self, parameter: Parameter) -> str:
        """The unit of a parameter in this system."""
        return self.layout.systems[self.system][parameter.quantity]

    def unit(self, parameter: Parameter) -> Unit:
        """The same unit, for conversion."""
        unit = find_unit(parameter.quantity, self.unit_name(parameter))
        if unit is None:
            raise AssertionError(f"{self.unit_name(parameter)} is not a unit of {parameter.quantity}")
        return unit

    def columns(self) -> list[RawColumn]:
        """The columns to read, with the units of their numbers."""
        return [
            RawColumn(self.cells[name], parameter, self.unit_name(parameter), f"{self.system}.{name}")
            for name, parameter in self.layout.member_parameters.items()
            if name in self.cells
        ]


def blocks_of(layout: DeclaredLayout, columns: Columns) -> Iterator[Block]:
    """The blocks of a batch: the object of each system, and the columns that begin with its name."""
    for system in layout.systems:
        if system in columns and (members := columns.members(system)):
            yield Block(layout, system, members)
        names = {name: columns.get(f"{system}{name}") for name in layout.block_fields}
        if flattened := {name: cells for name, cells in names.items() if cells is not None}:
            yield Block(layout, system, flattened)


@dataclass(slots=True)
class ReadBlock:
    """A block and its values; `shown` are, by quantity, the values whose decimals determine its precision."""

    block: Block
    columns: dict[str, ParsedColumn]
    shown: dict[Quantity, list[Floats]]

    @classmethod
    def of(cls, block: Block, mean: PairedMean | None) -> ReadBlock:
        """The values of a block; `mean` replaces two of its fields by their mean."""
        raw = block.columns()
        converted = convert_batch(raw)
        shown: dict[Quantity, list[Floats]] = {}
        for parameter in {column.parameter.name: column.parameter for column in raw}.values():
            shown.setdefault(parameter.quantity, []).append(converted[parameter.name].values)
        if mean is not None:
            converted = mean.taken(converted, block.cells, block.unit(mean.parameter))
        return cls(block, converted, shown)

    def decimals(self, parameter: Parameter, rows: Rows) -> Rows:
        """The largest number of decimals of any value of a parameter's quantity, in each of these rows."""
        unit = self.block.unit(parameter)
        most = np.zeros(len(rows), dtype=np.int64)
        for values in self.shown[parameter.quantity]:
            shown = np.nan_to_num(as_shown(values[rows], unit))
            for decimals in range(_MAX_DECIMALS):
                most = np.maximum(most, np.where(np.round(shown, decimals) == shown, 0, decimals + 1))
        return most


def merged(reads: Sequence[ReadBlock], size: int) -> tuple[dict[str, ParsedColumn], list[Rejection]]:
    """Row by row, the value of the block that has one; and the rows in which two blocks contradict each other."""
    values: dict[str, ParsedColumn] = {}
    rejections = []
    for name, parameter in BY_NAME.items():
        having = [read for read in reads if name in read.columns]
        if not having:
            continue
        columns = [read.columns[name] for read in having]
        values[name] = columns[0]
        for column in columns[1:]:
            values[name] = replace(filled(values[name], column), issues=[*values[name].issues, *column.issues])
        rows = np.flatnonzero(np.sum([~np.isnan(column.values) for column in columns], axis=0) > 1)
        if len(rows):
            finest, rejection = _compared(parameter, having, rows, size)
            values[name].values[rows] = finest
            rejections += [rejection] if rejection.mask.any() else []
    return values, rejections


def _compared(parameter: Parameter, reads: Sequence[ReadBlock], rows: Rows, size: int) -> tuple[Floats, Rejection]:
    """For rows with values in several blocks, the one with the most decimals; rejected if two differ beyond rounding.

    A value may differ by one in the last decimal that its block has for this quantity in this row.
    """
    values = np.stack([read.columns[parameter.name].values[rows] for read in reads])
    decimals = np.stack([read.decimals(parameter, rows) for read in reads])
    steps = np.array([[read.block.unit(parameter).span] for read in reads])
    resolutions = steps / 10.0**decimals
    differ = np.zeros(len(rows), dtype=bool)
    systems: set[str] = set()
    for one, other in combinations(range(len(reads)), 2):
        allowed = np.maximum(resolutions[one], resolutions[other]) * (1 + _TOLERANCE)
        apart = np.abs(values[one] - values[other]) > allowed
        differ |= apart
        if apart.any():
            systems |= {reads[one].block.system, reads[other].block.system}
    mask = np.zeros(size, dtype=bool)
    mask[rows[differ]] = True
    finest = np.where(np.isnan(values), -1, decimals).argmax(axis=0)
    texts = np.full(size, None, dtype=object)
    for row in np.flatnonzero(differ).tolist():
        candidates = (
            f"{value:.6g} {parameter.unit} in {read.block.system}"
            for value, read in zip(values[:, row], reads, strict=True)
            if not np.isnan(value)
        )
        texts[rows[row]] = ", ".join(candidates)
    where = "in two unit systems" if len(systems) > 1 else f"of two fields in {', '.join(systems)}"
    reason = f"the values {where} differ by more than rounding"
    rejection = Rejection(mask, "contradicting_values", parameter.name, reason, pa.array(texts, pa.string()))
    return values[finest, np.arange(len(rows))], rejection
