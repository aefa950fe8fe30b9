"""The records already written: a short digest of each, for the days that are still read again."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Final

import xxhash

# 12 bytes per record: a station with five-minute data has 4.6 kB per day in the state. Two records of a day whose
# identities have the same 4 bytes (once in 100 000 days of 288 records) are written again each time, and never lost.
_IDENTITY_BYTES: Final = 4
_CONTENT_BYTES: Final = 8
_BYTES: Final = _IDENTITY_BYTES + _CONTENT_BYTES

Fingerprints = dict[bytes, bytes]


class DayFingerprints:
    """The fingerprints of one station and day, while its records arrive."""

    def __init__(self, before: str) -> None:
        """`before` are the packed fingerprints of the day's previous reading. Raises ValueError if they are damaged."""
        self._before = unpacked(before)
        self._seen: set[bytes] = set()
        self._times: Counter[str] = Counter()
        self._now = dict(self._before)

    def is_new(self, identity: str, content: str) -> bool:
        """Whether a record is new or has changed. Several with the same identity are distinguished by their order."""
        self._times[identity] += 1
        name = xxhash.xxh3_64_digest(f"{identity}\0{self._times[identity]}".encode())[:_IDENTITY_BYTES]
        digest = xxhash.xxh3_64_digest(content.encode())
        self._seen.add(name)
        new = self._now.get(name) != digest
        self._now[name] = digest
        return new

    @property
    def packed(self) -> str:
        """All fingerprints in packed form."""
        return packed(self._now)

    @property
    def vanished(self) -> int:
        """The number of earlier records that were not returned again; they stay known."""
        return len(self._before.keys() - self._seen)


def packed(fingerprints: Fingerprints) -> str:
    """Fingerprints as text."""
    return base64.b64encode(b"".join(name + digest for name, digest in sorted(fingerprints.items()))).decode()


def checked(text: str) -> str:
    """The text of packed fingerprints. Raises ValueError if it is invalid."""
    unpacked(text)
    return text


def unpacked(text: str) -> Fingerprints:
    """Fingerprints from their text. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if len(data) % _BYTES:
        raise ValueError("incomplete")
    entries = (data[at : at + _BYTES] for at in range(0, len(data), _BYTES))
    return {entry[:_IDENTITY_BYTES]: entry[_IDENTITY_BYTES:] for entry in entries}
