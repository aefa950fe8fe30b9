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
    """Decides what is listed, and which objects are processed."""

    def objects(self, store: Store) -> Iterator[RawObject | ListedRange]:
        """The objects, in the order of their keys."""
        ...

    def see_marker(self, raw: RawObject) -> None:
        """Called for an object that is not data."""
        ...

    def choose(self, part: list[RawObject]) -> list[RawObject]:
        """The objects among the next ones that have to be processed."""
        ...

    def pass_over(self, known: ListedRange) -> None:
        """Called for a range that was not listed."""
        ...


class Everything:
    """Chooses every object."""

    def objects(self, store: Store) -> Iterator[RawObject | ListedRange]:
        """All objects."""
        return store.list()

    def see_marker(self, raw: RawObject) -> None:
        """Does nothing."""

    def choose(self, part: list[RawObject]) -> list[RawObject]:
        """All objects."""
        return part

    def pass_over(self, known: ListedRange) -> None:
        """Never called: every key is listed."""
        raise AssertionError(known)


class Selection:
    """Lists the raw zone and selects objects from it, without ever having all checkpoints in memory."""

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
        """All objects in the order of their keys, with ranges in place of those that cannot be new.

        Every key is listed if a user asked for certain objects, if the last full listing was a while ago, or if
        checkpoints of a range are gone or no longer valid.
        """
        if lists_in_order(store) and self._run.options.takes_what_is_new:
            self._state, self._uri = ListingState.for_collection(self._collection, store.place), store.uri
            known = self._state.read()
            if known is not None and self._full_at - known.full_at < FULL_EVERY and self._holds(known):
                self._full_at, self._holding = known.full_at, known.ranges
                return listed(store, known.ranges)
        return store.list()

    def pass_over(self, known: ListedRange) -> None:
        """Count a range of processed objects that were not listed."""
        self._run.progress.objects_listed += known.objects
        self._run.progress.objects_already_processed += known.objects
        self._end_at_marker_before(known.first)
        self._ranges.pass_over(known)

    def see_marker(self, raw: RawObject) -> None:
        """End the range at a marker, because markers are counted in every run."""
        self._markers.append(raw.key)

    def choose(self, part: list[RawObject]) -> list[RawObject]:
        """The listed objects that are not processed yet, or all of them with --reprocess.

        Objects that were rejected before, and would be again, are reported as such.
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
                self._report_known(raw, rejection)
            else:
                chosen.append(raw)
        return chosen

    def end(self) -> None:
        """Record what the next run need not list, and log how many objects are processed again.

        Call it before anything is loaded: what this run loads is listed once more.
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
        """Whether each range has as many valid checkpoints as when it was recorded."""
        return not self._is_empty and all(self._vouched(one) == one for one in known.ranges)

    def _vouched(self, one: ListedRange) -> ListedRange:
        """The range with its current number of valid checkpoints.

        A range that was already verified at the start of the listing is not counted again.
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
        """The processed objects by name; for an empty collection, only those without records.

        Somebody may have dropped the collection, but not those that belong to it.
        """
        processed = self._checkpoints.processed(now, names)
        if not processed or not self._is_empty:
            return processed
        without_records = self._checkpoints.processed(now, names, without_records=True)
        self._lost += len(processed) - len(without_records)
        return without_records

    def _report_known(self, raw: RawObject, rejection: Rejection) -> None:
        """Report an object that was rejected earlier; it is in every report until it is tried again."""
        code, message = rejection.code, rejection.message
        self._run.objects.append(ObjectCounts(raw.key, raw.uri, "rejected", error_code=code, error=message, known=True))
        words = "%s was rejected by run %s and is not tried again: %s"
        LOGGER.info(words, raw.key, rejection.run_id, message, extra={"facts": {"object": raw.key, "code": code}})
