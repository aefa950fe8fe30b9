"""Values in another unit than their source says stop the object; anything else passes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS
from forecast.core.schemas import OBSERVATION_SCHEMA
from forecast.transform.unit_gate import ON_EARTH, Times, UnitGate, UnitGates
from forecast.transform.values.units import UNITS, Floats

PRESSURE, TEMPERATURE, DEW_POINT = "air_pressure_at_mean_sea_level", "air_temperature", "dew_point_temperature"
HOUR_MS = 3_600_000
# A mild day and a fresh night, hour by hour, in °C: no two hours are the same.
MILD_DAY = 12 - 5 * np.cos(np.arange(24) / 24 * 2 * np.pi) + np.arange(24) / 100


def hourly(values: Floats) -> Times:
    return np.arange(len(values), dtype=np.int64) * HOUR_MS


def taken_for(values: Floats, parameter: str, meant: str, said: str) -> Floats:
    """Canonical values that were measured in one unit and labelled with another, as the gate gets them."""
    units = UNITS[ON_EARTH[parameter].quantity]
    return units[said.casefold()].to_canonical(units[meant.casefold()].from_canonical(values))


def rejection(parameter: str, values: Floats, times: Times | None = None) -> str | None:
    """What the gate says of a column."""
    gate = UnitGate(ON_EARTH[parameter])
    gate.see(values, hourly(values) if times is None else times)
    try:
        gate.check()
    except ObjectRejectedError as error:
        assert error.code == "wrong_unit"
        return error.message
    return None


@pytest.mark.parametrize(("said", "meant"), list(product(ON_EARTH[PRESSURE].units, repeat=2)))
@pytest.mark.parametrize("parameter", [PRESSURE, "surface_air_pressure", "air_pressure_at_mean_sea_level_qnh"])
def test_every_exchange_of_two_units_of_pressure_is_found_and_named(parameter: str, said: str, meant: str) -> None:
    told = taken_for(np.array([990.0, 1020.0]), parameter, meant, said)
    example = UNITS[ON_EARTH[parameter].quantity][meant.casefold()].from_canonical(np.array([990.0]))[0]
    assert rejection(parameter, told) == (
        None
        if said == meant
        else f"2 of 2 pressures, such as {example:g} {said}, are impossible on Earth, but plausible in {meant}: "
        "the source names the wrong unit"
    )


def test_the_whole_object_counts_and_not_a_batch() -> None:
    gate = UnitGate(ON_EARTH[PRESSURE])
    gate.see(np.array([29.75, np.nan]), np.array([0, 1]))
    gate.see(np.array([1013.0]), np.array([2]))
    gate.check()
    gate.see(np.array([29.75]), np.array([3]))
    with pytest.raises(ObjectRejectedError, match=r"^2 of 3 pressures"):
        gate.check()


@pytest.mark.parametrize(
    ("said", "meant", "example"),
    [("°C", "°F", "57.2 °C"), ("°C", "K", "287.15 °C"), ("°F", "K", "287.15 °F"), ("K", "°C", "14 K")],
)
@pytest.mark.parametrize(("parameter", "words"), [(TEMPERATURE, "temperatures"), (DEW_POINT, "dew points")])
def test_a_day_of_another_unit_is_found_and_named(
    parameter: str, words: str, said: str, meant: str, example: str
) -> None:
    """Of 14 °C and more."""
    told = taken_for(MILD_DAY - MILD_DAY[0] + 14, parameter, meant, said)
    assert rejection(parameter, told) == (
        f"24 of 24 {words}, such as {example}, are impossible on Earth, but plausible in {meant}: "
        "the source names the wrong unit"
    )


def test_what_may_be_weather_in_the_unit_that_is_named_passes() -> None:
    """A mild day in °C is a frosty one in °F, and a cool day in °F may be Death Valley's in °C."""
    assert rejection(TEMPERATURE, taken_for(MILD_DAY, TEMPERATURE, "°C", "°F")) is None
    assert rejection(TEMPERATURE, taken_for(MILD_DAY, TEMPERATURE, "°F", "°C")) is None
    assert rejection(DEW_POINT, taken_for(MILD_DAY - 10, DEW_POINT, "°F", "°C")) is None


def test_the_median_of_the_object_decides() -> None:
    half, more = (np.concatenate([60 + np.arange(beyond) / 100, np.full(24 - beyond, 12)]) for beyond in (12, 13))
    far_apart = np.roll(hourly(half), 6)
    assert rejection(TEMPERATURE, half, far_apart) is None
    assert (rejection(TEMPERATURE, more, far_apart) or "").startswith("13 of 24 temperatures")


def hot_day(values: int = 24, different: int = 12, hours: float = 20) -> tuple[Floats, Times]:
    """Temperatures of 60 °C and a little more, evenly over so many hours."""
    return (
        60 + np.arange(values) % different / 100,
        np.linspace(0, hours * HOUR_MS, values).round().astype(np.int64),
    )


def test_a_day_of_values_is_enough_and_anything_less_is_not() -> None:
    assert rejection(TEMPERATURE, *hot_day()) is not None
    assert rejection(TEMPERATURE, *hot_day(values=23)) is None
    assert rejection(TEMPERATURE, *hot_day(different=11)) is None
    assert rejection(TEMPERATURE, *hot_day(hours=19.99)) is None


@pytest.mark.parametrize("code", [85.0, 99.9, 125.0, -127.0, 327.67, 0.0])
def test_a_fault_code_all_day_is_not_a_wrong_unit(code: float) -> None:
    """A sensor that is broken costs its own values, and not those of the others."""
    assert rejection(TEMPERATURE, np.full(288, code), np.arange(288) * 300_000) is None


def test_the_hottest_and_the_coldest_day_on_earth_pass() -> None:
    for parameter in (TEMPERATURE, DEW_POINT):
        for limit, inwards in ((ON_EARTH[parameter].lowest, 1), (ON_EARTH[parameter].highest, -1)):
            assert rejection(parameter, limit + inwards * np.arange(24) / 100) is None


@pytest.mark.parametrize("parameter", list(ON_EARTH))
def test_no_value_at_all_passes(parameter: str) -> None:
    assert rejection(parameter, np.full(24, np.nan)) is None
    assert rejection(parameter, np.array([])) is None


@given(st.data(), st.sampled_from(list(ON_EARTH)))
def test_plausible_values_pass(data: st.DataObject, parameter: str) -> None:
    limits = st.floats(ON_EARTH[parameter].lowest, ON_EARTH[parameter].highest)
    assert rejection(parameter, np.array(data.draw(st.lists(limits, min_size=1, max_size=50)))) is None


def object_rejection(*rows: dict[str, float], kelvin: bool = True) -> str | None:
    """What all gates say of an object with these values, one row an hour, of a source in kelvins or not."""
    records = [{"timestamp": hour * HOUR_MS, **row} for hour, row in enumerate(rows)]
    gates = UnitGates()
    gates.see(pa.Table.from_pylist(records, OBSERVATION_SCHEMA), TEMPERATURES if kelvin else ())
    try:
        gates.check()
    except ObjectRejectedError as error:
        return error.message
    return None


TEMPERATURES = [one.name for one in PARAMETERS if one.unit == "°C" and not one.derived]


@pytest.mark.parametrize("parameter", TEMPERATURES)
def test_two_hours_of_any_temperature_in_celsius_from_a_source_in_kelvins_are_enough(parameter: str) -> None:
    found = object_rejection({parameter: 14.0 - 273.15}, {parameter: 12.5 - 273.15}, {parameter: 7.0})
    assert found == (
        "2 of 3 temperatures, such as 14 K, are impossible on Earth, but plausible in °C: the source names the wrong "
        "unit"
    )


def test_one_row_is_enough_where_all_its_temperatures_say_so() -> None:
    row = {"air_temperature": 16.1 - 273.15, "dew_point_temperature": 12.6 - 273.15, "wind_speed": 3.0}
    assert (object_rejection(row) or "").startswith("2 of 2 temperatures, such as 16.1 K")


def test_a_fault_code_in_kelvins_only_affects_itself() -> None:
    assert object_rejection(*[{"air_temperature": -273.15, "dew_point_temperature": 7.0}] * 24) is None


def test_a_short_circuited_thermometer_is_not_a_wrong_unit() -> None:
    """A platinum resistor then gives about -242 °C, and a thermistor 100 °C and more, both up and down."""
    for fault in (-242.0, 150.0, 250.0):
        rows = [{"air_temperature": fault + hour % 3, "dew_point_temperature": 7.0} for hour in range(12)]
        assert object_rejection(*rows, kelvin=False) is None
