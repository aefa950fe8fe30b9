"""Reads times that are local to the station: what each column says about them, and where two columns disagree.

A row may state its time more than once: in UTC, as a whole local time, as a day (a column, or the name of the sheet)
with a time of day. The first of these counts, and all others are compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.core.schemas import RawBatch
from forecast.networks.model import LocalTime
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.row_times import BAD_INSTANT, RowTimes, as_utc, present
from forecast.transform.values.clocks import DAY_SECONDS, UNREADABLE, DateTimes, TimeOfDay, read_clock
from forecast.transform.values.statements import Places, Statement, contradictions, first_of
from forecast.transform.values.timestamps import (
    ParsedTimes,
    combine,
    leap_second_issues,
    read_date_times,
    read_days,
    read_moments,
    sheet_day,
)
from forecast.transform.values.zones import to_local

_DAY = np.timedelta64(DAY_SECONDS, "s")
_BAD_TIME = "not a local date and time"
_BAD_DAY = "not a day (YYYY-MM-DD, or the midnight that begins it)"
_OTHER_DAY = "the row's time is on a different day from its date"
_LOST_DAY = (
    "the rows have a time of day and no day: the names of the workbook's sheets were the days, and were lost "
    "before the object was written. Put the workbook itself into the raw zone, or a Date column into the table"
)


@dataclass(slots=True)
class LocalTimes:
    """What the columns of a batch say about its times, in order of precedence.

    `days` are the rows' days, NaT if there is none; `alone` are the times of day of rows without a day.
    """

    declared: LocalTime
    statements: list[Statement]
    places: Places
    days: DateTimes
    bad_days: Mask
    date_cells: pa.Array | None
    alone: npt.NDArray[np.int64]
    time_cells: pa.Array | None
    rejections: list[Rejection]

    def rows(self, unused: Sequence[str]) -> RowTimes:
        """The rows' times, ignoring the fields in `unused`."""
        statements = [each for each in self.statements if not (each.is_whole and each.field in unused)]
        readings, sources = first_of(statements, len(self.days))
        rejections, issues = list(self.rejections), []
        for number, statement in enumerate(statements):
            mine = sources == number
            rejections += self._unreadable(statement, mine & readings.unreadable)
            issues += leap_second_issues(
                ParsedTimes(readings.moments, mine, mine, mine & readings.leap), statement.cells
            )
        local = self._local(readings)
        others = [*statements, *self._alone(local)]
        for statement in others if len(others) > 1 else ():
            rejections += contradictions(readings, statement, self.places)
        rejections += self._other_days(local, statements)
        return RowTimes(readings, rejections, issues)

    def _unreadable(self, statement: Statement, mask: Mask) -> Iterator[Rejection]:
        bad_days = np.zeros(len(mask), dtype=bool)
        if not statement.is_whole:
            bad_days = mask & self.bad_days
            yield Rejection(bad_days, "bad_timestamp", self.declared.day, _BAD_DAY, self.date_cells)
        reason = BAD_INSTANT if statement.field in self.declared.utc else _BAD_TIME
        yield Rejection(mask & ~bad_days, "bad_timestamp", statement.field, reason, statement.cells)

    def _local(self, readings: ParsedTimes) -> DateTimes:
        """The times that count as local ones."""
        local = readings.moments.copy()
        for station, rows in self.places:
            mine = rows & readings.is_utc
            local[mine] = to_local(local[mine], station.timezone)
        return local

    def _alone(self, local: DateTimes) -> list[Statement]:
        """The times of day of rows without a day, on the day that brings them closest to the time that counts."""
        if self.time_cells is None or not (self.alone != UNREADABLE).any():
            return []
        of_day = (local - local.astype("datetime64[D]")).astype(np.int64)
        nearest = (self.alone - of_day + DAY_SECONDS // 2) % DAY_SECONDS - DAY_SECONDS // 2
        moments = np.where(self.alone == UNREADABLE, np.datetime64("NaT"), local + nearest.astype("timedelta64[s]"))
        return [Statement(self.declared.clock, self.time_cells, ParsedTimes.plain(moments, is_utc=False))]

    def _other_days(self, local: DateTimes, statements: Sequence[Statement]) -> list[Rejection]:
        """Rows whose time is on a different day, if the day has no time of day to be compared with it."""
        compared = np.zeros(len(local), dtype=bool)
        for statement in statements:
            if not statement.is_whole:
                compared |= ~np.isnat(statement.readings.moments)
        other = ~compared & ((local < self.days) | (local > self.days + _DAY))
        if not other.any():
            return []
        shown = pa.array(np.datetime_as_string(local)) if self.date_cells is None else self.date_cells
        name = self.declared.clock if self.date_cells is None else self.declared.day
        return [Rejection(other, "contradicting_times", name, _OTHER_DAY, shown)]


class LocalTimeReader:
    """Reads what the batches of one object say about their rows' times."""

    def __init__(self, declared: LocalTime) -> None:
        self._declared = declared
        self._sheets: dict[date, str] = {}

    def read(self, batch: RawBatch, columns: Columns, places: Places) -> LocalTimes:
        """The statements of a batch.

        Raises ObjectRejectedError if the rows have times of day, but nothing states the day.
        """
        size, declared = len(batch.rows), self._declared
        statements = [
            *(Statement(name, cells, as_utc(read_moments(cells))) for name, cells in present(columns, declared.utc)),
            *(Statement(name, cells, read_moments(cells)) for name, cells in present(columns, declared.whole)),
        ]
        has_whole_times = bool(statements)
        date_cells, time_cells = (columns.get(normalise_field(name)) for name in (declared.day, declared.clock))
        days, bad_days, rejections = _days(batch, declared.day, date_cells, places)
        alone = np.full(size, UNREADABLE)
        if time_cells is not None:
            clock, whole = _split(time_cells, days)
            statements += [Statement(declared.clock, time_cells, whole)] if whole is not None else []
            is_alone = (clock.seconds != UNREADABLE) & np.isnat(days) & ~bad_days
            if date_cells is None and not has_whole_times:
                self._check_day(batch.sheet, clock.seconds != UNREADABLE)
            alone[is_alone] = clock.seconds[is_alone]
            readings = ParsedTimes.plain(combine(days, clock.seconds), is_utc=False)
            readings.unreadable |= bad_days | clock.unreadable
            readings.leap = clock.leap
            statements.append(Statement(declared.clock, time_cells, readings, is_whole=False))
        return LocalTimes(declared, statements, places, days, bad_days, date_cells, alone, time_cells, rejections)

    def _check_day(self, sheet: str | None, has_clock: Mask) -> None:
        if not has_clock.any():
            return
        if sheet is None:
            raise ObjectRejectedError("lost_day", _LOST_DAY)
        day = sheet_day(sheet)
        if day is None:
            raise ObjectRejectedError(
                "lost_day",
                f"the name of sheet {sheet!r} is not a day (ddmmyy, such as 011024), and its rows have only times",
            )
        first = self._sheets.setdefault(day, sheet)
        if first != sheet:
            raise ObjectRejectedError("same_day_twice", f"sheets {first!r} and {sheet!r} are both for {day}")


def _days(
    batch: RawBatch, field: str, cells: pa.Array | None, places: Places
) -> tuple[DateTimes, Mask, list[Rejection]]:
    """The rows' days, from a column or the name of the sheet; which are unreadable; and where the two differ."""
    size = len(batch.rows)
    days: DateTimes = np.full(size, np.datetime64("NaT", "D"))
    bad = np.zeros(size, dtype=bool)
    if cells is not None:
        days, instants, bad = read_days(cells)
        if not np.isnat(instants).all():
            for station, rows in places:
                mine = rows & ~np.isnat(instants)
                local = to_local(instants[mine], station.timezone)
                begun = local.astype("datetime64[D]")
                days[mine] = np.where(begun == local, begun, np.datetime64("NaT"))
                bad[mine] = begun != local
    day = None if batch.sheet is None else sheet_day(batch.sheet)
    if day is None:
        return days, bad, []
    other = ~np.isnat(days) & (days != np.datetime64(day))
    reason = f"the day differs from that of sheet {batch.sheet!r}"
    days = np.where(np.isnat(days) & ~bad, np.datetime64(day), days)
    return days, bad, [Rejection(other, "contradicting_times", field, reason, cells)] if other.any() else []


def _split(cells: pa.Array, days: DateTimes) -> tuple[TimeOfDay, ParsedTimes | None]:
    """Times of day, and, if there are any, the cells that have a whole time instead."""
    clock = read_clock(cells, days)
    if not clock.unreadable.any():
        return clock, None
    whole = read_date_times(cells)
    found = clock.unreadable & ~np.isnat(whole.moments)
    if not found.any():
        return clock, None
    moments = np.where(found, whole.moments, np.datetime64("NaT"))
    return clock._replace(unreadable=clock.unreadable & ~found), ParsedTimes(
        moments, whole.is_utc & found, np.zeros(len(found), dtype=bool), whole.leap & found
    )
