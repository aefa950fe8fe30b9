"""Ports on loopback, and the one that the embedded MongoDB had the last time."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

UNPRIVILEGED_PORTS = range(1024, 65536)


def last_port(kept: Path) -> int | None:
    """The port that a file holds, or None."""
    try:
        port = int(kept.read_text())
    except (OSError, ValueError):
        return None
    return port if port in UNPRIVILEGED_PORTS else None


def keep_port(kept: Path, port: int) -> None:
    """Write a port down for the next start."""
    # Without it the next start takes another port and changes the configuration, which works too.
    with suppress(OSError):
        kept.write_text(str(port))


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
