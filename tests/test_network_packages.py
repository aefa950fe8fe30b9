"""A network is one package: nothing else names it, and everything follows when a package comes or goes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast.core.network_folders import built_in_folders
from forecast.networks.registry import NETWORKS
from tests.examples import for_the_night

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("src", "airbyte/terraform", "terraform", "docker", "Makefile", "pyproject.toml")
ENDINGS = frozenset({".py", ".toml", ".json", ".tf", ".yml", ".yaml", ".sh", ".html", ".js", ".css", ""})
# What the program promises names these two; these files name them as examples, or are about their data.
OLDEST = {"InfoClimat", "Weather Underground"}
NAMED = {
    "src/forecast/cli/airbyte.py",
    "src/forecast/cli/ingest.py",
    "src/forecast_demo/crowd.py",
    "src/forecast_demo/history.py",
    "terraform/modules/pipeline/main.tf",
    "terraform/modules/pipeline/variables.tf",
    "terraform/variables.tf",
}
FOLDERS = {folder.name for folder in built_in_folders()}
# One of the oldest, and one more: test_nothing_outside_a_package_names_its_network shows that nothing names the others.
EVERY_CHANGE = {"infoclimat", "metar"}
# What is seen of the networks, from all that is made of them.
SEEN = """
import json, sys
sys.path.insert(0, "docs")
import generate
from forecast.core.registry import load_stations
from forecast.core.settings import SETTINGS
from forecast.ingest.airbyte.manifest import manifest_text
from forecast.ingest.sources import FETCHES, FILE_FETCHES, MANIFESTED
from forecast.networks.registry import NETWORKS
from forecast.run.station_sync import source_of
from forecast_demo.apis import FakeApis, World
from forecast_demo.apis.fake import fake_networks

stations = load_stations(id_prefixes=NETWORKS.id_prefixes)
apis = FakeApis(World(stations), lambda: 1728500000.0)
print(json.dumps({
    "networks": [network.name for network in NETWORKS],
    "settings": [setting.name for setting in SETTINGS],
    "environment": generate.env_example(),
    "page": generate.networks_page(NETWORKS),
    "sources": [*FETCHES, *FILE_FETCHES],
    "manifests": {name: manifest_text(fetch) for name, fetch in MANIFESTED.items()},
    "stations": sorted({station.network for station in stations}),
    "lists": [source_of(network.name)[0].name for network in NETWORKS if network.stations],
    "fakes": [fake.network for fake in fake_networks()],
    "files": [apis.files.answer(fake.folder, {}, 1728500000.0, "").status for fake in fake_networks() if fake.folder],
}))
"""


def words_of(folder: Path) -> dict[str, set[str]]:
    """By the name of the network of a package: what only its package may say."""
    name = json.loads((folder / "stations.json").read_text("utf-8"))["network"]
    (network,) = (network for network in NETWORKS if network.name == name)
    settings = tomllib.loads((folder / "settings.toml").read_text("utf-8"))
    return {name: {folder.name, name, *(source.source for source in network.sources), *settings}}


def source_files() -> Iterator[Path]:
    for place in SOURCES:
        path = ROOT / place
        yield from [path] if path.is_file() else (found for found in path.rglob("*") if found.suffix in ENDINGS)


def texts() -> Iterator[tuple[str, str]]:
    """The files of the program outside the packages of networks, real and made up, and without generated ones."""
    for path in source_files():
        place = path.relative_to(ROOT).as_posix()
        is_own = re.match(r"src/forecast(_demo)?/networks/[a-z_]+/", place)
        if path.is_file() and not is_own and not {".terraform", "__pycache__", "tests"} & set(path.parts):
            yield place, path.read_text("utf-8")


def test_nothing_outside_a_package_names_its_network() -> None:
    words = {name: said for folder in built_in_folders() for name, said in words_of(folder).items()}
    assert words.keys() == {network.name for network in NETWORKS}
    patterns = {
        name: re.compile(rf"(?<![a-z0-9_-])(?:{'|'.join(map(re.escape, sorted(said)))})(?![a-z0-9_-])", re.IGNORECASE)
        for name, said in words.items()
    }
    named = {
        (place, name)
        for place, text in texts()
        for name, pattern in patterns.items()
        if pattern.search(text) and not (name in OLDEST and place in NAMED)
    }
    assert named == set()


def tree_at(folder: Path) -> None:
    """A copy of what networks have a part in."""
    # With what is compiled, which is good for the copies too: to compile it again takes 0.4 s of CPU.
    ignored = shutil.ignore_patterns("static")
    for name in ("forecast", "forecast_demo", "config"):
        shutil.copytree(ROOT / "src" / name, folder / "src" / name, ignore=ignored)
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "generate.py", folder / "docs")


def packages_of(folder: Path, name: str) -> list[Path]:
    return [folder / "src" / room / "networks" / name for room in ("forecast", "forecast_demo")]


def seen_in(folder: Path) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        [sys.executable, "-c", SEEN], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    return seen_in(ROOT)


@pytest.mark.whole
def test_a_package_that_is_added_is_known_everywhere(tmp_path: Path, before: dict[str, Any]) -> None:
    tree_at(tmp_path)
    for old, new in zip(packages_of(tmp_path, "metar"), packages_of(tmp_path, "harbour"), strict=True):
        shutil.copytree(old, new, ignore=shutil.ignore_patterns("__pycache__"))
        for path in new.iterdir():
            path.write_text(path.read_text("utf-8").replace("metar", "harbour").replace("METAR", "HARBOUR"), "utf-8")
            path.rename(path.with_name(path.name.replace("metar", "harbour")))
    seen = seen_in(tmp_path)
    assert set(seen["networks"]) - set(before["networks"]) == {"HARBOUR"}
    assert set(seen["settings"]) - set(before["settings"]) == {"HARBOUR_API_URL"}
    assert "#HARBOUR_API_URL=" in seen["environment"]
    assert "\n## HARBOUR\n" in seen["page"]
    assert set(seen["sources"]) - set(before["sources"]) == {"harbour"}
    assert seen["manifests"].keys() - before["manifests"].keys() == {"harbour"}
    assert set(seen["lists"]) - set(before["lists"]) == {"HARBOUR"}
    assert set(seen["fakes"]) - set(before["fakes"]) == {"HARBOUR"}


@pytest.mark.whole
@pytest.mark.parametrize("name", sorted(EVERY_CHANGE) + for_the_night(*sorted(FOLDERS - EVERY_CHANGE)))
def test_a_package_that_is_removed_leaves_nothing_behind(tmp_path: Path, before: dict[str, Any], name: str) -> None:
    tree_at(tmp_path)
    ((network, words),) = words_of(packages_of(ROOT, name)[0]).items()
    for folder in packages_of(tmp_path, name):
        shutil.rmtree(folder)
    if network in OLDEST:
        # They are named as those whose history and crowds the benchmarks make up.
        (tmp_path / "src" / "forecast_demo" / "__init__.py").write_text("", "utf-8")
    seen = seen_in(tmp_path)
    assert set(before["networks"]) - set(seen["networks"]) == {network}
    assert network not in {*seen["stations"], *seen["lists"], *seen["fakes"]}
    assert not words & {*seen["settings"], *seen["sources"], *seen["manifests"]}
    assert set(before["fakes"]) - set(seen["fakes"]) == {network}
    assert all(f"#{word}=" not in seen["environment"] for word in words)
    assert f"\n## {network}\n" not in seen["page"]
