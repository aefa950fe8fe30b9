"""Documents of the collection, and of those that stand next to it, that this program did not write.

They are not searched for, because that would mean reading every document. But if reading the collection fails, the
error names such a document.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pymongo.errors import OperationFailure

from forecast.core.errors import ForecastError, SettingError
from forecast.mongo import days, qc_queue
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection
from forecast.mongo.loader import SCHEMA_FILE

LOGGER = logging.getLogger("forecast.mongo.strangers")
# The server's code for a field that cannot be made a number: those of our own documents can.
_CONVERSION_FAILED: Final = 241
_QUEUED: Final = {"station": {"$type": "string"}, "day": {"$type": "number"}, "runs": {"$type": "array"}}
# What reading relies on in the collections next to the main one, which have no validator.
_BESIDE: Final[Mapping[str, Mapping[str, Any]]] = {
    days.SUFFIX: {"station": {"$type": "string"}, "day": {"$type": "date"}},
    qc_queue.SUFFIX: _QUEUED,
    qc_queue.DATASET_SUFFIX: _QUEUED,
}


@contextmanager
def strangers_named(collection: ObservationCollection) -> Iterator[None]:
    """Raise SettingError naming a document that the validator would refuse, where one is there and this block fails.

    Foreseen faults pass as they are, and so does everything else where all documents are this program's.
    """
    try:
        yield
    except ForecastError as error:
        cause = error.__cause__
        if not (isinstance(cause, OperationFailure) and cause.code == _CONVERSION_FAILED):
            raise
        _name_one(collection, cause)
        raise
    except Exception as error:
        _name_one(collection, error)
        raise


def _name_one(collection: ObservationCollection, error: Exception) -> None:
    ours = json.loads(SCHEMA_FILE.read_text("utf-8"))
    _name_one_of(collection, ours, "src/config/mongodb_schema.json", error)
    for suffix, needed in _BESIDE.items():
        _name_one_of(
            sibling_collection(collection, suffix),
            needed,
            f"lacks one of {', '.join(needed)}, or has it in another type",
            error,
        )


def _name_one_of(collection: ObservationCollection, ours: Mapping[str, Any], why: str, error: Exception) -> None:
    with mongo_errors("looking for documents of another program"):
        stranger = collection.find_one({"$nor": [ours]}, {"_id": 1})
    if stranger is None:
        return
    LOGGER.debug("reading the documents failed", exc_info=error)
    raise SettingError(
        f"the documents of {collection.full_name} cannot be read ({type(error).__name__}), and document "
        f"{stranger['_id']} was not written by this pipeline ({why}). Fix or remove it, or set MONGODB_COLLECTION to "
        "another collection"
    ) from error
