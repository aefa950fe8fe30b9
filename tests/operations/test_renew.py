"""`mongo renew`: a member's certificate is renewed while clients write, on a real member."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pymongo import MongoClient
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast_ops import pki
from forecast_ops.status import certificate_days
from tests.operations.conftest import Member

SECRET = "forecast-test/mongodb/tls/mongo-1"


@pytest.fixture
def secret(users_member: Member, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give Secrets Manager, with the certificate that the member has."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    monkeypatch.setenv("MONGO_MEMBER", users_member.host)
    monkeypatch.setenv("MONGO_TLS_SECRET", SECRET)
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name=SECRET, SecretString=file_of(users_member).read_text())
        yield client


def file_of(member: Member) -> Path:
    return member.ca_file.parent / "server.pem"


def new(member: Member, days: float) -> str:
    """A certificate of the member's authority, which ends so many days from now and holds already."""
    now = datetime.now(UTC)
    authority = pki.open_authority(member.ca_file.parent, now)
    whole = math.ceil(days)
    return pki.issue(authority, "localhost", whole, now - timedelta(days=whole - days)).decode()


def renew(member: Member) -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "renew", str(file_of(member)), "--log-format", "json"])


def days(member: Member) -> float | None:
    return certificate_days(member.host, member.ca_file, datetime.now(UTC))


def test_a_certificate_is_renewed_under_a_writing_client_and_nothing_is_lost(users_member: Member, secret: Any) -> None:
    done = threading.Event()
    written: list[int] = []
    faults: list[Exception] = []

    def write() -> None:
        with users_member.root() as client:
            while not done.is_set():
                try:
                    client["forecast_2_0"]["drill"].insert_one({"_id": len(written)})
                    written.append(len(written))
                except Exception as error:  # noqa: BLE001
                    faults.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        secret.put_secret_value(SecretId=SECRET, SecretString=new(users_member, 90))
        result = renew(users_member)
    finally:
        done.set()
        writer.join()
    assert result.exit_code == 0, result.output
    assert '"event": "certificate_renewed"' in result.output
    assert days(users_member) == pytest.approx(90, abs=0.1)
    assert faults == []
    client: MongoClient[dict[str, Any]]
    with users_member.root() as client:
        assert client["forecast_2_0"]["drill"].count_documents({}) == len(written)
    again = renew(users_member)
    assert (again.exit_code, "certificate_renewed" in again.output) == (0, False)


def test_a_certificate_that_expires_earlier_is_not_installed(users_member: Member, secret: Any) -> None:
    before, held = file_of(users_member).read_text(), days(users_member)
    secret.put_secret_value(SecretId=SECRET, SecretString=new(users_member, 0.5))
    result = renew(users_member)
    assert result.exit_code == 2
    assert "so it was not installed; issue a new one (forecast mongo pki)" in result.output
    assert file_of(users_member).read_text() == before
    assert days(users_member) == pytest.approx(held or 0, abs=0.1)


@pytest.mark.parametrize(
    ("value", "words"),
    [("words", "the secret is not a certificate"), ("CERTIFICATE", "a certificate without its key")],
)
def test_a_secret_without_a_certificate_and_its_key_changes_nothing(
    users_member: Member, secret: Any, value: str, words: str
) -> None:
    before = file_of(users_member).read_text()
    if value == "CERTIFICATE":
        value = new(users_member, 200).partition("-----BEGIN PRIVATE KEY")[0]
    secret.put_secret_value(SecretId=SECRET, SecretString=value)
    result = renew(users_member)
    assert result.exit_code == 2
    assert words in result.output
    assert file_of(users_member).read_text() == before


def test_a_certificate_that_mongod_rejects_is_replaced_by_the_old_one(
    users_member: Member, secret: Any, tmp_path: Path
) -> None:
    """The key is another certificate's."""
    before = file_of(users_member).read_text()
    certificate = new(users_member, 200).partition("-----BEGIN PRIVATE KEY")[0]
    key = new(users_member, 200).partition("-----BEGIN PRIVATE KEY")[2]
    secret.put_secret_value(SecretId=SECRET, SecretString=f"{certificate}-----BEGIN PRIVATE KEY{key}")
    result = renew(users_member)
    assert result.exit_code == 2
    assert "mongod rejected the certificate in the secret of localhost:" in result.output
    assert file_of(users_member).read_text() == before


def test_a_mongod_that_has_not_started_yet_is_retried(users_member: Member, secret: Any, tmp_path: Path) -> None:
    result = CliRunner().invoke(forecast_app, ["mongo", "renew", str(tmp_path / "server.pem")])
    assert result.exit_code == 1
    assert "does not exist yet: mongod has not been started" in result.output
