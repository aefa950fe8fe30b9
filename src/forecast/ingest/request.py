"""The request of an ingest run, and its environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from forecast.core.errors import SettingError
from forecast.ingest.clock import Clock, SystemClock
from forecast.ingest.source import Progress, no_progress
from forecast.ingest.sources import FETCHES, FILE_FETCHES
from forecast.ingest.transport import HttpTransport, Transport
from forecast.networks.fetch import Fetch
from forecast.networks.file_fetch import FileFetch
from forecast.networks.source import Source
from forecast.storage.documents import Documents


@dataclass(frozen=True, slots=True)
class Request:
    """What a command requests. Without `sources`, all are read that have stations and a key."""

    sources: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    full_refresh: bool = False
    dry_run: bool = False
    check: bool = False

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise SettingError(f"--since {self.since} is later than --until {self.until}")


@dataclass(slots=True)
class Surroundings:
    """The environment of a run; tests pass their own."""

    stop: threading.Event = field(default_factory=threading.Event)
    clock: Clock | None = None
    transport: Callable[[Source], Transport] = lambda fetch: HttpTransport(ipv4_only=fetch.ipv4_only)
    fetches: Mapping[str, Fetch] = field(default_factory=lambda: FETCHES)
    files: Mapping[str, FileFetch] = field(default_factory=lambda: FILE_FETCHES)
    documents: Documents | None = None
    progress: Progress = no_progress

    @property
    def the_clock(self) -> Clock:
        """The given clock, or the machine's."""
        return self.clock or SystemClock(self.stop)
