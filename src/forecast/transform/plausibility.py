"""A gate against a unit that is named wrongly: it stops the object, where a check of quality flags values."""

from __future__ import annotations

from collections import Counter

import numpy as np

from forecast.errors import ObjectRejectedError
from forecast.parameters import Quantity
from forecast.transform.units import UNITS, Floats

# Air pressure at mean sea level in hPa: the limits of Synoptic's and of Meteostat's range check (850 to 1080 and 1090).
_LOWEST, _HIGHEST = 850.0, 1090.0
_HPA = {
    name: float(UNITS[Quantity.PRESSURE][name.casefold()].to_canonical(np.ones(1))[0])
    for name in ("hPa", "inHg", "kPa", "Pa")
}
# The ratio of the unit that was named to the one that was meant.
_RATIOS = {(said, meant): _HPA[said] / _HPA[meant] for said in _HPA for meant in _HPA if said != meant}


class PressureGate:
    """Counts the pressures of one object that are none on Earth, but would be in another unit.

    Pressure alone can tell: its values in hPa, inHg, kPa and Pa never overlap, while 50 is a temperature in °C and in
    °F. A sensor's fault codes, such as 0, are no pressure in any unit, and pass.
    """

    def __init__(self) -> None:
        self._values = 0
        self._mistaken: Counter[tuple[str, str]] = Counter()
        self._example = 0.0

    def see(self, pressures: Floats) -> None:
        """Count some pressures (hPa, NaN where there is none)."""
        self._values += int(np.count_nonzero(~np.isnan(pressures)))
        odd = pressures[(pressures < _LOWEST) | (pressures > _HIGHEST)]
        for names, ratio in _RATIOS.items() if len(odd) else ():
            mistaken = odd[(odd >= _LOWEST * ratio) & (odd <= _HIGHEST * ratio)]
            if len(mistaken):
                self._mistaken[names] += len(mistaken)
                self._example = float(mistaken[0])

    def check(self) -> None:
        """Raises ObjectRejectedError where so many are mistaken in one way that the median is."""
        for (said, meant), count in self._mistaken.items():
            if 2 * count > self._values:
                raise ObjectRejectedError(
                    "wrong_unit",
                    f"{count} of {self._values} pressures, such as {self._example / _HPA[said]:g} {said}, are none on "
                    f"Earth, but would be in {meant}: the source names the wrong unit",
                )
