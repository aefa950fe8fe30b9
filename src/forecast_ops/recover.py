"""Recovery from a lost majority: one member that still has data continues alone, and the others rejoin it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pymongo.errors import OperationFailure

from forecast.core.errors import RetryableError, SettingError
from forecast_ops.environment import answering, as_system
from forecast_ops.initiate import NOT_YET_INITIALIZED

PRIMARY_SECONDS = 60.0
_POLL_SECONDS = 0.5


def recover(survivor: str, ca_file: Path) -> None:
    """Force `survivor` (host:port) to be the only member of its set; returns once it accepts writes.

    Writes that the lost members acknowledged and this one had not yet copied are lost: choose the member with the
    newest data. Raises SettingError if the member belongs to no set, or if the set has a primary, so
    that forcing is not needed.
    """
    with as_system(survivor, ca_file) as client, answering(survivor):
        hello = client.admin.command("hello")
        if hello.get("primary"):
            raise SettingError(f"the set has a primary, {hello['primary']}: nothing is lost, and nothing was changed")
        try:
            config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            raise SettingError(f"{survivor} is empty: it does not belong to a set that could continue") from error
        own = [member for member in config["members"] if member["host"] == survivor]
        if not own:
            raise SettingError(
                f"{survivor} is not the name of a member in its set's configuration; use the name given there"
            )
        config |= {"members": own, "version": config["version"] + 1}
        client.admin.command("replSetReconfig", config, force=True)
        _wait_until_primary(survivor, client)


def _wait_until_primary(survivor: str, client: Any) -> None:
    deadline = time.monotonic() + PRIMARY_SECONDS
    while not client.admin.command("hello")["isWritablePrimary"]:
        if time.monotonic() > deadline:
            raise RetryableError(
                f"{survivor} accepted no writes within {PRIMARY_SECONDS:.0f} s after the forced change"
            )
        time.sleep(_POLL_SECONDS)
