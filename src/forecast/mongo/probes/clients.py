"""A process of clients of a load test: locust's users, greenlets that send queries. See `forecast.mongo.probes.load`.

Locust makes the blocking parts of the standard library cooperative (gevent) as soon as it is imported, which has to be
before the driver is: so this is a process of its own, in which locust is imported before the driver.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import gevent
import msgspec
import psutil
from gevent.event import Event
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser
from pymongo.errors import PyMongoError

from forecast.core.logs import trace_without_secrets
from forecast.mongo.client import collection_of, new_client, to_forecast_error
from forecast.mongo.probes.load import Part, Ready, Setup, Timed
from forecast.mongo.probes.queries import QUERIES, Query, subjects

# Warm: so few subjects that all their pages are in the server's cache once each client has asked for them.
_WARM_SUBJECTS: Final = 4
# More than there are clients: each has a seed of its own.
_MANY: Final = 1 << 16


@dataclass(slots=True)
class Phase:
    """The clients of one phase in this process, and what they found."""

    setup: Setup
    part: Part
    started: int = 0
    waiting: int = 0
    done: int = 0
    began: float = 0.0
    go: Event = field(default_factory=Event)
    all_waiting: Event = field(default_factory=Event)
    all_done: Event = field(default_factory=Event)
    times_ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rows: Counter[str] = field(default_factory=Counter)
    errors: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def next_client(self) -> int:
        """The number of a client that starts, among those of all processes."""
        number = self.part.first + self.started
        self.started += 1
        return number

    def wait(self) -> None:
        """A client waits for the start."""
        self.waiting += 1
        if self.waiting == self.part.number:
            self.all_waiting.set()
        self.go.wait()

    def leave(self) -> None:
        """A client has sent all of its queries."""
        self.done += 1
        if self.done == self.part.number:
            self.all_done.set()

    def requests(self, client: int) -> Iterator[tuple[str, Query, float | None]]:
        """The queries of a client, with their names, and when each is due (s after the start; None: after the last)."""
        part = self.part
        # Warm clients ask for the same few subjects, cold ones each for its own.
        chosen = subjects(
            self.setup.spans, self.setup.until, part.seed if part.cache == "warm" else part.seed * _MANY + client
        )
        asked = list(islice(chosen, _WARM_SUBJECTS)) if part.cache == "warm" else None
        for number in range(part.requests):
            name = list(QUERIES)[(client + number) % len(QUERIES)]
            subject = next(chosen) if asked is None else asked[(client + number) % len(asked)]
            due = None if part.rate is None else (number * part.clients + client) / part.rate
            yield name, QUERIES[name](subject), due

    def warm_up(self) -> Iterator[tuple[str, Query]]:
        """Every query that a warm client may send, with its name."""
        for subject in islice(subjects(self.setup.spans, self.setup.until, self.part.seed), _WARM_SUBJECTS):
            for name, make in QUERIES.items():
                yield name, make(subject)


class Client(User):
    """A client with its own connection, which cold clients open with their first query."""

    phase: Phase

    def on_start(self) -> None:
        """Connect and warm up, if requested, and wait for the others."""
        setup = self.phase.setup
        client = self.phase.next_client()
        self.requests = self.phase.requests(client)
        self.connection = new_client(setup.uri)
        self.collection = collection_of(self.connection, setup.database, setup.collection)
        if self.phase.part.cache == "warm":
            for name, query in self.phase.warm_up():
                self.answered(name, query)
        self.phase.wait()

    def wait_time(self) -> float:
        """None: a client waits for when its next query is due."""
        return 0

    @task
    def send(self) -> None:
        """Send the next query when it is due."""
        request = next(self.requests, None)
        if request is None:
            self.connection.close()
            self.phase.leave()
            raise StopUser
        name, query, due = request
        if due is None:
            since = time.perf_counter()
        else:
            # What is due while the client still waits for an answer waits itself, and that counts: so it does for
            # whoever asked ("coordinated omission").
            since = self.phase.began + due
            gevent.sleep(max(0.0, since - time.perf_counter()))
        if (rows := self.answered(name, query)) is not None:
            self.phase.times_ms[name].append((time.perf_counter() - since) * 1000)
            self.phase.rows[name] += rows

    def answered(self, name: str, query: Query) -> int | None:
        """The rows of a query, or None after an error, which is counted."""
        try:
            return query.run(self.collection)
        except PyMongoError as error:
            self.phase.errors[name][to_forecast_error(error, "a query of the load test").message] += 1
            return None


class _HostCpu:
    """How busy the cores of this machine are, from when it is made."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def share(self) -> float | None:
        """The share of their time that was not idle; None where no time has passed by the system's count."""
        spent = [after - before for before, after in zip(self._before, psutil.cpu_times(), strict=True)]
        names = psutil.cpu_times()._fields
        idle = sum(one for name, one in zip(names, spent, strict=True) if name in {"idle", "iowait"})
        # Time of guests is counted as the user's too.
        whole = sum(one for name, one in zip(names, spent, strict=True) if not name.startswith("guest"))
        return 1 - idle / whole if whole > 0 else None


def measured(setup: Setup, part: Part, wait_for_start: Callable[[], None]) -> Timed:
    """Run a phase; `wait_for_start` is called when all clients are there."""
    phase = Phase(setup, part)
    environment = Environment(user_classes=[type("PhaseClient", (Client,), {"phase": phase})])
    environment.events.user_error.add_listener(_end_the_process)  # type: ignore[no-untyped-call]
    runner = environment.create_local_runner()
    runner.start(part.number, spawn_rate=part.number)
    phase.all_waiting.wait()
    wait_for_start()
    processor, host = time.process_time(), _HostCpu()
    phase.began = time.perf_counter()
    phase.go.set()
    phase.all_done.wait()
    seconds = time.perf_counter() - phase.began
    processor = time.process_time() - processor
    runner.quit()
    errors = {name: dict(messages) for name, messages in phase.errors.items()}
    return Timed(dict(phase.times_ms), dict(phase.rows), errors, seconds, processor, host.share())


def _end_the_process(exception: Exception, **_: Any) -> None:
    """A fault of the program in one client ends all: the others would wait for it."""
    sys.stderr.write(trace_without_secrets(exception) + "\n")
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Phase after phase, as they come on stdin."""
    # Ctrl-C is for the command, which ends its clients.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    while line := sys.stdin.buffer.readline():
        part = msgspec.json.decode(line, type=Part)

        def ready(number: int = part.number) -> None:
            _say(Ready(number))
            sys.stdin.buffer.readline()

        _say(measured(setup, part, ready))


def _say(message: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
