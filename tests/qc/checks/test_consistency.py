"""Values that contradict each other are flagged, both where nobody knows which is wrong; sound ones are left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.checks.dew_point_above_temperature import dew_point_above_temperature
from forecast.qc.checks.dew_point_from_humidity import dew_point_from_humidity
from forecast.qc.checks.direction_at_calm import direction_at_calm
from forecast.qc.checks.gust_above_mean import gust_above_mean
from forecast.qc.checks.gust_below_mean import gust_below_mean
from forecast.qc.checks.nested_accumulation import nested_accumulation
from forecast.qc.checks.rain_in_dry_air import rain_in_dry_air
from forecast.qc.checks.rain_without_cloud import rain_without_cloud
from forecast.qc.checks.snow_with_warmth import snow_with_warmth
from forecast.qc.checks.snowfall_with_warmth import snowfall_with_warmth
from forecast.qc.checks.solar_range import solar_range
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Floats, Times
from tests.quality.experiments import (
    DIRECTION,
    GUST,
    ONE_HOUR,
    RH,
    SOLAR,
    SPEED,
    TD,
    THREE_HOURS,
    UV,
    WEATHER,
    Change,
    Experiment,
    T,
    Where,
    at_places,
    at_sun,
    everywhere,
    other,
    plus,
    to,
    where_value,
)

NAN = float("nan")
MINUTE = 60_000
# Over water (Goff & Gratch, as in the Smithsonian Meteorological Tables), by °C.
SATURATION_HPA = {-20.0: 1.2540, -10.0: 2.8627, 0.0: 6.1078, 10.0: 12.272, 20.0: 23.373, 30.0: 42.430}


def values(*numbers: float) -> Floats:
    return np.array(numbers, dtype=np.float64)


def minutes(*numbers: int) -> Times:
    return np.array(numbers, dtype=np.int64) * MINUTE


Rule = Callable[..., tuple[Flags, ...]]


def dew_point_above_temperature_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return dew_point_above_temperature(a, b, tolerance=0.05)


def dew_point_from_humidity_rule(a: Floats, b: Floats, c: Floats) -> tuple[Flags, ...]:
    return dew_point_from_humidity(a, b, c, limit=1.0)


def gust_below_mean_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return gust_below_mean(a, b, tolerance=0.1)


def gust_above_mean_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return (gust_above_mean(a, b, limit=38.58),)


def direction_at_calm_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return (direction_at_calm(a, b, np.full(a.shape, NAN)),)


def nested_accumulation_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return nested_accumulation(a, b, tolerance=0.1)


def rain_in_dry_air_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return (rain_in_dry_air(a, b, humidity_min=50.0),)


def rain_without_cloud_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return rain_without_cloud(a, b)


def solar_range_rule(a: Floats, b: Floats, c: Floats) -> tuple[Flags, ...]:
    return (solar_range(a, b, c, night_limit=5.0, factor=1.5, margin=50.0),)


def snowfall_with_warmth_rule(a: Floats, b: Floats) -> tuple[Flags, ...]:
    return snowfall_with_warmth(a, b, temperature_max=4.0)


# Each rule with a row that it finds fault with; all of them read nothing but the row itself.
ROW_RULES: list[tuple[Rule, tuple[float, ...]]] = [
    (dew_point_above_temperature_rule, (12.0, 10.0)),
    (dew_point_from_humidity_rule, (2.0, 90.0, 10.0)),
    (gust_below_mean_rule, (3.0, 5.0)),
    (gust_above_mean_rule, (60.0, 5.0)),
    (direction_at_calm_rule, (0.0, 3.0)),
    (nested_accumulation_rule, (1.8, 0.0)),
    (rain_in_dry_air_rule, (0.4, 30.0)),
    (rain_without_cloud_rule, (0.4, 0.0)),
    (solar_range_rule, (900.0, 30.0, 500.0)),
    (snowfall_with_warmth_rule, (71.0, 15.0)),
]
named = pytest.mark.parametrize(("rule", "bad"), ROW_RULES, ids=[rule.__name__ for rule, _ in ROW_RULES])


@named
class TestEveryRuleOfARow:
    def test_finds_the_bad_row(self, rule: Rule, bad: tuple[float, ...]) -> None:
        assert all(flags.tolist() == [SUSPECT] for flags in rule(*(values(v) for v in bad)))

    def test_takes_no_rows(self, rule: Rule, bad: tuple[float, ...]) -> None:
        for flags in rule(*(np.zeros(0) for _ in bad)):
            assert flags.shape == (0,)
            assert flags.dtype == np.uint8

    def test_a_missing_value_is_missing_and_its_partners_are_not_evaluated(
        self, rule: Rule, bad: tuple[float, ...]
    ) -> None:
        for lost in range(len(bad)):
            row = [NAN if index == lost else v for index, v in enumerate(bad)]
            for index, flags in enumerate(rule(*(values(v) for v in row))):
                assert flags.tolist() == [MISSING if index == lost else NOT_EVALUATED]

    def test_without_values_nothing_is_evaluated(self, rule: Rule, bad: tuple[float, ...]) -> None:
        assert all(flags.tolist() == [MISSING] for flags in rule(*(values(NAN) for _ in bad)))

    @given(data=st.data())
    def test_a_row_is_evaluated_alone(self, rule: Rule, bad: tuple[float, ...], data: st.DataObject) -> None:
        """A flag is the same in whatever company the row comes; MISSING is said of missing values and of no other."""
        number = st.one_of(st.just(NAN), st.sampled_from([0.0, 75.0, *bad]), st.floats(0.0, 120.0))
        rows = data.draw(st.lists(st.tuples(*(number for _ in bad)), max_size=8))
        columns = [values(*column) for column in zip(*rows, strict=True)] or [np.zeros(0) for _ in bad]
        together = rule(*columns)
        for flags, column in zip(together, columns, strict=False):
            assert flags.shape == column.shape
            assert ((flags == MISSING) == np.isnan(column)).all()
        for index, row in enumerate(rows):
            alone = rule(*(values(v) for v in row))
            assert [flags[index] for flags in together] == [flags[0] for flags in alone]


class TestDewPointAboveTemperature:
    def test_up_to_the_tolerance_is_good(self) -> None:
        dew_point, temperature = values(9.0, 10.0, 10.5, 10.75, -3.0), values(10.0, 10.0, 10.0, 10.0, -3.5)
        flags = dew_point_above_temperature(dew_point, temperature, tolerance=0.5)
        assert [f.tolist() for f in flags] == [[GOOD, GOOD, GOOD, SUSPECT, GOOD]] * 2

    def test_both_are_flagged_in_their_order(self) -> None:
        dew_point, temperature = values(NAN, 12.0, 12.0), values(10.0, NAN, 10.0)
        first, second = dew_point_above_temperature(dew_point, temperature, tolerance=0.0)
        assert first.tolist() == [MISSING, NOT_EVALUATED, SUSPECT]
        assert second.tolist() == [NOT_EVALUATED, MISSING, SUSPECT]


class TestDewPointFromHumidity:
    @pytest.mark.parametrize(
        ("temperature", "dew_point"),
        [(30.0, 20.0), (30.0, 0.0), (20.0, 20.0), (20.0, 10.0), (10.0, -20.0), (0.0, -10.0), (-10.0, -20.0)],
    )
    def test_the_dew_point_of_the_tables(self, temperature: float, dew_point: float) -> None:
        """The humidity of the tables leads back to their dew point, within 0.07 °C."""
        humidity = 100.0 * SATURATION_HPA[dew_point] / SATURATION_HPA[temperature]

        def flag(value: float, limit: float) -> int:
            flags, _ = dew_point_from_humidity(values(value), values(humidity), values(temperature), limit=limit)
            return int(flags[0])

        assert flag(dew_point, 0.07) == GOOD
        assert [flag(dew_point + 0.9, 1.0), flag(dew_point - 0.9, 1.0)] == [GOOD, GOOD]
        assert flag(dew_point - 1.1, 1.0) == SUSPECT
        frost_above_dew_point = max(0.0, -0.12 * dew_point)
        assert flag(dew_point + frost_above_dew_point + 1.1, 1.0) == SUSPECT

    @pytest.mark.parametrize(
        ("temperature", "humidity", "reported", "flag"),
        [
            # Embrun and Dumont d'Urville, SYNOP of January 2013: frost points.
            (-0.6, 35.0, -12.6, GOOD),
            (-4.2, 26.0, -19.2, GOOD),
            # The dew points of the same air.
            (-0.6, 35.0, -14.1, GOOD),
            (-4.2, 26.0, -21.4, GOOD),
            # More than 1 °C beyond them.
            (-0.6, 35.0, -11.4, SUSPECT),
            (-0.6, 35.0, -15.6, SUSPECT),
            # Above 0 °C there is no frost point.
            (15.0, 50.0, 6.2, SUSPECT),
        ],
    )
    def test_below_freezing_a_frost_point_is_as_good_as_a_dew_point(
        self, temperature: float, humidity: float, reported: float, flag: int
    ) -> None:
        flags = dew_point_from_humidity(values(reported), values(humidity), values(temperature), limit=1.0)
        assert [f.tolist() for f in flags] == [[flag]] * 2

    def test_dew_point_and_humidity_are_flagged(self) -> None:
        """127 % is a sensor's code, no humidity."""
        dew_point, humidity, temperature = (
            values(9.3, 15.0, NAN, 9.3),
            values(50.0, 127.0, 50.0, NAN),
            values(*[20.0] * 4),
        )
        first, second = dew_point_from_humidity(dew_point, humidity, temperature, limit=1.0)
        assert first.tolist() == [GOOD, SUSPECT, MISSING, NOT_EVALUATED]
        assert second.tolist() == [GOOD, SUSPECT, NOT_EVALUATED, MISSING]

    def test_no_dew_point_fits_air_without_water(self) -> None:
        """However wide the limit: the dew point of dry air is at absolute zero."""
        dew_point, humidity, temperature = values(-40.0, 10.0), values(0.0, -1.0), values(20.0, 20.0)
        flags = dew_point_from_humidity(dew_point, humidity, temperature, limit=200.0)
        assert [f.tolist() for f in flags] == [[SUSPECT, SUSPECT]] * 2

    def test_a_sensor_that_reads_a_little_over_saturation_is_good(self) -> None:
        flags = dew_point_from_humidity(values(15.0), values(102.0), values(15.0), limit=1.0)
        assert [f.tolist() for f in flags] == [[GOOD]] * 2

    def test_without_a_temperature_neither_is_evaluated(self) -> None:
        flags = dew_point_from_humidity(values(15.0), values(0.0), values(NAN), limit=1.0)
        assert [f.tolist() for f in flags] == [[NOT_EVALUATED]] * 2

    @given(st.floats(-40.0, 45.0), st.floats(1.0, 100.0))
    def test_the_formula_agrees_with_itself(self, temperature: float, humidity: float) -> None:
        """Vapour pressure forth, dew point back: what Magnus makes of a dew point is the humidity it came from."""

        def pressure(t: float) -> float:
            return float(6.112 * np.exp(17.62 * t / (243.12 + t)))

        low, high = -100.0, 60.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if pressure(middle) < humidity / 100 * pressure(temperature) else (low, middle)
        flags = dew_point_from_humidity(values(low), values(humidity), values(temperature), limit=1e-6)
        assert [f.tolist() for f in flags] == [[GOOD]] * 2


class TestGust:
    def test_a_gust_below_the_mean_by_more_than_the_tolerance(self) -> None:
        gust, speed = values(5.0, 5.0, 4.75, 4.5, 0.0), values(4.0, 5.0, 5.0, 5.0, 0.0)
        flags = gust_below_mean(gust, speed, tolerance=0.25)
        assert [f.tolist() for f in flags] == [[GOOD, GOOD, GOOD, SUSPECT, GOOD]] * 2

    def test_a_gust_far_above_the_mean_is_the_only_one_flagged(self) -> None:
        flags = gust_above_mean(values(45.0, 45.25, 5.0, NAN, 45.25), values(5.0, 5.0, 5.0, 5.0, NAN), limit=40.0)
        assert flags.tolist() == [GOOD, SUSPECT, GOOD, MISSING, NOT_EVALUATED]


class TestDirectionAtCalm:
    @pytest.mark.parametrize(
        ("direction", "speed", "gust", "flag"),
        [
            (0.0, 0.0, NAN, NOT_EVALUATED),
            (0.0, 0.0, 0.0, NOT_EVALUATED),
            (270.0, 0.0, NAN, NOT_EVALUATED),
            (270.0, 0.0, 0.0, NOT_EVALUATED),
            (360.0, 0.0, 0.0, NOT_EVALUATED),
            (270.0, 0.0, 0.4, GOOD),
            (0.0, 0.0, 0.4, GOOD),
            (360.0, 0.1, NAN, GOOD),
            (90.0, 3.0, 5.0, GOOD),
            (0.0, 0.1, NAN, SUSPECT),
            (0.0, 3.0, 5.0, SUSPECT),
            (270.0, NAN, 0.0, NOT_EVALUATED),
            (0.0, NAN, NAN, NOT_EVALUATED),
            (NAN, 0.0, 0.0, MISSING),
            (NAN, NAN, NAN, MISSING),
        ],
    )
    def test_zero_is_no_wind_and_calm_is_not_evaluated(
        self, direction: float, speed: float, gust: float, flag: int
    ) -> None:
        assert direction_at_calm(values(direction), values(speed), values(gust)).tolist() == [flag]


class TestRain:
    def test_the_two_hours_of_bergues(self) -> None:
        """1.8 mm in one hour, 0 in three: both are flagged; the hour after, 2.6 in three hours hold the 0.8 of one."""
        hour, three = values(0.0, 1.8, 0.8, 0.2), values(0.0, 0.0, 2.6, 0.0)
        flags = nested_accumulation(hour, three, tolerance=0.1)
        assert [f.tolist() for f in flags] == [[GOOD, SUSPECT, GOOD, SUSPECT]] * 2

    def test_a_difference_up_to_the_tolerance_is_rounding(self) -> None:
        hour, three = values(1.25, 1.5, NAN, 1.0), values(1.0, 1.0, 1.0, NAN)
        shorter, longer = nested_accumulation(hour, three, tolerance=0.25)
        assert shorter.tolist() == [GOOD, SUSPECT, MISSING, NOT_EVALUATED]
        assert longer.tolist() == [GOOD, SUSPECT, NOT_EVALUATED, MISSING]

    def test_rain_is_flagged_in_dry_air_alone(self) -> None:
        rain, humidity = values(0.2, 0.2, 0.0, 0.2, NAN), values(49.9, 50.0, 20.0, NAN, 20.0)
        flags = rain_in_dry_air(rain, humidity, humidity_min=50.0)
        assert flags.tolist() == [SUSPECT, GOOD, GOOD, NOT_EVALUATED, MISSING]

    def test_rain_out_of_a_clear_sky(self) -> None:
        """One okta may rain; nine oktas (sky obscured) may too."""
        rain, cloud = values(0.2, 0.2, 0.2, 0.0, NAN, 0.2), values(0.0, 1.0, 9.0, 0.0, 0.0, NAN)
        first, second = rain_without_cloud(rain, cloud)
        assert first.tolist() == [SUSPECT, GOOD, GOOD, GOOD, MISSING, NOT_EVALUATED]
        assert second.tolist() == [SUSPECT, GOOD, GOOD, GOOD, NOT_EVALUATED, MISSING]


class TestByTheSun:
    def test_light_at_night_fails(self) -> None:
        """Night begins below -6°, not at it."""
        irradiance, elevation = values(5.0, 5.1, 5.1, 0.0), values(-6.5, -6.5, -6.0, -40.0)
        flags = solar_range(irradiance, elevation, np.zeros(4), night_limit=5.0, factor=1.5, margin=50.0)
        assert flags.tolist() == [GOOD, FAIL, GOOD, GOOD]

    def test_more_light_than_a_clear_sky_gives_is_suspect(self) -> None:
        irradiance, clear_sky = values(0.0, 800.0, 801.0, 50.0, 51.0), values(500.0, 500.0, 500.0, 0.0, 0.0)
        elevation = values(30.0, 30.0, 30.0, -2.0, -2.0)
        flags = solar_range(irradiance, elevation, clear_sky, night_limit=5.0, factor=1.5, margin=50.0)
        assert flags.tolist() == [GOOD, GOOD, SUSPECT, GOOD, SUSPECT]

    def test_uv_of_15_at_night_and_at_a_low_sun(self) -> None:
        uv, elevation, clear_sky = (
            values(15.0, 15.0, 5.0, NAN),
            values(-30.0, 10.0, 35.0, 35.0),
            values(0.0, 0.2, 3.2, 3.2),
        )
        flags = solar_range(uv, elevation, clear_sky, night_limit=0.5, factor=1.5, margin=2.0)
        assert flags.tolist() == [FAIL, SUSPECT, GOOD, MISSING]


class TestSnowWithWarmth:
    def check(self, thickness: Floats, temperature: Floats, times: Times) -> list[int]:
        flags = snow_with_warmth(
            thickness, temperature, times, temperature_max=5.0, max_gap_minutes=60.0, max_growth=0.5
        )
        listed: list[int] = flags.tolist()
        return listed

    def test_growing_in_warm_air(self) -> None:
        thickness, temperature = values(3.0, 4.0, 4.0, 3.0, 5.0), values(5.5, 5.5, 5.5, 5.5, 5.5)
        flags = self.check(thickness, temperature, minutes(0, 10, 20, 30, 90))
        assert flags == [NOT_EVALUATED, SUSPECT, GOOD, GOOD, SUSPECT]

    def test_at_the_limit_and_below_it_snow_may_grow(self) -> None:
        assert self.check(values(3.0, 4.0), values(5.0, 5.0), minutes(0, 10)) == [NOT_EVALUATED, GOOD]
        assert self.check(values(3.0, 4.0), values(-2.0, -2.0), minutes(0, 10)) == [NOT_EVALUATED, GOOD]

    def test_growth_within_the_sensors_uncertainty_is_good(self) -> None:
        """In doubles, 0.06 m less 0.05 m is a little more than 1 cm."""
        thickness, temperature = values(3.0, 3.5, 100 * 0.05, 100 * 0.06), values(9.0, 9.0, 9.0, 9.0)
        flags = snow_with_warmth(
            thickness, temperature, minutes(0, 10, 20, 30), temperature_max=5.0, max_gap_minutes=60.0, max_growth=1.0
        )
        assert flags.tolist() == [NOT_EVALUATED, GOOD, SUSPECT, GOOD]

    def test_snow_of_the_cold_hour_is_reported_in_the_warm_one(self) -> None:
        assert self.check(values(3.0, 4.0), values(0.5, 6.0), minutes(0, 60)) == [NOT_EVALUATED, GOOD]
        assert self.check(values(3.0, 4.0), values(6.0, 0.5), minutes(0, 60)) == [NOT_EVALUATED, GOOD]

    def test_an_earlier_temperature_that_is_missing_excuses_nothing(self) -> None:
        assert self.check(values(3.0, 4.0), values(NAN, 6.0), minutes(0, 60)) == [NOT_EVALUATED, SUSPECT]

    def test_beyond_the_gap_nothing_is_known(self) -> None:
        assert self.check(values(3.0, 4.0), values(9.0, 9.0), minutes(0, 60)) == [NOT_EVALUATED, SUSPECT]
        assert self.check(values(3.0, 4.0), values(9.0, 9.0), minutes(0, 61)) == [NOT_EVALUATED, NOT_EVALUATED]

    def test_missing_values_are_bridged_and_missing_temperatures_are_not_evaluated(self) -> None:
        thickness, temperature = values(3.0, NAN, 4.0, 5.0, NAN), values(9.0, 9.0, 9.0, NAN, NAN)
        flags = self.check(thickness, temperature, minutes(0, 20, 40, 45, 50))
        assert flags == [NOT_EVALUATED, MISSING, SUSPECT, NOT_EVALUATED, MISSING]

    def test_empty_and_one_row(self) -> None:
        assert self.check(values(), values(), minutes()) == []
        assert self.check(values(3.0), values(9.0), minutes(0)) == [NOT_EVALUATED]
        assert self.check(values(NAN), values(9.0), minutes(0)) == [MISSING]

    @given(
        st.lists(
            st.tuples(
                st.integers(1, 45),
                st.one_of(st.just(NAN), st.integers(0, 4).map(float)),
                st.one_of(st.just(NAN), st.sampled_from([4.0, 5.0, 6.0])),
            ),
            min_size=1,
            max_size=20,
        ),
        st.data(),
    )
    def test_what_lies_beyond_the_gap_changes_nothing(
        self, rows: list[tuple[int, float, float]], data: st.DataObject
    ) -> None:
        steps, thickness, temperature = (np.array(column) for column in zip(*rows, strict=True))
        times = np.cumsum(steps).astype(np.int64) * MINUTE
        whole = self.check(thickness, temperature, times)
        index = data.draw(st.integers(0, len(rows) - 1))
        seen = (times >= times[index] - 60 * MINUTE) & (times <= times[index])
        assert self.check(thickness[seen], temperature[seen], times[seen])[-1] == whole[index]
        assert [flag == MISSING for flag in whole] == np.isnan(thickness).tolist()


class TestSnowfallWithWarmth:
    def test_codes_70_to_79_above_the_limit(self) -> None:
        weather = values(69.0, 70.0, 75.0, 79.0, 80.0, 71.0)
        temperature = values(15.0, 15.0, 15.0, 15.0, 15.0, 4.0)
        flags = snowfall_with_warmth(weather, temperature, temperature_max=4.0)
        assert [f.tolist() for f in flags] == [[GOOD, SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]] * 2

    def test_just_above_and_missing(self) -> None:
        first, second = snowfall_with_warmth(values(71.0, NAN, 71.0), values(4.1, 15.0, NAN), temperature_max=4.0)
        assert first.tolist() == [SUSPECT, MISSING, NOT_EVALUATED]
        assert second.tolist() == [SUSPECT, NOT_EVALUATED, MISSING]


def _experiments() -> Iterator[Experiment]:
    def at(check: str, error: str, parameter: str, change: Change, where: Where = everywhere) -> Experiment:
        return Experiment(check, error, parameter, at_places(parameter, change, where=where), 1, by_itself=True)

    windy = where_value(SPEED, lambda speed: speed >= 1.5)
    dark, high = at_sun(lambda height: height < -6), at_sun(lambda height: height > 20)
    three_hours = where_value(THREE_HOURS, lambda amount: amount >= 0)
    yield at("dew_point_above_temperature", "1 °C above the temperature", TD, other(T, 1))
    yield at("dew_point_from_humidity", "-10 %", RH, plus(-10))
    yield at("gust_below_mean", "1 m/s below the mean wind", GUST, other(SPEED, -1), windy)
    yield at("gust_above_mean", "40 m/s above the mean wind", GUST, other(SPEED, 40))
    yield at("direction_at_calm", "0 (calm) in a wind of 1.5 m/s or more", DIRECTION, to(0), windy)
    yield at("nested_accumulation", "0.5 mm more than in 3 h", ONE_HOUR, other(THREE_HOURS, 0.5), three_hours)
    yield at("solar_range", "20 W/m² at night", SOLAR, to(20), dark)
    yield at("solar_range", "1300 W/m² by day", SOLAR, to(1300), high)
    yield at("solar_range", "index 1 at night", UV, to(1), dark)
    yield at("snowfall_with_warmth", "code 71 (snow)", WEATHER, to(71), where_value(T, lambda t: t > 4))


EXPERIMENTS = tuple(_experiments())
# No snow was measured in that week, no humidity below 50 % and no clear sky came with rain.
WITHOUT_PLACE = ("rain_in_dry_air", "rain_without_cloud", "snow_with_warmth")
