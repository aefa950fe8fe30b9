"""Generates the JSON Schema of a report, and the rows of its table in docs/reports.md, from its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from forecast.report.models.base import Model, Report, key_name

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(report: type[Report]) -> dict[str, Any]:
    """The schema (draft 2020-12) that a report is checked against before it is written."""
    _, parts = msgspec.json.schema_components([report], ref_template="#/$defs/{name}")
    for model in _models(report):
        parts[model.__name__].update({"additionalProperties": False, **model.schema_rules})
    whole = parts.pop(report.__name__)
    whole["title"] = whole.pop("description")
    return {"$schema": _DIALECT, **whole, "$defs": dict(sorted(parts.items()))}


def documented_fields(report: type[Report]) -> Iterator[tuple[str, str]]:
    """Path and meaning of every field, in their order; `[]` is each entry of a list, `<…>` each key of a mapping.

    Raises ValueError if a field has no documentation.
    """
    whole = inspect.type_info(report)
    if isinstance(whole, inspect.StructType):
        yield from _of_struct(whole, "")


def _of_struct(kind: inspect.StructType, path: str) -> Iterator[tuple[str, str]]:
    for one in kind.fields:
        yield from _rows(one.type, f"{path}.{one.encode_name}" if path else one.encode_name)


def _rows(kind: inspect.Type, path: str) -> Iterator[tuple[str, str]]:
    kind, text = _undressed(kind)
    inner, inner_path = _inner(kind, path)
    if text:
        yield (path if isinstance(inner, inspect.StructType) else inner_path), text
    if isinstance(inner, inspect.StructType):
        yield from _of_struct(inner, inner_path)
    elif not text:
        raise ValueError(f"the field {path} has no documentation")


def _inner(kind: inspect.Type, path: str) -> tuple[inspect.Type, str]:
    """The innermost type of a list or mapping, and the path to it; a list of plain values is one field."""
    while True:
        kind, _ = _undressed(kind)
        if isinstance(kind, inspect.DictType):
            extra = kind.key_type.extra if isinstance(kind.key_type, inspect.Metadata) else None
            kind, path = kind.value_type, f"{path}.<{key_name(extra)}>"
        elif isinstance(kind, inspect.ListType) and isinstance(_undressed(kind.item_type)[0], inspect.StructType):
            kind, path = kind.item_type, f"{path}[]"
        else:
            return kind, path


def _undressed(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """A type without its metadata and without null, and its documentation."""
    text = ""
    while True:
        if isinstance(kind, inspect.Metadata):
            text = text or (kind.extra_json_schema or {}).get("description", "")
            kind = kind.type
        elif isinstance(kind, inspect.UnionType) and len(some := _not_null(kind)) == 1:
            kind = some[0]
        else:
            return kind, text


def _not_null(union: inspect.UnionType) -> list[inspect.Type]:
    return [kind for kind in union.types if not isinstance(kind, inspect.NoneType)]


def _models(model: type[Model]) -> set[type[Model]]:
    """A model and all models it contains."""
    found: set[type[Model]] = set()
    waiting: list[inspect.Type] = [inspect.type_info(model)]
    while waiting:
        kind = _inner(waiting.pop(), "")[0]
        if isinstance(kind, inspect.StructType) and issubclass(kind.cls, Model) and kind.cls not in found:
            found.add(kind.cls)
            waiting += [one.type for one in kind.fields]
    return found
