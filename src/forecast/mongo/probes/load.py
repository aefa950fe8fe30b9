"""The protocol between a load test and its client processes, and these processes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.probes.queries import StationSpan

Loop = Literal["closed", "open"]
Cache = Literal["cold", "warm"]
_MessageT = TypeVar("_MessageT", bound=msgspec.Struct)
_MODULE: Final = "forecast.mongo.probes.clients"


class Setup(msgspec.Struct):
    """What the clients ask, and of whom; it has a password in it, and goes through a pipe."""

    uri: str
    database: str
    collection: str
    spans: list[StationSpan]
    until: datetime


@dataclass(frozen=True, slots=True)
class Conditions:
    """Those of a phase: how many clients, and when and of what they ask.

    In an open loop, queries are due at `rate` a second, of all clients together; in a closed one it is None.
    """

    clients: int
    loop: Loop
    cache: Cache
    rate: float | None


class Part(msgspec.Struct):
    """A phase as one process has it: the clients `first`, `first` + 1, … of `clients`, `number` of them.

    Each sends `requests` queries: one after another or, if there is a `rate` (queries per second of all clients
    together), when they are due.
    """

    first: int
    number: int
    clients: int
    requests: int
    rate: float | None
    cache: Cache
    seed: int


class Ready(msgspec.Struct):
    """All clients of the process are there and wait."""

    clients: int


class Timed(msgspec.Struct):
    """What became of the queries of a phase, by name: times (ms) and rows of the answered ones, errors in words.

    `seconds` is the time from the start to the last answer, `cpu_seconds` what the clients' processes took of it, and
    `host_cpu` the share of all cores that was busy; None if too little time has passed to know.
    """

    times_ms: dict[str, list[float]]
    rows: dict[str, int]
    errors: dict[str, dict[str, int]]
    seconds: float
    cpu_seconds: float
    host_cpu: float | None

    @property
    def answered(self) -> int:
        """How many queries were answered."""
        return sum(map(len, self.times_ms.values()))


class Clients:
    """Processes of clients, one a core at most: Python decodes on one core at a time."""

    def __init__(self, setup: Setup, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        self._processes = processes
        for process in processes:
            _send(process, setup)

    def phase(self, conditions: Conditions, requests: int, seed: int) -> Timed:
        """Run a phase with this many queries per client. Raises RetryableError if a process exits unexpectedly."""
        clients = conditions.clients
        at_work = self._processes[:clients]
        first = 0
        for place, process in enumerate(at_work):
            number = clients // len(at_work) + (place < clients % len(at_work))
            _send(process, Part(first, number, clients, requests, conditions.rate, conditions.cache, seed))
            first += number
        for process in at_work:
            _received(process, Ready)
        for process in at_work:
            _write(process, b"go\n")
        return merged([_received(process, Timed) for process in at_work])


@contextmanager
def load_clients(setup: Setup) -> Iterator[Clients]:
    """Clients that wait for their first phase; their processes have ended afterwards.

    Raises SettingError where locust is not installed.
    """
    if importlib.util.find_spec("locust") is None:
        raise SettingError(
            "forecast load-test needs locust, which is not installed: install the extra load-test "
            "(poetry install --extras load-test)"
        )
    with ExitStack() as ends:
        yield Clients(setup, [ends.enter_context(_process()) for _ in range(os.cpu_count() or 1)])


@contextmanager
def _process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
    )
    try:
        yield process
    finally:
        assert process.stdin is not None  # noqa: S101  it was asked for
        assert process.stdout is not None  # noqa: S101
        with suppress(OSError):
            process.stdin.close()
        # What is not done by now is not wanted any more.
        process.terminate()
        process.wait()
        process.stdout.close()


def _environment() -> dict[str, str]:
    """That of this process, and where Python finds the program."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _send(process: subprocess.Popen[bytes], message: msgspec.Struct) -> None:
    _write(process, msgspec.json.encode(message) + b"\n")


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None  # noqa: S101  it was asked for
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except OSError as error:
        raise _ended(process) from error


def _received(process: subprocess.Popen[bytes], of: type[_MessageT]) -> _MessageT:
    assert process.stdout is not None  # noqa: S101  it was asked for
    if not (line := process.stdout.readline()):
        raise _ended(process)
    return msgspec.json.decode(line, type=of)


def _ended(process: subprocess.Popen[bytes]) -> RetryableError:
    return RetryableError(
        f"a client process of the load test exited unexpectedly with code {process.wait()}; its output is above"
    )


def merged(parts: Sequence[Timed]) -> Timed:
    """What several processes measured at the same time."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    rows: Counter[str] = Counter()
    errors: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for part in parts:
        rows.update(part.rows)
        for name, found in part.times_ms.items():
            times[name] += found
        for name, messages in part.errors.items():
            errors[name].update(messages)
    return Timed(
        dict(times),
        dict(rows),
        {name: dict(messages) for name, messages in errors.items()},
        max(part.seconds for part in parts),
        sum(part.cpu_seconds for part in parts),
        max((part.host_cpu for part in parts if part.host_cpu is not None), default=None),
    )
