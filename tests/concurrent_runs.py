"""A writer who is quicker than ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from forecast.mongo.client import ObservationCollection


class _WithConcurrentRun:
    """A collection where somebody else writes just before our first writes."""

    def __init__(self, collection: ObservationCollection, other: Callable[[], object], times: int) -> None:
        self._collection = collection
        self._other = other
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    def bulk_write(self, *arguments: Any, **options: Any) -> Any:
        self._let_the_other_write()
        return self._collection.bulk_write(*arguments, **options)

    def insert_many(self, *arguments: Any, **options: Any) -> Any:
        self._let_the_other_write()
        return self._collection.insert_many(*arguments, **options)

    def _let_the_other_write(self) -> None:
        if self._times:
            self._times -= 1
            self._other()


def beaten(collection: ObservationCollection, other: Callable[[], object], times: int = 1) -> ObservationCollection:
    """The collection as one sees it whom a concurrent run beats so many times."""
    return cast("ObservationCollection", _WithConcurrentRun(collection, other, times))
