"""Rolls out new task definitions and volumes, one member at a time: ECS deletes a task's disk with the task.

Secondaries come first; the primary is last and steps down first. The next member is touched only when the previous one
has rejoined, has synced and votes. Anything unexpected stops the roll; when it is run again, it continues there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from forecast.core.errors import RetryableError, SettingError

MEMBERS = 3
LAG_LIMIT = timedelta(seconds=10)
ECS_SECONDS = 900.0  # image pull, volume and start of one task
SYNC_SECONDS = 6 * 3600.0  # initial sync: 100 GB at 20 MB/s are 1.4 h
_STEP_DOWN_SECONDS = 60
_POLL_SECONDS = 5.0
# The set's configuration changes once for each; a third change gives the member its vote.
_LEFT_AND_JOINED = 2
_STATES = {"PRIMARY", "SECONDARY"}

LOGGER = logging.getLogger("forecast.operations.roll")

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One member and what its service is to run. `volumes` is None if they stay as they are."""

    service: str
    host: str
    task_definition: str
    volumes: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Fleet:
    """The set, as ECS and as MongoDB see it. `ecs` is boto3's ECS client; `pause` waits a number of seconds."""

    ecs: Any
    cluster: str
    client: Client
    pause: Callable[[float], None] = time.sleep

    def service(self, name: str) -> dict[str, Any]:
        """A service as ECS describes it."""
        found = self.ecs.describe_services(cluster=self.cluster, services=[name])["services"]
        if not found:
            raise SettingError(
                f"the cluster {self.cluster} has no service {name}; services have the names of their members' hosts"
            )
        return dict(found[0])

    def newest(self, task_definition: str) -> str:
        """The newest active revision of a task definition's family."""
        family = task_definition.rpartition("/")[2].partition(":")[0]
        return str(self.ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["taskDefinitionArn"])

    def status(self) -> dict[str, Any]:
        """The set's status, as replSetGetStatus reports it."""
        return dict(self.client.admin.command("replSetGetStatus"))


def plan(fleet: Fleet, volume_gib: int | None = None, *, again: bool = False) -> list[Step]:
    """The steps, secondaries first; members that already run what they should are skipped, except with `again`.

    Raises SettingError or RetryableError if the set or a service cannot spare a member now.
    """
    status = fleet.status()
    if reason := why_incomplete(status):
        raise RetryableError(f"the set is incomplete; nothing was changed: {reason}")
    by_state = sorted(status["members"], key=lambda member: (member["stateStr"] == "PRIMARY", member["name"]))
    steps = []
    for member in by_state:
        name = member["name"].partition(".")[0]
        service = fleet.service(name)
        if not _settled(service):
            raise RetryableError(f"the service {name} is being deployed or is not running; nothing was changed")
        newest = fleet.newest(service["taskDefinition"])
        volumes = _resized(service, volume_gib)
        if again or newest != service["taskDefinition"] or volumes is not None:
            steps.append(Step(name, member["name"], newest, volumes))
    return steps


def why_incomplete(status: dict[str, Any]) -> str | None:
    """Why the set cannot spare a member now, according to replSetGetStatus; None if it can."""
    members = status["members"]
    if len(members) != MEMBERS or status["writableVotingMembersCount"] != MEMBERS:
        return f"{len(members)} members, {status['writableVotingMembersCount']} votes; expected {MEMBERS} of each"
    unhealthy = [f"{one['name']} is {one['stateStr']}" for one in members if one["stateStr"] not in _STATES]
    if unhealthy:
        return ", ".join(unhealthy)
    primaries = [member for member in members if member["stateStr"] == "PRIMARY"]
    if len(primaries) != 1:
        return "it has no primary"
    lags = {member["name"]: primaries[0]["optimeDate"] - member["optimeDate"] for member in members}
    late = [f"{name} is {lag.total_seconds():.0f} s behind" for name, lag in lags.items() if lag > LAG_LIMIT]
    return ", ".join(late) or None


def check_backup(newest: datetime | None, now: datetime, limit: timedelta) -> None:
    """Raise SettingError if the newest dump is older than `limit`: too old to start something that can cost data."""
    if newest is None or now - newest > limit:
        found = "there is none" if newest is None else f"the newest is from {newest:%Y-%m-%d %H:%M} UTC"
        raise SettingError(
            f"no dump from the last {limit.total_seconds() / 3600:g} hours: {found}. Run forecast mongo dump first"
        )


def roll(fleet: Fleet, steps: list[Step], check: Callable[[], None]) -> None:
    """Take the steps, one after the other; `check` is called before each, and raises an error to stop.

    Raises RetryableError if a member does not come back in time; the others are then not touched.
    """
    for step in steps:
        check()
        status = fleet.status()
        if reason := why_incomplete(status):
            raise RetryableError(f"stopped before {step.service}: {reason}")
        _step_down(fleet, step)
        _replace(fleet, step)
        _wait_for_return(fleet, step, _config_version(status))
        _log("roll_done", step, f"{step.service}: joined, synced, and votes")


def _replace(fleet: Fleet, step: Step) -> None:
    """Let ECS replace the member's task, and wait until it has."""
    volumes = {} if step.volumes is None else {"volumeConfigurations": step.volumes}
    answer = fleet.ecs.update_service(
        cluster=fleet.cluster,
        service=step.service,
        taskDefinition=step.task_definition,
        forceNewDeployment=True,
        **volumes,
    )
    _log("roll_started", step, f"{step.service}: ECS is replacing its task")
    # By its id: right after the update, ECS may still describe the previous deployment.
    new = next(found["id"] for found in answer["service"]["deployments"] if found["status"] == "PRIMARY")
    _wait(
        fleet,
        lambda: _settled(fleet.service(step.service), new),
        ECS_SECONDS,
        f"{step.service} is not running {step.task_definition}",
    )


def _wait_for_return(fleet: Fleet, step: Step, version: int) -> None:
    """Wait until the member has left the set, rejoined it and votes; `version` is that of the configuration before.

    For some seconds after a member dies, the set looks complete, so checking that alone would not be enough.
    """

    def has_returned() -> bool:
        status = fleet.status()
        return why_incomplete(status) is None and _config_version(status) >= version + _LEFT_AND_JOINED

    _wait(fleet, has_returned, SYNC_SECONDS, f"{step.service} has not rejoined the set")


def _config_version(status: dict[str, Any]) -> int:
    return max(int(member.get("configVersion", 0)) for member in status["members"])


def _settled(service: dict[str, Any], deployment: str | None = None) -> bool:
    """Whether the service has one deployment (that one, if it is named), and its task is running."""
    deployments = service["deployments"]
    return (
        len(deployments) == 1
        and deployment in {None, deployments[0]["id"]}
        and service["runningCount"] == service["desiredCount"] == 1
    )


def _resized(service: dict[str, Any], gib: int | None) -> list[dict[str, Any]] | None:
    """The service's volumes with the new size; None if none is requested, or they already have it."""
    if gib is None:
        return None
    volumes = service["deployments"][0].get("volumeConfigurations", [])
    if not volumes:
        raise SettingError(f"the service {service['serviceName']} has no volume managed by ECS")
    if all(volume["managedEBSVolume"]["sizeInGiB"] == gib for volume in volumes):
        return None
    return [volume | {"managedEBSVolume": volume["managedEBSVolume"] | {"sizeInGiB": gib}} for volume in volumes]


def _step_down(fleet: Fleet, step: Step) -> None:
    """Make the member step down before it is stopped; does nothing for a secondary."""
    if _primary(fleet) != step.host:
        return
    try:
        fleet.client.admin.command("replSetStepDown", _STEP_DOWN_SECONDS)
    except OperationFailure as error:
        raise RetryableError(
            f"{step.service} cannot step down: no other member has caught up; nothing was changed"
        ) from error
    _wait(
        fleet,
        lambda: _primary(fleet) not in {None, step.host},
        _STEP_DOWN_SECONDS,
        f"no other member was elected in place of {step.service}",
    )


def _primary(fleet: Fleet) -> str | None:
    members = fleet.status()["members"]
    return next((member["name"] for member in members if member["stateStr"] == "PRIMARY"), None)


def _wait(fleet: Fleet, done: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while True:
        # Elections and new tasks interrupt connections; only the time limit shows that something is wrong.
        with suppress(PyMongoError):
            if done():
                return
        if time.monotonic() > deadline:
            raise RetryableError(f"{otherwise}, {seconds / 60:.0f} minutes after the request; the roll stopped here")
        fleet.pause(_POLL_SECONDS)


def _log(event: str, step: Step, message: str) -> None:
    LOGGER.info(
        message, extra={"facts": {"event": event, "service": step.service, "task_definition": step.task_definition}}
    )
