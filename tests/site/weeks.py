"""A made-up week of a station: a curve a parameter, with a gap, spikes that failed, and a stretch that is suspect."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import numpy as np

from forecast.core.clock import MINUTE_MS
from forecast.site.model import NIGHTS, Day, ParameterDay, StationView, Week

# Where a curve lies that is no curve of temperatures.
MIDDLES: Final = {"air_pressure_at_mean_sea_level": 1015, "visibility_in_air": 20_000, "wind_speed": 3}


def with_week(view: StationView, end: datetime, *, flagged: bool = True) -> StationView:
    """The station with a week up to a moment, and six weeks of days."""
    week = made_up_week(view, end, flagged=flagged)
    last = end - timedelta(minutes=1)
    days = []
    for back in range(NIGHTS - 1, -1, -1):
        day = (last - timedelta(days=back)).date()
        whole = round(1440 / (view.place.interval_minutes or 60))
        received = whole // 3 if back == 4 else whole
        suspect = whole // 2 if flagged and back < 3 else 0
        parameters = {name: ParameterDay(received, suspect if not at else 0) for at, name in enumerate(week.values)}
        days.append(Day(day, whole, received, parameters))
    first = end - timedelta(days=60)
    return StationView(view.place, view.state, last, first, first, 12_345, tuple(days), week, view.findings)


def made_up_week(view: StationView, end: datetime, *, flagged: bool = True) -> Week:
    """Seven days at the station's interval, without the third day's afternoon."""
    step = round((view.place.interval_minutes or 60) * MINUTE_MS)
    until = round(end.timestamp() * 1000)
    times = np.arange(until - 7 * 24 * 60 * MINUTE_MS, until, step, dtype=np.int64)
    hours = (times - times[0]) / 3_600_000
    kept = (hours < 60) | (hours > 66)
    times, hours = times[kept], hours[kept]
    values, flags = {}, {}
    for place, name in enumerate(view.place.parameters):
        curve = MIDDLES.get(name, 10 + place) + 5 * np.sin(hours / 24 * 2 * np.pi + place) + np.sin(hours * 1.7 + place)
        if name == "wind_from_direction":
            curve = (180 + 60 * np.sin(hours / 30)) % 360
        if name == "relative_humidity":
            curve = np.clip(70 + 20 * np.cos(hours / 24 * 2 * np.pi), 0, 100)
        values[name] = np.round(np.maximum(curve, 0) if name.startswith(("wind_speed", "rain", "precip")) else curve, 1)
        flags[name] = np.zeros(len(times), np.int8)
    if not flagged:
        return Week(times, values, flags, {})
    first = next(iter(values))
    spikes = np.flatnonzero(np.isin(np.round(hours), (100, 101)))[:3]
    values[first][spikes] = 40.0
    flags[first][spikes] = 4
    flags[first][hours > 140] = 3
    return Week(times, values, flags, {first: ("bias", "spike")})
