"""Documents that hold their rows in a container: InfoClimat's "hourly" by station, the PWS API's "observations".

They are read as a stream (ijson), so that a document of any size takes the memory of one chunk of rows.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import ijson
import pyarrow as pa
from ijson.common import ObjectBuilder

from forecast.errors import ObjectRejectedError
from forecast.extract.envelope import PAYLOAD_FIELDS, is_envelope, origin_of_record
from forecast.extract.json_items import ENDS, STARTS, Item, chunks, or_rejected, read_items
from forecast.extract.json_survey import surveyed
from forecast.extract.limits import JSON_PIECE_BYTES, MAX_DEPTH, too_deep, too_long
from forecast.extract.records import refused_record, rows_of_records
from forecast.extract.streams import Opener
from forecast.observations import ORIGIN_SCHEMA, REFUSED_SCHEMA, RawBatch, RawObject, frame_of, to_frame
from forecast.settings import Limits

# What stands outside the containers (stations, metadata, envelope) is small: the real one has 150 events.
_MAX_HEAD_EVENTS = 200_000
# Beside the stations stands InfoClimat's list of field names.
_NO_GROUP = "_params"
# Another of InfoClimat's endpoints fills this and leaves "hourly" empty; its rows are not those of "hourly".
_OTHER_ROWS = "data"
# What a document says of its fields: InfoClimat's {"vent_moyen": "mean wind speed,km/h"}.
_METADATA = "metadata"
_MAX_MESSAGE = 300
_FIRST_ERROR_STATUS = 400
# Airbyte flattens a document to columns; then a list without errors is the text of one.
_EMPTY_TEXTS = frozenset({"", "[]", "{}", "null", "false"})


@dataclass(slots=True)
class Head:
    """A document without its rows: what stands around them, and the paths at which they stand."""

    fields: dict[str, Any] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)


def is_document(text: str, containers: Sequence[str], limits: Limits) -> bool:
    """Whether JSON text is a document with rows in a container (or an answer that says it has none)."""
    if not text.lstrip().startswith("{") or not any(f'"{name}"' in text for name in containers):
        return False
    try:
        return bool(read_head_of(text.encode(), containers, limits).paths)
    except ObjectRejectedError:
        return False


def read_document(text: bytes, origin: dict[str, Any], containers: Sequence[str], limits: Limits) -> Iterator[RawBatch]:
    """Batches of a document that is one record; `origin` is the record's."""
    open_file = surveyed(lambda: io.BytesIO(text), limits)
    position = f"{origin['position']}: " if origin["position"] else ""
    yield from _batches(open_file, origin, position, containers, limits)


def read_document_file(
    open_file: Opener, raw: RawObject, containers: Sequence[str], limits: Limits
) -> Iterator[RawBatch]:
    """Batches of a file that is one document.

    Raises ObjectRejectedError where it is no JSON, is an error answer, or holds no rows that are known.
    """
    open_file = surveyed(open_file, limits)
    with open_file() as file:
        head = _read_head(file, containers, limits)
    envelope = {name: value for name, value in head.fields.items() if is_envelope(name)}
    origin = {"position": "", **origin_of_record(envelope, raw)}
    yield from _batches(open_file, origin, "", containers, limits)


def is_flattened(fields: Mapping[str, Any], containers: Sequence[str]) -> bool:
    """Whether these are the fields of a document whose containers came as JSON text."""
    return any(_is_json_text(fields.get(name)) for name in containers)


def whole_text(fields: Mapping[str, Any]) -> str:
    """The text of a document, its parts that came as JSON text put in as they are.

    What is no JSON in them is seen when the whole is read.
    """
    parts = (
        f"{json.dumps(name)}: {value if _is_json_text(value) else json.dumps(value, default=str)}"
        for name, value in fields.items()
    )
    return "{" + ", ".join(parts) + "}"


def _is_json_text(value: Any) -> bool:
    return isinstance(value, str) and value[:1] + value[-1:] in {"{}", "[]"}


def read_head_of(text: bytes, containers: Sequence[str], limits: Limits) -> Head:
    """All of a document in memory but its rows.

    Raises ObjectRejectedError where it is no JSON.
    """
    with surveyed(lambda: io.BytesIO(text), limits)() as file:
        return _read_head(file, containers, limits)


def check_answer(fields: dict[str, Any]) -> None:
    """Raises ObjectRejectedError where an API answered with an error in the shape of a document."""
    fields = _payload(fields)
    fault = _unless_empty(fields.get("errors")) or _unless_empty(fields.get("error"))
    code = fields.get("statusCode", fields.get("status_code", 0))
    status = fields.get("status")
    bad_status = isinstance(status, str) and status.casefold() in {"error", "ko", "fail", "failed"}
    bad_code = isinstance(code, int | float) and code >= _FIRST_ERROR_STATUS
    if fault or bad_status or bad_code:
        said = fields.get("reason") or fields.get("message") or fault or status or code
        message = f"the source answered with an error instead of data: {str(said)[:_MAX_MESSAGE]!r}"
        raise ObjectRejectedError("source_error", message)


def _unless_empty(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip() in _EMPTY_TEXTS else value


def _payload(fields: dict[str, Any]) -> dict[str, Any]:
    """What stands in Airbyte's envelope, where there is one."""
    for name in PAYLOAD_FIELDS:
        if isinstance(fields.get(name), dict):
            fields = fields[name]
    return fields


def _read_head(file: IO[bytes], containers: Sequence[str], limits: Limits) -> Head:
    return or_rejected(lambda: _head(file, containers, limits))


def _head(file: IO[bytes], containers: Sequence[str], limits: Limits) -> Head:
    head = Head()
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
        if event in STARTS and _is_container(prefix, containers):
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
            raise too_long("what stands around the rows of a document: a record", limits)
        builder.event(event, value)
    head.fields = builder.value if isinstance(builder.value, dict) else {}
    return head


def _batches(
    open_file: Opener, origin: dict[str, Any], position: str, containers: Sequence[str], limits: Limits
) -> Iterator[RawBatch]:
    with open_file() as file:
        head = _read_head(file, containers, limits)
    check_answer(head.fields)
    if not head.paths:
        names = ", ".join(sorted(str(name)[:40] for name in head.fields)[:12])
        raise ObjectRejectedError(
            "unknown_layout", f"a JSON document with none of the known containers of rows; it has: {names}"
        )
    rows = 0
    with open_file() as file:
        items = read_items(
            file,
            lambda prefix: _row_path(prefix, head.paths) is not None,
            lambda prefix, event, value: _refuse_stray(prefix, event, value, head.paths),
        )
        counts: Counter[str] = Counter()
        for chunk in chunks(items):
            rows += len(chunk)
            batch = _batch(chunk, head.paths, counts, origin, position)
            batch.metadata = _payload(head.fields).get(_METADATA)
            yield batch
    if not rows and head.fields.get(_OTHER_ROWS):
        message = f"the rows stand in {_OTHER_ROWS!r} and not where a known network has them"
        raise ObjectRejectedError("unknown_layout", message)


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


def _refuse_stray(prefix: str, event: str, value: Any, paths: Sequence[str]) -> None:
    """No value of a container may be passed over: it may be a row in a shape that is not known."""
    if value is None or event == "map_key" or not prefix.startswith(tuple(f"{path}." for path in paths)):
        return
    if not prefix.startswith(tuple(f"{path}.{_NO_GROUP}." for path in paths)):
        raise ObjectRejectedError("unknown_layout", f"a value where a list of rows belongs: {prefix[:80]!r}")


def _batch(
    chunk: list[Item], paths: Sequence[str], counts: Counter[str], origin: dict[str, Any], position: str
) -> RawBatch:
    """One batch; a column tells which group (station) each row stood under."""
    records, origins, groups, refused = [], [], [], []
    containers = set()
    for item in chunk:
        list_path = item.prefix.removesuffix(".item")
        path = _row_path(item.prefix, paths) or ""
        containers.add(path.rpartition(".")[2])
        place = f"{position}{list_path}[{counts[list_path]}]"
        counts[list_path] += 1
        if item.fault:
            refused.append(refused_record(place, item.fault, item.value))
            continue
        records.append(item.value)
        origins.append({**origin, "position": place})
        groups.append(list_path.removeprefix(path).lstrip(".") or None)
    return RawBatch(
        to_frame(rows_of_records(records)),
        to_frame(pa.Table.from_pylist(origins, schema=ORIGIN_SCHEMA)),
        groups=pa.array(groups, pa.string()),
        containers=frozenset(containers),
        refused=frame_of(refused, REFUSED_SCHEMA),
    )


def _is_container(prefix: str, containers: Sequence[str]) -> bool:
    *wrappers, name = prefix.split(".")
    return name in containers and all(wrapper in PAYLOAD_FIELDS for wrapper in wrappers)
