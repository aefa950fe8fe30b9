"""Reads files of the processed zone that runs replace whole: a run that lost its lease may do so at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from forecast.core.raw_objects import RawObject
from forecast.storage import ObjectChangedError, Store

# A run replaces a file of a day at most twice.
_ATTEMPTS: Final = 5


def fetch_newest(store: Store, listed: RawObject, target: Path) -> str:
    """Copy a file to `target` and return its digest; if it is no longer the listed version, the one that is there now.

    Raises ObjectChangedError if it was removed.
    """
    for _ in range(_ATTEMPTS):
        try:
            return store.fetch(listed, target)
        except ObjectChangedError:
            newest = store.find(listed.key)
            if newest is None:
                raise
            listed = newest
    return store.fetch(listed, target)
