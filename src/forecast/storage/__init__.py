"""The two kinds of object store, with one interface: a prefix of an S3 bucket, and a local folder.

Keys are relative to the store, and opaque. Reading copies one version of an object to a local file; writing is atomic.
"""

from __future__ import annotations

from pathlib import Path

from forecast.storage.base import ObjectChangedError, Store, digest_of
from forecast.storage.local import LocalStore

__all__ = ["LocalStore", "ObjectChangedError", "Store", "digest_of", "is_on_s3", "lists_in_order", "open_store"]


def is_on_s3(store: Store) -> bool:
    """Whether the objects of a store are on S3."""
    return store.uri.startswith("s3://")


def lists_in_order(store: Store) -> bool:
    """Whether listing only the keys after a given one is cheaper; not so in a folder or a directory bucket."""
    return is_on_s3(store) and "--x-s3/" not in store.uri


def open_store(uri: str, setting: str = "PROCESSED_URI") -> Store:
    """The store at s3://bucket/prefix/ or in a local folder; `setting` is the name of the setting, for messages."""
    if uri.startswith("s3://"):
        from forecast.storage.s3 import S3Store  # noqa: PLC0415  boto3 takes 0.4 s of CPU, which a folder does not need

        return S3Store(uri)
    return LocalStore(Path(uri), setting)
