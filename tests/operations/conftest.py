"""Members as the image starts them: a real mongod with TLS and a key file."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from forecast.cli.program import forecast_app
from forecast_ops import pki

KEY = "k3y" * 100
PASSWORDS = {
    f"MONGO_{user}_PASSWORD": f"{user.lower()}:s3cr3t/?" for user in ("ROOT", "APP", "BACKUP", "MONITOR", "ROLL")
}


@dataclass(frozen=True)
class Member:
    """A running mongod, its address and the authority of its certificate."""

    host: str
    ca_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the one-shot tasks get."""
        return {
            **PASSWORDS,
            "MONGO_MEMBERS": self.host,
            "MONGO_REPLICA_SET": "forecast",
            "MONGO_REPLICA_KEY": KEY,
            "MONGO_TLS_CA": self.ca_file.read_text(),
            "MONGODB_DATABASE": "forecast_2_0",
        }

    def uri(self, user: str) -> str:
        """The connection string, as Terraform writes it into the user's secret."""
        password = quote_plus(PASSWORDS[f"MONGO_{user.upper()}_PASSWORD"])
        options = f"replicaSet=forecast&tls=true&tlsCAFile={self.ca_file}&authSource=admin"
        return f"mongodb://{user}:{password}@{self.host}/?{options}"

    def root(self) -> MongoClient[dict[str, Any]]:
        """Connect as root, which `mongo init` makes."""
        password = PASSWORDS["MONGO_ROOT_PASSWORD"]
        return MongoClient(self.host, username="root", password=password, tls=True, tlsCAFile=str(self.ca_file))


@contextmanager
def started(mongod: Path, folder: Path) -> Iterator[Member]:
    """Start a member with an empty disk."""
    now = datetime.now(UTC)
    authority = pki.open_authority(folder, now)
    pki.write_secret(folder / "server.pem", pki.issue(authority, "localhost", 1, now))
    pki.write_secret(folder / "keyfile", KEY.encode())
    data = folder / "data"
    data.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command: list[str | Path] = [
        *(mongod, "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
        *("--dbpath", data, "--wiredTigerCacheSizeGB", "0.25", "--replSet", "forecast"),
        *("--keyFile", folder / "keyfile", "--tlsMode", "requireTLS", "--tlsAllowConnectionsWithoutCertificates"),
        *("--tlsCertificateKeyFile", folder / "server.pem", "--tlsCAFile", folder / "ca.pem"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield Member(f"localhost:{port}", folder / "ca.pem")
        process.kill()


@pytest.fixture
def member(mongod_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Member]:
    """Give a member that is not initiated; the environment is that of the one-shot tasks."""
    with started(mongod_binary, tmp_path / "member") as new:
        for name, value in new.environment.items():
            monkeypatch.setenv(name, value)
        yield new


@pytest.fixture(scope="session")
def initiated_member(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    """Give a set of one member with its users, which lasts as long as the tests."""
    with started(mongod_binary, tmp_path_factory.mktemp("member")) as new:
        result = CliRunner(env=new.environment).invoke(forecast_app, ["mongo", "init"])
        assert result.exit_code == 0, result.output
        yield new


@pytest.fixture
def users_member(initiated_member: Member, monkeypatch: pytest.MonkeyPatch) -> Member:
    """Give the set with its users, and nothing else in it; the environment is that of the one-shot tasks."""
    for name, value in initiated_member.environment.items():
        monkeypatch.setenv(name, value)
    with initiated_member.root() as client:
        for name in ("forecast_2_0", "forecast_operations"):
            client.drop_database(name)
    return initiated_member
