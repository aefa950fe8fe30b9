"""Pace and quota of a key, over runs and others."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.ingest.faults import QuotaReachedError
from forecast.ingest.pace import Pace
from forecast.ingest.result import Outcome
from forecast.ingest.secret import Key
from forecast.networks.wunderground.fetch import FETCH
from forecast.storage.documents import Document, DocumentChangedError, LocalDocuments
from tests.ingest.apis import NOW, FakeClock, Ingest


@dataclass(slots=True)
class InMemory:
    """Documents of a place that is quick."""

    uri: str = "memory/"
    kept: dict[str, tuple[bytes, int]] = field(default_factory=dict)

    def read(self, name: str) -> Document | None:
        found = self.kept.get(name)
        return None if found is None else Document(found[0], str(found[1]), 0.0)

    def write(self, name: str, content: bytes, replaces: str | None) -> str:
        there = self.kept.get(name)
        if (None if there is None else str(there[1])) != replaces:
            raise DocumentChangedError("changed")
        self.kept[name] = (content, (there[1] if there else 0) + 1)
        return str(self.kept[name][1])


def most_within(times: list[float], seconds: float) -> int:
    """The most calls in any half-open stretch of so many seconds."""
    start = most = 0
    for end, time in enumerate(times):
        while times[start] <= time - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


@pytest.mark.whole
def test_two_runs_with_two_keys_never_exceed_a_quota_in_72_hours() -> None:
    documents, clock = InMemory(), FakeClock(NOW.timestamp())
    calls: dict[str, list[float]] = {"one": [], "other": []}
    ends: Counter[str] = Counter()
    while clock.time < NOW.timestamp() + 72 * 3600:
        idle = True
        for name, times in calls.items():
            for other in (Pace(FETCH, Key(f"key {name}"), documents, clock) for _ in range(2)):
                try:
                    other.take()
                except QuotaReachedError:
                    ends[name] += 1
                else:
                    times.append(clock.time)
                    idle = False
        clock.time += 600 if idle else 0
    for name, times in calls.items():
        assert len(times) == 3 * 1_500
        assert most_within(times, 60) <= 30
        assert most_within(times, 86_400) == 1_500
        assert ends[name] > 0


def test_concurrent_writers_at_the_same_instant_never_take_the_same_call(tmp_path: Path) -> None:
    clock = FakeClock(NOW.timestamp())
    taken: list[float] = []

    class Noting(FakeClock):
        def wait(self, seconds: float) -> None:
            taken.append(self.time + seconds)

    def other() -> None:
        pace = Pace(FETCH, Key("a key"), LocalDocuments(tmp_path, "INGEST_STATE_URI"), Noting(clock.time))
        for _ in range(20):
            pace.take()

    threads = [threading.Thread(target=other) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The first goes at once and waits for nothing.
    assert sorted(round(moment - clock.time) for moment in taken) == [2 * number for number in range(1, 80)]


@pytest.mark.whole
def test_the_end_of_the_quota_is_a_clean_end_that_the_next_run_goes_on_from(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    ingest.around.fetches = {"wunderground": replace(FETCH, per_day=10)}
    first = ingest.run("wunderground", since="2026-11-20")
    (source,) = first.sources
    assert (first.exit_code, source.outcome, source.calls, source.quota_left) == (0, Outcome.QUOTA_REACHED, 10, 0)
    assert source.fault is not None
    assert "the next run continues where this one ended, from 2026-11-29T16:03:00Z on" in source.fault
    assert sum(station.days_left for station in source.stations.values()) == 8
    ended = sorted(ingest.records())
    assert len(ended) == len(set(ended)) > 0
    again = ingest.run("wunderground")
    assert (again.sources[0].calls, again.sources[0].outcome) == (0, Outcome.QUOTA_REACHED)
    for _ in range(4):
        ingest.clock.time += 86_460
        last = ingest.run("wunderground")
    assert last.sources[0].outcome is Outcome.SUCCESS
    assert len(ingest.records()) == len(set(ingest.records()))
    days = {datetime.fromtimestamp(int(epoch), UTC).date() for _, epoch in ingest.records()}
    assert len(days) == 14
    assert ingest.apis.over_quota == 0


def test_the_rate_limit_holds_across_runs(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    for _ in range(3):
        ingest.run("wunderground", since="2026-11-28", stations=("ITESTB25",))
    times = [time for time, *_ in ingest.apis.calls]
    assert [round(later - sooner, 3) for sooner, later in pairwise(times)] == [2.0, 2.0]


def test_an_unreadable_count_of_calls_is_not_taken_as_zero(tmp_path: Path) -> None:
    pace = Pace(FETCH, Key("a key"), LocalDocuments(tmp_path, "INGEST_STATE_URI"), FakeClock(0))
    (tmp_path / pace.name).write_text("{}")
    with pytest.raises(SettingError, match="was not written by this program"):
        pace.take()
