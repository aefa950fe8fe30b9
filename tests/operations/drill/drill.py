"""Faults on purpose, with three members that the real entrypoint starts. Called by docker/drill/run.

Each drill is a function that raises AssertionError where the promise is broken and returns what was measured.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from moto.server import ThreadedMotoServer
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from forecast_demo import write_demo
from forecast_ops.archives import name_of
from forecast_ops.roll import Fleet, plan, roll
from tests.infra.metric_filters import counted, declared
from tests.operations.drill.aws import (
    REGION,
    Ecs,
    aws_environment,
    aws_of_members,
    parameter,
    set_parameter,
    task_metadata,
)
from tests.operations.drill.clients import DATABASE, ROWS, Writer, check_kept, command, fill, refused
from tests.operations.drill.cluster import HOSTS, PARAMETER, SET, Cluster, host_of
from tests.operations.drill.engine import NUMBERS, Engine, PipelineImage, SkippedError
from tests.operations.drill.maintenance import certificates, retirement
from tests.operations.drill.namespaces import Namespaces
from tests.operations.drill.podman import Podman
from tests.stations import built_in_registry

OBSERVATIONS = "weather_measurements"
RAW, PROCESSED, BACKUP = "forecast-drill-raw", "forecast-drill-processed", "forecast-drill-backup"
# May it write where it should, and nowhere else?
PROBE = """
import os
assert os.getuid() == 10001
open("/tmp/here", "w").close()
for place in ("/", "/app", "/run/mongo"):
    try:
        open(f"{place}/there", "w")
    except OSError:
        continue
    raise SystemExit(f"wrote to {place}")
"""
ACKNOWLEDGED = 500
# As long as the drill of a total loss watches that nothing starts empty.
WATCHED_SECONDS = 30


def first_start(cluster: Cluster) -> str:
    for number in NUMBERS:
        cluster.start(number)
    # As the runbook of the first deployment has it.
    cluster.wait(lambda: "down" not in cluster.states().values(), 180, "all members answer")
    code, _, log = command(cluster, "mongo", "init")
    assert code == 0, log
    seconds = cluster.wait_whole()
    assert parameter() == "true", "the marker is not set"
    code, _, log = command(cluster, "mongo", "init")
    assert code == 0, log
    assert "initiated before" in log, log
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
    cluster.wait(lambda: all(cluster.has_event(number, "member_state") for number in NUMBERS), 120, "all report")
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
        cluster.wait(lambda: cluster.has_event(number, "rejoin_done"), 60, "leaving and joining")
        cluster.wait_whole()
        cluster.kill(number)
        cluster.restart(number)
        cluster.wait_whole()
        times = sum(event["event"] == "rejoin_done" for event in cluster.events(number))
        assert times == 1, f"left and joined {times} times"
    return "disk of another task (as from a snapshot): left and rejoined; restarted in place by the same task: stayed"


def lose_all(cluster: Cluster) -> None:
    """Replace all three tasks at once. Return when all are waiting."""
    for number in NUMBERS:
        cluster.kill(number)
        cluster.new_disk(number)
        cluster.start(number)
    cluster.wait(lambda: all(cluster.has_event(number, "rejoin_waiting") for number in NUMBERS), 90, "all say so")


def total_loss(cluster: Cluster) -> str:
    lose_all(cluster)
    time.sleep(WATCHED_SECONDS)
    for number in NUMBERS:
        assert cluster.running(number)
        assert not cluster.has_event(number, "mongod_starting"), f"member {number} started empty"
        assert cluster.alive(number), f"the health check would kill member {number}"
        assert counted(cluster.log(number), declared()).keys() == {"RejoinWaiting"}
    codes = [cluster.terminate(number) for number in NUMBERS]
    assert codes == [0, 0, 0], codes
    for number in NUMBERS:
        cluster.start(number, bootstrapped="false")
    code, _, log = command(cluster, "mongo", "init")
    assert code == 2, f"exit code {code}: {log}"
    assert "its data are lost" in log, log
    assert cluster.votes() == 0
    return (
        f"all three wait (watched for {WATCHED_SECONDS} s), log it, pass the health check and exit with 0 on SIGTERM; "
        "mongo init refuses: exit code 2"
    )


def lost_writes(cluster: Cluster) -> str:
    before = fill(cluster, 1000)
    primary = cluster.primary()
    current, lagging = cluster.secondaries()
    cluster.network(lagging, "down")
    acknowledged = fill(cluster, ACKNOWLEDGED) - before
    assert acknowledged == ACKNOWLEDGED
    cluster.network(current, "down")
    cluster.kill(primary)
    cluster.new_disk(primary)
    cluster.start(primary)
    cluster.network(lagging, "up")
    begin = time.monotonic()
    while time.monotonic() - begin < WATCHED_SECONDS:
        states = cluster.states()
        assert "PRIMARY" not in states.values(), f"a member without the {ACKNOWLEDGED} documents was elected: {states}"
        time.sleep(1)
    assert cluster.has_event(primary, "rejoin_waiting")
    cluster.network(current, "up")
    seconds = cluster.wait_whole(180)
    counts = cluster.counts(DATABASE, ROWS)
    lost = before + ACKNOWLEDGED - min(counts)
    assert counts == [before + ACKNOWLEDGED] * 3, counts
    return (
        f"no primary while the only holder is cut off (watched for {WATCHED_SECONDS} s); all healthy {seconds:.0f} s "
        f"after it is back; {lost} of {ACKNOWLEDGED} acknowledged documents lost"
    )


def majority_lost(cluster: Cluster) -> str:
    before = fill(cluster, 1000)
    survivor, *lost = NUMBERS
    for number in lost:
        cluster.kill(number)
        cluster.new_disk(number)
        cluster.start(number)
    cluster.wait(lambda: all(cluster.has_event(number, "rejoin_waiting") for number in lost), 60, "both wait")
    cluster.wait(lambda: cluster.states()[survivor] == "SECONDARY", 60, "the survivor steps down")
    code, _, log = command(cluster, "mongo", "recover", host_of(survivor))
    assert code == 2, f"without --yes: exit code {code}: {log}"
    begin = time.monotonic()
    code, _, log = command(cluster, "mongo", "recover", host_of(survivor), "--yes")
    assert code == 0, log
    cluster.wait_whole()
    seconds = time.monotonic() - begin
    assert cluster.counts(DATABASE, ROWS) == [before] * 3, cluster.counts(DATABASE, ROWS)
    code, _, log = command(cluster, "mongo", "recover", host_of(survivor), "--yes")
    assert code == 2, f"with a primary: exit code {code}: {log}"
    return f"two wait; mongo recover on the survivor: all healthy after {seconds:.0f} s, {before} documents on each"


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
    assert (code, "no dump of the last 26 hours" in log) == (2, True), log
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
    assert len(acknowledged) > 100, f"only {len(acknowledged)} writes: this proves nothing"
    return (
        "--dry-run names all, the primary last, and changes nothing; then three members replaced, each with a new "
        f"disk, in {seconds:.0f} s; 0 of {len(acknowledged)} acknowledged documents lost, {errors} writes retried"
    )


def dump_and_restore(cluster: Cluster) -> str:
    if folder := cluster.tools():
        cluster.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    elif shutil.which("mongodump") is None:
        raise SkippedError("mongodump is neither in this base image (the official image has it) nor on PATH")
    fill(cluster, 1000)
    before = digest(cluster)
    code, _, log = command(cluster, "mongo", "dump", uri=cluster.uri("backup"))
    assert code == 0, log
    code, _, log = command(cluster, "mongo", "restore", uri=cluster.uri("app"))
    assert code == 2, f"into a full database: exit code {code}: {log}"
    with cluster.all() as client:
        client.drop_database(DATABASE)
    assert digest(cluster) != before
    begin = time.monotonic()
    code, _, log = command(cluster, "mongo", "restore", uri=cluster.uri("app"))
    seconds = time.monotonic() - begin
    assert code == 0, log
    assert digest(cluster) == before, "the digests differ"
    return f"dump, drop, restore: equal digests (dbHash) of {len(before)} collections; restored in {seconds:.0f} s"


def from_snapshot(cluster: Cluster) -> str:
    """docs/runbooks/restore.md, "From a snapshot"."""
    before = fill(cluster, 1000)
    seeded = cluster.primary()
    with TemporaryDirectory() as folder:
        snapshot = Path(folder) / "snapshot"
        writer = Writer(cluster, "snapshot")
        time.sleep(2)
        acknowledged = writer.acknowledged()
        cluster.snapshot(seeded, snapshot)
        writer.stop()
        lose_all(cluster)
        begin = time.monotonic()
        set_parameter("false")
        cluster.terminate(seeded)
        cluster.new_disk_from(seeded, snapshot)
        cluster.start(seeded)
    cluster.wait(lambda: cluster.states()[seeded] == "SECONDARY", 60, "it starts from the snapshot")
    set_parameter("true")
    code, _, log = command(cluster, "mongo", "recover", host_of(seeded), "--yes")
    assert code == 0, log
    cluster.wait_whole()
    seconds = time.monotonic() - begin
    assert cluster.counts(DATABASE, ROWS) == [before] * 3, cluster.counts(DATABASE, ROWS)
    check_kept(cluster, "snapshot", acknowledged)
    cluster.terminate(seeded)
    cluster.new_disk(seeded)
    cluster.start(seeded)
    cluster.wait_whole()
    assert cluster.has_event(seeded, "rejoin_done"), "it did not leave and join"
    assert cluster.counts(DATABASE, ROWS) == [before] * 3, cluster.counts(DATABASE, ROWS)
    return (
        "all three lost; one started from a disk copied while a client wrote, then mongo recover, and the others "
        f"joined: all healthy after {seconds:.0f} s; 0 of {before + len(acknowledged)} documents acknowledged before "
        "the copy lost; then that one was given a fresh disk too"
    )


def pipeline_image(cluster: Cluster) -> str:
    pipeline = cluster.pipeline()
    assert succeeds(pipeline, "python", "-c", PROBE), pipeline.log()
    with zones() as variables:
        begin = time.monotonic()
        assert succeeds(pipeline, "pipeline", **variables), pipeline.log()[-5:]
        seconds = time.monotonic() - begin
        documents = observations(cluster)
        assert documents > 0
        metrics = counted(pipeline.log(), declared())
        assert metrics == {"RunsDone": 1, "RejectionRate": 1, "RecordsValidated": 1}, metrics
        pipeline.begin("pipeline", "--reprocess", **variables)
        cluster.wait(lambda: any('"loaded ' in line for line in pipeline.log()), 60, "a first object")
        begin = time.monotonic()
        code = pipeline.terminate()
        ended = time.monotonic() - begin
    (last,) = (json.loads(line) for line in pipeline.log() if '"run_finished"' in line)
    assert (code, last["status"]) == (1, "interrupted"), (code, last)
    assert observations(cluster) == documents
    return (
        f"not root, read-only except /tmp, as the user app over TLS: {documents} documents in {seconds:.0f} s; "
        f"SIGTERM during a run: exit code 1 and `interrupted` after {ended:.1f} s"
    )


def from_processed_zone(cluster: Cluster) -> str:
    """docs/runbooks/restore.md, "After a total loss" and "From the processed zone"."""
    pipeline = cluster.pipeline()
    with zones() as variables:
        assert succeeds(pipeline, "pipeline", **variables), pipeline.log()[-5:]
        before = observations(cluster)
        lose_all(cluster)
        begin = time.monotonic()
        set_parameter("false")
        for number in NUMBERS:
            cluster.terminate(number)
            cluster.new_disk(number)
            cluster.start(number)
        code, _, log = command(cluster, "mongo", "init")
        assert code == 0, log
        cluster.wait_whole()
        assert succeeds(pipeline, "forecast", "migrate", **variables), pipeline.log()[-5:]
        seconds = time.monotonic() - begin
        assert succeeds(pipeline, "forecast", "migrate", "--verify", **variables), pipeline.log()[-5:]
    assert cluster.counts(DATABASE, OBSERVATIONS) == [before] * 3, cluster.counts(DATABASE, OBSERVATIONS)
    return (
        f"all three lost; mongo init, then migrate into the empty set: all {before} documents on each after "
        f"{seconds:.0f} s; migrate --verify: exit code 0"
    )


def succeeds(image: PipelineImage, command: str, *arguments: str, **variables: str) -> bool:
    """Whether a task of the pipeline's image exits with 0."""
    image.begin(command, *arguments, **variables)
    return image.wait() == 0


@contextmanager
def zones() -> Iterator[dict[str, str]]:
    """The environment of a task that finds both zones: buckets of moto, here at an address that containers reach.

    The raw zone is filled once. moto keeps them for all of its servers in this process.
    """
    s3 = boto3.client("s3")
    if not s3.list_objects_v2(Bucket=RAW)["KeyCount"]:
        with TemporaryDirectory() as folder, built_in_registry():
            for path in write_demo(Path(folder)):
                s3.upload_file(str(path), RAW, f"airbyte-sync/{path.relative_to(folder).as_posix()}")
    with aws_of_members() as aws:
        yield aws | {"RAW_URI": f"s3://{RAW}/airbyte-sync/", "PROCESSED_URI": f"s3://{PROCESSED}/"}


def observations(cluster: Cluster) -> int:
    """How many documents the pipeline's collection holds."""
    with cluster.all() as client:
        return client[DATABASE][OBSERVATIONS].count_documents({})


def digest(cluster: Cluster) -> dict[str, str]:
    """The server's own digest of each collection."""
    with cluster.member(cluster.primary()) as client:
        return dict(client[DATABASE].command("dbHash")["collections"])


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
    ("a roll of all three under a writing client", rolling),
    ("all three announced for retirement", retirement),
    ("certificates renewed under a writing client", certificates),
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
