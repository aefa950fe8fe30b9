"""The dataset holds what the database holds, each observation once, whatever happened to the run that wrote it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest

from forecast.core.errors import InterruptedRunError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.dataset_state import DatasetState
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingDays, PendingQc, pending_dataset
from forecast.mongo.qc_update import evaluate_pending
from forecast.report.models.migration import DatasetComparison
from forecast.run.dataset import DatasetCounts, DatasetWriter
from forecast.run.dataset_check import compare_dataset
from forecast.storage import LocalStore, Store
from forecast.storage.s3 import S3Store
from forecast.zone import dataset as layout
from tests.networks import START, five, observation, records

STATIONS = five(interval_minutes=5)
FILES = "current/day=2024-10-{:02}/part-0-of-1.parquet"
Row = dict[str, Any]


@dataclass
class World:
    """A collection and a zone."""

    collection: ObservationCollection
    store: Store
    folder: Path
    stations: Stations = field(default_factory=lambda: STATIONS)
    runs: int = 0

    def load(self, *rows: Row) -> None:
        """Load and check, as a run does."""
        pending_qc = PendingQc.for_collection(self.collection, f"run {self.runs}")
        load(records(rows, self.stations, self.folder), self.collection, pending_qc)
        evaluate_pending(pending_qc, self.collection, self.stations)

    def write(self, store: Store | None = None, check_stop: Callable[[], None] = lambda: None) -> DatasetCounts:
        self.runs += 1
        zone, run = store or self.store, f"run {self.runs}"
        return DatasetWriter(zone, self.collection, self.stations, run, self.folder, check_stop).write()

    def versions(self) -> dict[str, str]:
        return {listed.key: listed.etag for listed in self.store.list("current/")}

    def compared(self) -> DatasetComparison:
        """What comparing finds, without the hours."""
        return msgspec.structs.replace(self._compared(), hours_checked=0, hours_differing=0)

    def compared_hours(self) -> tuple[int, int]:
        """How many hours were compared, and how many differ."""
        found = self._compared()
        return found.hours_checked, found.hours_differing

    def _compared(self) -> DatasetComparison:
        return compare_dataset(self.store, self.collection, self.stations, self.folder)

    def copies(self) -> Path:
        """The dataset's files on this machine."""
        copies = self.folder / "copies"
        shutil.rmtree(copies, ignore_errors=True)
        for listed in self.store.list("current/"):
            target = copies / listed.key
            target.parent.mkdir(parents=True, exist_ok=True)
            self.store.fetch(listed, target)
        return copies


@pytest.fixture
def local(collection: ObservationCollection, tmp_path: Path) -> World:
    (tmp_path / "zone").mkdir()
    (tmp_path / "work").mkdir()
    return World(collection, LocalStore(tmp_path / "zone"), tmp_path / "work")


@pytest.fixture
def on_s3(collection: ObservationCollection, s3_bucket: str, tmp_path: Path) -> World:
    return World(collection, S3Store(f"s3://{s3_bucket}/processed/"), tmp_path)


@pytest.fixture(params=["local", "on_s3"])
def world(request: pytest.FixtureRequest, collection: ObservationCollection) -> World:
    """Both kinds on the same collection, which also tells these tests' tier."""
    made: World = request.getfixturevalue(request.param)
    return made


def row(minute: int, value: float | None, name: str = "A", **more: Any) -> Row:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value, **more)


def expected(document: Row) -> Row:
    """What the dataset is to say of a document."""
    quality, metadata = document["data_quality"], document["metadata"]
    longitude, latitude = document["station"]["location"]["coordinates"]
    said: Row = {
        "station_id": document["station"]["id"],
        "timestamp": document["timestamp"],
        "station_name": document["station"]["name"],
        "station_network": document["station"]["network"],
        "latitude": latitude,
        "longitude": longitude,
        "elevation": document["station"]["elevation"],
        "flag": quality["flag"],
        **{name: quality[name] for name in ("completeness_score", "qc_version")},
        **{name: metadata[name] for name in ("source_uri", "source_row", "extracted_at")},
        **{name: metadata[name] for name in ("run_id", "ingested_at", "pipeline_version")},
    }
    for name in PARAMETER_NAMES:
        value = document["measurements"].get(name)
        flagged = quality["flags"].get(name, {}).get("flag")
        unflagged = 2 if quality["flag"] == 2 or (name == "wind_from_direction" and is_calm(document)) else 1
        said |= {name: value, f"{name}_flag": 9 if value is None else flagged or unflagged}
    return said


def is_calm(document: Row) -> bool:
    measured = document["measurements"]
    return bool(measured.get("wind_speed") == 0 and measured.get("wind_speed_of_gust", 0) == 0)


def assert_the_dataset_is_the_database(world: World) -> None:
    """By DuckDB and the driver, without anything of the program's own."""
    copies = world.copies()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(f"SELECT * FROM read_parquet('{copies}/current/**/*.parquet')").to_arrow_table()
    rows = {(one["station_id"], one["timestamp"]): one for one in found.to_pylist()}
    assert len(rows) == found.num_rows
    documents = {(one["station"]["id"], one["timestamp"]): expected(one) for one in world.collection.find()}
    assert rows.keys() == documents.keys()
    for key, said in documents.items():
        assert {name: rows[key][name] for name in said} == said
        assert rows[key].keys() - said.keys() <= {"day"}
    assert world.compared() == DatasetComparison(True, len(documents), 0, 0)
    assert world.compared_hours() == (len({(name, -(-at.timestamp() // 3600)) for name, at in documents}), 0)


def test_each_observation_stands_once_with_the_flags_of_the_database(world: World) -> None:
    """Two deliveries of one observation, a value without anything to be compared with, and one flagged by others."""
    world.load(row(0, 12.0), row(5, 12.1), row(10, 18.9), row(24 * 60, 11.0), row(0, None, "B", wind_speed=1.0))
    world.load(row(0, 12.5, generation_id=1), row(15, 12.2), row(3 * 24 * 60, 99.0, "C"))
    assert world.write() == DatasetCounts(station_days=4, files=3, rows=7)
    assert_the_dataset_is_the_database(world)
    values = pq.read_table(world.copies() / FILES.format(1)).to_pylist()
    flagged = [(f"{one['timestamp']:%H:%M}", one["air_temperature"], one["air_temperature_flag"]) for one in values[:4]]
    assert flagged == [("00:00", 12.5, 1), ("00:05", 12.1, 1), ("00:10", 18.9, 4), ("00:15", 12.2, 1)]


def test_a_direction_at_calm_is_not_evaluated_and_one_in_a_gust_is(world: World) -> None:
    """No gust was measured, none moved the vane, one did, and a direction of 0 in a wind is the code of none."""
    winds = [(0.0, None, 90.0), (0.0, 0.0, 90.0), (0.0, 2.5, 90.0), (1.5, 2.5, 0.0), (1.5, None, 90.0)]
    for at, (speed, gust, direction) in enumerate(winds):
        world.load(row(5 * at, 12.0, wind_speed=speed, wind_from_direction=direction, wind_speed_of_gust=gust))
    world.write()
    assert_the_dataset_is_the_database(world)
    found = pq.read_table(world.copies() / FILES.format(1)).to_pylist()
    assert [one["wind_from_direction_flag"] for one in found] == [2, 2, 1, 3, 1]
    assert [one["wind_from_direction"] for one in found] == [90.0, 90.0, 90.0, 0.0, 90.0]


def test_only_the_days_that_changed_are_written_again(local: World) -> None:
    local.load(row(0, 12.0), row(24 * 60, 12.1), row(0, 11.0, "B"), row(2 * 24 * 60, 11.0, "B"))
    local.write()
    before = local.versions()
    local.load(row(24 * 60 + 5, 12.2))
    assert local.write() == DatasetCounts(station_days=1, files=1, rows=2)
    after = local.versions()
    changed = {key for key in after if before.get(key) != after[key]}
    assert changed == {FILES.format(2), "current/_dataset.json"}
    assert_the_dataset_is_the_database(local)


def test_a_flag_that_a_later_day_changes_is_changed_in_the_earlier_day_too(local: World) -> None:
    """18.9 °C is a jump while it is the last of its day, and a spike when the next day begins with 12.2 °C."""
    local.load(row(1430, 12.1), row(1435, 18.9))
    local.write()
    assert pq.read_table(local.copies() / FILES.format(1))["air_temperature_flag"].to_pylist() == [1, 3]
    local.load(row(1440, 12.2))
    assert local.write().files == 2
    assert pq.read_table(local.copies() / FILES.format(1))["air_temperature_flag"].to_pylist() == [1, 4]
    assert_the_dataset_is_the_database(local)


def test_nothing_is_written_where_nothing_changed(local: World) -> None:
    local.load(row(0, 12.0))
    local.write()
    before = {listed.key: listed.etag for listed in local.store.list()}
    assert local.write() == DatasetCounts()
    assert {listed.key: listed.etag for listed in local.store.list()} == before


class Killed(BaseException):
    """What ends a process at once."""


@dataclass
class Killer:
    """Ends the process before or after its n-th step that can be seen from outside."""

    left: int

    def step(self, act: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0:
            raise Killed
        done = act()
        self.left -= 1
        if self.left == 0:
            raise Killed
        return done


def killed_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """Let the writing end after so many steps."""
    killer = Killer(steps)
    places = ((LocalStore, ("publish", "remove")), (DatasetState, ("_set",)), (PendingDays, ("enqueue", "ack")))
    for owner, names in places:
        for name in names:
            real = getattr(owner, name)

            def stepping(self: Any, *given: Any, _real: Any = real, **more: Any) -> Any:
                return killer.step(lambda: _real(self, *given, **more))

            patch.setattr(owner, name, stepping)


@pytest.mark.parametrize("kind", ["first", "later"])
def test_a_run_that_is_killed_at_any_step_leaves_the_rest_to_the_next(local: World, kind: str) -> None:
    """Of a dataset that is written for the first time over one of another database, and of one that is kept up."""
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    if kind == "later":
        local.write()
    else:
        (Path(local.store.uri) / "current").mkdir()
        (Path(local.store.uri) / "current" / "part-0-of-1.parquet").write_bytes(b"of another database")
    step = ended = 0
    while not ended:
        step += 1
        if kind == "later":
            local.load(row(24 * 60 + 5, 10 + step / 100, generation_id=step))
        else:
            DatasetState.for_collection(local.collection).forget()
        with pytest.MonkeyPatch.context() as patch:
            killed_after(step, patch)
            try:
                local.write()
                ended = 1
            except Killed:
                pass
        local.write()
        assert local.compared() == DatasetComparison(True, local.collection.estimated_document_count())
        assert local.compared_hours()[1] == 0
        assert local.write() == DatasetCounts()
    assert step > 8


def test_a_dataset_of_another_collection_does_not_stay(local: World) -> None:
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    local.write()
    other = World(local.collection.database["other"], local.store, local.folder, runs=100)
    prepare_collection(other.collection)
    other.load(row(0, 13.0, "B"))
    assert other.compared() == DatasetComparison(is_of_database=False)
    assert other.write() == DatasetCounts(station_days=1, files=1, rows=1)
    assert set(other.versions()) == {FILES.format(1), "current/_dataset.json"}
    assert_the_dataset_is_the_database(other)
    local.write()
    assert_the_dataset_is_the_database(local)


def test_another_zone_gets_the_whole_dataset(local: World, tmp_path: Path) -> None:
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    local.write()
    (tmp_path / "another").mkdir()
    local.store = LocalStore(tmp_path / "another")
    assert local.write() == DatasetCounts(station_days=2, files=2, rows=2)
    assert_the_dataset_is_the_database(local)


def test_after_a_restore_the_dataset_is_rewritten(local: World) -> None:
    """A dump that is restored holds the state of its own time, and not what the zone has got since."""
    local.load(row(0, 12.0))
    local.write()
    state = local.collection.database["weather_dataset"]
    of_the_dump = state.find_one({})
    assert of_the_dump is not None
    local.load(row(24 * 60, 12.1))
    local.write()
    local.collection.delete_one({"_id": "A@2024-10-02T00:00:00Z"})
    state.replace_one({}, of_the_dump)
    assert local.write() == DatasetCounts(station_days=1, files=1, rows=1)
    assert_the_dataset_is_the_database(local)


def test_after_a_load_into_an_empty_collection_the_dataset_is_written_without_a_scan(
    local: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this run has not marked for the dataset, another one has checked: its marks may be gone."""
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    marks = pending_dataset(local.collection, "run 0")
    marks.ack(marks.marks())
    local.load(row(48 * 60, 12.2))

    monkeypatch.setattr("forecast.run.dataset.days_held", pytest.fail)
    writer = DatasetWriter(local.store, local.collection, local.stations, "run 0", local.folder, began_empty=True)

    assert writer.write() == DatasetCounts(station_days=3, files=3, rows=3)
    assert_the_dataset_is_the_database(local)


def test_a_dataset_whose_marker_is_removed_is_rewritten_completely(local: World) -> None:
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    local.write()
    local.collection.delete_one({"_id": "A@2024-10-02T00:00:00Z"})
    assert local.compared() == DatasetComparison(True, checked=1, differing=1)
    local.store.remove("current/_dataset.json")
    assert local.compared() == DatasetComparison(is_of_database=False)
    local.write()
    assert_the_dataset_is_the_database(local)


def test_a_damaged_file_is_written_anew_with_all_its_stations(local: World, caplog: pytest.LogCaptureFixture) -> None:
    local.load(row(0, 12.0), row(0, 11.0, "B"))
    local.write()
    (Path(local.store.uri) / FILES.format(1)).write_bytes(b"PAR1")
    assert local.compared() == DatasetComparison(True, checked=2, differing=2)
    local.load(row(5, 12.1))
    caplog.clear()
    assert local.write() == DatasetCounts(station_days=1, files=1, rows=3)
    assert "is not a complete file of the dataset; it is rewritten" in caplog.text
    assert_the_dataset_is_the_database(local)


def test_a_file_without_rows_is_removed(local: World) -> None:
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    local.write()
    local.collection.delete_one({"_id": "A@2024-10-02T00:00:00Z"})
    pending_dataset(local.collection, "by hand").enqueue([("A", 19_998)])
    assert local.write() == DatasetCounts(station_days=1, files=1, rows=0)
    assert FILES.format(2) not in local.versions()
    assert_the_dataset_is_the_database(local)


def test_a_run_without_its_lease_leaves_what_it_wrote_last_to_another(local: World) -> None:
    local.load(row(0, 12.0), row(24 * 60, 12.1))
    other = pending_dataset(local.collection, "other")
    asked = chain([False], repeat(True))

    def check_stop() -> None:
        if next(asked):
            other.ack(other.marks())
            raise InterruptedRunError("the lease is gone")

    with pytest.raises(InterruptedRunError):
        local.write(check_stop=check_stop)
    assert other.marks() == {("A", 19_997): ["run 1"], ("A", 19_998): ["run 1"]}
    local.write()
    assert_the_dataset_is_the_database(local)


def test_a_comparison_names_what_differs_and_leaves_out_what_is_due(
    local: World, caplog: pytest.LogCaptureFixture
) -> None:
    local.load(row(0, 12.0), row(5, 12.0), row(24 * 60, 12.1), row(0, 11.0, "B"))
    local.write()
    changed = {"$set": {"measurements.air_temperature": 12.2}}
    local.collection.update_one({"_id": "A@2024-10-01T00:05:00Z"}, changed)
    local.collection.update_one({"_id": "A@2024-10-02T00:00:00Z"}, changed)
    pending_dataset(local.collection, "run").enqueue([("A", 19_998)])
    caplog.clear()
    assert local.compared() == DatasetComparison(True, checked=3, differing=1, pending_days=1)
    assert [record.getMessage() for record in caplog.records] == [
        "observation A@2024-10-01T00:05:00Z in the dataset differs from the database"
    ]


def test_stations_stay_in_their_file_when_others_come(local: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "STATIONS_A_FILE", 2)
    local.load(*(row(0, 12.0, name) for name in "ABCDE"))
    assert local.write().files == 2
    assert_the_dataset_is_the_database(local)
    monkeypatch.setattr(layout, "STATIONS_A_FILE", 1)
    local.load(row(5, 12.0, "C"), row(24 * 60, 12.0, "C"))
    local.write()
    names = sorted(key.rpartition("/")[2] for key in local.versions() if "10-01" in key)
    assert names == ["part-1-of-3.parquet", "part-2-of-3.parquet"]
    assert [key for key in local.versions() if "10-02" in key] == ["current/day=2024-10-02/part-3-of-5.parquet"]
    assert_the_dataset_is_the_database(local)


def test_stations_and_parameters_are_next_to_the_dataset(local: World) -> None:
    local.load(row(0, 12.0), row(5, 12.1))
    local.write()
    stations = pq.read_table(Path(local.store.uri) / "stations.parquet").to_pylist()
    assert [one["station_id"] for one in stations] == list("ABCDE")
    assert stations[0]["first_observation"] == START
    assert stations[0]["last_observation"] == START + timedelta(minutes=5)
    assert (stations[1]["first_observation"], stations[1]["interval_minutes"]) == (None, 5)
    parameters = pq.read_table(Path(local.store.uri) / "parameters.parquet").to_pylist()
    assert [one["parameter"] for one in parameters] == list(PARAMETER_NAMES)
    assert parameters[0]["udunits"] == "degC"


def test_without_observations_there_is_no_dataset_and_no_folder(local: World, tmp_path: Path) -> None:
    """A run of which every object was rejected has written nothing, and the zone may not be there yet."""
    local.store = LocalStore(tmp_path / "not there")
    assert local.write() == DatasetCounts()
    assert not (tmp_path / "not there").exists()
    local.load(row(0, 12.0))
    assert local.write() == DatasetCounts(station_days=1, files=1, rows=1)
    assert_the_dataset_is_the_database(local)
