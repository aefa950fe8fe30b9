"""The mean of a row's highest and lowest value, for networks that provide no other mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from forecast.core.parameters import Parameter
from forecast.networks.model import MeanOf
from forecast.transform.raw_columns import normalise_field
from forecast.transform.values.columns import ParsedColumn, ParseIssue, filled, shorten
from forecast.transform.values.units import CANONICAL, Unit, as_shown


@dataclass(frozen=True, slots=True)
class PairedMean:
    """A parameter, and the names of the two fields as the source spells them."""

    parameter: Parameter
    declared: MeanOf

    @property
    def spelled(self) -> dict[str, str]:
        """The source's names of the two fields (highest, lowest) by their normalised names."""
        return {normalise_field(name): name for name in (self.declared.highest, self.declared.lowest)}

    def taken(
        self, converted: dict[str, ParsedColumn], cells: Mapping[str, pa.Array], unit: Unit = CANONICAL
    ) -> dict[str, ParsedColumn]:
        """Replace the two columns by their mean. One alone, or two in the wrong order, give a parse issue instead.

        `unit` is the unit of their cells.
        """
        pair = {name: converted.pop(name) for name in self.spelled if name in converted}
        if not pair:
            return converted
        nothing = ParsedColumn(np.full(len(next(iter(pair.values())).values), np.nan))
        highest, lowest = (as_shown(pair.get(name, nothing).values, unit) for name in self.spelled)
        highest = np.where(highest < lowest, np.nan, highest)
        sources = tuple(name for column in pair.values() for name in column.sources)
        issues = [*self._issues(pair, cells), *self._inverted(pair, cells)]
        mean = ParsedColumn(unit.to_canonical((highest + lowest) / 2), issues, sources=sources)
        converted[self.parameter.name] = filled(mean, converted.get(self.parameter.name, nothing))
        return converted

    def _issues(self, pair: Mapping[str, ParsedColumn], cells: Mapping[str, pa.Array]) -> Iterator[ParseIssue]:
        """Cells of the two that could not be read, and rows with only one of them."""
        name_of = self.parameter.name
        highest, lowest = self.spelled
        for name, column in pair.items():
            spelled = self.spelled[name]
            yield from (replace(n, parameter=name_of, reason=f"{spelled}: {n.reason}") for n in column.issues)
            other = lowest if name == highest else highest
            alone = ~np.isnan(column.values)
            if other in pair:
                alone &= np.isnan(pair[other].values)
                alone[[issue.row for issue in pair[other].issues]] = False
            reason = f"{spelled} without {self.spelled[other]}: the {_word(self.parameter)} is the mean of the two"
            for row in np.flatnonzero(alone).tolist():
                yield ParseIssue(row, name_of, shorten(str(cells[name][row].as_py())), reason)

    def _inverted(self, pair: Mapping[str, ParsedColumn], cells: Mapping[str, pa.Array]) -> Iterator[ParseIssue]:
        """Rows in which the highest value is below the lowest."""
        (highest, high), (lowest, low) = self.spelled.items()
        if highest not in pair or lowest not in pair:
            return
        for row in np.flatnonzero(pair[highest].values < pair[lowest].values).tolist():
            raw = shorten(str(cells[highest][row].as_py()))
            yield ParseIssue(row, self.parameter.name, raw, f"{high} is below {low} ({cells[lowest][row].as_py()})")


def _word(parameter: Parameter) -> str:
    return str(parameter.quantity)
