"""Times as the sources write them, to UTC to the second.

Fractions of a second are rounded. Local times go through the station's own zone. An hour that occurs twice or not at
all is reported, never shifted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.entry import Mask
from forecast.transform.cells import Note
from forecast.transform.columns import python_cells

Moments = npt.NDArray[np.datetime64]
Seconds = npt.NDArray[np.int64]

DAY_SECONDS = 86_400
UNREADABLE = -1
# Epochs in seconds, milliseconds, microseconds and nanoseconds do not overlap between 2001 and 2033.
_EPOCH_SECONDS = (1e9, 2e9)
_EPOCH_UNITS = (1.0, 1e3, 1e6, 1e9)
# Of the abbreviations of zones only those that mean one offset the world over, as far as our stations go.
_ZONE_NAMES = {"Z": 0, "UTC": 0, "GMT": 0, "CET": 3600, "CEST": 7200}
_ZONE = rf"[+-][0-9]{{2}}(?::?[0-9]{{2}})?|{'|'.join(_ZONE_NAMES)}"
_DATE_TIME = rf"^\s*(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ](?P<time>[0-9:.]+)\s*(?P<zone>(?:{_ZONE})?)\s*$"
# The days that Excel puts before a time of day: those of its two date systems.
_EXCEL_DAY = r"(?:(?:1899-12-3[01]|1900-01-0[01]|1904-01-01)[T ])?"
_TIME = re.compile(
    _EXCEL_DAY + r"([0-9]{1,2})[:h]([0-9]{1,2})(?::([0-9]{1,2})(\.[0-9]{1,9})?)?\s*([ap]\.?m\.?)?", re.IGNORECASE
)
# What Python and Excel write of a fraction of a day: 0.00277778, and 5.787037037037037e-05 for five seconds.
_SERIAL = re.compile(r"0?\.[0-9]{1,20}|[0-9](\.[0-9]{1,20})?e-0?[1-9]", re.IGNORECASE)
_EPOCH = re.compile(r"[0-9]{10}([0-9]{3}){0,3}(\.[0-9]{1,9})?")
_SHEET_DAY = re.compile(r"[0-9]{6}")
_MAX_SERIAL = 100_000
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SHORT_TIME = 32  # bits of a time in seconds or milliseconds
# A serial that was written out is this near to a whole second; one that was cut after five decimals is up to 0.864 s
# short of the minute it meant.
_WRITTEN_OUT = 0.01
_CUT_OFF = 0.87
_SHORTEST_TIME = len("2024-10-01 00:04")
_HALF_DAY, _LAST_HOUR, _SIXTY = 12, 24, 60
# Added to the seconds since midnight of a clock that said :60 until it is known which rows these are.
_LEAP = 1 << 20
# Python's calendar, less a year at both ends for the offset of a zone.
_YEARS = (np.datetime64("0002-01-01", "s"), np.datetime64("9998-12-31T23:59:59", "s"))
_FARTHEST_OFFSET = 15 * 3600


@dataclass(slots=True)
class Readings:
    """`moments` is datetime64[s], NaT where there is none; `is_utc` says which are UTC and not local.

    `leap` are those whose clock said :60 and that were read as :59.
    """

    moments: Moments
    is_utc: Mask
    unreadable: Mask
    leap: Mask

    @classmethod
    def plain(cls, moments: Moments, *, is_utc: bool, unreadable: Mask | None = None) -> Readings:
        """Moments that are all UTC or all local; beyond the years 2 to 9998 they are unreadable."""
        nothing = np.zeros(len(moments), dtype=bool)
        beyond = (moments < _YEARS[0]) | (moments > _YEARS[1])
        if beyond.any():
            moments = np.where(beyond, np.datetime64("NaT", "s"), moments)
        bad = beyond if unreadable is None else beyond | unreadable
        return cls(moments, np.full(len(moments), is_utc), bad, nothing)


class Clock(NamedTuple):
    """`seconds` since midnight (86 400 for 24:00), UNREADABLE (-1) where there is none; `leap` as in Readings."""

    seconds: Seconds
    unreadable: Mask
    leap: Mask


def read_moments(cells: pa.Array) -> Readings:
    """Full dates with times: ISO text with or without a zone, timestamps, epochs in seconds to nanoseconds."""
    cells = _plain(cells)
    if pa.types.is_timestamp(cells.type):
        return Readings.plain(_to_the_second(cells), is_utc=cells.type.tz is not None)
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        return _read_epochs(cells)
    if pa.types.is_string(cells.type):
        return _read_texts(cells)
    return _unreadable(cells)


def leap_notes(readings: Readings, cells: pa.Array) -> list[Note]:
    """What is noted of times that said :60; `cells` is where they were found."""
    return [
        Note(row, "timestamp", str(cells[row].as_py()), "second 60, read as 59")
        for row in np.flatnonzero(readings.leap).tolist()
    ]


def read_days(cells: pa.Array) -> tuple[Moments, Mask]:
    """Days as datetime64[D] and a mask of those that cannot be read; "01/10/2024" could be two days, and is none."""
    cells = _plain(cells)
    if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
        days = cells.cast(pa.timestamp("s"), safe=False).to_numpy(zero_copy_only=False).astype("datetime64[D]")
        return days, np.zeros(len(cells), dtype=bool)
    return _lookup(cells, _read_day, np.datetime64("NaT", "D"))


def read_clock(cells: pa.Array) -> Clock:
    """Times of day: text, times, Excel's serials."""
    cells = _plain(cells)
    if pa.types.is_time(cells.type) or pa.types.is_timestamp(cells.type):
        return _typed_clock(cells)
    seconds, bad = _lookup(cells, _read_time, np.int64(UNREADABLE))
    leap = seconds >= _LEAP
    return Clock(seconds - leap * _LEAP, bad, leap)


def sheet_day(name: str) -> date | None:
    """The day of a sheet named ddmmyy, or None: "320124" is no day."""
    if not _SHEET_DAY.fullmatch(name.strip()):
        return None
    try:
        return datetime.strptime(name.strip(), "%d%m%y").date()  # noqa: DTZ007  a local day
    except ValueError:
        return None


def local_to_utc(local: Moments, zone: str) -> tuple[Moments, Mask, Mask]:
    """UTC of local times, and masks of those that occur twice and of those that never occur (NaT both)."""
    naive = pd.DatetimeIndex(local)
    utc = naive.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT").tz_convert("UTC").tz_localize(None)
    lost = np.asarray(utc.isna()) & ~np.asarray(naive.isna())
    never = np.zeros(len(local), dtype=bool)
    if lost.any():
        summer = naive[lost].tz_localize(
            ZoneInfo(zone), ambiguous=np.ones(int(lost.sum()), dtype=bool), nonexistent="NaT"
        )
        never[lost] = np.asarray(summer.isna())
    return utc.to_numpy().astype("datetime64[s]"), lost & ~never, never


def local_fold_to_utc(local: Moments, zone: str, *, summer: Mask) -> Moments:
    """UTC of local times that occur twice, `summer` saying which pass each belongs to."""
    aware = pd.DatetimeIndex(local).tz_localize(ZoneInfo(zone), ambiguous=summer, nonexistent="NaT")
    return aware.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")


def between_zones(utc: Moments, local: Moments, zone: str) -> Mask:
    """Where local time less UTC is no offset that the zone has in these years, to the minute."""
    difference = (local - utc).astype("timedelta64[s]")
    there: Mask = ~np.isnat(difference)
    offsets = _offsets(np.unique(utc[there].astype("datetime64[Y]")), zone)
    seconds = np.where(there, difference, np.timedelta64(0, "s")).astype(np.int64)
    fits = np.zeros(len(seconds), dtype=bool)
    for offset in offsets:
        fits |= np.abs(seconds - offset) < _SIXTY
    return there & ~fits


def _offsets(years: npt.NDArray[np.datetime64], zone: str) -> set[int]:
    """The offsets from UTC, in seconds, of summer and winter."""
    halves = np.concatenate([years.astype("datetime64[M]"), years.astype("datetime64[M]") + 6]).astype("datetime64[s]")
    local = pd.DatetimeIndex(halves).tz_localize("UTC").tz_convert(ZoneInfo(zone)).tz_localize(None).to_numpy()
    return set((local.astype("datetime64[s]") - halves).astype(np.int64).tolist())


def _to_the_second(cells: pa.Array) -> Moments:
    """Timestamps of any unit, fractions rounded."""
    moments: Moments = cells.cast(pa.timestamp(cells.type.unit)).to_numpy(zero_copy_only=False)
    if cells.type.unit == "s":
        return moments
    half = np.timedelta64(500, "ms")
    return (moments + half).astype("datetime64[s]")


def _typed_clock(cells: pa.Array) -> Clock:
    """Times of day, also of timestamps, whose day is that of a clock that has none; one with a zone is not local."""
    scale = _PER_SECOND[cells.type.unit]
    there = np.asarray(cells.is_valid())
    counts = cells.view(pa.int32() if cells.type.bit_width == _SHORT_TIME else pa.int64()).cast(pa.int64())
    numbers = np.asarray(pc.fill_null(counts, 0), dtype=np.int64)
    if pa.types.is_timestamp(cells.type):
        numbers = numbers % (DAY_SECONDS * scale) if cells.type.tz is None else np.full(len(cells), UNREADABLE)
    bad = there & ((numbers < 0) | (numbers > DAY_SECONDS * scale))
    seconds = np.where(there & ~bad, (numbers + scale // 2) // scale, UNREADABLE)
    return Clock(seconds, bad, np.zeros(len(cells), dtype=bool))


def _plain(cells: pa.Array) -> pa.Array:
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells.cast(pa.string()) if pa.types.is_null(cells.type) or pa.types.is_large_string(cells.type) else cells


def _read_epochs(cells: pa.Array) -> Readings:
    numbers = np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    moments = _of_epochs(numbers)
    return Readings.plain(moments, is_utc=True, unreadable=~np.isnan(numbers) & np.isnat(moments))


def _of_epochs(numbers: npt.NDArray[np.float64]) -> Moments:
    """Moments of epochs, each in the unit that its size tells; NaT for what is none."""
    moments = np.full(len(numbers), np.datetime64("NaT"), dtype="datetime64[s]")
    for unit in _EPOCH_UNITS:
        seconds = numbers / unit
        readable = (seconds >= _EPOCH_SECONDS[0]) & (seconds < _EPOCH_SECONDS[1])
        moments[readable] = np.rint(seconds[readable]).astype(np.int64).astype("datetime64[s]")
    return moments


def _read_texts(cells: pa.Array) -> Readings:
    try:  # Arrow refuses a zone here, and reads a bare day as midnight
        if (pc.min(pc.utf8_length(cells)).as_py() or _SHORTEST_TIME) >= _SHORTEST_TIME:
            return Readings.plain(cells.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False), is_utc=False)
    except pa.ArrowInvalid:
        pass
    parts = pc.extract_regex(cells, _DATE_TIME)
    matched = parts.is_valid()

    def part(name: str) -> pa.Array:
        return pc.if_else(matched, parts.field(name), pa.scalar(None, pa.string()))

    days, bad_days = read_days(part("date"))
    clock = read_clock(part("time"))
    offsets, bad_zones = _lookup(part("zone"), _read_offset, np.int64(0))
    moments = combine(days, clock.seconds) - offsets.astype("timedelta64[s]")
    is_utc = np.asarray(pc.fill_null(pc.not_equal(part("zone"), ""), fill_value=False))
    unreadable = bad_days | clock.unreadable | bad_zones
    others = ~np.asarray(matched)
    if others.any():
        epochs, bad = _lookup(pc.if_else(matched, pa.scalar(None, pa.string()), cells), _read_epoch, np.float64("nan"))
        moments = np.where(others, _of_epochs(epochs), moments)
        is_utc |= others & ~np.isnan(epochs)
        unreadable |= bad
    moments = np.where(unreadable, np.datetime64("NaT", "s"), moments)
    readings = Readings.plain(moments, is_utc=False, unreadable=unreadable)
    readings.is_utc, readings.leap = is_utc, clock.leap
    return readings


def combine(days: Moments, clock: Seconds) -> Moments:
    """Days and seconds since midnight as datetime64[s]; NaT where either is missing."""
    moments: Moments = days.astype("datetime64[s]") + np.where(clock == UNREADABLE, 0, clock).astype("timedelta64[s]")
    moments[clock == UNREADABLE] = np.datetime64("NaT")
    return moments


def _unreadable(cells: pa.Array) -> Readings:
    nothing = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    return Readings.plain(nothing, is_utc=False, unreadable=np.asarray(cells.is_valid()))


def _lookup(cells: pa.Array, read: Callable[[Any], Any], missing: np.generic) -> tuple[npt.NDArray[Any], Mask]:
    """`read` once for each distinct cell; it returns None for what it cannot read."""
    if pa.types.is_nested(cells.type):
        return np.full(len(cells), missing), np.asarray(cells.is_valid())
    encoded = cells.dictionary_encode()
    distinct = python_cells(encoded.dictionary)
    values = np.full(len(distinct) + 1, missing)
    bad = np.zeros(len(distinct) + 1, dtype=bool)
    for index, cell in enumerate(distinct):
        if isinstance(cell, str) and not cell.strip():
            continue
        value = read(cell)
        bad[index] = value is None
        values[index] = missing if value is None else value
    positions = pc.fill_null(encoded.indices, len(distinct)).to_numpy(zero_copy_only=False)
    return values[positions], bad[positions]


def _read_day(cell: object) -> date | None:
    if not isinstance(cell, str):
        return None
    try:
        return (
            date.fromisoformat(cell.strip()[:10])
            if re.fullmatch(r"\d{4}-\d\d-\d\d([T ]00:00(:00(\.0+)?)?)?", cell.strip())
            else None
        )
    except ValueError:
        return None


def _read_time(cell: object) -> int | None:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        # An Excel serial: the fraction of a day, its whole part the day of a clock that has none.
        return _read_serial(cell % 1) if 0 <= cell < _MAX_SERIAL else None
    return _read_time_text(cell.strip()) if isinstance(cell, str) else None


def _read_serial(fraction: float) -> int:
    """Seconds since midnight of a fraction of a day."""
    seconds = fraction * DAY_SECONDS
    to_the_minute = -seconds % _SIXTY
    if to_the_minute < _CUT_OFF and abs(seconds - round(seconds)) > _WRITTEN_OUT:
        return round(seconds + to_the_minute)
    return round(seconds)


def _read_time_text(text: str) -> int | None:
    if _SERIAL.fullmatch(text):
        return _read_time(float(text))
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    half = (match.group(5) or "").casefold()[:1]
    if half and not 1 <= hour <= _HALF_DAY:
        return None
    if half:
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    if second == _SIXTY and minute < _SIXTY and hour < _LAST_HOUR:
        return hour * 3600 + minute * 60 + _SIXTY - 1 + _LEAP
    total = hour * 3600 + minute * 60 + second + round(float(match.group(4) or 0))
    return total if hour <= _LAST_HOUR and minute < _SIXTY and second < _SIXTY and total <= DAY_SECONDS else None


def _read_epoch(cell: str) -> float | None:
    """An epoch of a text of digits (what CSV makes of a number)."""
    text = cell.strip()
    if not _EPOCH.fullmatch(text):
        return None
    number = float(text)
    return None if np.isnat(_of_epochs(np.array([number]))[0]) else number


def _read_offset(cell: str) -> int | None:
    """Seconds east of UTC."""
    if cell in _ZONE_NAMES:
        return _ZONE_NAMES[cell]
    minutes = int(cell[-2:]) if len(cell) > len("+02") else 0
    seconds = int(cell[1:3]) * 3600 + minutes * 60
    if minutes >= _SIXTY or seconds > _FARTHEST_OFFSET:
        return None
    return -seconds if cell[0] == "-" else seconds
