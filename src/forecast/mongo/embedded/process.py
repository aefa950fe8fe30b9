"""Starting a mongod on a folder, and stopping it."""

from __future__ import annotations

import os
import socket
import subprocess
from functools import partial
from pathlib import Path

from pymongo.errors import PyMongoError

from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.embedded.binary import environment
from forecast.mongo.embedded.folder import unwritable
from forecast.mongo.embedded.keys import KEY_FILE, set_key
from forecast.mongo.embedded.log import log_tail
from forecast.mongo.embedded.ports import free_port, is_free, keep_port, last_port
from forecast.mongo.embedded.primary import REPLICA_SET, connected
from forecast.mongo.embedded.waiting import START_SECONDS, STOP_SECONDS, wait_until

PORT_ATTEMPTS = 3
EXIT_PORT_IN_USE = 48


def start(binary: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start mongod on the port of the last time, or on another one if that is taken; give the process and the port."""
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
        # Another program may have taken the port between the look and the start: then choose again.
        if process.returncode != EXIT_PORT_IN_USE:
            break
        port = None
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
        # With it nobody is let in without a password: every user of this machine can reach the port.
        "keyFile": folder / KEY_FILE,
        "replSet": REPLICA_SET,
        "oplogSize": 256,
        "wiredTigerCacheSizeGB": f"{_cache_gigabytes():.2f}",
    }
    parameters = {
        "diagnosticDataCollectionEnabled": "false",
        # Else whoever came first could make the first user.
        "enableLocalhostAuthBypass": "false",
        # A node without others has nobody to hand over to: it need not wait for that when it stops.
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
