"""Drills of what brings data back: dumps, snapshots, the processed zone; and of the pipeline's image."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from forecast.mongo.loader import prepare_collection
from forecast_demo import write_demo
from tests.infra.metric_filters import counted, declared
from tests.operations.drill.aws import PROCESSED, RAW, aws_of_members, set_parameter
from tests.operations.drill.clients import DATABASE, ENOUGH_WRITES, ROWS, Writer, check_kept, command, fill
from tests.operations.drill.cluster import Cluster, host_of
from tests.operations.drill.engine import NUMBERS, PipelineImage, SkippedError
from tests.operations.drill.losses import lose_all
from tests.stations import built_in_registry

OBSERVATIONS = "weather_measurements"
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


def dump_and_restore(cluster: Cluster) -> str:
    """As the users `backup` and `app`, which can do no more than that needs."""
    if folder := cluster.tools():
        cluster.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    elif shutil.which("mongodump") is None:
        raise SkippedError("mongodump is neither in this base image (the official image has it) nor on PATH")
    fill(cluster, 1000)
    with cluster.all("app") as app:
        prepare_collection(app[DATABASE][OBSERVATIONS])
    before = contents(cluster)
    code, _, log = command(cluster, "mongo", "dump", uri=cluster.uri("backup"))
    assert code == 0, log
    code, _, log = command(cluster, "mongo", "restore", uri=cluster.uri("app"))
    assert code == 2, f"into a full database: exit code {code}: {log}"
    with cluster.all() as client:
        client.drop_database(DATABASE)
    assert contents(cluster) != before
    begin = time.monotonic()
    code, _, log = command(cluster, "mongo", "restore", uri=cluster.uri("app"))
    seconds = time.monotonic() - begin
    assert code == 0, log
    assert contents(cluster) == before, "the contents differ"
    fill(cluster, 10)
    code, _, log = command(cluster, "mongo", "restore", "--replace", uri=cluster.uri("app"))
    assert code == 0, log
    assert contents(cluster) == before, "the contents differ after --replace"
    return (
        f"dumped as backup; dropped, restored as app, and replaced as app: equal digests (dbHash), indexes and "
        f"validators of {len(before)} collections; restored in {seconds:.0f} s"
    )


def from_snapshot(cluster: Cluster) -> str:
    """docs/runbooks/restore.md, "From a snapshot"."""
    before = fill(cluster, 1000)
    seeded = cluster.primary()
    with TemporaryDirectory() as folder:
        snapshot = Path(folder) / "snapshot"
        writer = Writer(cluster, "snapshot")
        writer.wait_for_more(ENOUGH_WRITES)
        acknowledged = writer.acknowledged()
        cluster.snapshot(seeded, snapshot)
        writer.stop()
        lose_all(cluster)
        begin = time.monotonic()
        set_parameter("false")
        cluster.terminate(seeded)
        cluster.new_disk_from(seeded, snapshot)
        cluster.start(seeded)
    cluster.wait(lambda: cluster.states()[seeded] == "SECONDARY", "it starts from the snapshot")
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
        # Later it may have ended before the signal: small objects are loaded together.
        cluster.wait(lambda: any('"run started' in line for line in pipeline.log()), "the run has begun")
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


def contents(cluster: Cluster) -> dict[str, Any]:
    """Each collection: the server's own digest of it, its indexes, its options (among them the validator)."""
    with cluster.member(cluster.primary()) as client:
        database = client[DATABASE]
        digests = database.command("dbHash")["collections"]
        options = {found["name"]: found["options"] for found in database.list_collections()}
        return {name: (digests[name], database[name].index_information(), options[name]) for name in options}
