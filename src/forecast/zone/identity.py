"""The identity of the dataset: its database, its version, and the run that last wrote it.

It only exists while the dataset is complete: it is removed before the dataset is rewritten, and written last.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from forecast.core.dataset import DATASET_VERSION
from forecast.core.errors import RetryableError, SettingError
from forecast.storage import ObjectChangedError, Store
from forecast.zone.dataset import CURRENT
from forecast.zone.newest import fetch_newest

IDENTITY: Final = f"{CURRENT}_dataset.json"


@dataclass(frozen=True, slots=True)
class Identity:
    """`collection` is the database and the collection, `revision` the run that last changed the dataset."""

    collection: str
    revision: str
    written_at: str
    format_version: int = DATASET_VERSION


def read_identity(store: Store, folder: Path) -> Identity | None:
    """The identity of the dataset in a zone; None if there is no complete one that this version can read."""
    listed = store.find(IDENTITY)
    if listed is None:
        return None
    copy = folder / "identity.json"
    try:
        fetch_newest(store, listed, copy)
    except ObjectChangedError:
        return None
    try:
        found = Identity(**json.loads(copy.read_text("utf-8")))
    except (ValueError, TypeError):
        return None
    finally:
        copy.unlink()
    return found


def write_identity(identity: Identity, store: Store, folder: Path) -> None:
    """Mark the dataset as complete."""
    path = folder / "identity.json"
    path.write_text(json.dumps(asdict(identity), indent=2), "utf-8")
    store.publish(path, IDENTITY)
    path.unlink()


def require_dataset(store: Store, folder: Path) -> Identity:
    """The identity of a zone's dataset.

    Raises RetryableError if there is none, or it is being written; SettingError if this version of the program cannot
    read it.
    """
    identity = read_identity(store, folder)
    if identity is None:
        raise RetryableError(
            f"{store.uri} has no complete dataset ({IDENTITY} is missing), which is written at the end of a run. "
            "Run `forecast run`, or read from MongoDB"
        )
    if identity.format_version != DATASET_VERSION:
        raise SettingError(
            f"the dataset in {store.uri} has version {identity.format_version}, and this program reads version "
            f"{DATASET_VERSION}; use the version of the program that wrote it"
        )
    return identity
