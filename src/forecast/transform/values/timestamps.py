"""Converts times as the sources write them to UTC, to the second.

Fractions of a second are rounded half up. Local times go through the station's own zone. An hour that occurs twice or
not at all is reported, never shifted.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask
from forecast.core.clock import TICKS_PER_SECOND
from forecast.transform.values.clocks import (
    UNREADABLE,
    DateTimes,
    Seconds,
    is_number,
    lookup,
    plain_cells,
    read_clock_texts,
    read_numbers,
)
from forecast.transform.values.columns import ParseIssue
from forecast.transform.whole_numbers import texts_of, whole_numbers

# Epochs in seconds, milliseconds, microseconds and nanoseconds do not overlap between 2001 and 2033.
_EPOCH_SECONDS = (10**9, 2 * 10**9)
_EPOCH_UNITS = (1, 10**3, 10**6, 10**9)
# Only the abbreviations of zones that mean the same offset everywhere the stations are.
_ZONE_NAMES = {"Z": 0, "UTC": 0, "GMT": 0, "CET": 3600, "CEST": 7200}
_ZONE = rf"[+-][0-9]{{2}}(?::?[0-9]{{2}})?|{'|'.join(_ZONE_NAMES)}"
_DATE_TIME = rf"^\s*(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ](?P<time>[0-9:.]+)\s*(?P<zone>(?:{_ZONE})?)\s*$"
_EPOCH = re.compile(r"[0-9]{10}([0-9]{3}){0,3}(\.[0-9]{1,9})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHEET_DAY = re.compile(r"[0-9]{6}")
_SHORTEST_TIME = len("2024-10-01 00:04")
_SIXTY = 60
# Python's range of years, less one at both ends for zone offsets.
_YEARS = (np.datetime64("0002-01-01", "s"), np.datetime64("9998-12-31T23:59:59", "s"))
_FARTHEST_OFFSET = 15 * 3600


@dataclass(slots=True)
class ParsedTimes:
    """`moments` is datetime64[s], NaT if there is none; `is_utc` marks those in UTC; the others are local.

    `leap` marks times with second 60, which are read as 59.
    """

    moments: DateTimes
    is_utc: Mask
    unreadable: Mask
    leap: Mask

    @classmethod
    def plain(cls, moments: DateTimes, *, is_utc: bool, unreadable: Mask | None = None) -> ParsedTimes:
        """Times that are all UTC or all local; outside the years 2 to 9998, they are unreadable."""
        nothing = np.zeros(len(moments), dtype=bool)
        beyond = (moments < _YEARS[0]) | (moments > _YEARS[1])
        if beyond.any():
            moments = np.where(beyond, np.datetime64("NaT", "s"), moments)
        bad = beyond if unreadable is None else beyond | unreadable
        return cls(moments, np.full(len(moments), is_utc), bad, nothing)

    def part(self, rows: slice) -> ParsedTimes:
        """The times of some of the rows."""
        return ParsedTimes(self.moments[rows], self.is_utc[rows], self.unreadable[rows], self.leap[rows])


class Days(NamedTuple):
    """`days` is datetime64[D], NaT if there is none; `instants` are UTC times of cells that name a zone, or NaT.

    Only the station's zone can tell which day an instant begins, if any.
    """

    days: DateTimes
    instants: DateTimes
    unreadable: Mask


def read_moments(cells: pa.Array) -> ParsedTimes:
    """Full dates with times: ISO text with or without a zone, timestamps, epochs in seconds to nanoseconds."""
    cells = plain_cells(cells)
    if is_number(cells.type):
        return _read_epochs(cells)
    readings = read_date_times(cells)
    if pa.types.is_string(cells.type) and readings.unreadable.any():
        epochs, _ = lookup(cells, _read_epoch, np.datetime64("NaT", "s"))
        found = readings.unreadable & ~np.isnat(epochs)
        readings.moments = np.where(found, epochs, readings.moments)
        readings.is_utc, readings.unreadable = readings.is_utc | found, readings.unreadable & ~found
    return readings


def read_date_times(cells: pa.Array) -> ParsedTimes:
    """Full dates with times, but no epochs: ISO text with or without a zone, timestamps."""
    cells = plain_cells(cells)
    if pa.types.is_timestamp(cells.type):
        return ParsedTimes.plain(_to_the_second(cells), is_utc=cells.type.tz is not None)
    if pa.types.is_string(cells.type):
        return _read_texts(cells)
    nothing = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    return ParsedTimes.plain(nothing, is_utc=False, unreadable=np.asarray(cells.is_valid()))


def read_formatted(cells: pa.Array, form: str) -> ParsedTimes:
    """Times in a form of strptime, such as "%Y%m%d%H", as text or as a number."""
    if pa.types.is_nested(cells.type):
        nothing = np.full(len(cells), np.datetime64("NaT", "s"))
        return ParsedTimes.plain(nothing, is_utc=True, unreadable=np.asarray(cells.is_valid()))
    texts = whole_numbers(texts_of(cells))
    parsed = pc.strptime(texts, format=form, unit="s", error_is_null=True)
    # strptime also reads "2024-1-5" as "%Y-%m-%d"; formatting the result again shows the difference.
    parsed = pc.if_else(pc.equal(pc.strftime(parsed, format=form), texts), parsed, pa.scalar(None, parsed.type))
    unreadable = np.asarray(texts.is_valid()) & np.asarray(parsed.is_null())
    return ParsedTimes.plain(parsed.to_numpy(zero_copy_only=False), is_utc=True, unreadable=unreadable)


def leap_second_issues(readings: ParsedTimes, cells: pa.Array) -> list[ParseIssue]:
    """Parse issues for times with second 60; `cells` are those that they were read from."""
    return [
        ParseIssue(row, "timestamp", str(cells[row].as_py()), "second 60, read as 59")
        for row in np.flatnonzero(readings.leap).tolist()
    ]


def read_days(cells: pa.Array) -> Days:
    """Days, given as such or as their midnight; "01/10/2024" is ambiguous, so it is unreadable.

    A midnight in UTC is that day; any other time of day without a zone is unreadable.
    """
    cells = plain_cells(cells)
    nothing = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    if pa.types.is_date(cells.type):
        days = cells.cast(pa.timestamp("s"), safe=False).to_numpy(zero_copy_only=False).astype("datetime64[D]")
        return Days(days, nothing, np.zeros(len(cells), dtype=bool))
    days, bad = np.full(len(cells), np.datetime64("NaT", "D")), np.asarray(cells.is_valid())
    if pa.types.is_string(cells.type):
        days, bad = lookup(cells, _read_day, np.datetime64("NaT", "D"))
    if not bad.any():
        return Days(days, nothing, bad)
    readings = read_date_times(cells.filter(pa.array(bad)))
    begun = readings.moments.astype("datetime64[D]")
    is_midnight = begun == readings.moments
    days[bad] = np.where(is_midnight, begun, np.datetime64("NaT", "D"))
    nothing[bad] = np.where(is_midnight | ~readings.is_utc, np.datetime64("NaT", "s"), readings.moments)
    bad[bad] = ~is_midnight & (~readings.is_utc | readings.unreadable)
    return Days(days, nothing, bad)


def sheet_day(name: str) -> date | None:
    """The day of a sheet named ddmmyy, or None: "320124" is not a day."""
    if not _SHEET_DAY.fullmatch(name.strip()):
        return None
    try:
        return datetime.strptime(name.strip(), "%d%m%y").date()  # noqa: DTZ007  a local day
    except ValueError:
        return None


def _to_the_second(cells: pa.Array) -> DateTimes:
    """Timestamps of any unit, fractions rounded."""
    moments: DateTimes = cells.cast(pa.timestamp(cells.type.unit)).to_numpy(zero_copy_only=False)
    if cells.type.unit == "s":
        return moments
    # numpy's own conversion overflows near both ends of 64 bits: pandas' Timestamp.min became a time in the future.
    counts, scale = moments.astype(np.int64), TICKS_PER_SECOND[cells.type.unit]
    whole = counts // scale
    whole += counts - whole * scale >= scale // 2
    return np.where(np.isnat(moments), np.datetime64("NaT"), whole.astype("datetime64[s]"))


def _read_epochs(cells: pa.Array) -> ParsedTimes:
    """Epochs, each in the unit implied by its size; integers are not converted to floats, which lose nanoseconds."""
    if pa.types.is_integer(cells.type) and not pa.types.is_uint64(cells.type):
        there = np.asarray(cells.is_valid())
        numbers: npt.NDArray[Any] = np.asarray(pc.fill_null(cells.cast(pa.int64()), 0), dtype=np.int64)
    else:
        numbers, there = read_numbers(cells)
    moments = np.full(len(numbers), np.datetime64("NaT"), dtype="datetime64[s]")
    for unit in _EPOCH_UNITS:
        found = there & (numbers >= _EPOCH_SECONDS[0] * unit) & (numbers < _EPOCH_SECONDS[1] * unit)
        mine = numbers[found]
        whole = (mine + unit // 2) // unit if mine.dtype == np.int64 else np.floor(mine / unit + 1 / 2)
        moments[found] = whole.astype(np.int64).astype("datetime64[s]")
    return ParsedTimes.plain(moments, is_utc=True, unreadable=there & np.isnat(moments))


def _read_texts(cells: pa.Array) -> ParsedTimes:
    try:  # Arrow rejects a zone here, and reads a bare day as midnight
        if (pc.min(pc.utf8_length(cells)).as_py() or _SHORTEST_TIME) >= _SHORTEST_TIME:
            return ParsedTimes.plain(cells.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False), is_utc=False)
    except pa.ArrowInvalid:
        pass
    parts = pc.extract_regex(cells, _DATE_TIME)
    matched = parts.is_valid()

    def part(name: str) -> pa.Array:
        return pc.if_else(matched, parts.field(name), pa.scalar(None, pa.string()))

    days, bad_days = lookup(part("date"), _read_day, np.datetime64("NaT", "D"))
    clock = read_clock_texts(part("time"))
    offsets, bad_zones = lookup(part("zone"), _read_offset, np.int64(0))
    moments = combine(days, clock.seconds) - offsets.astype("timedelta64[s]")
    is_utc = np.asarray(pc.fill_null(pc.not_equal(part("zone"), ""), fill_value=False))
    others = ~np.asarray(matched) & np.asarray(
        pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(cells), ""), fill_value=False)
    )
    unreadable = bad_days | clock.unreadable | bad_zones | others
    moments = np.where(unreadable, np.datetime64("NaT", "s"), moments)
    readings = ParsedTimes.plain(moments, is_utc=False, unreadable=unreadable)
    readings.is_utc, readings.leap = is_utc, clock.leap
    return readings


def combine(days: DateTimes, clock: Seconds) -> DateTimes:
    """Days plus seconds since midnight, as datetime64[s]; NaT if either is missing."""
    moments: DateTimes = days.astype("datetime64[s]") + np.where(clock == UNREADABLE, 0, clock).astype("timedelta64[s]")
    moments[clock == UNREADABLE] = np.datetime64("NaT")
    return moments


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if _DAY.fullmatch(text.strip()) else None
    except ValueError:
        return None


def _read_epoch(text: str) -> np.datetime64 | None:
    """An epoch from a text of digits (as numbers are in CSV)."""
    if not _EPOCH.fullmatch(text.strip()):
        return None
    number = float(text) if "." in text else int(text)
    for unit in _EPOCH_UNITS:
        if _EPOCH_SECONDS[0] * unit <= number < _EPOCH_SECONDS[1] * unit:
            whole = (number + unit // 2) // unit if isinstance(number, int) else math.floor(number / unit + 1 / 2)
            return np.datetime64(whole, "s")
    return None


def _read_offset(cell: str) -> int | None:
    """Seconds east of UTC."""
    if cell in _ZONE_NAMES:
        return _ZONE_NAMES[cell]
    minutes = int(cell[-2:]) if len(cell) > len("+02") else 0
    seconds = int(cell[1:3]) * 3600 + minutes * 60
    if minutes >= _SIXTY or seconds > _FARTHEST_OFFSET:
        return None
    return -seconds if cell[0] == "-" else seconds
