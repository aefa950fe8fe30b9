"""A Dask cluster as an operator starts it: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.worlds import ROOT, World
from tests.waiting import WAIT_SECONDS

Process = subprocess.Popen[bytes]


@dataclass
class Cluster:
    folder: Path
    environment: Mapping[str, str]
    address: str = ""
    processes: list[Process] = field(default_factory=list)

    def start_scheduler(self) -> Process:
        """Start it and wait until it listens: then it writes where, into what it takes for a file."""
        listening, writing = os.pipe()
        options = (
            "--host=127.0.0.1",
            "--port=0",
            "--no-dashboard",
            f"--scheduler-file=/dev/fd/{writing}",
        )
        process = self._start("-m", "distributed.cli.dask_scheduler", *options, pass_fds=(writing,))
        os.close(writing)
        written = os.read(listening, 4096)
        os.close(listening)
        assert written, (self.folder / "log").read_text("utf-8")
        self.address = json.loads(written)["address"]
        return process

    def start_worker(self, *place: str) -> Process:
        script = str(ROOT / "tests" / "integration" / "cluster_worker.py")
        return self._start(script, self.address, str(self.folder), *place)

    def _start(self, *arguments: str, pass_fds: Sequence[int] = ()) -> Process:
        command = [sys.executable, *arguments]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, pass_fds=pass_fds
            )
        self.processes.append(process)
        return process


@contextmanager
def cluster(world: World, *places: tuple[str, ...], **variables: str) -> Iterator[Cluster]:
    """A scheduler and as many workers as there are places to kill one at (an empty one is none)."""
    folder = world.home / "dask"
    folder.mkdir()
    environment = {**world.variables(**variables), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    started = Cluster(folder, {**environment, "HOME": os.environ["HOME"]})
    try:
        started.start_scheduler()
        for place in places:
            started.start_worker(*place)
        yield started
    finally:
        # Workers first: a worker of Dask 2026.8 that SIGTERM meets while its scheduler closes it waits for ever.
        for process in reversed(started.processes):
            process.terminate()
            process.wait(WAIT_SECONDS)
