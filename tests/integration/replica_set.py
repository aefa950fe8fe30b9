"""Real mongods on loopback: alone, or as a replica set whose members can be killed, paused and started again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import (
    TopologyClosedEvent,
    TopologyDescriptionChangedEvent,
    TopologyListener,
    TopologyOpenedEvent,
)

from forecast.mongo.embedded.binary import environment
from forecast.mongo.embedded.server import free_port
from tests.waiting import WAIT_SECONDS

NAME = "local"
# Instead of the default's 10 s: the tests wait for some elections.
ELECTION_TIMEOUT_MS = 2_000
# How often the driver asks a member that cannot tell it anything, and for how long.
HEARTBEAT = "&heartbeatFrequencyMS=500&connectTimeoutMS=500"
# The driver's names of what a member is, by its port.
Roles = dict[int, str]
_PRIMARY, _SECONDARY = "RSPrimary", "RSSecondary"


@dataclass
class Mongod:
    """One mongod; `options` are command-line options beyond those that every one gets."""

    binary: Path
    folder: Path
    port: int
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, on what its folder holds already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [
                *(str(self.binary), "--quiet", "--dbpath", str(self.folder), "--port", str(self.port)),
                *("--bind_ip", "127.0.0.1", "--nounixsocket", "--logpath", str(self.folder / "log"), "--logappend"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                *self.options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self) -> str:
        """To this very member, whatever it is in its set."""
        return f"mongodb://{self.address}/?directConnection=true"

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it at once, also where it is paused."""
        self.process.kill()
        self.process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Its connections stay open, and nothing answers on them."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def wait_until_it_answers(self) -> None:
        """The driver waits for it; a member that has ended says why in its log."""
        try:
            with MongoClient[dict[str, Any]](self.uri, serverSelectionTimeoutMS=WAIT_SECONDS * 1000) as client:
                client.admin.command("hello")
        except PyMongoError as error:
            raise AssertionError((self.folder / "log").read_text()[-2000:]) from error


class _Roles(TopologyListener):
    """Waits for roles of the members, as the driver hears of them."""

    def __init__(self, seen: Callable[[Roles], bool]) -> None:
        self._seen = seen
        self.found: Future[Roles] = Future()

    def opened(self, event: TopologyOpenedEvent) -> None:
        pass

    def description_changed(self, event: TopologyDescriptionChangedEvent) -> None:
        servers = event.new_description.server_descriptions().values()
        roles = {port: server.server_type_name for server in servers if (port := server.address[1]) is not None}
        if not self.found.done() and self._seen(roles):
            self.found.set_result(roles)

    def closed(self, event: TopologyClosedEvent) -> None:
        pass


@dataclass
class ReplicaSet:
    """The members of a set, in the order of their numbers."""

    members: list[Mongod]

    @property
    def uri(self) -> str:
        return "mongodb://" + ",".join(member.address for member in self.members) + f"/?replicaSet={NAME}"

    def primary(self) -> Mongod:
        """The member that takes writes now; waits for an election."""
        roles = self._roles_when(lambda roles: _PRIMARY in roles.values())
        return next(member for member in self.members if roles.get(member.port) == _PRIMARY)

    def wait_until_healthy(self) -> None:
        """Wait until one member is primary and all others follow it."""
        healthy = sorted([_PRIMARY, *[_SECONDARY] * (len(self.members) - 1)])
        self._roles_when(lambda roles: sorted(roles.values()) == healthy)

    def _roles_when(self, seen: Callable[[Roles], bool]) -> Roles:
        """The roles in which this is so for the first time. The members tell the driver when one of them changes."""
        told = _Roles(seen)
        with MongoClient[dict[str, Any]](self.uri + HEARTBEAT, event_listeners=[told]):
            return told.found.result(WAIT_SECONDS)


@contextmanager
def replica_set(binary: Path, folder: Path, members: int, *options: str) -> Iterator[ReplicaSet]:
    """A replica set that has a primary."""
    shared = ("--replSet", NAME, "--oplogSize", "256", *options)
    made = ReplicaSet([Mongod(binary, folder / str(n), free_port(), shared) for n in range(members)])
    try:
        for member in made.members:
            member.start()
        for member in made.members:
            member.wait_until_it_answers()
        _initiate(made)
        yield made
    finally:
        for member in made.members:
            member.kill()


@contextmanager
def standalone(binary: Path, folder: Path) -> Iterator[Mongod]:
    """A mongod that belongs to no set."""
    made = Mongod(binary, folder, free_port())
    made.start()
    try:
        made.wait_until_it_answers()
        yield made
    finally:
        made.kill()


def _initiate(made: ReplicaSet) -> None:
    config: Mapping[str, Any] = {
        "_id": NAME,
        "members": [{"_id": number, "host": member.address} for number, member in enumerate(made.members)],
        "settings": {"electionTimeoutMillis": ELECTION_TIMEOUT_MS},
    }
    with MongoClient[dict[str, Any]](made.members[0].uri) as client:
        client.admin.command("replSetInitiate", config)
    made.primary()
