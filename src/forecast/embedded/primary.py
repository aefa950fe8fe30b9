"""A mongod becomes the primary of a replica set of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from forecast.embedded.log import last_words
from forecast.embedded.waiting import START_SECONDS, wait_until
from forecast.errors import RetryableError, SettingError

REPLICA_SET = "forecast"
NOT_YET_INITIALIZED = 94


def connected(port: int) -> MongoClient[dict[str, Any]]:
    """A client of the mongod on this port, whatever state it is in."""
    return MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true", serverSelectionTimeoutMS=2000)


def uri(port: int) -> str:
    """The connection string of the embedded MongoDB."""
    return f"mongodb://127.0.0.1:{port}/?directConnection=true&replicaSet={REPLICA_SET}"


def become_primary(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Wait until the mongod takes writes, initiating its replica set where that is new; raises ForecastError."""

    def is_primary_or_has_ended() -> bool:
        return process.poll() is not None or _is_primary(client, f"127.0.0.1:{port}")

    with connected(port) as client:
        try:
            ready = wait_until(is_primary_or_has_ended, START_SECONDS)
        except PyMongoError as error:
            raise RetryableError(f"The embedded MongoDB does not start: {error}. {last_words(folder)}") from error
    if process.poll() is not None:
        raise SettingError(f"mongod ended at its start with exit code {process.returncode}. {last_words(folder)}")
    if not ready:
        raise RetryableError(f"mongod took no writes within {START_SECONDS:.0f} s. {last_words(folder)}")


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
