"""What an interval's value is, and when there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.aggregation import FREQUENCIES, METHODS, PERIODS, Method, fits
from forecast.core.clock import HOUR_MS, MINUTE_MS
from forecast.core.dataset import conformed
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.schemas import UTC_TIME
from forecast.qc.resampling import REASONS, Resampled, Resampling
from tests.networks import START_MS

HOUR = FREQUENCIES["1h"]
GOOD_ONLY = (3, 4)


def observed(minutes: Sequence[int], station: str = "A", flags: dict[str, list[int]] | None = None, **of: Any) -> Any:
    """Observations of a station so many minutes after the START; a value without a flag of its own is good."""
    columns: dict[str, Any] = {
        "station_id": pa.array([station] * len(minutes), pa.string()),
        "timestamp": pa.array([START_MS + minute * MINUTE_MS for minute in minutes], UTC_TIME),
    }
    for name, values in of.items():
        columns[name] = pa.array(values, pa.float64())
        given_flags = (flags or {}).get(name, [1] * len(values))
        told = [9 if value is None else flag for value, flag in zip(values, given_flags, strict=True)]
        columns[f"{name}_flag"] = pa.array(told, pa.int8())
    return conformed(pa.table(columns))


def resampled(
    table: pa.Table,
    parameter: str,
    *,
    step: int = HOUR,
    min_share: float = 0.75,
    minutes: float = 10,
    hidden: tuple[int, ...] = GOOD_ONLY,
) -> list[tuple[str, float | None, str]]:
    """The end, the value and the reason of each interval."""
    made = Resampling(step, min_share, {"A": minutes, "B": minutes}, hidden).of(table, [parameter])
    return rows_of(made, parameter)


def rows_of(made: Resampled, parameter: str) -> list[tuple[str, float | None, str]]:
    ends = [f"{end:%H:%M}" for end in made.table["timestamp"].to_pylist()]
    reasons = [REASONS[code] for code in made.reasons[parameter].tolist()]
    return list(zip(ends, made.table[parameter].to_pylist(), reasons, strict=True))


TENS = [10, 20, 30, 40, 50, 60]


def test_an_interval_includes_its_end_and_not_its_beginning() -> None:
    table = observed([0, *TENS, 70], air_temperature=[100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 100.0])
    assert resampled(table, "air_temperature") == [
        ("00:00", None, "below_min_share"),
        ("01:00", 3.5, ""),
        ("02:00", None, "below_min_share"),
    ]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("air_temperature", 3.5),
        ("wind_speed", 3.5),
        ("rainfall_rate", 3.5),
        ("wind_speed_of_gust", 6.0),
        ("precipitation_amount", 21.0),
        ("precipitation_counter", 6.0),
        ("present_weather", 6.0),
        ("surface_snow_thickness", 3.5),
    ],
)
def test_a_parameter_has_its_own_method(parameter: str, value: float) -> None:
    of: dict[str, Any] = {parameter: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    table = observed(TENS, **of)
    assert resampled(table, parameter) == [("01:00", value, "")]


@pytest.mark.parametrize(
    ("directions", "mean"),
    [
        ([350.0, 10.0], 360.0),
        ([10.0, 350.0], 360.0),
        ([80.0, 100.0], 90.0),
        ([350.0, 30.0], 10.0),
        ([0.0, 360.0], 360.0),
    ],
)
def test_the_mean_of_directions_is_that_of_unit_vectors(directions: list[float], mean: float) -> None:
    table = observed([30, 60], wind_from_direction=directions)
    ((_, value, reason),) = resampled(table, "wind_from_direction", minutes=30)
    assert reason == ""
    assert value == pytest.approx(mean, abs=1e-6)


def test_directions_that_cancel_each_other_out_have_no_mean() -> None:
    table = observed([30, 60], wind_from_direction=[90.0, 270.0])
    assert resampled(table, "wind_from_direction", minutes=30) == [("01:00", None, "no_direction")]


def test_a_direction_at_calm_counts_as_observed_and_points_nowhere() -> None:
    table = observed(
        [15, 30, 45, 60, 75, 90, 105, 120],
        wind_from_direction=[90.0, 180.0, None, 90.0, 10.0, 20.0, 30.0, 40.0],
        wind_speed=[2.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0],
        wind_speed_of_gust=[3.0, 0.0, None, 3.0, 0.0, 0.0, 0.0, 0.0],
    )
    first, second = resampled(table, "wind_from_direction", minutes=15)
    assert first[1] == pytest.approx(90.0)
    assert second == ("02:00", None, "no_direction")


def test_a_speed_of_0_that_failed_a_check_is_not_a_calm() -> None:
    table = observed([30, 60], flags={"wind_speed": [4, 4]}, wind_from_direction=[90.0, 90.0], wind_speed=[0.0, 0.0])
    ((_, value, _),) = resampled(table, "wind_from_direction", minutes=30)
    assert value == pytest.approx(90.0)


def test_three_quarters_of_the_expected_values_are_enough_and_less_are_not() -> None:
    enough = observed([5, 10, 15, 20, 25, 30, 35, 40, 45], air_temperature=[1.0] * 9)
    assert resampled(enough, "air_temperature", minutes=5) == [("01:00", 1.0, "")]
    short = observed([5, 10, 15, 20, 25, 30, 35, 40], air_temperature=[1.0] * 8)
    assert resampled(short, "air_temperature", minutes=5) == [("01:00", None, "below_min_share")]
    assert resampled(short, "air_temperature", minutes=5, min_share=0.6) == [("01:00", 1.0, "")]
    assert resampled(short, "air_temperature", minutes=7) == [("01:00", 1.0, "")]


def test_a_share_whose_product_is_not_whole_loses_nothing_by_rounding() -> None:
    table = observed([6, 12, 18, 24, 30, 36, 42], air_temperature=[1.0] * 7)
    assert resampled(table, "air_temperature", minutes=6, min_share=0.7) == [("01:00", 1.0, "")]


def test_a_station_that_reports_less_often_than_the_interval_gives_its_value() -> None:
    table = observed([60], air_temperature=[1.5])
    assert resampled(table, "air_temperature", step=FREQUENCIES["10min"], minutes=60) == [("01:00", 1.5, "")]


def test_flagged_values_are_not_in_the_mean_and_the_flag_is_the_worst_that_is_in_it() -> None:
    flags = [1, 3, 4, 2]
    table = observed([15, 30, 45, 60], flags={"air_temperature": flags}, air_temperature=[1.0, 2.0, 40.0, 3.0])

    def made(hidden: tuple[int, ...]) -> tuple[float | None, int]:
        found = Resampling(HOUR, 0.5, {"A": 15}, hidden).of(table, ["air_temperature"]).table
        return found["air_temperature"][0].as_py(), found["air_temperature_flag"][0].as_py()

    assert made((3, 4)) == (2.0, 1)
    assert made((4,)) == (2.0, 3)
    assert made(()) == (11.5, 4)


def test_too_many_flagged_values_leave_too_few() -> None:
    table = observed(TENS, flags={"air_temperature": [1, 1, 1, 1, 3, 4]}, air_temperature=[1.0] * 6)
    assert resampled(table, "air_temperature") == [("01:00", None, "below_min_share")]
    found = Resampling(HOUR, 0.75, {"A": 10}, GOOD_ONLY).of(table, ["air_temperature"]).table
    assert found["air_temperature_flag"].to_pylist() == [9]


def test_a_parameter_that_no_observation_has_was_not_observed() -> None:
    table = observed(TENS, air_temperature=[1.0] * 6)
    assert resampled(table, "wind_speed") == [("01:00", None, "not_observed")]
    assert resampled(table, "wind_from_direction") == [("01:00", None, "not_observed")]


def test_without_an_interval_the_expected_number_is_unknown() -> None:
    table = observed(TENS, "unregistered", air_temperature=[1.0] * 6)
    assert resampled(table, "air_temperature") == [("01:00", None, "interval_unknown")]


def test_of_rain_of_a_sliding_hour_only_what_does_not_overlap_is_summed() -> None:
    minutes = list(range(10, 190, 10))
    table = observed(minutes, precipitation_amount_1h=[float(minute) for minute in minutes])
    assert [value for _, value, _ in resampled(table, "precipitation_amount_1h")] == [60.0, 120.0, 180.0]
    three = resampled(table, "precipitation_amount_1h", step=FREQUENCIES["3h"])
    assert three == [("03:00", 360.0, "")]


def test_three_hour_rain_gives_no_hourly_value() -> None:
    table = observed([60, 120, 180], precipitation_amount_3h=[None, None, 4.0])
    assert {reason for *_, reason in resampled(table, "precipitation_amount_3h")} == {"period_does_not_fit"}
    assert resampled(table, "precipitation_amount_3h", step=FREQUENCIES["3h"]) == [("03:00", 4.0, "")]


def test_an_obscured_sky_is_not_a_cloud_cover() -> None:
    table = observed([15, 30, 45, 60], cloud_area_fraction=[8.0, 6.0, 4.0, 9.0])
    assert resampled(table, "cloud_area_fraction", minutes=15) == [("01:00", 6.0, "")]


def test_each_station_has_its_own_intervals_and_a_gap_has_no_row() -> None:
    parts = [observed([60, 240], air_temperature=[1.0, 2.0]), observed([60], "B", air_temperature=[3.0])]
    table = pa.concat_tables(parts).unify_dictionaries()
    made = Resampling(HOUR, 0.75, {"A": 60, "B": 60}, GOOD_ONLY).of(table, ["air_temperature"])
    assert made.table["station_id"].to_pylist() == ["A", "A", "B"]
    assert [end for end, *_ in rows_of(made, "air_temperature")] == ["01:00", "04:00", "01:00"]


def test_without_observations_there_are_no_intervals() -> None:
    for parameter in PARAMETER_NAMES:
        assert resampled(observed([]), parameter) == []


def test_a_day_ends_at_midnight() -> None:
    table = observed([0, 720, 1440], air_temperature=[1.0, 2.0, 4.0])
    assert resampled(table, "air_temperature", step=FREQUENCIES["1d"], minutes=720) == [
        ("00:00", None, "below_min_share"),
        ("00:00", 3.0, ""),
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.one_of(st.none(), st.floats(-50, 50))), max_size=60, unique_by=lambda x: x[0]
    )
)
def test_a_mean_lies_between_the_least_and_the_greatest_of_its_own_interval(
    rows: list[tuple[int, float | None]],
) -> None:
    """Against a plain reading of the definition."""
    rows.sort()
    table = observed([minute for minute, _ in rows], air_temperature=[value for _, value in rows])
    by_end: dict[int, list[float | None]] = {}
    for minute, value in rows:
        by_end.setdefault(math.ceil(minute / 60), []).append(value)
    found = resampled(table, "air_temperature", min_share=0.5, minutes=20)
    assert [end for end, *_ in found] == [f"{number:02}:00" for number in by_end]
    for (_, value, reason), values in zip(found, by_end.values(), strict=True):
        there = [one for one in values if one is not None]
        if len(there) >= 1.5:
            assert value is not None
            assert value == pytest.approx(np.mean(there), abs=1e-9)
            assert min(there) <= value <= max(there)
        else:
            assert (value, reason) == (None, "below_min_share" if there else "not_observed")


def test_every_frequency_ends_with_the_day() -> None:
    day = FREQUENCIES["1d"]
    assert all(day % step == 0 for step in FREQUENCIES.values())
    assert datetime.fromtimestamp(day / 1000, UTC).hour == 0


def test_every_parameter_has_a_method_and_the_period_of_its_name() -> None:
    assert set(METHODS) == set(PARAMETER_NAMES)
    assert METHODS["precipitation_amount_6min"] is Method.SUM
    assert METHODS["duration_of_sunshine_1h"] is Method.SUM
    assert METHODS["wind_speed_of_gust_10min"] is METHODS["air_temperature_max_1h"] is Method.MAXIMUM
    assert METHODS["air_temperature_min_1h"] is Method.MINIMUM
    assert PERIODS["precipitation_amount_3h"] == 3 * HOUR_MS
    assert PERIODS["surface_downwelling_shortwave_flux_in_air_6min"] == 6 * MINUTE_MS
    assert "air_temperature" not in PERIODS
    assert not fits("precipitation_amount_6min", FREQUENCIES["10min"])
    assert fits("precipitation_amount_6min", FREQUENCIES["30min"])
