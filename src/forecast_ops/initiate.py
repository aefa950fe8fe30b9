"""The set's first start: initiated once, from outside, by a one-shot task, and never by a member itself.

Running it again changes nothing but the users' passwords and roles, which become those of its environment.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from forecast.core.errors import RetryableError, SettingError
from forecast_ops.bootstrap_flag import BootstrapFlag
from forecast_ops.environment import answering, as_system

NOT_YET_INITIALIZED = 94
NODE_NOT_FOUND = 74
PRIMARY_SECONDS = 60.0
_POLL_SECONDS = 0.5

Client = MongoClient[dict[str, Any]]


def initiate(name: str, hosts: list[str], ca_file: Path, marker: BootstrapFlag | None) -> bool:
    """Make sure that `hosts` form the replica set `name` and that the marker says so; True if it had to be initiated.

    Raises SettingError, and changes nothing, if a member belongs to another set, or if all are empty although the set
    was initiated before: they have lost their data, and an empty set would hide that. Raises RetryableError if a member
    does not answer.
    """
    with ExitStack() as stack:
        clients = {host: stack.enter_context(as_system(host, ca_file)) for host in hosts}
        configs = {host: _config(host, client) for host, client in clients.items()}
        initiated = _check(name, hosts, configs)
        if not initiated:
            if marker and marker.is_set():
                raise SettingError(
                    f"{marker.name} says that this set was initiated, and every member is empty: its data are lost. "
                    "Nothing was changed. The runbook on restoring says how to continue"
                )
            members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
            _initiate(clients[hosts[0]], {"_id": name, "members": members})
        if marker:
            marker.set()
        return not initiated


def wait_for_primary(hosts: list[str], ca_file: Path) -> str:
    """Wait for a primary, and return it as host:port. Raises RetryableError if none is elected within a minute."""
    deadline = time.monotonic() + PRIMARY_SECONDS
    while time.monotonic() < deadline:
        for host in hosts:
            with as_system(host, ca_file) as client, answering(host):
                if client.admin.command("hello")["isWritablePrimary"]:
                    return host
        time.sleep(_POLL_SECONDS)
    raise RetryableError(
        f"the set elected no primary within {PRIMARY_SECONDS:.0f} s; can the members reach each other?"
    )


def _initiate(client: Client, config: dict[str, Any]) -> None:
    """Initiate the set. If the members cannot reach each other yet, because their names are new, retry for a minute."""
    deadline = time.monotonic() + PRIMARY_SECONDS
    while True:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code != NODE_NOT_FOUND:
                raise
            if time.monotonic() > deadline:
                reason = (error.details or {}).get("errmsg", f"code {error.code}")
                raise RetryableError(f"the members cannot reach each other: {reason}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _check(name: str, hosts: list[str], configs: dict[str, dict[str, Any] | None]) -> bool:
    """Whether the set exists. Raises SettingError if a member belongs to another one."""
    found = [config for config in configs.values() if config]
    for config in found:
        members = {member["host"] for member in config["members"]}
        if config["_id"] != name or members - set(hosts):
            raise SettingError(
                f"a member is in the set {config['_id']} of {', '.join(sorted(members))}; "
                "MONGO_REPLICA_SET and MONGO_MEMBERS name another"
            )
    return bool(found)


def _config(host: str, client: Client) -> dict[str, Any] | None:
    try:
        with answering(host):
            config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == NOT_YET_INITIALIZED:
            return None
        raise
    return config
