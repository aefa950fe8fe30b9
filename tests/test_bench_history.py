"""The benchmark of history: its raw zone is listed as S3 lists one, its past is what nights would have left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from bench import history
from bench.raw_zone import URI, RawZone, old_keys, served
from forecast.storage import s3
from forecast.storage.s3 import S3Store

END = datetime(2026, 1, 1, tzinfo=UTC)
FIGURES = """\
a day of 10 stations beside more and more objects of the raw zone
  every key of the least 2.04 s CPU, 0.25 s of the server, 270 MB, 2 pages of the list
  1,000 objects 2.02 s CPU, 0.25 s of the server, 270 MB, 1 pages of the list
  10,000 objects 2.02 s CPU, 0.25 s of the server, 270 MB, 1 pages of the list
  where every key is listed 2.22 s CPU, 0.25 s of the server, 270 MB, 11 pages of the list
  ratio 1.00 at most 1.2 (1.00 1.00 1.00)
  1,000 objects 2.02 s CPU, 0.25 s of the server, 270 MB, 1 pages of the list
  100,000 objects 2.02 s CPU, 0.25 s of the server, 270 MB, 1 pages of the list
  where every key is listed 4.02 s CPU, 0.25 s of the server, 270 MB, 101 pages of the list
  ratio 1.00 at most 1.2 (1.00 1.00 1.00)
  from 1,000 to 10,000 0.02 ms CPU a further object
  from 10,000 to 100,000 0.02 ms CPU a further object
  memory flat where every key is listed: at most 1.2 times the least
"""


@pytest.fixture
def zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawZone]:
    """5 000 old objects of two stations, and a file of each."""
    for name in ("A", "B"):
        folder = tmp_path / "wunderground" / name
        folder.mkdir(parents=True)
        (folder / "2026_01_02_1767322800000_0.jsonl").write_bytes(name.encode())
    made = RawZone(old_keys(["A", "B"], 5_000, 100, END), tmp_path)
    with served(made) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        s3._session.cache_clear()
        yield made


@pytest.mark.whole
def test_old_objects_and_files_are_listed_in_the_order_of_their_keys(zone: RawZone) -> None:
    listed = [raw.key for raw in S3Store(URI).list()]
    assert listed == sorted(listed)
    assert len(set(listed)) == 5_002
    assert len(zone.requests) == 6


def test_few_keys_between_two_keys_are_requested(zone: RawZone) -> None:
    """The file of station A is between the old objects of both."""
    last, first = zone.old[2_499], zone.old[2_500]
    assert [raw.size for raw in S3Store(URI).list(after=last, before=first)] == [1]
    assert [int(size) for path in zone.requests for size in re.findall(r"max-keys=(\d+)", path)] == [100]
    zone.requests.clear()
    assert len(list(S3Store(URI).list(before=zone.old[400]))) == 400
    assert [int(size) for path in zone.requests for size in re.findall(r"max-keys=(\d+)", path)] == [100, 200, 400]


@pytest.mark.whole
def test_a_file_is_read(zone: RawZone, tmp_path: Path) -> None:
    store = S3Store(URI)
    (listed,) = store.list(after=zone.old[-1])
    store.fetch(listed, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"B"


@dataclass
class MadeUp:
    """A world in which a night costs 2 s of CPU, and 20 ms more for each page of the list; the first lists every key.

    Beside the most objects, a night costs so many times more.
    """

    past: history.Past
    dearest: float
    nights: int = 0

    def night(self) -> history.Night:
        self.nights += 1
        pages = 1 + self.past.objects // 1_000 if self.nights == 1 else 1
        dearer = self.dearest if self.nights > 1 and self.past.objects == 100_000 else 1
        return history.Night((2 + 0.02 * pages) * dearer, 0.25 * dearer, 270, pages, 2_880)


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], bool]:
    """The curve up to 100 000 objects, where a night with the most objects costs a multiple of one with few."""

    def curve(dearest: float) -> bool:
        @contextmanager
        def world(_uri: str, _folder: Path, *past: int) -> Iterator[MadeUp]:
            yield MadeUp(history.Past(*past), dearest)

        monkeypatch.setattr(history, "world", world)
        return history.objects("mongodb://nowhere", tmp_path, 100_000)

    return curve


def test_the_benchmark_tells_what_a_night_costs_beside_old_objects(
    objects: Callable[[float], bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert objects(1)
    printed = re.sub(r" +", " ", capsys.readouterr().out)
    assert printed == re.sub(r" +", " ", FIGURES)


@pytest.mark.parametrize(("dearest", "held"), [(1.19, True), (1.21, False)])
def test_the_benchmark_fails_if_history_makes_nights_slower(
    objects: Callable[[float], bool], dearest: float, held: bool
) -> None:
    assert objects(dearest) is held


def test_a_curve_has_ten_times_more_at_each_point_up_to_the_most() -> None:
    assert history.grown(20_000, 5_000_000) == [20_000, 200_000, 2_000_000, 5_000_000]
    assert history.grown(1_000, 100_000) == [1_000, 10_000, 100_000]


@pytest.mark.whole
def test_the_past_is_of_the_days_before(replica_set: str, tmp_path: Path) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(replica_set)
    with client, history.world(replica_set, tmp_path / "world", 9_000, 180) as made:
        names = ("", "_days", "_objects", "_runs")
        counts = [client[made.folder.name][f"weather_measurements{name}"].count_documents({}) for name in names]
        night = made.night()
    # Three days of ten stations, and an object of each station on the last day.
    assert counts == [8_640, 30, 180 + 10, 3]
    assert (night.rows, night.pages) == (2_880, 1)
