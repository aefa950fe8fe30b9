"""Drills of what every set meets in its first year: rolls, retirement, new certificates and versions."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import partial

import boto3

from forecast_ops.archives import name_of
from forecast_ops.roll import Fleet, plan, roll
from forecast_ops.status import certificate_days
from tests.operations.drill.aws import BACKUP, Ecs, aws_of_members
from tests.operations.drill.clients import ENOUGH_WRITES, Writer, check_kept, command
from tests.operations.drill.cluster import HOSTS, Cluster, host_of
from tests.operations.drill.engine import NUMBERS


def dry_run(cluster: Cluster) -> None:
    """Check on moto's ECS that `mongo roll --dry-run` names the members, the primary last, and changes nothing."""
    ecs, s3 = boto3.client("ecs"), boto3.client("s3")
    ecs.create_cluster(clusterName="drill")
    for number in NUMBERS:
        for image in ("old", "new"):
            containers = [{"name": "mongod", "image": image, "memory": 128}]
            ecs.register_task_definition(family=f"mongo-{number}", containerDefinitions=containers)
        ecs.create_service(
            cluster="drill", serviceName=f"mongo-{number}", taskDefinition=f"mongo-{number}:1", desiredCount=1
        )
    code, _, log = command(cluster, "mongo", "roll", "--dry-run", uri=cluster.uri("roll"))
    assert (code, "no dump from the last 26 hours" in log) == (2, True), log
    s3.put_object(Bucket=BACKUP, Key=f"dumps/{name_of(datetime.now(UTC))}.json", Body=b"{}")
    code, _, log = command(cluster, "mongo", "roll", "--dry-run", uri=cluster.uri("roll"))
    assert code == 0, log
    planned = re.findall(r"mongo-(\d): arn:\S+:2", log)
    assert sorted(planned) == ["1", "2", "3"], log
    assert int(planned[-1]) == cluster.primary(), log
    services = ecs.describe_services(cluster="drill", services=[f"mongo-{number}" for number in NUMBERS])["services"]
    assert all(service["taskDefinition"].endswith(":1") for service in services), services


def rolling(cluster: Cluster) -> str:
    dry_run(cluster)
    ecs = Ecs(cluster)
    before = {number: cluster.volume(number) for number in NUMBERS}
    with cluster.all("roll") as client:
        fleet = Fleet(ecs, "drill", client)
        steps = plan(fleet)
        assert [step.host for step in steps][-1] == host_of(cluster.primary()), "the primary is not last"
        writer = Writer(cluster, "roll")
        begin = time.monotonic()
        roll(fleet, steps, lambda: None)
        seconds = time.monotonic() - begin
        cluster.wait_whole()
        acknowledged, errors = writer.stop()
        assert plan(fleet) == [], "a second roll has something to do"
    assert all(cluster.volume(number) != before[number] for number in NUMBERS)
    check_kept(cluster, "roll", acknowledged)
    assert len(acknowledged) > ENOUGH_WRITES, f"only {len(acknowledged)} writes: this proves nothing"
    return (
        "--dry-run names all, the primary last, and changes nothing; then three members replaced, each with a new "
        f"disk, in {seconds:.0f} s; 0 of {len(acknowledged)} acknowledged documents lost, {errors} writes retried"
    )


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
    starts = {number: cluster.starts(number) for number in NUMBERS}
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
    assert {number: cluster.starts(number) for number in NUMBERS} == starts, "a member was started again"
    assert errors == 0, f"{errors} writes failed"
    check_kept(cluster, "certificates", acknowledged)
    ends = ", ".join(f"{end:.0f}" for end in days)
    return (
        f"each member serves a new certificate ({ends} days), none was started again or copied anything; 0 of "
        f"{len(acknowledged)} acknowledged documents lost, 0 writes failed"
    )


def feature_version(cluster: Cluster) -> str:
    """docs/runbooks/upgrade-mongodb.md, "The feature version": from that of the binaries before to that of now."""
    with cluster.member(cluster.primary()) as client:
        runs = client.server_info()["versionArray"][0]
    before, now = f"{runs - 1}.0", f"{runs}.0"
    writer = Writer(cluster, "feature_version")
    for wanted in (before, now):
        code, _, log = command(cluster, "mongo", "init", "--feature-version", wanted)
        assert code == 0, log
        cluster.wait(partial(_has_feature_version, cluster, wanted), f"every member has {wanted}")
    code, _, log = command(cluster, "mongo", "init", "--feature-version", f"{runs + 1}.0")
    assert code == 2, f"a version that no member runs: exit code {code}: {log}"
    acknowledged, errors = writer.stop()
    assert feature_versions(cluster) == {now}
    check_kept(cluster, "feature_version", acknowledged)
    return (
        f"{before}, as new binaries find it, and raised to {now} on every member; {runs + 1}.0 is refused; 0 of "
        f"{len(acknowledged)} acknowledged documents lost, {errors} writes retried"
    )


def _has_feature_version(cluster: Cluster, wanted: str) -> bool:
    return feature_versions(cluster) == {wanted}


def feature_versions(cluster: Cluster) -> set[str]:
    """The feature version of each member."""
    found = set()
    for number in NUMBERS:
        with cluster.member(number) as client:
            answer = client.admin.command("getParameter", featureCompatibilityVersion=1)
        found.add(str(answer["featureCompatibilityVersion"]["version"]))
    return found
