"""Station-days whose observations have changed since the checks last looked at them.

Marked in the database before their documents are written, and taken away when the verdicts on them are up to date: a
run that is killed in between leaves them to the next one.
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
Days = Mapping[str, set[int]]


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The marks beside a main collection; days are counted since 1970, in UTC."""

    collection: Documents
    run_id: str
    _marked: set[tuple[str, int]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def beside(cls, collection: Documents, run_id: str) -> Unjudged:
        """The marks that belong to a main collection, and the run that makes more of them."""
        return cls(beside(collection, SUFFIX), run_id)

    def mark(self, station_days: Iterable[tuple[str, int]]) -> None:
        """Mark station-days before their documents are written; returns when the marks are acknowledged.

        Every time, also what this run has marked before: a rival may have taken those marks away.
        """
        with self._lock:
            new = sorted(set(station_days))
            if not new:
                return
            marks = [
                UpdateOne(
                    {"_id": _name(station, day)},
                    {"$addToSet": {"runs": self.run_id}, "$setOnInsert": {"station": station, "day": day}},
                    upsert=True,
                )
                for station, day in new
            ]
            with told_apart("marking what is to be judged"):
                self.collection.bulk_write(marks, ordered=False)
            self._marked.update(new)

    def renew(self, station_days: Iterable[tuple[str, int]] | None = None) -> None:
        """Mark once more what this run has marked and a rival took away: it may have judged before this run wrote.

        Of all that this run has marked, or of these station-days.
        """
        with self._lock:
            mine = set(self._marked) if station_days is None else self._marked.intersection(station_days)
        if mine:
            among = {} if station_days is None else {"_id": {"$in": [_name(*one) for one in sorted(mine)]}}
            self.mark(mine - self._marks(among).keys())

    def marks(self) -> dict[tuple[str, int], list[str]]:
        """All marks, those of runs that did not come to their end among them, with the runs that made them."""
        return self._marks({})

    def _marks(self, query: Mapping[str, Any]) -> dict[tuple[str, int], list[str]]:
        with told_apart("reading what is to be judged"):
            return {(mark["station"], mark["day"]): mark["runs"] for mark in self.collection.find(query)}

    def take_away(self, marks: Mapping[tuple[str, int], list[str]]) -> None:
        """Take marks away that are as they were read: one that another run has made again meanwhile stays."""
        gone = [DeleteOne({"_id": _name(station, day), "runs": runs}) for (station, day), runs in marks.items()]
        if gone:
            with told_apart("taking marks away"):
                self.collection.bulk_write(gone, ordered=False)
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
