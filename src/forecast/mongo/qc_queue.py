"""Queues of station-days: those whose QC is pending, and those whose part of the dataset is to be written.

A station-day is enqueued for QC before its documents are written. When its flags are up to date, its entry moves to the
queue of the dataset; a day whose flags are about to change is enqueued there as well. A run that is killed leaves its
entries to the next one.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import DeleteOne, UpdateOne

from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection
from forecast.mongo.loaded_rows import LoadedRows

SUFFIX = "_pending_qc"
DATASET_SUFFIX = "_pending_dataset"
Days = Mapping[str, set[int]]
Marks = Mapping[tuple[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class PendingDays:
    """Queues of station-days next to a main collection; days are counted since 1970, in UTC."""

    collection: ObservationCollection
    run_id: str

    def enqueue(self, station_days: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Mark station-days in the name of this run; when that is acknowledged, those that were not marked."""
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
        """All marks, those of runs that did not finish among them, with the runs that made them."""
        with mongo_errors("reading queued station-days"):
            return {(mark["station"], mark["day"]): mark["runs"] for mark in self.collection.find(query or {})}

    def ack(self, marks: Marks) -> None:
        """Take marks away that are as they were read: one that another run has made again meanwhile stays."""
        gone = [DeleteOne({"_id": _name(station, day), "runs": runs}) for (station, day), runs in marks.items()]
        if gone:
            with mongo_errors("removing queue entries"):
                self.collection.bulk_write(gone, ordered=False)


def pending_dataset(collection: ObservationCollection, run_id: str) -> PendingDays:
    """The station-days whose part of the dataset is to be written, next to a main collection."""
    return PendingDays(sibling_collection(collection, DATASET_SUFFIX), run_id)


@dataclass(frozen=True, slots=True)
class PendingQc:
    """The station-days to be checked, next to a main collection, and those of the dataset that follow from them.

    `loaded` is what this run has inserted on them, where one process loads and checks: that is not read to be checked.
    """

    days: PendingDays
    dataset: PendingDays
    loaded: LoadedRows | None = None
    _marked: set[tuple[str, int]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def for_collection(
        cls, collection: ObservationCollection, run_id: str, loaded: LoadedRows | None = None
    ) -> PendingQc:
        """The marks that belong to a main collection, and the run that makes more of them."""
        days = PendingDays(sibling_collection(collection, SUFFIX), run_id)
        return cls(days, pending_dataset(collection, run_id), loaded)

    def enqueue(self, station_days: Iterable[tuple[str, int]]) -> None:
        """Mark station-days before their documents are written; returns when the marks are acknowledged.

        Every time, also what this run has marked before: a concurrent run may have taken those marks away.
        """
        with self._lock:
            new = set(station_days)
            made = self.days.enqueue(new)
            if self.loaded is not None:
                # Whoever has taken a mark away may have replaced what this run had inserted.
                self.loaded.forget(made & self._marked)
            self._marked.update(new)

    def enqueued(self, station_days: Iterable[tuple[str, int]]) -> None:
        """These were enqueued in the name of this run by another process."""
        with self._lock:
            self._marked.update(station_days)

    def requeue(self, station_days: Iterable[tuple[str, int]] | None = None) -> None:
        """Enqueue again what this run enqueued and a concurrent run removed: it may have read before this run wrote.

        Of all that this run has enqueued, or of these station-days.
        """
        with self._lock:
            mine = set(self._marked) if station_days is None else self._marked.intersection(station_days)
        if mine:
            among = {} if station_days is None else {"_id": {"$in": [_name(*one) for one in sorted(mine)]}}
            self.enqueue(mine - self.days.marks(among).keys())

    def marks(self) -> dict[tuple[str, int], list[str]]:
        """See `PendingDays.marks`."""
        return self.days.marks()

    def loaded_rows(self, marks: Marks) -> LoadedRows | None:
        """What this run has inserted on days that nobody else has marked."""
        if self.loaded is not None:
            self.loaded.keep_only({one for one, runs in marks.items() if runs == [self.days.run_id]})
        return self.loaded

    def forget_rows(self) -> None:
        """What is marked from now on was marked by others: it is read."""
        if self.loaded is not None:
            self.loaded.clear()

    def flags_change(self, station_days: Iterable[tuple[str, int]]) -> None:
        """The flags of documents of these days are about to be rewritten: mark their part of the dataset."""
        self.dataset.enqueue(station_days)

    def ack(self, marks: Marks) -> None:
        """Take marks away that are as they were read; what was loaded on their days is the dataset's business now."""
        self.dataset.enqueue(marks)
        self.days.ack(marks)
        with self._lock:
            self._marked.difference_update(marks)


def _name(station: str, day: int) -> str:
    return f"{station}@{day}"


def days_by_station(station_days: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    """Station-days as days by station."""
    days: defaultdict[str, set[int]] = defaultdict(set)
    for station, day in station_days:
        days[station].add(day)
    return dict(days)
