"""Reads small objects of JSON lines together: objects of 288 rows take half of the time that they take one by one.

Each gets the batch that it would have by itself. This is only tried where it is simple: rows with the same flat
fields, in the same order, and nothing else. What this leaves out is read by itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import ORIGIN_SCHEMA, REJECTED_SCHEMA, UTC_TIME, RawBatch, empty_frame, to_frame, to_table
from forecast.core.settings import Limits
from forecast.extract.batches import BatchMaker
from forecast.extract.envelope import CHANGES, ERRORS, EXTRACTED, META, PAYLOAD_FIELDS, is_envelope
from forecast.extract.json.answers import AROUND_ROWS
from forecast.extract.json.arrow import KEY
from forecast.extract.json.header import may_hold_a_container, names_a_container
from forecast.extract.json.lines import FastReader
from forecast.extract.ledger import Ledger
from forecast.extract.limits import CHUNK_ROWS, LINES_BYTES, MAX_ROW_BYTES, SNIFFED_BYTES, line_ends
from forecast.extract.parts import has_one_shape, positions
from forecast.extract.shapes import Shapes

# Beside these, something may have to be read line by line, or be no row.
_UNUSUAL: Final = (b"\r", b"\0", b"\n\n")
# A number that is written with a point or an exponent is a float, even if it is whole.
_FLOAT: Final = rb'"\s*+:\s*+-?+[0-9]++[.eE]'
_NO_CHANGES: Final = pa.list_(pa.null())


class SmallObject(NamedTuple):
    """A raw object and its content."""

    raw: RawObject
    content: bytes


def may_be_read_together(content: bytes) -> bool:
    """Whether this looks like a small file of JSON lines."""
    if not content.startswith(b'{"') or len(content) > MAX_ROW_BYTES or any(mark in content for mark in _UNUSUAL):
        return False
    first = content[: content.find(b"\n") + 1]
    return first.endswith(b"}\n") and b'":' in first


def read_together(objects: Sequence[SmallObject], shapes: Shapes, limits: Limits) -> list[RawBatch | None]:
    """The batches of objects that `may_be_read_together`; None for those that have to be read by themselves."""
    found: list[RawBatch | None] = [None] * len(objects)
    for keys, indices in _alike(objects, shapes):
        batches = _read([objects[index] for index in indices], keys, shapes, limits)
        for index, batch in zip(indices, batches, strict=True):
            found[index] = batch
    return found


def _alike(objects: Sequence[SmallObject], shapes: Shapes) -> Iterator[tuple[tuple[bytes, ...], list[int]]]:
    """The objects whose first rows have the same keys in the same order, with these keys; none that are too large."""
    alike: defaultdict[tuple[bytes, ...], list[int]] = defaultdict(list)
    for index, (_, content) in enumerate(objects):
        first = content[: content.find(b"\n")]
        if not names_a_container(first, shapes) and not any(
            own.sniff(content[:SNIFFED_BYTES]) for own in shapes.formats
        ):
            alike[tuple(KEY.findall(first))].append(index)
    for keys, indices in alike.items():
        if len(indices) > 1 and sum(len(objects[index].content) for index in indices) <= LINES_BYTES:
            yield keys, indices


def _read(
    objects: Sequence[SmallObject], keys: Sequence[bytes], shapes: Shapes, limits: Limits
) -> Sequence[RawBatch | None]:
    nothing: list[RawBatch | None] = [None] * len(objects)
    contents = [content if content.endswith(b"\n") else content + b"\n" for _, content in objects]
    block = b"".join(contents)
    ends, reader = line_ends(block), FastReader()
    try:
        table = reader.read(block, ends) if len(ends) <= CHUNK_ROWS else None
        if table is None or reader.has_mixed or not _is_simple(table, keys):
            return nothing
        if may_hold_a_container(block, table, shapes) or not has_one_shape(table):
            return nothing
        counts = [content.count(b"\n") for content in contents]
        places = pa.concat_arrays([positions(1, count) for count in counts])
        maker = BatchMaker(objects[0].raw, shapes, limits, Ledger("not_json", "line"))
        batch, *others = maker.of_table(table, places)
    except ObjectRejectedError:
        return nothing  # by itself, the object in question is rejected with its own reason
    if others or len(batch.rejected) or len(batch.rows) != table.num_rows or list(batch.rows.columns) != _names(table):
        return nothing
    origin = to_table(batch.origin, ORIGIN_SCHEMA)
    if not any(name in table.column_names for name in EXTRACTED):
        received = pa.array([one.raw.last_modified for one in objects], UTC_TIME)
        of_rows = received.take(pa.array(np.repeat(np.arange(len(objects)), counts)))
        origin = origin.set_column(ORIGIN_SCHEMA.get_field_index("extracted_at"), "extracted_at", of_rows)
    return list(_split(to_table(batch.rows), origin, objects, np.cumsum([0, *counts]).tolist()))


def _is_simple(table: pa.Table, keys: Sequence[bytes]) -> bool:
    """Whether all that the rows hold is Airbyte's envelope, and flat fields of which the first row has every one."""
    payloads = [name for name in table.column_names if name.lower() in PAYLOAD_FIELDS]
    beside = [name for name in table.column_names if name not in payloads and not is_envelope(name)]
    if len(payloads) > 1 or (payloads and (beside or not pa.types.is_struct(table[payloads[0]].type))):
        return False
    names = _names(table)
    if any(keys.count(name.encode()) != 1 for name in names) or not AROUND_ROWS.isdisjoint(names):
        return False
    if any(name in table.column_names and table[name].null_count for name in EXTRACTED):
        return False
    kinds = table[payloads[0]].type if payloads else [table.field(name) for name in names]
    return not any(pa.types.is_nested(field.type) for field in kinds) and not _has_changes(table)


def _has_changes(table: pa.Table) -> bool:
    """Whether Airbyte may have changed a value of a row, or says so in another way than in a list."""
    if META not in table.column_names:
        return False
    kind = table[META].type
    members = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {ERRORS: kind}
    changes = members.get(CHANGES, _NO_CHANGES)
    return ERRORS in members or changes != _NO_CHANGES


def _names(table: pa.Table) -> list[str]:
    """The names of the source's own fields."""
    for payload in PAYLOAD_FIELDS:
        if payload in table.column_names:
            return [field.name for field in table[payload].type]
    return [name for name in table.column_names if not is_envelope(name)]


def _split(
    rows: pa.Table, origin: pa.Table, objects: Sequence[SmallObject], bounds: Sequence[int]
) -> Iterator[RawBatch | None]:
    """The rows of each object, with the types that they have by themselves; None if they have no value."""
    nothing = empty_frame(REJECTED_SCHEMA)
    for (_, content), (start, end) in zip(objects, pairwise(bounds), strict=True):
        own = rows.slice(start, end - start)
        columns = [_own_type(cells, name, content) for name, cells in zip(own.column_names, own.columns, strict=True)]
        if all(pa.types.is_null(cells.type) for cells in columns):
            yield None
            continue
        values = pa.Table.from_arrays(columns, own.column_names)
        yield RawBatch(to_frame(values), to_frame(origin.slice(start, end - start)), rejected=nothing)


def _own_type(cells: pa.ChunkedArray, name: str, content: bytes) -> pa.ChunkedArray:
    """Cells of a column in the type that Arrow infers from this content alone."""
    if cells.null_count == len(cells):
        return pa.chunked_array([pa.nulls(len(cells))])
    if not pa.types.is_floating(cells.type) or not pc.all(pc.equal(cells, pc.floor(cells))).as_py():
        return cells
    has_point = re.search(b'"' + re.escape(name.encode()) + _FLOAT, content)
    return cells if has_point else cells.cast(pa.int64())
