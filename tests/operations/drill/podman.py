"""The members in containers of the image that docker/mongo/Dockerfile makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import gettempdir

from tests.operations.drill.engine import DOMAIN, NETWORK, NUMBERS, SUBNET

PODMAN = shutil.which("podman") or "podman"
NAMES = Path("/run/containers/networks/aardvark-dns/forecast-drill")
NSENTER = shutil.which("nsenter") or "nsenter"
IP = shutil.which("ip") or "ip"
MONGO_IMAGE = "localhost/forecast-mongo:drill"
PIPELINE_IMAGE = "localhost/forecast-pipeline:drill"
RUN = "forecast-drill-run"

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


def podman(*arguments: str, check: bool = True, variables: dict[str, str] | None = None) -> str:
    """Run podman; what it prints on stdout. `variables` are added to its environment."""
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run([PODMAN, *arguments], capture_output=True, text=True, check=False, env=environment)
    if check and done.returncode:
        raise RuntimeError(f"podman {' '.join(arguments[:2])}: {done.stderr.strip()[-500:]}")
    return done.stdout


def name_of(number: int) -> str:
    """The container of a member."""
    return f"forecast-drill-{number}"


class Podman:
    """An Engine of containers and volumes."""

    def make_network(self) -> None:
        podman("network", "create", "--subnet", SUBNET, NETWORK)

    def remove(self) -> None:
        podman("rm", "--force", "--time", "0", RUN, *map(name_of, NUMBERS), check=False)
        podman("volume", "prune", "--force", check=False)
        podman("network", "rm", "--force", NETWORK, check=False)
        # What a drill that was killed leaves: names that lead nowhere, and the bridge.
        NAMES.unlink(missing_ok=True)
        routes = subprocess.run([IP, "-json", "route", "show", SUBNET], capture_output=True, text=True, check=True)
        for route in json.loads(routes.stdout or "[]"):
            subprocess.run([IP, "link", "delete", route["dev"]], check=True)

    def start(self, number: int, variables: dict[str, str], disk: str) -> None:
        self.discard(number)
        podman(
            *("run", "--detach", "--name", name_of(number), "--network", NETWORK),
            *("--network-alias", f"mongo-{number}.{DOMAIN}", "--volume", f"{disk}:/data/db"),
            *_CONTAINER,
            *(f"--env={name}" for name in variables),
            MONGO_IMAGE,
            variables=variables,
        )

    def restart(self, number: int) -> None:
        podman("start", name_of(number))

    def discard(self, number: int) -> None:
        podman("rm", "--force", "--time", "0", name_of(number), check=False)

    def signal(self, number: int, name: str) -> None:
        podman("kill", "--signal", name, name_of(number), check=name != "KILL")

    def wait_ended(self, number: int) -> int:
        return int(podman("wait", name_of(number)))

    def running(self, number: int) -> bool:
        return self._inspect(number, "{{.State.Running}}") == "true"

    def address(self, number: int) -> str | None:
        return self._inspect(number, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}") or None

    def switch(self, number: int, state: str) -> None:
        self._ip(number, "link", "set", "eth0", state)

    def pid(self, number: int) -> int:
        return int(self._inspect(number, "{{.State.Pid}}"))

    def succeeds(self, number: int, program: str) -> bool:
        check = [PODMAN, "exec", name_of(number), program]
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    def log(self, number: int) -> str:
        return podman("logs", name_of(number), check=False)

    def disk(self, name: str) -> Path:
        if name not in podman("volume", "ls", "--format", "{{.Name}}").split():
            podman("volume", "create", name)
        return Path(podman("volume", "inspect", "--format", "{{.Mountpoint}}", name).strip())

    def tools(self, folder: Path) -> Path | None:
        """Scripts that run the tools of the image; the stand-in of the official image has none."""
        check = ["run", "--rm", "--no-healthcheck", "--entrypoint", "mongodump", MONGO_IMAGE, "--version"]
        if not podman(*check, check=False).startswith("mongodump version"):
            return None
        folder.mkdir(exist_ok=True)
        for tool in ("mongodump", "mongorestore"):
            run = f"{PODMAN} run --rm -i --no-healthcheck --network {NETWORK} -v {gettempdir()}:{gettempdir()}:ro"
            path = folder / tool
            path.write_text(f'#!/bin/sh\nexec {run} --entrypoint {tool} {MONGO_IMAGE} "$@"\n')
            path.chmod(0o755)
        return folder

    def pipeline(self, ca_file: Path, uri: str) -> PipelineTask:
        return PipelineTask(ca_file, uri)

    def _ip(self, number: int, *arguments: str) -> None:
        subprocess.run([NSENTER, "-t", str(self.pid(number)), "-n", "ip", *arguments], check=True)

    @staticmethod
    def _inspect(number: int, what: str) -> str:
        return podman("inspect", "--format", what, name_of(number), check=False).strip()


class PipelineTask:
    """A container of the pipeline's image."""

    def __init__(self, ca_file: Path, uri: str) -> None:
        self._ca_file = ca_file
        self._uri = uri

    def begin(self, command: str, *arguments: str, **variables: str) -> None:
        variables = {"MONGODB_URI": self._uri, **variables}
        podman("rm", "--force", "--time", "0", RUN, check=False)
        podman(
            *("run", "--detach", "--name", RUN, "--entrypoint", command),
            *("--volume", f"{self._ca_file}:/run/mongo/ca.pem:ro"),
            *_TASK,
            *(f"--env={name}" for name in variables),
            *(PIPELINE_IMAGE, *arguments),
            variables=variables,
        )

    def wait(self) -> int:
        return int(podman("wait", RUN))

    def terminate(self) -> int:
        podman("kill", "--signal", "TERM", RUN)
        return self.wait()

    def log(self) -> list[str]:
        done = subprocess.run([PODMAN, "logs", RUN], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
        return done.stdout.decode().splitlines()
