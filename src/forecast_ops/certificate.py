"""Renews a member's certificate while it serves: writes what Secrets Manager holds to the file that mongod reads.

A program next to mongod in the member's task checks once an hour. If the certificate differs from the one in the file,
it replaces the file and tells mongod to read it again (`rotateCertificates`). No connection is closed and no disk is
lost.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from forecast.core.errors import RetryableError, SettingError
from forecast_ops.status import certificate_days

# InvalidSSLConfiguration (mongo/base/error_codes.yml).
_INVALID_CERTIFICATE = 140

Client = MongoClient[dict[str, Any]]


def renew(pem: str, file: Path, host: str, client: Client, ca_file: Path, now: datetime) -> float | None:
    """Write `pem` to the file and make mongod serve it.

    Returns the days for which it is valid, or None if the file already has it. The old file is restored if mongod
    rejects the new one. Raises SettingError if `pem` is not a certificate with its key, or expires before the one in
    use, and RetryableError if mongod then serves a different one.
    """
    try:
        old = file.read_text("utf-8")
    except FileNotFoundError as error:
        raise RetryableError(f"{file} does not exist yet: mongod has not been started") from error
    if old.strip() == pem.strip():
        return None
    ends = _end_of(pem)
    served = certificate_days(host, ca_file, now)
    left = (ends - now).total_seconds() / 86_400
    if served is not None and left <= served:
        raise SettingError(
            f"the certificate in the secret of {host} is valid for {left:.0f} more days and the one in use for "
            f"{served:.0f}, so it was not installed; issue a new one (forecast mongo pki)"
        )
    _replace(file, pem)
    try:
        client.admin.command("rotateCertificates")
    except PyMongoError as error:
        _replace(file, old)
        if isinstance(error, OperationFailure) and error.code == _INVALID_CERTIFICATE:
            raise SettingError(
                f"mongod rejected the certificate in the secret of {host} and keeps its current one: "
                "does the key match the certificate, and is it already valid? Issue a new one (forecast mongo pki)"
            ) from error
        raise
    found = certificate_days(host, ca_file, now)
    if found is None or abs(found - left) > 1 / 24:
        raise RetryableError(f"{host} accepted the new certificate, but serves one with a different expiry date")
    return left


def _end_of(pem: str) -> datetime:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise SettingError("the secret is not a certificate: it must be what forecast mongo pki puts there") from error
    if "PRIVATE KEY" not in pem:
        raise SettingError("the secret holds a certificate without its key; forecast mongo pki puts both there")
    return certificate.not_valid_after_utc


def _replace(file: Path, pem: str) -> None:
    """Replace the file completely or not at all; only mongod's user can read it."""
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="utf-8") as target:
        target.write(pem.strip() + "\n")
    new.replace(file)
