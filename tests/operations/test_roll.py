"""`mongo roll`: gates, order, and that it stops rather than touch a second member."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from pymongo.errors import AutoReconnect

from forecast.core.errors import ForecastError, RetryableError, SettingError
from forecast_ops import roll as module
from forecast_ops.roll import Client, Fleet, check_backup, plan, roll, why_incomplete

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOSTS = [f"mongo-{number}.forecast.internal:27017" for number in (1, 2, 3)]


def status(primary: int = 1, *, states: dict[int, str] | None = None, lag: int = 0, votes: int = 3) -> dict[str, Any]:
    """What replSetGetStatus says; `lag` seconds of the last member."""
    members = []
    for number, host in enumerate(HOSTS, start=1):
        state = (states or {}).get(number, "PRIMARY" if number == primary else "SECONDARY")
        behind = timedelta(seconds=lag if number == 3 else 0)
        members.append({"name": host, "stateStr": state, "optimeDate": NOW - behind})
    return {"members": members, "writableVotingMembersCount": votes}


@dataclass
class Set:
    """A client whose set follows what ECS does: a member that is replaced is away, then back."""

    primary: int = 1
    away: int | None = None
    downs: list[int] = field(default_factory=list)
    votes: int = 3
    version: int = 1

    @property
    def admin(self) -> "Set":
        return self

    def command(self, name: str, value: int | None = None) -> dict[str, Any]:
        if name == "replSetStepDown":
            self.downs.append(self.primary)
            self.primary = self.primary % 3 + 1
            return {}
        if self.away is not None:
            raise AutoReconnect("connection closed")
        found = status(self.primary, votes=self.votes)
        for member in found["members"]:
            member["configVersion"] = self.version
        return found


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give ECS with the three services, each running revision 1 while revision 2 is the newest."""
    monkeypatch.setenv("MOTO_ECS_SERVICE_RUNNING", "1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    with mock_aws():
        client = boto3.client("ecs")
        client.create_cluster(clusterName="forecast")
        for number in (1, 2, 3):
            for image in ("old", "new"):
                containers = [{"name": "mongod", "image": image, "memory": 128}]
                client.register_task_definition(family=f"forecast-mongo-{number}", containerDefinitions=containers)
            client.create_service(
                cluster="forecast",
                serviceName=f"mongo-{number}",
                taskDefinition=f"forecast-mongo-{number}:1",
                desiredCount=1,
            )
        as_moto_says = client.describe_services

        def describe(**given: Any) -> Any:
            """What ECS would say: moto's deployment stays at the first task definition, and an ARN is not made one."""
            answer = as_moto_says(**given)
            for service in answer["services"]:
                found = client.describe_task_definition(taskDefinition=service["taskDefinition"])
                service["taskDefinition"] = found["taskDefinition"]["taskDefinitionArn"]
                service["deployments"][0]["taskDefinition"] = service["taskDefinition"]
            return answer

        client.describe_services = describe
        yield client


def fleet(ecs: Any, client: Set, pauses: list[float] | None = None) -> Fleet:
    def pause(seconds: float) -> None:
        client.away = None
        client.version += 2
        (pauses if pauses is not None else []).append(seconds)

    return Fleet(ecs, "forecast", cast("Client", client), pause)


def revision(ecs: Any, number: int) -> str:
    service = ecs.describe_services(cluster="forecast", services=[f"mongo-{number}"])["services"][0]
    return str(service["taskDefinition"].rpartition(":")[2])


def test_secondaries_come_first_and_the_primary_last(ecs: Any) -> None:
    steps = plan(fleet(ecs, Set(primary=2)))
    assert [step.service for step in steps] == ["mongo-1", "mongo-3", "mongo-2"]
    assert all(step.task_definition.endswith(":2") for step in steps)
    assert [revision(ecs, number) for number in (1, 2, 3)] == ["1", "1", "1"]


def test_members_that_are_up_to_date_are_skipped(ecs: Any) -> None:
    ecs.update_service(cluster="forecast", service="mongo-3", taskDefinition="forecast-mongo-3:2")
    services = fleet(ecs, Set())
    assert [step.service for step in plan(services)] == ["mongo-2", "mongo-1"]
    roll(services, plan(services), lambda: None)
    assert plan(services) == []


def test_each_member_is_back_before_the_next_one_is_touched(ecs: Any) -> None:
    client = Set(primary=1)
    services = fleet(ecs, client)
    updated = []
    update = ecs.update_service

    def update_service(**given: Any) -> Any:
        assert client.away is None, "a second member was touched while one is away"
        updated.append((given["service"], client.primary))
        client.away = int(given["service"][-1])
        return update(**given)

    ecs.update_service = update_service
    roll(services, plan(services), lambda: None)
    assert updated == [("mongo-2", 1), ("mongo-3", 1), ("mongo-1", 2)]
    assert client.downs == [1], "only the primary steps down, once"
    assert [revision(ecs, number) for number in (1, 2, 3)] == ["2", "2", "2"]


def test_a_member_that_does_not_come_back_stops_the_roll(ecs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYNC_SECONDS", 0.0)
    client = Set(primary=1)
    services = fleet(ecs, client)
    steps = plan(services)
    update = ecs.update_service

    def update_service(**given: Any) -> Any:
        client.votes = 2
        return update(**given)

    ecs.update_service = update_service
    with pytest.raises(RetryableError, match="mongo-2 has not rejoined the set"):
        roll(services, steps, lambda: None)
    assert [revision(ecs, number) for number in (1, 2, 3)] == ["1", "2", "1"]


def test_a_lost_lease_stops_before_the_next_member(ecs: Any) -> None:
    services = fleet(ecs, Set())
    answers = iter([None, RetryableError("the lease is lost")])

    def check() -> None:
        if error := next(answers):
            raise error

    with pytest.raises(RetryableError, match="lease is lost"):
        roll(services, plan(services), check)
    assert [revision(ecs, number) for number in (1, 2, 3)] == ["1", "2", "1"]


def test_while_a_service_is_being_deployed_no_roll_starts(ecs: Any) -> None:
    ecs.update_service(cluster="forecast", service="mongo-2", desiredCount=0)
    with pytest.raises(RetryableError, match="mongo-2 is being deployed or is not running; nothing was changed"):
        plan(fleet(ecs, Set()))


def test_an_unknown_service_is_named(ecs: Any) -> None:
    ecs.create_cluster(clusterName="other")
    with pytest.raises(SettingError, match="the cluster other has no service mongo-2"):
        plan(replace(fleet(ecs, Set()), cluster="other"))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (status(), None),
        (status(lag=10), None),
        (status(lag=11), "mongo-3.forecast.internal:27017 is 11 s behind"),
        (status(votes=2), "3 members, 2 votes; expected 3 of each"),
        (status(states={2: "RECOVERING"}), "mongo-2.forecast.internal:27017 is RECOVERING"),
        (status(states={2: "(not reachable/healthy)"}), "mongo-2.forecast.internal:27017 is (not reachable/healthy)"),
        (status(primary=0), "it has no primary"),
        ({**status(), "members": status()["members"][:2]}, "2 members, 3 votes; expected 3 of each"),
    ],
)
def test_a_member_of_an_incomplete_set_is_not_replaced(found: dict[str, Any], words: str | None) -> None:
    assert why_incomplete(found) == words


@given(
    states=st.lists(
        st.sampled_from(["PRIMARY", "SECONDARY", "STARTUP2", "RECOVERING", "DOWN"]), min_size=3, max_size=3
    ),
    lag=st.integers(0, 30),
    votes=st.integers(0, 3),
)
def test_a_complete_set_has_one_primary_two_current_secondaries_and_three_votes(
    states: list[str], lag: int, votes: int
) -> None:
    found = status(states=dict(enumerate(states, start=1)), lag=lag, votes=votes)
    primaries = [number for number, state in enumerate(states) if state == "PRIMARY"]
    near = lag <= 10 or primaries == [2]
    whole = sorted(states) == ["PRIMARY", "SECONDARY", "SECONDARY"] and votes == 3 and near
    assert (why_incomplete(found) is None) == whole


def test_without_a_recent_dump_no_roll_starts() -> None:
    limit = timedelta(hours=26)
    check_backup(NOW - limit, NOW, limit)
    with pytest.raises(SettingError, match="no dump from the last 26 hours: the newest is from 2026-11-22 09:59 UTC"):
        check_backup(NOW - timedelta(hours=26, minutes=1), NOW, limit)
    with pytest.raises(ForecastError, match="there is none"):
        check_backup(None, NOW, limit)


class Volumes:
    """ECS's answers where a service has a volume that ECS manages."""

    def __init__(self, gib: int) -> None:
        self.updates: list[dict[str, Any]] = []
        self._volume = {
            "name": "data",
            "managedEBSVolume": {"sizeInGiB": gib, "volumeType": "gp3", "roleArn": "arn:role"},
        }

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        deployment = {"id": "ecs-svc/1", "taskDefinition": "arn:x/f:1", "volumeConfigurations": [self._volume]}
        counts = {"runningCount": 1, "desiredCount": 1}
        return {
            "services": [
                {"taskDefinition": "arn:x/f:1", "serviceName": services[0], "deployments": [deployment], **counts}
            ]
        }

    def describe_task_definition(self, **_: str) -> dict[str, Any]:
        return {"taskDefinition": {"taskDefinitionArn": "arn:x/f:1"}}

    def update_service(self, **given: Any) -> dict[str, Any]:
        self.updates.append(given)
        return {"service": {"deployments": [{"id": "ecs-svc/1", "status": "PRIMARY"}]}}


def test_a_larger_volume_is_a_reason_to_roll_and_keeps_everything_else_of_the_volume() -> None:
    ecs = Volumes(20)
    services = fleet(ecs, Set())
    assert plan(services) == []
    assert plan(services, 20) == []
    steps = plan(services, 50)
    roll(services, steps[:1], lambda: None)
    volume = {"name": "data", "managedEBSVolume": {"sizeInGiB": 50, "volumeType": "gp3", "roleArn": "arn:role"}}
    (update,) = ecs.updates
    assert (update["service"], update["volumeConfigurations"]) == ("mongo-2", [volume])


def test_again_also_replaces_members_that_are_up_to_date(ecs: Any) -> None:
    services = fleet(ecs, Set())
    roll(services, plan(services), lambda: None)
    assert plan(services) == []
    assert [step.service for step in plan(services, again=True)] == ["mongo-1", "mongo-3", "mongo-2"]


def test_the_previous_deployment_is_not_mistaken_for_the_new_one() -> None:
    """Right after an update ECS may still describe a service as it was: settled, with the old task running."""

    class Late(Volumes):
        described = 0

        def update_service(self, **given: Any) -> dict[str, Any]:
            super().update_service(**given)
            return {"service": {"deployments": [{"id": "ecs-svc/2", "status": "PRIMARY"}]}}

        def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
            answer = super().describe_services(cluster=cluster, services=services)
            self.described += bool(self.updates)
            if self.described > 3:
                answer["services"][0]["deployments"][0]["id"] = "ecs-svc/2"
            return answer

    ecs = Late(20)
    services = fleet(ecs, Set())
    roll(services, plan(services, again=True)[:1], lambda: None)
    assert ecs.described == 4


def test_a_set_that_still_looks_complete_does_not_end_the_wait_for_a_member(
    ecs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that has just died is SECONDARY to the others until its heartbeats are missed."""
    monkeypatch.setattr(module, "SYNC_SECONDS", 0.0)
    client = Set()
    services = Fleet(ecs, "forecast", cast("Client", client), lambda _: None)
    with pytest.raises(RetryableError, match="mongo-2 has not rejoined the set"):
        roll(services, plan(services), lambda: None)
    assert [revision(ecs, number) for number in (1, 2, 3)] == ["1", "2", "1"]
