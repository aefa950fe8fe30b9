"""The clock for rate limits."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970, and waiting."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait; return early if the run should end."""
        ...


class SystemClock:
    """The machine's clock."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> float:
        """See `Clock.now`."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """See `Clock.wait`."""
        self._stop.wait(seconds)
