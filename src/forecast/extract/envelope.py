"""Airbyte's envelope, recognised by its structure. Later stages only see it as the origin of a row.

The metadata can be from before or after destination version 1.0, the payload nested (an object or JSON text) or flat.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pyarrow as pa

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import ORIGIN_SCHEMA
from forecast.extract.fields import marks_deletion
from forecast.extract.json.lines import BadRecordError, read_record

PAYLOAD_FIELDS: Final = ("_airbyte_data", "raw_data")
EXTRACTED: Final = ("_airbyte_extracted_at", "_airbyte_emitted_at")
# In Airbyte's Avro and Parquet: the fields of the source that its schema has no column for.
MORE_FIELDS: Final = "_airbyte_additional_properties"
GENERATION: Final = "_airbyte_generation_id"
META: Final = "_airbyte_meta"
CHANGES, ERRORS = "changes", "errors"
# JSON numbers are exact up to here. Airbyte counts syncs and refreshes, and even numbers from a clock in microseconds
# stay below it.
MAX_COUNTER: Final = 2**53
LAST_MS: Final = 253_402_300_799_999  # the end of year 9999
# A payload that is blank, or JSON's null.
NOTHING: Final = ("", "null")
_ENVELOPE_PREFIXES = ("_airbyte_", "_ab_")
# The prefix that a flattening tool gives to a field of the payload ("_airbyte_data.metric.temp"). The
# hash of a stream named "data" is not such a prefix.
_FLATTENED: Final = re.compile(r"_airbyte_data(?:[./:|-]|_{1,3})(?!_|hashid$)(?=.)")
# Fields about the delivery next to a payload of this name, which say nothing about its rows.
_DELIVERY: Final = {"raw_data": "id"}
_MAX_DIGITS: Final = 15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SHOWN: Final = 40
_FIELD: Final = re.compile(r"`([^`]+)`")
_EMPTY_TEXTS: Final = frozenset({"", "[]"})


class Unwrapped(NamedTuple):
    """A record's payload, its envelope, and the fields next to payloads, the innermost first."""

    payload: dict[str, Any]
    envelope: dict[str, Any]
    beside: list[dict[str, Any]]


def is_envelope(name: str) -> bool:
    """Whether a field is Airbyte's and not the source's, and says nothing about the row."""
    if not name.startswith(_ENVELOPE_PREFIXES) or name in PAYLOAD_FIELDS or name == MORE_FIELDS or marks_deletion(name):
        return False
    return _FLATTENED.match(name) is None


def in_lower_case(name: str) -> str:
    """A field of the envelope in Airbyte's spelling: databases write unquoted names in capitals."""
    small = name.lower()
    return small if small.startswith(_ENVELOPE_PREFIXES) or small in PAYLOAD_FIELDS else name


def fields_in_lower_case(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record with its envelope in Airbyte's spelling, unless two fields would become one."""
    names = [in_lower_case(name) for name in record]
    if names == list(record) or len(set(names)) < len(names):
        return record
    return dict(zip(names, record.values(), strict=True))


def own_names(names: Sequence[str]) -> list[str]:
    """The source's names of fields whose payload a tool may have flattened; no two get the same name."""
    own = [name[found.end() :] if (found := _FLATTENED.match(name)) else name for name in names]
    count = Counter(own)
    return [short if count[short] == 1 else name for short, name in zip(own, names, strict=True)]


def is_sources_own(name: str, payload: str | None = None) -> bool:
    """Whether a field is the source's own; `payload` is the payload field next to it, if there is one."""
    return name != payload and not is_envelope(name) and (payload is None or name != _DELIVERY.get(payload))


def unwrap_record(record: Any) -> Unwrapped:
    """A record's payload, its envelope, and the fields next to them; JSON text in place of an object is parsed.

    Raises BadRecordError if the payload is not an object.
    """
    if not isinstance(record, Mapping):
        raise BadRecordError("not a JSON object")
    record = fields_in_lower_case(record)
    envelope = {name: value for name, value in record.items() if is_envelope(name)}
    payload: Any = record
    beside: list[dict[str, Any]] = []
    for field in PAYLOAD_FIELDS:
        if isinstance(payload, Mapping) and field in payload:
            beside.insert(0, _sources_own(payload, field))
            payload = payload[field]
            if isinstance(payload, str):
                payload = None if payload.strip() in NOTHING else read_record(payload.encode())
    if payload is None:
        payload = {}
    if not isinstance(payload, Mapping):
        raise BadRecordError("the payload is not an object")
    return Unwrapped(_sources_own(payload), envelope, beside)


def beside_payload(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields next to a payload, and next to what contains it, the innermost first."""
    beside: list[dict[str, Any]] = []
    for field in PAYLOAD_FIELDS:
        if field in fields:
            beside.insert(0, _sources_own(fields, field))
            if not isinstance(fields[field], Mapping):
                break
            fields = fields[field]
    return beside


def _sources_own(fields: Mapping[str, Any], payload: str | None = None) -> dict[str, Any]:
    own = {name: value for name, value in fields.items() if is_sources_own(name, payload)}
    return dict(zip(own_names(list(own)), own.values(), strict=True))


def origin_of_record(envelope: Mapping[str, Any], raw: RawObject) -> dict[str, Any]:
    """Origin of one record (ORIGIN_SCHEMA without its position).

    Raises ObjectRejectedError that names what the envelope has in place of a time, a counter or an object.
    """
    stamps = (read_instant(envelope.get(name)) for name in EXTRACTED)
    stamp = next((stamp for stamp in stamps if stamp is not None), None)
    meta = read_meta(envelope.get(META))
    return {
        "extracted_at": raw.last_modified if stamp is None else _EPOCH + stamp * _MILLISECOND,
        "generation_id": read_counter(envelope.get(GENERATION)),
        "sync_id": read_counter(meta.get("sync_id")),
        "changes": lost_of(meta),
    }


def origin_of_records(envelopes: Sequence[Mapping[str, Any]], positions: Sequence[str], raw: RawObject) -> pa.Table:
    """Origins of records (ORIGIN_SCHEMA), from their envelopes."""
    rows = [
        {"position": position, **origin_of_record(envelope, raw)}
        for envelope, position in zip(envelopes, positions, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=ORIGIN_SCHEMA)


def read_instant(stamp: Any) -> int | None:
    """A time of extraction in milliseconds since 1970 in UTC; None if there is none.

    It can be a number of milliseconds, ISO text, or a time; without a zone, it is in UTC.

    Raises ObjectRejectedError if it is not a time between 1970 and 9999.
    """
    stamp = _decoded(stamp, "time of extraction")
    if stamp is None or stamp == "":
        return None
    try:
        milliseconds = _milliseconds(stamp)
    except (ValueError, OverflowError, ArithmeticError):
        milliseconds = -1
    if not 0 <= milliseconds <= LAST_MS:
        raise bad_envelope("time of extraction", "not a time", stamp)
    return milliseconds


def read_counter(value: Any) -> int:
    """A generation id or sync id; 0 if there is none.

    Raises ObjectRejectedError if it is not a whole number, or too large for any counter.
    """
    value = _decoded(value, GENERATION)
    if value is None or value == "":
        return 0
    try:
        number = -1 if isinstance(value, bool) or len(str(value)) > _SHOWN else int(value)
        if not isinstance(value, str) and value != number:
            number = -1
    except (ValueError, TypeError, ArithmeticError):
        number = -1
    if not 0 <= number < MAX_COUNTER:
        raise bad_counter(value)
    return number


def read_meta(meta: Any) -> dict[str, Any]:
    """`_airbyte_meta` as an object; it may be JSON text. Empty if there is none.

    Raises ObjectRejectedError if it is anything else.
    """
    found = _decoded(meta, META)
    if isinstance(found, str) and found.strip() in _EMPTY_TEXTS:
        return {}
    if isinstance(found, str):
        try:
            found = read_record(found.encode("utf-8", "surrogatepass"))
        except BadRecordError as error:
            raise bad_envelope(META, f"not an object ({error})", meta) from error
    if found is None or found == []:
        return {}
    if not isinstance(found, dict):
        raise bad_envelope(META, "not an object", meta)
    return found


def lost_of(meta: Mapping[str, Any]) -> str | None:
    """What `_airbyte_meta` says was lost in transfer, in the form of `changes_text`.

    Older versions have `errors` instead of `changes`: texts that name a field, such as "Problem with `Pressure`".
    """
    changes, errors = meta.get(CHANGES), meta.get(ERRORS)
    if not isinstance(errors, list) or not errors:
        return changes_text(changes)
    messages = [str(_decoded(error, META)) for error in errors]
    entries = [
        {"field": field, "change": "NULLED", "reason": text}
        for text in messages
        for field in _FIELD.findall(text) or [""]
    ]
    return changes_text([*(changes if isinstance(changes, list) else []), *entries])


def changes_text(changes: Any) -> str | None:
    """Airbyte's list of values lost in transfer, as JSON text; None if it is empty.

    Raises ObjectRejectedError if it contains bytes that are not text.
    """
    changes = _decoded(changes, META)
    if not changes:
        return None
    try:
        return json.dumps(changes, default=_text_of_bytes)
    except TypeError as error:
        raise bad_envelope(META, "not a list of changes", changes) from error


def bad_envelope(part: str, fault: str, found: object) -> ObjectRejectedError:
    """The rejection of an object with an envelope in which this part is something else."""
    text = found if isinstance(found, str) else str(found)
    return ObjectRejectedError("bad_envelope", f"Airbyte's {part} is {fault}: {text[:_SHOWN]!r}")


def bad_counter(found: object) -> ObjectRejectedError:
    """The rejection of an object with something else in place of a counter."""
    message = f"an Airbyte counter is not a whole number ({str(found)[:_SHOWN]!r}; expected one from 0 to 2^53)"
    return ObjectRejectedError("bad_envelope", message)


def _milliseconds(stamp: Any) -> int:
    if isinstance(stamp, bool):
        return -1
    if isinstance(stamp, int | float | Decimal):
        return int(stamp)
    if isinstance(stamp, str) and stamp.isascii() and stamp.isdigit():
        return int(stamp) if len(stamp) <= _MAX_DIGITS else -1
    read = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(str(stamp))
    read = read.replace(tzinfo=UTC) if read.tzinfo is None else read
    return (read - _EPOCH) // _MILLISECOND


def _decoded(value: Any, part: str) -> Any:
    """Bytes decoded to text; any other value unchanged."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_envelope(part, "not text", value) from error


def _text_of_bytes(value: object) -> str:
    """Called by `json.dumps` for values that JSON does not have."""
    if not isinstance(value, bytes):
        raise TypeError
    return str(_decoded(value, META))
