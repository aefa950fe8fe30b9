"""`mongo status` on a real member, as the user monitor, and what it says of a set that is not well."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast_ops import status as status_module
from forecast_ops.status import MemberStatus, SetStatus, as_text, attention, status_metrics
from tests.operations.conftest import Member
from tests.waiting import wait_until

WELL = SetStatus(
    members=(
        MemberStatus("mongo-1:27017", "PRIMARY", None, 300.0),
        MemberStatus("mongo-2:27017", "SECONDARY", 0.0, 282.0),
        MemberStatus("mongo-3:27017", "SECONDARY", 60.0, 30.0),
    ),
    version="8.0.32",
    feature_version="8.0",
    oplog_hours=24.0,
    oplog_full=True,
    connections=12,
    connections_available=800,
    slow=(),
)


def status(member: Member, *arguments: str) -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "status", "--mongodb-uri", member.uri("monitor"), *arguments])


def test_the_status_is_read_as_a_user_that_can_change_nothing(users_member: Member) -> None:
    result = status(users_member, "--json", "--metrics-namespace", "forecast-test")
    assert result.exit_code in {0, 3}, result.output
    *metrics, told = map(json.loads, result.stdout.splitlines())
    (only,) = told["members"]
    assert (only["host"], only["state"], only["lag_seconds"]) == (users_member.host, "PRIMARY", None)
    assert result.exit_code == (3 if told["attention"] else 0)
    # Issued for a day, and renewed by other tests.
    assert only["certificate_days"] > 0.9
    assert told["feature_version"] == told["version"].rpartition(".")[0]
    assert told["connections"] > 0
    # A new oplog is short, and not full.
    assert (told["oplog_full"], [line for line in told["attention"] if "oplog" in line]) == (False, [])
    assert {name for line in metrics for name in line if name not in {"_aws", "member"}} == {
        *("CertificateDaysLeft", "Connections", "SlowOperations")
    }
    with (
        MongoClient[dict[str, Any]](users_member.uri("monitor")) as client,
        pytest.raises(OperationFailure) as refused,
    ):
        client["forecast_2_0"]["weather_measurements"].insert_one({"_id": 1})
    assert refused.value.code == 13


def test_a_wrong_password_is_reported_without_it(users_member: Member) -> None:
    wrong = users_member.uri("monitor").replace("monitor:", "monitor:x")
    result = CliRunner().invoke(forecast_app, ["mongo", "status", "--mongodb-uri", wrong])
    assert result.exit_code == 2
    assert "s3cr3t" not in result.output


def test_a_healthy_set_needs_no_attention() -> None:
    assert attention(WELL) == []
    assert as_text(WELL).splitlines() == [
        "mongo-1:27017  PRIMARY  lag -  certificate 300 days",
        "mongo-2:27017  SECONDARY  lag 0 s  certificate 282 days",
        "mongo-3:27017  SECONDARY  lag 60 s  certificate 30 days",
        "MongoDB 8.0.32, feature version 8.0; oplog 24.0 h; 12 of 812 connections",
    ]


def changed(**changes: Any) -> list[str]:
    """What needs attention if the third member is replaced by this one."""
    return attention(replace(WELL, members=(*WELL.members[:2], replace(WELL.members[2], **changes))))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "RECOVERING"}, "mongo-3:27017 is RECOVERING"),
        ({"lag_seconds": 61.0}, "mongo-3:27017 is 61 s behind the primary"),
        (
            {"certificate_days": 29.4},
            "the certificate of mongo-3:27017 expires in 29 days: issue a new one (forecast mongo pki)",
        ),
        (
            {"certificate_days": -1.0},
            "the certificate of mongo-3:27017 has expired: issue a new one now (forecast mongo pki)",
        ),
        (
            {"certificate_days": None},
            "the certificate of mongo-3:27017 could not be read: the member does not answer over TLS",
        ),
    ],
)
def test_what_is_wrong_with_a_member_is_reported(changes: dict[str, Any], told: str) -> None:
    assert changed(**changes) == [told]


def test_the_window_of_an_oplog_that_is_not_full_is_unknown() -> None:
    new = replace(WELL, oplog_hours=0.5, oplog_full=False)
    assert attention(new) == []
    assert list(status_metrics(new))[-1].metrics["OplogWindowHours"].value is None


def test_a_short_oplog_and_slow_operations_are_reported() -> None:
    bad = replace(WELL, oplog_hours=23.9, slow=(("query", "forecast_2_0.weather_measurements", 12.4),))
    assert attention(bad) == [
        "the oplog is full and covers 23.9 hours; it should cover 24",
        "a query on forecast_2_0.weather_measurements has run for 12 s",
    ]
    assert as_text(bad).endswith("attention: a query on forecast_2_0.weather_measurements has run for 12 s")


def test_each_member_has_its_metric_and_the_set_its_own() -> None:
    assert [
        (line.dimension, {name: one.value for name, one in line.metrics.items()}) for line in status_metrics(WELL)
    ] == [
        (("member", "mongo-1:27017"), {"CertificateDaysLeft": 300.0}),
        (("member", "mongo-2:27017"), {"CertificateDaysLeft": 282.0}),
        (("member", "mongo-3:27017"), {"CertificateDaysLeft": 30.0}),
        (None, {"OplogWindowHours": 24.0, "Connections": 12, "SlowOperations": 0}),
    ]


def test_a_member_that_accepts_connections_is_alive(users_member: Member) -> None:
    """The image's health check: it starts no shell of MongoDB, and fails where nobody listens."""
    liveness = Path(__file__).resolve().parents[2] / "docker" / "mongo" / "liveness"

    def check(member: str) -> int:
        settings = {"MONGO_MEMBER": member}
        return subprocess.run(["/bin/bash", liveness], check=False, env=settings, capture_output=True).returncode

    assert check(users_member.host) == 0
    assert check("localhost:1") == 1


def test_an_operation_that_does_not_end_is_reported(users_member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "SLOW_SECONDS", 0)

    def look() -> None:
        with suppress(OperationFailure), users_member.root() as client:
            list(client["forecast_2_0"]["slow"].find({"$where": "while (true) {}"}))

    with users_member.root() as root:
        root["forecast_2_0"]["slow"].insert_one({"_id": 1})
        looking = threading.Thread(target=look)
        looking.start()
        try:
            told: list[str] = []

            def is_told() -> bool:
                told[:] = json.loads(status(users_member, "--json").stdout)["attention"]
                return any("forecast_2_0.slow" in line for line in told)

            wait_until(is_told)
        finally:
            for entry in root.admin.command("currentOp", 1, ns="forecast_2_0.slow")["inprog"]:
                root.admin.command("killOp", 1, op=entry["opid"])
            looking.join()
    assert next(line for line in told if "slow" in line).startswith("a query on forecast_2_0.slow has run for ")
