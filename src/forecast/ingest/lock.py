"""One run per source at a time: a lease next to the state, which expires if its holder dies.

It works like the database's lease (forecast.mongo.lock) and prevents two runs from making the same calls. The state is
consistent even without it, because every write names the version that it replaces.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from forecast.core.errors import ForecastError, RetryableError
from forecast.core.processes import has_died, this_place
from forecast.core.text import escaped
from forecast.storage.documents import DocumentChangedError, Documents

LOGGER = logging.getLogger("forecast.ingest")
LEASE_SECONDS: Final = 60
_RENEWAL_SECONDS: Final = 15
_FREE: Final = b"{}"


class SourceLeasedError(RetryableError):
    """Another run reads this source."""


@dataclass(slots=True)
class SourceLease:
    """The right to read a source, until `lost` is set."""

    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise RetryableError if another run may have taken the lease."""
        if self.lost.is_set():
            raise RetryableError("this run was suspended for so long that its lease expired; run again")


@contextmanager
def source_lease(documents: Documents, source: str, run_id: str) -> Iterator[SourceLease]:
    """Hold the lease of a source. Raises SourceLeasedError if another run holds it."""
    name = f"{source}.lease"
    keeper = _Keeper(documents, name, run_id)
    keeper.acquire(source)
    thread = threading.Thread(target=keeper.keep, name="lease", daemon=True)
    thread.start()
    try:
        yield keeper.lease
    finally:
        keeper.ended.set()
        thread.join()
        keeper.release()


class _Keeper:
    """Takes, renews and releases the lease. A document's age is measured by the clock of its store."""

    def __init__(self, documents: Documents, name: str, run_id: str) -> None:
        self._documents = documents
        self._name = name
        self._holder = {"run_id": run_id, "pid": os.getpid(), "place": this_place(), "host": socket.gethostname()}
        self._version = ""
        self.lease = SourceLease()
        self.ended = threading.Event()

    def acquire(self, source: str) -> None:
        found = self._documents.read(self._name)
        if found is not None:
            holder = _parsed(found.content)
            died = has_died(holder.get("place"), holder.get("pid"))
            if holder and found.age_seconds < LEASE_SECONDS and not died:
                raise SourceLeasedError(_held(source, holder))
        try:
            self._version = self._documents.write(self._name, self._content(), found.version if found else None)
        except DocumentChangedError as error:
            raise SourceLeasedError(_held(source, {})) from error

    def keep(self) -> None:
        """Renew it until the end."""
        while not self.ended.wait(_RENEWAL_SECONDS):
            try:
                self._version = self._documents.write(self._name, self._content(), self._version)
            except DocumentChangedError:
                self.lease.lost.set()
                return
            except ForecastError as error:
                LOGGER.warning("the lease could not be renewed: %s", error.message)

    def release(self) -> None:
        """Release the lease; if that fails, it expires."""
        if self.lease.lost.is_set():
            return
        try:
            self._documents.write(self._name, _FREE, self._version)
        except ForecastError:
            LOGGER.warning("the lease could not be released; it expires by itself within %d seconds", LEASE_SECONDS)

    def _content(self) -> bytes:
        # Never the same content twice, because a version may be a digest of the content.
        return json.dumps({**self._holder, "renewal": secrets.token_hex(8)}).encode()


def _parsed(content: bytes) -> dict[str, Any]:
    """The holder; empty if it cannot be read."""
    try:
        holder = json.loads(content)
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _held(source: str, holder: dict[str, Any]) -> str:
    who = f": {escaped(str(holder['run_id']))} on {escaped(str(holder.get('host')))}" if "run_id" in holder else ""
    return (
        f"another run is reading {source}{who}. Run again when it is done; if it died, its lease expires within "
        f"{LEASE_SECONDS} seconds"
    )
