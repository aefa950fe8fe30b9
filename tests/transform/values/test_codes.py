"""Codes among InfoClimat's numbers: a trace of rain, a sky obscured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transform.samples import batch_of, transform

ROW: dict[str, Any] = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "humidite": "80"}
TRACE = "a trace: too little to be measured"
OBSCURED = "the code of a sky obscured, 9 okta"
HOUR, THREE_HOURS, CLOUD = "precipitation_amount_1h", "precipitation_amount_3h", "cloud_area_fraction"


@pytest.mark.parametrize(("field", "name"), [("pluie_1h", HOUR), ("pluie_3h", THREE_HOURS)])
@pytest.mark.parametrize(
    ("cell", "value", "noted"),
    [
        ("-0.1", 0.0, True),
        (-0.1, 0.0, True),
        (" -0.10 mm", 0.0, True),
        ("0", 0.0, False),
        ("0.1", 0.1, False),
        ("-0.2", -0.2, False),
        ("-1", -1.0, False),
    ],
)
def test_a_trace_of_rain_is_none_with_a_note_and_any_other_number_stays(
    field: str, name: str, cell: Any, value: float, noted: bool
) -> None:
    result = transform(batch_of([ROW | {field: cell}, ROW | {field: "2.5"}]))
    assert [result.values(row)[name] for row in (0, 1)] == [value, 2.5]
    assert result.issues(0) == ([(name, str(cell), TRACE)] if noted else [])
    assert result.issues(1) == []


def test_the_notes_of_a_column_are_kept_beside_those_of_its_codes() -> None:
    rows = [ROW | {"pluie_1h": cell} for cell in ("wet", "-0.1", "-0.1")]
    result = transform(batch_of(rows))
    assert [result.issues(row) for row in range(3)] == [
        [(HOUR, "wet", "not a number")],
        [(HOUR, "-0.1", TRACE)],
        [(HOUR, "-0.1", TRACE)],
    ]


def test_the_code_for_a_trace_of_rain_is_an_ordinary_temperature() -> None:
    result = transform(batch_of([ROW | {"temperature": "-0.1", "neige_au_sol": "-0.1"}]))
    assert (result.values()["air_temperature"], result.values()["surface_snow_thickness"]) == (-0.1, -0.1)
    assert result.issues() == []


@pytest.mark.parametrize(
    ("cell", "okta", "noted"),
    [
        ("101 %", 9.0, True),
        ("113 %", 9.0, True),
        ("101", 9.0, True),
        (113, 9.0, True),
        ("9", 9.0, False),
        (8, 8.0, False),
        ("50 %", 4.0, False),
        ("100 %", 8.0, False),
        # What is no code and no cover stays for the checks to flag.
        ("50", 50.0, False),
        ("-1", -1.0, False),
    ],
)
def test_a_sky_obscured_is_9_okta_and_per_cent_are_read_where_the_cell_names_them(
    cell: Any, okta: float, noted: bool
) -> None:
    result = transform(batch_of([ROW | {"nebulosite": cell}]))
    assert result.values()[CLOUD] == okta
    assert result.issues() == ([(CLOUD, str(cell), OBSCURED)] if noted else [])
