"""Reuses the results of the same program for the same object from the processed zone, instead of computing them again.

A record depends on the raw bytes, the code, the libraries and the station registry. If a checkpoint shows that
none of them has changed, and the zone still has what was published, byte for byte, processing would give the same
result. The contents of the database are not trusted: the records are loaded like any others.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.mongo.state import Checkpoint
from forecast.networks.registry import installed_networks
from forecast.storage import Store
from forecast.zone.writer import ZoneFile

# The packages that turn raw bytes into records.
_LIBRARIES = ("fastavro", "ijson", "numpy", "pandas", "pyarrow", "python-calamine", "tzdata")
_SOURCE_FOLDER = Path(__file__).parents[2]


def program_digest(stations: Stations) -> str:
    """A digest of everything that a record depends on besides its raw bytes: code, Python, libraries, registry."""
    return _digest((code_digest(), installed_networks(), stations.digest))


def circumstances_digest(stations: Stations, limits: Limits) -> str:
    """A digest of what people can change to have an object accepted: registry, networks, limits."""
    return _digest((stations.digest, installed_networks(), asdict(limits)))


def code_digest() -> str:
    """A digest of this program, of Python, and of the libraries that turn raw bytes into values."""
    libraries = [version(name) for name in _LIBRARIES]
    return _digest((_source_digest(_SOURCE_FOLDER), platform.python_version(), libraries))


# A process runs the code that it started with.
@cache
def _source_digest(folder: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in [folder / "main.py", *sorted((folder / "forecast").rglob("*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(parts: tuple[object, ...]) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def restore_cached(
    checkpoint: Checkpoint, store: Store, folder: Path, make_room: Callable[[int], None]
) -> list[ZoneFile] | None:
    """Copies of the files that a checkpoint lists; None if the object has to be read again.

    It has to if rows were rejected, since some are only rejected for now ("in the future"), or if something
    was reported about it that its records do not show. Before each file, `make_room` gets the size in bytes of
    all files including it.
    """
    if checkpoint.counts["records_rejected"] or checkpoint.counts["remarks"]:
        return None
    files = []
    size = 0
    for number, (key, digest) in enumerate(checkpoint.files.items()):
        file = ZoneFile(folder / f"cached-{number}", key)
        listed = store.find(key)
        if listed is None:
            return None
        size += listed.size
        make_room(size)
        if store.fetch(listed, file.path) != digest:
            return None
        files.append(file)
    return files
