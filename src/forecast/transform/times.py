"""Times as the sources write them, to UTC to the second.

Local times go through the station's own zone. An hour that occurs twice or not at all is reported, never shifted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Moments = npt.NDArray[np.datetime64]
Seconds = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DAY_SECONDS = 86_400
UNREADABLE = -1
# Epoch seconds and milliseconds do not overlap between 2001 and 2033.
_EPOCH_SECONDS = (1e9, 2e9)
_EPOCH_MILLISECONDS = (1e12, 2e12)
_DATE_TIME = r"^\s*(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<time>[0-9:.]+)\s*(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?\s*$"
# The days that Excel puts before a time of day: those of its two date systems.
_EXCEL_DAY = r"(?:(?:1899-12-3[01]|1900-01-0[01]|1904-01-01)[T ])?"
_TIME = re.compile(_EXCEL_DAY + r"(\d{1,2})[:h](\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_SERIAL = re.compile(r"0?\.\d{1,20}")
_EPOCH = re.compile(r"\d{10}(\d{3})?")
_SHEET_DAY = re.compile(r"[0-9]{6}")
_MAX_SERIAL = 100_000
_SHORTEST_TIME = len("2024-10-01 00:04")
_HALF_DAY, _LAST_HOUR, _SIXTY = 12, 24, 60


@dataclass(slots=True)
class Readings:
    """`moments` is datetime64[s], NaT where there is none; `is_utc` says which are UTC and not local."""

    moments: Moments
    is_utc: Mask
    unreadable: Mask


def read_moments(cells: pa.Array) -> Readings:
    """Full dates with times: ISO text with or without a zone, timestamps, epochs in seconds or milliseconds."""
    cells = _plain(cells)
    if pa.types.is_timestamp(cells.type):
        moments = cells.cast(pa.timestamp("s", tz=cells.type.tz), safe=False).to_numpy(zero_copy_only=False)
        aware = np.full(len(cells), cells.type.tz is not None)
        return Readings(moments.astype("datetime64[s]"), aware, np.zeros(len(cells), dtype=bool))
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        return _read_epochs(cells)
    if pa.types.is_string(cells.type):
        return _read_texts(cells)
    return _unreadable(cells)


def read_days(cells: pa.Array) -> tuple[Moments, Mask]:
    """Days as datetime64[D] and a mask of those that cannot be read; "01/10/2024" could be two days, and is none."""
    cells = _plain(cells)
    if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
        days = cells.cast(pa.timestamp("s"), safe=False).to_numpy(zero_copy_only=False).astype("datetime64[D]")
        return days, np.zeros(len(cells), dtype=bool)
    return _lookup(cells, _read_day, np.datetime64("NaT", "D"))


def read_clock(cells: pa.Array) -> tuple[Seconds, Mask]:
    """Seconds since midnight (86 400 for 24:00), UNREADABLE (-1) where there is none, and a mask of the unreadable."""
    cells = _plain(cells)
    if pa.types.is_time(cells.type):
        seconds = cells.cast(pa.time32("s"), safe=False).cast(pa.int32())
        return np.asarray(pc.fill_null(seconds, UNREADABLE), dtype=np.int64), np.zeros(len(cells), dtype=bool)
    return _lookup(cells, _read_time, np.int64(UNREADABLE))


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


def _plain(cells: pa.Array) -> pa.Array:
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells.cast(pa.string()) if pa.types.is_null(cells.type) or pa.types.is_large_string(cells.type) else cells


def _read_epochs(cells: pa.Array) -> Readings:
    numbers = np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    seconds = np.where(
        (numbers >= _EPOCH_MILLISECONDS[0]) & (numbers < _EPOCH_MILLISECONDS[1]), numbers / 1000, numbers
    )
    readable = (seconds >= _EPOCH_SECONDS[0]) & (seconds < _EPOCH_SECONDS[1])
    moments = np.where(readable, seconds, 0).astype("int64").astype("datetime64[s]")
    moments[~readable] = np.datetime64("NaT")
    return Readings(moments, np.ones(len(cells), dtype=bool), ~np.isnan(numbers) & ~readable)


def _read_texts(cells: pa.Array) -> Readings:
    try:  # Arrow refuses a zone here, and reads a bare day as midnight
        if (pc.min(pc.utf8_length(cells)).as_py() or _SHORTEST_TIME) >= _SHORTEST_TIME:
            moments = cells.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False).astype("datetime64[s]")
            return Readings(moments, np.zeros(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool))
    except pa.ArrowInvalid:
        pass
    parts = pc.extract_regex(cells, _DATE_TIME)
    matched = parts.is_valid()
    days, bad_days = read_days(pc.if_else(matched, parts.field("date"), pa.scalar(None, pa.string())))
    clock, bad_clock = read_clock(pc.if_else(matched, parts.field("time"), pa.scalar(None, pa.string())))
    offsets, _ = _lookup(
        pc.if_else(matched, parts.field("zone"), pa.scalar(None, pa.string())), _read_offset, np.int64(0)
    )
    moments = combine(days, clock) - offsets.astype("timedelta64[s]")
    epochs, _ = _lookup(cells, _read_epoch, np.int64(0))
    is_epoch = epochs > 0
    moments = np.where(is_epoch, epochs.astype("datetime64[s]"), moments)
    blank = np.asarray(pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), ""), fill_value=True))
    unreadable = ~blank & ~is_epoch & (bad_days | bad_clock | ~np.asarray(matched))
    zones = np.asarray(pc.fill_null(pc.not_equal(parts.field("zone"), ""), fill_value=False))
    return Readings(moments, (zones & np.asarray(matched)) | is_epoch, unreadable)


def combine(days: Moments, clock: Seconds) -> Moments:
    """Days and seconds since midnight as datetime64[s]; NaT where either is missing."""
    moments: Moments = days.astype("datetime64[s]") + np.where(clock == UNREADABLE, 0, clock).astype("timedelta64[s]")
    moments[clock == UNREADABLE] = np.datetime64("NaT")
    return moments


def _unreadable(cells: pa.Array) -> Readings:
    nothing = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    return Readings(nothing, np.zeros(len(cells), dtype=bool), np.asarray(cells.is_valid()))


def _lookup(cells: pa.Array, read: Callable[[Any], Any], missing: np.generic) -> tuple[npt.NDArray[Any], Mask]:
    """`read` once for each distinct cell; it returns None for what it cannot read."""
    if pa.types.is_nested(cells.type):
        return np.full(len(cells), missing), np.asarray(cells.is_valid())
    encoded = cells.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
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
        return round((cell % 1) * DAY_SECONDS) if 0 <= cell < _MAX_SERIAL else None
    if isinstance(cell, datetime | time):
        return cell.hour * 3600 + cell.minute * 60 + cell.second
    return _read_time_text(cell.strip()) if isinstance(cell, str) else None


def _read_time_text(text: str) -> int | None:
    if _SERIAL.fullmatch(text):
        return _read_time(float(text))
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    half = (match.group(4) or "").casefold()[:1]
    if half and not 1 <= hour <= _HALF_DAY:
        return None
    if half:
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    total = hour * 3600 + minute * 60 + second
    return total if hour <= _LAST_HOUR and minute < _SIXTY and second < _SIXTY and total <= DAY_SECONDS else None


def _read_epoch(cell: str) -> int:
    """Epoch seconds of a text of digits (what CSV makes of a number), 0 where it is none."""
    text = cell.strip()
    if not _EPOCH.fullmatch(text):
        return 0
    number = int(text)
    seconds = number // 1000 if number >= _EPOCH_MILLISECONDS[0] else number
    return seconds if _EPOCH_SECONDS[0] <= seconds < _EPOCH_SECONDS[1] else 0


def _read_offset(cell: object) -> int | None:
    zone = str(cell)
    if zone == "Z":
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60)
