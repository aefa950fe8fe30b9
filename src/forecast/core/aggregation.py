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
# The allowed intervals in milliseconds. Each divides a day, so that intervals end at round times.
FREQUENCIES: Final[dict[Frequency, int]] = {
    "10min": 10 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "3h": 3 * HOUR_MS,
    "1d": DAY_MS,
}
# The share of the expected values that is needed: a mean of fewer may only represent one end of the interval.
MIN_SHARE: Final = 0.75
_PERIOD: Final = re.compile(r"_(?P<number>\d+)(?P<unit>h|min)$")
_GUST: Final = "wind_speed_of_gust"
_COUNTER: Final = "precipitation_counter"
_SUMMED: Final = frozenset({Quantity.RAIN, Quantity.DURATION})


class Method(StrEnum):
    """How the values of an interval are combined: CF's cell methods, and the mean of unit vectors."""

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


# By the parameter's name.
METHODS: Final = {parameter.name: _method(parameter) for parameter in PARAMETERS}
# The period of each value in milliseconds, if the parameter's name states one. Values that overlap (rain of the last
# hour, every ten minutes) are only used where they follow one another.
PERIODS: Final = {parameter.name: period for parameter in PARAMETERS if (period := _period(parameter))}


def fits(parameter: str, step: int) -> bool:
    """Whether intervals of this length (ms) can be built from the periods of a parameter's values."""
    return step % PERIODS.get(parameter, step) == 0
