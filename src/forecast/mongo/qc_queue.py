"""Queues of station-days: those whose QC is pending, and those whose part of the dataset has to be written.

A station-day is enqueued for QC before its documents are written. When its flags are up to date, its entry moves to the
queue of the dataset; a day whose flags are about to change is enqueued there as well. A run that is killed leaves its
entries to the next one.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

from pymongo import DeleteOne, UpdateOne

from forecast.core.clock import DAY_MS
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection
from forecast.mongo.loaded_rows import LoadedRows
from forecast.qc.changes import Changes, StationDay

SUFFIX = "_pending_qc"
DATASET_SUFFIX = "_pending_dataset"
Days = Mapping[str, set[int]]
Marks = Mapping[tuple[str, int], list[str]]
_NOT_KNOWN: Final[Mapping[StationDay, int]] = {}


@dataclass(frozen=True, slots=True)
class PendingDays:
    """Queues of station-days next to a main collection; days are counted since 1970, in UTC."""

    collection: ObservationCollection
    run_id: str

    def enqueue(self, station_days: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Enqueue station-days in the name of this run; once acknowledged, return those that were not queued before."""
        wanted = sorted(set(station_days))
        marks = [
            UpdateOne(
                {"_id": _name(station, day)},
                {"$addToSet": {"runs": self.run_id}, "$setOnInsert": {"station": station, "day": day}},
                upsert=True,
            )
            for station, day in wanted
        ]
        if not marks:
            return set()
        with mongo_errors("queueing station-days"):
            made = self.collection.bulk_write(marks, ordered=False).upserted_ids or {}
        return {wanted[number] for number in made}

    def marks(self, query: Mapping[str, Any] | None = None) -> dict[tuple[str, int], list[str]]:
        """All entries, including those of runs that did not finish, with the runs that made them."""
        with mongo_errors("reading queued station-days"):
            return {(mark["station"], mark["day"]): mark["runs"] for mark in self.collection.find(query or {})}

    def ack(self, marks: Marks) -> None:
        """Remove entries that are unchanged since they were read; one that another run has renewed is kept."""
        gone = [DeleteOne({"_id": _name(station, day), "runs": runs}) for (station, day), runs in marks.items()]
        if gone:
            with mongo_errors("removing queue entries"):
                self.collection.bulk_write(gone, ordered=False)


def pending_dataset(collection: ObservationCollection, run_id: str) -> PendingDays:
    """The station-days whose part of the dataset has to be written, next to a main collection."""
    return PendingDays(sibling_collection(collection, DATASET_SUFFIX), run_id)


@dataclass(frozen=True, slots=True)
class PendingQc:
    """The station-days to check, next to a main collection, and those of the dataset that follow from them.

    `loaded` has what this run inserted on them, if one process loads and checks, so that it need not be read again.
    """

    days: PendingDays
    dataset: PendingDays
    loaded: LoadedRows | None = None
    # With the first time on that day at which anything changed (ms since 1970).
    _marked: dict[StationDay, int] = field(default_factory=dict)
    _reflagged: set[StationDay] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def for_collection(
        cls, collection: ObservationCollection, run_id: str, loaded: LoadedRows | None = None
    ) -> PendingQc:
        """The queues of a main collection, to which this run adds entries."""
        days = PendingDays(sibling_collection(collection, SUFFIX), run_id)
        return cls(days, pending_dataset(collection, run_id), loaded)

    def enqueue(self, station_days: Iterable[StationDay], since: Mapping[StationDay, int] = _NOT_KNOWN) -> None:
        """Enqueue station-days before their documents are written; returns when the entries are acknowledged.

        Entries are written even if this run has already made them, because a concurrent run may have removed them.
        `since` are the first times of the documents (ms since 1970), where they are known.
        """
        with self._lock:
            new = set(station_days)
            made = self.days.enqueue(new)
            if self.loaded is not None:
                # The run that removed an entry may have replaced what this run had inserted.
                self.loaded.forget(made & self._marked.keys())
            self._mark(new, since)
            self._reflagged.difference_update(new)

    def enqueued(self, station_days: Iterable[StationDay]) -> None:
        """Record station-days that another process enqueued in the name of this run."""
        with self._lock:
            self._mark(station_days, _NOT_KNOWN)

    def enqueue_reflagged(self, station_days: Set[StationDay]) -> None:
        """Enqueue station-days on which only flags change (`Changes.reflagged`), before any of them is rewritten."""
        if station_days:
            with self._lock:
                self.days.enqueue(station_days)
                self._reflagged.update(station_days - self._marked.keys())
                self._mark(station_days, _NOT_KNOWN)

    def requeue(self, station_days: Iterable[tuple[str, int]] | None = None) -> None:
        """Enqueue again what a concurrent run removed: it may have read before this run wrote.

        This applies to all that this run has enqueued, or to these station-days.
        """
        with self._lock:
            mine = set(self._marked) if station_days is None else self._marked.keys() & station_days
        if mine:
            among = {} if station_days is None else {"_id": {"$in": [_name(*one) for one in sorted(mine)]}}
            self.enqueue(mine - self.days.marks(among).keys())

    def marks(self) -> dict[tuple[str, int], list[str]]:
        """See `PendingDays.marks`."""
        return self.days.marks()

    def changes(self, marks: Marks) -> Changes:
        """What the entries say; times are only known of entries that no other run has made as well."""
        with self._lock:
            mine = {one for one, runs in marks.items() if runs == [self.days.run_id]}
            reflagged = mine & self._reflagged
            since = {one: self._marked[one] for one in mine & self._marked.keys()}
        return Changes(days_by_station(marks.keys() - reflagged), since, days_by_station(reflagged))

    def loaded_rows(self, marks: Marks) -> LoadedRows | None:
        """What this run has inserted on days that no other run has enqueued."""
        if self.loaded is not None:
            self.loaded.keep_only({one for one, runs in marks.items() if runs == [self.days.run_id]})
        return self.loaded

    def forget_rows(self) -> None:
        """Release the kept rows: entries from now on are from other runs, and their days have to be read."""
        if self.loaded is not None:
            self.loaded.clear()

    def flags_change(self, station_days: Iterable[tuple[str, int]]) -> None:
        """Enqueue these days for the dataset, because flags of their documents are about to be rewritten."""
        self.dataset.enqueue(station_days)

    def ack(self, marks: Marks) -> None:
        """Remove entries that are unchanged since they were read, and move their days to the queue of the dataset."""
        self.dataset.enqueue(marks)
        self.days.ack(marks)
        with self._lock:
            self._reflagged.difference_update(marks)
            for one in self._marked.keys() & marks.keys():
                del self._marked[one]

    def _mark(self, station_days: Iterable[StationDay], since: Mapping[StationDay, int]) -> None:
        for one in station_days:
            time = since.get(one, one[1] * DAY_MS)
            self._marked[one] = min(time, self._marked.get(one, time))


def _name(station: str, day: int) -> str:
    return f"{station}@{day}"


def days_by_station(station_days: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    """Station-days grouped by station."""
    days: defaultdict[str, set[int]] = defaultdict(set)
    for station, day in station_days:
        days[station].add(day)
    return dict(days)
