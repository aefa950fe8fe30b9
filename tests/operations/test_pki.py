"""`mongo pki`: certificates that clients and members accept, and keys that stay where they belong."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from cryptography import x509
from moto import mock_aws
from typer.testing import CliRunner

from forecast.cli.program import forecast_app
from forecast.core.errors import SettingError
from forecast_ops import pki

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOSTS = "mongo-1.forecast.internal,mongo-2.forecast.internal,mongo-3.forecast.internal"


def handshake(pem: Path, ca_file: Path, host: str) -> None:
    """One TLS handshake in memory; raises what the client would see."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    client_side = ssl.create_default_context(cafile=ca_file)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server, server_hostname=host)
    for end in (client, server, client, server, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


def issued(folder: Path, *more: str) -> None:
    result = CliRunner().invoke(forecast_app, ["mongo", "pki", str(folder), "--hosts", HOSTS, *more])
    assert result.exit_code == 0, result.output


def test_each_member_gets_a_certificate_for_its_own_name_and_for_localhost(tmp_path: Path) -> None:
    issued(tmp_path)
    for number in (1, 2, 3):
        pem = tmp_path / f"mongo-{number}.pem"
        for name in (f"mongo-{number}.forecast.internal", "localhost", "127.0.0.1"):
            handshake(pem, tmp_path / "ca.pem", name)
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            handshake(pem, tmp_path / "ca.pem", "mongo-9.forecast.internal")


def test_a_certificate_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    issued(tmp_path / "one")
    issued(tmp_path / "two")
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        handshake(tmp_path / "one" / "mongo-1.pem", tmp_path / "two" / "ca.pem", "mongo-1.forecast.internal")


def test_renewal_keeps_the_authority_and_generates_new_keys(tmp_path: Path) -> None:
    issued(tmp_path)
    authority, member = (tmp_path / "ca.pem").read_bytes(), (tmp_path / "mongo-1.pem").read_bytes()
    issued(tmp_path, "--days", "30")
    assert (tmp_path / "ca.pem").read_bytes() == authority
    assert (tmp_path / "mongo-1.pem").read_bytes() != member
    handshake(tmp_path / "mongo-1.pem", tmp_path / "ca.pem", "mongo-1.forecast.internal")


def test_the_members_certificates_expire_on_three_different_days(tmp_path: Path) -> None:
    issued(tmp_path)
    ends = [
        x509.load_pem_x509_certificate((tmp_path / f"mongo-{number}.pem").read_bytes()).not_valid_after_utc
        for number in (1, 2, 3)
    ]
    assert [(ends[0] - end).days for end in ends] == [0, 18, 36]


def test_only_their_owner_can_read_keys(tmp_path: Path) -> None:
    issued(tmp_path)
    for name in ("ca.key", "mongo-1.pem", "mongo-2.pem", "mongo-3.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_certificate_is_valid_for_the_requested_days_but_not_longer_than_its_authority(tmp_path: Path) -> None:
    authority = pki.open_authority(tmp_path, NOW)
    short = x509.load_pem_x509_certificate(pki.issue(authority, "mongo-1.internal", 30, NOW))
    assert short.not_valid_after_utc == NOW + timedelta(days=30)
    late = NOW + timedelta(days=pki.AUTHORITY_DAYS - 10)
    cut = x509.load_pem_x509_certificate(pki.issue(authority, "mongo-1.internal", 30, late))
    assert cut.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_a_damaged_or_expired_authority_is_an_error(tmp_path: Path) -> None:
    pki.open_authority(tmp_path / "a", NOW)
    with pytest.raises(SettingError, match="expired on 2036-11-20"):
        pki.open_authority(tmp_path / "a", NOW + timedelta(days=pki.AUTHORITY_DAYS))
    pki.open_authority(tmp_path / "b", NOW)
    (tmp_path / "b" / "ca.key").rename(tmp_path / "a" / "ca.key")
    with pytest.raises(SettingError, match="is not the key of"):
        pki.open_authority(tmp_path / "a", NOW)
    with pytest.raises(SettingError, match="only one of"):
        pki.open_authority(tmp_path / "b", NOW)


def test_two_members_with_the_same_name_are_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(forecast_app, ["mongo", "pki", str(tmp_path), "--hosts", "mongo-1.a,mongo-1.b"])
    assert result.exit_code == 2
    assert "two host names have the same first label" in result.output


def test_secrets_manager_gets_the_certificates_and_never_the_authoritys_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    names = ["ca", "mongo-1", "mongo-2", "mongo-3"]
    with mock_aws():
        client = boto3.client("secretsmanager")
        for name in names:
            client.create_secret(Name=f"forecast-prod/mongodb/tls/{name}")
        issued(tmp_path, "--secrets-prefix", "forecast-prod/mongodb/tls")
        for name in names:
            secret = client.get_secret_value(SecretId=f"forecast-prod/mongodb/tls/{name}")["SecretString"]
            assert secret == (tmp_path / f"{name}.pem").read_text()
            assert ("PRIVATE KEY" in secret) == (name != "ca")
        assert len(client.list_secrets()["SecretList"]) == len(names)
        result = CliRunner().invoke(
            forecast_app, ["mongo", "pki", str(tmp_path), "--hosts", HOSTS, "--secrets-prefix", "other"]
        )
        assert result.exit_code == 2
        assert "AWS answered ResourceNotFoundException to PutSecretValue" in result.output
