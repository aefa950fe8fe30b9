"""Locks on open files. The kernel releases them when the file is closed or its process ends, however it ends."""

from __future__ import annotations

import fcntl
from typing import IO, Any


def lock(file: IO[Any]) -> None:
    """Lock a file until it is closed, waiting if another process has locked it."""
    fcntl.flock(file, fcntl.LOCK_EX)


def try_lock(file: IO[Any]) -> bool:
    """Lock a file until it is closed; False if another process has it locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
