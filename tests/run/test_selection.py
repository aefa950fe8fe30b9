"""Which raw objects a run lists and takes: everything that is new, and as little as can be of all the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast import __version__
from forecast.core.counts import ObjectCounts
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection, sibling_collection
from forecast.mongo.listing_state import SUFFIX as LISTING
from forecast.mongo.state import SUFFIX as OBJECTS
from forecast.mongo.state import Checkpoints, Loaded
from forecast.run.listing import FULL_EVERY, LOOKBACK
from forecast.run.run import Run, RunOptions
from forecast.run.selection import Everything, Selection
from forecast.storage import LocalStore
from forecast.storage.s3 import S3Store
from forecast.zone.writer import RunContext
from main import list_objects
from tests.examples import examples
from tests.networks import five

BEGIN: Final = datetime(2026, 1, 1, 3, tzinfo=UTC)
STATIONS: Final = five()
DAY: Final = timedelta(days=1)


def named(start: datetime, stream: str = "a/b", part: int = 0) -> str:
    """A key as Airbyte makes it."""
    return f"{stream}/{start:%Y_%m_%d}_{round(start.timestamp() * 1000)}_{part}.jsonl"


@dataclass
class Bucket:
    """A raw zone on an S3 of the test's own."""

    uri: str = "s3://raw/zone/"
    place: str = "s3://raw/zone/"
    objects: dict[str, RawObject] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def put(self, key: str, modified: datetime) -> None:
        etag = f"{len(self.objects)} {modified.isoformat()}"
        self.objects[key] = RawObject(key, self.uri + key, 1, etag, modified)

    def list(self, prefix: str = "", after: str = "", before: str = "") -> Iterator[RawObject]:
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > after and not (before and key >= before):
                self.listed.append(key)
                yield self.objects[key]


@dataclass
class World:
    """Nights over one raw zone."""

    collection: ObservationCollection
    bucket: Bucket = field(default_factory=Bucket)
    night: int = 0

    @property
    def now(self) -> datetime:
        return BEGIN + self.night * DAY

    def checkpoints(self) -> Checkpoints:
        return Checkpoints.for_collection(self.collection, 1, "program", "zone")

    def listed(self, options: RunOptions | None = None, least: int = 2) -> tuple[Run, list[str]]:
        """What a run lists and chooses."""
        context = RunContext(f"run {self.night}", self.now, __version__)
        run = Run(Settings(logs_dir=Path("logs")), options or RunOptions(), context)
        self.bucket.listed = []
        selection = Selection(run, STATIONS, self.collection, self.checkpoints(), least)
        chosen = list_objects(run, self.bucket, selection)  # type: ignore[arg-type]
        selection.end()
        return run, [raw.key for raw in chosen]

    def process(self, key: str, again_at: datetime | None = None) -> None:
        raw = self.bucket.objects[key]
        self.checkpoints().begin("run", {raw.uri: []})
        loaded = Loaded(raw, {}, ObjectCounts(key, raw.uri, "loaded"), again_at)
        self.checkpoints().write("run", self.now, [loaded])

    def to_process(self) -> set[str]:
        """What is not processed, by asking the checkpoint of every object."""
        objects = list(self.bucket.objects.values())
        known = self.checkpoints().processed(self.now, [raw.uri for raw in objects])
        return {raw.key for raw in objects if raw.uri not in known or known[raw.uri].etag != raw.etag}


@pytest.fixture
def world(collection: ObservationCollection) -> World:
    """Give a raw zone, and a collection that holds a document."""
    collection.database.command({"collMod": collection.name, "validationLevel": "off"})
    collection.insert_one({"_id": "A@"})
    return World(collection)


def nights(world: World, number: int) -> None:
    """So many nights with an object each, that are listed and processed."""
    for _ in range(number):
        world.night += 1
        world.bucket.put(named(world.now), world.now)
        _, chosen = world.listed()
        for key in chosen:
            world.process(key)


def test_a_run_lists_what_came_in_the_last_week_and_nothing_before(world: World) -> None:
    nights(world, 40)
    world.night += 1
    run, chosen = world.listed()
    assert chosen == []
    assert len(world.bucket.listed) <= (LOOKBACK + FULL_EVERY) / DAY
    assert (run.progress.objects_listed, run.progress.objects_already_processed) == (40, 40)
    assert run.progress.newest_raw_object == BEGIN + 40 * DAY


def test_a_range_that_is_shorter_than_a_page_is_listed(world: World) -> None:
    nights(world, 40)
    world.listed(least=1_000)
    world.night += 1
    world.listed(least=1_000)
    assert len(world.bucket.listed) == 40


@pytest.mark.parametrize(
    "options",
    [RunOptions(since=date(2026, 1, 1)), RunOptions(until=date(2027, 1, 1)), RunOptions(reprocess=True)],
    ids=["since", "until", "reprocess"],
)
def test_who_asks_for_certain_objects_has_all_of_them_listed(world: World, options: RunOptions) -> None:
    nights(world, 40)
    world.bucket.put(named(BEGIN + timedelta(hours=1)), world.now)
    world.listed(options)
    assert len(world.bucket.listed) == 41


def test_a_late_object_with_an_old_key_is_taken_by_the_next_listing_of_every_key(world: World) -> None:
    nights(world, 40)
    late = named(BEGIN + 5 * DAY + timedelta(hours=1))
    world.bucket.put(late, world.now)
    found = []
    for _ in range(FULL_EVERY // DAY + 1):
        world.night += 1
        found += world.listed()[1]
    assert late in found


@pytest.mark.parametrize("key", ["a/b/0.csv", "a/b/2026_1_9_1767900000000_0.jsonl", "a/new/x.csv", "a.csv", "z.csv"])
def test_an_object_under_any_other_name_is_taken_at_once(world: World, key: str) -> None:
    nights(world, 40)
    world.bucket.put(key, world.now)
    world.night += 1
    assert world.listed()[1] == [key]


def test_an_object_that_a_killed_run_left_unfinished_is_taken_again_however_old_it_is(world: World) -> None:
    nights(world, 40)
    old = named(BEGIN + 5 * DAY)
    world.checkpoints().begin("killed", {world.bucket.objects[old].uri: []})
    world.night += 1
    assert world.listed()[1] == [old]


def test_an_entry_that_somebody_removed_means_that_its_object_is_taken_again(world: World) -> None:
    nights(world, 40)
    old = named(BEGIN + 5 * DAY)
    sibling_collection(world.collection, OBJECTS).delete_one({"_id": world.bucket.objects[old].uri})
    world.night += 1
    assert world.listed()[1] == [old]


def test_where_the_collection_was_emptied_everything_is_taken_again(world: World) -> None:
    nights(world, 30)
    world.collection.delete_many({})
    sibling_collection(world.collection, OBJECTS).update_many({}, {"$set": {"counts.records_validated": 1}})
    assert len(world.listed()[1]) == 30


def test_markers_are_counted_every_night(world: World) -> None:
    world.bucket.put("a/b/2026_01_05_1767600000000_0.jsonl.tmp", BEGIN)
    nights(world, 40)
    assert world.listed()[0].progress.objects_skipped == 1


def test_the_checkpoints_are_asked_for_a_page_of_names_at_a_time() -> None:
    bucket = Bucket()
    for number in range(2_500):
        bucket.put(f"{number:05d}.csv", BEGIN)
    sizes = []

    class Asked(Everything):
        def choose(self, part: list[RawObject]) -> list[RawObject]:
            sizes.append(len(part))
            return part[:1]

    run = Run(Settings(logs_dir=Path("logs")), RunOptions(), RunContext("run", BEGIN, __version__))
    chosen = list_objects(run, bucket, Asked())  # type: ignore[arg-type]
    assert (sizes, [raw.key for raw in chosen]) == ([1000, 1000, 500], ["00000.csv", "01000.csv", "02000.csv"])


def test_the_checkpoints_of_listed_objects_are_found_by_their_names(world: World) -> None:
    nights(world, 3)
    beside = sibling_collection(world.collection, OBJECTS)
    asked = world.checkpoints()
    names = [raw.uri for raw in world.bucket.objects.values()]
    world.collection.database.command("profile", 2)
    asked.processed(world.now, names)
    asked.rejected(world.now, "circumstances", names)
    world.collection.database.command("profile", 0)
    profile: list[dict[str, Any]] = list(world.collection.database["system.profile"].find({"ns": beside.full_name}))
    assert [one["planSummary"] for one in profile] == ["IXSCAN { _id: 1 }"] * 2


_EVENT = st.sampled_from(
    ["new", "two streams", "late", "replaced", "failed", "again", "begun", "removed", "entry", "odd", "nothing"]
)


@settings(max_examples=examples(0.3), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(_EVENT, st.integers(0, 1_000)), min_size=5, max_size=45))
def test_no_object_is_missed_for_longer_than_until_every_key_is_listed(
    world: World, events: list[tuple[str, int]]
) -> None:
    """Whatever happens: what a night leaves out came late or was replaced since every key was listed."""
    for beside in (sibling_collection(world.collection, suffix) for suffix in (OBJECTS, LISTING)):
        beside.delete_many({})
    world.bucket, world.night = Bucket(), 0
    late: set[str] = set()
    for event, number in events:
        world.night += 1
        failed = _happens(world, event, number, late)
        if not world.bucket.objects:
            continue
        expected = world.to_process()
        _, chosen = world.listed()
        assert set(chosen) <= expected
        assert expected - set(chosen) <= late
        if len(world.bucket.listed) >= len(world.bucket.objects):
            late.clear()
        for key in chosen:
            if key not in failed:
                world.process(key, world.now + 3 * DAY if event == "again" else None)
    world.bucket.put(named(world.now), world.now)
    world.night += FULL_EVERY // DAY
    assert set(world.listed()[1]) == world.to_process()


def _happens(world: World, event: str, number: int, late: set[str]) -> set[str]:
    """What comes before a night; the objects that it will not be able to read."""
    bucket, keys = world.bucket, sorted(world.bucket.objects)
    one = keys[number % len(keys)] if keys else None
    new = named(world.now)
    if event in {"new", "two streams", "failed", "again"}:
        bucket.put(new, world.now)
        if event == "two streams":
            bucket.put(named(world.now, "c"), world.now)
        return {new} if event == "failed" else set()
    if event == "odd":
        bucket.put(f"a/b/{number}.csv", world.now)
    elif event == "late":
        bucket.put(key := named(BEGIN + timedelta(hours=number % (24 * world.night) + 0.5)), world.now)
        late.add(key)
    elif one is not None and event == "replaced":
        bucket.put(one, world.now)
        late.add(one)
    elif one is not None and event == "removed":
        del bucket.objects[one]
        late.discard(one)
    elif one is not None and event == "begun":
        world.checkpoints().begin("killed", {bucket.objects[one].uri: []})
    elif one is not None and event == "entry":
        sibling_collection(world.collection, OBJECTS).delete_one({"_id": bucket.objects[one].uri})
    return set()


def test_an_object_begun_again_is_listed_also_where_another_of_its_range_was_removed(world: World) -> None:
    """The removed one's checkpoint stays, and must not stand for that of the other."""
    nights(world, 20)
    keys = sorted(world.bucket.objects)
    del world.bucket.objects[keys[1]]
    world.night += FULL_EVERY // DAY
    world.listed()
    world.night += 1
    world.checkpoints().begin("killed", {world.bucket.objects[keys[0]].uri: []})
    assert world.listed()[1] == [keys[0]]


def test_an_object_whose_rows_are_replayed_is_settled_again(world: World) -> None:
    nights(world, 20)
    world.night += 1
    uri = world.bucket.objects[min(world.bucket.objects)].uri
    checkpoints = world.checkpoints()
    checkpoints.begin("replay", {uri: ["one.parquet", "other.parquet"]})
    assert checkpoints.settled({"$eq": uri}) == 0
    checkpoints.end(uri, ["one.parquet"])
    assert checkpoints.settled({"$eq": uri}) == 1
    (entry,) = sibling_collection(world.collection, OBJECTS).find({"_id": uri})
    assert entry["in_zone"] == [{"zone": "zone", "key": "other.parquet"}]
    assert "loading" not in entry
    world.listed()
    assert len(world.bucket.listed) < len(world.bucket.objects)


def test_an_object_of_which_nothing_was_loaded_is_not_settled_by_a_replay(world: World) -> None:
    checkpoints = world.checkpoints()
    checkpoints.begin("replay", {"s3://raw/zone/a": []})
    checkpoints.end("s3://raw/zone/a", [])
    assert checkpoints.settled({"$eq": "s3://raw/zone/a"}) == 0


def test_s3_lists_behind_a_key_in_one_request(s3_bucket: str) -> None:
    client = boto3.client("s3")
    for key in ("zone/a/1", "zone/a/2", "zone/b", "other"):
        client.put_object(Bucket=s3_bucket, Key=key, Body=json.dumps(key).encode())
    store = S3Store(f"s3://{s3_bucket}/zone/")
    assert [raw.key for raw in store.list(after="a/1")] == ["a/2", "b"]
    assert [raw.key for raw in store.list("a/", after="a/1")] == ["a/2"]
    assert [raw.key for raw in store.list(before="a/2")] == ["a/1"]
    assert [raw.key for raw in store.list(after="a/1", before="b")] == ["a/2"]


def test_a_local_folder_lists_between_two_keys(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "4"):
        (tmp_path / name).write_bytes(b"")
    assert [raw.key for raw in LocalStore(tmp_path).list(after="1", before="4")] == ["2", "3"]
