"""A Dask cluster as an operator starts it: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.worlds import ROOT, World
from tests.waiting import WAIT_SECONDS, wait_until

Process = subprocess.Popen[bytes]


@dataclass
class Cluster:
    folder: Path
    environment: Mapping[str, str]
    processes: list[Process] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the scheduler is, which writes that when it listens."""
        file = self.folder / "scheduler.json"
        wait_until(lambda: file.exists() and bool(file.read_text("utf-8")), self.processes[0])
        found = json.loads(file.read_text("utf-8"))["address"]
        assert isinstance(found, str)
        return found

    def start_scheduler(self) -> Process:
        options = (
            "--host=127.0.0.1",
            "--port=0",
            "--no-dashboard",
            f"--scheduler-file={self.folder / 'scheduler.json'}",
        )
        return self._start("-m", "distributed.cli.dask_scheduler", *options)

    def start_worker(self, *place: str) -> Process:
        script = str(ROOT / "tests" / "integration" / "cluster_worker.py")
        return self._start(script, self.address, str(self.folder), *place)

    def _start(self, *arguments: str) -> Process:
        command = [sys.executable, *arguments]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
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
        for process in started.processes:
            process.kill()
        for process in started.processes:
            process.wait(WAIT_SECONDS)
