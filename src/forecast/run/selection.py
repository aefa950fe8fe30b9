"""Selects the raw objects to process: those without a valid checkpoint, for one part of the list at a time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

from forecast.core.counts import ObjectCounts
from forecast.core.raw_objects import RawObject
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.dataset_state import is_empty
from forecast.mongo.listing_state import ListedRange, Listing, ListingState
from forecast.mongo.state import Checkpoints, Processed, Rejection, name_of
from forecast.run.cache import circumstances_digest
from forecast.run.listing import FULL_EVERY, LEAST, RangeBuilder, listed
from forecast.run.run import Run
from forecast.storage import Store, lists_in_order

LOGGER = logging.getLogger("forecast.run.selection")


class Chooser(Protocol):
    """Says what is listed, and what of it is processed."""

    def objects(self, store: Store) -> Iterator[RawObject | ListedRange]:
        """What is there, in the order of its keys."""
        ...

    def see_marker(self, raw: RawObject) -> None:
        """One that is no data."""
        ...

    def choose(self, part: list[RawObject]) -> list[RawObject]:
        """Those of the next objects that are to be processed."""
        ...

    def pass_over(self, known: ListedRange) -> None:
        """What was not listed."""
        ...


class Everything:
    """Chooses every object."""

    def objects(self, store: Store) -> Iterator[RawObject | ListedRange]:
        """All of them."""
        return store.list()

    def see_marker(self, raw: RawObject) -> None:
        """Nothing depends on it."""

    def choose(self, part: list[RawObject]) -> list[RawObject]:
        """All of them."""
        return part

    def pass_over(self, known: ListedRange) -> None:
        """There is no range."""
        raise AssertionError(known)


class Selection:
    """Lists the raw zone and chooses in it; what is known of the objects is never in memory all at once."""

    def __init__(
        self,
        run: Run,
        stations: Stations,
        collection: ObservationCollection,
        checkpoints: Checkpoints,
        least: int = LEAST,
    ) -> None:
        self._run = run
        self._collection = collection
        self._checkpoints = checkpoints
        self._circumstances = circumstances_digest(stations, run.settings.limits)
        self._lost = 0
        self._ranges = RangeBuilder(run.context.started_at, least)
        self._markers: deque[str] = deque()
        self._state: ListingState | None = None
        self._uri = ""
        self._full_at = run.context.started_at
        self._holding: Sequence[ListedRange] = ()

    def objects(self, store: Store) -> Iterator[RawObject | ListedRange]:
        """All objects in the order of their keys; in place of those of which nothing can be new, their range.

        Every key is listed where a person asked for certain objects, where the last such list is a while ago, and where
        checkpoints of a range are not there any more, or do not vouch for their objects now.
        """
        if lists_in_order(store) and self._run.options.takes_what_is_new:
            self._state, self._uri = ListingState.for_collection(self._collection, store.place), store.uri
            known = self._state.read()
            if known is not None and self._full_at - known.full_at < FULL_EVERY and self._holds(known):
                self._full_at, self._holding = known.full_at, known.ranges
                return listed(store, known.ranges)
        return store.list()

    def pass_over(self, known: ListedRange) -> None:
        """Count a range of objects that are processed, and were not listed."""
        self._run.progress.objects_listed += known.objects
        self._run.progress.objects_already_processed += known.objects
        self._end_at_marker_before(known.first)
        self._ranges.pass_over(known)

    def see_marker(self, raw: RawObject) -> None:
        """A marker is counted in every run, so it is in no range."""
        self._markers.append(raw.key)

    def choose(self, part: list[RawObject]) -> list[RawObject]:
        """Those of the listed objects that are not processed yet; all of them to reprocess.

        What was rejected before, and would be again, is reported as such.
        """
        run = self._run
        if run.options.reprocess:
            return part
        now, names = run.context.started_at, [name_of(raw) for raw in part]
        known = self._still_processed(now, names)
        same = {name for raw, name in zip(part, names, strict=True) if name in known and known[name].etag == raw.etag}
        others = [name for name in names if name not in same]
        rejected = self._checkpoints.rejected(now, self._circumstances, others) if others else {}
        chosen = []
        for raw, name in zip(part, names, strict=True):
            rejection = rejected.get(name)
            self._see(raw, processed=name in same and known[name].settled)
            if name in same:
                run.progress.objects_already_processed += 1
            elif rejection is not None and rejection.etag == raw.etag:
                self._tell_known(raw, rejection)
            else:
                chosen.append(raw)
        return chosen

    def end(self) -> None:
        """Note what the next run need not list, and say how many objects are processed again.

        Before anything is loaded: what this run loads is listed once more.
        """
        if self._state is not None and not self._run.options.dry_run:
            self._state.write(self._full_at, [self._vouched(one) for one in self._ranges.ranges()])
        if self._lost:
            words = "%s has no documents; the %d objects whose records were loaded into it are processed again"
            facts = {"event": "collection_empty", "objects": self._lost}
            LOGGER.warning(words, self._collection.full_name, self._lost, extra={"facts": facts})

    @cached_property
    def _is_empty(self) -> bool:
        return is_empty(self._collection)

    def _holds(self, known: Listing) -> bool:
        """Whether as many checkpoints still vouch for the objects of each range as did when it was noted."""
        return not self._is_empty and all(self._vouched(one) == one for one in known.ranges)

    def _vouched(self, one: ListedRange) -> ListedRange:
        """The range with the number of checkpoints that vouch for its objects now.

        Those of a range that was found to hold when the listing began are not counted again.
        """
        number, begin = 0, {"$gte": self._uri + one.first}
        for known in self._holding:
            if one.first <= known.first and known.last <= one.last:
                number += known.checkpoints + self._checkpoints.settled({**begin, "$lt": self._uri + known.first})
                begin = {"$gt": self._uri + known.last}
        return replace(one, checkpoints=number + self._checkpoints.settled({**begin, "$lte": self._uri + one.last}))

    def _see(self, raw: RawObject, *, processed: bool) -> None:
        self._end_at_marker_before(raw.key)
        self._ranges.see(raw, processed=processed)

    def _end_at_marker_before(self, key: str) -> None:
        while self._markers and self._markers[0] < key:
            self._markers.popleft()
            self._ranges.close()

    def _still_processed(self, now: datetime, names: list[str]) -> dict[str, Processed]:
        """By name the objects that are processed; of an empty collection only those without records.

        Somebody may have dropped it, and not what is kept next to it.
        """
        processed = self._checkpoints.processed(now, names)
        if not processed or not self._is_empty:
            return processed
        without_records = self._checkpoints.processed(now, names, without_records=True)
        self._lost += len(processed) - len(without_records)
        return without_records

    def _tell_known(self, raw: RawObject, rejection: Rejection) -> None:
        """An object that was rejected stays in every report, until it gets another chance."""
        code, message = rejection.code, rejection.message
        self._run.objects.append(ObjectCounts(raw.key, raw.uri, "rejected", error_code=code, error=message, known=True))
        words = "%s was rejected by run %s and is not tried again: %s"
        LOGGER.info(words, raw.key, rejection.run_id, message, extra={"facts": {"object": raw.key, "code": code}})
