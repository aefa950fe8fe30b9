"""Numbers whose unit is not given anywhere, in a layout whose unit blocks should name it."""

from __future__ import annotations

from collections.abc import Sequence

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.transform.declared import DeclaredLayout
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.columns import shorten

_CODE = "missing_units"


class MissingUnits:
    """Watches one object for such rows; `has_units` tells whether any of its rows has a unit block with values."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._systems: Sequence[str] = ()
        self.has_units = False

    def rejection(self, bare: Mask, names: Sequence[str], columns: Columns, layout: DeclaredLayout) -> Rejection:
        """The bare rows of a batch, whose columns have these names."""
        found = [name for name in names if normalise_field(name) in layout.members] if bare.any() else []
        systems = () if layout.layout.blocks is None else tuple(layout.layout.blocks.units)
        self._names |= dict.fromkeys(found)
        self._systems = systems
        cells = columns.get(normalise_field(found[0])) if found else None
        return Rejection(bare, _CODE, found[0] if found else "", _reason(found, systems), cells)

    def check(self) -> None:
        """Raise ObjectRejectedError if there were such rows, and none with units."""
        if self._names and not self.has_units:
            raise ObjectRejectedError(_CODE, _reason(list(self._names), self._systems))


def _reason(names: Sequence[str], systems: Sequence[str]) -> str:
    example = f", such as {systems[0]}.{shorten(names[0])}" if names else ""
    return (
        f"nothing names the units of {', '.join(map(shorten, names))}: such values belong in an object "
        f"({', '.join(systems)}) or into columns named after it{example}"
    )
