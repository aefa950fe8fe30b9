"""The folder of the embedded MongoDB: its data, its secrets, and which run may use it."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.core.errors import RetryableError, SettingError
from forecast.core.file_lock import try_lock

# A new database takes about 300 MB before it holds a document, most of it for the journal.
NEEDED_BYTES = 400_000_000
USER = "forecast"
KEY_FILE = "keyfile"
_PASSWORD_FILE = "password"  # noqa: S105  the name of a file
_BYTES = 32


def prepared(folder: Path) -> Path:
    """The absolute path of a folder, created if needed. Raises SettingError if it cannot be written to."""
    folder = folder.absolute()
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        # Only for its user, because it contains the password next to the data.
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        with tempfile.TemporaryFile(dir=folder / "data"):
            pass  # detects a read-only folder before mongod does
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def unwritable(folder: Path, error: OSError | ValueError) -> SettingError:
    """The error for a folder that cannot be written to."""
    words = (error.strerror if isinstance(error, OSError) else None) or error
    return SettingError(
        f"The embedded MongoDB cannot keep its data in {folder}: {words}. "
        "Run from a folder that can be written to, or set MONGODB_URI."
    )


def check_free_space(folder: Path) -> None:
    """Raise SettingError if the disk has less than NEEDED_BYTES left."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise SettingError(
            f"The embedded MongoDB needs {NEEDED_BYTES // 1_000_000} MB of free disk in {folder}, and there are "
            f"{free // 1_000_000} MB. Free some space, or set MONGODB_URI."
        )


@contextmanager
def only_user(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises RetryableError if another run holds it."""
    # The kernel releases the lock however the run ends, so no lock is ever left behind.
    try:
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise unwritable(folder, error) from error
    with lock:
        if not try_lock(lock):
            raise RetryableError(
                f"another run is using the embedded MongoDB in {folder}; wait for it to end or set MONGODB_URI"
            )
        yield


def set_key(folder: Path) -> str:
    """The key that authenticates the set's member and the program that starts it; created at the first start."""
    return _kept(folder, KEY_FILE)


def user_password(folder: Path) -> str:
    """The password of USER; created at the first start."""
    return _kept(folder, _PASSWORD_FILE)


def _kept(folder: Path, name: str) -> str:
    path = folder / name
    try:
        if path.exists() and (found := path.read_text("ascii").strip()):
            path.chmod(0o600)  # mongod rejects a key file that others can read
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
