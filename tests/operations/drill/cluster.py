"""Three members in containers with names and addresses of their own, as ECS would run them: each task a new address,
and, unless it is restarted in place, a new empty disk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import boto3
from pymongo import MongoClient
from pymongo.errors import PyMongoError

PODMAN = shutil.which("podman") or "podman"
NAMES = Path("/run/containers/networks/aardvark-dns/forecast-drill")
NSENTER = shutil.which("nsenter") or "nsenter"
IP = shutil.which("ip") or "ip"
SET = "forecast"
DOMAIN = "drill.internal"
NETWORK = "forecast-drill"
SUBNET = "10.203.0.0/24"
GATEWAY = "10.203.0.1"
NUMBERS = (1, 2, 3)
MONGO_IMAGE = "localhost/forecast-mongo:drill"
PIPELINE_IMAGE = "localhost/forecast-pipeline:drill"
RUN = "forecast-drill-run"
PARAMETER = "/forecast-drill/mongodb/bootstrapped"

# As terraform/modules/task has it: not root, no capability, nothing to write to but /tmp.
_TASK = (
    *("--read-only", "--tmpfs", "/tmp:mode=1777", "--user", "10001:10001", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--network", NETWORK),
)
# What the image's README asks for, and nothing more.
_CONTAINER = (
    *("--read-only", "--tmpfs", "/run/mongo:size=16m,mode=0755", "--no-healthcheck", "--stop-timeout", "120"),
    *("--cap-drop", "ALL", "--cap-add", "CHOWN,DAC_OVERRIDE,FOWNER,SETUID,SETGID"),
    *("--security-opt", "no-new-privileges"),
)

Client = MongoClient[dict[str, Any]]


def podman(*arguments: str, check: bool = True, variables: dict[str, str] | None = None) -> str:
    """Run podman; what it prints on stdout. `variables` are added to its environment."""
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run([PODMAN, *arguments], capture_output=True, text=True, check=False, env=environment)
    if check and done.returncode:
        raise RuntimeError(f"podman {' '.join(arguments[:2])}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _copy(source: Path, target: Path) -> None:
    """All of a folder, owners and times included, into another that is there or not."""
    subprocess.run(["cp", "--archive", "--no-target-directory", source, target], check=True)


def name_of(number: int) -> str:
    """The container of a member."""
    return f"forecast-drill-{number}"


def host_of(number: int) -> str:
    """A member as host:port."""
    return f"mongo-{number}.{DOMAIN}:27017"


HOSTS = [host_of(number) for number in NUMBERS]


class Cluster:
    """The three members. `folder` holds the PKI and the hosts file that is mounted over /etc/hosts."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
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
        podman("rm", "--force", "--time", "0", name_of(number), check=False)
        podman(
            *("run", "--detach", "--name", name_of(number), "--network", NETWORK),
            *("--network-alias", f"mongo-{number}.{DOMAIN}", "--volume", f"{self.volume(number)}:/data/db"),
            *_CONTAINER,
            *(f"--env={name}" for name in variables),
            MONGO_IMAGE,
            variables=variables,
        )
        self._write_hosts()

    def restart(self, number: int) -> None:
        """The same task again, in place, as ECS's restart policy does."""
        podman("start", name_of(number))
        self._write_hosts()

    def volume(self, number: int) -> str:
        """The member's volume of now."""
        return f"forecast-drill-{number}-{self._volumes[number]}"

    def new_disk(self, number: int) -> None:
        """ECS removes a task's volume with the task: the next one starts empty."""
        podman("rm", "--force", "--time", "0", name_of(number), check=False)
        self._volumes[number] += 1

    def snapshot(self, number: int, folder: Path) -> None:
        """Copy a member's disk as it is at one moment, its journal included, while the member is in use."""
        podman("kill", "--signal", "STOP", name_of(number))
        _copy(self._disk(number), folder)
        podman("kill", "--signal", "CONT", name_of(number))

    def new_disk_from(self, number: int, snapshot: Path) -> None:
        """As new_disk, but the next task's volume is made of a snapshot."""
        self.new_disk(number)
        podman("volume", "create", self.volume(number))
        _copy(snapshot, self._disk(number))

    def _disk(self, number: int) -> Path:
        return Path(podman("volume", "inspect", "--format", "{{.Mountpoint}}", self.volume(number)).strip())

    def kill(self, number: int) -> None:
        """End a member as a lost machine does."""
        podman("kill", "--signal", "KILL", name_of(number), check=False)
        self.wait_ended(number)

    def terminate(self, number: int) -> int:
        """SIGTERM, and the exit code."""
        podman("kill", "--signal", "TERM", name_of(number))
        return self.wait_ended(number)

    def wait_ended(self, number: int) -> int:
        """The exit code of a member that ends."""
        return int(podman("wait", name_of(number)))

    def running(self, number: int) -> bool:
        """Whether the container runs."""
        return podman("inspect", "--format", "{{.State.Running}}", name_of(number), check=False).strip() == "true"

    def network(self, number: int, state: str) -> None:
        """Cut a member off (`down`), or let it back (`up`)."""
        pid = podman("inspect", "--format", "{{.State.Pid}}", name_of(number)).strip()
        subprocess.run([NSENTER, "-t", pid, "-n", "ip", "link", "set", "eth0", state], check=True)

    def alive(self, number: int) -> bool:
        """What the health check says."""
        check = [PODMAN, "exec", name_of(number), "/usr/local/lib/forecast-mongo/liveness"]
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    def log(self, number: int) -> list[str]:
        """What a member wrote since its container was made."""
        return podman("logs", name_of(number), check=False).splitlines()

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
        return {number: self._state(number) for number in NUMBERS}

    def _state(self, number: int) -> str:
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
        self.wait(lambda: "PRIMARY" in self.states().values(), 90, "a primary")
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

    def wait_whole(self, seconds: float = 120) -> float:
        """Wait until the set is whole; for how many seconds that took."""
        return self.wait(self.whole, seconds, "one primary, two secondaries and three votes")

    def wait(self, done: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait for something; for how many seconds that took."""
        begin = time.monotonic()
        while not done():
            if time.monotonic() - begin > seconds:
                raise AssertionError(f"{what}: not within {seconds:.0f} s; the members are {self.states()}")
            time.sleep(0.5)
        return time.monotonic() - begin

    def counts(self, database: str, collection: str) -> list[int]:
        """How many documents each member itself holds."""
        found = []
        for number in NUMBERS:
            with self.member(number) as client:
                found.append(client[database][collection].count_documents({}))
        return found

    def run(self, command: str, *arguments: str, **variables: str) -> int:
        """A task of the pipeline's image that runs once, as the user `app`: its exit code; run_log has its log."""
        self.begin_run(command, *arguments, **variables)
        return int(podman("wait", RUN))

    def begin_run(self, command: str, *arguments: str, **variables: str) -> None:
        """The same, without waiting for its end."""
        ca_file = Path("/run/mongo/ca.pem")
        variables = {"MONGODB_URI": self.uri("app", ca_file), **variables}
        podman("rm", "--force", "--time", "0", RUN, check=False)
        podman(
            *("run", "--detach", "--name", RUN, "--entrypoint", command, "--volume", f"{self.ca_file}:{ca_file}:ro"),
            *_TASK,
            *(f"--env={name}" for name in variables),
            *(PIPELINE_IMAGE, *arguments),
            variables=variables,
        )

    def run_log(self) -> list[str]:
        """What that task wrote to stdout and stderr."""
        done = subprocess.run([PODMAN, "logs", RUN], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
        return done.stdout.decode().splitlines()

    def end_run(self) -> int:
        """SIGTERM to that task, and its exit code."""
        podman("kill", "--signal", "TERM", RUN)
        return int(podman("wait", RUN))

    def tools(self) -> Path | None:
        """A folder with mongodump and mongorestore that run in the image; None where the image has none."""
        check = ["run", "--rm", "--no-healthcheck", "--entrypoint", "mongodump", MONGO_IMAGE, "--version"]
        if not podman(*check, check=False).startswith("mongodump version"):
            return None
        folder = self._hosts.parent / "bin"
        folder.mkdir(exist_ok=True)
        for tool in ("mongodump", "mongorestore"):
            run = f"{PODMAN} run --rm -i --no-healthcheck --network {NETWORK} -v {gettempdir()}:{gettempdir()}:ro"
            path = folder / tool
            path.write_text(f'#!/bin/sh\nexec {run} --entrypoint {tool} {MONGO_IMAGE} "$@"\n')
            path.chmod(0o755)
        return folder

    def keep_logs(self) -> None:
        """Write each member's log into the drill's folder."""
        for number in NUMBERS:
            (self._hosts.parent / f"member-{number}.log").write_text("\n".join(self.log(number)))

    def remove(self) -> None:
        """Remove containers, volumes and network."""
        podman("rm", "--force", "--time", "0", RUN, *map(name_of, NUMBERS), check=False)
        podman("volume", "prune", "--force", check=False)
        podman("network", "rm", "--force", NETWORK, check=False)
        # What a drill that was killed leaves: names that lead nowhere, and the bridge.
        NAMES.unlink(missing_ok=True)
        routes = subprocess.run([IP, "-json", "route", "show", SUBNET], capture_output=True, text=True, check=True)
        for route in json.loads(routes.stdout or "[]"):
            subprocess.run([IP, "link", "delete", route["dev"]], check=True)

    def make_network(self) -> None:
        """The network in which the members know each other by name."""
        podman("network", "create", "--subnet", SUBNET, NETWORK)

    def _write_hosts(self) -> None:
        lines = ["127.0.0.1 localhost"]
        for number in NUMBERS:
            address = podman(
                "inspect",
                "--format",
                "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                name_of(number),
                check=False,
            ).strip()
            if address:
                lines.append(f"{address} mongo-{number}.{DOMAIN}")
        # In place: the file is mounted by its inode.
        with self._hosts.open("r+") as file:
            file.truncate()
            file.write("\n".join(lines) + "\n")
