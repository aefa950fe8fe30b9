"""Runs mongodump and mongorestore from PATH, so that no process list and no message shows the password."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.core.errors import SettingError
from forecast_ops.environment import required, with_options

_LAST_LINES = 5


def find_tool(name: str) -> str:
    """The program's path. Raises SettingError if it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise SettingError(
            f"{name} is not installed here. The project's image has it; elsewhere install the MongoDB Database Tools. "
            "A database can also be filled from the processed zone, with forecast migrate"
        )
    return found


@contextmanager
def config_file(ca_file: Path, **options: str) -> Iterator[Path]:
    """MONGODB_URI in a file for the tool's --config, which only this user can read: no process list shows it.

    `options` and the CA file at hand replace those of the connection string.
    """
    uri = with_options(required("MONGODB_URI", "a MongoDB connection string"), tlsCAFile=str(ca_file), **options)
    with tempfile.TemporaryDirectory(prefix="forecast-tool-") as folder:
        path = Path(folder) / "config.yaml"
        path.touch(mode=0o600)
        # A JSON string is a YAML string.
        path.write_text(f"uri: {json.dumps(uri)}\n")
        yield path


def log_tail(log: Path) -> str:
    """The end of what a tool wrote to stderr, without users and passwords."""
    lines = log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
    return re.sub(r"://[^@\s]*@", "://***@", " | ".join(lines)) or "it printed nothing"
