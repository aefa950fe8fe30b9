"""Reads column names that end in a unit: "Temp_F", "Pressure (hPa)", "WindSpeedMPH"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from forecast.core.parameters import Parameter, Quantity
from forecast.transform.name_words import quantities_named
from forecast.transform.raw_columns import normalise_field
from forecast.transform.values.units import unit_spelled

# Separators between a name and its unit, and around the unit.
_BETWEEN: Final = " \t\r\n_-.,:()[]{}\u00a0"
_LONGEST: Final = 64


class Heading(NamedTuple):
    """What a column holds according to its name, and the unit (for `find_unit`) of numbers without their own."""

    parameter: Parameter
    unit: str | None


def read_heading(name: str, bases: Mapping[str, Sequence[Parameter]]) -> Heading | None:
    """Split a name into one of the bases and a unit of a parameter with that name; None if this is impossible.

    `bases` are spelled as by `normalise_field`; if a name begins with several of them, the longest counts.
    """
    for end in range(min(len(name), _LONGEST) - 1, 0, -1):
        unit = name[end:].strip(_BETWEEN)
        for parameter in bases.get(normalise_field(name[:end]), ()) if unit else ():
            spelled = unit_spelled(parameter.quantity, unit)
            if spelled is not None:
                return Heading(parameter, spelled)
    return None


def unit_at_end(name: str, quantity: Quantity) -> str | None:
    """The unit of a quantity that a name ends in: "Baro (inHg)", "BaromRelIn", "baromin".

    The unit must be a separate word, or follow the name of the quantity: "begin" does not end in inches.
    """
    for end in range(1, min(len(name), _LONGEST)):
        starts_a_word = name[end - 1] in _BETWEEN or (name[end - 1].islower() and name[end].isupper())
        if (starts_a_word or quantity in quantities_named(normalise_field(name[:end]))) and (
            unit := name[end:].strip(_BETWEEN)
        ):
            spelled = unit_spelled(quantity, unit)
            if spelled is not None:
                return spelled
    return None
