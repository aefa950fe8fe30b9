"""Daily aggregates: one document per station and UTC day, in `<collection>_days`.

    {_id: "ILAMAD25@2024-10-01", station, day, expected, received,
     parameters: {air_temperature: {received, suspect, failed, min, mean, max, checks: {spike: 2}}}}

`qc_update` writes them before the flags, so if a run is killed in between, the next one repeats both. A day without
observations has no document, and a parameter without values has no entry.
"""

from __future__ import annotations

from collections.abc import Collection as AnyOf
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, DeleteOne, IndexModel, ReplaceOne

from forecast.core.clock import DAY_MS, midnight
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection
from forecast.qc.aggregates import ParameterDay, StationDay

SUFFIX: Final = "_days"
INDEXES: Final = (
    # The sum of what was received from a station is computed from the index alone.
    IndexModel([("station", ASCENDING), ("day", ASCENDING), ("received", ASCENDING)], name="station_day_received"),
    IndexModel([("day", ASCENDING)], name="day"),
)


@dataclass(frozen=True, slots=True)
class DailyAggregates:
    """The daily aggregates next to a main collection; days are counted since 1970, in UTC."""

    collection: ObservationCollection

    @classmethod
    def for_collection(cls, collection: ObservationCollection) -> DailyAggregates:
        """The aggregates of a main collection."""
        return cls(sibling_collection(collection, SUFFIX))

    def prepare(self) -> None:
        """Create the indexes."""
        with mongo_errors("creating the indexes of the daily aggregates"):
            self.collection.create_indexes(list(INDEXES))

    def write(self, found: Iterable[StationDay], without: Iterable[tuple[str, int]]) -> None:
        """Replace aggregates; those of station-days `without` observations are removed."""
        changes: list[ReplaceOne[dict[str, Any]] | DeleteOne] = []
        for one in found:
            document = _document(one)
            changes.append(ReplaceOne({"_id": document["_id"]}, document, upsert=True))
        changes += [DeleteOne({"_id": day_id(station, day)}) for station, day in without]
        if changes:
            with mongo_errors("writing daily aggregates"):
                self.collection.bulk_write(changes, ordered=False)

    def differing(self, found: Iterable[StationDay]) -> list[str]:
        """The ids of the given aggregates that are not stored like this."""
        wanted = {document["_id"]: document for document in map(_document, found)}
        with mongo_errors("comparing daily aggregates"):
            there = {one["_id"]: one for one in self.collection.find({"_id": {"$in": list(wanted)}})}
        return [name for name, document in wanted.items() if there.get(name) != document]

    def of_station(self, station: str, first: int, last: int) -> list[dict[str, Any]]:
        """The documents of a station from one day to another (both included), in order."""
        within = {"station": station, "day": {"$gte": midnight(first), "$lte": midnight(last)}}
        with mongo_errors("reading daily aggregates"):
            return list(self.collection.find(within).sort("day", ASCENDING))

    def of_stations(self, stations: AnyOf[str], first: int, last: int) -> dict[str, list[dict[str, Any]]]:
        """The documents of some stations from one day to another (both included), in order, by station."""
        within = {"station": {"$in": sorted(stations)}, "day": {"$gte": midnight(first), "$lte": midnight(last)}}
        found: dict[str, list[dict[str, Any]]] = {}
        with mongo_errors("reading daily aggregates"):
            for one in self.collection.find(within).sort([("station", ASCENDING), ("day", ASCENDING)]):
                found.setdefault(one["station"], []).append(one)
        return found

    def newest(self, last: Mapping[str, datetime]) -> dict[str, dict[str, Any]]:
        """The documents of each station's last day with observations, by station."""
        names = [day_id(station, day_number(moment)) for station, moment in last.items()]
        with mongo_errors("reading daily aggregates"):
            return {one["station"]: one for one in self.collection.find({"_id": {"$in": names}})}

    def of_day(self, day: int) -> list[dict[str, Any]]:
        """The documents of all stations on a day, by station."""
        with mongo_errors("reading daily aggregates"):
            return sorted(self.collection.find({"day": midnight(day)}), key=lambda one: str(one["_id"]))

    def station_days(self) -> Iterator[tuple[str, int]]:
        """Every station and day that has a document."""
        with mongo_errors("listing daily aggregates"):
            for one in self.collection.find({}, {"_id": 0, "station": 1, "day": 1}, hint="station_day_received"):
                yield one["station"], day_number(one["day"])

    def received(self, stations: AnyOf[str], first: datetime, end: datetime) -> dict[tuple[str, str], int]:
        """The number of observations by station and month ("2024-10"), for these stations and this time range."""
        if not stations:
            return {}
        within = {"station": {"$in": sorted(stations)}, "day": {"$gte": first, "$lt": end}}
        month = {"$dateToString": {"date": "$day", "format": "%Y-%m"}}
        stages: list[Mapping[str, Any]] = [
            {"$match": within},
            {"$group": {"_id": {"station": "$station", "month": month}, "received": {"$sum": "$received"}}},
        ]
        with mongo_errors("counting observations by month"):
            found = self.collection.aggregate(stages, hint="station_day_received")
            return {(one["_id"]["station"], one["_id"]["month"]): one["received"] for one in found}


def day_number(moment: datetime) -> int:
    """The UTC day of a time, as days since 1970."""
    return int(moment.timestamp() * 1000 // DAY_MS)


def day_id(station: str, day: int) -> str:
    """The `_id` of a station's day."""
    return f"{station}@{midnight(day):%Y-%m-%d}"


def _document(one: StationDay) -> dict[str, Any]:
    return {
        "_id": day_id(one.station, one.day),
        "station": one.station,
        "day": midnight(one.day),
        "expected": one.expected,
        "received": one.received,
        "parameters": {name: _parameter(entry) for name, entry in one.parameters.items()},
    }


def _parameter(entry: ParameterDay) -> dict[str, Any]:
    return {
        "received": entry.received,
        "suspect": entry.suspect,
        "failed": entry.failed,
        "min": entry.min,
        "mean": entry.mean,
        "max": entry.max,
        "checks": dict(entry.checks),
    }
