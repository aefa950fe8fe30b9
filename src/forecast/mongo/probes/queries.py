"""The queries of the database's users, which `forecast load-test` sends; their objectives are in slo.toml."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import OperationFailure

from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.probes.latency import Plan, plan_of

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
# Stations that are asked for: enough that their documents are not all in one page of the cache.
_MAX_STATIONS: Final = 100
# How far back before its newest observation a station is asked for.
_DAYS_BACK: Final = 28
# What a map draws of an observation.
_OF_MAP: Final = {"station.id": 1, "station.location": 1, "timestamp": 1, "measurements": 1, "data_quality.flag": 1}
_UNAUTHORIZED: Final = 13
_FLAGGED: Final = {"$in": [3, 4]}


@dataclass(frozen=True, slots=True)
class StationSpan:
    """A station, and the first and newest of its observations that may be queried."""

    station: str
    first: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """The arguments of one query: a station, a UTC day, and the time up to which there are observations."""

    station: str
    day: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """A command of MongoDB: `find` with a filter and a projection, or `aggregate` with stages."""

    find: Mapping[str, Any] | None = None
    projection: Mapping[str, Any] | None = None
    stages: Sequence[Mapping[str, Any]] = ()

    def run(self, collection: ObservationCollection) -> int:
        """Fetch and decode every row; their number."""
        if self.find is None:
            return sum(1 for _ in collection.aggregate(list(self.stages)))
        return sum(1 for _ in collection.find(self.find, self.projection))

    def plan(self, collection: ObservationCollection) -> Plan:
        """How MongoDB answers it."""
        command: dict[str, Any] = {"find": collection.name, "filter": self.find, "projection": self.projection or {}}
        if self.find is None:
            command = {"aggregate": collection.name, "pipeline": list(self.stages), "cursor": {}}
        return plan_of(collection.database.command({"explain": command, "verbosity": "executionStats"}))


def _station_day(subject: Subject) -> Query:
    return Query(_of_station(subject, _DAY))


def _station_week(subject: Subject) -> Query:
    return Query(_of_station(subject, _WEEK))


def _flagged_week(subject: Subject) -> Query:
    return Query({**_of_station(subject, _WEEK), "data_quality.flag": _FLAGGED})


def _of_station(subject: Subject, length: timedelta) -> dict[str, Any]:
    """The observations of a station in so many days up to the end of the subject's."""
    end = subject.day + _DAY
    return {"station.id": subject.station, "timestamp": {"$gte": end - length, "$lt": end}}


def _latest(_: Subject) -> Query:
    # One key of the index a station, and its document.
    newest_first = {"station.id": DESCENDING, "timestamp": DESCENDING}
    group = {"_id": "$station.id", "newest": {"$first": "$$ROOT"}}
    return Query(stages=[{"$sort": newest_first}, {"$group": group}])


def _last_hour(subject: Subject) -> Query:
    return Query({"timestamp": {"$gt": subject.until - timedelta(hours=1), "$lte": subject.until}}, _OF_MAP)


# By the names of their objectives (forecast.core.slo.QuerySlos).
QUERIES: Final[Mapping[str, Callable[[Subject], Query]]] = {
    "station_day": _station_day,
    "station_week": _station_week,
    "latest": _latest,
    "last_hour": _last_hour,
    "flagged_week": _flagged_week,
}


def station_spans(collection: ObservationCollection, until: datetime | None, seed: int) -> list[StationSpan]:
    """Stations that have observations up to a moment, at most a hundred of them; always the same for one seed."""
    with mongo_errors("looking for observations to query"):
        names = sorted(collection.distinct("station.id"))
        chosen = random.Random(seed).sample(names, min(_MAX_STATIONS, len(names)))  # noqa: S311  no secret
        return [span for name in chosen if (span := _span(collection, name, until)) is not None]


def _span(collection: ObservationCollection, name: str, until: datetime | None) -> StationSpan | None:
    of_station: dict[str, Any] = {"station.id": name}
    if until is not None:
        of_station["timestamp"] = {"$lte": until}
    first, newest = (
        collection.find_one(of_station, {"timestamp": 1}, sort=[("timestamp", order)])
        for order in (ASCENDING, DESCENDING)
    )
    return None if first is None or newest is None else StationSpan(name, first["timestamp"], newest["timestamp"])


def subjects(spans: Sequence[StationSpan], until: datetime, seed: int) -> Iterator[Subject]:
    """Stations and days of theirs at random, without end; always the same for one seed."""
    chance = random.Random(seed)  # noqa: S311  no secret
    while True:
        span = chance.choice(spans)
        back = min(_DAYS_BACK - 1, (_midnight(span.newest) - _midnight(span.first)).days)
        yield Subject(span.station, _midnight(span.newest) - chance.randint(0, back) * _DAY, until)


def _midnight(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def bytes_read_into_cache(collection: ObservationCollection) -> int | None:
    """What the server's cache has read from disk since it started; None for a user without the role clusterMonitor."""
    try:
        cache = collection.database.client.admin.command("serverStatus")["wiredTiger"]["cache"]
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return None
    return int(cache["bytes read into cache"])


def newest_observation(collection: ObservationCollection, until: datetime | None = None) -> datetime | None:
    """The time of the newest observation, or of the newest up to a given time; None if there is none."""
    asked = {} if until is None else {"timestamp": {"$lte": until}}
    with mongo_errors("looking for the newest observation"):
        found = collection.find_one(asked, {"timestamp": 1}, sort=[("timestamp", DESCENDING)])
    return None if found is None else found["timestamp"]


def query_plans(
    collection: ObservationCollection, spans: Sequence[StationSpan], until: datetime, seed: int
) -> dict[str, Plan]:
    """How MongoDB answers each query, of one subject."""
    subject = next(subjects(spans, until, seed))
    with mongo_errors("explaining the queries"):
        return {name: make(subject).plan(collection) for name, make in QUERIES.items()}
