"""Compares the hourly dataset with the observations in the database, and logs what differs."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from forecast.core.clock import midnight
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.observation_reader import read_observations
from forecast.run.differences import differing_observations
from forecast.storage import Store
from forecast.zone.dataset import by_part, day_file, of_stations, parts_for, without_stations
from forecast.zone.hourly import HOURLY, HOURLY_PARAMETERS, HOURLY_SCHEMA, days_of_hours, hours_of, stored_hours
from forecast.zone.tables import intervals_of

LOGGER = logging.getLogger("forecast.run.hourly_check")
# Times are in whole milliseconds, and an hour includes its end.
_INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class HoursCheck:
    """Compares the hourly dataset of one zone with one collection."""

    store: Store
    collection: ObservationCollection
    stations: Stations
    folder: Path

    def compare(self, held: Mapping[str, set[int]], pending: Collection[tuple[str, int]]) -> tuple[int, int]:
        """The number of hours according to the station-days in the database, and how many of them differ.

        Pending station-days are left out. Raises RetryableError if database or zone is unreachable.
        """
        later = days_of_hours(pending)
        wanted = days_of_hours((name, day) for name, days in held.items() for day in days)
        checked = differing = 0
        for day in sorted({*wanted, *self._days()}):
            there = without_stations(stored_hours(self.store, day, self.folder), later.get(day, set()))
            names = wanted.get(day, set()) - later.get(day, set())
            found = differing_observations(HOURLY_SCHEMA.empty_table(), without_stations(there, names), ())
            for some in by_part(names, parts_for(intervals_of(self.stations).values())).values():
                ours = self._hours(day, some)
                checked += ours.num_rows
                found += differing_observations(ours, of_stations(there, some), HOURLY_PARAMETERS)
            for name in found:
                LOGGER.error("hour %s (its end) in the zone differs from the observations in the database", name)
            differing += len(found)
        return checked, differing

    def _hours(self, day: int, names: Collection[str]) -> pa.Table:
        since, until = midnight(day) + _INSTANT, midnight(day + 1) + _INSTANT
        observed = read_observations(self.collection, sorted(names), since, until)
        return hours_of(observed, day, intervals_of(self.stations))

    def _days(self) -> set[int]:
        return {file.day for listed in self.store.list(HOURLY) if (file := day_file(listed.key))}
