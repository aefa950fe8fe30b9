"""A raw cell becomes a number in its parameter's unit, or is missing, or is missing with a note that says why."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.parameters import PARAMETERS, Parameter, Quantity
from forecast.transform.values.columns import ParsedColumn, ParseIssue, RawColumn
from forecast.transform.values.numbers import convert_batch
from forecast.transform.values.units import UNITS

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"

TEMPERATURE = BY_NAME["air_temperature"]
PRESSURE = BY_NAME["air_pressure_at_mean_sea_level"]
WIND = BY_NAME["wind_speed"]
DIRECTION = BY_NAME["wind_from_direction"]
RAIN = BY_NAME["rainfall_rate"]


def convert_column(cells: pa.Array, parameter: Parameter, unit: str | None = None) -> ParsedColumn:
    return convert_batch([RawColumn(cells, parameter, unit)])[parameter.name]


def read(cell: Any, parameter: Parameter, unit: str | None = None) -> tuple[float | None, list[tuple[str, str]]]:
    """The value of one cell, None where it is missing, and its issues as (raw, reason)."""
    converted = convert_column(pa.array([cell]), parameter, unit)
    value = float(converted.values[0])
    assert all(issue.row == 0 and issue.parameter == parameter.name for issue in converted.issues)
    return None if math.isnan(value) else value, [(issue.raw, issue.reason) for issue in converted.issues]


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("air_temperature", "32 °F", 0.0),
        ("air_temperature", "212 °F", 100.0),
        ("air_temperature", "56.8 °F", (56.8 - 32) / 1.8),
        ("air_temperature", "-40 °F", -40.0),
        ("air_temperature", "13.8 °C", 13.8),
        ("air_temperature", "273.15 K", 0.0),
        ("air_temperature", "13,8 °C", 13.8),
        ("air_temperature", "-0,5°C", -0.5),
        ("air_temperature", " \u22123,25 °C", -3.25),
        ("air_temperature", "13,8000 °C", 13.8),
        ("air_pressure_at_mean_sea_level", "1012,5 hPa", 1012.5),
        ("dew_point_temperature", "53.1 °F", (53.1 - 32) / 1.8),
        ("relative_humidity", "87 %", 87.0),
        ("air_pressure_at_mean_sea_level", "29.48 in", 29.48 * 33.86388640341),
        ("air_pressure_at_mean_sea_level", "1 inHg", 33.86388640341),
        ("air_pressure_at_mean_sea_level", "998 hPa", 998.0),
        ("air_pressure_at_mean_sea_level", "998.5 mb", 998.5),
        ("air_pressure_at_mean_sea_level", "99850 Pa", 998.5),
        ("air_pressure_at_mean_sea_level", "100 kPa", 1000.0),
        ("wind_speed", "10 mph", 4.4704),
        ("wind_speed", "36 km/h", 10.0),
        ("wind_speed", "5 m/s", 5.0),
        ("wind_speed", "10 kt", 10 * (1852 / 3600)),
        ("wind_speed_of_gust", "1 mph", 0.44704),
        ("wind_from_direction", "270°", 270.0),
        ("rainfall_rate", "0.5 in", 12.7),
        ("rainfall_rate", "0.5 mm/h", 0.5),
        ("precipitation_counter", "1 in", 25.4),
        ("precipitation_counter", "0.5 mm", 0.5),
        ("precipitation_counter", "2 cm", 20.0),
        ("visibility_in_air", "10 km", 10_000.0),
        ("visibility_in_air", "1 mi", 1609.344),
        ("cloud_area_fraction", "8 octas", 8.0),
        ("surface_snow_thickness", "1 in", 2.54),
        ("surface_snow_thickness", "5 mm", 0.5),
        ("surface_downwelling_shortwave_flux_in_air", "1004.2 w/m²", 1004.2),
        ("surface_downwelling_shortwave_flux_in_air", "12 W/m2", 12.0),
    ],
)
def test_a_cell_is_converted_from_the_unit_it_carries(name: str, cell: str, value: float) -> None:
    assert read(cell, BY_NAME[name]) == (value, [])


@pytest.mark.parametrize(
    "cell",
    [
        "56.8 °F",
        f"56.8{NBSP}°F",
        f"56.8{THIN}°F",
        f"56.8{NARROW}°F",
        "56.8\t°F",
        "56.8   °F",
        "  56.8 °F  ",
        f"{NBSP}56.8{NBSP}°F{NBSP}",
        "56.8°F",
        "56.8F",
        "+56.8 °F",
        "56.80 °F",
        "5.68e1 °F",
        "56.8 º F",
        "56.8 ºF",
        "56.8 ℉",
        "56.8 Â°F",
        "56.8 degF",
        "56.8 ° f",
    ],
)
def test_one_temperature_in_all_its_spellings(cell: str) -> None:
    assert read(cell, TEMPERATURE) == ((56.8 - 32) / 1.8, [])


@pytest.mark.parametrize("cell", ["−3.2 ℃", "-3.2 °C", "−3.2ºC", "-3.2 Â°C", "-3.20\u00a0°C"])
def test_a_minus_sign_may_be_a_typographers(cell: str) -> None:
    assert read(cell, TEMPERATURE) == (-3.2, [])


def test_a_celsius_cell_among_fahrenheit_ones_is_celsius() -> None:
    converted = convert_column(pa.array(["56.8 °F", "13.8 °C", None, "50 °F"]), TEMPERATURE)
    assert [float(value) for value in converted.values[[0, 1, 3]]] == [(56.8 - 32) / 1.8, 13.8, 10.0]
    assert math.isnan(converted.values[2])
    assert converted.issues == []


def test_a_cell_that_carries_a_unit_is_not_taken_in_the_columns_documented_one() -> None:
    assert read("10 m/s", WIND, "km/h") == (10.0, [])
    assert read("36", WIND, "km/h") == (10.0, [])


UNIT_REASON = "a number without a unit"


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("56.8", UNIT_REASON),
        ("1013", UNIT_REASON),
        ("56.8 °X", "unknown unit '°X'"),
        ("56.8 mph", "unknown unit 'mph'"),
        ("warm", "not a number"),
        ("True", "not a number"),
        ("inf", "not a number"),
        ("Infinity", "not a number"),
        ("-inf °F", "not a number"),
        ("1e400 °F", "not a finite number"),
        ("-1e400 °F", "not a finite number"),
        ("0,125 °C", "not a number"),
        (",5 °C", "not a number"),
        ("14,4,4 °C", "not a number"),
        ("14,4.4 °C", "not a number"),
        ("1,013.2 °C", "not a number"),
        ("1 013 °C", "not a number"),
        ("1_000", "unknown unit '_000'"),
        ("0x1F", "unknown unit 'x1F'"),
        ("١٢ °C", "not a number"),
        ("–3.2 °C", "not a number"),  # an en dash is no minus
        ("--3 °C", "not a number"),
        ("1.2.3 °C", "not a number"),
        ("=1+1", "not a number"),
        ('{"$gt": ""}', "not a number"),
        ("#DIV/0!", "not a number"),
    ],
)
def test_a_cell_that_cannot_be_read_is_missing_with_its_text_and_the_reason(cell: str, reason: str) -> None:
    assert read(cell, TEMPERATURE) == (None, [(cell, reason)])


@pytest.mark.parametrize(
    ("cell", "raw", "reason"),
    [
        (True, "true", "not a number but true or false"),
        ({"$gt": ""}, '{"$gt": ""}', "not a number but an object"),
        ([13.8], "[13.8]", "not a number but a list"),
        (float("inf"), "Infinity", "not a finite number"),
        (float("-inf"), "-Infinity", "not a finite number"),
        ({"at": date(2024, 10, 5)}, '{"at": "2024-10-05"}', "not a number but an object"),
    ],
)
def test_text_that_is_not_a_number_is_a_parse_issue(cell: object, raw: str, reason: str) -> None:
    assert read(cell, TEMPERATURE, "°C") == (None, [(raw, reason)])


def test_a_bare_number_where_the_column_has_units_is_never_given_a_default_unit() -> None:
    assert read(56.8, TEMPERATURE) == (
        None,
        [("56.8", "a number without a unit where °C or another unit is expected")],
    )


def test_ten_thousand_digits_are_one_note_and_short() -> None:
    value, ((raw, reason),) = read("9" * 10_000, TEMPERATURE, "°C")
    assert value is None
    assert raw == "9" * 79 + "…"
    assert reason == "longer than 64 characters"


def test_control_characters_do_not_reach_a_note() -> None:
    assert read("\x1b[31mred\x07", TEMPERATURE) == (None, [("\\u001b[31mred\\u0007", "not a number")])


def test_the_other_rows_keep_their_values_and_notes_name_their_row() -> None:
    converted = convert_column(pa.array(["1", "bad", "3", "bad"]), TEMPERATURE, "°C")
    assert [converted.values[row] for row in (0, 2)] == [1.0, 3.0]
    assert converted.issues == [
        ParseIssue(1, "air_temperature", "bad", "not a number"),
        ParseIssue(3, "air_temperature", "bad", "not a number"),
    ]


MISSING = ["", " ", NBSP, "-", "--", "---", "///", "nan", "NaN", "null", "NULL", "None", "N/A", "na", "mq", "M"]
MISSING += ["-999", "-9999", "-999.9", "-99.99", "+9999", "9999,9", "-9999.0"]
MISSING += ["1.#IND", "-1.#IND", "1.#QNAN", "1.#SNAN", "-1.#IND00", "1,#QNAN0", "-1.#IND °F", "1.#QNAN\u00a0°F"]


@pytest.mark.parametrize("cell", [*MISSING, None, -9999, -999.9, float("nan")])
def test_a_token_for_missing_is_missing_without_a_note(cell: Any) -> None:
    assert read(cell, TEMPERATURE, "°C") == (None, [])


@pytest.mark.parametrize("cell", ["1.#INF", "-1.#INF", "1,#INF", "1.#INF00 °C", "1.#inf\u00a0°C"])
def test_the_infinity_of_an_old_c_library_is_not_a_unit(cell: str) -> None:
    assert read(cell, TEMPERATURE, "°C")[1] == [(cell, "not a finite number")]


def test_a_sign_that_stands_where_a_unit_belongs_is_still_an_unknown_unit() -> None:
    assert read("12 #IND", TEMPERATURE, "°C") == (None, [("12 #IND", "unknown unit '#IND'")])


def test_nine_thousand_nine_hundred_and_ninety_nine_metres_of_visibility_are_a_value() -> None:
    assert read("9999", BY_NAME["visibility_in_air"], "m") == (9999.0, [])


def test_minus_nine_point_nine_is_a_temperature() -> None:
    assert read("-9.9", TEMPERATURE, "°C") == (-9.9, [])


@pytest.mark.parametrize("cell", ["0", "0.0", 0, 0.0])
def test_zero_is_a_value(cell: Any) -> None:
    assert read(cell, BY_NAME["precipitation_amount_1h"], "mm") == (0.0, [])


@pytest.mark.parametrize(
    ("cell", "degrees"),
    [
        *zip(
            ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"],
            [
                360.0,
                22.5,
                45.0,
                67.5,
                90.0,
                112.5,
                135.0,
                157.5,
                180.0,
                202.5,
                225.0,
                247.5,
                270.0,
                292.5,
                315.0,
                337.5,
            ],
            strict=True,
        )
    ],
)
def test_each_of_the_sixteen_points_of_the_compass(cell: str, degrees: float) -> None:
    assert read(cell, DIRECTION) == (degrees, [])
    assert read(cell.lower(), DIRECTION) == (degrees, [])


@pytest.mark.parametrize(
    ("cell", "degrees"),
    [("North", 360.0), ("NORTH", 360.0), ("East", 90.0), ("South", 180.0), ("West", 270.0), (f"WSW{NBSP}", 247.5)],
)
def test_the_four_winds_have_names(cell: str, degrees: float) -> None:
    assert read(cell, DIRECTION) == (degrees, [])


def test_calm_has_no_direction_and_is_remembered() -> None:
    converted = convert_column(pa.array(["Calm", "North", None, "CALM"]), DIRECTION)
    assert [math.isnan(value) for value in converted.values] == [True, False, True, True]
    assert converted.calm is not None
    assert converted.calm.tolist() == [True, False, False, True]
    assert converted.issues == []


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("VRB", "a variable wind has no direction"),
        ("Variable", "a variable wind has no direction"),
        ("Nord", "neither a number nor a point of the compass"),
        ("O", "neither a number nor a point of the compass"),
    ],
)
def test_a_word_that_gives_no_direction_is_noted(cell: str, reason: str) -> None:
    assert read(cell, DIRECTION) == (None, [(cell, reason)])


def test_a_direction_of_0_and_one_of_360_are_both_kept() -> None:
    assert read("0", DIRECTION, "deg") == (0.0, [])
    assert read("360", DIRECTION, "deg") == (360.0, [])


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["87", "0"]).dictionary_encode(),
        pa.array(["87", "0"], pa.large_string()),
        pa.chunked_array([["87"], ["0"]]),
        pa.array([87, 0]),
        pa.array([87, 0], pa.uint8()),
        pa.array([87.0, 0.0], pa.float32()),
        pa.array([87, 0], pa.int64()).cast(pa.decimal128(21, 2)),
    ],
    ids=lambda cells: str(cells.type),
)
def test_the_kind_of_column_does_not_matter(cells: pa.Array) -> None:
    converted = convert_column(cells, BY_NAME["relative_humidity"], "%")
    assert converted.values.tolist() == [87.0, 0.0]
    assert converted.issues == []


@given(st.sampled_from(PARAMETERS), st.lists(st.text(max_size=80) | st.none(), min_size=1, max_size=5), st.booleans())
def test_any_text_is_a_finite_number_or_missing_and_never_an_error(
    parameter: Parameter, cells: list[str | None], documented: bool
) -> None:
    unit = next(iter(UNITS[parameter.quantity])) if documented else None
    converted = convert_column(pa.array(cells, pa.string()), parameter, unit)
    assert len(converted.values) == len(cells)
    assert not any(math.isinf(value) for value in converted.values)
    assert all(math.isnan(converted.values[issue.row]) and issue.reason for issue in converted.issues)


RAW = st.one_of(
    st.lists(
        st.sampled_from(["1", "+2 °F", "-3,5", "Calm", "North", "9 hPa", "", "1e-400", "x"]) | st.none(), max_size=4
    ),
    st.lists(st.floats(0, 9) | st.none(), max_size=4),
)


@given(st.lists(st.tuples(RAW, st.booleans()), max_size=4))
def test_columns_read_together_give_the_same_as_each_by_itself(columns: list[tuple[list[Any], bool]]) -> None:
    raw = []
    for (cells, documented), parameter in zip(columns, (TEMPERATURE, PRESSURE, DIRECTION, RAIN), strict=False):
        unit = next(iter(UNITS[parameter.quantity])) if documented else None
        raw.append(RawColumn(pa.array([*cells, *[None] * (4 - len(cells))]), parameter, unit))
    together = convert_batch(raw)
    for column in raw:
        alone = convert_batch([column])[column.parameter.name]
        mine = together[column.parameter.name]
        assert [repr(value) for value in mine.values] == [repr(value) for value in alone.values]
        assert mine.issues == alone.issues


def test_of_two_columns_of_one_parameter_the_second_fills_the_first() -> None:
    first, second = pa.array(["50 °F", None, "x"]), pa.array(["1 °C", "2 °C", "y"])
    converted = convert_batch([RawColumn(cells, TEMPERATURE) for cells in (first, second)])["air_temperature"]
    assert converted.values.tolist()[:2] == [10.0, 2.0]
    assert math.isnan(converted.values[2])
    assert [issue.raw for issue in converted.issues] == ["x", "y"]


FORMULAS = {
    ("°F", Quantity.TEMPERATURE): lambda value: (value - 32) / 1.8,
    ("°C", Quantity.TEMPERATURE): lambda value: value,
    ("inHg", Quantity.PRESSURE): lambda value: value * 33.86388640341,
    ("hPa", Quantity.PRESSURE): lambda value: value,
    ("mph", Quantity.SPEED): lambda value: value * 0.44704,
    ("km/h", Quantity.SPEED): lambda value: value / 3.6,
    ("in", Quantity.RAIN): lambda value: value * 25.4,
    ("in/h", Quantity.RAIN_RATE): lambda value: value * 25.4,
}


@given(st.sampled_from(sorted(FORMULAS)), st.floats(-1e6, 1e6, allow_subnormal=False), st.sampled_from(["", " ", NBSP]))
def test_any_number_with_a_known_unit_is_the_formulas_value(
    kind: tuple[str, Quantity], value: float, blank: str
) -> None:
    unit, quantity = kind
    parameter = next(parameter for parameter in PARAMETERS if parameter.quantity is quantity)
    found, issues = read(f"{value!r}{blank}{unit}", parameter)
    assert issues == []
    if value not in (-9999.0, -999.9, -999.0, -99.99, 9999.0, 9999.9):
        assert found is not None
        assert math.isclose(found, FORMULAS[kind](value), rel_tol=1e-12, abs_tol=1e-300)
