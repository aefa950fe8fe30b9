"""The state of each station in the registry: one document each, in `<collection>_stations`.

    {_id: "ILAMAD25", first, last, count, state, since, revision, months: {"2024-10": 8928}}

`first` and `last` are its first and its newest observation (null where it has none), `state` is that of
`forecast.core.presence`, `since` when a run first found it in that state. `count` is the sum of `months`, and a month
is the sum of its daily aggregates: what a run costs depends on the months that it touches, not on what is stored.
`revision` changes with each change of its observations or flags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final

from pymongo import UpdateMany, UpdateOne

from forecast.core.clock import midnight
from forecast.core.presence import SILENT, Presence, states_of
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.presence import presence_of

SUFFIX: Final = "_stations"
_COUNT: Final = {"$sum": {"$map": {"input": {"$objectToArray": "$months"}, "as": "one", "in": "$$one.v"}}}
# Another program's documents have ids of any type.
_OF_STATIONS: Final = {"_id": {"$type": "string"}}
# Enough days from the 28th of a month to reach the next one.
_FIVE_DAYS: Final = timedelta(days=5)
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def note_stations(
    collection: ObservationCollection, stations: Stations, now: datetime, max_age_hours: float | None
) -> None:
    """Bring the states of all stations up to date from what the collection holds."""
    presence = presence_of(collection, stations, (), max_age_hours)
    StationStates.for_collection(collection).note(stations, presence, now)


@dataclass(frozen=True, slots=True)
class StationStates:
    """The stations' documents next to a main collection."""

    collection: ObservationCollection
    days: DailyAggregates

    @classmethod
    def for_collection(cls, collection: ObservationCollection) -> StationStates:
        """The states of a main collection."""
        return cls(sibling_collection(collection, SUFFIX), DailyAggregates.for_collection(collection))

    def count(self, station_days: Iterable[tuple[str, int]], stations: Stations) -> None:
        """Update the counts of the months of these station-days, from the current daily aggregates."""
        touched: defaultdict[datetime, set[str]] = defaultdict(set)
        for station, day in station_days:
            if stations.get(station) is not None:
                touched[midnight(day).replace(day=1)].add(station)
        new = self._uncounted(set().union(*touched.values()))
        self._write_months(new, self.days.received(new, _EARLIEST, _LATEST), is_new=True)
        for first, names in sorted(touched.items()):
            end = (first.replace(day=28) + _FIVE_DAYS).replace(day=1)
            month = f"{first:%Y-%m}"
            nothing = {(name, month): 0 for name in names - new}
            self._write_months(names - new, nothing | self.days.received(names - new, first, end), is_new=False)

    def revise(self, names: Iterable[str]) -> None:
        """Record that the observations or flags of these stations are about to change, or have changed."""
        with mongo_errors("recording that observations change"):
            self.collection.update_many({"_id": {"$in": sorted(names)}}, {"$set": {"revision": token_hex(8)}})

    def note(self, stations: Stations, presence: Presence, now: datetime) -> frozenset[str]:
        """Write the first and newest observation and the state of every registered station, and remove all others.

        Returns the stations that are silent now and were not before, or of which nothing was known.
        """
        with mongo_errors("reading the stations' states"):
            known = {one["_id"]: one for one in self.collection.find(_OF_STATIONS, {"months": 0})}
        names = {station.id for station in stations}
        new = names - {name for name, one in known.items() if "count" in one}
        self._write_months(new, self.days.received(new, _EARLIEST, _LATEST), is_new=True)
        updates = []
        states = states_of(stations, presence.newest, now, presence.max_age_hours)
        for station in stations:
            state = states[station.id]
            entry: dict[str, Any] = {
                "first": _moment(presence.first.get(station.id)),
                "last": _moment(presence.newest.get(station.id)),
                "state": state,
            }
            if entry.items() <= known.get(station.id, {}).items():
                continue
            entry["since"] = {"$cond": [{"$eq": ["$state", state]}, "$since", now]}
            updates.append(UpdateOne({"_id": station.id}, [{"$set": entry}], upsert=True))
        with mongo_errors("writing the stations' states"):
            if updates:
                self.collection.bulk_write(updates, ordered=False)
            if gone := known.keys() - names:
                self.collection.delete_many({"_id": {"$in": sorted(gone)}})
        return frozenset(
            name for name, state in states.items() if state in SILENT and known.get(name, {}).get("state") not in SILENT
        )

    def read(self) -> list[dict[str, Any]]:
        """The documents of the stations whose state is known, by id."""
        with mongo_errors("reading the stations' states"):
            return list(self.collection.find({"state": {"$exists": True}}).sort("_id"))

    def _uncounted(self, names: set[str]) -> set[str]:
        """The stations whose months were never counted: new in the registry, or with their first observations."""
        with mongo_errors("reading the stations' states"):
            counted = self.collection.find({"_id": {"$in": sorted(names)}, "months": {"$exists": True}}, {"_id": 1})
            return names - {one["_id"] for one in counted}

    def _write_months(self, names: set[str], received: Mapping[tuple[str, str], int], *, is_new: bool) -> None:
        """Write counts of months; stations that are new may have no document yet."""
        months: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (station, month), number in received.items():
            months[station][month] = number
        # Many stations with the same counts, as those of one interval are, take one update.
        alike: defaultdict[tuple[tuple[str, int], ...], list[str]] = defaultdict(list)
        for name in sorted(names):
            alike[tuple(sorted(months[name].items()))].append(name)
        updates: list[UpdateOne | UpdateMany] = []
        for counts, some in alike.items():
            change: list[dict[str, Any]] = [
                {"$set": {"months": {"$mergeObjects": ["$months", dict(counts)]}}},
                {"$set": {"count": _COUNT}},
            ]
            if is_new:
                updates += [UpdateOne({"_id": name}, change, upsert=True) for name in some]
            else:
                updates.append(UpdateMany({"_id": {"$in": some}}, change))
        if updates:
            with mongo_errors("counting observations"):
                self.collection.bulk_write(updates, ordered=False)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
