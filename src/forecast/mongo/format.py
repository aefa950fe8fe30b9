"""Rejects collections of another format version, which this program neither reads nor writes."""

from __future__ import annotations

from typing import Final

from forecast.core.errors import SettingError
from forecast.core.format_version import FORMAT_VERSION
from forecast.mongo.client import ObservationCollection, mongo_errors

# Documents without a version are from before it was introduced.
_UNNUMBERED: Final = 1


def check_format(collection: ObservationCollection) -> None:
    """Raise SettingError if a collection holds documents of another format version.

    Only one document is examined: this is checked before every write, so a collection never holds two versions.
    """
    with mongo_errors("reading the format version"):
        found = collection.find_one({}, {"metadata.digest": 1, "metadata.format_version": 1}) or {}
    metadata = found.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("digest"), str):
        return  # empty, or another program's, which is reported when it is read
    version = metadata.get("format_version", _UNNUMBERED)
    if version != FORMAT_VERSION:
        raise SettingError(
            f"the documents of {collection.full_name} are of format version {version}, and this program reads and "
            f"writes {FORMAT_VERSION}. Set MONGODB_DATABASE or MONGODB_COLLECTION to a new name and run the pipeline, "
            "which fills it from the raw zone; or use the version of the program that wrote them"
        )
