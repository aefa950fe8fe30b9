"""The network of docs/adding-a-network.md, installed as a package outside the tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forecast.core.errors import ObjectRejectedError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import Validated, to_table
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.registry import NETWORKS, Networks, find_networks
from forecast.run.cache import circumstances_digest, program_digest
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from tests.networks import station
from tests.transform.samples import NOW

PAGE = (Path(__file__).parents[3] / "docs" / "adding-a-network.md").read_text("utf-8")
BUOY = station("port-0042", network="Port of Dunkirk")
Install = Callable[[str, str], None]
STREAM = """
from forecast.networks.fetch import EACH, FIRST_DAY, STATION, Fetch

FETCH = Fetch(
    source="port",
    network="Port of Dunkirk",
    stream="buoys",
    path="/buoys",
    params=(("buoy", STATION), ("day", FIRST_DAY)),
    key_setting="WUNDERGROUND_API_KEY",
    url_setting="WUNDERGROUND_API_URL",
    day_format="%Y-%m-%d",
    records=("rows", EACH),
    station_field="buoy",
    time_field="hour",
    time_format="%Y%m%d%H",
    batch=1,
    station_days=1,
    per_minute=1,
    per_day=1,
    refusals=(),
)
"""


def shown(language: str) -> str:
    """The example of the page in this language."""
    found = re.search(f"^( *)```{language}\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[2].replace(f"\n{found[1]}", "\n").removeprefix(found[1])


def with_stream(stream: str = STREAM) -> str:
    """The example, with a stream of the port's API."""
    return stream + shown("python").replace("first_year=2010,", "first_year=2010, fetch=(FETCH,),")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a module with this text, whose entry point is its NETWORK."""

    def installed(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        facts = tmp_path / f"{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (facts / "entry_points.txt").write_text(f"[forecast.networks]\n{name} = {name}:NETWORK\n", "utf-8")

    monkeypatch.syspath_prepend(str(tmp_path))
    return installed


def observations(content: str, networks: Networks, folder: Path) -> list[dict[str, Any]]:
    """What extract, transform and validate make of an object."""
    path = folder / "object"
    path.write_text(content, "utf-8")
    raw = RawObject("port/a.csv", "a", 1, "etag", NOW)
    stations = Stations({BUOY.id: BUOY})
    transformer = ObjectTransformer(raw.key, stations, NOW, networks)
    parts = [transformer.transform(batch) for batch in extract(path, raw, networks, Limits(), NOW)]
    tables = [part.observations for part in (*parts, *transformer.finish())]
    assert [row for part in parts for row in to_table(part.rejected).to_pylist()] == []
    assert transformer.reading.unknown == {}
    validated: Validated = validate(pa.concat_tables(tables), stations, NOW)
    rows: list[dict[str, Any]] = validated.observations.to_pylist()
    return rows


def test_the_example_of_the_page_is_read_to_its_records(install: Install, tmp_path: Path) -> None:
    install("port_of_dunkirk", shown("python"))
    networks = find_networks()
    rows = observations(shown("csv"), networks, tmp_path)
    assert [(row["station_id"], f"{row['timestamp']:%Y-%m-%dT%H:%M}") for row in rows] == [
        ("port-0042", "2024-10-01T12:00"),
        ("port-0042", "2024-10-01T13:00"),
    ]
    assert [row["air_temperature"] for row in rows] == pytest.approx([14.0, 14.5])
    assert [row["wind_speed"] for row in rows] == [4.5, None]
    assert [json.loads(row["source_flags"]) for row in rows] == [
        {"air_temperature": 1, "wind_speed": 2},
        {"air_temperature": 1},
    ]
    assert networks.failed_codes_of("Port of Dunkirk") == {2}


def test_a_stream_of_an_installed_network_is_a_source(install: Install) -> None:
    install("port_with_stream", with_stream())
    networks = find_networks()
    assert set(networks.fetches) == {*NETWORKS.fetches, "port"}
    assert networks.fetches["port"].path == "/buoys"


def test_two_networks_with_the_same_source_are_an_error() -> None:
    networks = list(find_networks())
    first = next(network for network in networks if network.name == "InfoClimat")
    with pytest.raises(ValueError, match="two sources are called 'infoclimat'"):
        Networks([*networks, replace(first, name="Other", fetch=(replace(first.fetch[0], network="Other"),))])


def test_a_time_in_another_form_than_declared_is_rejected(install: Install, tmp_path: Path) -> None:
    install("port_with_times", shown("python"))
    path = tmp_path / "object"
    path.write_text("buoy;hour;t\n0042;20241001123;287,15\n0042;2024-10-01 12:00;1\n0042;2024100112;287,15\n", "utf-8")
    networks, raw = find_networks(), RawObject("port/a.csv", "a", 1, "etag", NOW)
    transformer = ObjectTransformer(raw.key, Stations({BUOY.id: BUOY}), NOW, networks)
    (part,) = [transformer.transform(batch) for batch in extract(path, raw, networks, Limits(), NOW)]
    rejected = to_table(part.rejected).to_pylist()
    assert [(row["position"], row["code"], row["field"]) for row in rejected] == [
        ("row 1", "bad_timestamp", "hour"),
        ("row 2", "bad_timestamp", "hour"),
    ]
    assert rejected[0]["reason"] == "not a date and time in UTC (%Y%m%d%H)"
    assert len(part.observations) == 1


def test_rows_that_two_layouts_recognise_are_rejected_with_the_names_of_both(install: Install, tmp_path: Path) -> None:
    install("port_one", shown("python"))
    install(
        "port_two", shown("python").replace('"Port of Dunkirk"', '"Port of Calais"').replace("the port's", "Calais'")
    )
    with pytest.raises(ObjectRejectedError) as caught:
        observations(shown("csv"), find_networks(), tmp_path)
    assert (caught.value.code, caught.value.message) == (
        "ambiguous_layout",
        "the rows are of Calais' CSV and of the port's CSV: their columns do not show which of the two",
    )


def test_rows_of_no_layout_are_rejected_with_the_nearest(install: Install, tmp_path: Path) -> None:
    install("port_near", shown("python"))
    with pytest.raises(ObjectRejectedError) as caught:
        observations("buoy;time_of_day;t;ff\n0042;12:00;287,15;1\n", find_networks(), tmp_path)
    assert (caught.value.code, caught.value.message) == (
        "unknown_layout",
        (
            "no known network has rows with these columns: buoy, time_of_day, t, ff. The nearest layout is the port's "
            "CSV: there is no column hour; columns that it does not have: time_of_day"
        ),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_of_this_name", "cannot be loaded: No module named 'nothing_of_this_name'"),
        ("NETWORK = 1", "is not a forecast.networks.model.Network"),
        (shown("python").replace("Port of Dunkirk", "InfoClimat"), "has the name of another network, 'InfoClimat'"),
        (shown("python").replace('"wind_speed"', '"wind"'), "'wind' is not a measured parameter"),
        (
            with_stream(STREAM.replace('"port"', '"infoclimat"')),
            "has a source of another network, infoclimat; remove one of the two",
        ),
        (
            with_stream(STREAM.replace("Port of Dunkirk", "Port of Calais")),
            "cannot be loaded: the source 'port' of Port of Dunkirk belongs to Port of Calais",
        ),
        (
            with_stream(STREAM.replace("WUNDERGROUND_API_KEY", "PORT_KEY")),
            "cannot be loaded: the source 'port' needs a setting that does not exist: PORT_KEY",
        ),
    ],
    ids=[
        "no module",
        "no network",
        "a name that is taken",
        "no parameter",
        "a source that is taken",
        "a stream of another network",
        "no setting",
    ],
)
def test_an_entry_point_without_a_network_is_named(install: Install, text: str, words: str) -> None:
    name = f"port_{abs(hash(words))}"
    install(name, text)
    with pytest.raises(SettingError) as caught:
        find_networks()
    assert f"the network '{name}' ({name}:NETWORK), from an installed package," in caught.value.message
    assert words in caught.value.message


def test_an_installed_network_is_part_of_the_program_digest(install: Install) -> None:
    """A rejected object is tried again, and earlier records are produced again."""
    stations = Stations({BUOY.id: BUOY})
    before = program_digest(stations), circumstances_digest(stations, Limits())
    install("port_later", shown("python"))
    after = program_digest(stations), circumstances_digest(stations, Limits())
    assert (before[0] == after[0], before[1] == after[1]) == (False, False)


STATION = {"id": "port-0042", "name": "Buoy 42", "latitude": 51.06, "longitude": 2.35, "elevation": 0}
INGEST = ("ingest", "--source", "port", "--raw-uri", "raw", "--since", "2024-10-01", "--until", "2024-10-01")
DEFAULTS = {
    "type": "buoy",
    "timezone": "Europe/Paris",
    "licence": {"name": "CC BY 4.0", "url": "https://example.org", "source": "Port of Dunkirk"},
    "parameters": ["air_temperature", "wind_speed"],
    "interval_minutes": 60,
}


def installed_package(folder: Path, settings: str) -> dict[str, str]:
    """A package with the example, its stations and its settings; the environment in which it is installed."""
    package, facts = folder / "port_package", folder / "port_package-1.0.dist-info"
    package.mkdir()
    facts.mkdir()
    stream = STREAM.replace("WUNDERGROUND_API_", "PORT_API_")
    (package / "__init__.py").write_text(with_stream(stream), "utf-8")
    document = {"network": "Port of Dunkirk", "defaults": DEFAULTS, "stations": [STATION]}
    (package / "stations.json").write_text(json.dumps(document), "utf-8")
    (package / "settings.toml").write_text(settings, "utf-8")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: port-package\nVersion: 1.0\n", "utf-8")
    (facts / "entry_points.txt").write_text("[forecast.networks]\nport = port_package:NETWORK\n", "utf-8")
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder)}


def forecast(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from forecast.cli.program import forecast; forecast()", *arguments]
    return subprocess.run(program, env=environment, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.whole
def test_an_installed_package_brings_its_stations_and_settings(tmp_path: Path) -> None:
    environment = installed_package(tmp_path, shown("toml")) | {"PORT_API_KEY": "a-secret-key"}
    shown_settings = forecast(environment, tmp_path, "config", "--port-api-url", "http://127.0.0.1:1")
    lines = {line.split()[0]: line for line in shown_settings.stdout.splitlines() if line.strip()}
    assert "***" in lines["PORT_API_KEY"]
    assert "a-secret-key" not in shown_settings.stdout
    assert "http://127.0.0.1:1" in lines["PORT_API_URL"]
    ingest = forecast(environment, tmp_path, *INGEST, "--port-api-url", "http://127.0.0.1:1")
    assert "port-0042" in ingest.stdout


@pytest.mark.whole
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[PORT_API_KEY]\nkind = 'secret'\nhelp = 'a'\n", "kind is one of key, address"),
        ("[RAW_URI]\nkind = 'key'\nhelp = 'a'\n", "has the setting RAW_URI, which exists already"),
        ("[PORT_API_KEY\n", "settings.toml: "),
    ],
    ids=["kind", "taken", "no TOML"],
)
def test_an_installed_package_with_wrong_settings_is_named(tmp_path: Path, settings: str, words: str) -> None:
    environment = installed_package(tmp_path, settings)
    (tmp_path / "port_package" / "__init__.py").write_text(shown("python"), "utf-8")
    done = forecast(environment, tmp_path, *INGEST)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "the network 'port' (port_package:NETWORK), from an installed package," in done.stderr
    assert forecast(environment, tmp_path, "--help").returncode == 0
