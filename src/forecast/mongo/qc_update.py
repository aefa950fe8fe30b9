"""Brings the flags in the database up to date, from the observations that it holds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from forecast.core.clock import DAY_MS
from forecast.core.counts import QcCounts
from forecast.core.errors import ForecastError, RetryableError
from forecast.core.memory import trim_heap
from forecast.core.stations import Stations
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.checked_rows import CheckedRows, DaySink, dataset_of
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.loaded_rows import LoadedRows
from forecast.mongo.qc_evaluation import (
    Evaluated,
    days_held,
    differing_flags,
    evaluate,
    outdated_before,
    station_days_of,
)
from forecast.mongo.qc_queue import PendingQc, days_by_station
from forecast.mongo.qc_write import OutdatedFlags, flag_updates, rewrite_all
from forecast.mongo.station_states import StationStates
from forecast.mongo.window_reader import prefetch, read_window
from forecast.qc.aggregates import station_days
from forecast.qc.changes import Changes, StationDay
from forecast.qc.days import days_of
from forecast.qc.flags import Times
from forecast.qc.neighbours import Neighbours, neighbours_of
from forecast.qc.results import QcResults
from forecast.qc.windows import QcWindow

LOGGER = logging.getLogger("forecast.mongo.qc_update")
_ROUNDS: Final = 20
# Rows (about 400 bytes each) at a time, in whole days: they are in memory in addition to all that was evaluated.
_ROWS_HANDED_ON: Final = 24_000
# A function that evaluates what changes reach, and adds the station-days whose flags are rewritten to a set.
ChangesEvaluator = Callable[[Changes, set[StationDay]], QcCounts]


class QcObserver(Protocol):
    """Receives the results of the checks."""

    def observe(self, results: QcResults, changed: Mapping[str, Set[int]]) -> None:
        """Called with the results for some stations, and the new days by station, which may include other stations."""
        ...


def evaluate_pending(
    pending_qc: PendingQc,
    collection: ObservationCollection,
    stations: Stations,
    observer: QcObserver | None = None,
    check_stop: Callable[[], None] = lambda: None,
    sink: DaySink | None = None,
    evaluate_elsewhere: ChangesEvaluator | None = None,
) -> QcCounts:
    """Evaluate every queued station-day and all that depends on it, until the queue is empty.

    `sink` gets the days whose observations changed.

    With `evaluate_elsewhere`, other processes do this; they notify the observer, and the sink gets nothing.

    Raises RetryableError if the database is unreachable, or if other writers keep changing the same days.
    """
    counts = QcCounts()
    states = StationStates.for_collection(collection)
    reflagging = Reflagging(pending_qc, states)
    written = reflagging.station_days
    pending_qc.requeue()
    for _ in range(_ROUNDS):
        marks = pending_qc.marks()
        if not marks:
            return counts
        changes = pending_qc.changes(marks)
        if sink is not None:
            sink.expect(changes.days)
        written.update(marks)
        loaded = pending_qc.loaded_rows(marks)
        try:
            if evaluate_elsewhere is not None:
                counts.add(evaluate_elsewhere(changes, written))
            else:
                counts.add(
                    evaluate_changes(changes, collection, stations, observer, check_stop, reflagging, sink, loaded)
                )
            check_stop()
        except ForecastError:
            # Without the lease, another run may already have written daily aggregates of newer observations.
            pending_qc.enqueue(written)
            raise
        states.count(marks, stations)
        # Once more: another run that read in the meantime may have read the previous state.
        states.revise({name for name, _ in written})
        pending_qc.ack(marks)
        pending_qc.forget_rows()
    raise RetryableError("other writers keep changing the same days; run again when they are done")


def evaluate_window(
    window: QcWindow, pending_qc: PendingQc, collection: ObservationCollection, stations: Stations, observer: QcObserver
) -> tuple[QcCounts, set[StationDay], set[StationDay]]:
    """Evaluate one window on its own.

    Returns the counts, the station-days whose flags were rewritten, and those that were enqueued (`outdated_before`).
    """
    reflagging = Reflagging(pending_qc, StationStates.for_collection(collection))
    neighbours = neighbours_of(stations)
    try:
        stored = read_window(window, collection)
        counts = _evaluate_window(window, stored, collection, neighbours, observer, reflagging, None)
    except ForecastError:
        # As in `evaluate_pending`; the run does not learn about these station-days.
        pending_qc.enqueue(reflagging.station_days)
        raise
    trim_heap()
    return counts, reflagging.station_days, reflagging.outdated


def enqueue_everything(pending_qc: PendingQc, collection: ObservationCollection) -> None:
    """Enqueue every day that has documents, or daily aggregates whose documents are gone."""
    held = days_held(collection, {})
    pending_qc.enqueue((station, day) for station, days in held.items() for day in days)
    pending_qc.enqueue(DailyAggregates.for_collection(collection).station_days())


def evaluate_changes(
    changes: Changes,
    collection: ObservationCollection,
    stations: Stations,
    observer: QcObserver | None = None,
    check_stop: Callable[[], None] = lambda: None,
    reflagging: Reflagging | None = None,
    sink: DaySink | None = None,
    loaded: LoadedRows | None = None,
) -> QcCounts:
    """Evaluate what these changes reach directly, and rewrite the flags that differ.

    `reflagging` is told which flags are about to be rewritten, and which earlier days the changes reach as well. `sink`
    gets the documents of the days whose observations changed. What is in `loaded` is not read from the database.
    """
    counts = QcCounts()
    neighbours = neighbours_of(stations)
    for window, stored in prefetch(changes, collection, stations, loaded, with_origins=sink is not None):
        check_stop()
        counts.add(_evaluate_window(window, stored, collection, neighbours, observer, reflagging, sink))
        # Release it before the next window.
        del stored
        trim_heap()
    return counts


@dataclass(frozen=True, slots=True)
class Reflagging:
    """Records station-days whose flags are about to be rewritten, and `outdated` ones that follow from them."""

    pending_qc: PendingQc
    states: StationStates
    station_days: set[StationDay] = field(default_factory=set)
    outdated: set[StationDay] = field(default_factory=set)

    def flags_change(self, changed: set[StationDay], outdated: set[StationDay]) -> None:
        """Called before flags on these days are rewritten, with the days that are `outdated_before`.

        Once their flags are rewritten, nothing shows any more that those of neighbours depend on them.
        """
        self.outdated.update(outdated)
        self.pending_qc.enqueue_reflagged(outdated)
        # Before the flags: after a kill in between, they would no longer be found to differ.
        if new := {name for name, _ in changed - self.station_days}:
            self.states.revise(new)
        self.station_days.update(changed)
        self.pending_qc.flags_change(changed)


def _evaluate_window(
    window: QcWindow,
    stored: dict[str, StationColumns],
    collection: ObservationCollection,
    neighbours: Neighbours,
    observer: QcObserver | None,
    reflagging: Reflagging | None,
    sink: DaySink | None,
) -> QcCounts:
    counts = QcCounts()
    changed: dict[str, int] = {}
    for attempt in range(_ROUNDS):
        found = evaluate(window, stored, neighbours)
        # Returns what the checks left behind: 60 MB per window, in addition to what is written and passed on.
        trim_heap()
        outdated = [differing_flags(window, one) for one in found]
        pairs = list(zip(found, outdated, strict=True))
        reflagged = {station_day for one, differing in pairs for station_day in _days_of(one, differing)}
        # Before the flags: if this is interrupted in between, the flags still differ, and both are written again.
        _write_days(window, found, reflagged, collection)
        if reflagging is not None:
            reflagging.flags_change(reflagged, set().union(*(outdated_before(window, one) for one in found)))
        if sink is not None:
            sink.flags_change(reflagged)
        counts.evaluated = sum(len(differing.evaluated) for differing in outdated)
        updates = (
            batch
            for one, differing in pairs
            for batch in flag_updates(one.results, one.columns, differing, changed, by_name=not attempt)
        )
        written = rewrite_all(updates, collection)
        counts.rewritten += written
        if written == sum(len(differing.rows) for differing in outdated):
            counts.flags_changed = sum(changed.values())
            if observer is not None:
                for one in found:
                    observer.observe(one.results, window.changed)
            if sink is not None:
                _hand_on(window, pairs, sink)
            return counts
        stored = read_window(window, collection)
    raise RetryableError("other writers keep changing the same documents; run again when they are done")


def _write_days(
    window: QcWindow,
    found: Sequence[Evaluated],
    reflagged: Iterable[tuple[str, int]],
    collection: ObservationCollection,
) -> None:
    """The daily aggregates of the days whose observations changed, and of those whose flags are about to."""
    asked = {(name, day) for name, days in window.changed.items() for day in days}
    days = days_by_station(asked.union(reflagged))
    aggregates = [day for one in found for day in station_days(one.results, days)]
    there = {(one.station, one.day) for one in aggregates}
    DailyAggregates.for_collection(collection).write(aggregates, asked - there)


def _hand_on(window: QcWindow, pairs: Sequence[tuple[Evaluated, OutdatedFlags]], sink: DaySink) -> None:
    """Pass on what the database now holds for the days whose observations changed."""
    times = [one.columns.times[differing.evaluated] for one, differing in pairs]
    for some in _some_days(sorted(set().union(*window.changed.values())), times):
        changed = {name: of_station & some for name, of_station in window.changed.items() if of_station & some}
        parts = []
        for (columns, results), (*_, among, flag, amount) in pairs:
            chosen = np.flatnonzero(results.series.rows_on(changed)[among])
            if not len(chosen):
                continue
            origins = columns.origins
            if origins is None or None in origins.sources[among[chosen]]:
                # They were read again, or belong to another run; the dataset then reads them itself.
                return
            parts.append(CheckedRows(columns, origins, results, among[chosen], flag[chosen], amount[chosen]))
        sink.take(changed, dataset_of(parts))


def _some_days(days: Sequence[int], times: Sequence[Times]) -> Iterator[set[int]]:
    """Days in groups that have at most `_ROWS_HANDED_ON` of the rows at these times, or are a single day."""
    found, sizes = np.unique(np.concatenate([np.empty(0, np.int64), *times]) // DAY_MS, return_counts=True)
    rows = dict(zip(found.tolist(), sizes.tolist(), strict=True))
    some: set[int] = set()
    for day in days:
        if some and sum(rows.get(one, 0) for one in (*some, day)) > _ROWS_HANDED_ON:
            yield some
            some = set()
        some.add(day)
    if some:
        yield some


def _days_of(one: Evaluated, differing: OutdatedFlags) -> set[tuple[str, int]]:
    """The station-days of the documents whose flags differ."""
    series = one.results.series
    days = days_of(series.axis[differing.rows])
    return station_days_of(series, differing.rows[days.starts])
