"""Finds parameters that may have been renamed: the station reports them, but an object has unknown columns instead.

A candidate is reported but never read: only a person can decide which column it is, and in which unit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from forecast.core.parameters import PARAMETERS, Parameter, Quantity
from forecast.core.reading import RenamedParameter
from forecast.qc.registry import THRESHOLDS
from forecast.transform.headings import unit_at_end
from forecast.transform.name_words import is_another, quantities_named
from forecast.transform.raw_columns import normalise_field, python_cells
from forecast.transform.values.columns import RawColumn
from forecast.transform.values.numbers import MISSING_TOKENS, convert_batch
from forecast.transform.values.units import UNITS
from forecast.transform.values.wind_words import ENGLISH, FRENCH, WindWords

# Below this, even the best match of two names is chance: "airtemp" and "temp" have 0.73, "pm25" and "temp" 0.25.
_LIKE: Final = 0.6
_SHORTEST_STEM: Final = 3
_MAX_CANDIDATES: Final = 5
_LOOKED_AT: Final = 200
# For an unknown unit, as in "Pressure (mmHg)", the word before it names the quantity.
_FOREIGN_UNIT: Final = re.compile(r"[(\[][^()\[\]]+[)\]]\s*$")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_NUMBER: Final = re.compile("[0-9]+")
_LANGUAGES: Final[tuple[WindWords, ...]] = (ENGLISH, FRENCH)


@dataclass(frozen=True, slots=True)
class Lack:
    """An expected parameter without a cell in the object; `has_column` is true if its column exists but is empty."""

    parameter: Parameter
    has_column: bool


class _Match(NamedTuple):
    """How well a column matches a parameter; greater is better."""

    likeness: float
    says_unit: bool
    lack: Lack
    column: str

    @property
    def is_alike(self) -> bool:
        return self.likeness >= _LIKE


def sample_cells(cells: pa.Array, most: int) -> list[str]:
    """The first distinct cells that are not empty, as text."""
    first = cells.drop_null().slice(0, _LOOKED_AT)
    texts = (cell if isinstance(cell, str) else str(cell) for cell in python_cells(first))
    return [text for text in dict.fromkeys(texts) if text.strip().casefold() not in MISSING_TOKENS][:most]


def lacking(promised: Iterable[str], cells: Mapping[str, int], columns: Collection[str]) -> list[Lack]:
    """The expected parameters without cells; `columns` names those that have a column."""
    names = set(promised)
    return [
        Lack(parameter, parameter.name in columns)
        for parameter in PARAMETERS
        if parameter.name in names and not cells.get(parameter.name)
    ]


def renamed(
    lacks: Sequence[Lack],
    unknown: Mapping[str, Sequence[str]],
    names: Mapping[str, Sequence[str]],
    *,
    needs_unit: bool,
) -> Iterator[RenamedParameter]:
    """The lacking parameters, each with the unknown columns (given with samples of their cells) that it could be in.

    Each column is assigned to at most one parameter: the one that it matches best. `names` are the networks' names of
    each parameter, as `normalise_field` spells them. `needs_unit` means that the layout has
    units in its cells, so that a column of bare numbers under an unknown name is not one of its parameters.
    """
    matches = [
        match
        for lack in lacks
        for name, samples in unknown.items()
        if samples and (match := _match(lack, name, samples, names))
    ]
    # A rename does not change the number of columns. If more are lacking, the object has other columns on purpose.
    may_be_foreign = sum(not lack.has_column for lack in lacks) <= sum(1 for samples in unknown.values() if samples)
    suggested: dict[str, str] = {}
    matches.sort(key=lambda match: (match.is_alike, match.says_unit, match.likeness), reverse=True)
    for match in matches:
        is_taken = match.lack.parameter.name in suggested or match.column in suggested.values()
        if not is_taken and _is_suggested(match, needs_unit=needs_unit, may_be_foreign=may_be_foreign):
            suggested[match.lack.parameter.name] = match.column
    for name, best in suggested.items():
        of_parameter = [match.column for match in matches if match.lack.parameter.name == name]
        others = [column for column in of_parameter if column not in suggested.values()]
        yield RenamedParameter(name, (best, *others)[:_MAX_CANDIDATES])


def _is_suggested(match: _Match, *, needs_unit: bool, may_be_foreign: bool) -> bool:
    if match.is_alike:
        return True
    if match.lack.has_column:
        return False
    return match.says_unit or (may_be_foreign and not needs_unit)


def _match(lack: Lack, column: str, samples: Sequence[str], names: Mapping[str, Sequence[str]]) -> _Match | None:
    """How well the column matches the parameter; None if its cells rule it out."""
    name = normalise_field(column.rpartition(".")[2])
    own, quantity = lack.parameter.name, lack.parameter.quantity
    if is_another(name, lack.parameter):
        return None
    likeness = max(_likeness(name, known) for known in (normalise_field(own), *names.get(own, ())))
    named = unit_at_end(column, quantity)
    if named is None and quantity in quantities_named(name) and _FOREIGN_UNIT.search(column) and _are_numbers(samples):
        return _Match(likeness, True, lack, column)
    units = [(None, True), *([] if named is None else [(named, True)])]
    for unit, says_unit in (*units, *((unit, False) for unit in UNITS[quantity])):
        if _are_plausible(lack.parameter, samples, unit):
            return _Match(likeness, says_unit and quantity is not Quantity.INDEX, lack, column)
    return None


def _are_numbers(samples: Sequence[str]) -> bool:
    return all(_DECIMAL.fullmatch(text.strip()) for text in samples)


def _are_plausible(parameter: Parameter, samples: Sequence[str], unit: str | None) -> bool:
    """Whether most of the cells are plausible values of this parameter, in their own unit or in `unit`."""
    limits = THRESHOLDS[parameter.name]
    lowest, highest = limits["gross_range_suspect_min"].value, limits["gross_range_suspect_max"].value
    raw = RawColumn(pa.array(samples, pa.string()), parameter, unit)
    for words in _LANGUAGES if parameter.quantity is Quantity.ANGLE else (ENGLISH,):
        values = convert_batch([raw], words)[parameter.name].values
        if 2 * np.count_nonzero((values >= lowest) & (values <= highest)) > len(samples):
            return True
    return False


def _likeness(name: str, known: str) -> float:
    """The similarity of two names, from 0 to 1; names are alike if one begins with the other.

    So they are if the known name is at the end, after the names of the objects that a tool has flattened. A number in
    the known name must match: rain over six hours is not rain over three.
    """
    number = _NUMBER.search(known)
    if number is not None and number[0] not in _NUMBER.findall(name):
        return 0.0
    shorter, longer = sorted((name, known), key=len)
    is_stem = len(shorter) >= _SHORTEST_STEM and longer.startswith(shorter)
    is_last = len(known) > _SHORTEST_STEM and name.endswith(known)
    stem = _LIKE if is_stem or is_last else 0.0
    return max(stem, SequenceMatcher(None, name, known).ratio())
