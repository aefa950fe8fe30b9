"""Converts Avro's 32-bit floats, which its reader returns as 64-bit ones, back to the decimals that were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forecast.core.decimals import shortest_decimal

Conversion = Callable[[Any], Any]
# A conversion for each Python type; a union has at most one branch of each.
Conversions = dict[type, Conversion]


def float_restorer(schema: Any) -> Conversion | None:
    """A function that restores the decimals of a (parsed) schema's values; None if it has no float."""
    conversions = _conversions(schema, {})
    return None if not conversions else lambda value: _converted(conversions, value)


def _converted(conversions: Conversions, value: Any) -> Any:
    convert = conversions.get(type(value))
    return value if convert is None else convert(value)


def _conversions(schema: Any, named: dict[str, Conversions]) -> Conversions:
    if isinstance(schema, list):
        found: Conversions = {}
        for branch in schema:
            found |= _conversions(branch, named)
        if any(branch == "double" for branch in schema):  # a value does not show which of the two types it had
            found.pop(float, None)
        return found
    if not isinstance(schema, dict):
        return {float: shortest_decimal} if schema == "float" else named.get(str(schema), {})
    kind = schema["type"]
    if kind in ("record", "error"):
        conversions = named[schema["name"]] = {}
        fields = {field["name"]: _conversions(field["type"], named) for field in schema["fields"]}
        fields = {name: parts for name, parts in fields.items() if parts}
        if fields:
            conversions[dict] = lambda record: (
                record | {name: _converted(parts, record[name]) for name, parts in fields.items()}
            )
        return conversions
    if kind == "array" and (parts := _conversions(schema["items"], named)):
        return {list: lambda items: [_converted(parts, item) for item in items]}
    if kind == "map" and (parts := _conversions(schema["values"], named)):
        return {dict: lambda items: {name: _converted(parts, item) for name, item in items.items()}}
    return {float: shortest_decimal} if kind == "float" else {}
