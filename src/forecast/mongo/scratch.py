"""Collections next to the real one that a load test fills and drops again."""

from __future__ import annotations

from typing import Final

from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

_SUFFIX: Final = "_load_test"


def scratch_of(collection: ObservationCollection) -> ObservationCollection:
    """The collection whose name, and that of all that belongs to it, begins with the real one's and `_load_test`."""
    return sibling_collection(collection, _SUFFIX)


def number_of(scratch: ObservationCollection) -> int:
    """How many documents it holds."""
    with mongo_errors("counting the documents of the load test"):
        return scratch.estimated_document_count()


def drop_scratch(scratch: ObservationCollection) -> None:
    """Drop it and what belongs to it."""
    with mongo_errors("dropping the collections of the load test"):
        for name in scratch.database.list_collection_names():
            if name == scratch.name or name.startswith(f"{scratch.name}_"):
                scratch.database.drop_collection(name)
