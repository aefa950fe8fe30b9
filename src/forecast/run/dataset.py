"""Brings the dataset in the processed zone up to date: what the database holds of the days that changed."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa

from forecast.core.clock import iso_time, midnight
from forecast.core.dataset import DATASET_VERSION
from forecast.core.errors import ForecastError
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.dataset_state import DatasetState, Known, is_empty
from forecast.mongo.observation_reader import read_observations
from forecast.mongo.presence import presence_of
from forecast.mongo.qc_queue import PendingDays, pending_dataset
from forecast.mongo.qc_update import days_held
from forecast.storage import Store
from forecast.zone.dataset import CURRENT, write_day
from forecast.zone.hourly import HOURLY, HOURLY_VERSION, HourlyDataset, days_of_hours
from forecast.zone.identity import IDENTITY, Identity, read_identity, write_identity
from forecast.zone.tables import (
    PARAMETERS_FILE,
    STATIONS,
    intervals_of,
    parameters_table,
    publish_if_changed,
    stations_of_other_interval,
    stations_table,
)

LOGGER = logging.getLogger("forecast.run.dataset")
# So many days are written before their marks are taken away.
_DAYS_AT_ONCE: Final = 31
Marks = dict[tuple[str, int], list[str]]


@dataclass(slots=True)
class DatasetCounts:
    """What was written: station-days that changed, and the files and rows of those days."""

    station_days: int = 0
    files: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class DatasetWriter:
    """Writes the dataset of one collection into one zone; `folder` is for copies."""

    store: Store
    collection: ObservationCollection
    stations: Stations
    run_id: str
    folder: Path
    check_stop: Callable[[], None] = lambda: None

    def write(self) -> DatasetCounts:
        """Write every station-day that is marked; all of them where the zone holds none of this collection's.

        A run that is killed leaves marks, and the next one goes on. Raises RetryableError where the database or the
        zone is unreachable.
        """
        counts = DatasetCounts()
        state = DatasetState.for_collection(self.collection)
        pending = pending_dataset(self.collection, self.run_id)
        known, there = state.read(), read_identity(self.store, self.folder)
        if known is None and there is None and is_empty(self.collection):
            return counts
        self._mark_other_intervals(pending)
        # First: what they are published into may not be there yet, and cannot be listed then.
        self._write_tables()
        if _is_other(known, there, self.store.place):
            self._clear(state, pending)
            known = None
        marks = pending.marks()
        if marks or known is None or known.phase != "complete" or known.writing:
            state.begin(self.run_id)
            for some in _by_days(marks):
                self._write_days(some, pending, counts)
                self._write_hours(some, pending)
                pending.ack(some)
            now = iso_time(datetime.now(UTC))
            write_identity(Identity(self.collection.full_name, self.run_id, now), self.store, self.folder)
            state.complete(self.run_id)
        if counts.files:
            words = "dataset: %d station-days written, %d files with %d rows"
            LOGGER.info(words, counts.station_days, counts.files, counts.rows)
        return counts

    def _clear(self, state: DatasetState, pending: PendingDays) -> None:
        """Remove what the zone holds, and mark all that the collection holds."""
        LOGGER.info("the dataset in %s is written in whole", self.store.uri)
        state.clear(self.store.place, DATASET_VERSION, HOURLY_VERSION)
        self.store.remove(IDENTITY)
        for listed in [*self.store.list(CURRENT), *self.store.list(HOURLY)]:
            self.store.remove(listed.key)
        held = days_held(self.collection, {})
        pending.enqueue((station, day) for station, days in held.items() for day in days)
        state.building()

    def _write_days(self, marks: Marks, pending: PendingDays, counts: DatasetCounts) -> None:
        days: defaultdict[int, set[str]] = defaultdict(set)
        for station, day in marks:
            days[day].add(station)
        for day, changed in sorted(days.items()):
            self.check_stop()
            files, rows = write_day(day, changed, self.store, self._read, len(self.stations), self.folder)
            try:
                self.check_stop()
            except ForecastError:
                # Without the lease another run may have written these days, from what it has read since.
                pending.enqueue((station, day) for station in changed)
                raise
            counts.station_days += len(changed)
            counts.files += files
            counts.rows += rows

    def _write_hours(self, marks: Marks, pending: PendingDays) -> None:
        """Write the hours that these station-days take part in, from the days as they have just been written."""
        hourly = HourlyDataset(self.store, intervals_of(self.stations), self._read, self.folder)
        for day, changed in days_of_hours(marks).items():
            self.check_stop()
            hourly.write(day, changed)
        try:
            self.check_stop()
        except ForecastError:
            pending.enqueue(marks)
            raise

    def _mark_other_intervals(self, pending: PendingDays) -> None:
        """Mark all days of stations whose interval the registry has changed: how many values make an hour follows."""
        if changed := stations_of_other_interval(self.store, self.stations, self.folder):
            held = days_held(self.collection, {"station.id": {"$in": sorted(changed)}})
            pending.enqueue((station, day) for station, days in held.items() for day in days)

    def _read(self, day: int, stations: Collection[str] | None) -> pa.Table:
        chosen = None if stations is None else sorted(stations)
        return read_observations(self.collection, chosen, midnight(day), midnight(day + 1))

    def _write_tables(self) -> None:
        presence = presence_of(self.collection, self.stations, ())
        stations = stations_table(self.stations, presence.first, presence.newest)
        publish_if_changed(stations, STATIONS, self.store, self.folder)
        publish_if_changed(parameters_table(), PARAMETERS_FILE, self.store, self.folder)


def _is_other(known: Known | None, there: Identity | None, zone: str) -> bool:
    """Whether what the zone holds is no dataset of this collection as it is, nor the beginning of one."""
    if known is None or known.zone != zone or known.phase == "clearing":
        return True
    if (known.format_version, known.hourly_version) != (DATASET_VERSION, HOURLY_VERSION):
        return True
    if known.phase == "building":
        return there is not None and there.revision != known.writing
    return there is None or there.revision not in {known.revision, known.writing}


def _by_days(marks: Marks) -> Iterator[Marks]:
    """Marks of some days at a time, in their order."""
    days = iter(sorted({day for _, day in marks}))
    while some := set(islice(days, _DAYS_AT_ONCE)):
        yield {(station, day): runs for (station, day), runs in marks.items() if day in some}
