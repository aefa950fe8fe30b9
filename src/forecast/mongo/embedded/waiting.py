"""Waiting for a mongod, but not forever."""

from __future__ import annotations

import time
from collections.abc import Callable

START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait for something; False where it did not come about in so many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
