"""The examples for energy forecasters run, and give what a plain reading of the same observations gives."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from forecast.core.clock import DAY_MS
from forecast.core.dataset import DATASET_SCHEMA, conformed
from forecast.core.registry import load_stations
from forecast.core.schemas import UTC_TIME
from forecast.core.stations import Stations
from forecast.storage import LocalStore
from forecast.zone.dataset import DayFile, by_station_and_time
from forecast.zone.identity import Identity, write_identity
from forecast.zone.publishing import publish_table
from forecast.zone.tables import STATIONS, publish_if_changed, stations_table
from tests.docs.test_docs import DOCS, blocks
from tests.real_week import ARMENTIERES, ICHTEGEM, LA_MADELEINE, LESQUIN

pytestmark = pytest.mark.usefixtures("built_in_registry")

FIRST = date(2024, 10, 1)
DAYS = 7
STEPS = {LESQUIN: 60, LA_MADELEINE: 5, ICHTEGEM: 5, ARMENTIERES: 10}
# From 20 °C down to 8 °C: days with and without heating; Ichtegem is two degrees warmer.
WARMER = {ICHTEGEM: 2.0}
# Hours of 3 October, by their ends, in which a station says nothing.
SILENT = {LA_MADELEINE: {5, 6}, LESQUIN: {6}, ARMENTIERES: {6}, ICHTEGEM: {6}}


def temperature(name: str, hours: float) -> float:
    return 20 - 12 * hours / (24 * DAYS) + WARMER.get(name, 0.0)


def observation(name: str, minute: int) -> dict[str, Any] | None:
    hours = minute / 60
    if math.ceil(hours) - 48 in SILENT[name]:
        return None
    row: dict[str, Any] = {"air_temperature": temperature(name, hours), "wind_speed": 2.0 + 4.0 * (minute // 5 % 2)}
    row |= {"air_pressure_at_mean_sea_level": 1000.0, "wind_from_direction": 350.0 + 20.0 * (minute // 5 % 2)}
    row["wind_from_direction"] %= 360
    row |= {"wind_speed_of_gust": 9.0, "surface_downwelling_shortwave_flux_in_air": 100.0}
    when = datetime(2024, 10, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return {"station_id": name, "timestamp": when, **row, **{f"{key}_flag": 1 for key in row}}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what the examples define, on a dataset of four stations."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "processed").mkdir()
    store = LocalStore(folder / "processed", "PROCESSED_URI")
    minutes = [(name, minute) for name, step in STEPS.items() for minute in range(0, DAYS * 24 * 60 + 1, step)]
    rows = [row for name, minute in minutes if (row := observation(name, minute)) is not None]
    table = by_station_and_time(conformed(pa.Table.from_pylist(rows, _schema(rows[0]))))
    times = table["timestamp"].cast(pa.int64()).to_numpy()
    for day in np.unique(times // DAY_MS).tolist():
        publish_table(table.filter(pa.array(times // DAY_MS == day)), DayFile(day, 0, 1).key, store)
    stations = Stations({one.id: one for one in load_stations() if one.id in STEPS})
    publish_if_changed(stations_table(stations, {}, {}), STATIONS, store, folder)
    write_identity(Identity("forecast_2_0.weather_measurements", "run", "2024-10-08T00:00:00Z"), store, folder)
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks(DOCS / "examples.md", "python"):
            exec(block, found)
    return found


def _schema(row: dict[str, Any]) -> pa.Schema:
    kinds = {"station_id": pa.string(), "timestamp": UTC_TIME}
    return pa.schema([(name, kinds.get(name, DATASET_SCHEMA.field(name).type)) for name in row])


def hour(end: int) -> Any:
    return datetime(2024, 10, 1, tzinfo=UTC) + timedelta(hours=end)


def hourly_mean(name: str, end: int) -> float:
    step = STEPS[name]
    return float(np.mean([temperature(name, end - 1 + minute / 60) for minute in range(step, 61, step)]))


def test_the_temperature_of_a_region_is_weighted_by_place(names: dict[str, Any]) -> None:
    weight = names["weight"]
    assert weight.sum() == pytest.approx(1)
    # La Madeleine lies in Lille's own agglomeration, with four fifths of the demand.
    assert weight.idxmax() == LA_MADELEINE
    assert weight[ICHTEGEM] < 0.2
    expected = sum(weight[name] * hourly_mean(name, 10) for name in STEPS)
    assert names["region"][hour(10)] == pytest.approx(expected)


def test_an_hour_in_which_the_heaviest_station_is_silent_has_no_value(names: dict[str, Any]) -> None:
    assert names["weight"][LA_MADELEINE] > 0.25
    assert np.isnan(names["region"][hour(48 + 5)])
    assert hour(48 + 6) not in names["region"].index
    assert names["region"].isna().sum() == 1


def test_degree_days_are_those_of_whole_days(names: dict[str, Any]) -> None:
    weight, days = names["weight"], names["degree_days"]
    hours = [sum(weight[name] * hourly_mean(name, end) for name in STEPS) for end in range(1, 24 * 6 + 1)]
    means = [float(np.mean(hours[24 * day : 24 * day + 24])) for day in range(6)]
    assert [f"{one:%d}" for one in days.index] == ["01", "02", "03", "04", "05", "06"]
    expected = [18 - mean if mean <= 15 else 0.0 for mean in means]
    assert expected[0] == 0.0
    assert expected[5] > 3.0
    expected[2] = math.nan
    np.testing.assert_allclose(days["heating"], expected)
    np.testing.assert_allclose(days["cooling"], [0, 0, math.nan, 0, 0, 0])


def test_the_power_of_the_wind_is_the_mean_of_cubes(names: dict[str, Any]) -> None:
    found = names["power_density"][LA_MADELEINE, hour(10)]
    cubes = [2.0**3, 6.0**3]
    density = [100_000 / (287.05 * (temperature(LA_MADELEINE, 9 + minute / 60) + 273.15)) for minute in range(5, 61, 5)]
    assert found == pytest.approx(0.5 * np.mean([density[k] * cubes[(k + 1) % 2] for k in range(12)]))
    assert found > 1.5 * 0.5 * np.mean(density) * 4.0**3
    assert (LA_MADELEINE, hour(48 + 5)) not in names["power_density"].index


def test_wind_and_sun_are_those_of_hours(names: dict[str, Any]) -> None:
    frame = names["renewables"].set_index(["station_id", "timestamp"])
    one = frame.loc[(ICHTEGEM, hour(10))]
    assert one["wind_from_direction"] == pytest.approx(360.0)
    assert (one["wind_speed_of_gust"], one["irradiation"]) == (9.0, 100.0)


def test_nothing_of_the_test_part_is_known_in_training(names: dict[str, Any]) -> None:
    train, test, region = names["train"], names["test"], names["region"]
    assert len(train) > 24
    assert len(test) > 24
    oldest = min(test.index) - names["HORIZON"] - max(names["LAGS"])
    assert max(train.index) < oldest
    for lag in names["LAGS"]:
        hours = lag // timedelta(hours=1)
        when = test.index[-1]
        assert test.loc[when, f"lag_{hours}h"] == region[when - names["HORIZON"] - lag]
    assert names["train_scaled"].mean().abs().max() < 1e-9
    assert names["test_scaled"]["target"].mean() == pytest.approx(
        (test["target"].mean() - train["target"].mean()) / train["target"].std()
    )


def test_the_hours_of_the_training_table_follow_each_other(names: dict[str, Any]) -> None:
    assert {later - earlier for earlier, later in pairwise(names["series"].index)} == {timedelta(hours=1)}
