"""A mongod process on a folder: its start, its replica set of one member, its log and its end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.embedded.binary import environment
from forecast.mongo.embedded.folder import KEY_FILE, USER, set_key, unwritable, user_password

START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05
PORT_ATTEMPTS = 3
EXIT_PORT_IN_USE = 48
# mongod's exit code if another version wrote the data.
EXIT_NEED_UPGRADE = 62
UNPRIVILEGED_PORTS = range(1024, 65536)
REPLICA_SET = "forecast"
# The database that the server keeps its users in.
_USERS = "admin"
NOT_YET_INITIALIZED = 94


def start(binary: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start mongod on its previous port, or on another one if that is taken; return the process and the port."""
    # The port is kept because the replica set's own configuration names it.
    kept = folder / "port"
    port = last_port(kept)
    for _ in range(PORT_ATTEMPTS):
        if port is None or not is_free(port):
            port = free_port()
        process = _spawn(binary, folder, port)
        started = wait_until(partial(_has_started_or_ended, process, port, folder), START_SECONDS)
        if process.poll() is None:
            if started:
                keep_port(kept, port)
                return process, port
            stop(process)
            raise RetryableError(f"mongod did not start within {START_SECONDS:.0f} s. {log_tail(folder)}")
        # If another program took the port between the check and the start, choose another one.
        if process.returncode != EXIT_PORT_IN_USE:
            break
        port = None
    if process.returncode == EXIT_NEED_UPGRADE:
        raise SettingError(
            f"the data in {folder} were written by another version of MongoDB, which {binary} does not read. Take it "
            f"off PATH, or move the folder away and fill a new database with forecast migrate. {log_tail(folder)}"
        )
    raise SettingError(f"mongod exited at startup with code {process.returncode}. {log_tail(folder)}")


def _spawn(binary: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    log = folder / "mongod.log"
    set_key(folder)
    try:
        if log.exists():
            log.replace(folder / "mongod.previous.log")  # or it would grow with every run
        return subprocess.Popen(
            _command(binary, folder, log, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,  # Ctrl-C reaches the pipeline only, which still needs the database to end well
        )
    except OSError as error:
        raise unwritable(folder, error) from error


def _command(binary: Path, folder: Path, log: Path, port: int) -> list[str]:
    arguments = {
        "dbpath": folder / "data",
        "logpath": log,
        "port": port,
        "bind_ip": "127.0.0.1",
        # Requires a password: every user of this machine can reach the port.
        "keyFile": folder / KEY_FILE,
        "replSet": REPLICA_SET,
        "oplogSize": 256,
        "wiredTigerCacheSizeGB": f"{_cache_gigabytes():.2f}",
    }
    parameters = {
        "diagnosticDataCollectionEnabled": "false",
        # Otherwise, anyone on this machine could create the first user.
        "enableLocalhostAuthBypass": "false",
        # A single node has no other to step down for, so it need not wait for one when it stops.
        "shutdownTimeoutMillisForSignaledShutdown": 100,
    }
    command = [str(binary), "--quiet", "--nounixsocket"]
    for name, value in arguments.items():
        command += [f"--{name}", str(value)]
    for name, value in parameters.items():
        command += ["--setParameter", f"{name}={value}"]
    return command


def _cache_gigabytes() -> float:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return min(1.0, max(0.25, memory / 8))


def _has_started_or_ended(process: subprocess.Popen[bytes], port: int, folder: Path) -> bool:
    if process.poll() is not None:
        return True
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        with connected(port, folder) as client:
            # Another mongod may be the one that answers.
            return bool(client.admin.command("serverStatus")["pid"] == process.pid)
    except (OSError, PyMongoError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a mongod cleanly, or by force after STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def connected(port: int, folder: Path) -> MongoClient[dict[str, Any]]:
    """A client of the mongod on this port in any state, authenticated with its key file."""
    return MongoClient(
        f"mongodb://127.0.0.1:{port}/?directConnection=true",
        username="__system",
        password=set_key(folder),
        authSource="local",
        serverSelectionTimeoutMS=2000,
    )


def uri(port: int, folder: Path) -> str:
    """The connection string of the embedded MongoDB, with its password: never to be shown."""
    options = f"directConnection=true&replicaSet={REPLICA_SET}&authSource={_USERS}"
    return f"mongodb://{USER}:{user_password(folder)}@127.0.0.1:{port}/?{options}"


def become_primary(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Wait until the mongod accepts writes, and initiate its replica set if it is new. Raises ForecastError."""

    def is_primary_or_has_ended() -> bool:
        return process.poll() is not None or _is_primary(client, f"127.0.0.1:{port}")

    with connected(port, folder) as client:
        try:
            ready = wait_until(is_primary_or_has_ended, START_SECONDS)
            if ready and process.poll() is None:
                _make_user(client, user_password(folder))
        except PyMongoError as error:
            raise RetryableError(f"The embedded MongoDB does not start: {error}. {log_tail(folder)}") from error
    if process.poll() is not None:
        raise SettingError(f"mongod exited at startup with code {process.returncode}. {log_tail(folder)}")
    if not ready:
        raise RetryableError(f"mongod accepted no writes within {START_SECONDS:.0f} s. {log_tail(folder)}")


def _make_user(client: MongoClient[dict[str, Any]], password: str) -> None:
    """Create the only user, or reset its password if the file was lost or the data come from elsewhere."""
    roles = [{"role": "root", "db": _USERS}]
    there = client[_USERS].command("usersInfo", USER)["users"]
    client[_USERS].command("updateUser" if there else "createUser", USER, pwd=password, roles=roles)


def _is_primary(client: MongoClient[dict[str, Any]], address: str) -> bool:
    """Whether the node accepts writes; configures it if that is needed first."""
    if client.admin.command("hello")["isWritablePrimary"]:
        return True
    config = client.local["system.replset"].find_one()
    members = [{"_id": 0, "host": address}]
    try:
        if config is None:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        elif [member["host"] for member in config["members"]] != [address]:
            changed = config | {"members": members, "version": config["version"] + 1}
            client.admin.command("replSetReconfig", changed, force=True)
    except OperationFailure as error:
        # It is still looking for itself at its old address.
        if error.code != NOT_YET_INITIALIZED:
            raise
    return False


def last_port(kept: Path) -> int | None:
    """The port that a file holds, or None."""
    try:
        port = int(kept.read_text())
    except (OSError, ValueError):
        return None
    return port if port in UNPRIVILEGED_PORTS else None


def keep_port(kept: Path, port: int) -> None:
    """Save a port for the next start."""
    # If this fails, the next start uses another port and reconfigures the set.
    with suppress(OSError):
        kept.write_text(str(port))


def is_free(port: int) -> bool:
    """Whether nothing listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until `done` returns True; False if it does not within this time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def log_tail(folder: Path) -> str:
    """Quote the end of mongod's log: its errors if it has any, else its last lines."""
    log = folder / "mongod.log"
    try:
        lines = log.read_text(errors="replace").splitlines()[-200:]
    except OSError:
        return f"It left no log in {log}."
    entries = [_log_entry(line) for line in lines if '"client metadata"' not in line]
    errors = [text for severity, text in entries if severity in {"E", "F"}]
    chosen = errors[:3] or [text for _, text in entries[-3:]]
    return f"The end of its log, {log}: {' | '.join(chosen)}"


def _log_entry(line: str) -> tuple[str, str]:
    try:
        entry = json.loads(line)
        attributes = json.dumps(entry["attr"], ensure_ascii=False) if "attr" in entry else ""
        return str(entry["s"]), " ".join(f"{entry['msg']} {attributes}".split())[:300]
    except (ValueError, KeyError, TypeError):
        return "", line[:300]
