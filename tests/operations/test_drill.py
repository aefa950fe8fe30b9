"""The drills: what they run on is chosen and said, and a member without a container lives as the image's does.

The drills themselves are run by hand: `make drill`.
"""

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operations.drill.namespaces import Namespaces
from tests.operations.member import SETTINGS
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
LIVENESS = "/usr/local/lib/forecast-mongo/liveness"
# A set of one.
ALONE = SETTINGS | {"MONGO_MEMBERS": SETTINGS["MONGO_MEMBER"]}
as_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="the drills need Linux and root (network namespaces)"
)


def drill(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """docker/drill/run in a copy of the project with no podman and no mongod, with only these variables."""
    shutil.copytree(ROOT / "docker" / "drill", folder / "docker" / "drill")
    programs = folder / "programs"
    programs.mkdir()
    for name in ("bash", "cksum", "cut", "dirname", "flock", "mkdir", "readlink", "true", "uname"):
        (programs / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    # These are only looked for.
    for name in ("chroot", "getent", "hostname", "ip", "mount", "node", "npm", "nsenter", "setpriv", "unshare"):
        (programs / name).symlink_to("true")
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(programs / "true")
    command: list[str | Path] = ["/bin/bash", folder / "docker" / "drill" / "run"]
    environment = {"PATH": str(programs), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_unknown_engine_is_an_error(tmp_path: Path) -> None:
    done = drill(tmp_path, DRILL_ENGINE="containers")
    assert (done.returncode, done.stderr) == (2, "DRILL_ENGINE is either empty or namespaces.\n")


@as_root
def test_missing_tools_are_named(tmp_path: Path) -> None:
    done = drill(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("SKIPPED: the drills were not run: no containers here: podman is not installed")
    assert done.stderr.endswith("no namespaces either: no mongod is to be had here\n")


@as_root
def test_missing_tools_are_a_failure_if_the_drills_are_required(tmp_path: Path) -> None:
    done = drill(tmp_path, DRILL_ENGINE="namespaces", CI_REQUIRE_INFRA="1")
    assert done.returncode == 1
    assert "no containers here: DRILL_ENGINE=namespaces; no namespaces either: no mongod" in done.stderr


@as_root
@pytest.mark.whole
def test_a_member_runs_in_namespaces(tmp_path: Path) -> None:
    """In a mount and a network namespace of its own, as docker/drill/run makes them; no mongod is needed to wait."""
    namespaces = ["unshare", "--mount", "--net"]
    if subprocess.run([*namespaces, "--pid", "--uts", "--fork", "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces do not work here")
    mongosh = tmp_path / "mongosh" / "node_modules" / ".bin" / "mongosh"
    mongosh.parent.mkdir(parents=True)
    # It finds no primary.
    mongosh.write_text("#!/bin/sh\nexit 1\n")
    mongosh.chmod(0o755)
    drilled = f"from tests.operations.test_drill import live; live({str(tmp_path)!r})"
    prepared = f"mount -t tmpfs drill /run && exec '{sys.executable}' -c \"$0\""
    programs = {"DRILL_MONGOD": "/bin/false", "DRILL_NODE": "/bin/false", "DRILL_MONGOSH": str(tmp_path / "mongosh")}
    environment = os.environ | programs | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [*namespaces, "bash", "-c", prepared, drilled]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hosts", "mongosh"]


def live(folder: str) -> None:
    """Start a member with an empty disk in a set that exists; end it, restart it, replace it."""
    hosts = Path(folder) / "hosts"
    hosts.write_text("")
    engine = Namespaces(Path(folder))
    engine.make_network()
    try:
        engine.start(1, ALONE, "old")
        wait_until(lambda: hears(engine, "name_waiting"))
        first = engine.address(1)
        hosts.write_text(f"{first} mongo-1.internal\n")
        wait_until(lambda: hears(engine, "rejoin_waiting"))
        assert engine.succeeds(1, LIVENESS)
        wait_until(lambda: reached(first))
        engine.switch(1, "down")
        assert not reached(first)
        engine.switch(1, "up")
        wait_until(lambda: reached(first))
        engine.signal(1, "TERM")
        assert engine.wait_ended(1) == 0
        assert not engine.running(1)
        engine.restart(1)
        assert engine.address(1) == first
        assert hears(engine, "name_waiting"), "a restart in place keeps the log"
        engine.signal(1, "KILL")
        assert engine.wait_ended(1) != 0
        (engine.disk("old") / "mark").touch()
        engine.start(1, ALONE, "new")
        assert engine.address(1) not in {first, None}
        assert list(engine.disk("new").iterdir()) == []
        engine.start(1, ALONE | {"MONGO_MEMBERS": "mongo-2.internal:27017"}, "old")
        assert engine.wait_ended(1) == 64
        assert (engine.disk("old") / "mark").exists()
    finally:
        engine.remove()
    assert not list(Path("/run/netns").iterdir())


def hears(engine: Namespaces, event: str) -> bool:
    """Whether the member has logged that event."""
    return f'"event":"{event}"' in engine.log(1)


def reached(address: str | None) -> bool:
    """Whether an address answers on the members' network: nobody listens, but a machine that is there says so."""
    assert address
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((address, 27017)) == errno.ECONNREFUSED
