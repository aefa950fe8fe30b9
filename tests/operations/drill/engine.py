"""What the drills need of that which runs the members. There are two: podman and network namespaces."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

DOMAIN = "drill.internal"
NETWORK = "forecast-drill"
SUBNET = "10.203.0.0/24"
GATEWAY = "10.203.0.1"
NUMBERS = (1, 2, 3)


class SkippedError(Exception):
    """A drill cannot run here; the text says why."""


class PipelineImage(Protocol):
    """The pipeline's own image; one task of it at a time."""

    def begin(self, command: str, *arguments: str, **variables: str) -> None:
        """Start a task with that entrypoint, as the user `app`."""

    def wait(self) -> int:
        """The exit code of the task, when it has ended."""

    def terminate(self) -> int:
        """SIGTERM to the task, and its exit code."""

    def log(self) -> list[str]:
        """What the task wrote to stdout and stderr."""


class Engine(Protocol):
    """Runs a task for each member: docker/mongo/entrypoint.sh with an address, a disk and a log of its own."""

    def make_network(self) -> None:
        """The network in which the members know each other by name."""

    def remove(self) -> None:
        """Remove all that the engine made, also what a run that was killed left."""

    def start(self, number: int, variables: dict[str, str], disk: str) -> None:
        """A new task of a member in place of the one before: a new address, a new log, the disk of that name."""

    def restart(self, number: int) -> None:
        """The same task again, in place."""

    def discard(self, number: int) -> None:
        """End a member's task, if there is one, and forget it. The disk stays."""

    def signal(self, number: int, name: str) -> None:
        """Send a signal (TERM, KILL, STOP, CONT) to the task's first process; that KILL comes too late is no error."""

    def wait_ended(self, number: int) -> int:
        """The exit code of a task that ends; that of a killed one is some other than 0."""

    def running(self, number: int) -> bool:
        """Whether the task runs."""

    def address(self, number: int) -> str | None:
        """The address of a task that runs."""

    def switch(self, number: int, state: str) -> None:
        """Cut a member off the network (`down`), or let it back (`up`)."""

    def pid(self, number: int) -> int:
        """The PID of the task's first process on this side, which gives access to the task's files and network."""

    def succeeds(self, number: int, program: str) -> bool:
        """Whether a program that runs next to the task's first process, like a health check, exits with 0."""

    def log(self, number: int) -> str:
        """What the task wrote since it was new."""

    def disk(self, name: str) -> Path:
        """The folder of a disk; it is made where there is none."""

    def tools(self, folder: Path) -> Path | None:
        """A folder with mongodump and mongorestore; None where the engine has none of its own."""

    def pipeline(self, ca_file: Path, uri: str) -> PipelineImage:
        """The pipeline's image, with the authority's certificate in /run/mongo; SkippedError where it cannot run."""
