"""Drills of what every set meets in its first year: retirement and new certificates."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import boto3

from forecast_ops.roll import Fleet, plan, roll
from forecast_ops.status import certificate_days
from tests.operations.drill.aws import Ecs, aws_of_members
from tests.operations.drill.clients import Writer, check_kept, command
from tests.operations.drill.cluster import HOSTS, Cluster
from tests.operations.drill.engine import NUMBERS

ENOUGH_WRITES = 100


def retirement(cluster: Cluster) -> str:
    """What the announcement starts: a roll of all three, although each runs the newest definition (`--again`)."""
    ecs = Ecs(cluster)
    announced = {number: cluster.volume(number) for number in NUMBERS}
    with cluster.all("roll") as client:
        fleet = Fleet(ecs, "drill", client)
        writer = Writer(cluster, "retirement")
        begin = time.monotonic()
        roll(fleet, plan(fleet, again=True), lambda: None)
        seconds = time.monotonic() - begin
        cluster.wait_whole()
        acknowledged, errors = writer.stop()
    left = [number for number in NUMBERS if cluster.volume(number) == announced[number]]
    assert left == [], f"AWS would stop the members {left}"
    assert ecs.most_away == 1, f"{ecs.most_away} members were away at once"
    check_kept(cluster, "retirement", acknowledged)
    assert len(acknowledged) > ENOUGH_WRITES, f"only {len(acknowledged)} writes: this proves nothing"
    return (
        f"all three announced: a roll replaces them one at a time in {seconds:.0f} s, and on the day none of the "
        f"announced tasks runs; 0 of {len(acknowledged)} acknowledged documents lost, {errors} writes "
        "retried"
    )


def certificates(cluster: Cluster) -> str:
    """docs/runbooks/rotate-secrets.md, "Members' certificates"."""
    prefix = "forecast-drill/mongodb/tls"
    for name in ("ca", *(f"mongo-{number}" for number in NUMBERS)):
        boto3.client("secretsmanager").create_secret(Name=f"{prefix}/{name}")
    names = ",".join(host.partition(":")[0] for host in HOSTS)
    issue = ("mongo", "pki", str(cluster.ca_file.parent), "--hosts", names, "--days", "700", "--secrets-prefix", prefix)
    starts = {number: starts_of(cluster, number) for number in NUMBERS}
    writer = Writer(cluster, "certificates")
    with aws_of_members() as aws:
        code, _, log = command(cluster, *issue)
        assert code == 0, log
        for number in NUMBERS:
            secret = {"MONGO_TLS_SECRET": f"{prefix}/mongo-{number}"}
            done = cluster.renew(number, aws | secret)
            assert done.returncode == 0, done.stderr
            again = cluster.renew(number, aws | secret)
            assert (again.returncode, "serves a certificate" in again.stderr) == (0, False), again.stderr
    acknowledged, errors = writer.stop()
    now = datetime.now(UTC)
    days = [certificate_days(host, cluster.ca_file, now) or 0 for host in HOSTS]
    assert min(days) > 600, days
    assert len({round(end) for end in days}) == len(days), f"they end on one day: {days}"
    assert {number: starts_of(cluster, number) for number in NUMBERS} == starts, "a member was started again"
    assert errors == 0, f"{errors} writes failed"
    check_kept(cluster, "certificates", acknowledged)
    ends = ", ".join(f"{end:.0f}" for end in days)
    return (
        f"each member serves a new certificate ({ends} days), none was started again or copied anything; 0 of "
        f"{len(acknowledged)} acknowledged documents lost, 0 writes failed"
    )


def starts_of(cluster: Cluster, number: int) -> int:
    """How often a member's mongod was started since its task was new."""
    return sum(event["event"] == "mongod_starting" for event in cluster.events(number))
