"""The connection to MongoDB, and its error messages: what to retry, and what to change."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pymongo
from pymongo import MongoClient, ReadPreference
from pymongo.collection import Collection
from pymongo.common import MIN_SUPPORTED_SERVER_VERSION
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.topology_description import TopologyDescription
from pymongo.write_concern import WriteConcern

from forecast.core.errors import ForecastError, RetryableError, SettingError
from forecast.core.settings import EMBEDDED_FOLDER, Settings
from forecast.mongo.embedded import embedded_mongodb
from forecast.mongo.unreachable import ENCODED, connection_lost, name_not_found, unreachable

ObservationCollection = Collection[dict[str, Any]]

# How long an operation waits for a primary. An election takes a little over 10 s (MongoDB's electionTimeoutMillis).
# If a member hangs with its connections open, it takes up to 30 s more to notice: the driver sends a heartbeat
# every 10 s and waits 20 s for the answer.
SELECTION_TIMEOUT_MS = 20_000
WRITE_TIMEOUT_MS = 60_000
_CLOSE_SECONDS = 2
_INVALID = f"MONGODB_URI is not a valid connection string. {ENCODED}"
_BAD_OPTION = f"MONGODB_URI has an option that is unknown, or whose value cannot be used. {ENCODED}"
_NO_MECHANISM = "the authentication mechanism in MONGODB_URI (authMechanism) needs a library that is not installed here"
_BAD_FILE = "a file that MONGODB_URI names (tlsCAFile, tlsCertificateKeyFile) cannot be read"
# What was taken for the host may be part of the password, so it is not shown.
_AT_BEHIND = (
    "MONGODB_URI has an @ after its first / or ?, so what precedes that was taken for the host, and no MongoDB "
    f"was reached there. {ENCODED}"
)
_UNCONFIRMED = "MongoDB did not confirm a write on a majority of its members ({doing}); is a member down?"
# The server's own databases, which do not support validators.
_RESERVED = ("admin", "config", "local")
# Matches the hosts of a connection string, which end at the first / or ?, as in the driver.
_HOSTS = re.compile(r"\w[\w+]*://(?:[^/?]*@)?([^/?]*)")
_BEHIND = re.compile(r"^\w[\w+]*://[^/?]*")
_UNKNOWN = 8
_BAD_VALUE = 2
_VALIDATION_FAILED = 121
_DUPLICATE_KEY = 11000
_COLLECTION_NAME = re.compile(r" collection: (\S+) index: ")
_INDEX_NAME = re.compile(r" index: (\S+) dup key: ")
_OUT_OF_DISK = 14031
# By the server's codes (error_codes.yml): errors that require a change, then those that may be gone at the next run.
_TO_CHANGE = {
    13: "MONGODB_URI names no user, or one without the necessary rights ({doing}). A run needs the role readWrite on "
    "the database, and also dbAdmin if the collection has the validator of an older version",
    18: "MongoDB refused the user of MONGODB_URI ({doing}): unknown to the database that authSource names, or wrong "
    "password",
    73: "MongoDB refused the name of the database or of the collection ({doing}); change MONGODB_DATABASE or "
    "MONGODB_COLLECTION",
    85: "the collection has an index like one of the pipeline's, with another name or other options ({doing}); drop it",
    86: "the collection has another index with the name of one of the pipeline's ({doing}); drop it",
    _VALIDATION_FAILED: "the database's validator refuses a document ({doing}); it is not that of this pipeline "
    "version (src/config/mongodb_schema.json)",
    166: "what is to be written to is a view ({doing}); drop the view, or change MONGODB_COLLECTION",
    334: "the server does not support the authentication mechanism in MONGODB_URI ({doing}); change authMechanism",
    13297: "there is a database whose name differs from MONGODB_DATABASE only in capitalisation ({doing})",
    16755: "the collection holds documents whose station.location is not a point ({doing}), so they are not the "
    "pipeline's; set MONGODB_COLLECTION to another one",
}
_NO_INDEX = (
    "the collection lacks indexes of this pipeline ({doing}); was it copied or restored without them? "
    "`pipeline` and `forecast migrate` create them"
)
_TO_REPEAT = {
    50: "MongoDB aborted an operation because it took too long ({doing}); is the server overloaded?",
    64: _UNCONFIRMED,
    262: "MongoDB aborted an operation because it took too long ({doing}); is the server overloaded?",
    _OUT_OF_DISK: "MongoDB has no disk space left ({doing}). Free some space on the disk of its data, then run again",
}


class UnexplainedRefusalError(RetryableError):
    """The server refused an operation, with a code that has no words here."""


@contextmanager
def connect(settings: Settings) -> Iterator[ObservationCollection]:
    """The main collection, with majority read and write; on the embedded MongoDB if MONGODB_URI is not set."""
    with running_server(settings) as uri, _collection(uri, settings) as collection:
        yield collection


@contextmanager
def running_server(settings: Settings) -> Iterator[str]:
    """The connection string in MONGODB_URI, or that of the embedded MongoDB, which runs during the block."""
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri
        return
    with embedded_mongodb(EMBEDDED_FOLDER) as uri:
        yield uri


@contextmanager
def _collection(uri: str, settings: Settings) -> Iterator[ObservationCollection]:
    if settings.mongodb_database in _RESERVED:
        raise SettingError(f"MONGODB_DATABASE is {settings.mongodb_database!r}, a database of MongoDB itself")
    client = new_client(uri)
    try:
        _check_server(client, uri)
        yield collection_of(client, settings.mongodb_database, settings.mongodb_collection)
    finally:
        # Closing reports the ended sessions to the server, and waits for a primary.
        with pymongo.timeout(_CLOSE_SECONDS):
            client.close()


def collection_of(client: MongoClient[dict[str, Any]], database: str, name: str) -> ObservationCollection:
    """A collection with majority read and write, on the primary, whatever the connection string says.

    A secondary may not have yet what was loaded.
    """
    return client[database].get_collection(
        name,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", wtimeout=WRITE_TIMEOUT_MS),
        read_concern=ReadConcern("majority"),
    )


def _check_server(client: MongoClient[dict[str, Any]], uri: str) -> None:
    """Check that there is a primary of a replica set (or a mongos) that this driver supports. Raises ForecastError."""
    place = _place(uri)
    with mongo_errors(f"connecting to {place}"):
        try:
            hello = client.admin.command("hello")
        except (ServerSelectionTimeoutError, ConfigurationError) as error:
            raise _fault_of(client, error, uri) from error
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise SettingError(
            f"the MongoDB at {place} is not a member of a replica set, so no majority can confirm a write. "
            "Start it with --replSet and initiate the set; one member is enough"
        )
    if not hello["isWritablePrimary"]:
        raise RetryableError(
            f"{place} is a member that is not the primary (directConnection=true in MONGODB_URI). "
            "Name the set instead (replicaSet=...), so that the driver finds the primary"
        )


def server_of(settings: Settings) -> str:
    """The MongoDB in use, without user and password: the hosts of its URI, or the folder of the embedded one."""
    return str(EMBEDDED_FOLDER.resolve()) if settings.mongodb_uri is None else _place(settings.mongodb_uri)


def _place(uri: str) -> str:
    """The hosts of a connection string, with their ports, unless they might be part of a password."""
    hosts = _HOSTS.match(uri)
    return "the host of MONGODB_URI" if hosts is None or _at_behind(uri) else hosts.group(1)


def _at_behind(uri: str) -> bool:
    """Whether there is an @ after the apparent hosts, which means that user or password is not percent-encoded."""
    return "@" in _BEHIND.sub("", uri, count=1)


def _fault_of(client: MongoClient[dict[str, Any]], error: PyMongoError, uri: str) -> ForecastError:
    """The error if the driver found no primary, from what it knows about the servers."""
    topology: TopologyDescription = client.topology_description
    place = _place(uri)
    if fault := name_not_found(error.__cause__, place):
        return fault
    try:
        topology.check_compatible()
    except ConfigurationError:
        return SettingError(
            f"the MongoDB at {place} has a version that this pipeline does not support; it needs MongoDB "
            f"{MIN_SUPPORTED_SERVER_VERSION} or newer"
        )
    if _at_behind(uri):
        return SettingError(_AT_BEHIND)
    if topology.has_known_servers and isinstance(error, ConfigurationError):
        return SettingError(_NO_MECHANISM)
    servers = topology.server_descriptions().values()
    # The driver drops servers of other sets or of none. One that is connected to directly is kept, with an
    # error that names its set; it also says 'None' if there is no server at all.
    strangers = [isinstance(one.error, ConfigurationError) and "'None'" not in str(one.error) for one in servers]
    if all(strangers):
        return SettingError(
            f"none of the servers in MONGODB_URI ({place}) belongs to the replica set that it names (replicaSet=...)"
        )
    return unreachable(repr(topology), "connecting")


def sibling_collection(collection: ObservationCollection, suffix: str) -> ObservationCollection:
    """A collection of the same database that belongs to the main one, read and written as that is."""
    return collection.database.get_collection(
        collection.name + suffix,
        read_preference=ReadPreference.PRIMARY,
        write_concern=collection.write_concern,
        read_concern=collection.read_concern,
    )


def new_client(uri: str) -> MongoClient[dict[str, Any]]:
    """A client that has not connected yet; timeouts in the connection string take precedence over the defaults here."""
    defaults: dict[str, Any] = {"tz_aware": True, "appname": "forecast", "retryWrites": True}
    if "serverselectiontimeoutms=" not in uri.lower():
        defaults["serverSelectionTimeoutMS"] = SELECTION_TIMEOUT_MS
    with mongo_errors("connecting"), warnings.catch_warnings():
        # The driver only warns about unknown options, and quotes them, although they may be parts of a password.
        warnings.simplefilter("error", UserWarning)
        try:
            return MongoClient(uri, **defaults)
        except ConfigurationError as error:
            raise name_not_found(error.__cause__, _place(uri)) or to_forecast_error(error, "connecting") from error
        except OSError as error:
            raise SettingError(_BAD_FILE) from error
        except UserWarning as error:
            raise SettingError(_BAD_OPTION) from error
        except ValueError as error:
            raise SettingError(_INVALID) from error


@contextmanager
def mongo_errors(doing: str) -> Iterator[None]:
    """Translate the driver's errors. Their texts can contain addresses and documents, so they are not passed on."""
    try:
        yield
    except PyMongoError as error:
        raise to_forecast_error(error, doing) from error


def to_forecast_error(error: PyMongoError, doing: str) -> ForecastError:
    """Translate one error of the driver."""
    if isinstance(error, InvalidURI | ConfigurationError):
        return SettingError(_INVALID if isinstance(error, InvalidURI) else _BAD_OPTION)
    if isinstance(error, ServerSelectionTimeoutError):
        return unreachable(str(error), doing)
    if isinstance(error, WTimeoutError | WriteConcernError):
        return RetryableError(_UNCONFIRMED.format(doing=doing))
    if isinstance(error, ConnectionFailure):
        # The driver has retried once, on the new primary if there was one in time, and then reports the first error.
        return connection_lost(str(error), doing)
    if isinstance(error, OperationFailure):
        return _refused(error, doing)
    return RetryableError(f"MongoDB failed ({doing}): {type(error).__name__}")


def _refused(error: OperationFailure, doing: str) -> ForecastError:
    """The error for an operation that the server rejected, by its code or, if that says too little, by its text."""
    words = str(error)
    if isinstance(error, BulkWriteError) and error.details["writeErrors"]:
        # The overall code says nothing; each rejected write has its own.
        first = error.details["writeErrors"][0]
        return _index_of_others(first, doing) or refusal(first["code"], doing)
    if explained := _index_of_others(error.details or {}, doing):
        return explained
    if error.code == _BAD_VALUE and "hint provided does not correspond" in words:
        return SettingError(_NO_INDEX.format(doing=doing))
    # WiredTiger's errors have the code "unknown" and the system's message.
    full = error.code == _UNKNOWN and "No space left on device" in words
    return refusal(_OUT_OF_DISK if full else error.code, doing)


def refusal(code: int | None, doing: str) -> ForecastError:
    """The error for one of the server's codes."""
    if code in _TO_CHANGE:
        return SettingError(_TO_CHANGE[code].format(doing=doing))
    if code in _TO_REPEAT:
        return RetryableError(_TO_REPEAT[code].format(doing=doing))
    return UnexplainedRefusalError(f"MongoDB refused an operation ({doing}): code {code}")


def _index_of_others(details: Mapping[str, Any], doing: str) -> ForecastError | None:
    """The error for a write to one of the other collections that a foreign unique index rejected."""
    foreign = foreign_index(details)
    if foreign is None:
        return None
    named = _COLLECTION_NAME.search(details.get("errmsg", ""))
    where = f" of {named.group(1)}" if named else ""
    return SettingError(
        f"a unique index that is not the pipeline's, {foreign}{where}, refuses a write ({doing}); drop the index"
    )


def foreign_index(details: Mapping[str, Any]) -> str | None:
    """Name and fields of the unique index that rejected a write, if it is not that of `_id`."""
    fields = details.get("keyPattern", {})
    if details.get("code") != _DUPLICATE_KEY or list(fields) in ([], ["_id"]):
        return None
    named = _INDEX_NAME.search(details.get("errmsg", ""))
    return f"{named.group(1) if named else 'without a name'} on {', '.join(fields)}"


def validation_failed(details: dict[str, Any]) -> bool:
    """Whether the server's validator rejected the document."""
    return details.get("code") == _VALIDATION_FAILED
