"""The disk space that the objects of a run may use at a time: MAX_TEMPORARY_MB."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from forecast.core.errors import InterruptedRunError, ObjectRejectedError

# How often a waiting thread checks whether the run should stop.
_LOOK_SECONDS = 0.5


class DiskBudget:
    """The size that the folder of each object has or may reach next.

    Space is reserved before it is written, which waits until earlier objects are loaded and have released
    theirs. The sum therefore never exceeds `most`.
    """

    def __init__(self, most: int, check_stop: Callable[[], None]) -> None:
        self._most = most
        self._check_stop = check_stop
        self._held: dict[Path, int] = {}
        self._closed = False
        self._changed = threading.Condition()

    def reserve(self, folder: Path, size: int) -> None:
        """Reserve this many bytes for a folder, or release the rest; waits while the others need the space.

        Raises ObjectRejectedError if even the whole budget is not enough.
        """
        if size > self._most:
            message = f"the object needs more than {self._most >> 20} MB of temporary files (MAX_TEMPORARY_MB)"
            raise ObjectRejectedError("too_large", message)
        with self._changed:
            while sum(self._held.values()) - self._held.get(folder, 0) + size > self._most:
                if self._closed:
                    raise InterruptedRunError("the run ends: no more space is reserved for temporary files")
                self._check_stop()
                self._changed.wait(_LOOK_SECONDS)
            self._held[folder] = size
            self._changed.notify_all()

    def release(self, folder: Path) -> None:
        """Release the space of a folder that was removed."""
        with self._changed:
            self._held.pop(folder, None)
            self._changed.notify_all()

    def close(self) -> None:
        """Stop all waiting: nothing is loaded or released after this."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
