"""Where the stations of a command come from: STATIONS_URI."""

from __future__ import annotations

import logging
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from forecast.cli.program import forecast_app
from forecast.core.errors import SettingError
from forecast.core.registry import load_stations
from forecast.core.settings import load_settings
from forecast.run.stations import configured_stations
from forecast.storage import open_store
from tests.stations import entry, registry_file

TABLE = b"id,name,latitude,longitude,elevation\nB,b,50,3,1\n"
DOCUMENT = registry_file("InfoClimat", entry("A")).content
BUILT_IN = {station.id for station in load_stations()}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATIONS_URI", raising=False)


def added(uri: str) -> set[str]:
    return {station.id for station in configured_stations(load_settings({"STATIONS_URI": uri}))} - BUILT_IN


def write(name: str, content: bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_without_the_setting_the_stations_are_the_built_in_ones() -> None:
    assert {station.id for station in configured_stations(load_settings({}))} == BUILT_IN


def test_a_file_adds_its_stations(tmp_path: Path) -> None:
    write("a.json", DOCUMENT)
    assert added("a.json") == added(f"{tmp_path}/a.json") == added("./a.json") == {"A"}


def test_ids_of_a_network_begin_as_its_package_declares() -> None:
    write("a.json", registry_file("InfoClimat", entry("x-A"), id_prefix="x-").content)
    with pytest.raises(SettingError, match="id_prefix is 'x-', but InfoClimat declares ''; leave it out"):
        added("a.json")


def test_several_files_are_separated_by_commas_or_blanks() -> None:
    write("a.json", DOCUMENT)
    write("stations/infoclimat.csv", TABLE)
    for uri in ("a.json,stations/infoclimat.csv", "a.json stations/", " a.json ,  stations/infoclimat.csv,"):
        assert added(uri) == {"A", "B"}


def test_of_a_folder_all_tables_and_documents_are_read_and_the_others_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    write("stations/a.JSON", DOCUMENT)
    write("stations/below/infoclimat.csv", TABLE)
    write("stations/readme.md", b"")
    with caplog.at_level(logging.WARNING):
        assert added("stations") == {"A", "B"}
    assert caplog.messages == ["stations: 1 files that are neither .json nor .csv are not read"]


def test_a_table_that_is_named_like_a_networks_file_is_of_that_network() -> None:
    write("wunderground.csv", TABLE.replace(b"elevation", b"elevation,timezone").replace(b",1", b",1,UTC"))
    station = configured_stations(load_settings({"STATIONS_URI": "wunderground.csv"})).get("B")
    assert station is not None
    assert (station.network, station.timezone) == ("Weather Underground", "UTC")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("none.json", "there is no file none.json (STATIONS_URI)"),
        ("none/a.csv", "there is no file none/a.csv (STATIONS_URI)"),
        ("empty", "empty holds no .json or .csv file (STATIONS_URI)"),
        ("none", "does not exist (STATIONS_URI)"),
        ("/none.json", "there is no file /none.json (STATIONS_URI)"),
    ],
)
def test_a_missing_registry_file_is_named(uri: str, words: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(SettingError) as caught:
        added(uri)
    assert words in caught.value.message


def test_an_invalid_address_is_an_error_that_says_what_the_setting_accepts() -> None:
    with pytest.raises(SettingError) as caught:
        added("a.json https://host/a.json")
    assert caught.value.message == (
        "STATIONS_URI begins with 'https://' (from --stations-uri); "
        "expected files or folders, local or s3://bucket/prefix/, separated by commas or spaces"
    )


@pytest.mark.parametrize("uri", ["s3://{}/stations/a.json", "s3://{}/stations/", "s3://{}/stations", "s3://{}"])
def test_files_and_prefixes_on_s3_are_read(s3_bucket: str, tmp_path: Path, uri: str) -> None:
    write("a.json", DOCUMENT)
    open_store(f"s3://{s3_bucket}/stations/").publish(tmp_path / "a.json", "a.json")
    assert added(uri.format(s3_bucket)) == {"A"}


def test_a_missing_file_on_s3_is_named(s3_bucket: str) -> None:
    with pytest.raises(SettingError) as caught:
        added(f"s3://{s3_bucket}/a.json")
    assert caught.value.message == f"there is no file s3://{s3_bucket}/a.json (STATIONS_URI)"


@pytest.mark.parametrize("name", [None, "stations/", "stations/readme.txt"])
def test_a_folder_on_s3_without_stations_is_named(s3_bucket: str, name: str | None) -> None:
    """Nothing is there, S3's console has made an empty folder, or there is another file."""
    if name is not None:
        boto3.client("s3").put_object(Bucket=s3_bucket, Key=name, Body=b"")
    with pytest.raises(SettingError) as caught:
        added(f"s3://{s3_bucket}/stations/")
    assert caught.value.message == f"s3://{s3_bucket}/stations/ holds no .json or .csv file (STATIONS_URI)"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"id,name,latitude,longitude,elevation\n"), ("a.json", b'{"network": "InfoClimat", "stations": []}')],
)
def test_a_file_whose_last_station_was_removed_is_right(name: str, content: bytes) -> None:
    write(name, content)
    assert added(name) == set()


def test_a_command_ends_with_exit_code_2_where_a_station_is_wrong() -> None:
    write("a.json", registry_file("InfoClimat", entry("A", elevation="high")).content)
    Path("raw").mkdir()
    options = ["--raw-uri", "raw", "--processed-uri", "processed", "--stations-uri", "a.json"]
    result = CliRunner().invoke(forecast_app, ["run", *options])
    assert result.exit_code == 2
    assert 'a.json, station 1 (A): elevation is "high"; expected a number from -433 to 8850' in result.stderr
