"""Two columns of one parameter are two statements of one value: they agree, or the row is rejected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transform.networks.test_networks import CLIMATE, TABLE
from tests.transform.samples import TABLE_KEY, Result, batch_of, transform

CLIMATE_KEY = "infoclimat/a.jsonl"


def of_table(**more: Any) -> Result:
    return transform(batch_of([TABLE | more]), key=TABLE_KEY)


@pytest.mark.parametrize(
    ("first", "twin"),
    [
        ({"Temperature": "56.8 °F"}, {"Temp_C": "14"}),
        ({"Temperature": "57 °F"}, {"Temp_C": "14"}),
        ({"Pressure": "29.5 in"}, {"Pressure (hPa)": 997}),
        ({"Speed": "2 mph"}, {"wind_speed_m_s": 1}),
        ({"Humidity": "87 %"}, {"relative_humidity_%": "87.4"}),
        ({"Temperature": "56.8 °F"}, {"Temp_C": "--"}),
        ({"Temperature": "56.8 °F"}, {"Temp_C": "lots"}),
        ({"Wind": "North"}, {"WindDirectionDegrees": "-737280"}),
    ],
    ids=lambda cells: str(*cells.items()),
)
def test_two_columns_that_differ_by_rounding_alone_are_one_and_the_first_counts(first: Any, twin: Any) -> None:
    alone, both = of_table(**first), of_table(**first, **twin)
    assert (both.values(), both.rejected) == (alone.values(), [])


@pytest.mark.parametrize(
    ("first", "twin", "value"),
    [
        ({"Temperature": "56.8 °F"}, {"Temp_C": "14.8"}, "Temperature: 13.7778 °C, Temp_C: 14.8 °C"),
        ({"Pressure": "29.5 in"}, {"Pressure_hPa": 1002}, "Pressure: 998.985 hPa, Pressure_hPa: 1002 hPa"),
        ({"Temperature": None}, {"Temp_C": "14.8", "TempF": 32}, "Temperature: nothing, Temp_C: 14.8 °C, TempF: 0 °C"),
    ],
    ids=["temperatures", "pressures", "two of three"],
)
def test_two_columns_that_differ_by_more_quarantine_the_row(first: Any, twin: Any, value: str) -> None:
    result = transform(batch_of([TABLE | first | twin, TABLE | dict.fromkeys(twin) | {"Time": "00:09:00"}]))
    assert len(result.observations) == 1
    names = " and ".join([*first, *twin])
    assert [(one["position"], one["code"], one["value"], one["reason"]) for one in result.rejected] == [
        (
            "line 1",
            "contradicting_values",
            value,
            f"{names} hold one parameter, and their values differ by more than rounding",
        )
    ]


def test_infoclimats_columns_are_compared_as_well() -> None:
    rows = [CLIMATE | {"temperature": "7.6", "temperature_f": cell} for cell in ("60", "45.7")]
    rows[1]["dh_utc"] = "2024-10-05 09:00:00"
    result = transform(batch_of(rows), key=CLIMATE_KEY)
    assert [row["air_temperature"] for row in result.observations] == [7.6]
    assert [(row["code"], row["field"]) for row in result.rejected] == [("contradicting_values", "air_temperature")]
