"""What xarray gets follows the CF conventions, as their own checker sees it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xarray as xr
from compliance_checker.runner import CheckSuite, ComplianceChecker

from forecast.core.dataset import DATASET_SCHEMA, conformed
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.schemas import UTC_TIME
from forecast.reader.observations import Observations, observations
from forecast.reader.request import make_request
from forecast.zone.tables import stations_table
from tests.networks import START, network, station

STATIONS = stations_table(network(station("A", interval_minutes=30), station("B", 10, interval_minutes=30)), {}, {})


def found(**asked: Any) -> Observations:
    """Every parameter of two stations that do not report at the same times, and one that the registry does not know."""
    rows = [("A", 30), ("A", 60), ("B", 60), ("gone", 60)]
    table = {
        "station_id": pa.array([name for name, _ in rows]),
        "timestamp": pa.array([START + timedelta(minutes=minute) for _, minute in rows], UTC_TIME),
    }
    for number, name in enumerate(PARAMETER_NAMES):
        table[name] = pa.array([float(number), float(number) + 1, None, 5.0])
        table[f"{name}_flag"] = pa.array([1, 3, 9, 1], pa.int8())
    request = make_request(None, None, None, None, None, asked.pop("flags", "good"), **asked)
    return observations(conformed(pa.table(table), DATASET_SCHEMA), request, STATIONS)


@pytest.mark.whole  # the checker works on a file for more than three seconds
@pytest.mark.parametrize("asked", [{"flags": "all"}, {"freq": "1h"}], ids=["observations", "hours"])
def test_netcdf_passes_the_cf_checker(asked: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "weather.nc"
    found(**asked).to_xarray().to_netcdf(file)
    CheckSuite.load_all_available_checkers()
    words = io.StringIO()
    with redirect_stdout(words):
        passed, errors = ComplianceChecker.run_checker(str(file), ["cf:1.11"], 0, "strict")
    assert (passed, errors) == (True, False), words.getvalue()
    assert "All tests passed!" in words.getvalue()


def test_values_stand_at_their_station_and_time_and_nothing_is_filled(tmp_path: Path) -> None:
    file = tmp_path / "weather.nc"
    found(flags="all").to_xarray().to_netcdf(file)
    with xr.open_dataset(file) as opened:
        assert opened.sizes == {"station": 3, "time": 2}
        assert opened["station_id"].values.tolist() == ["A", "B", "gone"]
        assert opened["latitude"].values[:2].tolist() == [50.0, pytest.approx(50.09, abs=0.001)]
        assert np.isnan(opened["latitude"].values[2])
        humidity = opened["dew_point_temperature"]
        np.testing.assert_array_equal(humidity.values, [[1.0, 2.0], [np.nan, np.nan], [np.nan, 5.0]])
        assert humidity.attrs["units"] == "degC"
        assert humidity.attrs["ancillary_variables"] == "dew_point_temperature_flag"
        flags = opened["dew_point_temperature_flag"]
        assert flags.values.tolist() == [[1, 3], [9, 9], [9, 1]]
        assert flags.attrs["flag_values"].tolist() == [1, 2, 3, 4, 9]
        assert flags.attrs["flag_meanings"] == "good not_evaluated suspect fail missing"
        assert opened.attrs["Conventions"] == "CF-1.11"
        assert opened.attrs["license"] == "a (https://example.org/a): b"


def test_an_interval_has_its_bounds_and_its_method() -> None:
    hourly = found(freq="1h").to_xarray()
    start = np.datetime64(START.replace(tzinfo=None), "ms")
    hour = np.timedelta64(1, "h")
    assert hourly["time"].values.tolist() == [(start + hour).item()]
    np.testing.assert_array_equal(hourly["time_bounds"].values, [[start, start + hour]])
    methods = {name: hourly[name].attrs["cell_methods"] for name in ("wind_speed_of_gust", "wind_from_direction")}
    assert methods == {"wind_speed_of_gust": "time: maximum", "wind_from_direction": "time: mean (of unit vectors)"}


def test_without_observations_the_dataset_is_empty() -> None:
    request = make_request(None, None, None, None, None, "good")
    empty = observations(DATASET_SCHEMA.empty_table(), request, STATIONS).to_xarray()
    assert empty.sizes == {"station": 0, "time": 0}
