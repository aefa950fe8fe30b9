"""Clients of the set: what they write, and what is left of it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pymongo import IndexModel
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from tests.operations.drill.cluster import PATIENCE_SECONDS, Cluster
from tests.operations.drill.engine import NUMBERS

DATABASE = "forecast_2_0"
ROWS = "drill_rows"
_UNAUTHORIZED = 13
# Fewer prove nothing of what happens to writes.
ENOUGH_WRITES = 100
_LARGE_DOCUMENTS, _LARGE_BATCH = 200_000, 5_000
_PROGRAMS_A_CORE = 2
_MAJORITY = WriteConcern("majority", wtimeout=1000 * PATIENCE_SECONDS)
# Between two writes of a Writer.
_PAUSE_SECONDS = 0.01


class Writer:
    """A client that keeps writing, each document acknowledged by a majority before the next one."""

    def __init__(self, cluster: Cluster, collection: str) -> None:
        self._cluster = cluster
        self._collection = collection
        self._acknowledged: set[int] = set()
        self._errors = 0
        self._progress = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def acknowledged(self) -> set[int]:
        """What was acknowledged by now."""
        with self._progress:
            return self._acknowledged.copy()

    def wait_for_more(self, count: int) -> float:
        """Wait until so many more documents are acknowledged; for how many seconds that took."""
        begin = time.monotonic()
        with self._progress:
            wanted = len(self._acknowledged) + count
            assert self._progress.wait_for(lambda: len(self._acknowledged) >= wanted, PATIENCE_SECONDS), (
                f"{wanted - len(self._acknowledged)} of {count} writes not acknowledged within {PATIENCE_SECONDS} s"
            )
        return time.monotonic() - begin

    def stop(self) -> tuple[set[int], int]:
        """What was acknowledged, and how many writes failed at first."""
        self._ended.set()
        self._thread.join()
        return self._acknowledged, self._errors

    def _write(self) -> None:
        with self._cluster.all("app") as client:
            written = WriteConcern("majority", wtimeout=30_000)
            rows = client[DATABASE].get_collection(self._collection, write_concern=written)
            number = 0
            while not self._ended.wait(_PAUSE_SECONDS):
                try:
                    rows.replace_one({"_id": number}, {"_id": number}, upsert=True)
                except PyMongoError:
                    self._errors += 1
                    continue
                with self._progress:
                    self._acknowledged.add(number)
                    self._progress.notify_all()
                number += 1


def fill(cluster: Cluster, count: int) -> int:
    """Insert documents with majority acknowledged; how many there are then."""
    with cluster.all() as client:
        rows = client[DATABASE].get_collection(ROWS, write_concern=_MAJORITY)
        rows.insert_many([{"payload": secrets.token_hex(100)} for _ in range(count)])
        return rows.count_documents({})


def fill_large(cluster: Cluster) -> int:
    """Put enough into the collection `large` that copying it takes a while: 200 MB that do not compress, four indexes.

    Gives the number of documents.
    """
    with cluster.all() as client:
        large = client[DATABASE].get_collection("large", write_concern=_MAJORITY)
        large.create_indexes([IndexModel([(name, 1)]) for name in ("a", "b", "c", "d")])
        for _ in range(_LARGE_DOCUMENTS // _LARGE_BATCH):
            large.insert_many(
                [{name: secrets.token_bytes(250) for name in ("a", "b", "c", "d")} for _ in range(_LARGE_BATCH)]
            )
    return _LARGE_DOCUMENTS


@contextmanager
def busy_cores() -> Iterator[None]:
    """Two programs a core that only compute."""
    programs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(_PROGRAMS_A_CORE * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def check_kept(cluster: Cluster, collection: str, acknowledged: set[int]) -> None:
    """Assert that every member comes to hold all documents that a Writer wrote.

    A member that the majority did not need may be a moment behind.
    """
    for number in NUMBERS:
        what = f"all {len(acknowledged)} acknowledged documents on member {number}"
        cluster.wait(partial(_holds, cluster, number, collection, acknowledged), what)


def _holds(cluster: Cluster, number: int, collection: str, acknowledged: set[int]) -> bool:
    with cluster.member(number) as member:
        return acknowledged <= {row["_id"] for row in member[DATABASE][collection].find({}, {"_id": 1})}


def refused(attempt: Callable[[], object]) -> None:
    """Assert that the server denies it."""
    try:
        attempt()
    except OperationFailure as error:
        assert error.code == _UNAUTHORIZED, error.code
        return
    raise AssertionError("the server allowed what it must not")


def command(cluster: Cluster, *arguments: str, uri: str = "") -> tuple[int, str, str]:
    """Run one of `forecast`'s commands; exit code, stdout, stderr."""
    environment = {**os.environ, **cluster.environment, **({"MONGODB_URI": uri} if uri else {})}
    code = "from forecast.cli.program import forecast; forecast()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=PATIENCE_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr
