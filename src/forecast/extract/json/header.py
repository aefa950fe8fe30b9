"""Reads what surrounds the rows of a JSON document, and finds where the rows are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import ijson
import pyarrow as pa
from ijson.common import ObjectBuilder

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits
from forecast.extract.envelope import PAYLOAD_FIELDS, fields_in_lower_case
from forecast.extract.json.arrow import field_names
from forecast.extract.json.items import ENDS, STARTS, or_rejected
from forecast.extract.limits import JSON_PIECE_BYTES, MAX_DEPTH, too_deep, too_long
from forecast.extract.shapes import Shapes

# What is outside the containers (stations, metadata, envelope) is small: real documents have 150 events.
_MAX_HEAD_EVENTS = 200_000


@dataclass(slots=True)
class DocumentHeader:
    """A document without its rows: the fields around them, and the paths where they are."""

    fields: dict[str, Any] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


def names_a_container(text: bytes, shapes: Shapes) -> bool:
    """Whether this JSON, or JSON text in it, may have a container; a quick check, which can be wrong."""
    found = [name.encode() for name in shapes.containers if name.encode() in text]
    return any(name + end in text for name in found for end in (b'"', b"\\"))


def may_hold_a_container(block: bytes, table: pa.Table | None, shapes: Shapes) -> bool:
    """The same for a block of lines; `table` is what it was read into, if that was possible.

    The keys of all records are columns of the table, at any depth. Only text with escaped quotes can hide others.
    """
    if table is not None and b"\\" not in block:
        return not set(shapes.containers).isdisjoint(field_names(table.schema))
    return names_a_container(block, shapes)


def has_stringified_container(fields: Mapping[str, Any], shapes: Shapes) -> bool:
    """Whether these are the fields of a document whose containers are JSON text."""
    return any(_is_json_text(fields.get(name)) for name in shapes.containers)


def reassemble(fields: Mapping[str, Any]) -> str:
    """The text of a document, with its parts that are JSON text inserted as they are.

    Invalid JSON in them is found when the whole is read.
    """
    parts = (
        f"{json.dumps(name)}: {value if _is_json_text(value) else json.dumps(value, default=str)}"
        for name, value in fields.items()
    )
    return "{" + ", ".join(parts) + "}"


def _is_json_text(value: Any) -> bool:
    return isinstance(value, str) and value[:1] + value[-1:] in {"{}", "[]"}


def read_header(file: IO[bytes], shapes: Shapes, limits: Limits) -> DocumentHeader:
    """All of a document except its rows. Raises ObjectRejectedError if it is not JSON to its end."""
    return or_rejected(lambda: _head(file, shapes, limits))


def _head(file: IO[bytes], shapes: Shapes, limits: Limits) -> DocumentHeader:
    head = DocumentHeader()
    builder = ObjectBuilder()
    depth = text_bytes = count = 0
    skipped: int | None = None
    for prefix, event, value in ijson.parse(file, use_float=True, buf_size=JSON_PIECE_BYTES):
        depth += (event in STARTS) - (event in ENDS)
        if depth > MAX_DEPTH:
            raise too_deep()
        if skipped is not None:
            if depth < skipped:
                skipped = None
            continue
        if event in STARTS and _is_container(prefix, shapes):
            head.paths.append(prefix)
            skipped = depth
            builder.event("null", None)
            continue
        count += 1
        if count > _MAX_HEAD_EVENTS:
            raise ObjectRejectedError(
                "unknown_layout", "a JSON document whose rows are not where a known network has them"
            )
        text_bytes += len(value) if isinstance(value, str) else 0
        if text_bytes > limits.record_bytes:
            raise too_long("the part of a document around its rows", limits)
        builder.event(event, value)
    head.fields = dict(fields_in_lower_case(builder.value)) if isinstance(builder.value, dict) else {}
    return head


def _is_container(prefix: str, shapes: Shapes) -> bool:
    *wrappers, name = prefix.split(".")
    return name in shapes.containers and all(wrapper.lower() in PAYLOAD_FIELDS for wrapper in wrappers)
