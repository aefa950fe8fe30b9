"""Documents with their rows in a container: in one list ("observations"), or in a list per station ("hourly").

They are read as a stream (ijson), so memory is bounded by one chunk of rows, whatever the document's size.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

import ijson
import pyarrow as pa
from ijson.common import ObjectBuilder

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import ORIGIN_SCHEMA, REJECTED_SCHEMA, RawBatch, frame_of, to_frame
from forecast.core.settings import Limits
from forecast.core.text import listed
from forecast.extract.beside import with_beside
from forecast.extract.columnar import check_fields, columns_not_rows
from forecast.extract.envelope import PAYLOAD_FIELDS, beside_payload, is_envelope, origin_of_record
from forecast.extract.json.answers import check_answer, check_holds_nothing, no_rows, only_around_rows
from forecast.extract.json.items import ENDS, STARTS, Item, chunks, or_rejected, read_items
from forecast.extract.json.lines import rejected_record, rows_of_records
from forecast.extract.json.objects import opened
from forecast.extract.json.prescan import surveyed
from forecast.extract.limits import JSON_PIECE_BYTES, MAX_COLUMNS, MAX_DEPTH, too_deep, too_long
from forecast.extract.shapes import Shapes
from forecast.extract.text_stream import Opener

# What is outside the containers (stations, metadata, envelope) is small: the real one has 150 events.
_MAX_HEAD_EVENTS = 200_000


@dataclass(slots=True)
class DocumentHeader:
    """A document without its rows: what is around them, and the paths at which they are."""

    fields: dict[str, Any] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Around:
    """What is said of a whole document: the origin of its record, and the fields next to its payload."""

    origin: dict[str, Any]
    beside: Sequence[Mapping[str, Any]]

    @property
    def position(self) -> str:
        """What the places of its rows begin with."""
        return f"{self.origin['position']}: " if self.origin["position"] else ""


def names_a_container(text: bytes, shapes: Shapes) -> bool:
    """Whether a container may be in this JSON, or in JSON text in it; a quick look, which may take a text for one."""
    found = [name.encode() for name in shapes.containers if name.encode() in text]
    return any(name + end in text for name in found for end in (b'"', b"\\"))


def is_document(text: bytes, shapes: Shapes, limits: Limits) -> bool:
    """Whether JSON text is a document with rows in a container, or with an empty one."""
    if not names_a_container(text, shapes):
        return False
    try:
        head = read_header_of(text, shapes, limits)
    except ObjectRejectedError:
        return False
    return bool(head.paths) or has_stringified_container(head.fields, shapes)


def read_document(text: bytes, source: Around, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """Batches of a document that is one record."""
    open_file = surveyed(lambda: io.BytesIO(text), limits)
    yield from _batches(open_file, source, shapes, limits)


def read_document_file(open_file: Opener, raw: RawObject, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """Batches of a file that is one document.

    Raises ObjectRejectedError where it is not JSON, is an error answer, or holds no rows that are known.
    """
    open_file = surveyed(open_file, limits)
    with open_file() as file:
        head = _read_header(file, shapes, limits)
    envelope = {name: value for name, value in head.fields.items() if is_envelope(name)}
    origin = {"position": "", **origin_of_record(envelope, raw)}
    yield from _batches(open_file, Around(origin, beside_payload(head.fields)), shapes, limits)


def has_stringified_container(fields: Mapping[str, Any], shapes: Shapes) -> bool:
    """Whether these are the fields of a document whose containers came as JSON text."""
    return any(_is_json_text(fields.get(name)) for name in shapes.containers)


def reassemble(fields: Mapping[str, Any]) -> str:
    """The text of a document, its parts that came as JSON text put in as they are.

    What is not JSON in them is seen when the whole is read.
    """
    parts = (
        f"{json.dumps(name)}: {value if _is_json_text(value) else json.dumps(value, default=str)}"
        for name, value in fields.items()
    )
    return "{" + ", ".join(parts) + "}"


def _is_json_text(value: Any) -> bool:
    return isinstance(value, str) and value[:1] + value[-1:] in {"{}", "[]"}


def read_header_of(text: bytes, shapes: Shapes, limits: Limits) -> DocumentHeader:
    """All of a document in memory but its rows.

    Raises ObjectRejectedError where it is not JSON.
    """
    with surveyed(lambda: io.BytesIO(text), limits)() as file:
        return _read_header(file, shapes, limits)


def _payload(fields: dict[str, Any]) -> dict[str, Any]:
    """What is in Airbyte's envelope, where there is one."""
    for name in PAYLOAD_FIELDS:
        if isinstance(fields.get(name), dict):
            fields = fields[name]
    return {name: value for name, value in fields.items() if not is_envelope(name)}


def _read_header(file: IO[bytes], shapes: Shapes, limits: Limits) -> DocumentHeader:
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
    head.fields = builder.value if isinstance(builder.value, dict) else {}
    return head


def _batches(open_file: Opener, source: Around, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    with open_file() as file:
        head = _read_header(file, shapes, limits)
    fields = _payload(head.fields)
    check_answer(fields)
    if not head.paths:
        _refuse_without_container(fields, shapes)
    rows = objects = 0
    lists: dict[str, None] = {}
    with open_file() as file:
        items = read_items(
            file,
            lambda prefix: _row_path(prefix, head.paths, shapes.beside) is not None,
            lambda prefix, event, value: _refuse_stray(prefix, event, value, head.paths, shapes.beside),
        )
        counts: Counter[str] = Counter()
        for chunk in chunks(items):
            rows += len(chunk)
            lists |= dict.fromkeys(item.prefix.removesuffix(".item") for item in chunk if len(lists) <= MAX_COLUMNS)
            objects += sum(isinstance(item.value, dict) for item in chunk)
            batch = _batch(chunk, head.paths, counts, source, shapes)
            batch.metadata = next((fields[name] for name in shapes.units if name in fields), None)
            yield batch
    if rows and not objects:
        raise columns_not_rows([path.rpartition(".")[2] for path in lists], head.paths[0])
    if not rows:
        check_holds_nothing(fields, shapes.containers)


def _refuse_without_container(fields: dict[str, Any], shapes: Shapes) -> NoReturn:
    """Say what a document without a list of rows is."""
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


def _refuse_stray(prefix: str, event: str, value: Any, paths: Sequence[str], beside: Set[str]) -> None:
    """No value of a container may be passed over: it may be a row in a shape that is not known."""
    if value is None or event == "map_key" or not prefix.startswith(tuple(f"{path}." for path in paths)):
        return
    if not prefix.startswith(tuple(f"{path}.{name}." for path in paths for name in beside)):
        raise ObjectRejectedError("unknown_layout", f"a value where a list of rows is expected: {prefix[:80]!r}")


def _batch(chunk: list[Item], paths: Sequence[str], counts: Counter[str], source: Around, shapes: Shapes) -> RawBatch:
    """One batch; a column has the group (station) that each row was in."""
    records, origins, groups, rejected = [], [], [], []
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
        origins.append({**source.origin, "position": place})
        groups.append(list_path.removeprefix(path).lstrip(".") or None)
    rows, origin = rows_of_records(records), pa.Table.from_pylist(origins, schema=ORIGIN_SCHEMA)
    names = pa.array(groups, pa.string())
    for fields in source.beside if records else ():
        rows, kept, more = with_beside(rows, rows_of_records([dict(fields)] * len(origin)), origin["position"])
        origin, names = origin.take(kept), names.take(kept)
        rejected += more
    rows, kept, more = opened(rows, origin["position"], shapes.objects)
    origin, names = origin.take(kept), names.take(kept)
    rejected += more
    return RawBatch(
        to_frame(rows),
        to_frame(origin),
        groups=names,
        containers=frozenset(containers),
        rejected=frame_of(rejected, REJECTED_SCHEMA),
    )


def _member(entry: Any, name: str) -> dict[str, Any] | None:
    """The member of an entry that holds its row."""
    found = entry.get(name) if isinstance(entry, dict) else None
    return found if isinstance(found, dict) else None


def _is_container(prefix: str, shapes: Shapes) -> bool:
    *wrappers, name = prefix.split(".")
    return name in shapes.containers and all(wrapper in PAYLOAD_FIELDS for wrapper in wrappers)
