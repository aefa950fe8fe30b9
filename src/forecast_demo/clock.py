"""From UTC instants to the local time of a station; never the other way round, which is ambiguous at clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

Epochs = npt.NDArray[np.int64]

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600


def epoch_of(day: date, at: time = time(0), zone: str = "UTC") -> int:
    """The seconds since 1970-01-01T00:00Z at which the clock of `zone` shows this day and time."""
    return int(datetime.combine(day, at, ZoneInfo(zone)).timestamp())


def wall_clock(epochs: Epochs, zone: str) -> Epochs:
    """The local time of `zone` at each UTC instant, as seconds since 1970-01-01T00:00 local time; shape (n,).

    The hour that is repeated in autumn appears twice, in order, and the one that is skipped in spring never.
    """
    instants = pd.DatetimeIndex(epochs.astype("datetime64[s]"), tz="UTC")
    local = instants.tz_convert(ZoneInfo(zone)).tz_localize(None)
    return local.to_numpy().astype("datetime64[s]").astype(np.int64)


def day_texts(walls: Epochs) -> list[str]:
    """Write the day of each local time as "2024-10-01"."""
    days, positions = np.unique(walls // DAY_SECONDS, return_inverse=True)
    texts = np.array([str(day) for day in days.astype("datetime64[D]")], dtype=object)
    return [str(text) for text in texts[positions]]


def time_texts(walls: Epochs) -> list[str]:
    """Write the time of day of each local time as "00:04:00"."""
    seconds, positions = np.unique(walls % DAY_SECONDS, return_inverse=True)
    texts = np.array([utc_text(int(second), "%H:%M:%S") for second in seconds], dtype=object)
    return [str(text) for text in texts[positions]]


def utc_text(epoch: int, pattern: str) -> str:
    """Write one instant in UTC, in a pattern of strftime."""
    return datetime.fromtimestamp(epoch, UTC).strftime(pattern)
