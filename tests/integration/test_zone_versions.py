"""The processed zone holds what the newest version of each raw object gave, once, wherever a run is cut off."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import main
from forecast.cli.commands import _replay_message
from forecast.core.registry import load_stations
from forecast.core.stations import Stations
from forecast.core.work_folder import work_folder
from forecast.mongo.client import connect
from forecast.mongo.state import Checkpoints
from forecast.report.write import as_data
from forecast.run import loading, steps
from forecast.run import replay as replaying
from forecast.run.migrate import migrate
from forecast.run.replay import ReplayContext, ReplayCounts, replay
from forecast.run.run import Run, RunOptions
from forecast.storage import LocalStore, open_store
from tests.examples import for_the_night
from tests.integration.worlds import FolderZone, Row, World, WorldMaker

KEY = "infoclimat/2024_10_05_1728097200000_0.jsonl"
ALL = load_stations()
FEWER = Stations({station.id: station for station in ALL if station.id != "07915"})
MONTHS = ("2024-09-30 23:00:00", "2024-10-01 00:00:00")


def rows(value: float, stations: tuple[str, ...] = ("07915", "STATIC0090"), times: tuple[str, ...] = MONTHS) -> bytes:
    """An object of Airbyte's, always of the same sync: a row of each station at each time."""
    found = [
        {
            "_airbyte_extracted_at": 1728097200000,
            "_airbyte_generation_id": 3,
            "_airbyte_meta": {"sync_id": 4},
            "_airbyte_data": {"id_station": name, "dh_utc": at, "temperature": str(value), "humidite": "80"},
        }
        for name in stations
        for at in times
    ]
    return b"".join(json.dumps(row).encode() + b"\n" for row in found)


@pytest.fixture
def world(local_world: WorldMaker) -> World:
    return local_world()


def run(world: World, stations: Stations = ALL, *, reprocess: bool = False) -> Row:
    status, _ = main.run_pipeline(world.settings(), RunOptions(reprocess=reprocess, max_rejection_rate=1), stations)
    return as_data(status.counts)


def replayed(world: World, stations: Stations = ALL) -> ReplayCounts:
    context = Run.begin(world.settings(), RunOptions()).context
    with connect(world.settings()) as collection, work_folder() as folder:
        return replay(ReplayContext(open_store(world.processed.uri), collection, stations, context), folder)


def temperatures(world: World) -> dict[str, float]:
    return {name: found["measurements"]["air_temperature"] for name, found in world.documents().items()}


def of_zone(world: World) -> list[tuple[str, float]]:
    return sorted((record["_id"], record["air_temperature"]) for record in world.records())


def zone_files(world: World) -> list[str]:
    """What raw objects gave: the dataset is made of the database."""
    return [key for key in world.processed.keys() if key.startswith(("observations/", "rejected/"))]


def assert_zone_and_database_agree(world: World) -> None:
    """Each observation stands once in the zone, with the values of the database."""
    assert of_zone(world) == sorted(temperatures(world).items())


@pytest.mark.parametrize("place", ["local", *for_the_night("s3")])
@pytest.mark.whole
def test_case_102_the_last_of_six_versions_is_in_the_zone_and_the_database(
    request: pytest.FixtureRequest, place: str
) -> None:
    """Level in all that Airbyte says; on S3 also in the time of the object, which has whole seconds."""
    make: WorldMaker = request.getfixturevalue(f"{place}_world")
    world = make()
    for value in (14.4, 15.1, 13.8, 16.0, 12.2, 15.5):
        world.raw.put(KEY, rows(value))
        assert run(world)["objects_loaded"] == 1
    assert set(temperatures(world).values()) == {15.5}
    assert_zone_and_database_agree(world)
    before = world.document_bytes()
    assert world.typed("migrate").code == 0
    assert world.document_bytes() == before
    copy = make(beside=world)
    assert copy.typed("migrate").code == 0
    assert copy.document_bytes() == before


def test_publishing_a_new_version_removes_the_files_of_the_old_one_and_no_others(world: World) -> None:
    world.raw.put(KEY, rows(10))
    world.raw.put("other.jsonl", rows(10, times=("2024-08-01 00:00:00",)))
    run(world)
    first = zone_files(world)
    world.raw.put(KEY, rows(11, times=MONTHS[1:]))
    counts = run(world)
    assert (counts["objects_already_processed"], counts["updated"]) == (1, 2)
    assert [key.split("/")[2] for key in zone_files(world)] == ["month=08", "month=10"]
    assert set(zone_files(world)) & set(first) == {key for key in first if "month=08" in key}
    assert [name for name, _ in of_zone(world)] == [
        f"{name}@{at}" for name in ("07915", "STATIC0090") for at in ("2024-08-01T00:00:00Z", "2024-10-01T00:00:00Z")
    ]


def test_a_version_that_is_rejected_removes_nothing(world: World) -> None:
    world.raw.put(KEY, rows(10))
    run(world)
    before = {key: world.processed.get(key) for key in zone_files(world)}
    world.raw.put(KEY, b"<html></html>")
    assert run(world)["objects_rejected"] == 1
    assert {key: world.processed.get(key) for key in zone_files(world)} == before


def test_what_only_an_earlier_version_had_is_counted_and_named_when_it_leaves_the_zone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A file of the last days that is rewritten every day: earlier days are only in the database."""
    world.raw.put(KEY, rows(10))
    assert run(world)["records_withdrawn"] == 0
    world.raw.put(KEY, rows(11, times=(*MONTHS[1:], "2024-10-02 00:00:00")))
    dry, _ = main.run_pipeline(world.settings(), RunOptions(dry_run=True), ALL)
    assert dry.counts.records_withdrawn == 2
    assert len(of_zone(world)) == 4
    caplog.clear()
    assert run(world)["records_withdrawn"] == 2
    assert [record.getMessage() for record in caplog.records if "earlier version" in record.getMessage()] == [
        (
            f"{KEY}: 2 observations of an earlier version of this object are missing from this one; they are no "
            "longer in the processed zone, but stay in the database"
        )
    ]
    withdrawn = {f"{name}@2024-09-30T23:00:00Z" for name in ("07915", "STATIC0090")}
    assert set(temperatures(world)) - {name for name, _ in of_zone(world)} == withdrawn
    assert run(world, reprocess=True)["records_withdrawn"] == 0


def test_a_value_that_a_new_version_lacks_is_counted_as_withdrawn(world: World) -> None:
    world.raw.put(KEY, rows(10, stations=("07915",)))
    run(world)
    unread = rows(11, stations=("07915",)).replace(b'"11", "humidite": "80"', b'"??", "humidite": "??"', 1)
    world.raw.put(KEY, unread)
    counts = run(world)
    assert (counts["updated"], counts["superseded"], counts["records_withdrawn"]) == (1, 1, 1)


@pytest.mark.parametrize("content", ["no row", "no value", "no value that can be read", "nothing that may enter"])
def test_a_version_without_any_value_removes_nothing_from_the_zone(
    world: World, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = rows(10, stations=("07915",))
    world.raw.put(KEY, good)
    run(world)
    before = {key: world.processed.get(key) for key in zone_files(world)}
    documents = world.document_bytes()
    null = good.replace(b'"10", "humidite": "80"', b'null, "humidite": null')
    # Where no cell of an object can be read it is rejected; this one has a value in a row that may not enter.
    unread = good.replace(b'"10", "humidite": "80"', b'"??", "humidite": "??"') + rows(1, ("unknown",), MONTHS[:1])
    versions = {
        "no row": b"[]",
        "no value": null,
        "no value that can be read": unread,
        "nothing that may enter": rows(1, ("unknown",)),
    }
    world.raw.put(KEY, versions[content])
    for again in (False, True):
        caplog.clear()
        counts = run(world, reprocess=again)
        assert (counts["objects_loaded"], counts["records_withdrawn"]) == (1, 0)
        assert {key: world.processed.get(key) for key in before} == before
        assert world.document_bytes() == documents
        assert [record.getMessage() for record in caplog.records if "earlier" in record.getMessage()] == [
            f"{KEY}: no record of this version has a value; those of an earlier version stay in the processed zone"
        ]
    world.raw.put(KEY, rows(11, stations=("07915",)))
    run(world)
    assert_zone_and_database_agree(world)


def test_a_document_that_the_zone_has_with_other_content_only_is_named(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Two objects have an observation; the later one is mended in place, and has it no more."""
    world.raw.put(KEY, rows(10, stations=("07915",)))
    later = rows(12, stations=("07915",)).replace(b"1728097200000", b"1728097201000")
    world.raw.put("later.jsonl", later)
    run(world)
    assert world.typed("migrate", "--verify").code == 0
    world.raw.put("later.jsonl", b"".join(later.splitlines(keepends=True)[1:]))
    assert run(world)["records_withdrawn"] == 1
    caplog.clear()
    with connect(world.settings()) as collection:
        report, code = migrate(LocalStore(Path(world.processed.uri)), collection, ALL, "run", verify_only=True)
    assert (code, report.verification.orphaned, report.verification.ok) == (3, 1, False)
    assert [record.getMessage() for record in caplog.records] == [
        "document 07915@2024-09-30T23:00:00Z is in the processed zone only with other content"
    ]


def test_a_copy_of_an_object_below_another_raw_uri_keeps_its_files(world: World) -> None:
    """Key and content are the same, and so are the names of the files."""
    world.raw.put(KEY, rows(10))
    run(world)
    assert isinstance(world.raw, FolderZone)
    elsewhere = FolderZone(world.home / "elsewhere")
    elsewhere.put(KEY, rows(10))
    run(replace(world, raw=elsewhere))
    files = zone_files(world)
    world.raw.put(KEY, rows(11))
    run(world)
    assert set(files) < set(zone_files(world))


def test_quarantine_that_no_longer_holds_goes_when_its_object_is_processed_again(world: World) -> None:
    world.raw.put(KEY, rows(10))
    assert run(world, FEWER)["records_rejected"] == 2
    assert len(world.rejected_keys()) == 1
    assert run(world, reprocess=True)["records_rejected"] == 0
    assert world.rejected_keys() == []
    assert replayed(world).rows == 0
    assert_zone_and_database_agree(world)


def test_replayed_rows_are_in_the_zone_once_even_after_reprocessing(world: World) -> None:
    world.raw.put(KEY, rows(10))
    run(world, FEWER)
    assert replayed(world).replayed == 2
    assert_zone_and_database_agree(world)
    assert sum("-replayed-" in key for key in world.record_keys()) == 2
    run(world, reprocess=True)
    assert_zone_and_database_agree(world)
    assert not any("-replayed-" in key for key in world.record_keys())


def test_values_that_a_replayed_row_removes_are_reported(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is later than what is stored, and lacks a value of it."""
    world.raw.put(KEY, rows(10))
    run(world)
    later = rows(11, stations=("07915",)).replace(b"1728097200000", b"1728097201000").replace(b'"80"', b"null")
    world.raw.put("later.jsonl", later)
    assert run(world, FEWER)["records_rejected"] == 2
    caplog.clear()
    counts = replayed(world)
    assert (counts.replayed, counts.updated, counts.values_removed) == (2, 2, 2)
    (file,) = world.rejected_keys()
    assert [record.getMessage() for record in caplog.records if "replaced" in record.getMessage()] == [
        f"{file}: 2 stored values were replaced by rows of it that lack them: relative_humidity of 07915 (2)"
    ]
    assert _replay_message(counts).endswith("; 2 stored values were replaced by records that lack them")


def test_case_109_another_processed_zone_is_filled(world: World) -> None:
    world.raw.put(KEY, rows(10))
    run(world)
    moved = replace(world, processed=FolderZone(world.home / "moved"))
    counts = run(moved)
    assert (counts["objects_already_processed"], counts["unchanged"]) == (0, 4)
    assert of_zone(moved) == of_zone(world)
    assert run(moved)["objects_already_processed"] == 1
    # The first zone is as it was, and known: what is outdated in it goes when it is used again.
    assert of_zone(world) == of_zone(moved)
    world.raw.put(KEY, rows(11))
    run(moved)
    run(world)
    assert_zone_and_database_agree(world)
    assert_zone_and_database_agree(moved)


def test_the_zone_is_the_same_whichever_way_its_folder_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.raw.put(KEY, rows(10))
    run(world)
    monkeypatch.chdir(world.home)
    settings = replace(world.settings(), processed_uri="./processed/")
    status, _ = main.run_pipeline(settings, RunOptions(), ALL)
    assert status.counts.objects_already_processed == 1


class CutOffError(BaseException):
    """Nothing after this place is done."""


@dataclass(frozen=True)
class Place:
    """The `number`th call of a function, before or after it."""

    owner: Any
    name: str
    moment: str
    number: int = 1

    @contextmanager
    def cut(self) -> Iterator[None]:
        original: Callable[..., Any] = getattr(self.owner, self.name)
        calls = count(1)

        def cut_off(*arguments: Any, **named: Any) -> Any:
            last = next(calls) == self.number
            if last and self.moment == "before":
                raise CutOffError
            result = original(*arguments, **named)
            if last:
                raise CutOffError
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.owner, self.name, cut_off)
            yield


PLACES = {
    "before the load is noted": Place(Checkpoints, "begin", "before"),
    "when the load is noted": Place(Checkpoints, "begin", "after"),
    "between two files": Place(LocalStore, "publish", "after", 1),
    "before the load": Place(steps, "load_by_object", "before"),
    "before anything is removed": Place(loading, "remove", "before"),
    "between two that are removed": Place(LocalStore, "remove", "after", 1),
    "when all are removed": Place(loading, "remove", "after"),
    "when the entry is written": Place(Checkpoints, "write", "after"),
}


# One of each kind of thing that is half done; the night cuts off at all.
_HALF_DONE = (
    "when the load is noted",
    "between two files",
    "between two that are removed",
    "when the entry is written",
)


def places(*for_every_change: str) -> list[Any]:
    return [*for_every_change, *for_the_night(*(sorted(PLACES.keys() - set(for_every_change))))]


@pytest.mark.parametrize("place", places(*_HALF_DONE))
def test_a_new_version_whose_run_is_cut_off_is_completed_by_the_next(world: World, place: str) -> None:
    """Two months and a quarantine become one month without."""
    world.raw.put(KEY, rows(10, stations=("07915", "STATIC0090", "99999")))
    run(world)
    assert len(zone_files(world)) == 3
    world.raw.put(KEY, rows(11, times=MONTHS[1:]))
    with PLACES[place].cut(), pytest.raises(CutOffError):
        run(world)
    run(world)
    assert zone_files(world) == world.record_keys()
    assert len(world.record_keys()) == 1
    assert of_zone(world) == [(f"{name}@2024-10-01T00:00:00Z", 11.0) for name in ("07915", "STATIC0090")]
    assert Counter(temperatures(world).values()) == {10.0: 2, 11.0: 2}


def test_an_unfinished_version_leaves_nothing_when_the_object_changes_again(world: World) -> None:
    world.raw.put(KEY, rows(10))
    run(world)
    world.raw.put(KEY, rows(11))
    with PLACES["before the load"].cut(), pytest.raises(CutOffError):
        run(world)
    world.raw.put(KEY, rows(12))
    run(world)
    assert_zone_and_database_agree(world)
    assert set(temperatures(world).values()) == {12.0}


@pytest.mark.parametrize("place", places("between two files", "between two that are removed"))
def test_reprocessing_after_a_replay_that_is_cut_off_is_completed_by_the_next_run(world: World, place: str) -> None:
    """The next run takes nothing but what is new, or was begun."""
    world.raw.put(KEY, rows(10))
    run(world, FEWER)
    replayed(world)
    with PLACES[place].cut(), pytest.raises(CutOffError):
        run(world, reprocess=True)
    run(world)
    assert_zone_and_database_agree(world)
    assert len(temperatures(world)) == 4


REPLAY_PLACES = {
    "when the load is noted": Place(Checkpoints, "begin", "after"),
    "between two files": Place(LocalStore, "publish", "after", 1),
    "before the load": Place(replaying, "load", "before"),
    "when it is loaded": Place(replaying, "load", "after"),
    "when its rows are marked": Place(LocalStore, "publish", "after", 3),
    "before its end is noted": Place(Checkpoints, "end", "before"),
}


@pytest.mark.parametrize("then", ["run", *for_the_night("replay")])
@pytest.mark.parametrize("place", REPLAY_PLACES)
def test_a_replay_that_is_cut_off_is_completed(world: World, place: str, then: str) -> None:
    world.raw.put(KEY, rows(10))
    run(world, FEWER)
    with REPLAY_PLACES[place].cut(), pytest.raises(CutOffError):
        replayed(world)
    if then == "replay":
        replayed(world)
    run(world)
    assert_zone_and_database_agree(world)
    assert len(temperatures(world)) == 4


def test_a_replay_leaves_an_object_whose_load_was_interrupted_to_the_next_run(world: World) -> None:
    world.raw.put(KEY, rows(10))
    run(world, FEWER)
    with PLACES["before the load"].cut(), pytest.raises(CutOffError):
        run(world, FEWER, reprocess=True)
    replayed(world)
    assert run(world)["objects_loaded"] == 1
    assert_zone_and_database_agree(world)
