"""The embedded MongoDB: a real mongod, started for one run, with its data in a local folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.mongo.embedded.binary import find_mongod, usable_mongod
from forecast.mongo.embedded.folder import check_free_space, only_user, prepared
from forecast.mongo.embedded.leftover import stop_leftover
from forecast.mongo.embedded.server import become_primary, log_tail, start, stop, uri

__all__ = ["embedded_mongodb", "find_mongod"]

LOGGER = logging.getLogger("forecast.mongo.embedded")


@contextmanager
def embedded_mongodb(folder: Path) -> Iterator[str]:
    """Run a one-node replica set on the data in a folder; yield its connection string, which contains a password.

    Only one run at a time can use a folder. The server is stopped at the end; one that a killed run left
    behind is stopped before the new one starts.
    """
    binary = usable_mongod()
    folder = prepared(folder)
    with only_user(folder):
        stop_leftover(folder)
        check_free_space(folder)
        process, port = start(binary, folder)
        try:
            become_primary(process, port, folder)
            try:
                yield uri(port, folder)
            finally:
                # The code that was using it only knows that the connection is lost.
                if process.poll() is not None:
                    LOGGER.error("mongod exited unexpectedly with code %d. %s", process.returncode, log_tail(folder))
        finally:
            stop(process)
