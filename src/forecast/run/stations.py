"""The stations of a command: the built-in ones, and those of STATIONS_URI."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from forecast.core.errors import SettingError
from forecast.core.raw_objects import RawObject
from forecast.core.registry import load_stations
from forecast.core.registry_files import ENDINGS, RegistryFile
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.core.text import escaped
from forecast.networks.registry import NETWORKS
from forecast.storage import Store, open_store

LOGGER = logging.getLogger("forecast.run.stations")
_SETTING = "STATIONS_URI"


def configured_stations(settings: Settings) -> Stations:
    """The station registry that the settings name.

    Raises SettingError if a file is missing, of another kind or wrong; RetryableError if S3 is unreachable.
    """
    with TemporaryDirectory(prefix="forecast-stations-") as folder:
        return load_stations(
            (
                RegistryFile(listed.uri, content_of(store, listed, Path(folder) / "file"))
                for uri in settings.stations_uri or ()
                for store, listed in _files(uri)
            ),
            NETWORKS.id_prefixes,
        )


def _files(uri: str) -> Iterator[tuple[Store, RawObject]]:
    """The files at a location: itself, or those in the folder."""
    if uri.lower().endswith(ENDINGS):
        yield find_file(uri, _SETTING)
        return
    store = open_store(uri, _SETTING)
    found = list(store.list())
    files = [listed for listed in found if listed.key.lower().endswith(ENDINGS)]
    if not files:
        raise SettingError(f"{store.uri} holds no {' or '.join(ENDINGS)} file ({_SETTING})")
    if others := len(found) - len(files):
        LOGGER.warning("%s: %d files that are neither .json nor .csv are not read", escaped(store.uri), others)
    for listed in files:
        yield store, listed


def find_file(uri: str, setting: str) -> tuple[Store, RawObject]:
    """The file at a location, and its URI. Raises SettingError if there is none."""
    folder, _, name = uri.rpartition("/")
    store = open_store(folder or ("/" if uri.startswith("/") else "."), setting)
    if (listed := store.find(name)) is None:
        raise SettingError(f"there is no file {uri} ({setting})")
    return store, listed


def content_of(store: Store, listed: RawObject, copy: Path) -> bytes:
    """The content of a file, via a local copy."""
    store.fetch(listed, copy)
    return copy.read_bytes()
