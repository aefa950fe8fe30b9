"""Converts Avro's 32-bit floats, which its reader returns as 64-bit ones, back to the decimals that were written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from forecast.core.decimals import shortest_decimal

Mend = Callable[[Any], Any]
# What a value of a Python type becomes; a union has one kind of each.
Mends = dict[type, Mend]


def float_mender(schema: Any) -> Mend | None:
    """What makes a value of a schema (as fastavro has parsed it) one with the decimals; None where it has no float."""
    mends = _mends(schema, {})
    return None if not mends else lambda value: _mend(mends, value)


def _mend(mends: Mends, value: Any) -> Any:
    mend = mends.get(type(value))
    return value if mend is None else mend(value)


def _mends(schema: Any, named: dict[str, Mends]) -> Mends:
    if isinstance(schema, list):
        found: Mends = {}
        for branch in schema:
            found |= _mends(branch, named)
        if any(branch == "double" for branch in schema):  # a value does not say which of the two it was
            found.pop(float, None)
        return found
    if not isinstance(schema, dict):
        return {float: shortest_decimal} if schema == "float" else named.get(str(schema), {})
    kind = schema["type"]
    if kind in ("record", "error"):
        mends = named[schema["name"]] = {}
        fields = {field["name"]: _mends(field["type"], named) for field in schema["fields"]}
        fields = {name: parts for name, parts in fields.items() if parts}
        if fields:
            mends[dict] = lambda record: record | {name: _mend(parts, record[name]) for name, parts in fields.items()}
        return mends
    if kind == "array" and (parts := _mends(schema["items"], named)):
        return {list: lambda items: [_mend(parts, item) for item in items]}
    if kind == "map" and (parts := _mends(schema["values"], named)):
        return {dict: lambda items: {name: _mend(parts, item) for name, item in items.items()}}
    return {float: shortest_decimal} if kind == "float" else {}
