"""Reads times of day as sources write them, to the second: text, typed times, durations and Excel's numbers.

Fractions of a second are rounded half up, whatever the type of the cell. Typed cells obey the same rules as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask
from forecast.core.clock import TICKS_PER_SECOND
from forecast.core.decimals import is_short, shortest_decimals
from forecast.transform.raw_columns import python_cells

DateTimes = npt.NDArray[np.datetime64]
Seconds = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

DAY_SECONDS = 86_400
# Most objects have the same times of day, so they are cached; texts longer than a time with seconds are not.
_USUAL_LENGTH: Final = 16
_TIMES_KEPT: Final = 8_192
UNREADABLE = -1
# Excel's empty day before a time of day, for both of its date systems, as dates and as serial numbers.
EXCEL_EMPTY_DAYS = np.array(["1899-12-30", "1899-12-31", "1900-01-01", "1904-01-01"], "datetime64[D]")
_EMPTY_SERIALS = (0, 1, 1462)
_SERIAL_ZERO = np.datetime64("1899-12-30", "D")
# The prefix of a time of day without a day: Excel's empty day, or "0 days" as pandas writes durations.
_NO_DAY = r"(?:(?:1899-12-3[01]|1900-01-0[01]|1904-01-01)[T ]|0 days )?"
_TIME = re.compile(
    _NO_DAY + r"([0-9]{1,2})[:h]([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?\s*([ap]\.?m\.?)?", re.IGNORECASE
)
# No program writes numbers with an extra leading zero: "00.04" is a time with a dot, as in Finland, and not one
# of the formats that are read.
_NUMBER = re.compile(r"[+-]?(?!0[0-9])(?:[0-9]{1,9}\.?[0-9]{0,25}|\.[0-9]{1,25})(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_SHORT_TIME = 32  # bits of a time in seconds or milliseconds
# A serial number that was truncated to five decimals is up to 0.864 s short of its minute.
_CUT_OFF = 0.87
_CUT_DECIMALS = 1e5
_HALF_DAY, _LAST_HOUR, _SIXTY = 12, 24, 60
# Marks times with second 60, by adding this to their seconds since midnight.
_LEAP = 1 << 20


class TimeOfDay(NamedTuple):
    """`seconds` since midnight (86 400 for 24:00); UNREADABLE (-1) if there is no time.

    `leap` marks times with second 60, which are read as 59.
    """

    seconds: Seconds
    unreadable: Mask
    leap: Mask


def read_clock(cells: pa.Array, days: DateTimes | None = None) -> TimeOfDay:
    """Times of day. A number may have one of `days`, the rows' own days, before its fraction, as Excel's do."""
    cells = plain_cells(cells)
    kind = cells.type
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return _of_units(*_counted(cells), TICKS_PER_SECOND[kind.unit])
    if pa.types.is_timestamp(kind) and kind.tz is None:
        counts, there = _counted(cells)
        scale = TICKS_PER_SECOND[kind.unit]
        is_clock = np.isin(counts // (DAY_SECONDS * scale), EXCEL_EMPTY_DAYS.astype(np.int64))
        return _of_units(np.where(is_clock, counts % (DAY_SECONDS * scale), UNREADABLE), there, scale)
    if is_number(kind):
        return _of_numbers(*read_numbers(cells), days)
    if not pa.types.is_string(kind):
        return _of_units(np.full(len(cells), UNREADABLE), np.asarray(cells.is_valid()), 1)
    clock = read_clock_texts(cells)
    if not clock.unreadable.any():
        return clock
    numbers, _ = lookup(cells, _read_number, np.float64("nan"))
    more = _of_numbers(numbers, ~np.isnan(numbers), days)
    taken = more.seconds != UNREADABLE
    return TimeOfDay(np.where(taken, more.seconds, clock.seconds), clock.unreadable & ~taken, clock.leap)


def read_clock_texts(cells: pa.Array) -> TimeOfDay:
    """Times of day that are written as hours and minutes."""
    seconds, bad = lookup(cells, _read_time_text, np.int64(UNREADABLE))
    leap = seconds >= _LEAP
    return TimeOfDay(seconds - leap * _LEAP, bad, leap)


def is_number(kind: pa.DataType) -> bool:
    """Whether cells of a type are numbers; booleans are not."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def read_numbers(cells: pa.Array) -> tuple[Numbers, Mask]:
    """Numbers of any type as floats, and where there is one; NaN is not a number.

    Numbers whose type is less precise than half a second become NaN, such as a day and a time in 32 bits.
    """
    numbers = shortest_decimals(cells)
    there = np.asarray(cells.is_valid()) & ~np.isnan(numbers)
    if is_short(cells.type):
        own = np.float16 if pa.types.is_float16(cells.type) else np.float32
        with np.errstate(invalid="ignore"):  # numpy warns of infinities and of missing values with 16 bits
            coarse = np.spacing(numbers.astype(own)).astype(np.float64) * DAY_SECONDS > 1 / 2
        numbers = np.where(coarse, np.nan, numbers)
    return numbers, there


def plain_cells(cells: pa.Array) -> pa.Array:
    """One array without a dictionary; the string types, and null, as plain strings."""
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells.cast(pa.string()) if pa.types.is_null(cells.type) or pa.types.is_large_string(cells.type) else cells


def lookup(cells: pa.Array, read: Callable[[Any], Any], missing: np.generic) -> tuple[npt.NDArray[Any], Mask]:
    """`read` once for each distinct text; it returns None for what it cannot read."""
    encoded = cells.dictionary_encode()
    distinct = python_cells(encoded.dictionary)
    values = np.full(len(distinct) + 1, missing)
    bad = np.zeros(len(distinct) + 1, dtype=bool)
    for index, cell in enumerate(distinct):
        if not cell.strip():
            continue
        value = read(cell)
        bad[index] = value is None
        values[index] = missing if value is None else value
    positions = pc.fill_null(encoded.indices, len(distinct)).to_numpy(zero_copy_only=False)
    return values[positions], bad[positions]


def _counted(cells: pa.Array) -> tuple[Seconds, Mask]:
    """Times, durations and timestamps as integers in their unit, and where there is one."""
    counts = cells.view(pa.int32() if cells.type.bit_width == _SHORT_TIME else pa.int64()).cast(pa.int64())
    return np.asarray(pc.fill_null(counts, 0), dtype=np.int64), np.asarray(cells.is_valid())


def _of_units(counts: Seconds, there: Mask, scale: int) -> TimeOfDay:
    """Times of day from numbers of a unit, with `scale` to the second; none below zero or above a day."""
    bad = there & ((counts < 0) | (counts > DAY_SECONDS * scale))
    seconds = np.where(there & ~bad, (np.where(bad, 0, counts) + scale // 2) // scale, UNREADABLE)
    return TimeOfDay(seconds, bad, np.zeros(len(counts), dtype=bool))


def _of_numbers(numbers: Numbers, there: Mask, days: DateTimes | None) -> TimeOfDay:
    """Times of day from Excel's numbers: a fraction of the day from 0 to below 1, and 1 for 24:00.

    The integer part may be Excel's empty day or the row's own day; otherwise, the number is not a time.
    """
    numbers = np.where(np.isinf(numbers), np.nan, numbers)
    whole = np.floor(numbers)
    readable = np.isin(whole, _EMPTY_SERIALS)
    if days is not None:
        readable |= ~np.isnat(days) & (whole == (days - _SERIAL_ZERO).astype(np.int64))
    share = np.where(readable, np.where(numbers == 1, 1.0, numbers - whole), 0.0)
    seconds = share * DAY_SECONDS
    to_the_minute = -seconds % _SIXTY
    is_cut = (np.abs(share * _CUT_DECIMALS - np.rint(share * _CUT_DECIMALS)) < 1 / _CUT_DECIMALS) & (
        to_the_minute < _CUT_OFF
    )
    # Excel stores milliseconds; what a double adds to them is a rounding error.
    thousandths = np.rint(np.where(is_cut, seconds + to_the_minute, seconds) * 1000).astype(np.int64)
    return _of_units(np.where(readable, thousandths, UNREADABLE), there, 1000)


def _read_number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _read_time_text(text: str) -> int | None:
    return _read_short_time(text) if len(text) <= _USUAL_LENGTH else _parse_time(text)


@lru_cache(_TIMES_KEPT)
def _read_short_time(text: str) -> int | None:
    return _parse_time(text)


def _parse_time(text: str) -> int | None:
    match = _TIME.fullmatch(text.strip())
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
    total = hour * 3600 + minute * 60 + second + ((match.group(4) or "0") >= "5")
    is_later = total == DAY_SECONDS and hour == _LAST_HOUR and int(match.group(4) or 0) > 0
    fits = hour <= _LAST_HOUR and minute < _SIXTY and second < _SIXTY and total <= DAY_SECONDS
    return total if fits and not is_later else None
