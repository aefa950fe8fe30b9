"""Station-days with work outstanding: those to be checked, and those whose part of the dataset is to be written.

A station-day is marked to be checked before its documents are written. The mark is taken away when the flags are up to
date, and is then one of the dataset. So is a day whose flags are about to change. A run that is killed in between
leaves its marks to the next one.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import DeleteOne, UpdateOne

from forecast.mongo.client import Documents, beside, told_apart

SUFFIX = "_pending_qc"
DATASET_SUFFIX = "_pending_dataset"
Days = Mapping[str, set[int]]
Marks = Mapping[tuple[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class PendingDays:
    """Marks on station-days beside a main collection; days are counted since 1970, in UTC."""

    collection: Documents
    run_id: str

    def mark(self, station_days: Iterable[tuple[str, int]]) -> None:
        """Mark station-days in the name of this run; returns when the marks are acknowledged."""
        marks = [
            UpdateOne(
                {"_id": _name(station, day)},
                {"$addToSet": {"runs": self.run_id}, "$setOnInsert": {"station": station, "day": day}},
                upsert=True,
            )
            for station, day in sorted(set(station_days))
        ]
        if marks:
            with told_apart("marking station-days"):
                self.collection.bulk_write(marks, ordered=False)

    def marks(self, query: Mapping[str, Any] | None = None) -> dict[tuple[str, int], list[str]]:
        """All marks, those of runs that did not come to their end among them, with the runs that made them."""
        with told_apart("reading marked station-days"):
            return {(mark["station"], mark["day"]): mark["runs"] for mark in self.collection.find(query or {})}

    def take_away(self, marks: Marks) -> None:
        """Take marks away that are as they were read: one that another run has made again meanwhile stays."""
        gone = [DeleteOne({"_id": _name(station, day), "runs": runs}) for (station, day), runs in marks.items()]
        if gone:
            with told_apart("taking marks away"):
                self.collection.bulk_write(gone, ordered=False)


def pending_dataset(collection: Documents, run_id: str) -> PendingDays:
    """The station-days whose part of the dataset is to be written, beside a main collection."""
    return PendingDays(beside(collection, DATASET_SUFFIX), run_id)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The station-days to be checked, beside a main collection, and those of the dataset that follow from them."""

    days: PendingDays
    dataset: PendingDays
    _marked: set[tuple[str, int]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def beside(cls, collection: Documents, run_id: str) -> Unjudged:
        """The marks that belong to a main collection, and the run that makes more of them."""
        return cls(PendingDays(beside(collection, SUFFIX), run_id), pending_dataset(collection, run_id))

    def mark(self, station_days: Iterable[tuple[str, int]]) -> None:
        """Mark station-days before their documents are written; returns when the marks are acknowledged.

        Every time, also what this run has marked before: a rival may have taken those marks away.
        """
        with self._lock:
            new = set(station_days)
            self.days.mark(new)
            self._marked.update(new)

    def renew(self, station_days: Iterable[tuple[str, int]] | None = None) -> None:
        """Mark once more what this run has marked and a rival took away: it may have judged before this run wrote.

        Of all that this run has marked, or of these station-days.
        """
        with self._lock:
            mine = set(self._marked) if station_days is None else self._marked.intersection(station_days)
        if mine:
            among = {} if station_days is None else {"_id": {"$in": [_name(*one) for one in sorted(mine)]}}
            self.mark(mine - self.days.marks(among).keys())

    def marks(self) -> dict[tuple[str, int], list[str]]:
        """See `PendingDays.marks`."""
        return self.days.marks()

    def flags_change(self, station_days: Iterable[tuple[str, int]]) -> None:
        """The flags of documents of these days are about to be rewritten: mark their part of the dataset."""
        self.dataset.mark(station_days)

    def take_away(self, marks: Marks) -> None:
        """Take marks away that are as they were read; what was loaded on their days is the dataset's business now."""
        self.dataset.mark(marks)
        self.days.take_away(marks)
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
