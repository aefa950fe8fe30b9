"""The clients of a load test: real processes of locust on a real server."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from forecast.core.errors import RetryableError, SettingError
from forecast.mongo.client import ObservationCollection
from forecast.mongo.probes import load
from forecast.mongo.probes.load import Clients, Conditions, Setup, Timed, load_clients, merged
from forecast.mongo.probes.queries import QUERIES, StationSpan, station_spans
from tests.mongo.test_queries import START, UNTIL, fill

NOBODY = "mongodb://ann:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=50"


@pytest.fixture
def setup(collection: ObservationCollection, replica_set: str) -> Setup:
    collection.database.command({"collMod": collection.name, "validationLevel": "off"})
    fill(collection)
    return Setup(replica_set, collection.database.name, collection.name, station_spans(collection, None, 1), UNTIL)


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def numbers(timed: Timed) -> dict[str, int]:
    return {name: len(times) for name, times in timed.times_ms.items()}


def test_every_client_sends_all_of_its_queries_in_every_phase(setup: Setup) -> None:
    with load_clients(setup) as clients:
        for conditions in (
            Conditions(1, "closed", "cold", None),
            Conditions(3, "closed", "warm", None),
            Conditions(3, "open", "warm", 1000.0),
        ):
            timed = clients.phase(conditions, 2 * len(QUERIES), seed=1)
            assert numbers(timed) == dict.fromkeys(QUERIES, 2 * conditions.clients)
            assert timed.errors == {}
            assert timed.rows["latest"] == timed.rows["last_hour"] == 4 * conditions.clients
            assert timed.rows["station_day"] == 48 * conditions.clients
            assert timed.seconds > 0
            assert timed.cpu_seconds > 0
        assert {process.poll() for process in clients._processes} == {None}
    assert None not in {process.returncode for process in clients._processes}


@pytest.mark.usefixtures("one_process")
def test_an_open_loop_counts_from_when_a_query_was_due(setup: Setup) -> None:
    """Nobody answers 5000 queries a second with one client: the last was due long before it could be sent."""
    with load_clients(setup) as clients:
        timed = clients.phase(Conditions(1, "open", "warm", 5000.0), 40 * len(QUERIES), seed=1)
    waited = [time for times in timed.times_ms.values() for time in times]
    assert sum(waited) > 2 * timed.seconds * 1000


@pytest.mark.usefixtures("one_process", "mongod_binary")
def test_queries_without_an_answer_are_counted_in_words_without_a_secret() -> None:
    span = StationSpan("07915", START, UNTIL)
    with load_clients(Setup(NOBODY, "d", "c", [span], UNTIL)) as clients:
        timed = clients.phase(Conditions(2, "closed", "cold", None), len(QUERIES), seed=1)
    assert (timed.times_ms, timed.rows) == ({}, {})
    assert {name: sum(found.values()) for name, found in timed.errors.items()} == dict.fromkeys(QUERIES, 2)
    (words,) = {words for found in timed.errors.values() for words in found}
    assert "a query of the load test" in words
    assert "hunter2" not in words


@pytest.mark.usefixtures("one_process")
def test_a_process_that_ends_by_itself_is_an_error(setup: Setup) -> None:
    with load_clients(setup) as clients:
        clients._processes[0].kill()
        with pytest.raises(RetryableError, match="a client process of the load test exited unexpectedly with code -9"):
            clients.phase(Conditions(1, "closed", "cold", None), 5, seed=1)


@pytest.mark.usefixtures("one_process")
def test_a_fault_of_the_program_in_a_client_ends_the_test_with_its_trace(
    setup: Setup, capfd: pytest.CaptureFixture[str]
) -> None:
    setup.spans = []
    with load_clients(setup) as clients, pytest.raises(RetryableError, match="exited unexpectedly with code 1"):
        clients.phase(Conditions(1, "closed", "cold", None), 5, seed=1)
    assert "IndexError" in capfd.readouterr().err


def test_without_locust_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    nothing = Setup("", "", "", [], UNTIL)
    words = r"needs locust, .*poetry install --extras load-test"
    with pytest.raises(SettingError, match=words), load_clients(nothing):
        pass


def test_clients_are_shared_between_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[object, object]] = []
    monkeypatch.setattr(load, "_send", lambda process, message: sent.append((process, message)))
    monkeypatch.setattr(load, "_write", lambda process, line: None)
    empty = Timed({}, {}, {}, 1.0, 0.0, None)
    monkeypatch.setattr(load, "_received", lambda process, of: empty)
    clients = Clients(Setup("", "", "", [], UNTIL), ["a", "b", "c"])  # type: ignore[list-item]
    del sent[:]
    clients.phase(Conditions(8, "closed", "cold", None), 5, seed=1)
    assert [(process, part.first, part.number) for process, part in sent] == [("a", 0, 3), ("b", 3, 3), ("c", 6, 2)]  # type: ignore[attr-defined]
    del sent[:]
    clients.phase(Conditions(1, "closed", "cold", None), 5, seed=1)
    assert [(process, part.first, part.number) for process, part in sent] == [("a", 0, 1)]  # type: ignore[attr-defined]


def test_concurrent_measurements_of_processes_are_merged() -> None:
    one = Timed({"latest": [1.0]}, {"latest": 2}, {"latest": {"lost": 1}}, 2.0, 0.5, 0.25)
    other = Timed(
        {"latest": [3.0], "last_hour": [4.0]}, {"latest": 3}, {"latest": {"lost": 2, "slow": 1}}, 1.0, 0.25, None
    )
    assert merged([one, other]) == Timed(
        {"latest": [1.0, 3.0], "last_hour": [4.0]}, {"latest": 5}, {"latest": {"lost": 3, "slow": 1}}, 2.0, 0.75, 0.25
    )


@pytest.mark.whole
def test_the_standard_library_is_cooperative_before_the_driver_is_imported() -> None:
    """Or clients would wait for each other."""
    code = "import sys, forecast.mongo.probes.clients; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert modules.index("locust") < modules.index("pymongo")
