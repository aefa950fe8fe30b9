"""Compares the daily aggregates with the observations in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates, day_id
from forecast.mongo.qc_evaluation import evaluated
from forecast.qc.aggregates import station_days


def outdated_days(held: Mapping[str, set[int]], collection: ObservationCollection, stations: Stations) -> Iterator[str]:
    """The ids of the aggregates that are missing, differ, or have no observations any more; nothing is written.

    `held` are all days for which the database has observations. Those of unregistered stations are
    left out, because they are not checked.
    """
    aggregates = DailyAggregates.for_collection(collection)
    for window, results in evaluated(held, collection, stations):
        for one in results:
            yield from aggregates.differing(station_days(one, window.changed))
    for station, day in aggregates.station_days():
        if day not in held.get(station, ()):
            yield day_id(station, day)
