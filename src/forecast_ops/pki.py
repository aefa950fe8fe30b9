"""The private certificate authority of the replica set's TLS, and the members' certificates.

The authority's key stays in one folder of the operator. Each member gets one PEM file, with its certificate and key.
X.509 as in RFC 5280; P-256 keys.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from forecast.core.errors import SettingError

AUTHORITY_DAYS = 3650
# A machine whose clock is slow must not reject a certificate issued just now; RFC 5280, 4.1.2.5 allows it.
_BACKDATED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate, which every member and client gets."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def open_authority(folder: Path, now: datetime) -> Authority:
    """The authority in `folder`, which is created if there is none yet (ca.pem, and ca.key with mode 0600).

    Raises SettingError if the folder holds only one of the two files, or if the authority has expired.
    """
    certificate_path, key_path = folder / "ca.pem", folder / "ca.key"
    if certificate_path.exists() != key_path.exists():
        raise SettingError(
            f"{folder} holds only one of ca.pem and ca.key; put the other next to it, or name a new folder"
        )
    if not key_path.exists():
        authority = _new_authority(now)
        folder.mkdir(parents=True, exist_ok=True)
        write_secret(key_path, _key_pem(authority.key))
        certificate_path.write_bytes(authority.pem)
        return authority
    certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise SettingError(f"ca.key in {folder} is not the key of ca.pem")
    if certificate.not_valid_after_utc <= now:
        raise SettingError(
            f"the CA in {folder} expired on {certificate.not_valid_after_utc:%Y-%m-%d}; name a new folder"
        )
    return Authority(certificate, key)


def issue(authority: Authority, host: str, days: int, now: datetime) -> bytes:
    """Certificate and key of one member as one PEM, valid for `days` days, but never longer than its authority.

    It names the host, and localhost for clients in the same container. A member is a server and, to the others, a
    client.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(host), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    end = min(now + timedelta(days=days), authority.certificate.not_valid_after_utc)
    certificate = (
        _builder(host, authority.certificate.subject, key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + _key_pem(key)


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can ever read, even while it is being written."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _new_authority(now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject("forecast MongoDB authority")
    certificate = (
        _builder("forecast MongoDB authority", subject, key, now, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def _builder(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _BACKDATED)
        .not_valid_after(end.astimezone(UTC))
    )


def _subject(name: str) -> x509.Name:
    # The longest common name that X.520 allows; the full host name is in the alternative names.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _key_usage(*, digital_signature: bool = False, signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
