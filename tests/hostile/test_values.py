"""What bad values get: each case by its number. Rows come as JSON lines, unless the case is about something else."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from forecast.core.errors import ObjectRejectedError
from forecast.networks.qc_version import qc_version
from forecast.networks.registry import NETWORKS
from forecast.transform.declared import declared_layouts
from forecast.transform.source_units import check_units
from tests.hostile.conftest import TABLE_KEY, Ending, RunObject, empty, run_in
from tests.integration.worlds import World

CLIMATE_KEY = "infoclimat/api/2024_10_05_1728097200000_0.jsonl"
NBSP = "\u00a0"
CLIMATE = {"id_station": "07915", "humidite": "80"}
TABLE = {"Date": "2024-10-01", "Humidity": "80 %", "Temperature": "50 °F", "Pressure": "29.53 in"}


def lines(rows: Sequence[dict[str, Any] | str]) -> bytes:
    """JSON lines; a text stands for itself."""
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


def climate(*rows: dict[str, Any]) -> bytes:
    """InfoClimat's rows, ten minutes apart, each with a good humidity."""
    return lines([{**CLIMATE, "dh_utc": _stamp(index), **row} for index, row in enumerate(rows)])


def table(*rows: dict[str, Any]) -> bytes:
    """Rows of Weather Underground's table, ten minutes apart."""
    return lines([{**TABLE, "Time": _stamp(index)[11:], **row} for index, row in enumerate(rows)])


def _stamp(index: int) -> str:
    return f"2024-10-01 {10 + index // 6}:{index % 6}0:00"


MISSING = ["", "--", "-", "NaN", "nan", "null", "NULL", "None", "N/A", "mq", "M", "///", None]
MISSING_NUMBERS = ["-999", "-9999", "-99.99", "-999.9", "9999,9", "+9999"]


def test_case_27_every_token_for_missing_is_no_value_and_no_note(run_object: RunObject) -> None:
    cells = [*MISSING, *MISSING_NUMBERS]
    ending = run_object(climate(*({"temperature": cell, "pluie_1h": cell} for cell in cells)), CLIMATE_KEY)
    ending.assert_accepted(len(cells))
    assert ending.measurements == [{"relative_humidity": 80.0}] * len(cells)
    assert ending.notes == []


def test_case_27_a_value_that_looks_like_a_missing_token_is_kept(run_object: RunObject) -> None:
    rows = [{"temperature": "-9.9"}, {"visibilite": "9999"}, {"temperature": "M05"}]
    ending = run_object(climate(*rows), CLIMATE_KEY)
    ending.assert_accepted(3)
    first, second, third = ending.measurements
    assert (first["air_temperature"], second["visibility_in_air"]) == (-9.9, 9999.0)
    assert third == {"relative_humidity": 80.0}
    assert ending.notes == [("air_temperature", "M05", "not a number")]


def test_case_28_a_number_that_is_not_finite_is_never_stored(run_object: RunObject) -> None:
    cells = ["NaN", "Infinity", "-Infinity", "1e400", '"inf"', "12.5"]
    rows = [
        f'{{"id_station":"07915","dh_utc":"{_stamp(i)}","humidite":"80","temperature":{cell}}}'
        for i, cell in enumerate(cells)
    ]
    ending = run_object(lines(rows), CLIMATE_KEY)
    ending.assert_accepted(6)
    assert [row.get("air_temperature") for row in ending.measurements] == [None] * 5 + [12.5]
    assert [parameter for parameter, _, _ in ending.notes] == ["air_temperature"] * 5
    assert [raw.split()[0] for _, raw, _ in ending.notes] == ["NaN", "Infinity", "-Infinity", "Infinity", "inf"]


def test_case_29_numbers_out_of_all_bounds(run_object: RunObject) -> None:
    digits = "9" * 10_000
    cells = ["99999999999999999999", f'"{digits}"', '"1e-400"', '"0x1F"', '"1_000"', '"True"', "true", "12.5"]
    rows = [
        f'{{"id_station":"07915","dh_utc":"{_stamp(i)}","humidite":"80","temperature":{cell}}}'
        for i, cell in enumerate(cells)
    ]
    ending = run_object(lines(rows), CLIMATE_KEY)
    ending.assert_accepted(8)
    assert [row.get("air_temperature") for row in ending.measurements] == [None] * 7 + [12.5]
    assert [(raw, reason) for _, raw, reason in ending.notes] == [
        ("99999999999999999999", "beyond 64 bits"),
        ("9" * 79 + "…", "longer than 64 characters"),
        ("1e-400", "too small for a number"),
        ("0x1F", "unknown unit 'x1F'"),
        ("1_000", "unknown unit '_000'"),
        ("True", "not a number"),
        ("true", "not a number"),
    ]


def test_case_29_a_column_of_nothing_but_true_holds_no_number(run_object: RunObject) -> None:
    ending = run_object(climate({"temperature": True}, {"temperature": False}), CLIMATE_KEY)
    ending.assert_accepted(2, unread=["air_temperature"])
    assert ending.notes == [
        ("air_temperature", "true", "not a number but true or false"),
        ("air_temperature", "false", "not a number but true or false"),
    ]


def test_case_30_each_cell_is_converted_from_its_own_unit(run_object: RunObject) -> None:
    rows: list[dict[str, Any]] = [
        {"Temperature": "13.8 °C", "Pressure": "998 hPa", "Speed": "36 km/h", "Precip. Accum.": "0.5 mm"},
        {"Temperature": f"50{NBSP}°F", "Pressure": "29.53 inHg", "Speed": "10 mph", "Precip. Accum.": "1 in"},
        {"Speed": "5 m/s", "Gust": "10 kts"},
    ]
    first, second, third = (ending := run_object(table(*rows))).measurements
    ending.assert_accepted(3)
    assert ending.notes == []
    assert (first["air_temperature"], first["air_pressure_at_mean_sea_level"]) == (13.8, 998.0)
    assert (first["wind_speed"], first["precipitation_counter"]) == (10.0, 0.5)
    assert (second["air_temperature"], second["air_pressure_at_mean_sea_level"]) == (10.0, 29.53 * 33.86388640341)
    assert (second["wind_speed"], second["precipitation_counter"]) == (4.4704, 25.4)
    assert (third["wind_speed"], third["wind_speed_of_gust"]) == (5.0, 10 * 1852 / 3600)


def test_case_30_an_unknown_unit_or_none_is_never_the_default_one(run_object: RunObject) -> None:
    ending = run_object(table({"Temperature": "50"}, {"Temperature": "50 °X"}, {"Temperature": "50 mph"}))
    ending.assert_accepted(3, unread=["air_temperature"])
    assert all("air_temperature" not in row for row in ending.measurements)
    assert ending.notes == [
        ("air_temperature", "50", "a number without a unit"),
        ("air_temperature", "50 °X", "unknown unit '°X'"),
        ("air_temperature", "50 mph", "unknown unit 'mph'"),
    ]


def test_case_31_a_pressure_column_in_another_unit_than_it_says_stops_the_file(run_object: RunObject) -> None:
    rows: list[dict[str, Any]] = [
        {"pression": "29.75"},
        {"pression": "29.8"},
        {"pression": "1013.2"},
        {"pression": None},
    ]
    run_object(climate(*rows), CLIMATE_KEY).assert_rejected(
        "wrong_unit",
        "2 of 3 pressures, such as 29.75 hPa, are impossible on Earth, but plausible in inHg: "
        "the source names the wrong unit",
    )


def test_case_31_the_unit_of_the_cells_may_lie_as_well(run_object: RunObject) -> None:
    run_object(table({"Pressure": "1013.2 in"})).assert_rejected(
        "wrong_unit",
        "1 of 1 pressures, such as 1013.2 inHg, are impossible on Earth, but plausible in hPa: "
        "the source names the wrong unit",
    )


def test_case_31_one_odd_pressure_or_a_dead_sensor_stops_nothing(run_object: RunObject) -> None:
    rows = [{"pression": "29.75"}, {"pression": "1013.2"}, {"pression": "0"}, {"pression": "0"}]
    ending = run_object(climate(*rows), CLIMATE_KEY)
    ending.assert_accepted(4)
    assert [row["air_pressure_at_mean_sea_level"] for row in ending.measurements] == [29.75, 1013.2, 0.0, 0.0]


def of_a_day(field: str, values: Sequence[float]) -> bytes:
    """InfoClimat's rows of a day, one each hour."""
    stamps = (f"2024-10-01 {hour:02}:00:00" for hour in range(24))
    return climate(*({"dh_utc": stamp, field: f"{value:g}"} for stamp, value in zip(stamps, values, strict=True)))


@pytest.mark.parametrize(
    ("field", "values", "said"),
    [
        # 16 to 27 °C in °F, and 10 to 21 °C in K
        ("temperature", [60.8 + hour for hour in range(24)], "24 of 24 temperatures, such as 60.8 °C, {} °F: {}"),
        (
            "temperature",
            [283.15 + hour / 2 for hour in range(24)],
            "24 of 24 temperatures, such as 283.15 °C, {} K: {}",
        ),
        (
            "point_de_rosee",
            [29.5 + 2 * abs(hour - 12) + hour / 100 for hour in range(24)],
            "13 of 24 dew points, such as 53.5 °C, {} °F: {}",
        ),
    ],
)
def test_case_31_a_day_of_temperatures_in_another_unit_than_it_says_stops_the_file(
    run_object: RunObject, field: str, values: list[float], said: str
) -> None:
    words = said.format("are impossible on Earth, but plausible in", "the source names the wrong unit")
    run_object(of_a_day(field, values), CLIMATE_KEY).assert_rejected("wrong_unit", words)


def test_case_31_half_of_a_day_in_another_unit_than_it_says_is_not_the_median(run_object: RunObject) -> None:
    dew_points = [28 + 2 * abs(hour - 11.5) + hour / 100 for hour in range(24)]
    ending = run_object(of_a_day("point_de_rosee", dew_points), CLIMATE_KEY)
    ending.assert_accepted(24)
    assert sum(row["dew_point_temperature"] > 40 for row in ending.measurements) == 12


def test_case_31_a_fault_code_for_a_day_stops_nothing(run_object: RunObject) -> None:
    """85 °C is what a common sensor says when it has lost its power; in °F it would be a warm day."""
    ending = run_object(of_a_day("temperature", [85] * 24), CLIMATE_KEY)
    ending.assert_accepted(24)
    assert [row["air_temperature"] for row in ending.measurements] == [85.0] * 24
    assert [flags["air_temperature"] for _, flags, _ in ending.evaluated] == [flagged(4, "gross_range")] * 24


def test_case_31_a_few_temperatures_in_another_unit_than_they_say_are_flagged_value_by_value(
    run_object: RunObject,
) -> None:
    """50 is a temperature in °C and in °F, so nothing stops the file; but none that October has north of 45°."""
    ending = run_object(climate({"temperature": "38"}, {"temperature": "50"}, {"temperature": "68"}), CLIMATE_KEY)
    ending.assert_accepted(3)
    assert [row["air_temperature"] for row in ending.measurements] == [38.0, 50.0, 68.0]
    assert ending.evaluated == [
        (3, {"air_temperature": flagged(3, "climatology")}, 1),
        (4, {"air_temperature": flagged(4, "climatology")}, 1),
        (4, {"air_temperature": flagged(4, "gross_range")}, 1),
    ]


def flagged(flag: int, *checks: str) -> dict[str, Any]:
    return {"flag": flag, "checks": list(checks)}


GOOD: tuple[int, dict[str, Any], int] = (1, {}, 0)


def test_case_32_a_number_out_of_range_is_kept_as_it_is_and_flagged(run_object: RunObject) -> None:
    """A humidity of 0.87 % is a share of 1; at 1 % it may be either, and is suspect."""
    rows: list[dict[str, Any]] = [
        *({"Humidity": f"{value} %"} for value in ("0.87", "0.99", "1", "101", "127", "255")),
        {"Humidity": None, "Precip. Accum.": "83886.07 in"},
        {"Time": "23:00:00", "UV": 15},
    ]
    ending = run_object(table(*rows))
    ending.assert_accepted(8)
    assert ending.notes == []
    kept = {"air_temperature": 10.0, "air_pressure_at_mean_sea_level": 29.53 * 33.86388640341}
    assert ending.measurements == [
        *({**kept, "relative_humidity": value} for value in (0.87, 0.99, 1.0, 101.0, 127.0, 255.0)),
        {**kept, "precipitation_counter": 83886.07 * 25.4},
        {**kept, "relative_humidity": 80.0, "ultraviolet_index": 15.0},
    ]
    beyond = flagged(4, "gross_range")
    assert ending.evaluated == [
        *[(4, {"relative_humidity": beyond}, 1)] * 2,
        (3, {"relative_humidity": flagged(3, "gross_range")}, 1),
        *[(4, {"relative_humidity": beyond}, 1)] * 3,
        (4, {"precipitation_counter": beyond}, 1),
        (4, {"ultraviolet_index": flagged(4, "solar_range")}, 1),
    ]


def test_case_32_a_document_describes_its_quality(run_object: RunObject) -> None:
    ending = run_object(climate({"humidite": "255"}), CLIMATE_KEY)
    assert [document["data_quality"] for document in ending.documents] == [
        {
            "completeness_score": 1 / 12,
            "flag": 4,
            "flags": {"relative_humidity": {"flag": 4, "checks": ["gross_range"]}},
            "anomalies_detected": 1,
            "parse_issues": [],
            "qc_version": qc_version(),
        }
    ]


def test_case_33_values_that_contradict_each_other_are_all_kept_and_all_flagged(run_object: RunObject) -> None:
    row = {"temperature": "5", "point_de_rosee": "9", "vent_moyen": "36", "vent_rafales": "18", "pluie_1h": "4"}
    ending = run_object(climate({**row, "pluie_3h": "2"}), CLIMATE_KEY)
    ending.assert_accepted(1)
    assert ending.measurements == [
        {
            "air_temperature": 5.0,
            "dew_point_temperature": 9.0,
            "relative_humidity": 80.0,
            "wind_speed": 10.0,
            "wind_speed_of_gust": 5.0,
            "precipitation_amount_1h": 4.0,
            "precipitation_amount_3h": 2.0,
        }
    ]
    flags = {
        "air_temperature": flagged(3, "dew_point_above_temperature"),
        "dew_point_temperature": flagged(3, "dew_point_above_temperature", "dew_point_from_humidity"),
        "relative_humidity": flagged(3, "dew_point_from_humidity"),
        "wind_speed": flagged(3, "gust_below_mean"),
        "wind_speed_of_gust": flagged(3, "gust_below_mean"),
        "precipitation_amount_1h": flagged(3, "nested_accumulation"),
        "precipitation_amount_3h": flagged(3, "nested_accumulation"),
    }
    assert ending.evaluated == [(3, flags, 7)]


def test_case_34_a_code_of_another_network_is_a_value_here(run_object: RunObject) -> None:
    """A rain of -0.1 mm is a trace: 0, with a note; a direction of 0 and 9 okta are what they say."""
    row = {"pluie_1h": "-0.1", "vent_direction": "0", "vent_moyen": "0", "nebulosite": "9"}
    ending = run_object(climate(row, {"vent_direction": "360"}), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert ending.measurements == [
        {
            "relative_humidity": 80.0,
            "precipitation_amount_1h": 0.0,
            "wind_from_direction": 0.0,
            "wind_speed": 0.0,
            "cloud_area_fraction": 9.0,
        },
        {"relative_humidity": 80.0, "wind_from_direction": 360.0},
    ]
    assert ending.evaluated == [GOOD, GOOD]


def test_case_34_a_direction_at_calm_is_kept_and_no_anomaly(run_object: RunObject) -> None:
    """0 is the code of calm: it says nothing at calm, and is none of a direction in a wind."""
    winds = [("0", "200"), ("0", "0"), ("36", "200"), ("36", "0"), ("36", "360")]
    ending = run_object(climate(*({"vent_moyen": s, "vent_direction": d} for s, d in winds)), CLIMATE_KEY)
    ending.assert_accepted(5)
    assert [row["wind_from_direction"] for row in ending.measurements] == [200.0, 0.0, 200.0, 0.0, 360.0]
    suspect = (3, {"wind_from_direction": flagged(3, "direction_at_calm")}, 1)
    assert ending.evaluated == [GOOD, GOOD, GOOD, suspect, GOOD]


def test_case_34_a_zero_of_three_hours_between_the_synoptic_hours_is_kept_and_suspect(run_object: RunObject) -> None:
    hours = [(9, "0"), (10, "0"), (11, "0.2"), (12, "0"), (13, "0")]
    rows = [{"dh_utc": f"2024-10-01 {hour:02}:00:00", "pluie_3h": value} for hour, value in hours]
    ending = run_object(climate(*rows), CLIMATE_KEY)
    ending.assert_accepted(5)
    assert [row["precipitation_amount_3h"] for row in ending.measurements] == [0.0, 0.0, 0.2, 0.0, 0.0]
    suspect = (3, {"precipitation_amount_3h": flagged(3, "false_zero")}, 1)
    assert ending.evaluated == [GOOD, suspect, GOOD, GOOD, suspect]


def test_case_35_wind_words_of_the_english_table(run_object: RunObject) -> None:
    words = ["North", "N", "NORTH", "East", "South", "West", f"WSW{NBSP}", "---", "Calm"]
    unknown = ["Nord", "O", "Variable", "VRB"]
    ending = run_object(table(*({"Wind": word} for word in [*words, *unknown])))
    ending.assert_accepted(13)
    directions = [row.get("wind_from_direction") for row in ending.measurements]
    assert directions == [360.0, 360.0, 360.0, 90.0, 180.0, 270.0, 247.5] + [None] * 6
    assert ending.measurements[8]["wind_speed"] == 0.0
    assert ending.notes == [
        ("wind_from_direction", "Nord", "neither a number nor a point of the compass"),
        ("wind_from_direction", "O", "neither a number nor a point of the compass"),
        ("wind_from_direction", "Variable", "a variable wind has no direction"),
        ("wind_from_direction", "VRB", "a variable wind has no direction"),
    ]


def test_case_35_o_is_west_where_the_source_is_french(run_object: RunObject) -> None:
    words = ["O", "ouest", "NO", "SSO", "Nord", "Est", "Calme", "West"]
    ending = run_object(climate(*({"vent_direction": word} for word in words)), CLIMATE_KEY)
    ending.assert_accepted(8)
    directions = [row.get("wind_from_direction") for row in ending.measurements]
    assert directions == [270.0, 270.0, 315.0, 202.5, 360.0, 90.0, None, None]
    assert ending.measurements[6]["wind_speed"] == 0.0
    assert ending.notes == [("wind_from_direction", "West", "neither a number nor a point of the compass")]


def counted(*readings: tuple[str, str]) -> bytes:
    """Readings of the rain counter, inches, at their local times."""
    return lines([{**TABLE, "Time": time, "Precip. Accum.": f"{inches} in"} for time, inches in readings])


def amounts(ending: Ending) -> list[float | None]:
    return [row.get("precipitation_amount") for row in ending.measurements]


def test_case_36_a_counter_that_falls_to_zero_in_the_morning_is_a_reset(run_object: RunObject) -> None:
    readings = [("07:54:00", "0.50"), ("07:59:00", "0.60"), ("08:04:00", "0.00"), ("08:09:00", "0.10")]
    ending = run_object(counted(*readings, ("08:14:00", "0.10")))
    ending.assert_accepted(5)
    assert [row["precipitation_counter"] for row in ending.measurements] == [
        0.5 * 25.4,
        0.6 * 25.4,
        0.0,
        0.1 * 25.4,
        0.1 * 25.4,
    ]
    assert amounts(ending) == [None, 0.6 * 25.4 - 0.5 * 25.4, 0.0, 0.1 * 25.4, 0.0]
    assert ending.evaluated == [GOOD] * 5


def test_case_36_a_fall_that_does_not_reach_zero_is_suspect_and_no_negative_rain(run_object: RunObject) -> None:
    """What has been counted since it started again is the amount: a lower bound."""
    ending = run_object(counted(("12:00:00", "0.40"), ("12:05:00", "0.30"), ("12:10:00", "0.30")))
    ending.assert_accepted(3)
    assert amounts(ending) == [None, 0.3 * 25.4, 0.0]
    assert ending.evaluated == [GOOD, (3, {"precipitation_counter": flagged(3, "rain_counter")}, 1), GOOD]


@pytest.mark.parametrize(("time", "flag"), [("12:05:00", 4), ("13:00:00", 3), ("23:59:00", 3)])
def test_case_36_a_jump_of_a_hundred_millimetres_is_flagged_however_long_it_took(
    time: str, flag: int, run_object: RunObject
) -> None:
    """In five minutes it cannot rain so much. What has failed is no amount."""
    ending = run_object(counted(("12:00:00", "0.00"), (time, "4.00")))
    ending.assert_accepted(2)
    assert [row["precipitation_counter"] for row in ending.measurements] == [0.0, 101.6]
    assert ending.evaluated == [GOOD, (flag, {"precipitation_counter": flagged(flag, "rain_counter")}, 1)]
    assert amounts(ending) == [None, None if flag == 4 else 101.6]


def test_case_36_over_half_a_day_without_a_reading_nothing_is_summed_up(run_object: RunObject) -> None:
    """It may have started again at midnight, or not."""
    ending = run_object(counted(("00:00:00", "0.00"), ("12:01:00", "4.00"), ("12:06:00", "4.00")))
    ending.assert_accepted(3)
    assert amounts(ending) == [None, None, 0.0]
    assert ending.evaluated == [GOOD] * 3


STUCK = {"Humidity": "100 %", "Temperature": "50 °F", "Dew Point": "50 °F", "Wind": "North", "Speed": "-999.9"}
STUCK_VALUES = {
    "air_temperature": 10.0,
    "dew_point_temperature": 10.0,
    "relative_humidity": 100.0,
    "wind_from_direction": 360.0,
    "air_pressure_at_mean_sea_level": 29.53 * 33.86388640341,
}


@pytest.mark.whole
def test_case_37_a_sensor_stuck_for_six_hours_is_kept_as_it_is_and_suspect(run_object: RunObject) -> None:
    """Fog may stand at 100 % for as long, and a vane without a wind; pressure comes in steps of 0.3 hPa."""
    ending = run_object(table(*([STUCK] * 37)))
    ending.assert_accepted(37)
    assert ending.measurements == [STUCK_VALUES] * 37
    assert ending.notes == []
    stuck = flagged(3, "persistence", "flag_rate")
    assert ending.evaluated == [(3, {"air_temperature": stuck, "dew_point_temperature": stuck}, 2)] * 37


def test_case_37_the_same_value_for_less_than_six_hours_is_weather(run_object: RunObject) -> None:
    ending = run_object(table(*([STUCK] * 36), {**STUCK, "Temperature": "50.2 °F", "Dew Point": "50.2 °F"}))
    ending.assert_accepted(37)
    assert ending.measurements[:36] == [STUCK_VALUES] * 36
    assert ending.evaluated == [GOOD] * 37


def test_case_37_only_the_hours_that_stand_still_are_suspect(run_object: RunObject) -> None:
    """Of a day of which a fifth at most is flagged, the others are as they were: here of two days about midnight."""
    hours = range(48)
    temperatures = [8.0 if 21 <= hour <= 27 else 5 + hour / 10 for hour in hours]
    rows = [
        {"dh_utc": f"2024-10-{1 + hour // 24:02} {hour % 24:02}:00:00", "humidite": None, "temperature": value}
        for hour, value in zip(hours, temperatures, strict=True)
    ]
    ending = run_object(climate(*rows), CLIMATE_KEY)
    ending.assert_accepted(48)
    assert [row["air_temperature"] for row in ending.measurements] == temperatures
    stuck = (3, {"air_temperature": flagged(3, "persistence")}, 1)
    assert ending.evaluated == [stuck if 21 <= hour <= 27 else GOOD for hour in hours]


def test_case_38_numbers_and_their_texts_have_one_digest(run_object: RunObject) -> None:
    digests = set()
    for value, uv in (("66", "0"), (66, 0), (66.0, 0.0), ("66.0", "0.0"), ("6.6e1", "0")):
        ending = run_object(table({"Humidity": f"{value} %", "UV": uv}))
        ending.assert_accepted(1)
        digests.add(ending.documents[0]["metadata"]["digest"])
    assert len(digests) == 1


def test_case_38_texts_and_numbers_in_one_column(run_object: RunObject) -> None:
    rows = [{"temperature": cell} for cell in ("66", 66, 66.0, None)]
    ending = run_object(climate(*rows), CLIMATE_KEY)
    ending.assert_accepted(4)
    assert [row.get("air_temperature") for row in ending.measurements] == [66.0, 66.0, 66.0, None]


def envelope(payload: dict[str, Any], *fields: str, **more: Any) -> dict[str, Any]:
    """A record as Airbyte writes it; the fields were nulled by the destination."""
    changes = [{"field": field, "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"} for field in fields]
    return {
        "_airbyte_raw_id": "0192a1b2-0000-7000-8000-000000000001",
        "_airbyte_extracted_at": 1728097200000,
        "_airbyte_generation_id": 3,
        "_airbyte_meta": {"sync_id": 7, "changes": changes},
        "_airbyte_data": payload,
        **more,
    }


LOST = "lost on the way: NULLED, DESTINATION_SERIALIZATION_ERROR"


def test_case_57_a_value_that_the_destination_nulled_is_lost_on_the_way(run_object: RunObject) -> None:
    row = {**TABLE, "Time": "10:00:00", "Pressure": None}
    ending = run_object(lines([envelope(row, "Pressure"), envelope({**row, "Time": "10:10:00"})]))
    ending.assert_accepted(2, unread=["air_pressure_at_mean_sea_level"])
    assert ending.notes == [("air_pressure_at_mean_sea_level", "", LOST)]
    assert ending.error == (
        "unread_parameter",
        f"none of 1 cells of 'Pressure' (air_pressure_at_mean_sea_level) could be read, such as '' (line 1): {LOST}",
    )


def test_case_57_a_parameter_of_which_some_value_was_not_lost_is_read(run_object: RunObject) -> None:
    row = {**TABLE, "Time": "10:00:00", "Pressure": None}
    ending = run_object(lines([envelope(row, "Pressure"), envelope({**TABLE, "Time": "10:10:00"})]))
    ending.assert_accepted(2)
    assert ending.notes == [("air_pressure_at_mean_sea_level", "", LOST)]


def test_case_57_an_object_that_lost_every_measured_value_is_rejected(run_object: RunObject) -> None:
    row = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "temperature": None, "humidite": None}
    ending = run_object(lines([envelope(row, "temperature"), envelope(row, "humidite")]), CLIMATE_KEY)
    shown = [
        f"{name!r} such as '' (line {number}): {LOST}" for number, name in enumerate(("temperature", "humidite"), 1)
    ]
    words = 'none of its measured cells (2) could be read; expected a number with a decimal point, such as "7.6"'
    ending.assert_rejected("unreadable_values", f"{words}: {'; '.join(shown)}")


@pytest.mark.parametrize(
    ("field", "parameters"),
    [
        ("humidityAvg", ["relative_humidity"]),
        ("metric.tempAvg", ["air_temperature"]),
        (
            "metric",
            [
                "air_temperature",
                "dew_point_temperature",
                "air_pressure_at_mean_sea_level",
                "wind_speed",
                "wind_speed_of_gust",
                "rainfall_rate",
                "precipitation_counter",
            ],
        ),
    ],
)
def test_case_57_also_of_the_apis_nested_fields(run_object: RunObject, field: str, parameters: list[str]) -> None:
    row = {"stationID": "ITESTB25", "obsTimeUtc": "2024-10-05T00:04:00Z", "uvHigh": 1.0, "humidityAvg": None}
    ending = run_object(lines([envelope(row, field)]))
    ending.assert_accepted(1, unread=parameters)
    assert ending.notes == [(parameter, "", LOST) for parameter in parameters]


def test_case_57_a_row_that_lost_its_time_is_quarantined_with_what_airbyte_said(run_object: RunObject) -> None:
    row = {**TABLE, "Time": None}
    ending = run_object(lines([envelope(row, "Time")]))
    assert [(rejected["code"], rejected["reason"]) for rejected in ending.rejected] == [
        ("no_timestamp", "the row has no day or no time")
    ]
    changes = json.loads(json.loads(ending.rejected[0]["origin"])["changes"])
    assert changes == [{"field": "Time", "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"}]


def test_case_58_ids_are_text_and_an_unknown_one_is_no_new_station(run_object: RunObject) -> None:
    strange = ["99999", "iichte19", "7915", "0.0", "$where", "a.b", "../etc", "💥", "'; DROP", "x" * 10_240]
    rows = [{"id_station": station} for station in [*strange, 7915, " 07915 "]]
    ending = run_object(climate(*rows), CLIMATE_KEY)
    assert ending.exit_code == 0
    assert ending.sums == (12, 0, 1, 11)
    assert [row["station"]["id"] for row in ending.documents] == ["07915"]
    assert {(row["code"], row["field"], row["reason"]) for row in ending.rejected} == {
        ("unknown_station", "id_station", "the station is not in the station registry")
    }
    found = [row["value"] for row in ending.rejected]
    assert found == [*strange[:-1], "x" * 199 + "…", "7915"]
    assert [json.loads(row["row"])["id_station"] for row in ending.rejected][9] == "x" * 10_240


def test_case_59_rows_without_a_station_have_that_of_the_prefix_and_not_of_the_name(run_object: RunObject) -> None:
    ending = run_object(table({}), "wunderground/ITESTB25/ITESTA19.jsonl")
    ending.assert_accepted(1)
    assert ending.documents[0]["station"]["id"] == "ITESTB25"
    run_object(table({}), "elsewhere/ITESTB25.jsonl").assert_rejected(
        "no_station",
        "the rows do not name their station, and no station's raw_prefixes matches this key; "
        "add the prefix to the station in the station registry",
    )


def pressures(at_la_madeleine: float) -> dict[str, bytes]:
    """Three days, hour by hour: the four stations of InfoClimat, and La Madeleine so many hPa off them."""
    hours = [datetime(2024, 10, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(72)]
    sea_level = [1010 + 8 * math.sin(index / 12) for index in range(len(hours))]
    others = [
        {"id_station": name, "dh_utc": f"{hour:%Y-%m-%d %H:%M:%S}", "pression": f"{pressure:.1f}"}
        for name in ("00092", "000T5", "07915", "STATIC0090")
        for hour, pressure in zip(hours, sea_level, strict=True)
    ]
    local = [hour.astimezone(ZoneInfo("Europe/Paris")) for hour in hours]
    rows = [
        {
            "Date": f"{hour:%Y-%m-%d}",
            "Time": f"{hour:%H:%M:%S}",
            "Temperature": None,
            "Humidity": None,
            "Pressure": f"{pressure + at_la_madeleine:.1f} hPa",
        }
        for hour, pressure in zip(local, sea_level, strict=True)
    ]
    return {CLIMATE_KEY: lines(others), TABLE_KEY: lines(rows)}


OFF = (
    "ITESTB25 air_pressure_at_mean_sea_level is 8.0 hPa below its neighbours: is its calibration or its altitude "
    "wrong, or is a file of another station in its folder?"
)


@pytest.mark.parametrize(("off", "warnings"), [(0, []), (-8, [OFF])], ids=["its own file", "a file of another station"])
def test_case_59_a_file_in_the_folder_of_another_station_raises_a_warning(
    off: float, warnings: list[str], one_world: World
) -> None:
    """8 hPa lie between two of the stations, one of which sends the pressure at its own height."""
    objects = pressures(off)
    empty(one_world)
    one_world.raw.put(CLIMATE_KEY, objects[CLIMATE_KEY])
    ending = run_in(one_world, objects[TABLE_KEY])
    ending.assert_accepted(72)
    found = [line.partition(" WARNING ")[2] for line in ending.stderr.splitlines() if " WARNING " in line]
    assert found == warnings
    beyond = (3, {"air_pressure_at_mean_sea_level": flagged(3, "bias")}, 1)
    assert ending.evaluated == [beyond if off else GOOD] * 72


def test_case_60_a_row_without_a_measured_value_is_empty_whatever_else_it_has(run_object: RunObject) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("Humidity", "Temperature", "Pressure"))
    rows = [{}, {**nothing, "Time": None}, {**nothing, "Date": None}, {**nothing, "Date": None, "Time": None}]
    ending = run_object(table(*rows, {**nothing, "Time": "99:99"}, {**nothing, "Time": "10:00:60"}))
    assert ending.exit_code == 0
    assert ending.sums == (6, 5, 1, 0)


def test_case_61_a_line_of_subtotals_is_quarantined_unchanged(run_object: RunObject) -> None:
    ending = run_object(table({}, {"Time": "Total", "Humidity": "80 %"}, {"Time": None}))
    assert ending.sums == (3, 0, 1, 2)
    assert [(row["code"], row["field"], row["value"]) for row in ending.rejected] == [
        ("bad_timestamp", "Time", "Total"),
        ("no_timestamp", "Time", None),
    ]
    assert json.loads(ending.rejected[0]["row"]) == {**TABLE, "Time": "Total"}


INFOCLIMAT = next(layout for layout in declared_layouts(NETWORKS) if layout.network.name == "InfoClimat")
METADATA = {
    "temperature": "temperature,degC",
    "pression": "mean sea level pressure,hPa",
    "vent_moyen": "mean wind speed,km/h",
    "vent_rafales": "wind gust, KMH",
    "nebulosite": "Ncloud cover,octats",
    "temps_omm": "present weather,http://www.infoclimat.fr/stations-meteo/ww.php",
    "pm25": "fine dust,µg/m³",
    "pluie_1h": "precipitation over 1h",
    "visibilite": None,
}


@pytest.mark.parametrize("metadata", [METADATA, {}, [], None, "text"])
def test_case_64_metadata_with_the_documented_units_or_none_stops_nothing(metadata: Any) -> None:
    check_units(INFOCLIMAT, metadata)


def test_case_64_a_unit_that_changed_in_the_metadata_rejects_the_document() -> None:
    changed = {"vent_rafales": "wind gust,m/s", "temperature": "temperature,degF", "humidite": "relative humidity,\x1b"}
    with pytest.raises(ObjectRejectedError) as caught:
        check_units(INFOCLIMAT, METADATA | changed)
    assert caught.value.code == "changed_unit"
    assert caught.value.message == (
        "the document's metadata gives units that differ from those of InfoClimat: temperature in 'degF' "
        "instead of 'degC', vent_rafales in 'm/s' instead of 'km/h', humidite in '\\u001b' instead of '%'"
    )


@pytest.mark.parametrize("wrap", [dict, envelope], ids=["a file", "a record"])
def test_case_64_a_document_whose_units_changed_is_rejected(run_object: RunObject, wrap: Any) -> None:
    row = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "vent_moyen": "36"}
    document = {"status": "OK", "errors": [], "hourly": {"07915": [row]}, "metadata": {"vent_moyen": "wind,km/h"}}
    ending = run_object(lines([wrap(document)]), CLIMATE_KEY)
    ending.assert_accepted(1)
    assert ending.measurements == [{"wind_speed": 10.0}]
    run_object(lines([wrap(document | {"metadata": {"vent_moyen": "wind,m/s"}})]), CLIMATE_KEY).assert_rejected(
        "changed_unit",
        "the document's metadata gives units that differ from those of InfoClimat: "
        "vent_moyen in 'm/s' instead of 'km/h'",
    )
