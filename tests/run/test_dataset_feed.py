"""What the checks have read goes into the dataset at once; whatever does not is read from the database at the end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import RetryableError
from forecast.core.raw_objects import RawObject
from forecast.core.stations import Stations
from forecast.mongo import observation_reader, qc_update
from forecast.mongo.client import ObservationCollection
from forecast.mongo.loader import load
from forecast.mongo.qc_queue import PendingQc, pending_dataset
from forecast.mongo.qc_update import evaluate_pending
from forecast.qc import station_groups, windows
from forecast.report.models.migration import DatasetComparison
from forecast.run import dataset, dataset_feed
from forecast.run.dataset import DatasetCounts, DatasetWriter
from forecast.run.dataset_feed import DatasetFeed
from forecast.storage import LocalStore
from forecast.zone import hourly
from forecast.zone.dataset import readable
from tests.networks import CELLS, START, five, network, observation, records, station
from tests.run.test_dataset import Killed, World, assert_the_dataset_is_the_database, killed_after

DAY = 24 * 60
Row = dict[str, Any]


class FedWorld(World):
    """Loads, checks and writes as a run does."""

    def run(
        self,
        *rows: Row,
        reflagged: Sequence[tuple[str, int]] = (),
        meanwhile: Callable[[], None] = lambda: None,
    ) -> DatasetCounts:
        """When the checks are through, the flags of `reflagged` are about to change, and `meanwhile` happens."""
        self.runs += 1
        run_id = f"run {self.runs}"
        pending_qc = PendingQc.for_collection(self.collection, run_id)
        load(records(rows, self.stations, self.folder), self.collection, pending_qc)
        writer = DatasetWriter(self.store, self.collection, self.stations, run_id, self.folder)
        with DatasetFeed(writer) as feed:
            evaluate_pending(pending_qc, self.collection, self.stations, sink=feed)
            feed.flags_change(reflagged)
        meanwhile()
        return writer.write()


@pytest.fixture
def world(collection: ObservationCollection, tmp_path: Path) -> FedWorld:
    (tmp_path / "zone").mkdir()
    (tmp_path / "work").mkdir()
    return FedWorld(collection, LocalStore(tmp_path / "zone"), tmp_path / "work", five(interval_minutes=5))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The days that are read from the database for the dataset."""
    days: list[str] = []
    real = observation_reader.read_observations

    def reading(collection: ObservationCollection, stations: Any, since: Any, until: Any) -> Any:
        days.append(f"{since:%m-%d}")
        return real(collection, stations, since, until)

    monkeypatch.setattr(dataset, "read_observations", reading)
    return days


def row(minute: int, value: float | None, name: str = "A", **more: Any) -> Row:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value, **more)


def mixed() -> list[Row]:
    """A spike, a calm, rain, source flags, a missing value, one that nothing is compared with; on two days."""
    rows = [row(5 * at, 12 + at % 3 / 10, precipitation_counter=at / 10) for at in range(10)]
    rows += [row(50, 18.9), row(55, 12.2, wind_speed=0.0, wind_from_direction=90.0)]
    rows += [row(60, None, relative_humidity=55.0), row(0, 11.5, "B", source_flags='{"air_temperature": 1}')]
    return [*rows, *(row(DAY + 5 * at, 11.0, name) for at in range(4) for name in "BC"), row(5 * DAY, 99.0, "D")]


def test_what_was_checked_is_written_without_being_read_again(world: FedWorld, read: list[str]) -> None:
    counts = world.run(*mixed())
    assert (counts.files, counts.rows) == (3, 23)
    assert read == []
    assert_the_dataset_is_the_database(world)
    assert world.write() == DatasetCounts()


def test_days_are_written_in_groups_of_about_equally_many_rows(
    world: FedWorld, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of many rows is a group of its own; days with other columns may be in one group."""
    monkeypatch.setattr(qc_update, "_ROWS_HANDED_ON", 10)
    monkeypatch.setattr(dataset, "_ROWS_OF_HOURS", 10)
    groups: list[tuple[int, int]] = []
    take = DatasetFeed.take

    def taken(feed: DatasetFeed, days: Any, observations: Any) -> None:
        groups.append((len(set().union(*days.values())), observations.num_rows))
        take(feed, days, observations)

    monkeypatch.setattr(DatasetFeed, "take", taken)
    rows = [row(5 * at, 12.0) for at in range(12)]
    rows += [row(day * DAY + 5 * at, 12.0, name) for day in (1, 2, 3) for name in "AB" for at in range(2)]
    rows += [row(4 * DAY, None, relative_humidity=55.0)]
    counts = world.run(*rows)
    assert groups == [(1, 12), (2, 8), (2, 5)]
    assert (counts.files, counts.rows, read) == (5, 25, [])
    assert_the_dataset_is_the_database(world)


def test_a_later_run_writes_the_day_that_it_adds_to(world: FedWorld, read: list[str]) -> None:
    world.run(*mixed())
    before = world.versions()
    assert world.run(row(DAY + 20, 11.1, "A")) == DatasetCounts(station_days=1, files=1, rows=9)
    changed = {key for key, etag in world.versions().items() if before.get(key) != etag}
    assert changed == {"current/day=2024-10-02/part-0-of-1.parquet", "current/_dataset.json"}
    assert read == []
    assert_the_dataset_is_the_database(world)


def test_hours_of_the_day_before_are_only_touched_if_midnight_changed(
    world: FedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    real = readable

    def reading(listed: RawObject, *more: Any, **others: Any) -> Any:
        touched.append(listed.key.partition("/part")[0])
        return real(listed, *more, **others)

    monkeypatch.setattr(hourly, "readable", reading)
    minutes = range(DAY - 45, DAY + 5, 5)
    world.run(*(row(minute, 12.0 + minute % 20 / 50, name) for minute in minutes for name in "AB"))
    touched.clear()
    world.run(row(DAY + 5, 12.1))
    assert touched == []
    world.run(row(DAY, 12.3, generation_id=1), row(DAY + 10, 12.1))
    assert {"current/day=2024-10-01", "hourly/day=2024-10-01"} <= set(touched)
    assert world.compared_hours() == (3, 0)


def test_a_day_on_which_only_flags_changed_is_read_at_the_end(world: FedWorld, read: list[str]) -> None:
    """18.9 °C is a jump while it is the last of its day, and a spike when the next day begins with 12.2 °C."""
    world.run(row(1430, 12.1), row(1435, 18.9))
    assert world.run(row(1440, 12.2)).files == 2
    assert read == ["10-01"]
    assert_the_dataset_is_the_database(world)


def apart() -> Stations:
    """A and B are no neighbours: they are checked one after the other."""
    return network(station("A", interval_minutes=5), station("B", 900, interval_minutes=5))


def test_a_day_of_stations_that_are_checked_apart_is_written_once(world: FedWorld, read: list[str]) -> None:
    world.stations = apart()
    counts = world.run(*(row(day * DAY, 12.0, name) for name in "AB" for day in range(3)))
    assert counts == DatasetCounts(station_days=6, files=3, rows=6)
    assert read == []
    assert_the_dataset_is_the_database(world)


def test_days_beyond_the_queue_limit_are_read_at_the_end(
    world: FedWorld, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_feed, "_MAX_WAITING_ROWS", 2)
    monkeypatch.setattr(station_groups, "_MIN_STATIONS", 1)
    monkeypatch.setattr(station_groups, "_MAX_STATIONS", 1)
    world.stations = apart()
    counts = world.run(*(row(day * DAY, 12.0, name) for name in "AB" for day in range(3)))
    assert counts == DatasetCounts(station_days=6, files=3, rows=6)
    assert read == ["10-01"]
    assert_the_dataset_is_the_database(world)


def test_beyond_the_limit_of_days_in_progress_the_checks_wait_for_the_writer(
    world: FedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day of many rows, which would otherwise be in memory together with the columns of the next window."""
    monkeypatch.setattr(dataset_feed, "_MAX_ROWS_WRITING", 3)
    written: list[int] = []

    class Feed(DatasetFeed):
        def take(self, days: Any, observations: Any) -> None:
            super().take(days, observations)
            written.append(sum("/day=" in key for key in world.versions()))

    monkeypatch.setattr(sys.modules[__name__], "DatasetFeed", Feed)
    monkeypatch.setattr(windows, "_CELLS_AT_ONCE", 8 * CELLS)
    world.run(*(row(day * DAY + minute, 12.0) for day in range(0, 40, 20) for minute in range(4)))
    assert written == [1, 2]
    assert_the_dataset_is_the_database(world)


def test_days_that_are_checked_in_pieces_are_all_there(world: FedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_CELLS_AT_ONCE", 30 * CELLS)
    rows = [row(hour * 60, 12.0, name) for name in "ABC" for hour in range(10 * 24)]
    assert world.run(*rows) == DatasetCounts(station_days=30, files=10, rows=720)
    assert_the_dataset_is_the_database(world)


def test_days_that_another_run_queued_meanwhile_are_read_again(world: FedWorld, read: list[str]) -> None:
    def rival() -> None:
        pending_dataset(world.collection, "rival").enqueue([("A", 19_997)])
        world.collection.update_one({"_id": "A@2024-10-01T00:00:00Z"}, {"$set": {"measurements.air_temperature": 12.2}})

    world.run(row(0, 12.0), row(DAY, 12.0), meanwhile=rival)
    assert read == ["10-01"]
    assert_the_dataset_is_the_database(world)


def test_a_day_whose_flags_change_after_it_was_written_is_read_again(world: FedWorld, read: list[str]) -> None:
    """As when a rival writes between two blocks that have stations in common."""

    def change() -> None:
        world.collection.update_one({"_id": "A@2024-10-01T00:00:00Z"}, {"$set": {"data_quality.flag": 4}})

    world.run(row(0, 12.0), row(DAY, 12.0), reflagged=[("A", 19_997)], meanwhile=change)
    assert read == ["10-01"]
    assert_the_dataset_is_the_database(world)


def test_where_the_zone_fails_the_checks_go_on_and_the_end_writes(
    world: FedWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, fails = LocalStore.publish, [True]

    def publish(store: LocalStore, source: Path | memoryview, key: str) -> None:
        if "day=2024-10-01" in key and fails:
            fails.clear()
            raise RetryableError("the disk is gone")
        real(store, source, key)

    monkeypatch.setattr(LocalStore, "publish", publish)
    with caplog.at_level(logging.INFO):
        world.run(*mixed())
    assert "the dataset waits for the end of the checks: the disk is gone" in caplog.text
    assert_the_dataset_is_the_database(world)


def test_a_dataset_of_another_collection_is_gone_before_the_first_day_is_written(world: FedWorld) -> None:
    strange = Path(world.store.uri) / "current" / "day=2024-10-01" / "part-0-of-1.parquet"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"of another database")
    world.run(*mixed())
    assert_the_dataset_is_the_database(world)


def test_a_run_that_is_killed_at_any_step_leaves_the_rest_to_the_next(world: FedWorld) -> None:
    step = ended = 0
    world.run(row(0, 12.0))
    while not ended:
        step += 1
        with pytest.MonkeyPatch.context() as patch:
            killed_after(step, patch)
            try:
                # Both days change, and so does a flag on the first.
                world.run(
                    row(1435, 18.9 + step / 100, generation_id=step), row(DAY, 12.0 + step / 100, generation_id=step)
                )
                ended = 1
            except Killed:
                pass
        world.run()
        assert world.compared() == DatasetComparison(True, world.collection.estimated_document_count())
        assert world.compared_hours()[1] == 0
    assert step > 12
