"""A run that ends before its time, at any moment: nothing is lost, nothing is written twice, no call goes uncounted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.core.stations import Station
from forecast.ingest import run as ingest_run
from forecast.ingest.result import Outcome
from forecast.ingest.transport import NO_HEADERS
from forecast.storage.documents import LocalDocuments
from forecast.storage.local import LocalStore
from forecast_demo.apis import Answer, FakeApis, World, serve
from forecast_demo.networks import infoclimat, wunderground
from tests.examples import for_every_change
from tests.ingest.apis import KEY, NOW, Ingest, InProcess

SINCE, YESTERDAY = "2026-11-26", "2026-11-27"
ROOT = Path(__file__).resolve().parents[2]


class KilledError(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Death:
    """Strikes at one of the writes of a run: before it, or after it and before anybody hears of it."""

    at: int
    after: bool
    writes: int = 0

    def around(self, write: Any) -> Any:
        self.writes += 1
        if self.writes == self.at and not self.after:
            raise KilledError
        done = write()
        if self.writes == self.at:
            raise KilledError
        return done


class MortalDocuments(LocalDocuments):
    def __init__(self, folder: Path, death: Death) -> None:
        super().__init__(folder, "INGEST_STATE_URI")
        self._death = death

    def write(self, name: str, content: bytes, replaces: str | None) -> str:
        # The lease is given back by a process that is only said to be gone.
        if name.endswith(".lease"):
            return super().write(name, content, replaces)
        return str(self._death.around(lambda: LocalDocuments.write(self, name, content, replaces)))


class MortalStore(LocalStore):
    def __init__(self, folder: Path, death: Death) -> None:
        super().__init__(folder, "RAW_URI")
        self._death = death

    def publish(self, source: Path | memoryview, key: str, metadata: Mapping[str, str] | None = None) -> None:
        self._death.around(lambda: LocalStore.publish(self, source, key, metadata))


@pytest.fixture
def _made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses are cached, because many runs get the same on the same clock, and simulating them takes longest."""
    for module, name in ((wunderground, "day_rows"), (infoclimat, "days")):
        monkeypatch.setattr(module, name, _remembered(getattr(module, name)))


def _remembered(make: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    made: dict[tuple[Any, ...], list[Any]] = {}

    def asked(world: World, station: Station, *when: Any) -> list[Any]:
        if (station.id, *when) not in made:
            made[station.id, *when] = make(world, station, *when)
        return made[station.id, *when]

    return asked


@pytest.mark.usefixtures("_made_once")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("source", [*for_every_change("wunderground"), "infoclimat"])
def test_a_run_that_is_killed_at_any_of_its_writes_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, after: bool
) -> None:
    deaths = 0
    for at in range(1, 100):
        ingest = Ingest(tmp_path / str(at))
        death = Death(at, after)
        with monkeypatch.context() as patched:
            patched.setattr(ingest_run, "open_store", lambda *_: MortalStore(ingest.raw, death))  # noqa: B023
            ingest.around.documents = MortalDocuments(ingest.folder / "raw.ingest", death)
            try:
                ingest.run(source, since=YESTERDAY)
            except KilledError:
                deaths += 1
        ingest.around.documents = None
        result = ingest.run(source, since=YESTERDAY)
        assert result.exit_code == 0
        records, newest = ingest.records(), ingest.newest()
        assert len(records) == len(set(records))
        assert newest == newest | _expected(ingest, source, YESTERDAY)
        if death.writes < at:
            break
    # A count for each call, what is about to appear, the object, what holds now.
    assert deaths == {"wunderground": 4, "infoclimat": 1}[source] + 3


def _expected(ingest: Ingest, source: str, since: str = SINCE) -> dict[tuple[str, str], dict[str, Any]]:
    names = {"wunderground": ("ITESTA19", "ITESTB25"), "infoclimat": ("00092", "07915")}[source]
    now, ingest.clock.time = ingest.clock.time, NOW.timestamp()
    try:
        rows = [ingest.expected(name, date.fromisoformat(since), date(2026, 11, 28)) for name in names]
    finally:
        ingest.clock.time = now
    return {key: row for of_station in rows for key, row in of_station.items()}


@pytest.mark.parametrize("calls", [1, *for_every_change(2, 5)])
def test_a_run_that_is_asked_to_end_keeps_what_it_has_read(tmp_path: Path, calls: int) -> None:
    ingest = Ingest(tmp_path)

    def stop(number: int) -> None:
        if number == calls:
            ingest.around.stop.set()

    ingest.around.transport = lambda _: InProcess(ingest.apis, stop)
    (source,) = ingest.run("wunderground", since=SINCE).sources
    assert (source.outcome, source.exit_code, source.calls) == (Outcome.INTERRUPTED, 1, calls)
    assert source.written == len(ingest.records()) > 0
    ingest.around.stop.clear()
    ingest.around.transport = lambda _: InProcess(ingest.apis)
    assert ingest.run("wunderground").exit_code == 0
    assert len(ingest.records()) == len(set(ingest.records()))
    assert ingest.newest() == ingest.newest() | _expected(ingest, "wunderground")


CHILD = """
import json, sys
from dataclasses import replace
from pathlib import Path
from forecast.core.settings import Settings
from forecast.core.registry import load_stations
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.run import run_ingest
from forecast.ingest.sources import FETCHES
from datetime import date
from tests.stations import use_own_registry

use_own_registry()

class Clock:
    def __init__(self, now): self.time = now
    def now(self): return self.time
    def wait(self, seconds): self.time += seconds

folder, url, key, now, since = sys.argv[1:]
settings = Settings(raw_uri=f"{folder}/raw").with_networks(WUNDERGROUND_API_KEY=key, WUNDERGROUND_API_URL=url)
around = Surroundings(clock=Clock(float(now)), fetches={"wunderground": replace(FETCHES["wunderground"], per_minute=2)})
result = run_ingest(settings, Request(("wunderground",), since=date.fromisoformat(since)), load_stations(), around)
print(result.exit_code)
"""


class DeadlyApis(FakeApis):
    """Kills the process that makes a certain call, a moment after it was answered."""

    def __init__(self, ingest: Ingest, seed: int) -> None:
        super().__init__(World(ingest.stations), NOW.timestamp, frozenset({KEY}), per_minute=10**6)
        chance = random.Random(seed)
        self.killing_call = chance.randint(1, 8)
        # Some deaths come while the answer is on its way, some while it is worked on or written.
        self.pause = chance.choice((0.0, chance.random() * 0.03))
        self.children: list[subprocess.Popen[str]] = []

    def answer(self, address: str, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        given = super().answer(address, headers)
        if len(self.calls) == self.killing_call:
            threading.Timer(self.pause, self.children[0].kill).start()
        return given


def kill_at_random(tmp_path: Path, seed: int) -> None:
    """Kill a process of its own at a random moment, run again, and count."""
    ingest = Ingest(tmp_path)
    apis = DeadlyApis(ingest, seed)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    with serve(apis) as url:
        arguments = [sys.executable, "-c", CHILD, str(tmp_path), url, KEY, str(NOW.timestamp()), SINCE]
        for _ in range(2):
            child = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
            apis.children.append(child)
            out, _ = child.communicate()
        assert apis.children[0].returncode in {-signal.SIGKILL, 0}
        assert (child.returncode, out) == (0, "0\n")
    assert len(ingest.records()) == len(set(ingest.records()))
    assert ingest.newest() == _expected(ingest, "wunderground")
    (ledger,) = (tmp_path / "raw.ingest").glob("quota-*.json")
    counted = sum(json.loads(ledger.read_text())["calls"].values())
    assert len(apis.calls) <= counted <= len(apis.calls) + 1


@pytest.mark.whole
@pytest.mark.parametrize("seed", range(3))
def test_a_process_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    kill_at_random(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 50))
def test_a_process_that_is_killed_at_random_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    kill_at_random(tmp_path, seed)
