"""Airbyte's envelope, understood by its shape; none of it reaches the model but as the origin of a row.

Metadata of before and after destination version 1.0; payload nested (as an object or as JSON text) or flattened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.errors import ObjectRejectedError
from forecast.extract.records import BadRecordError, read_record
from forecast.observations import ORIGIN_SCHEMA, UTC_TIME, RawObject

PAYLOAD_FIELDS = ("_airbyte_data", "raw_data")
_EXTRACTED = ("_airbyte_extracted_at", "_airbyte_emitted_at")
_GENERATION = "_airbyte_generation_id"
_META = "_airbyte_meta"
_MAX_COUNTER = 2**63
_LAST_MS = 253_402_300_799_999  # the end of year 9999
_ENVELOPE_PREFIXES = ("_airbyte_", "_ab_")


def is_envelope(name: str) -> bool:
    """Whether a field is Airbyte's and not the source's."""
    return name.startswith(_ENVELOPE_PREFIXES) and name not in PAYLOAD_FIELDS


def unwrap_record(record: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record's payload and its envelope; JSON text where an object belongs is read as one.

    Raises BadRecordError where the payload is no object.
    """
    if not isinstance(record, Mapping):
        raise BadRecordError("not a JSON object")
    envelope = {name: value for name, value in record.items() if is_envelope(name)}
    payload: Any = record
    for field in PAYLOAD_FIELDS:
        if isinstance(payload, Mapping) and field in payload:
            payload = payload[field]
            payload = read_record(payload.encode()) if isinstance(payload, str) else payload
    if payload is None:
        payload = {}
    if not isinstance(payload, Mapping):
        raise BadRecordError("the payload is no object")
    return {name: value for name, value in payload.items() if not is_envelope(name)}, envelope


def origin_of_record(envelope: Mapping[str, Any], raw: RawObject) -> dict[str, Any]:
    """Origin of one record (ORIGIN_SCHEMA without its position)."""
    stamp = next((envelope[name] for name in _EXTRACTED if envelope.get(name) is not None), None)
    meta = _parsed(envelope.get(_META))
    changes = meta.get("changes") if isinstance(meta, dict) else None
    return {
        "extracted_at": raw.last_modified if stamp is None else _instant(stamp),
        "generation_id": _counter(envelope.get(_GENERATION)),
        "sync_id": _counter(meta.get("sync_id")) if isinstance(meta, dict) else 0,
        "changes": json.dumps(changes) if changes else None,
    }


def origin_of_records(envelopes: Sequence[Mapping[str, Any]], positions: Sequence[str], raw: RawObject) -> pa.Table:
    """Origins of records (ORIGIN_SCHEMA), from their envelopes."""
    rows = [
        {"position": position, **origin_of_record(envelope, raw)}
        for envelope, position in zip(envelopes, positions, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=ORIGIN_SCHEMA)


def origin_of_table(table: pa.Table, positions: pa.Array, raw: RawObject) -> pa.Table:
    """Origin of a table's rows; the table still has its envelope."""
    size = table.num_rows
    names = set(table.column_names)
    stamp = next((name for name in _EXTRACTED if name in names), None)
    sync, changes = _meta_columns(_flat(table[_META])) if _META in names else (None, None)
    return pa.table(
        {
            "position": positions,
            "extracted_at": _instants(_flat(table[stamp]), raw)
            if stamp
            else _repeat(raw.last_modified, UTC_TIME, size),
            "generation_id": _integers(_flat(table[_GENERATION]))
            if _GENERATION in names
            else _repeat(0, pa.int64(), size),
            "sync_id": _repeat(0, pa.int64(), size) if sync is None else _integers(sync),
            "changes": pa.nulls(size, pa.string()) if changes is None else changes,
        },
        schema=ORIGIN_SCHEMA,
    )


def _meta_columns(meta: pa.Array) -> tuple[pa.Array, pa.Array]:
    """sync_id, and changes as JSON text where there are any."""
    if pa.types.is_list(meta.type):
        return pa.nulls(len(meta), pa.int64()), pa.nulls(len(meta), pa.string())
    if not pa.types.is_struct(meta.type):
        parsed = [_parsed(text) for text in meta.dictionary_encode().dictionary.to_pylist()] if len(meta) else []
        encoded = meta.dictionary_encode()
        distinct = pa.array(
            [
                {
                    "sync_id": _counter(entry.get("sync_id")),
                    "changes": json.dumps(entry["changes"]) if entry.get("changes") else None,
                }
                if isinstance(entry, dict)
                else None
                for entry in parsed
            ],
            pa.struct([("sync_id", pa.int64()), ("changes", pa.string())]),
        )
        rows = distinct.take(encoded.indices)
        return pc.struct_field(rows, "sync_id"), pc.struct_field(rows, "changes")
    names = [field.name for field in meta.type]
    sync = pc.struct_field(meta, "sync_id") if "sync_id" in names else pa.nulls(len(meta), pa.int64())
    changes = pc.struct_field(meta, "changes") if "changes" in names else None
    if changes is None or not pa.types.is_list(changes.type):
        return sync, pa.nulls(len(meta), pa.string())
    if (pc.max(pc.list_value_length(changes)).as_py() or 0) == 0:
        return sync, pa.nulls(len(meta), pa.string())
    return sync, pa.array([json.dumps(entry) if entry else None for entry in changes.to_pylist()], pa.string())


def _parsed(meta: Any) -> Any:
    if not isinstance(meta, str):
        return meta
    try:
        return read_record(meta.encode())
    except BadRecordError:
        return None


def _counter(value: Any) -> int:
    try:
        number = int(value or 0)
        if isinstance(value, float) and value != number:
            number = -1
    except (ValueError, TypeError, OverflowError):
        number = -1
    if not 0 <= number < _MAX_COUNTER:
        raise ObjectRejectedError("bad_envelope", f"an Airbyte counter is no whole number ({str(value)[:40]!r})")
    return number


def _integers(cells: pa.Array) -> pa.Array:
    try:
        numbers = pc.fill_null(cells.cast(pa.int64()), 0)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ObjectRejectedError("bad_envelope", f"an Airbyte counter is no whole number ({error})") from error
    lowest = pc.min(numbers).as_py() or 0
    if lowest < 0:
        raise ObjectRejectedError("bad_envelope", f"an Airbyte counter is no whole number ('{lowest}')")
    return numbers


def _instants(cells: pa.Array, raw: RawObject) -> pa.Array:
    """Epoch milliseconds, timestamps (UTC where they have no zone) or ISO text."""
    if pa.types.is_null(cells.type):
        return _repeat(raw.last_modified, UTC_TIME, len(cells))
    missing = cells.null_count
    if pa.types.is_string(cells.type):
        if pc.all(pc.string_is_ascii(cells)).as_py() and pc.all(pc.match_substring_regex(cells, "^[0-9]+$")).as_py():
            cells = cells.cast(pa.int64())
        else:
            stamps = pd.to_datetime(cells.to_pandas(), utc=True, errors="coerce", format="ISO8601")
            cells = pa.array(stamps).cast(UTC_TIME, safe=False)
    if pa.types.is_floating(cells.type):
        cells = cells.cast(pa.int64(), safe=False)
    if pa.types.is_integer(cells.type):
        cells = cells.cast(pa.int64())
        cells = cells.cast(pa.timestamp("ms"))
    if not pa.types.is_timestamp(cells.type):
        raise ObjectRejectedError("bad_envelope", f"Airbyte's time of extraction is a {cells.type}")
    stamps = cells.cast(pa.timestamp("ms", tz=cells.type.tz), safe=False)
    stamps = stamps.cast(UTC_TIME) if cells.type.tz else pc.assume_timezone(stamps, "UTC")
    numbers = stamps.cast(pa.int64())
    if stamps.null_count > missing or (pc.max(numbers).as_py() or 0) > _LAST_MS or (pc.min(numbers).as_py() or 0) < 0:
        raise ObjectRejectedError("bad_envelope", "Airbyte's time of extraction is no time")
    return pc.fill_null(stamps, pa.scalar(raw.last_modified, UTC_TIME))


def _instant(stamp: Any) -> datetime:
    try:
        if isinstance(stamp, int | float) or (isinstance(stamp, str) and stamp.isdigit()):
            return datetime.fromtimestamp(int(stamp) / 1000, tz=UTC)
        read = datetime.fromisoformat(str(stamp))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = f"Airbyte's time of extraction is {str(stamp)[:40]!r}"
        raise ObjectRejectedError("bad_envelope", message) from error


def _flat(column: pa.ChunkedArray) -> pa.Array:
    cells = column.combine_chunks()
    if isinstance(cells, pa.ChunkedArray):
        cells = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)
    return cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells


def _repeat(value: Any, kind: pa.DataType, size: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), size)
