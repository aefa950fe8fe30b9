"""The interface of all object stores, and what they have in common."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from forecast.core.errors import ForecastError, ObjectDeniedError, RetryableError
from forecast.core.raw_objects import RawObject

# Files are copied in blocks of this many bytes.
BLOCK_BYTES = 1 << 20


class ObjectChangedError(RetryableError):
    """The object is no longer the version that was listed."""


class Store(Protocol):
    """Objects by key, below `uri`; `place` is the same whichever way a folder is named."""

    uri: str
    place: str

    def list(self, prefix: str = "", after: str = "", before: str = "") -> Iterator[RawObject]:
        """All objects in the order of their keys; only those after and before the given keys, if any are given."""
        ...

    def fetch(self, listed: RawObject, target: Path) -> str:
        """Copy the listed version to a local file; the SHA-256 of key and content, as 32 hexadecimal digits.

        Raises RetryableError if the object cannot be read, and ObjectChangedError if it is no longer the listed
        version.
        """
        ...

    def publish(self, source: Path | memoryview, key: str, metadata: Mapping[str, str] | None = None) -> None:
        """Store a local file, or its content, as an object, completely or not at all.

        It replaces an object with the same key.

        The metadata stays with the object if the store can keep it, which a folder cannot.
        """
        ...

    def remove(self, key: str) -> None:
        """Remove an object. When this returns, it is permanently gone, or never existed."""
        ...

    def beside(self) -> tuple[str, Sequence[str]]:
        """For a place that holds nothing: the nearest place above it that holds something, and the names in there.

        Names of what contains more end with a slash. There are no names if nothing is above either.
        """
        ...

    def find(self, key: str) -> RawObject | None:
        """The current version of the object with this key; None if there is none."""
        ...


def digest_of(path: Path, key: str) -> str:
    """What `Store.fetch` returns for an object with this content and key."""
    digest = new_digest(key)
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return hex_digest(digest)


def new_digest(key: str) -> Any:
    """A digest that includes the key: the same table below the prefixes of two stations is two objects."""
    return hashlib.sha256(key.encode() + b"\0")


def hex_digest(digest: Any) -> str:
    """The digest as it is used in names: 32 hexadecimal digits."""
    return str(digest.hexdigest())[:32]


def unreadable(uri: str, error: OSError, target: Path) -> ForecastError:
    """The error for an object that could not be copied to a local file."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return ObjectDeniedError(f"{uri} may not be read by this user ({error.strerror}); change its permissions")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RetryableError(f"{uri} cannot be copied to {target.parent}: {error.strerror}; free some space there")
    return RetryableError(f"{uri} cannot be read: {error.strerror or type(error).__name__}")
