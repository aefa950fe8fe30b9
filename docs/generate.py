"""Writes docs/parameters.md from the tables of the program: `make docs`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from forecast.parameters import PARAMETERS, Quantity
from forecast.transform.units import UNITS, Unit

TARGET = Path(__file__).parent / "parameters.md"

_INTRODUCTION = """\
# Parameters

Made by `docs/generate.py` from `src/forecast/parameters.py` and `src/forecast/transform/units.py`. Do not edit it by
hand.

Names are CF standard names, with the period where one belongs. Every parameter is kept in one unit. A missing value is
an absent key in MongoDB and a null in Parquet, and never a number that stands for "missing".

Field names are compared without case, blanks and punctuation: "Precip. Rate." is `preciprate`. Where several fields of
the PWS API are named, the first that an object has is taken.
"""

_UNITS_INTRODUCTION = """\
## Units that are accepted

A value is converted from the unit that its own cell names. A number without a unit has the unit that its source
documents; where the source documents none, the value is left out and noted in `data_quality.notes`. Case and blanks do
not matter. No result is rounded.
"""


def parameters_page() -> str:
    """The whole page."""
    sources = (
        (
            f"`{parameter.name}`",
            parameter.unit,
            parameter.description,
            _field(parameter.infoclimat, parameter.infoclimat_unit),
            _field(parameter.table),
            ", ".join(map(_field, parameter.pws)),
        )
        for parameter in PARAMETERS
    )
    units = ((f"{quantity}", *row) for quantity in Quantity for row in _units_of(quantity))
    return "\n".join(
        (
            _INTRODUCTION,
            _table(("name", "unit", "meaning", "InfoClimat", "Weather Underground table", "PWS API"), sources),
            _UNITS_INTRODUCTION,
            _table(("quantity", "kept in", "written as", "converted by"), units),
        )
    )


def _field(name: str | None, unit: str | None = None) -> str:
    if name is None:
        return ""
    return f"`{name}`" if unit is None else f"`{name}` ({unit})"


def _units_of(quantity: Quantity) -> Iterable[tuple[str, str, str]]:
    """Canonical unit, spellings and formula of every unit of a quantity."""
    canonical = ", ".join(dict.fromkeys(p.unit for p in PARAMETERS if p.quantity is quantity))
    spellings: dict[Unit, list[str]] = {}
    for spelling, unit in UNITS[quantity].items():
        spellings.setdefault(unit, []).append(spelling)
    for unit, names in spellings.items():
        yield canonical, ", ".join(f"`{name}`" for name in names), _formula(unit)


def _formula(unit: Unit) -> str:
    value = "value"
    if unit.subtract:
        value = f"value {'-' if unit.subtract > 0 else '+'} {abs(unit.subtract)!r}"
        if (unit.multiply, unit.divide) != (1, 1):
            value = f"({value})"
    if unit.multiply != 1:
        value += f" × {unit.multiply!r}"
    if unit.divide != 1:
        value += f" / {unit.divide!r}"
    return "as it is" if value == "value" else value


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    TARGET.write_text(parameters_page(), encoding="utf-8")
