"""The mongod that a killed run left running."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from forecast.core.errors import RetryableError
from forecast.core.file_lock import try_lock
from forecast.mongo.embedded.folder import unwritable
from forecast.mongo.embedded.server import STOP_SECONDS, wait_until

# A process that is ending loses its command line some milliseconds before its locks.
ENDING_SECONDS = 5.0


def stop_leftover(folder: Path) -> None:
    """Stop the mongod that a killed run left running on this folder."""
    path = folder / "data" / "mongod.lock"
    if not is_held(path):
        return
    text = path.read_text(errors="replace").strip()
    if not text.isdecimal() or not _is_mongod(int(text)):
        if wait_until(lambda: not is_held(path), ENDING_SECONDS):
            return
        raise RetryableError(
            f"another program is using the data in {folder}, and {path} does not show which; stop it or set MONGODB_URI"
        )
    pid = int(text)
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 10.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # it has just ended
        except PermissionError as error:
            raise RetryableError(f"another user's mongod (process {pid}) is using the data in {folder}") from error
        if wait_until(lambda: not is_held(path), seconds):
            return
    raise RetryableError(f"a mongod left behind by an earlier run (process {pid}) is using {folder} and does not stop")


def is_held(path: Path) -> bool:
    """Whether a mongod holds this lock file; the process id in the file alone may be out of date."""
    try:
        with path.open() as file:
            return not try_lock(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unwritable(path.parent.parent, error) from error


def _is_mongod(pid: int) -> bool:
    command_line = Path(f"/proc/{pid}/cmdline")
    if command_line.exists():
        return b"mongod" in command_line.read_bytes()
    listed = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "mongod" in listed.stdout
