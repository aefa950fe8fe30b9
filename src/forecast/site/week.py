"""The script with a station's week, for the charts of its page: short numbers, and flags only where there are some."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from forecast.core.clock import MINUTE_MS
from forecast.site.model import Floats, Week

# The number of intervals without an observation that make a gap.
_GAP: Final = 2.5
_DIGITS: Final = 2


def week_script(week: Week, interval_minutes: float | None) -> bytes:
    """`forecastWeek`: `times` are the first moment and the steps to the others (s), `flags` [row, flag] pairs."""
    seconds = week.times // 1000
    data = {
        "times": [int(seconds[0]), *np.diff(seconds).tolist()],
        "values": {name: _numbers(values) for name, values in week.values.items()},
        "flags": {name: pairs for name, flags in week.flags.items() if (pairs := _pairs(flags))},
        "gaps": list(gaps(week, interval_minutes)),
    }
    return f"var forecastWeek={json.dumps(data, separators=(',', ':'), allow_nan=False)};\n".encode()


def gaps(week: Week, interval_minutes: float | None) -> Iterator[tuple[int, int]]:
    """The gaps (start and end in seconds since 1970), in which more than two expected values are missing."""
    steps = np.diff(week.times)
    if not len(steps):
        return
    interval = float(np.median(steps)) if interval_minutes is None else interval_minutes * MINUTE_MS
    for place in np.flatnonzero(steps > _GAP * interval).tolist():
        yield int(week.times[place]) // 1000, int(week.times[place + 1]) // 1000


def _numbers(values: Floats) -> list[float | int | None]:
    rounded = np.round(values, _DIGITS).tolist()
    return [None if one != one else int(one) if one.is_integer() else one for one in rounded]  # noqa: PLR0124  NaN


def _pairs(flags: Any) -> list[list[int]]:
    return [[int(place), int(flags[place])] for place in np.flatnonzero(flags)]
