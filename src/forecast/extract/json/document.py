"""Reads documents with their rows in a container: in one list ("observations"), or a list per station ("hourly").

They are read as a stream (ijson), so memory is bounded by one chunk of rows, whatever the document's size.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import ORIGIN_SCHEMA, REJECTED_SCHEMA, RawBatch, empty_frame, frame_of, to_frame
from forecast.core.settings import Limits
from forecast.core.text import listed
from forecast.extract.beside import with_beside
from forecast.extract.columnar import check_fields, columns_not_rows
from forecast.extract.deletions import deleted_in, without_marks
from forecast.extract.envelope import PAYLOAD_FIELDS, beside_payload, is_envelope, origin_of_record
from forecast.extract.json.answers import (
    check_holds_nothing,
    error_beside_rows,
    error_in,
    instead_of_data,
    no_rows,
    only_around_rows,
    other_lists,
    rows_stated,
)
from forecast.extract.json.header import (
    DocumentHeader,
    has_stringified_container,
    names_a_container,
    read_header,
)
from forecast.extract.json.items import Item, chunks, read_items
from forecast.extract.json.lines import rejected_record, rows_of_records
from forecast.extract.json.objects import opened
from forecast.extract.json.prescan import Surveyed, surveyed
from forecast.extract.json.row_list import RowList, row_list
from forecast.extract.limits import MAX_COLUMNS
from forecast.extract.parts import positions
from forecast.extract.shapes import Shapes
from forecast.extract.text_stream import Opener

# The same for every row of a document.
_COMMON_ORIGIN: Final = tuple((field.name, field.type) for field in ORIGIN_SCHEMA if field.name != "position")


@dataclass(frozen=True, slots=True)
class Around:
    """What applies to a whole document: the origin of its record, and the fields next to its payload."""

    origin: dict[str, Any]
    beside: Sequence[Mapping[str, Any]]

    @property
    def position(self) -> str:
        """The beginning of the positions of its rows."""
        return f"{self.origin['position']}: " if self.origin["position"] else ""


def read_document_file(open_file: Opener, raw: RawObject, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """Batches of a file that is one document.

    Raises ObjectRejectedError if it is not JSON, is an error response, or has no known rows.
    """
    document = Document.of(open_file, shapes, limits)
    fields = document.header.fields
    envelope = {name: value for name, value in fields.items() if is_envelope(name)}
    origin = {"position": "", **origin_of_record(envelope, raw)}
    yield from document.batches(Around(origin, beside_payload(fields)), shapes)


class Document(NamedTuple):
    """A document whose header was read; `rows` are its rows if they are in one list that Arrow can read."""

    text: Surveyed
    header: DocumentHeader
    rows: RowList | None

    @classmethod
    def of(cls, open_file: Opener, shapes: Shapes, limits: Limits) -> Document:
        """Open a document. Raises ObjectRejectedError if it is not JSON to its end."""
        text = surveyed(open_file, limits)
        rows = row_list(text.open, shapes, in_array=False) if text.is_plain else None
        if rows is not None:
            try:
                header = read_header(io.BytesIO(rows.before + rows.behind), shapes, limits)
            except ObjectRejectedError:  # the fault is reported for the document as a whole
                header = DocumentHeader()
            if len(header.paths) == 1:
                return cls(text, header, rows)
        with text.open() as file:
            return cls(text, read_header(file, shapes, limits), None)

    def batches(self, source: Around, shapes: Shapes) -> Iterator[RawBatch]:
        """Its rows. Raises ObjectRejectedError if it is an error response, or has no known rows.

        An error next to rows is a rejected record of its own.
        """
        fields = _payload(self.header.fields)
        if not self.header.paths:
            _reject_without_container(fields, shapes)
        units = next((fields[name] for name in shapes.units if name in fields), None)
        read = (
            self._of_items(source, shapes, fields) if self.rows is None else self._of_tables(self.rows, source, shapes)
        )
        more = other_lists(fields, shapes.units)
        rows = 0
        for batch in read:
            batch.metadata, batch.other_lists = units, more
            rows += len(batch.rows) + len(batch.rejected)
            yield batch
        if rows < (stated := rows_stated(fields, shapes.counts)):
            yield RawBatch(pd.DataFrame(), empty_frame(ORIGIN_SCHEMA), rows_missing=stated - rows)
        error = error_in(fields)
        if error is not None and not rows:
            raise instead_of_data(error)
        if error is not None:
            yield _rejected(error_beside_rows(error, f"{source.position}next to the rows", fields))

    def _of_tables(self, rows: RowList, source: Around, shapes: Shapes) -> Iterator[RawBatch]:
        (path,) = self.header.paths
        number = 0
        for table in rows.tables():
            size = table.num_rows
            found = _Found(
                table,
                positions(number, size, f"{source.position}{path}[", "]"),
                pa.nulls(size, pa.string()),
                frozenset({path.rpartition(".")[2]}),
                [],
            )
            yield found.batch(source, shapes)
            number += size

    def _of_items(self, source: Around, shapes: Shapes, fields: Mapping[str, Any]) -> Iterator[RawBatch]:
        paths = self.header.paths
        rows = objects = 0
        lists: dict[str, None] = {}
        with self.text.open() as file:
            items = read_items(
                file,
                lambda prefix: _row_path(prefix, paths, shapes.beside) is not None,
                lambda prefix, event, value: _reject_stray(prefix, event, value, paths, shapes.beside),
            )
            counts: Counter[str] = Counter()
            for chunk in chunks(items):
                rows += len(chunk)
                lists |= dict.fromkeys(item.prefix.removesuffix(".item") for item in chunk if len(lists) <= MAX_COLUMNS)
                objects += sum(isinstance(item.value, dict) for item in chunk)
                yield _found_in(chunk, paths, counts, source, shapes).batch(source, shapes)
        if rows and not objects:
            raise columns_not_rows([path.rpartition(".")[2] for path in lists], paths[0])
        if not rows:
            check_holds_nothing(fields, shapes.containers)


def document_in(text: bytes, shapes: Shapes, limits: Limits) -> Document | None:
    """The document in this JSON text, which has a container, possibly an empty one; None if it is something else."""
    if not names_a_container(text, shapes):
        return None
    try:
        document = Document.of(lambda: io.BytesIO(text), shapes, limits)
    except ObjectRejectedError:
        return None
    header = document.header
    return document if header.paths or has_stringified_container(header.fields, shapes) else None


class _Found(NamedTuple):
    """Rows at `places`, the key that each was under, the keys of their containers, and rejected records."""

    rows: pa.Table
    places: pa.Array
    groups: pa.Array
    containers: frozenset[str]
    rejected: list[dict[str, Any]]

    def batch(self, source: Around, shapes: Shapes) -> RawBatch:
        """One batch, with the fields next to its document."""
        rows, groups, rejected = self.rows, self.groups, self.rejected
        size = len(self.places)
        common = [pa.array([source.origin[name]] * size, kind) for name, kind in _COMMON_ORIGIN]
        origin = pa.Table.from_arrays([self.places, *common], schema=ORIGIN_SCHEMA)
        for fields in source.beside if size else ():
            rows, kept, more = with_beside(rows, rows_of_records([dict(fields)] * len(origin)), origin["position"])
            origin, groups = origin.take(kept), groups.take(kept)
            rejected = [*rejected, *more]
        deleted, more = deleted_in([rows], origin["position"])
        if more:
            kept = np.flatnonzero(~deleted)
            rows, origin, groups, rejected = rows.take(kept), origin.take(kept), groups.take(kept), [*rejected, *more]
        rows, kept, more = opened(without_marks(rows), origin["position"], shapes.objects)
        return RawBatch(
            to_frame(rows),
            to_frame(origin.take(kept)),
            groups=groups.take(kept),
            containers=self.containers,
            rejected=frame_of([*rejected, *more], REJECTED_SCHEMA),
        )


def _rejected(record: dict[str, Any]) -> RawBatch:
    """A batch of one rejected record."""
    return RawBatch(pd.DataFrame(), empty_frame(ORIGIN_SCHEMA), rejected=frame_of([record], REJECTED_SCHEMA))


def _payload(fields: dict[str, Any]) -> dict[str, Any]:
    """The content of Airbyte's envelope, if there is one."""
    for name in PAYLOAD_FIELDS:
        if isinstance(fields.get(name), dict):
            fields = fields[name]
    return {name: value for name, value in fields.items() if not is_envelope(name)}


def _reject_without_container(fields: dict[str, Any], shapes: Shapes) -> NoReturn:
    """Reject a document without a list of rows, with an explanation."""
    check_holds_nothing(fields, shapes.containers)
    if only_around_rows(fields, shapes.containers):
        raise no_rows(fields, shapes.containers)
    check_fields(fields)
    message = f"a JSON document with none of the known containers of rows; it has: {listed(list(fields))}"
    raise ObjectRejectedError("unknown_layout", message)


def _row_path(prefix: str, paths: Sequence[str], beside: Set[str]) -> str | None:
    """The container that a row at this prefix is in: "hourly.07015.item", "observations.item"."""
    if not prefix.endswith(".item"):
        return None
    for path in paths:
        if prefix == f"{path}.item":
            return path
        if prefix.startswith(f"{path}."):
            inner = prefix[len(path) + 1 : -len(".item")]
            if ".item" not in inner and inner.partition(".")[0] not in beside:
                return path
    return None


def _reject_stray(prefix: str, event: str, value: Any, paths: Sequence[str], beside: Set[str]) -> None:
    """Reject unexpected values in a container: they may be rows in an unknown shape."""
    if value is None or event == "map_key" or not prefix.startswith(tuple(f"{path}." for path in paths)):
        return
    if not prefix.startswith(tuple(f"{path}.{name}." for path in paths for name in beside)):
        raise ObjectRejectedError("unknown_layout", f"a value where a list of rows is expected: {prefix[:80]!r}")


def _found_in(chunk: list[Item], paths: Sequence[str], counts: Counter[str], source: Around, shapes: Shapes) -> _Found:
    """The rows of some items; `counts` are the numbers of earlier items in each list."""
    records, places, groups, rejected = [], [], [], []
    containers = set()
    for item in chunk:
        list_path = item.prefix.removesuffix(".item")
        path = _row_path(item.prefix, paths, shapes.beside) or ""
        containers.add(path.rpartition(".")[2])
        place = f"{source.position}{list_path}[{counts[list_path]}]"
        counts[list_path] += 1
        member = shapes.row_members.get(path.rpartition(".")[2])
        row = item.value if member is None or item.fault else _member(item.value, member)
        if item.fault or row is None:
            rejected.append(rejected_record(place, item.fault or f"it has no object {member!r}", item.value))
            continue
        records.append(row)
        places.append(place)
        groups.append(list_path.removeprefix(path).lstrip(".") or None)
    return _Found(
        rows_of_records(records),
        pa.array(places, pa.string()),
        pa.array(groups, pa.string()),
        frozenset(containers),
        rejected,
    )


def _member(entry: Any, name: str) -> dict[str, Any] | None:
    """The member of an entry that contains its row."""
    found = entry.get(name) if isinstance(entry, dict) else None
    return found if isinstance(found, dict) else None
