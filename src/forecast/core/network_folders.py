"""Finds the folders of the networks' packages: the built-in ones, and those of installed distributions.

A folder may contain `stations.json`, the network's part of the station registry, and `settings.toml`, the settings of
its API. Both are data files, so that neither the registry nor a help text has to import a network.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# The group of entry points with which an installed distribution adds a network.
GROUP: Final = "forecast.networks"
STATIONS_FILE: Final = "stations.json"
SETTINGS_FILE: Final = "settings.toml"
_BUILT_IN: Final = Path(__file__).parents[1] / "networks"


def built_in_folders() -> list[Path]:
    """The packages in forecast/networks, by name."""
    return sorted(module.parent for module in _BUILT_IN.glob("*/__init__.py"))


def installed_entries() -> Iterator[EntryPoint]:
    """The entry points of installed networks."""
    if not _is_any_installed():
        return
    from importlib.metadata import entry_points  # noqa: PLC0415  takes 40 ms, and most installations have no network

    yield from entry_points(group=GROUP)


def installed_folders() -> list[Path]:
    """The folders of installed networks. A network that is a single module has none."""
    return [folder for entry in installed_entries() if (folder := folder_of(entry)) is not None]


def folder_of(entry: EntryPoint) -> Path | None:
    """The folder of the package that an entry point names."""
    try:
        spec = find_spec(entry.module)
    except Exception:  # noqa: BLE001  foreign code; whoever loads the network reports what is wrong
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    return Path(spec.origin).parent if spec.parent and spec.origin else None


def _is_any_installed() -> bool:
    """Whether the metadata of any installed distribution contain this group."""
    facts = (file for place in sys.path for file in Path(place or ".").glob("*-info/entry_points.txt"))
    return any(GROUP in file.read_text("utf-8", "replace") for file in facts)
