"""What was recognised must have been read: each case by its number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hostile.conftest import TABLE_KEY, RunObject, empty, run_in
from tests.integration.worlds import World

CLIMATE_KEY = "infoclimat/api/2024_10_05_1728097200000_0.jsonl"
INCH_HPA = 33.86388640341
GOOD = {
    "Date": "2024-10-01",
    "Time": "00:04:00",
    "Temperature": "56.8 °F",
    "Humidity": "89 %",
    "Wind": "West",
    "Pressure": "29.48 in",
}
CLIMATE = {
    "id_station": "07915",
    "dh_utc": "2024-10-05 00:00:00",
    "temperature": "7.6",
    "pression": "1020.7",
    "humidite": "89",
    "point_de_rosee": "5.9",
    "visibilite": "6000",
    "vent_moyen": "3.6",
    "vent_rafales": "7.2",
    "vent_direction": "90",
    "pluie_3h": "0",
    "pluie_1h": "0",
    "nebulosite": "4",
    "temps_omm": "0",
}
EXPECTED = (
    'a number with its unit in the cell, such as "56.8 °F" or "29.48 in", '
    'or in the name of the column, such as "Temperature (°F)"'
)
WEEWX = """dateTime,usUnits,interval,barometer,dewpoint,outTemp,pressure,UV
1727733840,1,5,29.48,53.1,56.8,29.48,{uv}
1727734140,1,5,29.48,53.0,56.7,29.48,{uv}
"""


def line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def with_name(row: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: cell for name, cell in row.items()}


@pytest.mark.parametrize(
    ("row", "key", "old", "new"),
    [
        (GOOD, TABLE_KEY, "Temperature", "temp"),
        (GOOD, TABLE_KEY, "Temperature", "Air Temp"),
        (CLIMATE, CLIMATE_KEY, "temperature", "temperature_2m"),
    ],
    ids=["temp", "Air Temp", "temperature_2m"],
)
def test_case_88_a_renamed_column_is_reported_with_what_it_could_be(
    row: dict[str, Any], key: str, old: str, new: str, run_object: RunObject
) -> None:
    ending = run_object(line(with_name(row, old, new)), key)
    ending.assert_accepted(1, renamed=["air_temperature"])
    assert "air_temperature" not in ending.measurements[0]
    assert ending.quality["renamed_parameters"] == [
        {"object": key, "parameter": "air_temperature", "candidates": [new]}
    ]
    assert ending.quality["unknown_columns"] == [{"object": key, "columns": [new], "more": 0}]
    assert ending.error[0] == "renamed_parameter"
    assert ending.status["status"] == "partial"


def test_case_89_bare_numbers_where_the_layout_has_units_reject_the_object(run_object: RunObject) -> None:
    row = GOOD | {"Temperature": "56.8", "Humidity": "89", "Wind": "270", "Pressure": "29.48"}
    run_object(line(row)).assert_rejected(
        "unreadable_values",
        f"none of its measured cells (4) could be read; expected {EXPECTED}: "
        "'Temperature' such as '56.8' (line 1): a number without a unit; "
        "'Humidity' such as '89' (line 1): a number without a unit; "
        "'Pressure' such as '29.48' (line 1): a number without a unit; "
        "'Wind' such as '270' (line 1): a number without a unit",
    )


def test_case_89_one_parameter_that_cannot_be_read_is_named(run_object: RunObject) -> None:
    ending = run_object(line(GOOD | {"Humidity": "89"}))
    ending.assert_accepted(1, unread=["relative_humidity"])
    assert ending.quality["unread_parameters"] == [
        {
            "object": TABLE_KEY,
            "parameter": "relative_humidity",
            "column": "Humidity",
            "cells": 1,
            "example": "89",
            "position": "line 1",
            "reason": "a number without a unit",
        }
    ]
    words = "none of 1 cells of 'Humidity' (relative_humidity) could be read, such as '89' (line 1): "
    assert ending.error == ("unread_parameter", f"{words}a number without a unit")
    assert ending.warnings == [f"{TABLE_KEY}: {words}a number without a unit"]


@pytest.mark.parametrize("delimiter", [";", ","])
def test_case_89_a_decimal_comma_is_read(delimiter: str, run_object: RunObject) -> None:
    cells = ["2024-10-01", "00:04:00", "13,8 °C", "89 %", "West", "1012,5 hPa"]
    row = delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in cells)
    ending = run_object(f"{delimiter.join(GOOD)}\n{row}\n".encode())
    ending.assert_accepted(1)
    assert ending.measurements == [
        {
            "air_temperature": 13.8,
            "relative_humidity": 89.0,
            "wind_from_direction": 270.0,
            "air_pressure_at_mean_sea_level": 1012.5,
        }
    ]


def test_case_90_units_in_the_header_are_read(run_object: RunObject) -> None:
    content = (
        "Date,Time,Temp_F,DewPoint_F,Humidity,Wind,Speed_mph,Pressure_in,UV\n"
        "2024-10-01,12:04 AM,50,41,89 %,W,10,29.48,0\n"
    )
    ending = run_object(content.encode())
    ending.assert_accepted(1)
    assert ending.measurements == [
        {
            "air_temperature": 10.0,
            "dew_point_temperature": 5.0,
            "relative_humidity": 89.0,
            "wind_from_direction": 270.0,
            "wind_speed": 4.4704,
            "air_pressure_at_mean_sea_level": 29.48 * INCH_HPA,
            "ultraviolet_index": 0.0,
        }
    ]
    assert ending.quality["unknown_columns"] == []


def test_case_91_weewx_in_a_stations_folder_is_rejected(run_object: RunObject) -> None:
    run_object(WEEWX.format(uv="NULL").encode()).assert_rejected(
        "unreadable_values",
        f"none of its measured cells (4) could be read; expected {EXPECTED}: "
        "'dewpoint' such as '53.1' (row 1): a number without a unit; "
        "'pressure' such as '29.48' (row 1): a number without a unit",
    )


def test_case_91_a_uv_index_does_not_make_another_programs_numbers_ours(run_object: RunObject) -> None:
    run_object(WEEWX.format(uv="0").encode()).assert_rejected(
        "unreadable_values",
        f"none of the numbers in 2 of its columns has a unit; expected {EXPECTED}: "
        "'dewpoint' such as '53.1' (row 1): a number without a unit; "
        "'pressure' such as '29.48' (row 1): a number without a unit",
    )


def test_case_91_nobody_is_advised_to_load_weewx_from_outside_a_stations_folder(run_object: RunObject) -> None:
    run_object(WEEWX.format(uv="0").encode(), "somewhere/weewx.csv").assert_rejected(
        "no_station",
        "the rows do not name their station, and no station's raw_prefixes matches this key; nor is it certain that "
        "they are Weather Underground's: no number was found with the unit of its layout",
    )


@pytest.mark.whole
@pytest.mark.parametrize(
    "second",
    [
        line(GOOD | {"Temperature": "56.8", "Humidity": "89", "Wind": "270", "Pressure": "29.48"}),
        WEEWX.format(uv="NULL").encode(),
    ],
    ids=["bare numbers", "weewx"],
)
def test_case_89_what_is_stored_stays_where_nothing_can_be_read(second: bytes, one_world: World) -> None:
    empty(one_world)
    stored = run_in(one_world, line(GOOD), "wunderground/ITESTB25/a/1.jsonl").documents
    ending = run_in(one_world, second, "wunderground/ITESTB25/b/2")
    assert (ending.outcome, ending.error[0], ending.exit_code) == ("rejected", "unreadable_values", 3)
    assert [one_world.documents()[document["_id"]] for document in stored] == stored
