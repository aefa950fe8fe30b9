"""What a check is: everything that the program knows of one, in one object, in the file that bears its name."""

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
    """What a check looks at; those of a station come first, and those of a day last."""

    STATION = "station"
    NEIGHBOURS = "neighbours"
    DAY = "day"


class Reach(NamedTuple):
    """How many hours before and after a value lies what its flag depends on.

    With neighbours, and for a whole day, that is before and after the value's UTC day; the minutes within which a
    neighbour's value counts for the same time come on top.
    """

    before: float
    after: float


class Finding(NamedTuple):
    """The flags of all values of one parameter.

    `set_aside` are values that no later check looks at; `amount` is the precipitation_amount of every row.
    """

    parameter: str
    flags: Flags
    set_aside: Mask | None = None
    amount: Floats | None = None


@dataclass(frozen=True)
class Context:
    """What a check sees of some stations, station after station.

    `limits` are their thresholds by parameter, which all of them share; `unfailed` gives the values of a parameter that
    no check has failed so far, NaN elsewhere; `flags` are the worst of the checks of earlier scopes; `comparison` is
    with the neighbours, for checks of the scopes that have them.
    """

    series: Series
    limits: Mapping[str, Limits]
    unfailed: Callable[[str], Floats]
    flags: Mapping[str, Flags]
    comparison: Comparison = NOBODY

    def has(self, *parameters: str) -> bool:
        """Whether any of the stations has values of each; where a value is missing, flags_of says so."""
        return self.series.has(*parameters)

    @property
    def interval_minutes(self) -> float:
        """The stations' nominal interval, which all of them share."""
        return self.series.stations[0].interval_minutes

    @cached_property
    def latitude(self) -> Floats:
        """Degrees north of the equator, of the station of every row."""
        return np.array([station.latitude for station in self.series.stations], np.float64)[self.series.of_row]

    @cached_property
    def longitude(self) -> Floats:
        """Degrees east of Greenwich, of the station of every row."""
        return np.array([station.longitude for station in self.series.stations], np.float64)[self.series.of_row]

    @cached_property
    def sun_elevation(self) -> Floats:
        """Degrees above the horizon at every row."""
        return solar_elevation(self.series.times, self.latitude, self.longitude)


def _of_the_row_alone(_: Limits) -> Reach:
    return Reach(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check, which is the attribute CHECK of the module `forecast.qc.checks.<id>`.

    `order` is its place among all checks: a value that failed one takes no part in those after it. `parameters` are
    those that it flags, `inputs` others of the station that it looks at, `compared` those of which it looks at the
    neighbours' values. `limits` are its thresholds by parameter (or by the check's id, where they belong to none);
    `most` is what a station may set some of them to at most, because `reach` depends on them. `flags` are those that it
    can give apart from good. `known_as` are its names in QARTOD's manuals, WMO's guides and other programs. `finds` and
    `advice` say for people what it finds and what to do about it; `warning` is what
    the log says where it stands for a fault of the whole station, and `is_consequence` holds for a check that says
    nothing new of the sensor.
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
    warning: str | None = None
    is_consequence: bool = False
    run: Callable[[Context], Iterator[Finding]]
