"""How long a test waits for what another process or thread is to do. A busy machine is no fault of the program."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from pymongo.database import Database

WAIT_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 0.02
# How often a test that waits for a change looks whether the process still lives.
_LOOK_MS: Final = 1000


def wait_until(done: Callable[[], bool], process: Any = None) -> None:
    """Wait for what no event tells, because it happens in another process; that one must not end before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, f"not done within {WAIT_SECONDS:.0f} s"
        time.sleep(_PAUSE_SECONDS)


def wait_for_change(database: Database[Any], done: Callable[[], bool], process: Any = None) -> None:
    """Wait for what shows in a database, looking whenever the server tells of a change there.

    A process that is to bring it about must not end before.
    """
    with database.watch(max_await_time_ms=_LOOK_MS) as changes:
        while not done():
            assert process is None or process.poll() is None, process.stderr.read()
            changes.try_next()
