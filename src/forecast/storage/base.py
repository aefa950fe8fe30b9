"""The interface of all object stores, and what they have in common."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from forecast.core.errors import ForecastError, ObjectDeniedError, RetryableError
from forecast.core.raw_objects import RawObject

# Files are copied in pieces of this many bytes.
BLOCK_BYTES = 1 << 20


class ObjectChangedError(RetryableError):
    """The object is no longer the version that was listed."""


class Store(Protocol):
    """Objects by key, below `uri`; `place` is the same whichever way a folder was named."""

    uri: str
    place: str

    def list(self, prefix: str = "", after: str = "", before: str = "") -> Iterator[RawObject]:
        """All objects, in the order of their keys; those between two keys, or before or after one, where given."""
        ...

    def fetch(self, listed: RawObject, target: Path) -> str:
        """Copy the listed version to a local file; returns the SHA-256 of key and content, as 32 hexadecimal digits.

        Raises RetryableError where this object cannot be read, and ObjectChangedError where it is another one by now.
        """
        ...

    def publish(self, source: Path, key: str, metadata: Mapping[str, str] | None = None) -> None:
        """Make a local file an object, whole or not at all; an object of that key is replaced.

        The metadata stays with the object where the place has a place for it, which a folder has not.
        """
        ...

    def remove(self, key: str) -> None:
        """Take an object away; it is gone for good when this returns, also where there was none."""
        ...

    def beside(self) -> tuple[str, Sequence[str]]:
        """What there is where nothing of this place is: the nearest place above it that holds something, and names.

        Names of what holds more end with a slash. No name where nothing is above either.
        """
        ...

    def find(self, key: str) -> RawObject | None:
        """The current version of the object with this key; None if there is none."""
        ...


def digest_of(path: Path, key: str) -> str:
    """What `Store.fetch` gives for an object of this content and key."""
    digest = new_digest(key)
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return hex_digest(digest)


def new_digest(key: str) -> Any:
    """The key is part of it: the same table below two stations' prefixes is two objects."""
    return hashlib.sha256(key.encode() + b"\0")


def hex_digest(digest: Any) -> str:
    """The digest as it is in names: 32 hexadecimal digits."""
    return str(digest.hexdigest())[:32]


def unreadable(uri: str, error: OSError, target: Path) -> ForecastError:
    """The words for an object that could not be copied to a local file."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return ObjectDeniedError(f"{uri} may not be read by this user ({error.strerror}); change its permissions")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RetryableError(f"{uri} cannot be copied to {target.parent}: {error.strerror}; free some space there")
    return RetryableError(f"{uri} cannot be read: {error.strerror or type(error).__name__}")
