"""A day with so many flagged values that the others cannot be trusted either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.days import count_by_day, days_of
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Times
from forecast.qc.names import DEW_POINT, GUST, HUMIDITY, PRESSURE, RAIN_RATE, TEMPERATURE, WIND_DIRECTION, WIND_SPEED
from forecast.qc.thresholds import PROJECT, Thresholds, limits


def flag_rate(flags: Flags, times: Times, *, limit: float, min_values: int) -> Flags:
    """Flag a UTC day with so many flagged values that the others cannot be trusted either.

    flags: those of one parameter. A value has been evaluated if its flag is GOOD, SUSPECT or FAIL. SUSPECT: at least
    min_values of the day have been evaluated, and more than `limit` (0...1) of them are SUSPECT or FAIL. Values that
    are present and NOT_EVALUATED then become SUSPECT too. NOT_EVALUATED: fewer have been evaluated, or, on a day that
    passes, no check has evaluated the value.

    Reach in time: the value's UTC day.
    Source: GHCNh's `h` (more than 20 % of a variable flagged: all withheld) and the 60 % a month of its clean-up.
    """
    days = days_of(times)
    flagged = count_by_day((flags == SUSPECT) | (flags == FAIL), days)
    evaluated = flagged + count_by_day(flags == GOOD, days)
    enough = evaluated >= max(min_values, 1)
    over = (enough & (flagged > limit * evaluated))[days.of_row]
    not_evaluated = ~enough[days.of_row] | (flags == NOT_EVALUATED)
    result = np.where(over, SUSPECT, np.where(not_evaluated, NOT_EVALUATED, GOOD))
    return np.where(flags == MISSING, MISSING, result).astype(np.uint8)


def _run(context: Context) -> Iterator[Finding]:
    """Uses the flags of earlier scopes: a day that is suspect as a whole has no meaningful share of flagged values."""
    for name in filter(context.has, CHECK.parameters):
        own = context.limits[name]
        flags = flag_rate(
            context.flags[name],
            context.series.axis,
            limit=own["flag_rate_limit"],
            min_values=int(own["flag_rate_min_values"]),
        )
        yield Finding(name, flags)


_USUAL: Final = {
    **limits("meteora (20 % of a station's values), GHCNh (check h)", flag_rate_limit=0.2),
    **limits(f"{PROJECT}: a share of fewer values means little", flag_rate_min_values=12),
}
_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: _USUAL,
    DEW_POINT: _USUAL,
    HUMIDITY: _USUAL,
    PRESSURE: _USUAL,
    WIND_SPEED: _USUAL,
    GUST: _USUAL,
    # A sheltered vane may point the same way for hours; one calm night is no fault.
    WIND_DIRECTION: {**_USUAL, **limits(PROJECT, flag_rate_limit=0.4)},
    RAIN_RATE: _USUAL,
}

CHECK: Final = Check(
    id="flag_rate",
    order=230,
    scope=Scope.DAY,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    known_as=("HadISD clean-up", "GHCNh high flag rate check"),
    finds="the remaining values of a day with too many flagged values",
    advice="so many values of the day are flagged that the remaining ones cannot be trusted",
    french_advice="tant de valeurs du jour sont marquées que les autres ne sont pas fiables non plus",
    is_consequence=True,
    run=_run,
)
