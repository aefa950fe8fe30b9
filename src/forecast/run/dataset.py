"""Updates the dataset in the processed zone, from the database, for the days that changed."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, groupby, islice
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa

from forecast.core.clock import iso_time, midnight
from forecast.core.dataset import DATASET_VERSION, conformed
from forecast.core.errors import ForecastError
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.dataset_state import DatasetState, Known, is_empty
from forecast.mongo.days import DailyAggregates
from forecast.mongo.observation_reader import read_observations
from forecast.mongo.presence import presence_of
from forecast.mongo.qc_evaluation import days_held
from forecast.mongo.qc_queue import PendingDays, pending_dataset
from forecast.storage import Store
from forecast.zone.dataset import CURRENT, ReadDay, of_stations, parts_for, together, write_day
from forecast.zone.hourly import HOURLY, HOURLY_VERSION, OBSERVED, HourlyDataset, days_of_hours
from forecast.zone.identity import IDENTITY, Identity, read_identity, write_identity
from forecast.zone.publishing import Publisher, publishing
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
# How many days are written before their entries are removed from the queue.
_DAYS_AT_ONCE: Final = 31
# Rows (about 300 bytes each) whose hours are computed at once, in whole days.
_ROWS_OF_HOURS: Final = 24_000
Marks = dict[tuple[str, int], list[str]]


@dataclass(slots=True)
class DatasetCounts:
    """What was written: changed station-days, and the files and rows of their days."""

    station_days: int = 0
    files: int = 0
    rows: int = 0


class EarlyDay(NamedTuple):
    """What the database is known to hold of some stations on a day, by station and time.

    It has the columns of DATASET_SCHEMA with any values; the others need not be in memory until they are written.
    """

    day: int
    stations: Collection[str]
    observations: pa.Table


@dataclass(slots=True)
class DatasetWriter:
    """Writes the dataset of one collection into one zone; `folder` is for copies.

    `written` are the station-days that are already up to date in the zone, because `write_early` wrote them
    and nothing has changed since. `began_empty` means that the collection was empty when this run got its lease.
    """

    store: Store
    collection: ObservationCollection
    stations: Stations
    run_id: str
    folder: Path
    check_stop: Callable[[], None] = lambda: None
    written: set[tuple[str, int]] = field(default_factory=set)
    began_empty: bool = False
    counts: DatasetCounts = field(default_factory=DatasetCounts)
    _ready: bool = False
    _last: EarlyDay | None = None
    _hours_written: set[tuple[str, int]] = field(default_factory=set)
    _other_midnight: set[tuple[str, int]] = field(default_factory=set)
    _new_parts: int = field(init=False)

    def __post_init__(self) -> None:
        self._new_parts = parts_for(intervals_of(self.stations).values())

    def write(self) -> DatasetCounts:
        """Write every queued station-day, or all of them if the zone has no dataset of this collection.

        A run that is killed leaves its queue to the next. Raises RetryableError if the database or the
        zone is unreachable.
        """
        state, pending = DatasetState.for_collection(self.collection), pending_dataset(self.collection, self.run_id)
        if not self.prepare():
            return self.counts
        known, marks = state.read(), pending.marks()
        if marks or known is None or known.phase != "complete" or known.writing:
            state.begin(self.run_id)
            for some in _by_days(marks):
                self._write_days([one for one, runs in some.items() if not self._is_written(one, runs)], pending)
                self._write_hours(some, pending)
                pending.ack(some)
            now = iso_time(datetime.now(UTC))
            write_identity(Identity(self.collection.full_name, self.run_id, now), self.store, self.folder)
            state.complete(self.run_id)
        if self.counts.files:
            words = "dataset: %d station-days written, %d files with %d rows"
            LOGGER.info(words, self.counts.station_days, self.counts.files, self.counts.rows)
        return self.counts

    def prepare(self) -> bool:
        """Prepare the zone for writing days; False if there is nothing to write and nothing in the zone."""
        if self._ready:
            return True
        state, pending = DatasetState.for_collection(self.collection), pending_dataset(self.collection, self.run_id)
        known, there = state.read(), read_identity(self.store, self.folder)
        if known is None and there is None and is_empty(self.collection):
            return False
        self._mark_other_intervals(pending)
        # First, because the zone may not exist yet, and then it cannot be listed.
        self._write_tables()
        if _is_other(known, there, self.store.place):
            self._clear(state, pending)
        self._ready = True
        return True

    def write_early(self, days: Sequence[EarlyDay]) -> None:
        """Write days, in order, before `write` reaches them, from data that are still in memory.

        They stay queued, for the dataset or for QC, until `write` handles them.
        """
        pending = pending_dataset(self.collection, self.run_id)
        if not self._ready:
            self.prepare()
            DatasetState.for_collection(self.collection).begin(self.run_id)
        station_days = [(station, one.day) for one in days for station in one.stations]
        with self._checked(pending, station_days), publishing(self.store) as publisher:
            for one in _conformed(days):
                self._write_day(one.day, one.stations, self._reading(one.observations), publisher)
            hourly = self._hourly(publisher)
            for run in _runs([*([self._last] if self._last else []), *days]):
                # The midnight after the last day is not known yet.
                *whole, self._last = run
                if whole:
                    observed = conformed(together([one.observations for one in run])).select(OBSERVED)
                    hourly.put_days(whole[0].day, whole[-1].day, whole[0].stations, observed)
                    self._hours_written.update((station, one.day) for one in whole for station in one.stations)

    def _reading(self, observations: pa.Table) -> ReadDay:
        def read(day: int, names: Collection[str] | None) -> pa.Table:
            return self._read(day, None) if names is None else of_stations(observations, names)

        return read

    def _is_written(self, station_day: tuple[str, int], runs: list[str]) -> bool:
        """Whether the zone is up to date: if another run has queued the day too, it may have changed since."""
        return station_day in self.written and runs == [self.run_id]

    def _clear(self, state: DatasetState, pending: PendingDays) -> None:
        """Remove the dataset from the zone, and queue everything in the collection."""
        LOGGER.info("the dataset in %s is written completely", self.store.uri)
        state.clear(self.store.place, DATASET_VERSION, HOURLY_VERSION)
        self.store.remove(IDENTITY)
        for listed in [*self.store.list(CURRENT), *self.store.list(HOURLY)]:
            self.store.remove(listed.key)
        pending.enqueue(self._station_days_held())
        state.building()

    def _station_days_held(self) -> Iterator[tuple[str, int]]:
        """The station-days to write for a collection that has no dataset in the zone."""
        if self.began_empty:
            # New days were queued for QC. These entries move to the queue of the dataset, and a day whose entry is
            # gone has aggregates. Examining every document would take a twentieth of the time of writing them.
            yield from DailyAggregates.for_collection(self.collection).station_days()
            return
        for station, days in days_held(self.collection, {}).items():
            yield from ((station, day) for day in days)

    def _write_days(self, station_days: Sequence[tuple[str, int]], pending: PendingDays) -> None:
        days: defaultdict[int, set[str]] = defaultdict(set)
        for station, day in station_days:
            days[day].add(station)
        with self._checked(pending, station_days), publishing(self.store) as publisher:
            for day, changed in sorted(days.items()):
                self._write_day(day, changed, self._read, publisher)

    def _write_day(self, day: int, changed: Collection[str], read: ReadDay, publisher: Publisher) -> None:
        self.check_stop()
        written = write_day(day, changed, publisher, read, self._new_parts, self.folder)
        self._other_midnight.update((station, day) for station in written.other_midnight)
        self.counts.station_days += len(changed)
        self.counts.files += written.files
        self.counts.rows += written.rows

    def _write_hours(self, marks: Marks, pending: PendingDays) -> None:
        """Write the hours that depend on these station-days, from the days that have just been written."""
        written = {one for one, runs in marks.items() if self._is_written(one, runs)}
        outdated = days_of_hours(marks.keys() - written)
        due = {
            day: {one for one in stations if (one, day) not in self._hours_written or one in outdated.get(day, ())}
            for day, stations in days_of_hours(marks, written - self._other_midnight).items()
        }
        with self._checked(pending, marks), publishing(self.store) as publisher:
            hourly = self._hourly(publisher)
            for first, last, stations in _pairs(due):
                self.check_stop()
                if (at_hand := self._at_hand(first, last, stations, written)) is not None:
                    hourly.write_day(first, stations, at_hand)
                else:
                    hourly.write(first, last, stations)

    def _at_hand(self, first: int, last: int, stations: Set[str], written: Set[tuple[str, int]]) -> pa.Table | None:
        """The observations of a day that were written last, if the zone still has these."""
        if self._last is None or not first == last == self._last.day:
            return None
        is_there = all(one in self._last.stations and (one, first) in written for one in stations)
        return self._last.observations if is_there else None

    def _hourly(self, publisher: Publisher) -> HourlyDataset:
        minutes = intervals_of(self.stations)
        return HourlyDataset(publisher, minutes, self._new_parts, self._read, self.folder)

    @contextmanager
    def _checked(self, pending: PendingDays, station_days: Iterable[tuple[str, int]]) -> Iterator[None]:
        """Queue these days if the lease was lost: another run may have written them since, from newer data."""
        try:
            yield
        finally:
            try:
                self.check_stop()
            except ForecastError:
                pending.enqueue(station_days)
                raise

    def _mark_other_intervals(self, pending: PendingDays) -> None:
        """Queue all days of stations whose interval in the registry has changed, since their hours depend on it."""
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
    """Whether the zone has something other than the dataset of this collection, complete or partial."""
    if known is None or known.zone != zone or known.phase == "clearing":
        return True
    if (known.format_version, known.hourly_version) != (DATASET_VERSION, HOURLY_VERSION):
        return True
    if known.phase == "building":
        return there is not None and there.revision != known.writing
    return there is None or there.revision not in {known.revision, known.writing}


def _conformed(days: Iterable[EarlyDay]) -> Iterator[EarlyDay]:
    """The same days with all columns of DATASET_SCHEMA, made for days with the same columns at once."""
    for _, some in groupby(days, key=lambda one: one.observations.column_names):
        alike = list(some)
        whole = conformed(pa.concat_tables([one.observations for one in alike]))
        ends = accumulate(one.observations.num_rows for one in alike)
        for one, end in zip(alike, ends, strict=True):
            rows = one.observations.num_rows
            yield EarlyDay(one.day, one.stations, whole.slice(end - rows, rows))


def _runs(days: Sequence[EarlyDay]) -> Iterator[list[EarlyDay]]:
    """Groups of consecutive days with the same stations; the last day of a group is also the first of the next."""
    run: list[EarlyDay] = []
    for one in days:
        if run and (one.day != run[-1].day + 1 or one.stations != run[-1].stations):
            yield run
            run = []
        run.append(one)
        if len(run) > 1 and sum(each.observations.num_rows for each in run) > _ROWS_OF_HOURS:
            yield run
            run = [one]
    if run:
        yield run


def _pairs(due: Mapping[int, set[str]]) -> Iterator[tuple[int, int, set[str]]]:
    """One or two consecutive days (first and last) with the same stations: a day's hours need the next one's file."""
    days = [day for day in sorted(due) if due[day]]
    while days:
        first = last = days.pop(0)
        if days and days[0] == first + 1 and due[days[0]] == due[first]:
            last = days.pop(0)
        yield first, last, due[first]


def _by_days(marks: Marks) -> Iterator[Marks]:
    """Queue entries in groups of some days, in order."""
    days = iter(sorted({day for _, day in marks}))
    while some := set(islice(days, _DAYS_AT_ONCE)):
        yield {(station, day): runs for (station, day), runs in marks.items() if day in some}
