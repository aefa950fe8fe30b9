"""A mongod becomes the primary of a replica set of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.embedded.keys import USER, set_key, user_password
from forecast.mongo.embedded.log import log_tail
from forecast.mongo.embedded.waiting import START_SECONDS, wait_until

REPLICA_SET = "forecast"
# The database that the server keeps its users in.
_USERS = "admin"
NOT_YET_INITIALIZED = 94


def connected(port: int, folder: Path) -> MongoClient[dict[str, Any]]:
    """A client of the mongod on this port, whatever state it is in, as the user that its key file makes."""
    return MongoClient(
        f"mongodb://127.0.0.1:{port}/?directConnection=true",
        username="__system",
        password=set_key(folder),
        authSource="local",
        serverSelectionTimeoutMS=2000,
    )


def uri(port: int, folder: Path) -> str:
    """The connection string of the embedded MongoDB, with its password: never to be shown."""
    options = f"directConnection=true&replicaSet={REPLICA_SET}&authSource={_USERS}"
    return f"mongodb://{USER}:{user_password(folder)}@127.0.0.1:{port}/?{options}"


def become_primary(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Wait until the mongod takes writes, initiating its replica set where that is new; raises ForecastError."""

    def is_primary_or_has_ended() -> bool:
        return process.poll() is not None or _is_primary(client, f"127.0.0.1:{port}")

    with connected(port, folder) as client:
        try:
            ready = wait_until(is_primary_or_has_ended, START_SECONDS)
            if ready and process.poll() is None:
                _make_user(client, user_password(folder))
        except PyMongoError as error:
            raise RetryableError(f"The embedded MongoDB does not start: {error}. {log_tail(folder)}") from error
    if process.poll() is not None:
        raise SettingError(f"mongod exited at startup with code {process.returncode}. {log_tail(folder)}")
    if not ready:
        raise RetryableError(f"mongod accepted no writes within {START_SECONDS:.0f} s. {log_tail(folder)}")


def _make_user(client: MongoClient[dict[str, Any]], password: str) -> None:
    """The one user there is; again with this password where the file was lost or the data came from elsewhere."""
    roles = [{"role": "root", "db": _USERS}]
    there = client[_USERS].command("usersInfo", USER)["users"]
    client[_USERS].command("updateUser" if there else "createUser", USER, pwd=password, roles=roles)


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
