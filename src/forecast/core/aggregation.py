"""How values are aggregated over an interval: the common rules of the reader and the hourly dataset.

An interval is labelled with its end, as networks label hourly rain. It includes its end, but not its beginning.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Literal

from forecast.core.clock import DAY_MS, HOUR_MS, MINUTE_MS
from forecast.core.parameters import PARAMETERS, Parameter, Quantity

Frequency = Literal["10min", "30min", "1h", "3h", "1d"]
# How long an interval may be, in milliseconds. Each divides a day, so that the ends of intervals are those of clocks.
FREQUENCIES: Final[dict[Frequency, int]] = {
    "10min": 10 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "3h": 3 * HOUR_MS,
    "1d": DAY_MS,
}
# Of the values that the station's interval makes one expect: a mean of fewer may be that of one end of the interval.
MIN_SHARE: Final = 0.75
_PERIOD: Final = re.compile(r"_(?P<number>\d+)(?P<unit>h|min)$")
_GUST: Final = "wind_speed_of_gust"
_COUNTER: Final = "precipitation_counter"
_SUMMED: Final = frozenset({Quantity.RAIN, Quantity.DURATION})


class Method(StrEnum):
    """What stands for an interval: the value of each CF cell method, but for the mean of unit vectors."""

    MEAN = "mean"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    DIRECTION = "mean of unit vectors"
    SUM = "sum"
    LAST = "point"


def _method(parameter: Parameter) -> Method:
    if parameter.quantity is Quantity.ANGLE:
        return Method.DIRECTION
    if parameter.name.startswith(_GUST) or "_max_" in parameter.name:
        return Method.MAXIMUM
    if "_min_" in parameter.name:
        return Method.MINIMUM
    if parameter.quantity is Quantity.CODE or parameter.name == _COUNTER:
        return Method.LAST
    return Method.SUM if parameter.quantity in _SUMMED else Method.MEAN


def _period(parameter: Parameter) -> int | None:
    found = _PERIOD.search(parameter.name)
    if found is None:
        return None
    return int(found["number"]) * (HOUR_MS if found["unit"] == "h" else MINUTE_MS)


# By name of the parameter.
METHODS: Final = {parameter.name: _method(parameter) for parameter in PARAMETERS}
# The milliseconds that each value of a parameter stands for, where its name says so: values that overlap (rain of the
# last hour, every ten minutes) are taken only where they follow one another.
PERIODS: Final = {parameter.name: period for parameter in PARAMETERS if (period := _period(parameter))}


def fits(parameter: str, step: int) -> bool:
    """Whether intervals of this length (ms) can be built from the periods of a parameter's values."""
    return step % PERIODS.get(parameter, step) == 0
