"""Drills of members that are lost: one, a zone, the majority, all; and of one that copies everything again."""

from __future__ import annotations

import time

from tests.infra.metric_filters import counted, declared
from tests.operations.drill.clients import (
    DATABASE,
    ENOUGH_WRITES,
    ROWS,
    Writer,
    busy_cores,
    check_kept,
    command,
    fill,
    fill_large,
)
from tests.operations.drill.cluster import WATCHED_SECONDS, Cluster, host_of
from tests.operations.drill.engine import NUMBERS

ACKNOWLEDGED = 500
# ECS asks once a minute; here all the time.
ENOUGH_CHECKS = 5


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
    cluster.watch(
        lambda: "PRIMARY" not in cluster.states().values(),
        f"a member without the {ACKNOWLEDGED} documents was elected",
    )
    assert cluster.has_event(primary, "rejoin_waiting")
    cluster.network(current, "up")
    seconds = cluster.wait_whole()
    counts = cluster.counts(DATABASE, ROWS)
    lost = before + ACKNOWLEDGED - min(counts)
    assert counts == [before + ACKNOWLEDGED] * 3, counts
    return (
        f"no primary while the only holder is cut off (watched for {WATCHED_SECONDS} s); all healthy {seconds:.0f} s "
        f"after it is back; {lost} of {ACKNOWLEDGED} acknowledged documents lost"
    )


def lost_zone(cluster: Cluster) -> str:
    """The primary's zone: cut off at first, then gone with its disk; a new task starts when the zone is back."""
    gone = cluster.primary()
    writer = Writer(cluster, "zone")
    writer.wait_for_more(ENOUGH_WRITES)
    cluster.network(gone, "down")
    before = len(writer.acknowledged())
    # One may have been on its way.
    paused = writer.wait_for_more(2)
    cluster.kill(gone)
    cluster.new_disk(gone)
    cluster.watch(lambda: "PRIMARY" in cluster.states().values(), "no primary while one zone is lost")
    writer.wait_for_more(ENOUGH_WRITES)
    without = len(writer.acknowledged()) - before
    cluster.start(gone)
    seconds = cluster.wait_whole()
    acknowledged, errors = writer.stop()
    assert cluster.has_event(gone, "rejoin_done"), "it did not leave and join"
    check_kept(cluster, "zone", acknowledged)
    return (
        f"the primary cut off, then lost with its disk: writes again after {paused:.0f} s, {without} while it was "
        f"away; all healthy {seconds:.0f} s after its zone is back; 0 of {len(acknowledged)} acknowledged documents "
        f"lost, {errors} writes retried"
    )


def busy_sync(cluster: Cluster) -> str:
    """A member copies everything while the machine has more to do than it can, and a client writes."""
    documents = fill_large(cluster)
    number = cluster.secondaries()[0]
    cluster.kill(number)
    cluster.new_disk(number)
    writer = Writer(cluster, "busy")
    seconds: list[float] = []
    with busy_cores():
        cluster.start(number)
        cluster.wait(lambda: cluster.listening(number), "it takes connections")
        disk = cluster.volume(number)
        while cluster.state(number) != "SECONDARY":
            begin = time.monotonic()
            assert cluster.alive(number), "the health check would kill a member that copies"
            seconds.append(time.monotonic() - begin)
    cluster.wait_whole()
    acknowledged, errors = writer.stop()
    assert len(seconds) >= ENOUGH_CHECKS, f"only {len(seconds)} checks while it copied: this proves nothing"
    assert (cluster.running(number), cluster.volume(number)) == (True, disk)
    assert cluster.starts(number) == 1, "it was started again"
    check_kept(cluster, "busy", acknowledged)
    assert cluster.counts(DATABASE, "large") == [documents] * 3, cluster.counts(DATABASE, "large")
    with cluster.all() as client:
        client[DATABASE].drop_collection("large")
    return (
        f"{documents} documents copied; {len(seconds)} health checks meanwhile, all passed, the slowest after "
        f"{1000 * max(seconds):.0f} ms; never started again; 0 of {len(acknowledged)} acknowledged documents lost, "
        f"{errors} writes retried"
    )


def majority_lost(cluster: Cluster) -> str:
    before = fill(cluster, 1000)
    survivor, *lost = NUMBERS
    for number in lost:
        cluster.kill(number)
        cluster.new_disk(number)
        cluster.start(number)
    cluster.wait(lambda: all(cluster.has_event(number, "rejoin_waiting") for number in lost), "both wait")
    cluster.wait(lambda: cluster.states()[survivor] == "SECONDARY", "the survivor steps down")
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


def lose_all(cluster: Cluster) -> None:
    """Replace all three tasks at once. Return when all are waiting."""
    for number in NUMBERS:
        cluster.kill(number)
        cluster.new_disk(number)
        cluster.start(number)
    cluster.wait(lambda: all(cluster.has_event(number, "rejoin_waiting") for number in NUMBERS), "all say so")


def total_loss(cluster: Cluster) -> str:
    lose_all(cluster)
    cluster.watch(
        lambda: not any(cluster.has_event(number, "mongod_starting") for number in NUMBERS), "a member started empty"
    )
    for number in NUMBERS:
        assert cluster.running(number)
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
