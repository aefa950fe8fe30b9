"""Both stores give the same observations, with the same flags and the same reasons."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pymongo import MongoClient

import forecast
from forecast.core.aggregation import Frequency
from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.run.dataset import DatasetWriter
from forecast.storage import LocalStore
from tests.networks import START, network, observation, records, station

NEXT_DAY = START + timedelta(days=1)
STATIONS = network(*(station(name, 10 * number, interval_minutes=5) for number, name in enumerate("ABC")))


def row(minute: int, value: float | None, name: str = "A", **more: Any) -> dict[str, Any]:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value, **more)


ROWS = (
    *(
        row(0, 12.0),
        row(5, 12.1),
        row(10, 18.9),
        row(15, 12.2),
        row(1435, 99.0),
        row(1440, 11.0, wind_speed=0.0, wind_from_direction=90.0),
        row(2880, 10.0),
    ),
    *(row(0, None, "B", wind_speed=1.0), row(5, 9.0, "B", wind_speed=2.0)),
)


@pytest.fixture(scope="module")
def sources(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A zone and a database that hold the same."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "zone").mkdir()
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        collection = client["test_reader"]["weather_measurements"]
        prepare_collection(collection)
        pending_qc = PendingQc.for_collection(collection, "run")
        load(records(ROWS, STATIONS, folder), collection, pending_qc)
        evaluate_pending(pending_qc, collection, STATIONS)
        DatasetWriter(LocalStore(folder / "zone"), collection, STATIONS, "run", folder).write()
        yield {"dataset": str(folder / "zone"), "mongodb": replica_set}
        client.drop_database("test_reader")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGODB_DATABASE", "test_reader")
    for name in ("RAW_URI", "PROCESSED_URI", "MONGODB_URI", "MONGODB_COLLECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("forecast.reader.api.configured_stations", lambda _: STATIONS)


@pytest.fixture(params=["dataset", "mongodb"])
def source(sources: dict[str, str], request: pytest.FixtureRequest) -> str:
    return sources[str(request.param)]


def test_both_stores_give_the_very_same_table(sources: dict[str, str]) -> None:
    for flags in ("good", "not_failed", "all"):
        found = [forecast.read(one, flags=flags, provenance=True).to_arrow() for one in sources.values()]
        assert found[0].schema.equals(found[1].schema, check_metadata=True)
        assert found[0].to_pylist() == found[1].to_pylist()
        assert len(found[0]) == len(ROWS)


def test_both_stores_give_the_very_same_intervals(sources: dict[str, str]) -> None:
    for flags in ("good", "not_failed", "all"):
        for freq in get_args(Frequency):
            found = [forecast.read(one, flags=flags, freq=freq, min_share=0.1) for one in sources.values()]
            assert found[0].to_arrow().schema.equals(found[1].to_arrow().schema, check_metadata=True)
            assert found[0].to_arrow().to_pylist() == found[1].to_arrow().to_pylist()
            assert found[0].reasons().to_pylist() == found[1].reasons().to_pylist()
            assert found[0].coverage().equals(found[1].coverage())


def test_good_values_alone_are_given_and_a_missing_one_has_its_reason(source: str) -> None:
    found = forecast.read(source, stations=["A", "B"], parameters=["air_temperature"], since=START, until=NEXT_DAY)
    table = found.to_arrow()
    assert table.column_names == ["station_id", "timestamp", "air_temperature"]
    assert table["air_temperature"].to_pylist() == [12.0, 12.1, None, 12.2, None, None, 9.0]
    reasons = found.reasons()["air_temperature"].to_pylist()
    assert reasons == [None, None, "flagged_failed", None, "flagged_failed", "not_observed", None]


def test_with_all_flags_each_value_has_its_flag_next_to_it(source: str) -> None:
    found = forecast.read(source, stations=["A"], parameters=["air_temperature"], until=NEXT_DAY, flags="all")
    table = found.to_arrow()
    assert table["air_temperature"].to_pylist() == [12.0, 12.1, 18.9, 12.2, 99.0]
    assert table["air_temperature_flag"].to_pylist() == [1, 1, 4, 1, 4]


def test_a_direction_at_calm_is_not_evaluated_and_stays_among_good_values(source: str) -> None:
    asked: dict[str, Any] = {"stations": ["A"], "parameters": ["wind_from_direction"], "since": NEXT_DAY}
    assert forecast.read(source, flags="all", **asked).to_arrow()["wind_from_direction_flag"].to_pylist() == [2, 9]
    assert forecast.read(source, flags="good", **asked).to_arrow()["wind_from_direction"].to_pylist() == [90.0, None]


def test_since_is_included_and_until_excluded(source: str) -> None:
    def times(**bounds: Any) -> list[datetime]:
        found: list[datetime] = forecast.read(source, stations=["A"], **bounds).to_arrow()["timestamp"].to_pylist()
        return found

    assert times(since=NEXT_DAY, until=START + timedelta(days=2)) == [NEXT_DAY]
    assert times(since=date(2024, 10, 2), until=date(2024, 10, 3)) == [NEXT_DAY]
    assert times(since=NEXT_DAY + timedelta(microseconds=1)) == [START + timedelta(days=2)]
    assert times(since=datetime(2030, 1, 1, tzinfo=UTC)) == []


def test_stations_are_chosen_by_a_box(source: str) -> None:
    northern = forecast.read(source, bbox=(2.0, 50.05, 4.0, 51.0), parameters=["wind_speed"]).to_arrow()
    assert northern["station_id"].to_pylist() == ["B", "B"]
    assert northern["wind_speed"].to_pylist() == [1.0, 2.0]


def test_units_and_names_come_with_the_columns(source: str) -> None:
    told = forecast.read(source).to_arrow().schema.field("air_temperature").metadata
    assert told[b"units"] == b"degC"
    assert told[b"standard_name"] == b"air_temperature"


def test_the_latest_is_the_newest_observation_of_each_station(source: str) -> None:
    found = forecast.latest(source, parameters=["air_temperature"]).to_arrow().to_pylist()
    assert [(one["station_id"], one["timestamp"], one["air_temperature"]) for one in found] == [
        ("A", START + timedelta(days=2), 10.0),
        ("B", START + timedelta(minutes=5), 9.0),
    ]
    assert len(forecast.latest(source, stations=["C"])) == 0


def test_stations_come_with_their_first_and_newest_observation(source: str) -> None:
    frame = forecast.stations(source).set_index("station_id")
    assert list(frame.index) == ["A", "B", "C"]
    assert frame.loc["B", "last_observation"] == START + timedelta(minutes=5)
    assert frame.loc["A", "interval_minutes"] == 5


def test_coverage_counts_values_by_their_flags(source: str) -> None:
    found = forecast.read(source, parameters=["air_temperature"], until=NEXT_DAY).coverage()
    columns = ["station_id", "observations", "good", "fail", "missing"]
    assert found[columns].to_numpy().tolist() == [["A", 5, 3, 2, 0], ["B", 2, 1, 0, 1], ["C", 0, 0, 0, 0]]
    assert found["expected"].isna().all()


def test_coverage_says_how_many_were_to_be_expected_also_of_a_station_that_is_silent(source: str) -> None:
    parameters = ["air_temperature", "precipitation_amount", "visibility_in_air"]
    found = forecast.read(source, bbox=(2.0, 50.05, 4.0, 51.0), parameters=parameters, since=START, until=NEXT_DAY)
    told = found.coverage()[["station_id", "parameter", "expected", "observations"]].to_numpy().tolist()
    assert told == [
        *(["B", "air_temperature", 288, 2], ["B", "precipitation_amount", 288, 2], ["B", "visibility_in_air", 0, 2]),
        *(["C", "air_temperature", 288, 0], ["C", "precipitation_amount", 288, 0], ["C", "visibility_in_air", 0, 0]),
    ]


def test_an_hour_is_the_mean_of_its_good_values_at_its_end(source: str) -> None:
    asked: dict[str, Any] = {"stations": ["A"], "parameters": ["air_temperature"], "freq": "1h"}
    hourly = forecast.read(source, **asked, since=START, until=NEXT_DAY, min_share=0.25)
    assert hourly.to_arrow().to_pylist() == [
        {"station_id": "A", "timestamp": START + timedelta(hours=1), "air_temperature": None},
        {"station_id": "A", "timestamp": NEXT_DAY, "air_temperature": None},
    ]
    # Of the hour that ends with the day, one value failed and the other is its end.
    assert hourly.reasons()["air_temperature"].to_pylist() == ["below_min_share"] * 2
    least = forecast.read(source, **asked, since=START, until=NEXT_DAY, min_share=0.08).to_arrow()
    assert least["air_temperature"].to_pylist() == [pytest.approx((12.1 + 12.2) / 2), 11.0]
    assert least.schema.field("air_temperature").metadata[b"cell_methods"] == b"time: mean"
    assert len(hourly) == 2


def test_intervals_lie_between_the_bounds_from_beginning_to_end(source: str) -> None:
    def ends(**bounds: Any) -> list[datetime]:
        found = forecast.read(source, stations=["A"], parameters=["air_temperature"], freq="1h", **bounds)
        times: list[datetime] = found.to_arrow()["timestamp"].to_pylist()
        assert found.reasons()["timestamp"].to_pylist() == times
        return times

    first, last = START + timedelta(hours=1), START + timedelta(days=2)
    assert ends() == [START, first, NEXT_DAY, last]
    assert ends(since=START) == [first, NEXT_DAY, last]
    assert ends(since=START + timedelta(minutes=1)) == [NEXT_DAY, last]
    assert ends(until=NEXT_DAY) == [START, first, NEXT_DAY]
    assert ends(until=NEXT_DAY - timedelta(minutes=1)) == [START, first]


def test_a_polars_frame_has_the_same_values(source: str) -> None:
    found = forecast.read(source, stations=["A"], parameters=["air_temperature"], until=NEXT_DAY)
    frame = found.to_polars()
    assert frame.columns == ["station_id", "timestamp", "air_temperature"]
    assert frame.to_dicts() == found.to_arrow().to_pylist()


@pytest.mark.parametrize(
    ("module", "method", "extra"), [("polars", "to_polars", "polars"), ("xarray", "to_xarray", "xarray")]
)
def test_an_extra_that_is_not_installed_is_named(
    sources: dict[str, str], monkeypatch: pytest.MonkeyPatch, module: str, method: str, extra: str
) -> None:
    found = forecast.read(sources["dataset"], stations=["A"])
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "forecast.reader.cf_dataset", raising=False)
    with pytest.raises(ImportError, match=rf"{method} needs {module}: install forecast\[{extra}\]"):
        getattr(found, method)()


def test_a_pandas_frame_has_plain_types(source: str) -> None:
    frame = forecast.read(source, stations=["A"], parameters=["air_temperature"]).to_pandas()
    assert str(frame["air_temperature"].dtype) == "float64"
    assert str(frame["timestamp"].dtype) == "datetime64[ms, UTC]"
    assert frame["station_id"].value_counts().to_dict() == {"A": 7}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": datetime(2024, 10, 1)}, "since is 2024-10-01T00:00:00, without a time zone"),
        ({"parameters": ["air_temperatur"]}, "air_temperatur is not a parameter; did you mean air_temperature?"),
        ({"parameters": "air_temperature"}, "parameters is the text 'air_temperature'; give a list"),
        ({"stations": "A"}, "stations is the text 'A'; give a list"),
        ({"flags": "best"}, "flags is 'best'; expected good, not_failed, all"),
        ({"since": date(2024, 10, 2), "until": date(2024, 10, 2)}, "is not before until"),
        ({"freq": "2h"}, "freq is '2h'; expected 10min, 30min, 1h, 3h, 1d"),
        ({"freq": "1h", "min_share": 1.1}, "min_share is 1.1; expected a share from 0 to 1"),
        ({"freq": "1h", "provenance": True}, "provenance cannot be combined with freq"),
        ({"bbox": (4.0, 50.0, 2.0, 51.0)}, "expected west, south, east, north"),
    ],
)
def test_an_invalid_request_is_named(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        forecast.read("nowhere", **asked)


def test_a_zone_without_a_dataset_says_so(tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match="has no complete dataset"):
        forecast.read(str(tmp_path))


def test_a_zone_whose_stations_were_removed_says_so(sources: dict[str, str], tmp_path: Path) -> None:
    zone = shutil.copytree(sources["dataset"], tmp_path / "zone")
    (zone / "stations.parquet").unlink()
    with pytest.raises(RetryableError, match=r"lacks stations\.parquet, which every run writes; run `forecast run`"):
        forecast.stations(str(zone))


def test_without_a_source_and_settings_the_error_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("PROCESSED_URI", "MONGODB_URI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingError, match="neither PROCESSED_URI nor MONGODB_URI is set"):
        forecast.read()
