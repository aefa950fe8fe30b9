"""Rate limits of a key: calls per minute and per 24 hours, across all runs and processes that share it.

A call is counted before it is made, in a document next to the state, which is written conditionally. A process killed
between the two loses a call, but no call is made that was not counted.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any, Final

from forecast.core.errors import SettingError
from forecast.ingest.clock import Clock
from forecast.ingest.faults import QuotaReachedError
from forecast.ingest.secret import Key
from forecast.networks.source import Source
from forecast.storage.documents import DocumentChangedError, Documents

_MINUTE: Final = 60
_DAY: Final = 86_400
_FORMAT: Final = 2


class Pace:
    """The calls of one key to one network.

    A day is any 24 hours: the networks do not document when theirs begins, and this is the strictest reading.
    """

    def __init__(self, fetch: Source, key: Key, documents: Documents, clock: Clock) -> None:
        self._interval = _MINUTE / fetch.per_minute
        self._per_day = fetch.per_day
        self._documents = documents
        self._clock = clock
        # This does not reveal the key, which is too long to be guessed.
        self.name = f"quota-{fetch.quota or fetch.source}-{hashlib.sha256(key.reveal().encode()).hexdigest()[:16]}.json"
        self._writer = secrets.token_hex(6)

    def take(self) -> None:
        """Count a call and wait until it may be made. Raises QuotaReachedError if none is left."""
        while True:
            found = self._documents.read(self.name)
            ledger = _parsed(found.content, self._documents.uri + self.name) if found else _new()
            at = max(self._clock.now(), ledger["next"])
            calls = _recent(ledger["calls"], at)
            if sum(calls.values()) >= self._per_day:
                raise QuotaReachedError(self._per_day, min(map(int, calls)) + _MINUTE + _DAY)
            minute = str(int(at // _MINUTE) * _MINUTE)
            calls[minute] = calls.get(minute, 0) + 1
            ledger |= {"calls": calls, "next": at + self._interval, "by": self._writer, "count": ledger["count"] + 1}
            try:
                self._documents.write(self.name, json.dumps(ledger).encode(), found.version if found else None)
            except DocumentChangedError:
                continue  # another process has counted a call in the meantime
            break
        if (pause := at - self._clock.now()) > 0:
            self._clock.wait(pause)

    def left(self) -> int:
        """How many calls are left in the quota of the last 24 hours."""
        found = self._documents.read(self.name)
        used = _recent(_parsed(found.content, self.name)["calls"], self._clock.now()) if found else {}
        return max(0, self._per_day - sum(used.values()))


def _new() -> dict[str, Any]:
    return {"format_version": _FORMAT, "calls": {}, "next": 0.0, "count": 0}


def _recent(calls: dict[str, int], at: float) -> dict[str, int]:
    """The counts by minute that may be from the last 24 hours."""
    return {minute: count for minute, count in calls.items() if int(minute) + _MINUTE + _DAY > at}


def _parsed(content: bytes, uri: str) -> dict[str, Any]:
    try:
        ledger = json.loads(content)
        if ledger["format_version"] == _FORMAT and ledger["calls"].keys() is not None:
            return dict(ledger)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise SettingError(f"{uri} was not written by this program; remove it if no calls were made in the last 24 hours")
