"""Faults on purpose, with three members that the real entrypoint starts. Called by docker/drill/run.

Each drill is a function that raises AssertionError where the promise is broken and returns what was measured.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.infra.metric_filters import counted, declared
from tests.operations.drill.aws import BACKUP, PROCESSED, RAW, REGION, aws_environment, parameter, task_metadata
from tests.operations.drill.clients import DATABASE, ROWS, command, fill, refused
from tests.operations.drill.cluster import HOSTS, PARAMETER, SET, Cluster, host_of
from tests.operations.drill.engine import NUMBERS, Engine, SkippedError
from tests.operations.drill.losses import busy_sync, lost_writes, lost_zone, majority_lost, total_loss
from tests.operations.drill.maintenance import certificates, feature_version, retirement, rolling
from tests.operations.drill.namespaces import Namespaces
from tests.operations.drill.podman import Podman
from tests.operations.drill.restores import dump_and_restore, from_processed_zone, from_snapshot, pipeline_image


def first_start(cluster: Cluster) -> str:
    for number in NUMBERS:
        cluster.start(number)
    # As the runbook of the first deployment has it.
    cluster.wait(lambda: "down" not in cluster.states().values(), "all members answer")
    code, _, log = command(cluster, "mongo", "init")
    assert code == 0, log
    seconds = cluster.wait_whole()
    assert parameter() == "true", "the marker is not set"
    code, _, log = command(cluster, "mongo", "init")
    assert code == 0, log
    assert "had already been initiated" in log, log
    return f"one primary, two secondaries {seconds:.0f} s after mongo init; a second mongo init changes nothing"


def rights(cluster: Cluster) -> str:
    with cluster.all("roll") as roller:
        roller.admin.command("replSetGetStatus")
        refused(roller[DATABASE][ROWS].find_one)
        refused(lambda: roller.admin.command("replSetReconfig", {"_id": SET, "version": 99, "members": []}))
    with cluster.all("app") as app:
        app[DATABASE][ROWS].insert_one({"_id": "by app"})
        app[DATABASE][ROWS].create_index("n")
        refused(lambda: app["other"][ROWS].insert_one({}))
        refused(lambda: app.admin.command("replSetGetStatus"))
        app[DATABASE][ROWS].drop()
    with cluster.all("backup") as backup:
        assert backup[DATABASE][ROWS].find_one() is None
        refused(lambda: backup[DATABASE][ROWS].insert_one({}))
        refused(backup.admin["system.users"].find_one)
    with cluster.all("monitor") as monitor:
        monitor.admin.command("replSetGetStatus")
        refused(monitor[DATABASE][ROWS].find_one)
    with cluster.all(None) as nobody:
        refused(nobody[DATABASE][ROWS].find_one)
    return "app, backup, monitor and roll have the rights they need; 8 of 8 attempts at more were denied (code 13)"


def tls(cluster: Cluster) -> str:
    password = cluster.environment["MONGO_ROOT_PASSWORD"]
    plain = f"mongodb://root:{password}@{HOSTS[0]}/?directConnection=true&serverSelectionTimeoutMS=3000"
    for uri in (plain, f"{plain}&tls=true"):
        with MongoClient[dict[str, Any]](uri) as client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                continue
            raise AssertionError("connected without TLS, or without the CA's certificate")
    code, result, log = command(cluster, "crud-check", "--json", uri=cluster.uri("app"))
    assert code == 0, log
    assert json.loads(result), result
    return "plain text and an unknown CA were rejected; crud-check with tls=true and authSource=admin: exit code 0"


def sigterm(cluster: Cluster) -> str:
    old = cluster.primary()
    begin = time.monotonic()
    code = cluster.terminate(old)
    ended = time.monotonic() - begin
    assert code == 0, f"exit code {code}"
    new = cluster.primary()
    elected = time.monotonic() - begin
    assert new != old
    cluster.restart(old)
    cluster.wait_whole()
    assert not cluster.has_event(old, "rejoin_done"), "a restart in place must not leave the set"
    return f"exit code 0 after {ended:.1f} s, new primary after {elected:.1f} s; restarted in place, back at once"


def crash(cluster: Cluster) -> str:
    old = cluster.primary()
    cluster.kill(old)
    cluster.restart(old)
    seconds = cluster.wait_whole()
    assert not cluster.has_event(old, "rejoin_done"), "a restart in place must not leave the set"
    return f"killed, restarted in place with its disk: all healthy after {seconds:.0f} s, without leaving the set"


def reports(cluster: Cluster) -> str:
    cluster.wait(lambda: all(cluster.has_event(number, "member_state") for number in NUMBERS), "all report")
    primary = cluster.primary()
    last = {
        number: [event for event in cluster.events(number) if event["event"] == "member_state"][-1]
        for number in NUMBERS
    }
    assert {number: line["state"] for number, line in last.items()} == cluster.states(), last
    for number, line in last.items():
        assert (line["member"], line["primary"]) == (host_of(number), host_of(primary)), line
        assert 0 < line["disk_used_percent"] < 100, line
        assert ("lag_seconds" in line) == (number != primary), line
        metrics = counted([json.dumps(line)], declared()).keys()
        own = "PrimaryReports" if number == primary else "ReplicationLagSeconds"
        assert metrics == {"MemberHealthy", "MemberReports", "Reports", "DiskUsedPercent", own}, metrics
    lag = max(line["lag_seconds"] for number, line in last.items() if number != primary)
    return (
        f"each member logs state, primary, disk and, as a secondary, its lag (here {lag:.1f} s), "
        "and the metric filters match these lines"
    )


def empty_disk(cluster: Cluster) -> str:
    before = fill(cluster, 1000)
    old = cluster.primary()
    cluster.kill(old)
    cluster.new_disk(old)
    cluster.start(old)
    seconds = cluster.wait_whole()
    assert cluster.has_event(old, "rejoin_done"), "it did not leave and join"
    assert cluster.counts(DATABASE, ROWS) == [before] * 3, cluster.counts(DATABASE, ROWS)
    return (
        f"the primary killed and restarted empty: left, rejoined, synced, three votes after {seconds:.0f} s; "
        f"{before} documents on each"
    )


def old_disk(cluster: Cluster) -> str:
    number = cluster.secondaries()[0]
    with task_metadata(f"arn:aws:ecs:eu-west-3:123456789012:task/drill/{secrets.token_hex(16)}") as endpoint:
        cluster.terminate(number)
        fill(cluster, 100)
        cluster.start(number, task=endpoint)
        cluster.wait(lambda: cluster.has_event(number, "rejoin_done"), "leaving and joining")
        cluster.wait_whole()
        cluster.kill(number)
        cluster.restart(number)
        cluster.wait_whole()
        times = sum(event["event"] == "rejoin_done" for event in cluster.events(number))
        assert times == 1, f"left and joined {times} times"
    return "disk of another task (as from a snapshot): left and rejoined; restarted in place by the same task: stayed"


DRILLS: tuple[tuple[str, Callable[[Cluster], str]], ...] = (
    ("first start", first_start),
    ("users and their rights", rights),
    ("TLS is required", tls),
    ("members report their state", reports),
    ("SIGTERM at the primary", sigterm),
    ("crash, restart in place", crash),
    ("a member back with an empty disk", empty_disk),
    ("a member back with an old disk", old_disk),
    ("a lagging member and an empty one meet", lost_writes),
    ("a zone lost under a writing client", lost_zone),
    ("a busy member copies everything", busy_sync),
    ("a roll of all three under a writing client", rolling),
    ("all three announced for retirement", retirement),
    ("certificates renewed under a writing client", certificates),
    ("the feature version raised under a writing client", feature_version),
    ("dump and restore", dump_and_restore),
    ("the pipeline's image", pipeline_image),
    ("two members lost, one left", majority_lost),
    ("all three lost, restored from a snapshot", from_snapshot),
    ("all three lost, restored from the processed zone", from_processed_zone),
    ("all three replaced at once", total_loss),
)


def main() -> int:
    """Run the drills and print the table. Return 1 if one failed."""
    folder, wanted = Path(sys.argv[2]), set(sys.argv[3:])
    engine: Engine = Podman() if sys.argv[1] == "podman" else Namespaces(folder)
    if unknown := wanted - {drill.__name__ for _, drill in DRILLS}:
        print(f"There is no drill {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.update(aws_environment(server), MOTO_ECS_SERVICE_RUNNING="1")
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="false", Type="String")
    for name in (RAW, PROCESSED, BACKUP):
        boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    cluster = Cluster(engine, folder, operators_environment(folder))
    hosts = ",".join(host.partition(":")[0] for host in HOSTS)
    code, _, log = command(cluster, "mongo", "pki", str(folder / "pki"), "--hosts", hosts)
    assert code == 0, log
    cluster.environment["MONGO_TLS_CA"] = cluster.ca_file.read_text()
    # The default would end this process without the cleaning up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        engine.remove()
        engine.make_network()
        # The others need a set, and the first makes it.
        first, *others = DRILLS
        broken = run_all(cluster, [first, *(drill for drill in others if not wanted or drill[1].__name__ in wanted)])
        if broken:
            cluster.keep_logs()
    finally:
        engine.remove()
        server.stop()
    return int(broken)


def run_all(cluster: Cluster, drills: list[tuple[str, Callable[[Cluster], str]]]) -> bool:
    """Run the drills and print the table. Stop at the first failure, and return whether there was one."""
    print("| drill | result | seconds | measured |\n|---|---|---|---|", flush=True)
    for name, drill in drills:
        result, seconds, words = run_one(drill, cluster)
        print(f"| {name} | {result} | {seconds:.0f} | {words} |", flush=True)
        if result == "FAILED" or (result == "SKIPPED" and os.environ.get("CI_REQUIRE_INFRA") == "1"):
            return True
    return False


def run_one(drill: Callable[[Cluster], str], cluster: Cluster) -> tuple[str, float, str]:
    """Run one drill. Return its result, its seconds, and what it measured or why it failed or was skipped."""
    begin = time.monotonic()
    try:
        result, words = "passed", drill(cluster)
    except SkippedError as reason:
        result, words = "SKIPPED", str(reason)
    except (AssertionError, PyMongoError, RuntimeError, subprocess.SubprocessError) as error:
        result, words = "FAILED", " ".join(str(error).split())[-600:]
    return result, time.monotonic() - begin, words


def operators_environment(folder: Path) -> dict[str, str]:
    """The environment of the one-shot tasks, with random passwords for this run."""
    users = ("ROOT", "APP", "BACKUP", "MONITOR", "ROLL")
    passwords = {f"MONGO_{user}_PASSWORD": secrets.token_urlsafe(30) for user in users}
    return {
        **passwords,
        "MONGO_MEMBERS": ",".join(HOSTS),
        "MONGO_REPLICA_SET": SET,
        "MONGO_REPLICA_KEY": secrets.token_hex(378),
        "MONGO_BOOTSTRAPPED_PARAMETER": PARAMETER,
        "MONGODB_DATABASE": DATABASE,
        "BACKUP_URI": f"s3://{BACKUP}/dumps/",
        "ECS_CLUSTER": "drill",
        "LOGS_DIR": str(folder / "logs"),
    }


if __name__ == "__main__":
    sys.exit(main())
