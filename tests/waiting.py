"""How long a test waits for what another process or thread is to do. A busy machine is no fault of the program."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

WAIT_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 0.02


def wait_until(done: Callable[[], bool], process: Any = None) -> None:
    """Wait for what no event tells, because it happens in another process; that one must not end before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, f"not done within {WAIT_SECONDS:.0f} s"
        time.sleep(_PAUSE_SECONDS)
