"""The checks of a station by itself, in their order: what failed one takes no part in those after it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.clock import HOUR_MS
from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT
from forecast.qc.registry import CHECKS, STATION_REACH
from forecast.qc.results import QcResults
from forecast.qc.runner import run_station_checks
from tests.examples import examples
from tests.networks import curve, hours, series, station
from tests.series import series_of

ALONE = tuple(CHECKS)[: list(CHECKS).index("buddy_check")]
A = station("A", interval_minutes=5)
SUNNY = station("A", parameters=("ultraviolet_index", "surface_downwelling_shortwave_flux_in_air"))


def alone(step_minutes: int = 5, at: Any = A, **values: Any) -> QcResults:
    return run_station_checks(series(at, hours(len(next(iter(values.values()))), step_minutes=step_minutes), **values))


def flagged(results: QcResults) -> list[dict[str, Any]]:
    return [json.loads(text or "{}") for text in results.quality().flags.to_pylist()]


def entry(flag: int, *checks: str) -> dict[str, Any]:
    return {"flag": flag, "checks": list(checks)}


def test_sound_weather_is_good() -> None:
    air = curve(hours(288, step_minutes=5))
    results = alone(air_temperature=air, dew_point_temperature=air - 3)
    assert results.quality().flag.tolist() == [GOOD] * 288
    assert results.quality().flags.null_count == 288


@pytest.mark.parametrize("name", MEASURED_NAMES)
def test_a_station_that_measures_one_parameter_is_checked_without_the_others(name: str) -> None:
    """No check looks for a second parameter that is not there."""
    results = run_station_checks(series(A, hours(4, step_minutes=5), **{name: [3.0, 3.1, 3.2, 3.3]}))
    assert {of for _, of in results.by_check} == {name}


def test_a_gust_without_a_mean_wind_is_not_compared_with_it() -> None:
    results = alone(wind_speed_of_gust=[50.0, 51.0])
    assert not {("gust_above_mean", "wind_speed_of_gust"), ("gust_below_mean", "wind_speed_of_gust")} & set(
        results.by_check
    )


def test_a_value_beyond_its_range_is_no_spike_and_makes_no_step_after_it() -> None:
    """Without the gross range, 70 °C among 12 °C would be both."""
    results = alone(air_temperature=[12.0, 12.1, 70.0, 12.2, 12.3])
    assert flagged(results) == [{}, {}, {"air_temperature": entry(4, "gross_range")}, {}, {}]
    for check in ("spike", "rate_of_change"):
        assert results.by_check[check, "air_temperature"][2] in {NOT_EVALUATED, MISSING}
    # The step from the value before it to the one after it is looked at instead.
    assert results.by_check["rate_of_change", "air_temperature"].tolist()[3] == GOOD


def test_a_failed_spike_is_no_step_and_a_suspect_one_is() -> None:
    assert flagged(alone(air_temperature=[12.0, 12.1, 19.0, 12.2, 12.3])) == [
        *({}, {}),
        {"air_temperature": entry(4, "spike")},
        *({}, {}),
    ]
    wide = station("A", interval_minutes=5, thresholds={"air_temperature": {"spike_fail": 90.0}})
    assert flagged(alone(at=wide, air_temperature=[12.0, 12.1, 19.0, 12.2, 12.3])) == [
        *({}, {}),
        {"air_temperature": entry(3, "spike", "rate_of_change")},
        {"air_temperature": entry(3, "rate_of_change")},
        {},
    ]


def test_a_failed_dew_point_is_not_compared_with_the_temperature() -> None:
    results = alone(air_temperature=[12.0], dew_point_temperature=[40.0], relative_humidity=[80.0])
    assert flagged(results) == [{"dew_point_temperature": entry(4, "gross_range")}]
    assert results.flags["air_temperature"].tolist() == [GOOD]
    assert results.by_check["dew_point_above_temperature", "air_temperature"].tolist() == [NOT_EVALUATED]


def test_two_values_that_contradict_each_other_are_both_suspect() -> None:
    results = alone(air_temperature=[12.0], dew_point_temperature=[13.0], relative_humidity=[80.0])
    assert flagged(results) == [
        {
            "air_temperature": entry(3, "dew_point_above_temperature"),
            "dew_point_temperature": entry(3, "dew_point_above_temperature", "dew_point_from_humidity"),
            "relative_humidity": entry(3, "dew_point_from_humidity"),
        }
    ]


def test_rain_of_each_kind_is_compared_with_air_and_clouds() -> None:
    results = alone(
        precipitation_amount_1h=[2.0, 2.0],
        precipitation_amount_3h=[1.0, 2.0],
        relative_humidity=[52.0, 48.0],
        cloud_area_fraction=[8.0, 0.0],
    )
    assert [sorted(row) for row in flagged(results)] == [
        ["precipitation_amount_1h", "precipitation_amount_3h"],
        ["cloud_area_fraction", "precipitation_amount_1h"],
    ]
    assert flagged(results)[0]["precipitation_amount_1h"] == entry(3, "nested_accumulation")
    assert flagged(results)[1]["precipitation_amount_1h"] == entry(3, "rain_in_dry_air", "rain_without_cloud")
    assert flagged(results)[1]["cloud_area_fraction"] == entry(3, "rain_without_cloud")


def test_wind_is_compared_with_its_gusts_and_its_direction() -> None:
    results = alone(
        wind_speed=[5.0, 2.0, 0.0, 3.0],
        wind_speed_of_gust=[4.0, 45.0, 0.0, 4.0],
        wind_from_direction=[90.0, 90.0, 90.0, 0.0],
    )
    assert [{name: one["checks"] for name, one in row.items()} for row in flagged(results)] == [
        {"wind_speed": ["gust_below_mean"], "wind_speed_of_gust": ["gust_below_mean"]},
        {"wind_speed_of_gust": ["gust_above_mean"]},
        {},
        {"wind_from_direction": ["direction_at_calm"]},
    ]


def test_a_direction_at_calm_is_not_evaluated_whatever_other_checks_would_say() -> None:
    """It does not change for two days and is not an anomaly; a value beyond 360 degrees fails an earlier check."""
    results = alone(60, wind_speed=[0.0] * 49, wind_from_direction=[270.0] * 48 + [400.0])
    assert results.flags["wind_from_direction"].tolist() == [NOT_EVALUATED] * 48 + [FAIL]
    assert flagged(results) == [{}] * 48 + [{"wind_from_direction": entry(4, "gross_range")}]
    quality = results.quality()
    assert (quality.flag.tolist(), quality.anomalies.tolist()) == ([1] * 48 + [4], [0] * 48 + [1])


def test_a_direction_that_is_stuck_in_wind_is_flagged_even_with_calms_in_between() -> None:
    results = alone(60, wind_speed=[3.0] * 8 + [0.0] + [3.0] * 8, wind_from_direction=[270.0] * 17)
    persistent = {"wind_from_direction": entry(3, "persistence")}
    assert flagged(results) == [persistent] * 8 + [{}] + [persistent] * 8


def test_the_sun_shines_by_day_only() -> None:
    """Midnight and noon in October, 50° N: 200 W/m² and an index of 3 are much at night, and little at noon."""
    results = alone(720, SUNNY, ultraviolet_index=[3.0, 3.0], surface_downwelling_shortwave_flux_in_air=[200.0, 200.0])
    assert flagged(results) == [
        {
            "ultraviolet_index": entry(4, "solar_range"),
            "surface_downwelling_shortwave_flux_in_air": entry(4, "solar_range"),
        },
        {},
    ]


def test_snow_does_not_grow_or_fall_in_warmth() -> None:
    results = alone(
        60,
        surface_snow_thickness=[0.0, 5.0],
        present_weather=[73.0, 3.0],
        air_temperature=[15.0, 15.0],
    )
    assert [{name: one["checks"] for name, one in row.items()} for row in flagged(results)] == [
        {"present_weather": ["snowfall_with_warmth"], "air_temperature": ["snowfall_with_warmth"]},
        {"surface_snow_thickness": ["snow_with_warmth"]},
    ]


def test_a_counter_gives_the_rain_between_and_is_checked_itself() -> None:
    results = alone(precipitation_counter=[1.0, 1.2, 1.2, 200.0, 0.2, 0.6])
    np.testing.assert_allclose(results.amount, [np.nan, 0.2, 0.0, np.nan, 0.2, 0.4])
    assert flagged(results) == [*({}, {}, {}), {"precipitation_counter": entry(4, "rain_counter")}, *({}, {})]


def test_a_counter_beyond_its_range_gives_no_rain() -> None:
    results = alone(precipitation_counter=[1.0, 9999.0, 1.4])
    np.testing.assert_allclose(results.amount, [np.nan, np.nan, 0.4])
    assert flagged(results) == [{}, {"precipitation_counter": entry(4, "gross_range")}, {}]


def test_a_zero_of_three_hours_between_synoptic_hours_is_none() -> None:
    results = alone(60, precipitation_amount_3h=[0.0, 0.0, 1.0, 0.0])
    assert flagged(results) == [{}, {"precipitation_amount_3h": entry(3, "false_zero")}, {}, {}]


@pytest.mark.parametrize(
    ("name", "value", "suspects"),
    [
        ("air_temperature", 12.0, True),
        ("wind_speed", 3.0, True),
        ("wind_speed", 0.0, False),
        ("relative_humidity", 80.0, True),
        ("relative_humidity", 95.0, False),
        ("rainfall_rate", 1.0, True),
        ("rainfall_rate", 0.0, False),
    ],
)
def test_what_stands_still_for_half_a_day_is_suspect_where_the_air_would_not(
    name: str, value: float, suspects: bool
) -> None:
    results = alone(30, **{name: [value] * 25})
    checks = {tuple(row.get(name, {}).get("checks", ())) for row in flagged(results)}
    assert checks == ({("persistence",)} if suspects else {()})


@pytest.mark.parametrize(("speeds", "suspects"), [((2.0, 2.1), True), ((0.4, 0.5), False), ((None, None), False)])
def test_a_vane_that_stands_still_is_suspect_in_a_wind_only(
    speeds: tuple[float | None, float | None], suspects: bool
) -> None:
    results = alone(30, wind_from_direction=[90.0] * 14, wind_speed=speeds * 7)
    checks = {tuple(row.get("wind_from_direction", {}).get("checks", ())) for row in flagged(results)}
    assert checks == ({("persistence",)} if suspects else {()})


def test_the_sources_resolution_is_known() -> None:
    """Pressure in steps of 0.34 hPa stays the same for longer than in steps of 0.1 hPa."""
    for network, suspects in (("InfoClimat", True), ("Weather Underground", False)):
        at = station("A", network=network, interval_minutes=30)
        results = alone(30, at, air_pressure_at_mean_sea_level=[1013.2] * 14)
        assert bool(flagged(results)[0]) == suspects


@pytest.mark.parametrize(
    ("network", "suspects"),
    [("DWD", False), ("METAR", False), ("Météo-France observations", False), ("RMI automatic stations", True)],
)
def test_a_wind_direction_in_tens_of_degrees_may_stand_still_for_ten_hours(network: str, suspects: bool) -> None:
    """DWD's Hamburg stood at 210° for eleven hours in the gale of 1 March 2020; RMI's directions are in tenths."""
    at = station("A", network=network, interval_minutes=60)
    results = alone(60, at, wind_from_direction=[210.0] * 11, wind_speed=[9.0] * 11)
    assert bool(flagged(results)[0]) == suspects


@pytest.mark.parametrize(("network", "suspects"), [("Météo-France SYNOP", False), ("InfoClimat", True)])
def test_rain_in_whole_millimetres_may_be_half_a_millimetre_above_a_longer_period_in_tenths(
    network: str, suspects: bool
) -> None:
    """Orly, 1 January 2013: 8 mm in 12 hours and 7.5 mm in 24."""
    at = station("A", network=network, interval_minutes=180)
    results = alone(180, at, precipitation_amount_12h=[8.0], precipitation_amount_24h=[7.5])
    assert bool(flagged(results)[0]) == suspects


def test_a_spike_is_looked_for_within_two_intervals_of_the_station() -> None:
    values = [12.0, 18.5, 12.0]
    assert flagged(alone(10, station("A", interval_minutes=5), air_temperature=values))[1] == {
        "air_temperature": entry(4, "spike")
    }
    far = alone(11, station("A", interval_minutes=5), air_temperature=values)
    assert far.by_check["spike", "air_temperature"].tolist() == [NOT_EVALUATED] * 3
    # And never over more than two hours.
    slow = alone(130, station("A", interval_minutes=180), air_temperature=values)
    assert slow.by_check["spike", "air_temperature"].tolist() == [NOT_EVALUATED] * 3


def test_thresholds_of_the_station_override_those_of_the_table() -> None:
    values = [12.0, 14.0, 12.0]
    assert flagged(alone(air_temperature=values)) == [{}, {}, {}]
    strict = station("A", interval_minutes=5, thresholds={"air_temperature": {"spike_suspect": 2.0}})
    assert flagged(alone(at=strict, air_temperature=values)) == [{}, {"air_temperature": entry(3, "spike")}, {}]


def test_without_observations_there_are_no_flags() -> None:
    results = run_station_checks(series_of(A, hours(0), {}))
    assert (results.flags, results.by_check, results.quality().flag.tolist()) == ({}, {}, [])


COLUMNS = st.dictionaries(
    st.sampled_from(MEASURED_NAMES),
    st.lists(st.none() | st.sampled_from([0.0, 0.1, 1.0, 5.0, 50.0, 5000.0, -1.0]), min_size=30, max_size=30),
    min_size=1,
    max_size=8,
)
GAPS = st.lists(st.sampled_from([1, 5, 10, 60, 400, 1500]), min_size=30, max_size=30)


def irregular(gaps: list[int]) -> np.ndarray:
    times: np.ndarray = hours(1)[0] + np.cumsum(np.array(gaps, dtype=np.int64)) * 60_000
    return times


@settings(max_examples=examples(2))
@given(COLUMNS, GAPS, st.sampled_from([1, 5, 10, 60]))
def test_no_value_is_changed_and_a_failed_one_is_evaluated_no_more(
    columns: dict[str, list[float | None]], gaps: list[int], interval: int
) -> None:
    at = station("A", interval_minutes=interval)
    one = series(at, irregular(gaps), **columns)
    before = {name: values.copy() for name, values in one.values.items()}
    results = run_station_checks(one)
    for name, values in one.values.items():
        np.testing.assert_array_equal(values, before[name])
        np.testing.assert_array_equal(results.flags[name] == MISSING, np.isnan(values))
        failed = np.zeros(len(values), dtype=bool)
        for check in ALONE:
            given_flags = results.by_check.get((check, name))
            if given_flags is not None:
                assert not (failed & np.isin(given_flags, (GOOD, SUSPECT, FAIL))).any(), check
                failed |= given_flags == FAIL
        np.testing.assert_array_equal(failed, results.flags[name] == FAIL)
    assert {check for check, _ in results.by_check} <= set(ALONE)


@given(COLUMNS, GAPS, st.sampled_from([1, 5, 10, 60]), st.data())
def test_no_flag_depends_on_what_is_more_than_the_reach_away(
    columns: dict[str, list[float | None]], gaps: list[int], interval: int, data: Any
) -> None:
    at = station("A", interval_minutes=interval)
    one = series(at, irregular(gaps), **columns)
    row = data.draw(st.integers(0, 29))
    away = one.times - one.times[row]
    rows = (away >= -STATION_REACH.before * HOUR_MS) & (away <= STATION_REACH.after * HOUR_MS)
    part = series_of(at, one.times[rows], {name: values[rows] for name, values in one.values.items()})
    place = int(np.flatnonzero(one.times[rows] == one.times[row])[0])
    whole, near = run_station_checks(one).quality(), run_station_checks(part).quality()
    assert near.flag[place] == whole.flag[row]
    assert near.flags[place] == whole.flags[row]
    np.testing.assert_array_equal(near.amount[place], whole.amount[row])
