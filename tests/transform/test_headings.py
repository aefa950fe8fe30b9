"""Units in the names of columns: read with that unit where the rest of the name is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.networks.registry import NETWORKS
from forecast.transform.declared import declared_layouts
from forecast.transform.headings import read_heading
from tests.core.test_reading import read
from tests.examples import examples
from tests.transform.samples import TABLE_KEY, batch_of, transform

INCH_HPA = 33.86388640341
BASES = next(one.bases for one in declared_layouts(NETWORKS) if one.layout.name == "Weather Underground's table")
LEGACY = {
    "Time": "2012-11-04 00:04:00",
    "TemperatureF": "56.8",
    "DewpointF": "53.1",
    "PressureIn": "29.48",
    "WindDirection": "WSW",
    "WindDirectionDegrees": "250",
    "WindSpeedMPH": "10.0",
    "WindSpeedGustMPH": "-999.0",
    "Humidity": "87",
    "HourlyPrecipIn": "0.01",
    "Conditions": "",
    "Clouds": "",
    "dailyrainin": "0.02",
    "SolarRadiationWatts/m^2": "12.5",
    "SoftwareType": "EasyWeather",
    "DateUTC<br>": "2012-11-03 23:04:00",
}


@pytest.mark.parametrize(
    ("name", "parameter", "unit"),
    [
        ("Temp_F", "air_temperature", "F"),
        ("temp_c", "air_temperature", "c"),
        ("Temperature_C", "air_temperature", "C"),
        ("TemperatureF", "air_temperature", "F"),
        ("Temperature (°F)", "air_temperature", "F"),
        ("Temperature [°C]", "air_temperature", "C"),
        ("Temperature °C", "air_temperature", "C"),
        ("Dew Point (℃)", "dew_point_temperature", "℃"),
        ("DewPoint_F", "dew_point_temperature", "F"),
        ("Pressure_in", "air_pressure_at_mean_sea_level", "in"),
        ("PressureIn", "air_pressure_at_mean_sea_level", "In"),
        ("Pressure (hPa)", "air_pressure_at_mean_sea_level", "hPa"),
        ("Humidity_%", "relative_humidity", "%"),
        ("WindSpeedMPH", "wind_speed", "MPH"),
        ("WindSpeedGustMPH", "wind_speed_of_gust", "MPH"),
        ("Speed_kmh", "wind_speed", "kmh"),
        ("Wind (km/h)", "wind_speed", "km/h"),
        ("WindDirectionDegrees", "wind_from_direction", "Degrees"),
        ("Precip. Rate. (in/h)", "rainfall_rate", "in/h"),
        ("dailyrainin", "precipitation_counter", "in"),
        ("HourlyPrecipIn", "precipitation_amount_1h", "In"),
        ("SolarRadiationWatts/m^2", "surface_downwelling_shortwave_flux_in_air", "Watts/m^2"),
        ("solarradiationwatts_m_2", "surface_downwelling_shortwave_flux_in_air", "watts/m^2"),
    ],
)
def test_a_name_that_ends_in_a_unit_is_read(name: str, parameter: str, unit: str) -> None:
    heading = read_heading(name, BASES)
    assert heading is not None
    assert (heading.parameter.name, (heading.unit or "").strip("°")) == (parameter, unit)


@pytest.mark.parametrize(
    "name",
    [
        "Temperature",
        "Speed",
        "temp_in",
        "TempIn_F",
        "Outdoor Temperature (°F)",
        "Heat Index (°F)",
        "temperature_2m",
        "F",
    ],
)
def test_a_name_without_a_known_base_or_unit_is_unknown(name: str) -> None:
    assert read_heading(name, BASES) is None


@given(st.text(max_size=100))
def test_any_name_is_read_or_not_and_never_an_error(name: str) -> None:
    read_heading(name, BASES)


def test_the_daily_csv_of_before_2019_is_read() -> None:
    result = transform(batch_of([LEGACY]))
    assert result.stamps == ["2012-11-03T23:04:00Z"]
    assert result.values() == pytest.approx(
        {
            "air_temperature": (56.8 - 32) / 1.8,
            "dew_point_temperature": (53.1 - 32) / 1.8,
            "relative_humidity": 87.0,
            "air_pressure_at_mean_sea_level": 29.48 * INCH_HPA,
            "wind_speed": 4.4704,
            "wind_from_direction": 250.0,
            "precipitation_amount_1h": 0.254,
            "precipitation_counter": 0.508,
            "surface_downwelling_shortwave_flux_in_air": 12.5,
        },
        rel=1e-12,
    )
    assert result.issues() == []
    transformer = read(LEGACY)
    assert (transformer.reading.unknown, transformer.reading.unread(), transformer.renamed) == ({}, [], [])


def test_a_cell_with_a_unit_keeps_it() -> None:
    row = {"Date": "2024-10-01", "Time": "00:04", "Temp_F": "13.8 °C", "Pressure_in": "29.48", "Speed_mph": "10"}
    assert transform(batch_of([row])).values() == pytest.approx(
        {"air_temperature": 13.8, "air_pressure_at_mean_sea_level": 29.48 * INCH_HPA, "wind_speed": 4.4704}, rel=1e-12
    )


def test_a_bare_humidity_needs_its_unit_where_no_header_has_units() -> None:
    row = {"Date": "2024-10-01", "Time": "00:04", "Temperature": "56.8 °F", "Pressure": "29.48 in", "Humidity": "87"}
    assert [entry.parameter for entry in read(row).reading.unread()] == ["relative_humidity"]


@pytest.mark.parametrize("name", ["Humidity (%)", "Humidity [%]", "Humidity %", "Humidity\n(%)"])
def test_a_sign_in_the_header_is_the_unit_of_a_bare_number_although_no_other_header_has_one(name: str) -> None:
    row = {"Date": "2024-10-01", "Time": "00:04", "Temperature": "56.8 °F", "Pressure": "29.48 in", name: "87"}
    assert transform(batch_of([row])).values()["relative_humidity"] == 87.0
    assert read(row).reading.unread() == []


def test_units_in_headers_and_in_cells_together_make_the_table() -> None:
    row = {"Date": "2024-10-01", "Time": "00:04", "Temp_C": "13.8", "Humidity": "87 %", "Pressure": "998.3 hPa"}
    assert transform(batch_of([row])).values() == {
        "air_temperature": 13.8,
        "relative_humidity": 87.0,
        "air_pressure_at_mean_sea_level": 998.3,
    }


UNITS = {
    "Temperature": {"F": (50.0, 10.0), "C": (10.0, 10.0)},
    "Pressure": {"in": (29.5, 29.5 * INCH_HPA), "hPa": (1012.5, 1012.5)},
    "Speed": {"mph": (10.0, 4.4704), "kmh": (36.0, 10.0), "m/s": (3.5, 3.5)},
}
NAMES = {
    "Temperature": "air_temperature",
    "Pressure": "air_pressure_at_mean_sea_level",
    "Speed": "wind_speed",
}


@given(st.fixed_dictionaries({name: st.sampled_from(sorted(units)) for name, units in UNITS.items()}), st.data())
@settings(max_examples=examples(0.3))
def test_a_unit_in_the_header_is_one_in_the_cell(units: dict[str, str], data: st.DataObject) -> None:
    spelled = {name: data.draw(st.sampled_from(["{}_{}", "{} ({})", "{}{}", "{} [{}]"])) for name in units}
    row: dict[str, Any] = {"Date": "2024-10-01", "Time": "00:04"}
    in_header = row | {spelled[name].format(name, unit): str(UNITS[name][unit][0]) for name, unit in units.items()}
    in_cells = row | {name: f"{UNITS[name][unit][0]} {unit}" for name, unit in units.items()}
    expected = {NAMES[name]: UNITS[name][unit][1] for name, unit in units.items()}
    assert transform(batch_of([in_header])).values() == pytest.approx(expected, rel=1e-12)
    assert transform(batch_of([in_cells])).values() == transform(batch_of([in_header])).values()


def test_infoclimats_fields_with_another_unit_in_their_name_are_read() -> None:
    row = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "humidite": "89"}
    row |= {"temperature (°F)": "50", "vent_moyen_ms": "3.5", "pression_hPa": "1012.5"}
    assert transform(batch_of([row])).values() == {
        "relative_humidity": 89.0,
        "air_temperature": 10.0,
        "wind_speed": 3.5,
        "air_pressure_at_mean_sea_level": 1012.5,
    }
    assert read(row, key="infoclimat/a.jsonl").reading.unknown == {}


ECOWITT = {
    "Time": "2024-10-01 00:04",
    **{f"{place} Temperature(℉)": "56.8" for place in ("Outdoor", "Indoor", "Feels Like")},
    "Dew Point(℉)": "53.1",
    "Humidity(%)": "87",
    "Wind Speed(mph)": "5",
    "Wind Gust(mph)": "8",
    **{f"{span}(in)": "0" for span in ("Event", "Hourly", "Weekly", "Monthly", "Yearly")},
    "Relative(inHg)": "29.48",
    "Absolute(inHg)": "29.40",
}


def test_units_in_the_header_of_another_programs_export_make_no_table_of_ours() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        read(ECOWITT, key=TABLE_KEY)
    assert caught.value.code == "unknown_layout"
