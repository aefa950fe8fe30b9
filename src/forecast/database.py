"""The connection to MongoDB, and its errors in words: what to try again, and what to change."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from forecast.embedded import embedded_mongodb
from forecast.errors import ForecastError, RetryableError, SettingError
from forecast.settings import EMBEDDED_FOLDER, Settings

Documents = Collection[dict[str, Any]]

SELECTION_TIMEOUT_MS = 20_000
WRITE_TIMEOUT_MS = 60_000
_UNUSABLE = (
    "MONGODB_URI cannot be used: it is no valid connection string, it has an option or a file that cannot be, "
    "or its host name has no address. In user and password, characters such as : / ? @ must be percent-encoded"
)
_UNAUTHORIZED = 13
_AUTHENTICATION_FAILED = 18
_VALIDATION_FAILED = 121
_OUT_OF_DISK = 14031


@contextmanager
def connect(settings: Settings) -> Iterator[Documents]:
    """The main collection, majority read and write; on the embedded MongoDB where no MONGODB_URI is set."""
    if settings.mongodb_uri is None:
        with embedded_mongodb(EMBEDDED_FOLDER) as uri, _collection(uri, settings) as collection:
            yield collection
    else:
        with _collection(settings.mongodb_uri, settings) as collection:
            yield collection


@contextmanager
def _collection(uri: str, settings: Settings) -> Iterator[Documents]:
    client = _client(uri)
    try:
        with told_apart("connecting"):
            client.admin.command("ping")
        yield client[settings.mongodb_database].get_collection(
            settings.mongodb_collection,
            write_concern=WriteConcern("majority", wtimeout=WRITE_TIMEOUT_MS),
            read_concern=ReadConcern("majority"),
        )
    finally:
        client.close()


def _client(uri: str) -> MongoClient[dict[str, Any]]:
    """A client that has not connected yet; what the connection string says of timeouts goes before our default."""
    defaults: dict[str, Any] = {"tz_aware": True, "appname": "forecast", "retryWrites": True}
    if "serverselectiontimeoutms=" not in uri.lower():
        defaults["serverSelectionTimeoutMS"] = SELECTION_TIMEOUT_MS
    with told_apart("connecting"), warnings.catch_warnings():
        # The driver only warns of options that it does not know, and quotes them: parts of a password, it may be.
        warnings.simplefilter("error", UserWarning)
        try:
            return MongoClient(uri, **defaults)
        except (ValueError, OSError, UserWarning) as error:
            raise SettingError(_UNUSABLE) from error


@contextmanager
def told_apart(doing: str) -> Iterator[None]:
    """Turn the driver's errors into ours. Their texts can hold addresses and documents, so they are not passed on."""
    try:
        yield
    except PyMongoError as error:
        raise translated(error, doing) from error


def translated(error: PyMongoError, doing: str) -> ForecastError:
    """One error of the driver as one of ours."""
    if isinstance(error, InvalidURI | ConfigurationError):
        return SettingError(_UNUSABLE)
    if isinstance(error, ServerSelectionTimeoutError):
        return RetryableError(
            f"MongoDB is out of reach ({doing}): no primary answered in time. "
            "Check that the replica set is up and that MONGODB_URI names it"
        )
    if isinstance(error, WTimeoutError | WriteConcernError):
        return RetryableError(
            f"MongoDB did not confirm a write on a majority of its members ({doing}); is a member down?"
        )
    if isinstance(error, ConnectionFailure | ExecutionTimeout):
        return RetryableError(f"the connection to MongoDB was lost ({doing})")
    if isinstance(error, OperationFailure):
        return _of_code(error.code, doing)
    return RetryableError(f"MongoDB failed ({doing}): {type(error).__name__}")


def _of_code(code: int | None, doing: str) -> ForecastError:
    if code in (_UNAUTHORIZED, _AUTHENTICATION_FAILED):
        return SettingError(f"MongoDB refused the user of MONGODB_URI ({doing}): wrong password, or a right is missing")
    if code == _OUT_OF_DISK:
        return RetryableError(f"MongoDB has no disk space left ({doing})")
    return RetryableError(f"MongoDB refused an operation ({doing}): code {code}")


def validation_failed(details: dict[str, Any]) -> bool:
    """Whether the server's validator refused the document."""
    return details.get("code") == _VALIDATION_FAILED
