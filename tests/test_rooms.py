"""Where the code lies, and whose stations tests name."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import forecast
from forecast import networks
from forecast.networks.registry import NETWORKS
from tests.stations import built_in_stations

# Settings name the keys of the networks' APIs.
_MAY_NAME_NETWORKS = {"core/settings.py"}
_ROOMS = ("core", "extract", "transform", "validate", "qc", "zone", "mongo", "report", "run", "storage", "ingest")
ROOM_LESS = {"__init__.py", "py.typed"}


def test_the_package_holds_packages_and_no_loose_module() -> None:
    (folder,) = map(Path, forecast.__path__)
    assert {path.name for path in folder.iterdir() if path.is_file()} == ROOM_LESS


def test_nothing_outside_its_package_names_a_network() -> None:
    (folder,) = map(Path, forecast.__path__)
    names = {network.name.casefold() for network in NETWORKS}
    names |= {module.name for module in pkgutil.iter_modules(networks.__path__) if module.ispkg}
    assert {"infoclimat", "wunderground", "weather underground"} <= names
    modules = [path for room in _ROOMS for path in (folder / room).rglob("*.py")]
    found = [
        (path.relative_to(folder).as_posix(), name)
        for path in modules
        for name in names
        if name in path.read_text("utf-8").casefold()
    ]
    assert [one for one in found if one[0] not in _MAY_NAME_NETWORKS] == []


def test_no_test_names_a_built_in_station() -> None:
    """Or the registry could not change without it: `tests/stations.py` says where tests have theirs from."""
    # "mf-synop-07995" is an id of another network, "0-20000-0-07995" one of WIGOS.
    ids = "|".join(re.escape(station.id) for station in built_in_stations())
    named = re.compile(rf"(?<![\w-])(?:{ids})(?![\w-])")
    folder = Path(__file__).parent
    files = [path for path in folder.rglob("*") if path.suffix in {".py", ".json"}]
    found = {path.relative_to(folder).as_posix(): named.findall(path.read_text("utf-8")) for path in files}
    assert {name: ids for name, ids in found.items() if ids} == {}
