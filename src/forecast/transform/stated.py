"""Compares the station and the time of a row with what the text of its report says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.networks.model import Stated
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.clocks import DateTimes

_OTHER_STATION = "the text of the report is that of another station"
_OTHER_TIME = "the text of the report states another day, hour or minute"


def contradicting_texts(
    stated: Stated | None, id_prefix: str, columns: Columns, stations: pa.Array, moments: DateTimes
) -> Iterator[Rejection]:
    """The rows whose text states another station or another time; a text without them states nothing."""
    cells = None if stated is None else columns.get(normalise_field(stated.column))
    if stated is None or cells is None or not pa.types.is_string(cells.type):
        return
    found = pc.extract_regex(cells, stated.pattern)
    own_ids = pc.binary_join_element_wise(id_prefix, pc.struct_field(found, "station"), "")
    times = pc.strftime(pa.array(moments), format="%d%H%M")
    for code, reason, told, here in (
        ("contradicting_stations", _OTHER_STATION, own_ids, stations),
        ("contradicting_times", _OTHER_TIME, pc.struct_field(found, "time"), times),
    ):
        other = np.asarray(pc.fill_null(pc.not_equal(told, here), fill_value=False))
        yield Rejection(other, code, stated.column, reason, cells)
