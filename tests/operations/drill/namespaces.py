"""The members without containers: plain mongods, each in namespaces of its own, which docker/drill/member furnishes.

The drills' process has a network namespace of its own as well (docker/drill/run), and the bridge is in it. The members
are in a PID namespace that the kernel ends with that process. So only the folder can outlive the drills.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

from tests.operations.drill.engine import GATEWAY, NETWORK, NUMBERS, SkippedError

IP = shutil.which("ip") or "ip"
NSENTER = shutil.which("nsenter") or "nsenter"
SETPRIV = shutil.which("setpriv") or "setpriv"
UNSHARE = shutil.which("unshare") or "unshare"
MEMBER = Path(__file__).resolve().parents[3] / "docker" / "drill" / "member"
# What docker/drill/run has found, for `member`.
PROGRAMS = ("DRILL_MONGOD", "DRILL_NODE", "DRILL_MONGOSH")
_NAMESPACES = ("--mount", "--uts", "--net", "--pid")


@dataclass
class _Task:
    """A task of a member; restarted in place, it has another process and is the same task."""

    process: subprocess.Popen[bytes]
    pid: int  # of the first process in the namespaces
    variables: dict[str, str]
    disk: Path
    address: str


class Namespaces:
    """An Engine of processes, veth pairs and folders. `folder` is where the disks and the logs are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "namespaces"
        self._hosts = folder / "hosts"
        self._tasks: dict[int, _Task] = {}
        self._last_address = ip_address(GATEWAY)
        self._cage: subprocess.Popen[bytes] | None = None

    def make_network(self) -> None:
        (self._folder / "root").mkdir(parents=True)
        # Its child, the first process of a PID namespace, ends when this process does, and all others there with it.
        first = ["sh", "-c", "echo there; exec sleep infinity >/dev/null"]
        command = [SETPRIV, "--pdeathsig", "KILL", "--", UNSHARE, "--pid", "--fork", "--kill-child=KILL", *first]
        self._cage = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        assert self._cage.stdout is not None
        with self._cage.stdout as there:
            if not there.readline():
                raise RuntimeError("no PID namespace could be made")
        _ip("link", "add", NETWORK, "type", "bridge")
        _ip("address", "add", f"{GATEWAY}/24", "dev", NETWORK)
        _ip("link", "set", NETWORK, "up")

    def remove(self) -> None:
        if self._cage is not None:
            self._cage.kill()
            self._cage.wait()
        for task in self._tasks.values():
            task.process.wait()
        for number in NUMBERS:
            self._remove_network(number)
        _ip("link", "delete", NETWORK, check=False)
        self._tasks.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, number: int, variables: dict[str, str], disk: str) -> None:
        self.discard(number)
        self._last_address += 1
        address = str(self._last_address)
        self._add_network(number, address)
        self._log(number).write_bytes(b"")
        self._run(number, variables, self.disk(disk), address)

    def restart(self, number: int) -> None:
        task = self._tasks[number]
        self._run(number, task.variables, task.disk, task.address)

    def discard(self, number: int) -> None:
        if number in self._tasks:
            self.signal(number, "KILL")
            self.wait_ended(number)
            del self._tasks[number]
        self._remove_network(number)

    def signal(self, number: int, name: str) -> None:
        if self.running(number):
            os.kill(self._tasks[number].pid, signal.Signals[f"SIG{name}"])
        elif name != "KILL":
            raise RuntimeError(f"member {number} does not run")

    def wait_ended(self, number: int) -> int:
        return self._tasks[number].process.wait()

    def running(self, number: int) -> bool:
        return number in self._tasks and self._tasks[number].process.poll() is None

    def address(self, number: int) -> str | None:
        return self._tasks[number].address if self.running(number) else None

    def switch(self, number: int, state: str) -> None:
        _ip("-netns", _name(number), "link", "set", "eth0", state)

    def pid(self, number: int) -> int:
        return self._tasks[number].pid

    def succeeds(self, number: int, program: str) -> bool:
        task = self._tasks[number]
        enter = [NSENTER, "--target", str(task.pid), *_NAMESPACES, "--root", "--wd=/", "--", program]
        environment = {**task.variables, "HOME": "/run/mongo", "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(enter, env=environment, capture_output=True, check=False).returncode == 0

    def log(self, number: int) -> str:
        path = self._log(number)
        return path.read_text(errors="replace") if path.exists() else ""

    def disk(self, name: str) -> Path:
        path = self._folder / "disks" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def tools(self, folder: Path) -> Path | None:
        return None

    def pipeline(self, ca_file: Path, uri: str) -> NoReturn:
        raise SkippedError("the pipeline's image needs containers, and these members are plain processes")

    def _log(self, number: int) -> Path:
        return self._folder / f"{_name(number)}.log"

    def _pid_namespace(self) -> Path:
        if self._cage is None:
            raise RuntimeError("make_network was not called")
        return Path(f"/proc/{self._cage.pid}/ns/pid_for_children")

    def _run(self, number: int, variables: dict[str, str], disk: Path, address: str) -> None:
        name = _name(number)
        started, starting = os.pipe()
        command: list[str | Path] = [
            *(NSENTER, f"--pid={self._pid_namespace()}", f"--net=/run/netns/{name}", "--"),
            *(UNSHARE, "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL", "--"),
            *(MEMBER, name, disk, self._hosts, str(starting), self._folder / "root"),
        ]
        environment = variables | {program: os.environ[program] for program in (*PROGRAMS, "PATH")}
        with os.fdopen(started) as pids, self._log(number).open("ab") as log:
            # In a session of its own, because Ctrl-C is for the drills alone.
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(starting,),
            )
            os.close(starting)
            # Empty where all that could write there have ended.
            if not (pid := pids.readline()):
                raise RuntimeError(f"member {number} did not start; its log says why: {log.name}")
        self._tasks[number] = _Task(process, int(pid), variables, disk, address)

    def _add_network(self, number: int, address: str) -> None:
        name, outside = _name(number), _veth(number)
        _ip("netns", "add", name)
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", outside, "master", NETWORK, "up")
        _ip("-netns", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-netns", name, "link", "set", device, "up")

    @staticmethod
    def _remove_network(number: int) -> None:
        # The pair first: the kernel takes its time to remove what is in a namespace.
        _ip("link", "delete", _veth(number), check=False)
        _ip("netns", "delete", _name(number), check=False)


def _name(number: int) -> str:
    return f"{NETWORK}-{number}"


def _veth(number: int) -> str:
    return f"member-{number}"


def _ip(*arguments: str, check: bool = True) -> None:
    done = subprocess.run([IP, *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
