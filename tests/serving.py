"""Servers of tests, in a thread of this process."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# How long the library looks for the next request before it sees that it is to end; its own half a second adds up.
_LOOK_SECONDS: Final = 0.01


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server answer, and end it."""
    thread = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
