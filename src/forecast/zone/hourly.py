"""The hourly dataset: hourly values of good observations, computed from the dataset next to it.

A day has its 24 hours, each labelled with its end (01:00 to 24:00), in the same files as the dataset. An hour without
observations has no row; a value from less than 75 % of the expected observations is null.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.aggregation import FREQUENCIES, MIN_SHARE, fits
from forecast.core.clock import DAY_MS, midnight
from forecast.core.dataset import DATASET_SCHEMA, DATASET_VERSION, KEYS, conformed, flag_column, interval_field
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import UTC_TIME
from forecast.qc.flags import FAIL, SUSPECT
from forecast.qc.resampling import WIND, Resampling
from forecast.storage import Store
from forecast.zone.dataset import (
    CURRENT,
    DayFile,
    ReadDay,
    by_part,
    concatenated,
    day_file,
    day_folder,
    of_file,
    of_stations,
    plain,
    readable,
    without_stations,
)
from forecast.zone.publishing import Publisher

HOURLY: Final = "hourly/"
# Raised when the same observations give different hours, which are then rewritten.
HOURLY_VERSION: Final = 1
_HOUR: Final = FREQUENCIES["1h"]
# A three-hour value says nothing about a single hour.
HOURLY_PARAMETERS: Final = tuple(name for name in PARAMETER_NAMES if fits(name, _HOUR))
HOURLY_SCHEMA: Final = pa.schema(
    [*(DATASET_SCHEMA.field(name) for name in KEYS), *map(interval_field, HOURLY_PARAMETERS)],
    metadata={"format_version": str(DATASET_VERSION)},
)
# The columns of the dataset that hours are computed from.
OBSERVED: Final = [
    name for name in DATASET_SCHEMA.names if name in {*KEYS, *HOURLY_PARAMETERS, *map(flag_column, HOURLY_PARAMETERS)}
]
Marks = Iterable[tuple[str, int]]
# Rows (about 300 bytes each) whose hours are computed at once: of many stations it takes hardly longer than of one.
_ROWS_AT_ONCE: Final = 20_000
_Files = Mapping[DayFile, RawObject]
# The hours of some stations on a day.
HoursOf = Callable[[Collection[str]], pa.Table]


def days_of_hours(station_days: Marks, same_midnight: Container[tuple[str, int]] = ()) -> dict[int, set[str]]:
    """The days whose hours may change with observations of these station-days, with the stations.

    An observation at midnight belongs to the hour that ends the day before; `same_midnight` are the station-days in
    which it is as it was.
    """
    days: defaultdict[int, set[str]] = defaultdict(set)
    for station, day in station_days:
        days[day].add(station)
        if (station, day) not in same_midnight:
            days[day - 1].add(station)
    return dict(sorted(days.items()))


def hours_of(observations: pa.Table, day: int, minutes: Mapping[str, float], last: int | None = None) -> pa.Table:
    """The hours (HOURLY_SCHEMA) of a day, or up to a last day, of observations from that day to the midnight after.

    `minutes` are the intervals of the stations; other observations may be among them.
    """
    begin, end = (pa.scalar(midnight(which), UTC_TIME) for which in (day, (day if last is None else last) + 1))
    times = observations["timestamp"]
    # Most parameters are those of other networks.
    measured = [name for name in HOURLY_PARAMETERS if observations[name].null_count < len(times)]
    read = dict.fromkeys([*measured, *WIND])
    chosen = observations.select([*KEYS, *read, *map(flag_column, read)])
    within = chosen.filter(pc.and_(pc.greater(times, begin), pc.less_equal(times, end)))
    resampling = Resampling(_HOUR, MIN_SHARE, minutes, (SUSPECT, FAIL))
    return conformed(resampling.of(within, measured).table, HOURLY_SCHEMA)


def stored_hours(store: Store, day: int, folder: Path) -> pa.Table:
    """The hours (HOURLY_SCHEMA) that a zone has of a day; nothing of a file that somebody has damaged."""
    files = [listed for listed in store.list(day_folder(day, HOURLY)) if day_file(listed.key)]
    tables = [readable(listed, store, folder, schema=HOURLY_SCHEMA) for listed in files]
    return pa.concat_tables([HOURLY_SCHEMA.empty_table(), *(table for table in tables if table is not None)])


@dataclass(frozen=True, slots=True)
class HourlyDataset:
    """The hours in one zone.

    `minutes` are the intervals of the stations, and a new day gets `new_parts` files (`parts_for`). `read` gives what
    the database holds of a day, for where somebody has damaged a file of the dataset. `folder` is for copies.
    """

    publisher: Publisher
    minutes: Mapping[str, float]
    new_parts: int
    read: ReadDay
    folder: Path

    @property
    def store(self) -> Store:
        """The zone."""
        return self.publisher.store

    def write(self, first: int, last: int, changed: Collection[str]) -> None:
        """Bring the hours of these stations on these consecutive days up to date, from the dataset.

        Each file appears whole or not at all, and one that would be the same again is left.
        """
        listed = self._days(first, last)
        parts = max((file.parts for file in listed[0]), default=self.new_parts)
        names: set[str] = set()
        observed: list[pa.Table] = []
        for some in by_part(changed, parts).values():
            names |= some
            observed += self._observed_until(listed, some)
            if sum(table.num_rows for table in observed) >= _ROWS_AT_ONCE:
                self.put_days(first, last, names, _in_order(observed))
                names, observed = set(), []
        if names:
            self.put_days(first, last, names, _in_order(observed))

    def write_day(self, day: int, changed: Collection[str], observations: pa.Table) -> None:
        """The same of one day, whose observations are at hand, but not those of the midnight after."""
        own = of_stations(conformed(observations).select(OBSERVED), changed)
        self.put_days(day, day, changed, _in_order([own, *self._at_midnight(self._files(day + 1), changed)]))

    def put_days(self, first: int, last: int, changed: Collection[str], observations: pa.Table) -> None:
        """The same of some days one after another, whose observations are at hand to the midnight after the last."""
        # Other stations' hours, which are in the same files, may be among what is being published.
        self.publisher.finish()
        hours = hours_of(observations, first, self.minutes, last)
        # The hour that ends at midnight is the last of its day.
        number = (hours["timestamp"].cast(pa.int64()).to_numpy() - 1) // DAY_MS
        # Slices of a table in the order of days copy nothing more.
        order = np.argsort(number, kind="stable")
        by_day, ends = hours.take(pa.array(order)), np.searchsorted(number[order], np.arange(first, last + 2))
        for day, (begin, end) in enumerate(pairwise(ends.tolist()), first):
            self._put(day, changed, partial(of_stations, by_day.slice(begin, end - begin)))

    def _put(self, day: int, changed: Collection[str], hours: HoursOf) -> None:
        there = self._files(day, HOURLY)
        parts = max((file.parts for file in there), default=self.new_parts)
        for number, names in by_part(changed, parts).items():
            file = DayFile(day, number, parts)
            self._write(file, there.get(file), names, hours)

    def _write(self, file: DayFile, listed: RawObject | None, names: Collection[str], hours: HoursOf) -> None:
        """Put the hours of some stations in place of theirs in a file."""
        before = None if listed is None else readable(listed, self.store, self.folder, schema=HOURLY_SCHEMA)
        if listed is not None and before is None:
            table = of_file(self._hours(file.day), file)
        else:
            table = hours(names)
            if before is not None:
                table = concatenated([without_stations(before, names), table])
        if table.num_rows == 0:
            if listed is not None:
                self.store.remove(listed.key)
        elif before is None or not plain(table).equals(plain(before)):
            self.publisher.publish(table, file.key_in(HOURLY))

    def _hours(self, day: int) -> pa.Table:
        """The hours of all stations, from the dataset."""
        return hours_of(_in_order(self._observed_until(self._days(day, day), None)), day, self.minutes)

    def _days(self, first: int, last: int) -> list[_Files]:
        """The dataset's files of some days one after another, and of the day whose midnight ends them."""
        return [self._files(day) for day in range(first, last + 2)]

    def _files(self, day: int, dataset: str = CURRENT) -> _Files:
        found = self.store.list(day_folder(day, dataset))
        return {file: listed for listed in found if (file := day_file(listed.key))}

    def _observed_until(self, listed: Sequence[_Files], names: Collection[str] | None) -> Iterator[pa.Table]:
        """What the dataset has of some stations, or of all, in these days up to the midnight that begins the last."""
        *days, after = listed
        for files in days:
            for _, table in self._observed(files, names):
                yield table
        yield from self._at_midnight(after, names)

    def _at_midnight(self, files: _Files, names: Collection[str] | None) -> Iterator[pa.Table]:
        """What the dataset has of some stations, or of all, at the midnight that begins a day."""
        for file, table in self._observed(files, names):
            yield table.filter(pc.equal(table["timestamp"], pa.scalar(midnight(file.day), UTC_TIME)))

    def _observed(self, files: _Files, names: Collection[str] | None) -> Iterator[tuple[DayFile, pa.Table]]:
        """What the dataset has of some stations, or of all, in each file of a day."""
        numbers = {parts: by_part(names or (), parts) for parts in {file.parts for file in files}}
        for file, listed in files.items():
            if names is not None and file.number not in numbers[file.parts]:
                continue
            table = readable(listed, self.store, self.folder, OBSERVED)
            if table is None:
                table = of_file(self.read(file.day, None), file).select(OBSERVED)
            yield file, table if names is None else of_stations(table, names)


def _in_order(observed: Iterable[pa.Table]) -> pa.Table:
    return concatenated([DATASET_SCHEMA.empty_table().select(OBSERVED), *observed])
