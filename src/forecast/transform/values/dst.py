"""The hour that occurs twice when clocks go back. Only the order of rows shows which pass a row belongs to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask, instant_text, wrong_times
from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.schemas import (
    OBSERVATION_SCHEMA,
    REJECTED_SCHEMA,
    UTC_TIME,
    RawBatch,
    Transformed,
    frame_of,
)
from forecast.core.stations import Station
from forecast.transform.quarantine import Rejection, rejected_rows
from forecast.transform.values.clocks import DAY_SECONDS, DateTimes, Seconds
from forecast.transform.values.zones import local_fold_to_utc

# Ten years of a station that reports every second have 72 000 rows in that hour, which wait in memory.
MAX_HELD_ROWS = 100_000
_REASON = (
    "ambiguous local time: it occurs twice that day, and neither a UTC column nor the order of the rows shows which"
)
_OLDEST_FIRST, _NEWEST_FIRST = 1, -1
# Half of the orders of two rows look like two passes; of a dozen rows, hardly any.
_FEW_ROWS = 12
_MINUTE = 60


@dataclass(slots=True)
class _DeferredRows:
    """Deferred rows: `rejected` is what each becomes if its pass cannot be determined."""

    observations: pa.Table
    local: DateTimes
    rejected: list[dict[str, Any]]


@dataclass(slots=True)
class _Series:
    """The rows of one station in one object; `steps` counts those of its local time by their size in seconds."""

    station: Station
    last: DateTimes | None = None
    steps: Counter[int] = field(default_factory=Counter)
    held: list[_DeferredRows] = field(default_factory=list)

    def observe(self, local: DateTimes) -> None:
        """Observe the next rows, however they are split into batches."""
        local = local[~np.isnat(local)]
        steps = np.diff(local if self.last is None else np.concatenate([self.last, local])).astype(np.int64)
        steps = steps[np.abs(steps) < DAY_SECONDS]
        sizes, counts = np.unique(steps, return_counts=True)
        self.steps.update(dict(zip(sizes.tolist(), counts.tolist(), strict=True)))
        self.last = local[-1:] if len(local) else self.last

    @property
    def order(self) -> int:
        """1 if the oldest row comes first, -1 if the newest does, 0 if neither is clear."""
        forwards = sum(count for size, count in self.steps.items() if size > 0)
        backwards = sum(count for size, count in self.steps.items() if size < 0)
        if forwards and forwards >= 2 * backwards:
            return _OLDEST_FIRST
        return _NEWEST_FIRST if backwards and backwards >= 2 * forwards else 0

    @property
    def steps_against_order(self) -> int:
        """How often a row lies before the one that it should be after."""
        return sum(count for size, count in self.steps.items() if size * self.order < 0)

    @property
    def interval(self) -> float:
        """Seconds between its rows: the lower quartile of the steps, which gaps and late rows hardly affect.

        The registry's interval if there are no steps.
        """
        sizes = sorted((abs(size), count) for size, count in self.steps.items() if size)
        quarter = sum(count for _, count in sizes) / 4
        for size, count in sizes:
            quarter -= count
            if quarter <= 0:
                return size
        return self.station.interval_minutes * _MINUTE


class AmbiguousHours:
    """Defers the rows of such hours until the whole object is read."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}
        self._rows = 0

    def observe(self, station: Station, local: DateTimes) -> None:
        """Observe the order of a station's rows; call it for all of them."""
        self._series.setdefault(station.id, _Series(station)).observe(local)

    def defer(self, batch: RawBatch, mask: Mask, observations: pa.Table, local: DateTimes) -> None:
        """Defer the rows of a mask; `observations` are these rows, without a time.

        Raises ObjectRejectedError if there are more than any station can have.
        """
        rows = np.flatnonzero(mask)
        self._rows += len(rows)
        if self._rows > MAX_HELD_ROWS:
            message = f"more than {MAX_HELD_ROWS} rows with a local time that occurs twice; give the times in UTC"
            raise ObjectRejectedError("too_many_ambiguous_times", message)
        rejected = rejected_rows(batch, rows.tolist(), Rejection(mask, "ambiguous_local_time", "Time", _REASON))
        for record, moment in zip(rejected, local[rows], strict=True):
            record["value"] = str(moment)
        for station_id in observations["station_id"].unique().to_pylist():
            mine = np.asarray(pc.equal(observations["station_id"], station_id))
            records = [rejected[index] for index in np.flatnonzero(mine).tolist()]
            self._series[station_id].held.append(
                _DeferredRows(observations.filter(pa.array(mine)), local[rows[mine]], records)
            )

    def resolve(self, now: datetime) -> list[Transformed]:
        """All deferred rows, station by station."""
        return [_resolve(series, now) for series in self._series.values() if series.held]


def _resolve(series: _Series, now: datetime) -> Transformed:
    local = np.concatenate([part.local for part in series.held])
    rejected = [record for part in series.held for record in part.rejected]
    zone = series.station.timezone
    table = pa.concat_tables([part.observations for part in series.held])
    ones = np.ones(len(local), dtype=bool)
    first, second = (local_fold_to_utc(local, zone, summer=summer) for summer in (ones, ~ones))
    summer, decided = _passes(local, _equal_rows(table, local), series, (second - first).astype(np.int64))
    moments = np.where(summer, first, second)
    for fault in wrong_times(moments, now):
        for row in np.flatnonzero(fault.mask & decided).tolist():
            instant = instant_text(fault.instants, row)
            rejected[row] |= {"code": fault.code, "reason": fault.reason, "instant": instant}
        decided &= ~fault.mask
    stamps = pa.array(moments.astype("datetime64[ms]")).cast(UTC_TIME)
    table = table.set_column(1, OBSERVATION_SCHEMA.field("timestamp"), stamps)
    return Transformed(
        observations=table.filter(pa.array(decided)),
        rejected=frame_of([rejected[row] for row in np.flatnonzero(~decided).tolist()], REJECTED_SCHEMA),
        rows_read=len(local),
        rows_empty=0,
    )


def _equal_rows(table: pa.Table, local: DateTimes) -> Seconds:
    """A number for each row, equal for rows with the same local time, values and issues."""
    columns = [
        local.astype(np.int64),
        table["parse_issues"].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(),
    ]
    columns += [np.nan_to_num(table[name].to_numpy(), nan=np.inf).view(np.int64) for name in PARAMETER_NAMES]
    numbers: Seconds = np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1)
    return numbers


def _passes(local: DateTimes, equal: Seconds, series: _Series, shift: Seconds) -> tuple[Mask, Mask]:
    """Which rows belong to the first pass (summer time), and for which the pass can be determined at all."""
    summer, decided = (np.zeros(len(local), dtype=bool) for _ in range(2))
    days = local.astype("datetime64[D]")
    is_in_order = series.steps_against_order <= len(np.unique(days))
    for day in np.unique(days) if series.order else ():
        rows = np.flatnonzero(days == day)[:: series.order]
        if len(rows) < _FEW_ROWS and not is_in_order:
            continue
        hour = _Hour(local[rows].astype(np.int64), equal[rows], series.interval, int(shift[rows[0]]))
        first = hour.first_pass()
        if first is not None:
            summer[rows] = first
            decided[rows] = True
    return summer, decided


@dataclass(slots=True)
class _Hour:
    """The rows of an hour that occurs twice, oldest first: their local seconds, and numbers that equal rows share.

    `interval` is that of the station's rows; `shift` is how far the clock goes back.
    """

    seconds: Seconds
    equal: Seconds
    interval: float
    shift: int

    def first_pass(self) -> Mask | None:
        """The rows of the first pass; None if the rows could also be a single pass, or are in no order.

        A part that was delivered twice also has a step back. Its rows equal those that they repeat, and the rows
        of two passes do not.
        """
        cut = self._step_back(self.seconds)
        if cut is not None:
            return np.arange(len(self.seconds)) < cut if self._are_two(cut) else None
        _, places, numbers = np.unique(self.equal, return_index=True, return_inverse=True)
        once = np.sort(places)
        cut = self._step_back(self.seconds[once])
        if cut is None or not self._meet(self.seconds[once[:cut]], self.seconds[once[cut:]]):
            return None
        # A repeated row belongs to the same pass as its first delivery.
        is_first: Mask = places[numbers.reshape(-1)] < once[cut]
        return is_first

    def _meet(self, first: Seconds, second: Seconds) -> bool:
        """Whether both passes have half of their rows, half of the shorter one's at times that both passes have.

        In a single pass that was delivered in pieces, with late rows, each time occurs only once.
        """
        shorter, longer = sorted((first, second), key=len)
        longer = np.sort(longer)
        next_one = longer[np.minimum(np.searchsorted(longer, shorter), len(longer) - 1)]
        last_one = longer[np.maximum(np.searchsorted(longer, shorter, "right") - 1, 0)]
        shared = np.minimum(np.abs(shorter - next_one), np.abs(shorter - last_one)) < _MINUTE
        return 2 * len(shorter) >= self._rows_of_a_pass and 2 * int(shared.sum()) >= len(shorter)

    def _step_back(self, seconds: Seconds) -> int | None:
        """Where the clock went back: the only step back, if it is as large as the clock change; otherwise None.

        For rows an hour or more apart, these are two rows with the same time.
        """
        steps = np.diff(seconds)
        back = np.flatnonzero(steps <= 0 if len(seconds) == len(("summer", "winter")) else steps < 0)
        if len(back) != 1:
            return None
        size = -int(steps[back[0]])
        is_the_clocks = abs(self.shift - size) <= 2 * self.interval
        # If rows are rare, a late row goes back as far as the clock does.
        may_be_late = size <= 2 * self.interval and len(seconds) <= self._rows_of_a_pass
        return int(back[0]) + 1 if is_the_clocks and not may_be_late else None

    @property
    def _rows_of_a_pass(self) -> float:
        return max(1.0, self.shift / self.interval)

    def _are_two(self, cut: int) -> bool:
        """Whether the rows on the two sides of a step back are really two passes, not one that was delivered twice.

        They are if more than half of the local times that both have differ in values: a few equal ones can be a calm
        night, and a few different ones to a correction.
        """
        before = dict(zip(self.seconds[:cut].tolist(), self.equal[:cut].tolist(), strict=True))
        after = dict(zip(self.seconds[cut:].tolist(), self.equal[cut:].tolist(), strict=True))
        shared = before.keys() & after.keys()
        equal = sum(bool(before[second] == after[second]) for second in shared)
        return 2 * equal < max(1, len(shared))
