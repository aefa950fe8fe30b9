"""Documents of the collection, and of those that stand next to it, that this program did not write.

They are not searched for, because that would mean reading every document. But if reading the collections fails, the
error names such documents.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from forecast.core.errors import ForecastError, SettingError
from forecast.mongo import dataset_state, days, history, listing_state, lock, qc_queue, state, station_states
from forecast.mongo.client import ObservationCollection, UnexplainedRefusalError, mongo_errors, sibling_collection
from forecast.mongo.loader import SCHEMA_FILE

LOGGER = logging.getLogger("forecast.mongo.strangers")
_TEXT: Final = {"bsonType": "string"}
_TEXT_OR_NULL: Final = {"bsonType": ["string", "null"]}
_NUMBER: Final = {"bsonType": "number"}
_DATE: Final = {"bsonType": "date"}
_OBJECT: Final = {"bsonType": "object"}


def _list_of(**members: Mapping[str, Any]) -> dict[str, Any]:
    return {"bsonType": "array", "items": {"bsonType": "object", "required": sorted(members), "properties": members}}


_TEXTS: Final = {"bsonType": "array", "items": _TEXT}
_QUEUED: Final[tuple[Mapping[str, Any], Mapping[str, Any]]] = ({"station": _TEXT, "day": _NUMBER, "runs": _TEXTS}, {})
# The fields that reading relies on in the other collections, which have no validator: those that every
# document there has, and those that some have.
_BESIDE: Final[Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]] = {
    days.SUFFIX: (
        {"station": _TEXT, "day": _DATE, "expected": _NUMBER, "received": _NUMBER, "parameters": _OBJECT},
        {},
    ),
    qc_queue.SUFFIX: _QUEUED,
    qc_queue.DATASET_SUFFIX: _QUEUED,
    lock.SUFFIX: ({"run_id": _TEXT, "host": _TEXT, "since": _DATE, "expires_at": _DATE}, {}),
    state.SUFFIX: (
        {},
        {
            "in_zone": _list_of(zone=_TEXT, key=_TEXT),
            "files": _list_of(key=_TEXT, digest=_TEXT),
            "counts": _OBJECT,
            "rejected": _OBJECT,
        },
    ),
    history.SUFFIX: ({"run_id": _TEXT, "status": _TEXT, "started_at": _DATE}, {}),
    dataset_state.SUFFIX: (
        {"zone": _TEXT, "format_version": _NUMBER, "phase": _TEXT, "revision": _TEXT_OR_NULL, "writing": _TEXT_OR_NULL},
        {},
    ),
    listing_state.SUFFIX: (
        {"full_at": _DATE, "ranges": _list_of(first=_TEXT, last=_TEXT, objects=_NUMBER, newest=_DATE)},
        {},
    ),
    station_states.SUFFIX: ({}, {"state": _TEXT, "since": _DATE, "months": _OBJECT, "count": _NUMBER}),
}


@contextmanager
def strangers_named(collection: ObservationCollection) -> Iterator[None]:
    """If the block fails and there are documents that this program did not write, raise SettingError that names them.

    ForecastErrors are passed on, and so are other errors if all documents are this program's.
    """
    try:
        yield
    except UnexplainedRefusalError as error:
        _name_them(collection, error)
        raise
    except (ForecastError, OSError):
        raise
    except Exception as error:
        _name_them(collection, error)
        raise


def _name_them(collection: ObservationCollection, error: Exception) -> None:
    ours = json.loads(SCHEMA_FILE.read_text("utf-8"))
    found = [_stranger(collection, ours, "src/config/mongodb_schema.json", error)]
    for suffix, (all_have, some_have) in _BESIDE.items():
        schema: dict[str, Any] = {"properties": {**all_have, **some_have}}
        why = f"has one of {', '.join(some_have)} in another type"
        if all_have:
            schema["required"] = list(all_have)
            why = f"lacks one of {', '.join(all_have)}, or has it in another type"
        found.append(_stranger(sibling_collection(collection, suffix), {"$jsonSchema": schema}, why, error))
    if messages := [message for message in found if message is not None]:
        LOGGER.debug("reading the documents failed", exc_info=error)
        raise SettingError(*messages) from error


def _stranger(collection: ObservationCollection, ours: Mapping[str, Any], why: str, error: Exception) -> str | None:
    """What is wrong with one document of a collection that is not as ours are; None where all are."""
    with mongo_errors("looking for documents of another program"):
        stranger = collection.find_one({"$nor": [ours]}, {"_id": 1})
    if stranger is None:
        return None
    kind = type(error.__cause__ if isinstance(error, UnexplainedRefusalError) else error).__name__
    return (
        f"the documents of {collection.full_name} cannot be read ({kind}), and document "
        f"{stranger['_id']} was not written by this pipeline ({why}). Fix or remove it, or set MONGODB_COLLECTION to "
        "another collection"
    )
