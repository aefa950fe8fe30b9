"""`forecast values`, `latest`, `stations`, `parameters`: what is on stdout, what on stderr, and the exit code."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.core.parameters import PARAMETER_NAMES
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.run.dataset import DatasetWriter
from forecast.storage import LocalStore
from tests.networks import START, network, observation, records, station

STATIONS = network(*(station(name, 10 * number, interval_minutes=5) for number, name in enumerate("AB")))
VALUES = (("A", 0, 12.0), ("A", 5, 99.0), ("B", 0, 9.5), ("A", 10, 12.2))
A_DAY = ("--station", "A", "--parameter", "air_temperature")


@pytest.fixture(scope="module")
def zone(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("data")
    (folder / "zone").mkdir()
    rows = [observation(name, START + timedelta(minutes=at), air_temperature=value) for name, at, value in VALUES]
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        collection = client["test_cli_data"]["weather_measurements"]
        prepare_collection(collection)
        pending_qc = PendingQc.for_collection(collection, "run")
        load(records(rows, STATIONS, folder), collection, pending_qc)
        evaluate_pending(pending_qc, collection, STATIONS)
        DatasetWriter(LocalStore(folder / "zone"), collection, STATIONS, "run", folder).write()
        yield folder / "zone"
        client.drop_database("test_cli_data")


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("RAW_URI", "PROCESSED_URI", "MONGODB_URI", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(forecast_app, arguments)


def told(*arguments: str) -> str:
    result = asked(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_values_are_csv_by_station_and_time_without_what_failed(zone: Path) -> None:
    assert told("values", "--processed-uri", str(zone), "--parameter", "air_temperature").splitlines() == [
        '"station_id","timestamp","air_temperature"',
        f'"A","{at(0)}",12',
        f'"A","{at(5)}",',
        f'"A","{at(10)}",12.2',
        f'"B","{at(0)}",9.5',
    ]


def test_with_all_flags_each_value_has_its_flag_next_to_it(zone: Path) -> None:
    shown = json.loads(told("values", "--processed-uri", str(zone), *A_DAY, "--flags", "all", "--format", "json"))
    assert shown[1] == {"station_id": "A", "timestamp": at(5), "air_temperature": 99.0, "air_temperature_flag": 4}


def test_the_interval_is_half_open_and_takes_instants_of_any_zone(zone: Path) -> None:
    until = (START + timedelta(minutes=130)).strftime("%Y-%m-%dT%H:%M:%S+02:00")
    shown = told("values", "--processed-uri", str(zone), *A_DAY, "--since", at(5), "--until", until)
    assert shown.splitlines()[1:] == [f'"A","{at(5)}",']
    day = f"{START + timedelta(days=1):%Y-%m-%d}"
    assert len(told("values", "--processed-uri", str(zone), *A_DAY, "--until", day).splitlines()) == 4


def test_regular_intervals_are_requested_by_their_length(zone: Path) -> None:
    arguments = ("values", "--processed-uri", str(zone), *A_DAY, "--freq", "30min")
    assert told(*arguments).splitlines()[1:] == [f'"A","{at(0)}",', f'"A","{at(30)}",']
    assert told(*arguments, "--min-share", "0.1").splitlines()[1:] == [f'"A","{at(0)}",12', f'"A","{at(30)}",12.2']
    result = asked(*arguments, "--min-share", "2")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_station_without_data_is_named_on_stderr(zone: Path) -> None:
    result = asked("values", "--processed-uri", str(zone), *A_DAY, "--station", "no\x1bwhere", "--format", "table")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split() == ["station_id", "timestamp", "air_temperature"]
    assert result.stderr == "no observation was found for no\\u001bwhere\n"


def test_the_latest_of_each_station(zone: Path) -> None:
    shown = told("latest", "--processed-uri", str(zone), "--parameter", "air_temperature")
    assert shown.splitlines()[1:] == [f'"A","{at(10)}",12.2', f'"B","{at(0)}",9.5']


def test_stations_come_with_their_first_and_newest_observation(zone: Path) -> None:
    shown = {
        row["station_id"]: row for row in csv.DictReader(io.StringIO(told("stations", "--processed-uri", str(zone))))
    }
    assert (shown["A"]["first_observation"], shown["A"]["last_observation"]) == (at(0), at(10))
    assert shown["B"]["interval_minutes"] == "5"


def test_entries_for_the_registry_are_proposed_from_a_networks_own_list(tmp_path: Path) -> None:
    postes = tmp_path / "postes.csv"
    postes.write_text("ID;Nom;Latitude;Longitude;Altitude\n7915;LILLE-LESQUIN;50.57;3.0975;47\n7020;HAGUE;49.7;-1.9;\n")
    result = asked("stations", "sync", "Météo-France SYNOP", "--from", str(postes))
    assert (result.exit_code, result.stderr) == (0, "1 station of Météo-France SYNOP; left out: 1 without elevation\n")
    assert [one["id"] for one in json.loads(result.stdout)["stations"]] == ["mf-synop-07915"]
    to_file = asked(
        "stations", "sync", "Météo-France SYNOP", "--from", str(postes), "--output", str(tmp_path / "a.json")
    )
    assert (to_file.stdout, (tmp_path / "a.json").read_text("utf-8")) == ("", result.stdout)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--from", "absent.csv"], "error: absent.csv could not be read: No such file or directory"),
        (["--near", "Lille"], "error: --near is 'Lille'; expected LATITUDE,LONGITUDE,KM, such as 50.63,3.06,100"),
        ([], "error: this list needs a key; save it and name the file with --from. It is the CSV of DPObs"),
    ],
)
def test_an_unavailable_station_list_is_exit_code_2(more: list[str], words: str) -> None:
    result = asked("stations", "sync", "Météo-France observations", *more)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_parameters_need_no_store() -> None:
    shown = json.loads(told("parameters", "--format", "json"))
    assert [row["parameter"] for row in shown] == list(PARAMETER_NAMES)
    assert shown[PARAMETER_NAMES.index("air_temperature")]["udunits"] == "degC"


def test_with_output_the_result_is_in_the_file_and_not_on_stdout(zone: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    arguments = ("--processed-uri", str(zone), *A_DAY, "--format", "parquet")
    assert told("values", *arguments, "--output", str(file)) == ""
    table = pq.read_table(file)
    assert table["air_temperature"].to_pylist() == [12.0, None, 12.2]
    assert table.schema.field("timestamp").type == pa.timestamp("ms", tz="UTC")
    assert pq.read_table(io.BytesIO(asked("values", *arguments).stdout_bytes)).equals(table)


def test_a_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    result = asked("parameters", "--output", str(tmp_path / "nowhere" / "out.csv"))
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/nowhere/out.csv could not be written: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["values"], "error: neither PROCESSED_URI nor MONGODB_URI is set"),
        (["stations"], "error: neither PROCESSED_URI nor MONGODB_URI is set"),
        (["values", "--processed-uri", "z", "--parameter", "air_temp"], "error: air_temp is not a parameter"),
        (["values", "--since", "2024-10-05T06:00:00"], "has no time zone; write 2024-10-05T06:00:00Z for UTC"),
        (["values", "--since", "2024-10-05Tx"], "'2024-10-05Tx' is not a time; expected YYYY-MM-DD"),
        (["values", "--since", "20241005"], "is not a day; expected YYYY-MM-DD"),
        (
            ["values", "--processed-uri", "z", "--since", "2024-10-05", "--until", "2024-10-05"],
            "error: since (2024-10-05T00:00:00Z) is not before until (2024-10-05T00:00:00Z)",
        ),
    ],
)
def test_an_invalid_request_is_exit_code_2(arguments: list[str], words: str) -> None:
    result = asked(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert result.stdout == ""
