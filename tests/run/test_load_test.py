"""`forecast load-test` from the database to the report, and the runs in its background."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.core.slo import Slos, read_slos
from forecast.mongo.client import ObservationCollection, connect
from forecast.report.models.load_test import Background
from forecast.report.write import as_data, check_shape
from forecast.run.background import background_runs
from forecast.run.load_test import LoadTestOptions, load_test
from forecast_demo import write_demo
from tests.mongo.test_queries import UNTIL, fill
from tests.slo import GENEROUS_MS, NO_MACHINE_MS, slo_file
from tests.waiting import wait_for_change

NOW = UNTIL + timedelta(hours=2)
FEW = LoadTestOptions((1, 2), requests=2)


@pytest.fixture
def settings(replica_set: str, mongo_database: str, tmp_path: Path) -> Settings:
    return Settings(
        mongodb_uri=replica_set, mongodb_database=mongo_database, mongodb_collection="weather", logs_dir=tmp_path
    )


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """To start one takes seconds, and tests/mongo/test_load.py has several."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


@contextmanager
def quiet(settings: Settings, collection: ObservationCollection) -> Iterator[Callable[[], Background]]:
    """No run at all."""
    yield lambda: Background(1, 2, None)


def slos(folder: Path, limit_ms: float) -> Slos:
    path = Path(slo_file(folder, limit_ms, clients="1"))
    return read_slos(path.read_bytes(), path.name)


@pytest.fixture
def filled(collection: ObservationCollection) -> None:
    collection.database.command({"collMod": collection.name, "validationLevel": "off"})
    fill(collection)


def test_every_number_of_clients_is_measured_in_every_way(settings: Settings, filled: None, tmp_path: Path) -> None:
    report, code = load_test(settings, slos(tmp_path, GENEROUS_MS), FEW, quiet, NOW)
    assert [(one.clients, one.loop, one.cache) for one in report.phases] == [
        (clients, loop, cache) for clients in (1, 2) for loop in ("closed", "open") for cache in ("cold", "warm")
    ]
    assert {query.answered for one in report.phases for query in one.queries.values()} == {2}
    assert [one.rate is None for one in report.phases] == [True, True, False, False] * 2
    assert {query.slo is None for one in report.phases[4:] for query in one.queries.values()} == {True}
    assert (code, report.slo.met, report.background) == (0, True, Background(1, 2, None))
    assert (report.until, report.freshness.age_hours) == ("2026-02-19T23:00:00Z", 2.0)
    check_shape(as_data(report), "load_test_report")


def test_a_missed_objective_is_exit_code_3(settings: Settings, filled: None, tmp_path: Path) -> None:
    options = LoadTestOptions((1,), requests=1, until=UNTIL - timedelta(days=2))
    report, code = load_test(settings, slos(tmp_path, NO_MACHINE_MS), options, quiet, NOW)
    assert (code, report.slo.met, report.until, report.freshness.met) == (3, False, "2026-02-17T23:00:00Z", None)
    assert [line.split(":")[0] for line in report.slo.missed if line.startswith("latest ")] == [
        f"latest (1 client, {loop} loop, {cache})"
        for loop in ("closed", "open")
        for cache in ("cold", "warm")
        for _ in ("p95", "p99")
    ]


def test_an_empty_database_meets_nothing(settings: Settings, tmp_path: Path) -> None:
    report, code = load_test(settings, slos(tmp_path, GENEROUS_MS), FEW, quiet, NOW)
    assert (code, report.slo.met, report.phases, report.plans) == (3, None, [], {})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (LoadTestOptions((1, 0)), "--clients is 0; expected 1 to 1000"),
        (LoadTestOptions((1001,)), "--clients is 1001"),
        (LoadTestOptions(requests=0), "--requests is 0; expected 1 or more"),
    ],
)
def test_wrong_options_are_named(options: LoadTestOptions, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=words):
        load_test(Settings(mongodb_uri="mongodb://127.0.0.1:1/"), slos(tmp_path, 1), options, quiet, NOW)


@pytest.mark.usefixtures("built_in_registry")
@pytest.mark.whole
def test_runs_in_the_background_load_into_collections_of_their_own_that_are_dropped(settings: Settings) -> None:
    with connect(settings) as collection:
        with background_runs(settings, collection, write_demo) as so_far:
            # The first run may have ended and the next one have begun on empty collections.
            scratch = collection.database["weather_load_test"]
            wait_for_change(scratch.database, lambda: scratch.find_one() is not None)
            there = set(collection.database.list_collection_names())
            assert so_far().failed is None
        assert so_far().documents > 0
        assert {name for name in there if not name.startswith("weather_load_test")} == set()
        assert collection.database.list_collection_names() == []


@pytest.mark.whole
def test_a_run_in_the_background_that_fails_says_why(settings: Settings) -> None:
    with connect(settings) as collection, background_runs(settings, collection, lambda folder: None) as so_far:
        found = so_far()
    assert (found.runs, found.documents) == (1, 0)
    assert found.failed is not None
    assert found.failed.startswith("exit code 2: ")


@pytest.mark.whole
def test_sigterm_ends_a_load_test_and_leaves_nothing(settings: Settings, filled: None, tmp_path: Path) -> None:
    code = "from forecast.cli.program import forecast; forecast()"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "MONGODB_URI": settings.require_mongodb_uri(),
        "MONGODB_DATABASE": settings.mongodb_database,
        "MONGODB_COLLECTION": settings.mongodb_collection,
        "LOGS_DIR": str(tmp_path / "logs"),
    }
    with connect(settings) as collection:
        scratch = collection.database["weather_load_test"]
        process = subprocess.Popen(
            [sys.executable, "-c", code, "load-test"],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_change(scratch.database, lambda: scratch.estimated_document_count() > 0, process)
        process.terminate()
        stdout, stderr = process.communicate()
        assert (process.returncode, stdout, stderr) == (1, "", "interrupted\n")
        assert [name for name in collection.database.list_collection_names() if "load_test" in name] == []
    assert not (tmp_path / "logs").exists()
