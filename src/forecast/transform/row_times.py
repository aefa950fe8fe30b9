"""What the readers of local and UTC times have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.columns import ParseIssue
from forecast.transform.values.timestamps import ParsedTimes

BAD_INSTANT: Final = "not a date and time in UTC (ISO 8601)"


class RowTimes(NamedTuple):
    """The times that count, local or UTC; the rejections of rows because of their columns; and parse issues."""

    readings: ParsedTimes
    rejections: list[Rejection]
    issues: list[ParseIssue]


def present(columns: Columns, names: Sequence[str]) -> Iterator[tuple[str, pa.Array]]:
    """The columns that exist, under the names that their layout declares."""
    for name in names:
        if (cells := columns.get(normalise_field(name))) is not None:
            yield name, cells


def as_utc(readings: ParsedTimes) -> ParsedTimes:
    """The times of a UTC column, including those that state no zone."""
    readings.is_utc = np.ones(len(readings.moments), dtype=bool)
    return readings
