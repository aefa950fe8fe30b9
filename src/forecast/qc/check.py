"""The definition of a check: one object, in a file of its own, with everything that the program knows about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from forecast.qc.comparison import NOBODY, Comparison
from forecast.qc.flags import SUSPECT, Flags, Floats, Mask
from forecast.qc.series import Series
from forecast.qc.sun import solar_elevation
from forecast.qc.thresholds import Thresholds

Limits = Mapping[str, float]


class Scope(StrEnum):
    """What a check looks at. Checks of a single station run first, and checks of whole days last."""

    STATION = "station"
    NEIGHBOURS = "neighbours"
    DAY = "day"


class Reach(NamedTuple):
    """How many hours before and after a value its flag depends on.

    For checks with neighbours and checks of whole days, the hours count from the start and the end of the value's UTC
    day. The minutes within which a neighbour's value counts as simultaneous are added to them.
    """

    before: float
    after: float


class Finding(NamedTuple):
    """The flags of all values of one parameter.

    `set_aside` marks values that no later check uses; `amount` is the precipitation_amount of every row.
    """

    parameter: str
    flags: Flags
    set_aside: Mask | None = None
    amount: Floats | None = None


@dataclass(frozen=True)
class Context:
    """What a check can see of some stations, whose rows follow one another.

    `limits` are the thresholds by parameter, which all of the stations share. `unfailed` returns the values of a
    parameter that no check has failed so far, and NaN for the others. `flags` are the worst flags of the checks of
    earlier scopes. `comparison` gives access to the neighbours, for checks of scopes that use them.
    """

    series: Series
    limits: Mapping[str, Limits]
    unfailed: Callable[[str], Floats]
    flags: Mapping[str, Flags]
    comparison: Comparison = NOBODY

    def has(self, *parameters: str) -> bool:
        """Whether each of these parameters has a value at any of the stations; flags_of marks the missing ones."""
        return self.series.has(*parameters)

    @property
    def interval_minutes(self) -> float:
        """The stations' nominal interval, which all of them share."""
        return self.series.stations[0].interval_minutes

    @cached_property
    def latitude(self) -> Floats:
        """Latitude of each row's station, in degrees north."""
        return np.array([station.latitude for station in self.series.stations], np.float64)[self.series.of_row]

    @cached_property
    def longitude(self) -> Floats:
        """Longitude of each row's station, in degrees east."""
        return np.array([station.longitude for station in self.series.stations], np.float64)[self.series.of_row]

    @cached_property
    def sun_elevation(self) -> Floats:
        """The sun's elevation at each row, in degrees above the horizon."""
        return solar_elevation(self.series.times, self.latitude, self.longitude)


def _of_the_row_alone(_: Limits) -> Reach:
    return Reach(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check: the attribute CHECK of the module `forecast.qc.checks.<id>`.

    `order` is its position among all checks: later checks do not use a value that failed an earlier one. `parameters`
    are those that it flags, `inputs` other parameters that it reads, and `compared` those whose neighbours' values it
    reads. `limits` are its thresholds by parameter (or by the check's id, if they belong to no parameter). `most` is
    the maximum to which a station may set a threshold that `reach` depends on. `flags` are the flags that it can give
    besides good. `known_as` are its names in QARTOD's manuals, WMO's guides and other programs. `finds` and `advice`
    tell people what it finds and what to do about it; `french_advice` is the advice on the French site. `warning` is
    the log message if it indicates a fault of the whole station. `is_consequence` is true if a flag follows from other
    flags and says nothing new about the sensor.
    """

    id: str
    order: int
    scope: Scope
    parameters: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    limits: Mapping[str, Thresholds] = field(default_factory=dict)
    most: Limits = field(default_factory=dict)
    reach: Callable[[Limits], Reach] = _of_the_row_alone
    flags: tuple[int, ...] = (SUSPECT,)
    known_as: tuple[str, ...] = ()
    finds: str
    advice: str
    french_advice: str
    warning: str | None = None
    is_consequence: bool = False
    run: Callable[[Context], Iterator[Finding]]
