"""Converts local times to UTC and back, with the IANA time zone of a station."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.core.admission import Mask
from forecast.transform.values.clocks import (
    DateTimes,
)

_MINUTE = 60  # seconds


def local_to_utc(local: DateTimes, zone: str) -> tuple[DateTimes, Mask, Mask]:
    """UTC of local times, and masks of those that occur twice and of those that never occur (both NaT)."""
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


def local_fold_to_utc(local: DateTimes, zone: str, *, summer: Mask) -> DateTimes:
    """UTC of local times that occur twice; `summer` marks those of the first pass."""
    aware = pd.DatetimeIndex(local).tz_localize(ZoneInfo(zone), ambiguous=summer, nonexistent="NaT")
    return aware.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")


def to_local(utc: DateTimes, zone: str) -> DateTimes:
    """Local times of instants in UTC."""
    local = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(ZoneInfo(zone)).tz_localize(None)
    return local.to_numpy().astype("datetime64[s]")


def between_zones(utc: DateTimes, local: DateTimes, zone: str) -> Mask:
    """Where local time minus UTC is not an offset of the zone in these years, to the minute."""
    difference = (local - utc).astype("timedelta64[s]")
    there: Mask = ~np.isnat(difference)
    offsets = _offsets(np.unique(utc[there].astype("datetime64[Y]")), zone)
    seconds = np.where(there, difference, np.timedelta64(0, "s")).astype(np.int64)
    fits = np.zeros(len(seconds), dtype=bool)
    for offset in offsets:
        fits |= np.abs(seconds - offset) < _MINUTE
    return there & ~fits


def _offsets(years: npt.NDArray[np.datetime64], zone: str) -> set[int]:
    """The offsets from UTC, in seconds, of summer and winter."""
    halves = np.concatenate([years.astype("datetime64[M]"), years.astype("datetime64[M]") + 6]).astype("datetime64[s]")
    return set((to_local(halves, zone) - halves).astype(np.int64).tolist())
