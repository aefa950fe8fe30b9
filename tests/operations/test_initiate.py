"""`mongo init` and `mongo recover` on a real member: initiated once; each user has the rights it needs, and no more."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from moto import mock_aws
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.mongo.lock import lease
from forecast_ops.environment import as_system
from forecast_ops.users import OPERATIONS_DATABASE, ROLL_COLLECTION
from tests.operations.conftest import PASSWORDS, Member

PARAMETER = "/forecast-test/mongodb/bootstrapped"
UNAUTHORIZED = 13
EXCEEDED_TIME_LIMIT = 262

Client = MongoClient[dict[str, Any]]


@pytest.fixture
def marker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the SSM parameter as Terraform makes it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    monkeypatch.setenv("MONGO_BOOTSTRAPPED_PARAMETER", PARAMETER)
    with mock_aws():
        set_marker("false")
        yield


def set_marker(value: str) -> None:
    client = boto3.client("ssm")
    client.put_parameter(Name=PARAMETER, Value=value, Type="String", Overwrite=True)


def get_marker() -> str:
    client = boto3.client("ssm")
    return str(client.get_parameter(Name=PARAMETER)["Parameter"]["Value"])


def init() -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "init"])


def initiated(member: Member) -> None:
    result = init()
    assert result.exit_code == 0, result.output


def test_the_first_start_initiates_the_set_makes_the_users_and_sets_the_marker(member: Member, marker: None) -> None:
    result = init()
    assert result.exit_code == 0
    assert "the set forecast was initiated" in result.output
    assert "the users have their current passwords and rights: root, app, backup, monitor, roll" in result.output
    assert get_marker() == "true"


def test_a_second_run_changes_nothing_but_passwords(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    initiated(member)
    with Client(member.uri("app")) as app:
        app.forecast_2_0.kept.insert_one({"_id": 1})
    monkeypatch.setenv("MONGO_APP_PASSWORD", "another one")
    result = init()
    assert result.exit_code == 0
    assert "the set forecast had already been initiated" in result.output
    with Client(member.uri("app")) as app, pytest.raises(OperationFailure, match="Authentication failed"):
        app.forecast_2_0.kept.find_one()
    monkeypatch.setitem(PASSWORDS, "MONGO_APP_PASSWORD", "another one")
    with Client(member.uri("app")) as app:
        assert app.forecast_2_0.kept.find_one() == {"_id": 1}


def test_an_empty_set_that_was_initiated_before_is_left_alone(member: Member, marker: None) -> None:
    set_marker("true")
    result = init()
    assert result.exit_code == 2
    assert "its data are lost. Nothing was changed" in result.output
    with as_system(member.host, member.ca_file) as client, pytest.raises(OperationFailure, match="no replset config"):
        client.admin.command("replSetGetConfig")


def test_a_missing_marker_is_an_error_of_one_line(
    member: Member, marker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGO_BOOTSTRAPPED_PARAMETER", "/other")
    result = init()
    assert result.exit_code == 2
    assert "AWS answered ParameterNotFound to GetParameter" in result.output
    with as_system(member.host, member.ca_file) as client, pytest.raises(OperationFailure, match="no replset config"):
        client.admin.command("replSetGetConfig")


def test_a_member_of_another_set_is_left_alone(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    initiated(member)
    monkeypatch.setenv("MONGO_REPLICA_SET", "other")
    result = init()
    assert result.exit_code == 2
    assert "a member is in the set forecast" in result.output


def test_a_missing_password_is_named_before_any_user_is_made(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MONGO_MONITOR_PASSWORD")
    result = init()
    assert result.exit_code == 2
    assert "MONGO_MONITOR_PASSWORD is not set" in result.output
    with as_system(member.host, member.ca_file) as client:
        assert client.admin.command("usersInfo")["users"] == []


@pytest.mark.parametrize(
    ("name", "value", "code", "words"),
    [
        ("MONGO_MEMBERS", "localhost:1", 1, "localhost:1 does not answer"),
        ("MONGO_MEMBERS", "localhost", 2, "MONGO_MEMBERS must be host:port"),
        ("MONGO_MEMBERS", "a:1,a:1", 2, "MONGO_MEMBERS contains a member twice"),
        ("MONGO_REPLICA_KEY", "wr0ng" * 20, 2, "refused the user or the password"),
        ("MONGO_TLS_CA", "", 2, "MONGO_TLS_CA is not set"),
    ],
)
def test_errors_contain_no_secret(
    member: Member, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: int, words: str
) -> None:
    if code == 1:
        monkeypatch.setattr("forecast_ops.environment.SELECTION_TIMEOUT_MS", 1000)
    monkeypatch.setenv(name, value)
    result = init()
    assert result.exit_code == code, result.output
    assert words in result.output
    assert not any(password in result.output for password in PASSWORDS.values())
    assert "Traceback" not in result.output


def test_each_user_has_exactly_the_rights_it_needs(member: Member) -> None:
    initiated(member)
    with Client(member.uri("app")) as app:
        app.forecast_2_0.rows.insert_one({"_id": 1})
        app.forecast_2_0.rows.create_index("n")
        app.forecast_2_0.command("collMod", "rows", validator={})
        # What mongorestore does, with --drop.
        app.forecast_2_0.drop_collection("rows")
        app.forecast_2_0.create_collection("rows", validator={})
        app.forecast_2_0.rows.insert_one({"_id": 1})
        beyond: tuple[Callable[[], object], ...] = (
            lambda: app.other.rows.insert_one({}),
            lambda: app.admin.command("replSetGetStatus"),
            lambda: app.forecast_2_0.command("createUser", "x", pwd="x", roles=[]),
        )
        for attempt in beyond:
            refused(attempt)
    with Client(member.uri("backup")) as backup:
        assert backup.forecast_2_0.list_collection_names() == ["rows"]
        assert [index["name"] for index in backup.forecast_2_0.rows.list_indexes()] == ["_id_"]
        assert backup.forecast_2_0.rows.find_one() == {"_id": 1}
        beyond = (
            lambda: backup.forecast_2_0.rows.insert_one({}),
            backup.other.rows.find_one,
            # The hashes of the passwords.
            backup.admin["system.users"].find_one,
            backup["local"]["oplog.rs"].find_one,
        )
        for attempt in beyond:
            refused(attempt)
    with Client(member.uri("monitor")) as monitor:
        monitor.admin.command("replSetGetStatus")
        beyond = (
            monitor.forecast_2_0.rows.find_one,
            lambda: monitor.forecast_2_0.rows.insert_one({}),
            lambda: monitor.admin.command("replSetStepDown", 1),
            lambda: monitor.admin.command("killOp", op=1),
        )
        for attempt in beyond:
            refused(attempt)


def test_the_user_roll_can_step_a_primary_down_and_hold_its_lease_and_nothing_else(member: Member) -> None:
    initiated(member)
    with Client(member.uri("roll")) as client:
        assert client.admin.command("replSetGetStatus")["set"] == "forecast"
        with lease(client[OPERATIONS_DATABASE][ROLL_COLLECTION], "mongo roll", wait=False):
            pass
        beyond: tuple[Callable[[], object], ...] = (
            client.forecast_2_0.rows.find_one,
            lambda: client.forecast_2_0.rows.insert_one({}),
            client[OPERATIONS_DATABASE].other.find_one,
            lambda: client.admin.command("replSetReconfig", {"_id": "forecast", "version": 9, "members": []}),
            lambda: client.admin.command("replSetInitiate"),
            lambda: client.admin.command("shutdown"),
            lambda: client.admin.command("setFeatureCompatibilityVersion", "5.0"),
            lambda: client.admin.command("createUser", "x", pwd="x", roles=["root"]),
            lambda: client.admin.command("updateUser", "roll", roles=["root"]),
        )
        for attempt in beyond:
            refused(attempt)
        # The only member cannot, which is another error than that it may not.
        with pytest.raises(OperationFailure) as caught:
            client.admin.command("replSetStepDown", 60, secondaryCatchUpPeriodSecs=1)
    assert caught.value.code == EXCEEDED_TIME_LIMIT


def refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(OperationFailure) as caught:
        attempt()
    assert caught.value.code == UNAUTHORIZED


def test_the_pipelines_commands_connect_with_tls_and_authsource(member: Member, tmp_path: Path) -> None:
    initiated(member)
    result = CliRunner().invoke(
        forecast_app, ["crud-check", "--mongodb-uri", member.uri("app"), "--logs-dir", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output


def test_a_wrong_password_of_the_pipeline_is_an_error_of_one_line_with_exit_code_2(
    member: Member, tmp_path: Path
) -> None:
    initiated(member)
    wrong = member.uri("app").replace(quote_plus(PASSWORDS["MONGO_APP_PASSWORD"]), "wr0ng")
    result = CliRunner().invoke(forecast_app, ["crud-check", "--mongodb-uri", wrong, "--logs-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "MongoDB refused the user of MONGODB_URI" in result.output
    assert "wr0ng" not in result.output


def recover(host: str, *more: str) -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "recover", host, *more])


def test_a_survivor_goes_on_alone_with_its_documents(member: Member) -> None:
    initiated(member)
    with Client(member.uri("app"), w="majority") as app:
        app.forecast_2_0.kept.insert_many([{"_id": number} for number in range(100)])
    with as_system(member.host, member.ca_file) as client:
        config = client.admin.command("replSetGetConfig")["config"]
        lost = [{"_id": number, "host": f"localhost:{number}"} for number in (1, 2)]
        changed = {**config, "version": config["version"] + 1, "members": [*config["members"], *lost]}
        client.admin.command("replSetReconfig", changed, force=True)
        client.admin.command("replSetStepDown", 1, force=True)
    result = recover(member.host)
    assert result.exit_code == 2
    assert "add --yes" in result.output
    result = recover(member.host, "--yes")
    assert result.exit_code == 0, result.output
    with Client(member.uri("app"), w="majority") as app:
        assert app.forecast_2_0.kept.count_documents({}) == 100
        app.forecast_2_0.kept.insert_one({"_id": "new"})


def test_a_set_with_a_primary_and_an_empty_member_are_not_forced(member: Member) -> None:
    result = recover(member.host, "--yes")
    assert result.exit_code == 2
    assert "it does not belong to a set that could continue" in result.output
    initiated(member)
    result = recover(member.host, "--yes")
    assert result.exit_code == 2
    assert f"the set has a primary, {member.host}: nothing is lost" in result.output
