"""What the database has of each station: its first and newest observation, and how many there are on some days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING

from forecast.core.clock import DAY_MS, midnight
from forecast.core.presence import Presence
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.qc.windows import day_ranges


def presence_of(
    collection: ObservationCollection, stations: Stations, days: Iterable[int], max_age_hours: float | None = None
) -> Presence:
    """What the database has of each station, and on these UTC days (since 1970), read from an index alone.

    Raises RetryableError if the database is unreachable.
    """
    first, newest = (_outermost(collection, order) for order in (ASCENDING, DESCENDING))
    asked = frozenset(days)
    names = sorted({station.id for station in stations} | newest.keys())
    received: Counter[str] = Counter()
    for since, until in day_ranges(asked):
        received.update(_received(collection, names, since, until))
    return Presence(first, newest, received, asked, max_age_hours)


def days_until(now: datetime) -> set[int]:
    """Yesterday and today, which a run without new data evaluates."""
    today = int(now.timestamp() * 1000) // DAY_MS
    return {today - 1, today}


def _outermost(collection: ObservationCollection, order: int) -> dict[str, int]:
    """The first or the newest observation of each station, from one index key per station."""
    stages: list[dict[str, Any]] = [
        {"$sort": {"station.id": order, "timestamp": order}},
        {"$group": {"_id": "$station.id", "moment": {"$first": "$timestamp"}}},
    ]
    with mongo_errors("reading the stations' newest observations"):
        return {entry["_id"]: _ms(entry["moment"]) for entry in collection.aggregate(stages) if entry["_id"]}


def _received(collection: ObservationCollection, names: list[str], first: int, last: int) -> dict[str, int]:
    query = {"station.id": {"$in": names}, "timestamp": {"$gte": midnight(first), "$lt": midnight(last + 1)}}
    stages: list[dict[str, Any]] = [{"$match": query}, {"$group": {"_id": "$station.id", "number": {"$sum": 1}}}]
    with mongo_errors("counting observations"):
        return {entry["_id"]: entry["number"] for entry in collection.aggregate(stages)}


def _ms(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)
