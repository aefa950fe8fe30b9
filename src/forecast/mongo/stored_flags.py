"""The flags of documents on days that a run did not evaluate, from the daily aggregates if they are sufficient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from forecast.core.clock import midnight
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.days import DailyAggregates, day_number
from forecast.mongo.qc_queue import days_by_station
from forecast.qc.flags import FAIL, SUSPECT
from forecast.qc.windows import day_ranges

_READERS: Final = 2


class StoredFlags(NamedTuple):
    """How many values of a parameter have flag 3 or 4 on one or more station-days, and from which checks."""

    station: str
    parameter: str
    flag: int
    number: int
    checks: Mapping[str, int]


def stored_flags(station_days: Iterable[tuple[str, int]], collection: ObservationCollection) -> Iterator[StoredFlags]:
    """The flags of the documents of these days (since 1970, UTC). Raises RetryableError without the database.

    The server would have to examine every document to find those with flags. A daily aggregate says the same,
    unless a parameter has both flags on a day: only the documents say which check gave which.
    """
    aggregates = DailyAggregates.for_collection(collection)
    left: defaultdict[str, set[int]] = defaultdict(set)
    for station, days in days_by_station(station_days).items():
        left[station] |= days
        for one in aggregates.of_station(station, min(days), max(days)):
            day = day_number(one["day"])
            if day in days and not any(entry["suspect"] and entry["failed"] for entry in one["parameters"].values()):
                left[station].discard(day)
                yield from _of_day(station, one["parameters"])
    yield from _of_documents(left, collection)


def _of_day(station: str, parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[StoredFlags]:
    for name, entry in parameters.items():
        for flag, number in ((SUSPECT, entry["suspect"]), (FAIL, entry["failed"])):
            if number:
                yield StoredFlags(station, name, flag, number, entry["checks"])


def _of_documents(days: Mapping[str, set[int]], collection: ObservationCollection) -> Iterator[StoredFlags]:
    def found(day_range: tuple[str, int, int]) -> list[dict[str, Any]]:
        station, first, last = day_range
        query = {
            "station.id": station,
            "timestamp": {"$gte": midnight(first), "$lt": midnight(last + 1)},
            "data_quality.anomalies_detected": {"$gt": 0},
        }
        stages = [{"$match": query}, {"$group": {"_id": "$data_quality.flags", "number": {"$sum": 1}}}]
        with mongo_errors("reading flags"):
            return list(collection.aggregate(stages))

    asked = [(name, *part) for name, of_station in days.items() for part in day_ranges(of_station)]
    # The server has to examine every document of these days; it can do so for two stations at once.
    with ThreadPoolExecutor(_READERS) as readers:
        for (station, _, _), groups in zip(asked, readers.map(found, asked), strict=True):
            for group in groups:
                for name, entry in group["_id"].items():
                    checks = dict.fromkeys(entry["checks"], group["number"])
                    yield StoredFlags(station, name, entry["flag"], group["number"], checks)
