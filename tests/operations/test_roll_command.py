"""The command `mongo roll` on a real set and a stand-in of ECS's services: its gates and its words."""

from datetime import UTC, datetime

import boto3
import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast_ops import commands
from forecast_ops.archives import Archives, Manifest, name_of
from forecast_ops.roll import Step
from tests.operations.conftest import Member


@pytest.fixture
def prepared(users_member: Member, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the backup bucket's address, of a set of one member."""
    monkeypatch.setenv("MONGODB_URI", users_member.uri("roll"))
    monkeypatch.setenv("BACKUP_URI", f"s3://{s3_bucket}/dumps/")
    monkeypatch.setenv("ECS_CLUSTER", "forecast")
    return f"s3://{s3_bucket}/dumps/"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "roll", *arguments])


def put_dump(uri: str) -> None:
    name = name_of(datetime.now(UTC))
    Archives(boto3.client("s3"), uri).finish(name, Manifest("forecast_2_0", name, 1, "0" * 64, {}, 0.1))


def test_without_a_dump_the_command_does_not_start(prepared: str) -> None:
    result = run("--dry-run")
    assert result.exit_code == 2
    assert "no dump from the last 26 hours: there is none. Run forecast mongo dump first" in result.output


def test_the_maximum_age_of_a_dump_follows_from_its_schedule(prepared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_DUMP_AGE_HOURS", "168")
    assert "no dump from the last 168 hours: there is none" in run("--dry-run").output


@pytest.mark.parametrize("text", ["0", "-1", "nan", "1e99", "a day"])
def test_an_invalid_maximum_age_of_dumps_is_named(prepared: str, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MAX_DUMP_AGE_HOURS", text)
    result = run("--dry-run")
    assert result.exit_code == 2
    assert "MAX_DUMP_AGE_HOURS must be a number of hours above 0, such as 26" in result.output


def test_a_set_of_one_member_is_incomplete(prepared: str) -> None:
    put_dump(prepared)
    result = run()
    assert result.exit_code == 1
    assert "the set is incomplete; nothing was changed: 1 members, 1 votes; expected 3 of each" in result.output


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(prepared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put_dump(prepared)
    steps = [Step(f"mongo-{number}", f"mongo-{number}.internal:27017", f"arn:{number}:2", None) for number in (3, 2, 1)]
    begun: list[Step] = []
    monkeypatch.setattr(commands, "plan", lambda *_, **__: steps)
    monkeypatch.setattr(commands, "roll", lambda _, chosen, __: begun.extend(chosen))
    planned = run("--dry-run")
    assert (planned.exit_code, begun) == (0, [])
    places = [planned.output.index(f"mongo-{number}: arn:{number}:2") for number in (3, 2, 1)]
    assert places == sorted(places)
    assert run("--only", "mongo-2").exit_code == 0
    assert [step.service for step in begun] == ["mongo-2"]


def test_two_rolls_at_once_are_refused(prepared: str, users_member: Member) -> None:
    put_dump(prepared)
    with users_member.root() as client:
        now = client.admin.command("hello")["localTime"]
        holder = {"_id": "writer", "run_id": "mongo roll 10:00:00", "pid": 1, "place": None, "host": "elsewhere"}
        times = {"since": now, "expires_at": now.replace(year=now.year + 1)}
        client.forecast_operations.roll_lease.insert_one(holder | times)
    result = run()
    assert result.exit_code == 1
    assert "mongo roll 10:00:00 on elsewhere" in result.output
