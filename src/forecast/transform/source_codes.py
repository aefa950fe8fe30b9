"""The networks' own quality codes, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.transform.declared import DeclaredLayout
from forecast.transform.raw_columns import Columns, normalise_field, python_cells
from forecast.transform.values.columns import shortened
from forecast.transform.values.numbers import MISSING_TOKENS

# As JSON texts.
_WORDS: Final = {True: '"validated"', False: '"not validated"'}
_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,9})(?:\.0*)?")


def codes_of(layout: DeclaredLayout, columns: Columns, parameters: Collection[str]) -> dict[str, pa.Array]:
    """The codes of each of these parameters that has any, from its own fields or from the whole row."""
    found: dict[str, pa.Array] = {}
    if (row := _cells(columns, layout.layout.row_quality)) is not None:
        found = dict.fromkeys(parameters, source_codes(row))
    found |= _validated(layout, columns)
    for name, field in layout.fields.items():
        quality, values = _cells(columns, field.quality), columns.get(name)
        if quality is not None and values is not None:
            codes = pc.if_else(values.is_valid(), source_codes(quality), pa.scalar(None, pa.string()))
            found[field.parameter] = pc.coalesce(found.get(field.parameter, codes), codes)
    return found


def _validated(layout: DeclaredLayout, columns: Columns) -> dict[str, pa.Array]:
    """Whether each parameter's values were validated, if a column has an object that says so."""
    declared = layout.layout.validated
    cells = None if declared is None else _cells(columns, declared.column)
    if declared is None or cells is None:
        return {}
    texts = cells if not pa.types.is_nested(cells.type) else pa.array(list(map(json.dumps, python_cells(cells))))
    encoded = texts.cast(pa.string()).dictionary_encode()
    says = [_members(text, declared.member) for text in encoded.dictionary.to_pylist()]
    found = {}
    for name, field in layout.fields.items():
        values = columns.get(name)
        if values is not None:
            codes = pa.array([members.get(name, other) for members, other in says], pa.string()).take(encoded.indices)
            found[field.parameter] = pc.if_else(values.is_valid(), codes, pa.scalar(None, pa.string()))
    return found


def _members(text: str | None, name: str) -> tuple[dict[str, str | None], str | None]:
    """The code of each field (as `normalise_field` spells it) from a member of a JSON object, and that of the others.

    What is neither true nor false is kept as text, and so is a text that is no such object: as the code of every field.
    """
    try:
        found = json.loads(text or "{}")
        members = found[name] if found else {}
        return {normalise_field(field): _code_of(value) for field, value in members.items()}, None
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, _code(text or "")


def _code_of(value: object) -> str | None:
    if isinstance(value, bool):
        return _WORDS[value]
    return None if value is None else _code(value if isinstance(value, str) else json.dumps(value))


def _cells(columns: Columns, name: str | None) -> pa.Array | None:
    return None if name is None else columns.get(normalise_field(name))


def source_codes(cells: pa.Array) -> pa.Array:
    """The network's quality codes as JSON, null if there is none: integers as numbers, anything else as text."""
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
