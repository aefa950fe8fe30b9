"""Reports that correct an earlier one of the same station and time, of which only the correction is valid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.networks.model import Correction
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.clocks import DateTimes

CODE = "corrected"
_REASON = "a correction of this report is in the same object"


def corrected(
    declared: Correction | None, columns: Columns, stations: pa.Array, moments: DateTimes
) -> Iterator[Rejection]:
    """The rows of a batch that other rows in it correct."""
    cells = None if declared is None else columns.get(normalise_field(declared.column))
    if declared is None or cells is None or not pa.types.is_string(cells.type):
        return
    found = pc.extract_regex(cells, declared.pattern)
    if found.null_count == len(found):
        return
    texts = pc.fill_null(pc.struct_field(found, "correction"), "")
    rows = pd.DataFrame({"station": np.asarray(stations), "time": moments, "correction": np.asarray(texts)})
    last = rows.groupby(["station", "time"], dropna=False)["correction"].transform("max")
    yield Rejection(np.asarray(rows["correction"] < last), CODE, declared.column, _REASON, cells)
