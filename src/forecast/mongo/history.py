"""The status reports of runs, one document each, in `<collection>_runs`.

A document is the report's JSON, with the run id as `_id`, and with dates in place of times as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pymongo
from pymongo import DESCENDING, IndexModel

from forecast.core.clock import iso_time
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

SUFFIX: Final = "_runs"
RUNNING: Final = "running"
INDEXES: Final = (IndexModel([("started_at", DESCENDING)], name="started"),)
_TIMES: Final = frozenset({"started_at", "finished_at", "found_at", "last_observation"})


@dataclass(frozen=True, slots=True)
class RunHistory:
    """The runs that wrote, or tried to write, to a main collection."""

    collection: ObservationCollection

    @classmethod
    def for_collection(cls, collection: ObservationCollection) -> RunHistory:
        """The history of a main collection."""
        return cls(sibling_collection(collection, SUFFIX))

    def prepare(self) -> None:
        """Create the index."""
        with mongo_errors("creating the index of the run history"):
            self.collection.create_indexes(list(INDEXES))

    def put(self, report: Mapping[str, Any], seconds: float | None = None) -> None:
        """Store the status report of a run, replacing an earlier one; wait at most `seconds`."""
        document = {"_id": report["run_id"], **_with_dates(report)}
        waiting: AbstractContextManager[Any] = nullcontext() if seconds is None else pymongo.timeout(seconds)
        with mongo_errors("writing the run history"), waiting:
            self.collection.replace_one({"_id": document["_id"]}, document, upsert=True)

    def ended(self, run_ids: Iterable[str]) -> set[str]:
        """The runs among these that are known to have ended."""
        with mongo_errors("reading the run history"):
            found = self.collection.find({"_id": {"$in": sorted(run_ids)}, "status": {"$ne": RUNNING}}, {"_id": 1})
            return {one["_id"] for one in found}

    def running(self) -> list[dict[str, Any]]:
        """The status reports of the runs that are not known to have ended."""
        with mongo_errors("reading the run history"):
            return [_report(one) for one in self.collection.find({"status": RUNNING})]

    def newest(self, most: int, *, with_stations: bool = True) -> list[dict[str, Any]]:
        """The status reports of the last runs, newest first; those without their stations name none."""
        # Of a report on thousands of stations, these are nearly all.
        with mongo_errors("reading the run history"):
            found = self.collection.find({}, {} if with_stations else {"stations": 0})
            reports = [_report(one) for one in found.sort("started_at", DESCENDING).limit(most)]
        return reports if with_stations else [{**one, "stations": {}} for one in reports]

    def remove_before(self, moment: datetime) -> int:
        """Remove the runs that started before a time, except the newest of all; return their number."""
        with mongo_errors("removing old runs from the history"):
            newest = next(iter(self.collection.find({}, {"_id": 1}).sort("started_at", DESCENDING).limit(1)), {})
            old = {"started_at": {"$lt": moment}, "_id": {"$ne": newest.get("_id")}}
            return self.collection.delete_many(old).deleted_count


def _with_dates(value: Any, name: str = "") -> Any:
    """A part of a report with times converted to dates."""
    if isinstance(value, Mapping):
        return {key: _with_dates(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_dates(item) for item in value]
    return datetime.fromisoformat(value) if name in _TIMES and isinstance(value, str) else value


def _report(document: Mapping[str, Any]) -> dict[str, Any]:
    """The report that a document was made from."""
    report: dict[str, Any] = _with_text({name: value for name, value in document.items() if name != "_id"})
    return report


def _with_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_text(item) for item in value]
    return iso_time(value) if isinstance(value, datetime) else value
