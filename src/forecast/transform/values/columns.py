"""Columns of a parameter: cells as found, values, and cells that could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.parameters import Parameter
from forecast.core.text import escaped
from forecast.networks.model import Code, TextCode
from forecast.transform.values.units import Floats

MAX_SHOWN_LENGTH = 80
AMBIGUOUS = "the comma may separate thousands or decimals, and the source does not say which"


@dataclass(frozen=True, slots=True)
class ParseIssue:
    """One cell that could not be read: its value is missing, its row stays."""

    row: int
    parameter: str
    raw: str
    reason: str


@dataclass(slots=True)
class ParsedColumn:
    """`values` holds one float a row in the canonical unit, NaN where there is none; `calm` the rows that say so.

    A cell that had something has a value or an issue. `sources` are the source's own names of the columns, `inferred`
    the rows whose value stood in no cell of theirs.
    """

    values: Floats
    issues: list[ParseIssue] = field(default_factory=list)
    calm: npt.NDArray[np.bool_] | None = None
    sources: tuple[str, ...] = ()
    inferred: npt.NDArray[np.bool_] | None = None

    @property
    def ambiguous(self) -> dict[int, str]:
        """Rows, and what was found there, whose number could be two: such a row may not enter."""
        return {issue.row: issue.raw for issue in self.issues if issue.reason.endswith(AMBIGUOUS)}


class RawColumn(NamedTuple):
    """Cells of a parameter as found.

    `assumed_unit` is the unit that the source documents for bare numbers; without one, a number needs its unit in the
    cell. A cell that carries a unit is converted from that one, whatever the column's. `source` is what the source
    calls the column, `codes` are its numbers that are no amounts, `text_codes` its texts that stand for one, `missing`
    the numbers that stand for "no value". With `decimal_comma` every comma is that of a decimal.
    """

    cells: pa.Array
    parameter: Parameter
    assumed_unit: str | None = None
    source: str = ""
    codes: tuple[Code, ...] = ()
    missing: tuple[float, ...] = ()
    decimal_comma: bool = False
    text_codes: tuple[TextCode, ...] = ()


def filled(first: ParsedColumn, more: ParsedColumn) -> ParsedColumn:
    """The values of the first, and where it has none those of the other."""
    missing = np.isnan(first.values)
    issues = [*first.issues, *(issue for issue in more.issues if missing[issue.row])]
    sources = tuple(dict.fromkeys([*first.sources, *more.sources]))
    inferred = first.inferred if more.inferred is None else more.inferred & missing
    return ParsedColumn(np.where(missing, more.values, first.values), issues, sources=sources, inferred=inferred)


def shorten(text: str) -> str:
    """Control characters never reach a terminal or a report as they are."""
    return shortened(escaped(text))


def shortened(text: str) -> str:
    """The text, its end left out where it is longer than an issue."""
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[: MAX_SHOWN_LENGTH - 1]}…"
