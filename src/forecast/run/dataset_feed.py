"""Writes days of the dataset while the checks are running, from what they have read, in a separate thread."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

import numpy as np
import pyarrow as pa

from forecast.core.clock import DAY_MS
from forecast.core.errors import ForecastError
from forecast.run.dataset import DatasetWriter, EarlyDay
from forecast.zone.dataset import together

LOGGER = logging.getLogger("forecast.run.dataset")
# Rows (about 400 bytes each) that may wait for other stations of their day; beyond this, the day is read again later.
_MAX_WAITING_ROWS: Final = 100_000
# Rows that may be in the process of being written while the checks continue.
_MAX_ROWS_WRITING: Final = 80_000


class _Part(NamedTuple):
    stations: set[str]
    observations: pa.Table


class _Writing(NamedTuple):
    rows: int
    future: Future[None]


@dataclass(slots=True)
class DatasetFeed:
    """Receives what was checked (`mongo.checked_rows.DaySink`), and writes each day once all its stations are there.

    A day that is not written here stays queued, and `DatasetWriter.write` reads it from the database. Only days that
    were queued for QC are written here, each file once; days on which only flags changed are left to it.
    """

    writer: DatasetWriter
    timed: Callable[[], AbstractContextManager[None]] = nullcontext
    _expected: dict[int, set[str]] = field(default_factory=dict)
    _waiting: dict[int, list[_Part]] = field(default_factory=dict)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="dataset"))
    _writing: deque[_Writing] = field(default_factory=deque)
    _left: set[int] = field(default_factory=set)
    _fault: ForecastError | None = None

    def expect(self, days: Mapping[str, Set[int]]) -> None:
        """See `DaySink.expect`."""
        expected: defaultdict[int, set[str]] = defaultdict(set)
        for station, of_station in days.items():
            if self.writer.stations.get(station) is not None:
                for day in of_station:
                    expected[day].add(station)
        self._expected, self._waiting, self._left = dict(expected), {}, set()

    def flags_change(self, station_days: Iterable[tuple[str, int]]) -> None:
        """See `DaySink.flags_change`."""
        self.writer.written.difference_update(station_days)

    def take(self, days: Mapping[str, set[int]], observations: pa.Table) -> None:
        """See `DaySink.take`."""
        self._settle(_MAX_ROWS_WRITING - observations.num_rows)
        if self._fault is not None:
            return
        whole = []
        for day, table in _by_day(observations, days):
            if day in self._left:
                continue
            parts = self._waiting.setdefault(day, [])
            parts.append(_Part({name for name, of_station in days.items() if day in of_station}, table))
            if self._expected[day] <= set().union(*(part.stations for part in parts)):
                whole.append(_joined(day, self._waiting.pop(day)))
        self._forget_beyond_bounds()
        if whole:
            self.writer.written.update((station, one.day) for one in whole for station in one.stations)
            rows = sum(one.observations.num_rows for one in whole)
            self._writing.append(_Writing(rows, self._thread.submit(self._write_early, whole)))
            # A single day of a station that sends every second exceeds this, so no window is read at the same time.
            self._settle(_MAX_ROWS_WRITING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for what is being written; if the checks failed, nothing more is started."""
        self._waiting = {}
        self._thread.shutdown(cancel_futures=error[0] is not None)
        if error[0] is None:
            self._settle()

    def _write_early(self, days: list[EarlyDay]) -> None:
        with self.timed():
            self.writer.write_early(days)

    def _settle(self, rows: int = -1) -> None:
        """Wait until at most `rows` rows are being written, or by default until all are written."""
        while self._writing and sum(one.rows for one in self._writing) > rows:
            try:
                self._writing.popleft().future.result()
            except ForecastError as error:
                if self._fault is None:
                    LOGGER.info("the dataset waits for the end of the checks: %s", error.message)
                self._fault = error
        if self._fault is not None:
            self.writer.written.clear()

    def _forget_beyond_bounds(self) -> None:
        rows = {day: sum(part.observations.num_rows for part in parts) for day, parts in self._waiting.items()}
        while sum(rows.values()) > _MAX_WAITING_ROWS:
            oldest = min(rows)
            del rows[oldest], self._waiting[oldest]
            self._left.add(oldest)


def _joined(day: int, parts: list[_Part]) -> EarlyDay:
    stations = set().union(*(part.stations for part in parts))
    if len(parts) == 1:
        return EarlyDay(day, stations, parts[0].observations)
    return EarlyDay(day, stations, together([part.observations for part in parts]))


def _by_day(observations: pa.Table, days: Mapping[str, set[int]]) -> Iterable[tuple[int, pa.Table]]:
    """The observations of each of the days, each as a table of its own, which may be empty."""
    number = np.asarray(observations["timestamp"].cast(pa.int64())) // DAY_MS
    order = np.argsort(number, kind="stable")
    sorted_days = number[order]
    for day in sorted(set().union(*days.values())):
        yield day, observations.take(pa.array(order[slice(*np.searchsorted(sorted_days, [day, day + 1]))]))
