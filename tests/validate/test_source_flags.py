"""What the network's own check says of its values becomes a flag."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from forecast.core.registry import load_stations
from forecast.core.schemas import OBSERVATION_SCHEMA
from forecast.networks.registry import NETWORKS
from forecast.qc.runner import run_closing_checks, run_station_checks
from forecast.qc.source_flags import doubted
from forecast.validate import validate
from tests.series import series_of

STATIONS = load_stations()
STAMP = datetime(2024, 10, 1, tzinfo=UTC)
NOW = datetime(2024, 10, 9, tzinfo=UTC)


def frame(*codes: Any, station: str = "ITESTB25", **values: float) -> pa.Table:
    """A row of 12 °C for each of the network's codes, five minutes apart."""
    rows = [
        {
            "station_id": station,
            "timestamp": STAMP + timedelta(minutes=5 * number),
            "air_temperature": 12.0 + 0.1 * number,
            "wind_speed": 3.0,
            "source_flags": None if code is None else json.dumps({"air_temperature": code}),
            "source_row": f"line {number}",
            "extracted_at": NOW,
            "generation_id": 1,
            "sync_id": 1,
            **values,
        }
        for number, code in enumerate(codes)
    ]
    return pa.Table.from_pylist(rows, schema=OBSERVATION_SCHEMA)


def flags(*codes: Any, station: str = "ITESTB25", **values: float) -> list[Any]:
    checked = validate(frame(*codes, station=station, **values), STATIONS, NOW).observations.to_pylist()
    return [json.loads(row["flags"]) if row["flags"] else None for row in checked]


SUSPECT = {"air_temperature": {"flag": 3, "checks": ["source_flag"]}}


def test_case_78_a_value_that_failed_the_networks_own_check_is_suspect() -> None:
    assert flags(1, 0, -1, None, "0", 0) == [None, SUSPECT, None, None, None, SUSPECT]


def test_case_78_nothing_else_of_the_row_is_suspect_and_the_value_stays() -> None:
    (row,) = validate(frame(0), STATIONS, NOW).observations.to_pylist()
    assert (row["air_temperature"], row["flag"], row["anomalies_detected"]) == (12.0, 3, 1)
    assert json.loads(row["source_flags"]) == {"air_temperature": 0}


def test_a_value_that_failed_a_check_of_ours_stays_failed() -> None:
    assert flags(0, air_temperature=99.0) == [{"air_temperature": {"flag": 4, "checks": ["gross_range"]}}]


def test_the_codes_of_one_network_say_nothing_of_another() -> None:
    assert flags(0, station="07915") == [None]


@pytest.mark.parametrize("network", ["Weather Underground", "InfoClimat", "another"])
def test_codes_that_mean_failure_are_looked_up_by_network(network: str) -> None:
    texts = np.array(['{"wind_speed": 0, "air_temperature": 1}', None, '{"wind_speed": 0}'], dtype=object)
    found = {name: mask.tolist() for name, mask in doubted(texts, NETWORKS.failed_codes_of(network)).items()}
    assert found == ({"wind_speed": [True, False, True]} if network == "Weather Underground" else {})


def test_no_other_check_uses_source_flags() -> None:
    """A day that the network doubts as a whole is not a day of which too many values are flagged."""
    station = next(one for one in STATIONS if one.id == "ITESTB25")
    times = np.arange(288, dtype=np.int64) * 300_000
    values = {"air_temperature": 12 + np.sin(np.arange(288) / 40)}
    series = series_of(station, times, values, {"air_temperature": np.ones(288, dtype=bool)})
    results = run_station_checks(series)
    assert set(results.flags["air_temperature"].tolist()) <= {1, 2}
    run_closing_checks(results)
    assert set(results.flags["air_temperature"].tolist()) == {3}
    assert pa.array(results.quality().flags).null_count == 0
