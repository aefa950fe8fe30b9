"""The embedded MongoDB, on a real mongod."""

import fcntl
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.embedded import embedded_mongodb, find_mongod, folder, leftover, server
from forecast.mongo.embedded.leftover import stop_leftover

UNAUTHORIZED = 13
SOURCES = Path(__file__).resolve().parents[2] / "src"

HOLDER = """
import signal, sys
from pathlib import Path
from pymongo import MongoClient
from forecast.mongo.embedded import embedded_mongodb
with embedded_mongodb(Path(sys.argv[1])) as uri:
    MongoClient(uri).tests.kept.insert_one({"_id": "before the crash"})
    print("ready", flush=True)
    signal.pause()
"""


def connected(uri: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri)


def insert(uri: str, name: str) -> None:
    with connected(uri) as client:
        client.tests.kept.insert_one({"_id": name})


def names(uri: str) -> list[str]:
    with connected(uri) as client:
        return sorted(document["_id"] for document in client.tests.kept.find())


def pid_of(folder: Path) -> int:
    return int((folder / "data" / "mongod.lock").read_text())


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def holder(mongod_binary: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Give another process that holds the embedded MongoDB in tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.terminate()
    # SIGTERM ends a plain Python at once, so its mongod is still there.
    stop_leftover(tmp_path)


@contextmanager
def another_program(port: int) -> Iterator[None]:
    """Listen on a port and hang up on everybody."""
    with socketserver.TCPServer(("127.0.0.1", port), socketserver.BaseRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_data_survive_a_restart(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path) as first:
        insert(first, "kept")
        pid = pid_of(tmp_path)
    assert not is_running(pid)
    with embedded_mongodb(tmp_path) as second:
        assert second == first
        assert names(second) == ["kept"]


def test_no_client_can_connect_without_the_password(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path) as uri:
        insert(uri, "kept")
        port = (tmp_path / "port").read_text()
        with connected(f"mongodb://127.0.0.1:{port}/?directConnection=true") as nobody:
            with pytest.raises(OperationFailure) as refused:
                nobody.tests.kept.find_one()
            assert refused.value.code == UNAUTHORIZED
            with pytest.raises(OperationFailure) as refused:
                nobody.tests.other.insert_one({})
            assert refused.value.code == UNAUTHORIZED
            with pytest.raises(OperationFailure) as refused:
                nobody.admin.command("createUser", "first", pwd="x", roles=["root"])
            assert refused.value.code == UNAUTHORIZED


def test_only_its_user_can_read_its_secrets(mongod_binary: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mongodb"
    folder.mkdir(mode=0o755)
    with embedded_mongodb(folder) as uri:
        assert (folder / "password").read_text() in uri
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("keyfile", "password"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_data_survive_the_loss_of_the_secrets(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path) as uri:
        insert(uri, "kept")
    (tmp_path / "keyfile").write_text("")
    (tmp_path / "password").unlink()
    with embedded_mongodb(tmp_path) as again:
        assert again != uri
        assert names(again) == ["kept"]


def test_it_takes_majority_writes_and_transactions(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path) as uri, connected(uri) as client:
        with client.start_session() as session, session.start_transaction():
            client.tests.kept.insert_one({"_id": "together"}, session=session)
        assert names(uri) == ["together"]


def test_a_taken_port_is_replaced_and_the_data_stay(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path) as first:
        insert(first, "kept")
    port = int((tmp_path / "port").read_text())
    with another_program(port), embedded_mongodb(tmp_path) as second:
        assert second != first
        assert names(second) == ["kept"]
        insert(second, "on the new port")
    with embedded_mongodb(tmp_path) as third:
        assert third == second
        assert names(third) == ["kept", "on the new port"]


def test_a_port_that_is_taken_at_the_last_moment_is_replaced(
    mongod_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        (tmp_path / "port").write_text(str(other.getsockname()[1]))
        monkeypatch.setattr(server, "is_free", lambda port: True)
        with embedded_mongodb(tmp_path) as uri:
            insert(uri, "kept")
            assert names(uri) == ["kept"]


def test_a_killed_run_is_taken_over(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    left = pid_of(tmp_path)
    holder.kill()
    holder.wait()
    assert is_running(left)
    with embedded_mongodb(tmp_path) as uri:
        assert names(uri) == ["before the crash"]
        assert pid_of(tmp_path) != left
        assert not is_running(left)


def test_a_killed_mongod_recovers(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    left = pid_of(tmp_path)
    holder.kill()
    holder.wait()
    os.kill(left, signal.SIGKILL)
    with embedded_mongodb(tmp_path) as uri:
        assert names(uri) == ["before the crash"]


def test_a_hanging_mongod_of_an_earlier_run_is_replaced(
    holder: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = pid_of(tmp_path)
    holder.kill()
    holder.wait()
    os.kill(left, signal.SIGSTOP)
    monkeypatch.setattr(leftover, "STOP_SECONDS", 0.2)
    with embedded_mongodb(tmp_path) as uri:
        assert names(uri) == ["before the crash"]
        assert not is_running(left)


def test_a_mongod_that_ends_by_itself_is_reported(
    mongod_binary: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with embedded_mongodb(tmp_path):
        left = pid_of(tmp_path)
        os.kill(left, signal.SIGKILL)
        os.waitid(os.P_PID, left, os.WEXITED | os.WNOWAIT)
    (message,) = caplog.messages
    assert message.startswith(f"mongod exited unexpectedly with code -9. The end of its log, {tmp_path}/mongod.log: ")


@pytest.fixture
def held_by_no_mongod(tmp_path: Path) -> Iterator[IO[str]]:
    """A lock file whose holder has no command line of a mongod, as one that is just ending has none."""
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "mongod.lock").open("w") as file:
        file.write(f"{os.getpid()}\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def test_a_mongod_that_is_shutting_down_is_waited_for(held_by_no_mongod: IO[str], tmp_path: Path) -> None:
    release = threading.Timer(0.3, fcntl.flock, (held_by_no_mongod, fcntl.LOCK_UN))
    release.start()
    stop_leftover(tmp_path)
    release.join()


def test_data_in_use_by_another_program_are_left_alone(
    held_by_no_mongod: IO[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftover, "ENDING_SECONDS", 0.1)
    with pytest.raises(RetryableError) as caught:
        stop_leftover(tmp_path)
    assert not held_by_no_mongod.closed
    assert caught.value.message == (
        f"another program is using the data in {tmp_path}, and {tmp_path}/data/mongod.lock does not show which; "
        "stop it or set MONGODB_URI"
    )


def test_a_process_that_reuses_the_old_pid_is_left_alone(mongod_binary: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (tmp_path / "data" / "mongod.lock").write_text(f"{bystander.pid}\n")
        with embedded_mongodb(tmp_path):
            assert bystander.poll() is None
        assert bystander.poll() is None
        bystander.kill()


def test_a_second_run_is_told_to_wait(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(RetryableError) as refused, embedded_mongodb(tmp_path):
        pass
    assert str(refused.value) == (
        f"another run is using the embedded MongoDB in {tmp_path}; wait for it to end or set MONGODB_URI"
    )
    assert is_running(pid_of(tmp_path))


def test_a_ctrl_c_in_the_terminal_does_not_reach_mongod(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path):
        assert os.getpgid(pid_of(tmp_path)) != os.getpgid(0)


def test_it_stops_when_the_run_fails(mongod_binary: Path, tmp_path: Path) -> None:
    pids = []

    def fail() -> None:
        with embedded_mongodb(tmp_path):
            pids.append(pid_of(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not is_running(pids[0])


def test_data_that_mongod_rejects_are_reported(mongod_binary: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "WiredTiger").write_text("not a database\n")
    (tmp_path / "data" / "WiredTiger.turtle").write_text("not a database\n")
    (tmp_path / "data" / "storage.bson").write_text("not a database\n")
    with pytest.raises(SettingError, match=r"mongod exited at startup with code .*mongod\.log: "):
        embedded_mongodb(tmp_path).__enter__()


def test_a_missing_mongod_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_mongod(monkeypatch, tmp_path)
    assert find_mongod() is None
    with pytest.raises(SettingError) as refused:
        embedded_mongodb(tmp_path / "mongodb").__enter__()
    assert str(refused.value) == (
        "MONGODB_URI is not set, and no mongod is installed here (looked for the bundled one, which is for Linux "
        "x86-64 only, and for mongod on PATH). Set MONGODB_URI, or put a mongod on PATH, or use the "
        "container stack in docs/local-stack.md."
    )
    assert not (tmp_path / "mongodb").exists()


@pytest.mark.parametrize(
    ("on_path", "found"), [("7.0.9", "path"), ("10.0.0", "path"), ("6.0.5", "bundled"), ("5.0.31", "bundled")]
)
def test_the_newer_mongod_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, on_path: str, found: str) -> None:
    versions = {"bundled": "6.0.5", "path": on_path}
    for place, version in versions.items():
        pretend_mongod(tmp_path / place, f"echo 'db version v{version}'")

    class Bundled(metadata.PathDistribution):
        def locate_file(self, path: object) -> Path:
            return tmp_path / "bundled" / "mongod"

    monkeypatch.setattr(metadata, "distribution", lambda name: Bundled(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin")
    assert find_mongod() == tmp_path / found / "mongod"


def test_data_of_another_version_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_mongod(monkeypatch, tmp_path)
    pretend_mongod(tmp_path, 'test "$1" = --version || exit 62')
    with pytest.raises(SettingError) as refused:
        embedded_mongodb(tmp_path / "mongodb").__enter__()
    assert (
        f"the data in {tmp_path / 'mongodb'} were written by another version of MongoDB, which {tmp_path / 'mongod'} "
        "does not read. Take it off PATH, or move the folder away and fill a new database with forecast migrate."
    ) in str(refused.value)


def pretend_mongod(place: Path, script: str) -> None:
    """A program of that name in a folder."""
    place.mkdir(exist_ok=True)
    binary = place / "mongod"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)


def test_a_mongod_that_cannot_run_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_mongod(monkeypatch, tmp_path)
    pretend_mongod(tmp_path, "echo 'libcurl.so.4: cannot open shared object file' >&2; exit 127")
    with pytest.raises(SettingError, match=r"mongod does not run here: libcurl\.so\.4: cannot open shared object file"):
        embedded_mongodb(tmp_path / "mongodb").__enter__()


def without_mongod(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    def distribution(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    monkeypatch.setenv("PATH", str(path))


def test_a_folder_that_cannot_be_written(mongod_binary: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"cannot keep its data in .*: Not a directory"):
        embedded_mongodb(tmp_path / "file" / "mongodb").__enter__()


def test_a_path_that_is_too_long_is_reported(mongod_binary: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"cannot keep its data in .*: File name too long"):
        embedded_mongodb(tmp_path / ("x" * 300)).__enter__()


def test_a_long_path_works(mongod_binary: Path, tmp_path: Path) -> None:
    with embedded_mongodb(tmp_path / ("x" * 150) / "with a blank and an é") as uri:
        assert names(uri) == []


def test_a_full_disk(mongod_binary: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folder, "NEEDED_BYTES", 10**18)
    with pytest.raises(SettingError, match=r"needs \d+ MB of free disk in .*, and there are \d+ MB"):
        embedded_mongodb(tmp_path).__enter__()
