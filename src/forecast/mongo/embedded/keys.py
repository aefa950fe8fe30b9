"""The secrets of the embedded MongoDB, which stay in its folder: the key of its set, its user's password."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from forecast.mongo.embedded.folder import unwritable

USER = "forecast"
KEY_FILE = "keyfile"
_PASSWORD_FILE = "password"  # noqa: S105  the name of a file
_BYTES = 32


def set_key(folder: Path) -> str:
    """The key by which a member of the set, and whoever starts it, is known; made at the first start."""
    return _kept(folder, KEY_FILE)


def user_password(folder: Path) -> str:
    """The password of USER; made at the first start."""
    return _kept(folder, _PASSWORD_FILE)


def _kept(folder: Path, name: str) -> str:
    path = folder / name
    try:
        if path.exists() and (found := path.read_text("ascii").strip()):
            path.chmod(0o600)  # mongod refuses a key that others may read
            return found
        made = secrets.token_hex(_BYTES)
        part = path.with_name(f".{name}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made)
        part.replace(path)
    except (OSError, ValueError) as error:
        raise unwritable(folder, error) from error
    return made
