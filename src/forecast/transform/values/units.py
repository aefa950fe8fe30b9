"""Converts units as the sources write them to the canonical unit of each quantity.

The factors are exact: 1 inHg = 33.86388640341 hPa (the conventional inch of mercury), 1 mph = 0.44704 m/s,
1 in = 25.4 mm, °C = (°F - 32) / 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.core.parameters import Quantity

Floats = npt.NDArray[np.float64]

INCH_OF_MERCURY_HPA = 33.86388640341
MILE_PER_HOUR_MS = 0.44704
INCH_MM = 25.4
KNOT_MS = 1852 / 3600
MILE_M = 1609.344
ABSOLUTE_ZERO_C = -273.15


@dataclass(frozen=True, slots=True)
class Unit:
    """canonical = (value - subtract) * multiply / divide, so that each published formula is exact to the last bit."""

    subtract: float = 0.0
    multiply: float = 1.0
    divide: float = 1.0

    @property
    def span(self) -> float:
        """The size of a difference of 1, in the canonical unit."""
        return self.multiply / self.divide

    def to_canonical(self, values: Floats) -> Floats:
        """Convert values of this unit to the canonical one."""
        return (values - self.subtract) * self.multiply / self.divide

    def from_canonical(self, values: Floats) -> Floats:
        """Convert values of the canonical unit to this one."""
        return values * self.divide / self.multiply + self.subtract


CANONICAL = Unit()
# As many digits as restore the decimal that was in the cell.
_DIGITS = 9


def as_shown(values: Floats, unit: Unit) -> Floats:
    """Canonical values as they were in their cells, in this unit."""
    shown: Floats = np.round(unit.from_canonical(values), _DIGITS)
    return shown


UNITS: dict[Quantity, dict[str, Unit]] = {
    Quantity.TEMPERATURE: {
        **dict.fromkeys(("°c", "c", "degc", "celsius"), CANONICAL),
        **dict.fromkeys(("°f", "f", "degf", "fahrenheit"), Unit(subtract=32.0, divide=1.8)),
        "k": Unit(subtract=-ABSOLUTE_ZERO_C),
    },
    Quantity.RATIO: {"%": CANONICAL},
    Quantity.PRESSURE: {
        **dict.fromkeys(("hpa", "mb", "mbar"), CANONICAL),
        **dict.fromkeys(("in", "inhg"), Unit(multiply=INCH_OF_MERCURY_HPA)),
        "pa": Unit(divide=100.0),
        "kpa": Unit(multiply=10.0),
    },
    Quantity.SPEED: {
        **dict.fromkeys(("m/s", "ms"), CANONICAL),
        **dict.fromkeys(("km/h", "kmh", "kph"), Unit(divide=3.6)),
        "mph": Unit(multiply=MILE_PER_HOUR_MS),
        **dict.fromkeys(("kt", "kts", "kn", "knots"), Unit(multiply=KNOT_MS)),
    },
    Quantity.ANGLE: dict.fromkeys(("°", "deg", "degrees"), CANONICAL),
    # The header of a column of rates often only has the depth, "in" for inches per hour.
    Quantity.RAIN_RATE: {
        **dict.fromkeys(("mm/h", "mm/hr", "mm"), CANONICAL),
        **dict.fromkeys(("in/h", "in/hr", "in"), Unit(multiply=INCH_MM)),
    },
    Quantity.RAIN: {"mm": CANONICAL, "cm": Unit(multiply=10.0), "in": Unit(multiply=INCH_MM)},
    Quantity.DISTANCE: {
        "m": CANONICAL,
        "km": Unit(multiply=1000.0),
        **dict.fromkeys(("mi", "miles"), Unit(multiply=MILE_M)),
    },
    Quantity.CLOUD: {
        **dict.fromkeys(("okta", "oktas", "octa", "octas", "octats"), CANONICAL),
        "%": Unit(divide=12.5),
    },
    Quantity.SNOW: {"cm": CANONICAL, "mm": Unit(divide=10.0), "m": Unit(multiply=100.0), "in": Unit(multiply=2.54)},
    Quantity.CODE: {"code": CANONICAL},
    Quantity.INDEX: {"1": CANONICAL, "index": CANONICAL},
    Quantity.IRRADIANCE: {
        **dict.fromkeys(("w/m²", "w/m2", "w/m^2", "watts/m²", "watts/m^2"), CANONICAL),
        # The energy of a period is converted to its mean irradiance.
        "j/m²/h": Unit(divide=3600.0),
        "j/m²/6min": Unit(divide=360.0),
        "j/cm²/h": Unit(multiply=10_000.0, divide=3600.0),
        "j/cm²/10min": Unit(multiply=10_000.0, divide=600.0),
    },
    Quantity.DURATION: {"min": CANONICAL, "h": Unit(multiply=60.0), "s": Unit(divide=60.0)},
}

# U+00BA, U+2103 and U+2109 replace degree signs in real feeds (ecowitt); "â°" is a degree sign that was decoded
# as latin-1 once too often (open-meteo).
_SPELLINGS = str.maketrans({"º": "°", "℃": "°c", "℉": "°f", "˚": "°"})


def letters_of(text: str) -> str:
    """The ASCII letters and digits of a text."""
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())


# Units in column names from which a tool has removed all punctuation: "WindSpeed_km_h", "solar_w_m_2".
_LETTERS: dict[Quantity, dict[str, str]] = {
    quantity: {letters: name for name in units if len(letters := letters_of(name)) > 1}
    for quantity, units in UNITS.items()
}


def unit_spelled(quantity: Quantity, text: str) -> str | None:
    """The spelling by which `find_unit` knows the unit at the end of a column's name; None if there is none."""
    if find_unit(quantity, text) is not None:
        return text
    return _LETTERS[quantity].get(letters_of(text.casefold()))


def find_unit(quantity: Quantity, text: str) -> Unit | None:
    """The unit of this quantity that `text` names; None if it is unknown."""
    spelling = "".join(text.casefold().split()).translate(_SPELLINGS).replace("â°", "°").replace("â²", "²")
    return UNITS[quantity].get(spelling)
