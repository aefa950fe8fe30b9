"""Three members with names and addresses of their own, as ECS would run them: each task has a new address, and, unless
it is restarted in place, a new empty disk. What runs them is an Engine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.operations.drill.engine import DOMAIN, NUMBERS, Engine, PipelineImage

NSENTER = shutil.which("nsenter") or "nsenter"
SETPRIV = shutil.which("setpriv") or "setpriv"
SET = "forecast"
PARAMETER = "/forecast-drill/mongodb/bootstrapped"
# Far beyond what a busy machine needs: it ends a drill that would never end. How long things take is measured.
PATIENCE_SECONDS = 900
# As long as a drill watches that something stays as it is.
WATCHED_SECONDS = 30
_PAUSE_SECONDS = 0.5

Client = MongoClient[dict[str, Any]]


def _copy(source: Path, target: Path) -> None:
    """All of a folder, owners and times included, into another that is there or not."""
    subprocess.run(["cp", "--archive", "--no-target-directory", source, target], check=True)


def host_of(number: int) -> str:
    """A member as host:port."""
    return f"mongo-{number}.{DOMAIN}:27017"


HOSTS = [host_of(number) for number in NUMBERS]


class Cluster:
    """The three members. `folder` holds the PKI and the hosts file that is mounted over /etc/hosts."""

    def __init__(self, engine: Engine, folder: Path, environment: dict[str, str]) -> None:
        self._engine = engine
        self._hosts = folder / "hosts"
        self._pki = folder / "pki"
        self.ca_file = self._pki / "ca.pem"
        self.environment = environment  # of the operators' commands
        self._volumes = dict.fromkeys(NUMBERS, 0)

    def start(self, number: int, *, bootstrapped: str | None = None, task: str | None = None) -> None:
        """A new task of a member, on the volume it has. MONGO_BOOTSTRAPPED comes from SSM, as ECS takes it."""
        if bootstrapped is None:
            parameter = boto3.client("ssm").get_parameter(Name=PARAMETER)
            bootstrapped = parameter["Parameter"]["Value"]
        variables = {
            "MONGO_MEMBER": host_of(number),
            "MONGO_MEMBERS": ",".join(HOSTS),
            "MONGO_REPLICA_SET": SET,
            "MONGO_CACHE_GB": "0.25",
            "MONGO_BOOTSTRAPPED": bootstrapped,
            "MONGO_REPLICA_KEY": self.environment["MONGO_REPLICA_KEY"],
            "MONGO_TLS_CERTIFICATE": (self._pki / f"mongo-{number}.pem").read_text(),
            "MONGO_TLS_CA": self.ca_file.read_text(),
        }
        if task:
            variables["ECS_CONTAINER_METADATA_URI_V4"] = task
        self._engine.start(number, variables, self.volume(number))
        self._write_hosts()

    def restart(self, number: int) -> None:
        """The same task again, in place, as ECS's restart policy does."""
        self._engine.restart(number)
        self._write_hosts()

    def volume(self, number: int) -> str:
        """The member's volume of now."""
        return f"forecast-drill-{number}-{self._volumes[number]}"

    def new_disk(self, number: int) -> None:
        """ECS removes a task's volume with the task: the next one starts empty."""
        self._engine.discard(number)
        self._volumes[number] += 1

    def snapshot(self, number: int, folder: Path) -> None:
        """Copy a member's disk as it is at one moment, its journal included, while the member is in use."""
        self._engine.signal(number, "STOP")
        _copy(self._engine.disk(self.volume(number)), folder)
        self._engine.signal(number, "CONT")

    def new_disk_from(self, number: int, snapshot: Path) -> None:
        """As new_disk, but the next task's volume is made of a snapshot."""
        self.new_disk(number)
        _copy(snapshot, self._engine.disk(self.volume(number)))

    def kill(self, number: int) -> None:
        """End a member as a lost machine does."""
        self._engine.signal(number, "KILL")
        self._engine.wait_ended(number)

    def terminate(self, number: int) -> int:
        """SIGTERM, and the exit code."""
        self._engine.signal(number, "TERM")
        return self._engine.wait_ended(number)

    def running(self, number: int) -> bool:
        """Whether the member's task runs."""
        return self._engine.running(number)

    def network(self, number: int, state: str) -> None:
        """Cut a member off (`down`), or let it back (`up`)."""
        self._engine.switch(number, state)

    def renew(self, number: int, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """`forecast mongo renew`, once, next to a member's mongod: in its network, with its files and user."""
        pid = self._engine.pid(number)
        folder = Path("/proc", str(pid), "root", "run", "mongo")
        owner = folder.stat()
        # The project's Python may lie where that user may not read.
        reads = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        user = [SETPRIV, f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups", *reads, "--"]
        enter = [NSENTER, f"--target={pid}", "--net", "--", *user]
        program = [sys.executable, "-c", "from forecast.cli.program import forecast; forecast()", "mongo", "renew"]
        environment = {**os.environ, **self.environment, "MONGO_MEMBER": host_of(number), **variables}
        return subprocess.run(
            [*enter, *program, str(folder / "server.pem")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def alive(self, number: int) -> bool:
        """What the health check says."""
        return self._engine.succeeds(number, "/usr/local/lib/forecast-mongo/liveness")

    def log(self, number: int) -> list[str]:
        """What a member wrote since its task was new."""
        return self._engine.log(number).splitlines()

    def events(self, number: int) -> list[dict[str, Any]]:
        """The lines of that which the entrypoint and its reporter wrote."""
        lines = []
        for line in self.log(number):
            with suppress(ValueError):
                entry = json.loads(line)
                if "event" in entry:
                    lines.append(entry)
        return lines

    def has_event(self, number: int, event: str) -> bool:
        """Whether the member logged that event."""
        return any(line["event"] == event for line in self.events(number))

    def starts(self, number: int) -> int:
        """How often a member's mongod was started since its task was new."""
        return sum(event["event"] == "mongod_starting" for event in self.events(number))

    def listening(self, number: int) -> bool:
        """Whether the member's mongod takes connections yet."""
        return any('"Waiting for connections"' in line for line in self.log(number))

    def member(self, number: int) -> Client:
        """One member itself, as root."""
        password = self.environment["MONGO_ROOT_PASSWORD"]
        return self._client(host_of(number), username="root", password=password, directConnection=True)

    def all(self, user: str | None = "root") -> Client:
        """The set, as a client sees it; None is a client that does not log in."""
        if user is None:
            return self._client(HOSTS, replicaSet=SET)
        password = self.environment[f"MONGO_{user.upper()}_PASSWORD"]
        return self._client(HOSTS, username=user, password=password, replicaSet=SET)

    def _client(self, hosts: str | list[str], **options: Any) -> Client:
        return MongoClient(hosts, tls=True, tlsCAFile=str(self.ca_file), serverSelectionTimeoutMS=3000, **options)

    def uri(self, user: str, ca_file: Path | None = None) -> str:
        """The connection string as Terraform writes it into the user's secret."""
        password = self.environment[f"MONGO_{user.upper()}_PASSWORD"]
        given = f"replicaSet={SET}&tls=true&tlsCAFile={ca_file or self.ca_file}&authSource=admin"
        return f"mongodb://{user}:{password}@{','.join(HOSTS)}/?{given}"

    def states(self) -> dict[int, str]:
        """The state of each member, from the members themselves; `down` where none answers."""
        return {number: self.state(number) for number in NUMBERS}

    def state(self, number: int) -> str:
        """The state of one member, from itself; `down` where it does not answer."""
        if not self.running(number):
            return "down"
        try:
            with self._client(host_of(number), directConnection=True) as client:
                answer = client.admin.command("hello")
        except PyMongoError:
            return "down"
        if answer["isWritablePrimary"]:
            return "PRIMARY"
        return "SECONDARY" if answer["secondary"] else "OTHER"

    def primary(self) -> int:
        """The primary; waits for one."""
        self.wait(lambda: "PRIMARY" in self.states().values(), "a primary")
        return next(number for number, state in self.states().items() if state == "PRIMARY")

    def secondaries(self) -> list[int]:
        """The secondaries of now."""
        return [number for number, state in self.states().items() if state == "SECONDARY"]

    def votes(self) -> int:
        """How many members vote and can hold an acknowledged write; 0 where nobody knows."""
        try:
            with self.all() as client:
                status = client.admin.command("replSetGetStatus")
        except PyMongoError:
            return 0
        return int(status["writableVotingMembersCount"])

    def whole(self) -> bool:
        """One primary, two secondaries, three votes."""
        return sorted(self.states().values()) == ["PRIMARY", "SECONDARY", "SECONDARY"] and self.votes() == len(NUMBERS)

    def wait_whole(self) -> float:
        """Wait until the set is whole; for how many seconds that took."""
        return self.wait(self.whole, "one primary, two secondaries and three votes")

    def wait(self, done: Callable[[], bool], what: str) -> float:
        """Wait for something; for how many seconds that took.

        It asks again and again: what a member answers or logs, it tells nobody by itself, and how long it takes is what
        the drills measure.
        """
        begin = time.monotonic()
        while not done():
            if time.monotonic() - begin > PATIENCE_SECONDS:
                raise AssertionError(f"{what}: not within {PATIENCE_SECONDS} s; the members are {self.states()}")
            time.sleep(_PAUSE_SECONDS)
        return time.monotonic() - begin

    def watch(self, holds: Callable[[], bool], what: str) -> None:
        """Assert that something holds for WATCHED_SECONDS: no event tells that another one will not come."""
        begin = time.monotonic()
        while time.monotonic() - begin < WATCHED_SECONDS:
            assert holds(), f"{what}; the members are {self.states()}"
            time.sleep(_PAUSE_SECONDS)

    def counts(self, database: str, collection: str) -> list[int]:
        """How many documents each member itself holds."""
        found = []
        for number in NUMBERS:
            with self.member(number) as client:
                found.append(client[database][collection].count_documents({}))
        return found

    def pipeline(self) -> PipelineImage:
        """Tasks of the pipeline's image."""
        return self._engine.pipeline(self.ca_file, self.uri("app", Path("/run/mongo/ca.pem")))

    def tools(self) -> Path | None:
        """A folder with mongodump and mongorestore; None where the base image has none."""
        return self._engine.tools(self._hosts.parent / "bin")

    def keep_logs(self) -> None:
        """Write each member's log into the drill's folder."""
        for number in NUMBERS:
            (self._hosts.parent / f"member-{number}.log").write_text("\n".join(self.log(number)))

    def _write_hosts(self) -> None:
        addresses = {number: self._engine.address(number) for number in NUMBERS}
        names = [f"{address} mongo-{number}.{DOMAIN}" for number, address in addresses.items() if address]
        # In place, because the file is mounted by its inode; and never empty, because it is read all the time.
        with self._hosts.open("r+") as file:
            file.write("\n".join(["127.0.0.1 localhost", *names]) + "\n")
            file.truncate()
