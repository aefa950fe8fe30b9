"""Lists the raw zone without the keys that cannot be new.

Airbyte names objects after the start of their sync, so that new objects come after the old ones of their stream. If
a long series of them has been processed, the next runs start listing after it. An object that is added or replaced in
it later is found by the next listing of all keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from forecast.core.raw_objects import RawObject
from forecast.extract.listing import sync_start
from forecast.mongo.listing_state import ListedRange
from forecast.storage import Store

# A sync that takes longer, or an object that is added later, is found by the next listing of all keys.
LOOKBACK: Final = timedelta(days=7)
FULL_EVERY: Final = timedelta(days=7)
# A page of an S3 listing; this many objects are looked up at a time.
PAGE: Final = 1_000
# Skipping a range takes a request, 4.4 ms of CPU; listing and looking up a key takes about 40 us.
LEAST: Final = 250


def listed(store: Store, ranges: Sequence[ListedRange]) -> Iterator[RawObject | ListedRange]:
    """All objects in the order of their keys, with each range in place of its objects."""
    after = ""
    for known in ranges:
        yield from store.list(after=after, before=known.first)
        yield known
        after = known.last
    yield from store.list(after=after)


@dataclass(slots=True)
class RangeBuilder:
    """Finds the ranges of a listing while it is being read: call `see` with every key, in order."""

    now: datetime
    least: int = LEAST
    _found: list[ListedRange] = field(default_factory=list)
    _open: ListedRange | None = None

    def see(self, raw: RawObject, *, processed: bool) -> None:
        """Add an object; `processed` means that it will not be processed again unless it changes."""
        start = sync_start(raw)
        if not processed or start is None or start > self.now - LOOKBACK:
            self.close()
        else:
            self._extend(ListedRange(raw.key, raw.key, 1, raw.last_modified))

    def pass_over(self, known: ListedRange) -> None:
        """Add a range that was not listed."""
        self._extend(known)

    def ranges(self) -> list[ListedRange]:
        """The ranges that are long enough; call it after the last key."""
        self.close()
        return self._found

    def _extend(self, more: ListedRange) -> None:
        if self._open is None or _folder(self._open.first) != _folder(more.first):
            self.close()
            self._open = more
        else:
            newest = max(self._open.newest, more.newest)
            self._open = replace(self._open, last=more.last, objects=self._open.objects + more.objects, newest=newest)

    def close(self) -> None:
        """End the current range: the next key does not belong to it."""
        if self._open is not None and self._open.objects >= self.least:
            self._found.append(self._open)
        self._open = None


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
