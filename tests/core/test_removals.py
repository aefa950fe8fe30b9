"""What a record that replaces another takes away."""

from __future__ import annotations

import pyarrow as pa

from forecast.core.parameters import MEASURED_NAMES
from forecast.core.removals import present_names

Row = dict[str, float]


def names_of(*rows: Row) -> list[list[str]]:
    columns = {name: pa.array([row.get(name) for row in rows], pa.float64()) for name in MEASURED_NAMES}
    return present_names(pa.table(columns))


def test_a_record_without_values_has_no_present_parameter_and_is_not_left_out() -> None:
    wet = {"relative_humidity": 87.0}
    assert names_of({}, wet, {"air_temperature": 13.8, **wet}, {}) == [
        [],
        ["relative_humidity"],
        ["air_temperature", "relative_humidity"],
        [],
    ]
