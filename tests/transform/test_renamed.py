"""A column renamed at the source is reported with the missing parameter; other unknown columns are only named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_reading import read
from tests.transform.networks.test_networks import API, CLIMATE, TABLE, without
from tests.transform.samples import TABLE_KEY

CLIMATE_KEY = "infoclimat/a.jsonl"


def renamed(row: dict[str, Any], key: str = TABLE_KEY) -> dict[str, tuple[str, ...]]:
    return {entry.parameter: entry.candidates for entry in read(row, key=key).renamed}


def with_name(row: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: cell for name, cell in row.items()}


@pytest.mark.parametrize(
    ("old", "new", "parameter"),
    [
        ("Temperature", "temp", "air_temperature"),
        ("Temperature", "Air Temp", "air_temperature"),
        ("Temperature", "Outside", "air_temperature"),
        ("Dew Point", "Td", "dew_point_temperature"),
        ("Humidity", "Hum", "relative_humidity"),
        ("Pressure", "Baro", "air_pressure_at_mean_sea_level"),
        ("Wind", "Direction", "wind_from_direction"),
        ("Speed", "Wind Speed", "wind_speed"),
        ("Gust", "Max", "wind_speed_of_gust"),
        ("Precip. Accum.", "Rain", "precipitation_counter"),
        ("Precip. Rate.", "Rain Rate", "rainfall_rate"),
        ("Solar", "Radiation", "surface_downwelling_shortwave_flux_in_air"),
    ],
)
def test_a_renamed_column_of_the_table_is_reported(old: str, new: str, parameter: str) -> None:
    assert renamed(with_name(TABLE, old, new)) == {parameter: (new,)}


@pytest.mark.parametrize(
    ("column", "cell", "parameter"),
    [
        ("Baro (inHg)", "29.48", "air_pressure_at_mean_sea_level"),
        ("BaromRelIn", "29.48", "air_pressure_at_mean_sea_level"),
        ("Luftdruck hPa", "998.3", "air_pressure_at_mean_sea_level"),
        ("Rain Today (in)", "0.05", "precipitation_counter"),
        ("Dampfpunkt_degC", "11.6", "dew_point_temperature"),
        ("baromin", "29.48", "air_pressure_at_mean_sea_level"),
        ("baromrelhpa", "998.3", "air_pressure_at_mean_sea_level"),
        ("Pressure (mmHg)", "748.8", "air_pressure_at_mean_sea_level"),
        ("hourlyrainin", "0.01", "rainfall_rate"),
    ],
)
def test_a_unit_at_the_end_of_a_foreign_name_tells_what_its_numbers_could_be(
    column: str, cell: str, parameter: str
) -> None:
    known = {
        "air_temperature": ("Temp_C", "13.8"),
        "dew_point_temperature": ("DewPoint_C", "11.6"),
        "relative_humidity": ("Humidity (%)", "87"),
        "air_pressure_at_mean_sea_level": ("Pressure_hPa", "998"),
        "precipitation_counter": ("DailyRain_mm", "1.2"),
    }
    rest = {name: value for of, (name, value) in known.items() if of != parameter}
    rest |= {"Date": "2024-10-01", "Time": "00:04:00"}
    assert renamed(rest | {column: cell}) == {parameter: (column,)}
    # Without its unit it may be anything: a battery, a number of the console.
    assert renamed(rest | {"Console": cell}) == {}


@pytest.mark.parametrize(
    ("old", "new", "parameter"),
    [
        ("temperature", "temperature_2m", "air_temperature"),
        ("temperature", "temp", "air_temperature"),
        ("temperature", "t2m", "air_temperature"),
        ("pression", "qnh", "air_pressure_at_mean_sea_level"),
        ("vent_moyen", "wind_speed", "wind_speed"),
    ],
)
def test_a_renamed_column_of_infoclimat_is_reported(old: str, new: str, parameter: str) -> None:
    assert renamed(with_name(CLIMATE, old, new), CLIMATE_KEY) == {parameter: (new,)}


def test_a_renamed_field_of_the_api_is_reported() -> None:
    assert renamed(with_name(API, "humidityAvg", "hum"), "x") == {"relative_humidity": ("hum",)}


def test_a_field_behind_the_names_of_flattened_objects_is_reported() -> None:
    """The other parameters that the station reports are lacking too, and have no candidates."""
    row = {name: API[name] for name in ("stationID", "obsTimeUtc", "humidityAvg")}
    found = renamed(row | {"observations_metric_temp": 13.8, "observations_metric_pressure": 998.4})
    assert found == {
        "air_temperature": ("observations_metric_temp",),
        "air_pressure_at_mean_sea_level": ("observations_metric_pressure",),
    }


def test_a_column_that_a_schema_keeps_and_nothing_fills_is_renamed_too() -> None:
    assert renamed({**CLIMATE, "temperature": None, "temp": "7.6"}, CLIMATE_KEY) == {"air_temperature": ("temp",)}


def test_the_name_of_a_bare_number_tells_what_it_was() -> None:
    row = without(TABLE, "Temperature") | {"temp": "56.8"}
    assert renamed(row) == {"air_temperature": ("temp",)}


def test_the_candidates_come_best_first() -> None:
    row = without(TABLE, "Temperature") | {"Heat Index": "57 °F", "Temp": "56.8 °F", "Rain Today": "0.1 in"}
    assert renamed(row) == {"air_temperature": ("Temp", "Heat Index")}


def test_a_column_stands_for_one_parameter_only() -> None:
    row = {"id_station": "07915", "dh_utc": CLIMATE["dh_utc"], "humidite": "89", "temp": "7.6"}
    assert renamed(row, CLIMATE_KEY) == {"air_temperature": ("temp",)}


NOBODYS = {
    "nothing is lacking": (CLIMATE | {"pm25": "12", "geop": "1500"}, CLIMATE_KEY),
    "no column is unknown": (without(TABLE, "Temperature", "Wind"), TABLE_KEY),
    "a text": (without(TABLE, "Temperature") | {"Temp": "mild"}, TABLE_KEY),
    "nothing in it": (without(TABLE, "Temperature") | {"Temp": ""}, TABLE_KEY),
    "a unit of something else": (without(TABLE, "Temperature") | {"Temp": "29.5 in"}, TABLE_KEY),
    "not on Earth": (without(TABLE, "Pressure") | {"Rain": "0.01 in"}, TABLE_KEY),
    "a bare number among units": (without(TABLE, "Temperature", "Dew Point") | {"pm25": "12"}, TABLE_KEY),
    "a temperature is no weather": (CLIMATE | {"temps_omm": None, "temp": "7.6"}, CLIMATE_KEY),
    "a temperature is no dew point": (without(TABLE, "Dew Point") | {"Temp 2": "56.8 °F"}, TABLE_KEY),
    "a speed is no direction": (without(TABLE, "Wind") | {"windspdmph": "3"}, TABLE_KEY),
    "a room": (without(TABLE, "Temperature") | {"indoortempf": "68", "Inside": "68 °F"}, TABLE_KEY),
    "a word that ends like a unit": (without(TABLE, "Pressure") | {"begin": "29.9"}, TABLE_KEY),
    "a word in brackets": (without(TABLE, "Pressure") | {"Console (mmHg)": "748.8"}, TABLE_KEY),
    "no number": (without(TABLE, "Pressure") | {"Pressure (trend)": "rising"}, TABLE_KEY),
    "another number of hours": (CLIMATE | {"pluie_3h": None, "pluie_6h": "0"}, CLIMATE_KEY),
    "few columns on purpose": (
        {"id_station": "07915", "dh_utc": CLIMATE["dh_utc"], "humidite": "89", "pm25": "7.6"},
        CLIMATE_KEY,
    ),
}


@pytest.mark.parametrize("name", NOBODYS)
def test_a_column_that_cannot_be_the_missing_parameter_is_not_reported_as_renamed(name: str) -> None:
    row, key = NOBODYS[name]
    assert renamed(row, key) == {}


@pytest.mark.parametrize("path", [("measures",), ("data", "values")])
def test_an_unknown_object_is_named_by_its_members_and_its_parameters_reported(path: tuple[str, ...]) -> None:
    inside: dict[str, Any] = {"temperature": CLIMATE["temperature"], "humidite": CLIMATE["humidite"]}
    for name in reversed(path):
        inside = {name: inside}
    transformer = read(without(CLIMATE, "temperature", "humidite") | inside, key=CLIMATE_KEY)
    names = [".".join((*path, name)) for name in ("temperature", "humidite")]
    assert list(transformer.reading.unknown) == names
    assert {entry.parameter: entry.candidates[0] for entry in transformer.renamed} == {
        "air_temperature": names[0],
        "relative_humidity": names[1],
    }


def test_columns_that_stand_empty_next_to_their_new_names_are_reported_although_no_row_has_a_value() -> None:
    """What a typed file declares after its source has renamed all of its columns."""
    old = {name: None if name in ("temperature", "humidite") else cell for name, cell in CLIMATE.items()}
    row = {name: old[name] for name in ("id_station", "dh_utc", "temperature", "humidite")}
    found = renamed(row | {"temperature_2m": "7.6", "humidity": "89"}, CLIMATE_KEY)
    assert found == {"air_temperature": ("temperature_2m",), "relative_humidity": ("humidity",)}


def test_the_members_of_an_object_of_units_by_another_name_are_reported() -> None:
    told = renamed(with_name(API, "metric", "english"))
    assert told["air_temperature"] == ("english.tempAvg",)
    assert set(told) == {
        "air_temperature",
        "air_pressure_at_mean_sea_level",
        "wind_speed",
        "precipitation_counter",
    }


@given(
    st.dictionaries(st.text("abc123", min_size=1, max_size=8), st.text(max_size=8), max_size=4),
    st.sampled_from([*TABLE]),
)
@settings(deadline=None, max_examples=30)
def test_every_column_is_read_or_named(more: dict[str, str], gone: str) -> None:
    row = {f"x{name}": cell for name, cell in more.items()} | TABLE
    if gone not in ("Date", "Time"):
        row = with_name(row, gone, f"x{gone}x")
    reading = read(row).reading
    named = {column for parameter in reading.parameters.values() for column in parameter.columns}
    assert {"Date", "Time"} | named | set(reading.unknown) == set(row)
