"""Detects wrongly stated units. They reject the object, whereas quality checks flag values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import permutations
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.clock import HOUR_MS
from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS, Quantity
from forecast.transform.values.units import UNITS, Floats

Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MinEvidence:
    """The evidence needed to reject an object: values, different wrong values, and the hours between them."""

    values: int = 1
    different: int = 1
    hours: int = 0


@dataclass(frozen=True, slots=True)
class PhysicalRange:
    """The possible values of a parameter, in its canonical unit, and the units that get confused."""

    words: str
    quantity: Quantity
    units: tuple[str, ...]
    lowest: float
    highest: float
    source: str
    enough: MinEvidence = MinEvidence()


# It must span night and noon, so that a hot afternoon or a sensor in the sun is not taken for a unit; and have several
# different values, because a fault code is a single number.
_A_DAY: Final = MinEvidence(values=24, different=12, hours=20)
_TEMPERATURES: Final = ("°C", "°F", "K")
_PRESSURES: Final = ("hPa", "inHg", "kPa", "Pa")
_REDUCED: Final = PhysicalRange(
    "pressures",
    Quantity.PRESSURE,
    _PRESSURES,
    850,
    1090,
    "range checks of Synoptic (850 to 1080) and meteostat (850 to 1090)",
)

# Only parameters with unambiguous units: pressure values in different units never overlap, and more than
# half of a day's temperatures cannot exceed the world record. Others can be weather: wind in km/h is a storm in m/s, an
# inch of rain a drizzle in mm, 10 °C read as °F a frost, and a humidity of 1 can be a share or a percentage.
ON_EARTH: Final = {
    "air_pressure_at_mean_sea_level": _REDUCED,
    "air_pressure_at_mean_sea_level_qnh": _REDUCED,
    "surface_air_pressure": PhysicalRange(
        "pressures",
        Quantity.PRESSURE,
        _PRESSURES,
        500,
        1080,
        "WMO, Guidelines on quality control procedures for data from AWS (Zahumenský 2004)",
    ),
    "air_temperature": PhysicalRange(
        "temperatures",
        Quantity.TEMPERATURE,
        _TEMPERATURES,
        -89.2,
        56.7,
        "WMO, world records: Vostok 1983, Furnace Creek 1913",
        _A_DAY,
    ),
    "dew_point_temperature": PhysicalRange(
        "dew points",
        Quantity.TEMPERATURE,
        _TEMPERATURES,
        -100,
        40,
        "GHCNh, world records; above the highest, 35 (Dhahran 2003), and above any sea",
        _A_DAY,
    ),
}
# Of a source in kelvins: no weather, no sun and no sensor explains these, so that two values are enough. From a sensor
# in °C they can be a fault: a platinum resistor with a short circuit gives -242 °C and a little more or less.
BEYOND_THERMOMETERS: Final = PhysicalRange(
    "temperatures",
    Quantity.TEMPERATURE,
    ("°C", "K"),
    -100,
    100,
    "WMO-No. 8, annex 1.A: thermometers measure from -80 to 60 °C",
    MinEvidence(values=2, different=2),
)
_THERMOMETERS: Final = tuple(
    parameter.name for parameter in PARAMETERS if parameter.quantity is Quantity.TEMPERATURE and not parameter.derived
)


@dataclass(slots=True)
class _Mistake:
    """Values that are impossible in the stated unit but possible in another: how many, and an example."""

    example: float
    first: int
    last: int
    count: int = 0
    different: set[float] = field(default_factory=set)

    def add(self, raw: Floats, times: Times, enough: MinEvidence) -> None:
        self.count += len(raw)
        self.first, self.last = min(self.first, int(times.min())), max(self.last, int(times.max()))
        if len(self.different) < enough.different:
            self.different |= set(np.unique(raw)[: enough.different].tolist())

    def is_enough(self, enough: MinEvidence) -> bool:
        hours = (self.last - self.first) / HOUR_MS
        return len(self.different) >= enough.different and hours >= enough.hours


class UnitGates:
    """The gates of one object: for single parameters, and for all its temperatures, of which one row has several."""

    def __init__(self) -> None:
        self._gates = {name: UnitGate(earth) for name, earth in ON_EARTH.items()}
        self._kelvins = {name: UnitGate(BEYOND_THERMOMETERS) for name in _THERMOMETERS}
        self._together = UnitGate(BEYOND_THERMOMETERS)

    def see(self, observations: pa.Table, kelvin: Collection[str]) -> None:
        """Count the values of some observations; `kelvin` are the parameters that their layout has in kelvins."""
        times = np.asarray(observations["timestamp"].cast(pa.int64()))
        # Always in one order: the first wrong value is the example of the message.
        for name in dict.fromkeys((*self._gates, *filter(kelvin.__contains__, _THERMOMETERS))):
            values = observations[name].to_numpy()
            if name in self._gates:
                self._gates[name].see(values, times)
            if name in kelvin:
                self._kelvins[name].see(values, times)
                self._together.see(values, times)

    def check(self) -> None:
        """Raise ObjectRejectedError if the values of a gate are in another unit than the stated one."""
        for gate in (*self._gates.values(), *self._kelvins.values(), self._together):
            gate.check()


class UnitGate:
    """Counts the values of one parameter in one object that are impossible on Earth, but plausible in another unit.

    A sensor's fault codes, such as a pressure of 0, are impossible in every unit, and pass.
    """

    def __init__(self, earth: PhysicalRange) -> None:
        self._earth = earth
        self._units = {name: UNITS[earth.quantity][name.casefold()] for name in earth.units}
        self._values = 0
        self._mistakes: dict[tuple[str, str], _Mistake] = {}

    def see(self, values: Floats, times: Times) -> None:
        """Count some values (NaN if there is none), with their times in ms."""
        self._values += int(np.count_nonzero(~np.isnan(values)))
        odd = (values < self._earth.lowest) | (values > self._earth.highest)
        if odd.any():
            for said, meant in permutations(self._units, 2):
                self._compare(values[odd], times[odd], said, meant)

    def check(self) -> None:
        """Raise ObjectRejectedError if so many values are wrong in the same way that the median is."""
        if self._values < self._earth.enough.values:
            return
        for (said, meant), mistake in self._mistakes.items():
            if 2 * mistake.count > self._values and mistake.is_enough(self._earth.enough):
                raise ObjectRejectedError(
                    "wrong_unit",
                    f"{mistake.count} of {self._values} {self._earth.words}, such as {mistake.example:g} {said}, are "
                    f"impossible on Earth, but plausible in {meant}: the source names the wrong unit",
                )

    def _compare(self, odd: Floats, times: Times, said: str, meant: str) -> None:
        raw = self._units[said].from_canonical(odd)
        would_be = self._units[meant].to_canonical(raw)
        found = (would_be >= self._earth.lowest) & (would_be <= self._earth.highest)
        if found.any():
            raw, times = raw[found], times[found]
            first = _Mistake(float(raw[0]), int(times[0]), int(times[0]))
            self._mistakes.setdefault((said, meant), first).add(raw, times, self._earth.enough)
