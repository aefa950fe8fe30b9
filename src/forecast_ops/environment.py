"""The tasks' environment variables, and connections to the set that use them."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

from forecast.core.errors import RetryableError, SettingError
from forecast.core.settings import Settings

SELECTION_TIMEOUT_MS = 20_000
# A dump a day, and two hours for a late one.
_MAX_DUMP_AGE_HOURS = "26"
_AUTHENTICATION_FAILED = 18
_TO_BE_CHANGED = {
    *("AccessDenied", "AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"),
    *("ClusterNotFoundException", "ParameterNotFound", "ResourceNotFoundException", "ServiceNotFoundException"),
}


def required(name: str, meaning: str) -> str:
    """The value of an environment variable, or an error that names it; a value is never shown."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise SettingError(f"{name} is not set: {meaning}")
    return value


def max_dump_age() -> timedelta:
    """How old the newest dump may be where members are rolled, from MAX_DUMP_AGE_HOURS."""
    text = os.environ.get("MAX_DUMP_AGE_HOURS", "").strip() or _MAX_DUMP_AGE_HOURS
    try:
        age = timedelta(hours=float(text))
    except (ValueError, OverflowError):
        age = timedelta()
    if age <= timedelta():
        raise SettingError(f"MAX_DUMP_AGE_HOURS must be a number of hours above 0, such as {_MAX_DUMP_AGE_HOURS}")
    return age


def members() -> list[str]:
    """The members of the set as host:port, from MONGO_MEMBERS."""
    found = required("MONGO_MEMBERS", "all members as host:port, comma-separated").split(",")
    hosts = [host.strip() for host in found]
    if any(not host.rpartition(":")[0] or not host.rpartition(":")[2].isdecimal() for host in hosts):
        raise SettingError("MONGO_MEMBERS must be host:port, comma-separated, such as mongo-1.internal:27017")
    if len(set(hosts)) != len(hosts):
        raise SettingError("MONGO_MEMBERS contains a member twice")
    return hosts


@contextmanager
def authority_file() -> Iterator[Path]:
    """MONGO_TLS_CA, the authority's certificate, as the file that the drivers want."""
    with tempfile.TemporaryDirectory(prefix="forecast-ca-") as folder:
        path = Path(folder) / "ca.pem"
        path.write_text(required("MONGO_TLS_CA", "the private CA's certificate, PEM") + "\n")
        yield path


@contextmanager
def as_system(host: str, ca_file: Path) -> Iterator[MongoClient[dict[str, Any]]]:
    """Connect to one member as the internal user, whose password is the members' key: it exists before all users."""
    key = required("MONGO_REPLICA_KEY", "the members' shared key")
    with MongoClient[dict[str, Any]](
        host,
        directConnection=True,
        username="__system",
        # mongod leaves out white space when it reads its key file.
        password="".join(key.split()),
        authSource="local",
        tls=True,
        tlsCAFile=str(ca_file),
        serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
        appname="forecast-operations",
    ) as client:
        yield client


@contextmanager
def by_uri(settings: Settings, ca_file: Path) -> Iterator[MongoClient[dict[str, Any]]]:
    """Connect to the set in MONGODB_URI. Its tlsCAFile, a path in the pipeline's container, is replaced."""
    uri = with_options(settings.require_mongodb_uri(), tlsCAFile=str(ca_file))
    with warnings.catch_warnings():
        # The driver only warns about unknown options, and quotes them: they may be parts of a password.
        warnings.simplefilter("error", UserWarning)
        try:
            client = MongoClient[dict[str, Any]](
                uri,
                serverSelectionTimeoutMS=SELECTION_TIMEOUT_MS,
                appname="forecast-operations",
                tz_aware=True,
            )
        except (ValueError, OSError, UserWarning) as error:
            raise SettingError("MONGODB_URI cannot be used: it is not a valid connection string") from error
    with client:
        yield client


def with_options(uri: str, **options: str) -> str:
    """The connection string with these options, which replace its own."""
    address, _, query = uri.partition("?")
    taken = {name.lower() for name in options}
    kept = [(name, value) for name, value in parse_qsl(query) if name.lower() not in taken]
    slash = "" if "/" in address.removeprefix("mongodb://").removeprefix("mongodb+srv://") else "/"
    return f"{address}{slash}?{urlencode([*kept, *options.items()], safe='/:')}"


@contextmanager
def answering(who: str) -> Iterator[None]:
    """Turn the driver's connection errors into errors for people; its own texts can contain addresses."""
    try:
        yield
    except ConnectionFailure as error:
        raise RetryableError(
            f"{who} does not answer; is it running, and did the CA in MONGO_TLS_CA sign its certificate?"
        ) from error
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            raise SettingError(f"{who} refused the user or the password") from error
        raise


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn boto3's errors into ours, by what to do about them."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        words = f"AWS answered {code} to {error.operation_name}"
        if code in _TO_BE_CHANGED:
            raise SettingError(f"{words}: the role lacks a permission, or nothing with that name exists") from error
        raise RetryableError(words) from error
    except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
        raise SettingError(f"the request to AWS failed: {error}") from error
    except BotoCoreError as error:
        raise RetryableError(f"AWS did not answer: {type(error).__name__}; is AWS_ENDPOINT_URL right?") from error
