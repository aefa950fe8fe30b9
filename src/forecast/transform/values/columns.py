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
    """`values` has one float per row in the canonical unit, NaN if there is none; `calm` marks rows that say "calm".

    Every non-empty cell has a value or an issue. `sources` are the source's own names of the columns; `inferred`
    marks rows whose value was not in any of their cells.
    """

    values: Floats
    issues: list[ParseIssue] = field(default_factory=list)
    calm: npt.NDArray[np.bool_] | None = None
    sources: tuple[str, ...] = ()
    inferred: npt.NDArray[np.bool_] | None = None

    @property
    def ambiguous(self) -> dict[int, str]:
        """Rows whose number can be read in two ways, with the text; such rows are rejected."""
        return {issue.row: issue.raw for issue in self.issues if issue.reason.endswith(AMBIGUOUS)}


class RawColumn(NamedTuple):
    """Cells of a parameter as found.

    `assumed_unit` is the unit that the source documents for bare numbers; without one, a number needs its unit in the
    cell. A unit in a cell takes precedence over the column's. `source` is the source's name of the
    column, `codes` are numbers that are not amounts, `text_codes` texts that stand for a number, `missing`
    the numbers that mean "no value". With `decimal_comma`, every comma is a decimal comma.
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
    """The values of the first, filled up with those of the other."""
    missing = np.isnan(first.values)
    issues = [*first.issues, *(issue for issue in more.issues if missing[issue.row])]
    sources = tuple(dict.fromkeys([*first.sources, *more.sources]))
    inferred = first.inferred if more.inferred is None else more.inferred & missing
    return ParsedColumn(np.where(missing, more.values, first.values), issues, sources=sources, inferred=inferred)


def shorten(text: str) -> str:
    """The text shortened, with control characters escaped for terminals and reports."""
    return shortened(escaped(text))


def shortened(text: str) -> str:
    """The text, cut off at the maximum length of an issue."""
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[: MAX_SHOWN_LENGTH - 1]}…"
