"""Documents that hold their rows in a container: InfoClimat's "hourly" by station, the PWS API's "observations".

They are read as a stream (ijson), so that a document of any size takes the memory of one chunk of rows.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

import ijson
import pyarrow as pa
from ijson.common import ObjectBuilder

from forecast.errors import ObjectRejectedError
from forecast.extract.envelope import PAYLOAD_FIELDS, is_envelope, origin_of_record
from forecast.extract.limits import CHUNK_ROWS, MAX_DEPTH, too_deep
from forecast.extract.records import rows_of_records
from forecast.observations import ORIGIN_SCHEMA, RawBatch, RawObject, to_frame

_T = TypeVar("_T")
_STARTS = frozenset({"start_map", "start_array"})
_ENDS = frozenset({"end_map", "end_array"})
# What stands outside the containers (stations, metadata, envelope) is small: the real one has 150 events.
_MAX_HEAD_EVENTS = 200_000
# Beside the stations stands InfoClimat's list of field names.
_NO_GROUP = "_params"
_MAX_MESSAGE = 300
_FIRST_ERROR_STATUS = 400


@dataclass(slots=True)
class Head:
    """A document without its rows: what stands around them, and the paths at which they stand."""

    fields: dict[str, Any] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


def is_document(text: str, containers: Sequence[str]) -> bool:
    """Whether JSON text is a document with rows in a container (or an answer that says it has none)."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return bool(read_head(io.BytesIO(text.encode()), containers).paths)
    except ijson.JSONError:
        return False


def read_document(text: bytes, origin: dict[str, Any], containers: Sequence[str]) -> Iterator[RawBatch]:
    """Batches of a document that is one record; `origin` is the record's."""
    position = f"{origin['position']}: " if origin["position"] else ""
    yield from _batches(lambda: io.BytesIO(text), origin, position, containers)


def read_document_file(
    open_file: Callable[[], IO[bytes]], raw: RawObject, containers: Sequence[str]
) -> Iterator[RawBatch]:
    """Batches of a file that is one document.

    Raises ObjectRejectedError where it is no JSON, is an error answer, or holds no rows that are known.
    """
    with open_file() as file:
        head = _read(lambda: read_head(file, containers))
    envelope = {name: value for name, value in head.fields.items() if is_envelope(name)}
    origin = {"position": "", **origin_of_record(envelope, raw)}
    yield from _batches(open_file, origin, "", containers, head)


def read_head(file: IO[bytes], containers: Sequence[str]) -> Head:
    """All of a document but its rows."""
    head = Head()
    builder = ObjectBuilder()
    depth = 0
    skipped: int | None = None
    for count, (prefix, event, value) in enumerate(ijson.parse(file, use_float=True)):
        depth += (event in _STARTS) - (event in _ENDS)
        if depth > MAX_DEPTH:
            raise too_deep()
        if skipped is not None:
            if depth < skipped:
                skipped = None
            continue
        if event in _STARTS and _is_container(prefix, containers):
            head.paths.append(prefix)
            skipped = depth
            builder.event("null", None)
            continue
        if count > _MAX_HEAD_EVENTS:
            raise ObjectRejectedError(
                "unknown_layout", "a JSON document whose rows are not where a known network has them"
            )
        builder.event(event, value)
    head.fields = builder.value if isinstance(builder.value, dict) else {}
    return head


def read_head_of(text: bytes, containers: Sequence[str]) -> Head:
    """The head of a document in memory.

    Raises ObjectRejectedError where it is no JSON.
    """
    return _read(lambda: read_head(io.BytesIO(text), containers))


def check_answer(fields: dict[str, Any]) -> None:
    """Raises ObjectRejectedError where an API answered with an error in the shape of a document."""
    for name in PAYLOAD_FIELDS:
        if isinstance(fields.get(name), dict):
            fields = fields[name]
    fault = fields.get("errors") or fields.get("error")
    code = fields.get("statusCode", fields.get("status_code", 0))
    status = fields.get("status")
    bad_status = isinstance(status, str) and status.casefold() in {"error", "ko", "fail", "failed"}
    bad_code = isinstance(code, int | float) and code >= _FIRST_ERROR_STATUS
    if fault or bad_status or bad_code:
        said = fields.get("reason") or fields.get("message") or fault or status or code
        message = f"the source answered with an error instead of data: {str(said)[:_MAX_MESSAGE]!r}"
        raise ObjectRejectedError("source_error", message)


def _batches(
    open_file: Callable[[], IO[bytes]],
    origin: dict[str, Any],
    position: str,
    containers: Sequence[str],
    head: Head | None = None,
) -> Iterator[RawBatch]:
    if head is None:
        with open_file() as file:
            head = _read(lambda: read_head(file, containers))
    check_answer(head.fields)
    if not head.paths:
        names = ", ".join(sorted(str(name)[:40] for name in head.fields)[:12])
        raise ObjectRejectedError(
            "unknown_layout", f"a JSON document with none of the known containers of rows; it has: {names}"
        )
    with open_file() as file:
        rows = _rows(file, head.paths)
        while chunk := _read(lambda: _chunk(rows)):
            yield _batch(chunk, origin, position)


def _rows(file: IO[bytes], paths: Sequence[str]) -> Iterator[tuple[str | None, str, dict[str, Any]]]:
    """Group, path and record of every row, in the order of the document."""
    builder: ObjectBuilder | None = None
    start = ""
    counts: dict[str, int] = {}
    for prefix, event, value in ijson.parse(file, use_float=True):
        if builder is None:
            if event == "start_map" and (path := _row_path(prefix, paths)) is not None:
                builder, start = ObjectBuilder(), prefix
                builder.event(event, value)
            continue
        builder.event(event, value)
        if event == "end_map" and prefix == start:
            list_path = prefix.removesuffix(".item")
            index = counts.get(list_path, 0)
            counts[list_path] = index + 1
            path = _row_path(prefix, paths) or ""
            group = list_path.removeprefix(path).lstrip(".") or None
            yield group, f"{list_path}[{index}]", builder.value
            builder = None


def _row_path(prefix: str, paths: Sequence[str]) -> str | None:
    """The container that a row at this prefix stands in: "hourly.07015.item", "observations.item"."""
    if not prefix.endswith(".item"):
        return None
    for path in paths:
        if prefix == f"{path}.item":
            return path
        if prefix.startswith(f"{path}.") and not prefix.startswith(f"{path}.{_NO_GROUP}."):
            inner = prefix[len(path) + 1 : -len(".item")]
            if ".item" not in inner:
                return path
    return None


def _chunk(rows: Iterator[tuple[str | None, str, dict[str, Any]]]) -> list[tuple[str | None, str, dict[str, Any]]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            break
    return chunk


def _batch(chunk: list[tuple[str | None, str, dict[str, Any]]], origin: dict[str, Any], position: str) -> RawBatch:
    """One batch; a column tells which group (station) each row stood under."""
    rows = rows_of_records([record for _, _, record in chunk])
    origins = pa.Table.from_pylist(
        [{**origin, "position": position + path} for _, path, _ in chunk], schema=ORIGIN_SCHEMA
    )
    return RawBatch(to_frame(rows), to_frame(origins), groups=pa.array([group for group, _, _ in chunk], pa.string()))


def _is_container(prefix: str, containers: Sequence[str]) -> bool:
    *wrappers, name = prefix.split(".")
    return name in containers and all(wrapper in PAYLOAD_FIELDS for wrapper in wrappers)


def _read(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except ijson.IncompleteJSONError as error:
        raise ObjectRejectedError(
            "not_json", f"the JSON document cannot be read to its end: {_first_line(error)}"
        ) from error
    except ijson.JSONError as error:
        raise ObjectRejectedError("not_json", f"not JSON: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:_MAX_MESSAGE]
