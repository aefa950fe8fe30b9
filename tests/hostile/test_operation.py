"""The same files, and bad luck: cases 66 to 70. Each has more tests elsewhere; these show the case itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

import forecast.mongo.loader as loading
from forecast.mongo.loader import SCHEMA_FILE
from forecast.run import run as runs
from tests.examples import for_the_night
from tests.hostile.conftest import TABLE_KEY, RunObject, run_in
from tests.hostile.objects import CLIMATE_KEY, TABLE, VALUES, climate, enveloped, lines, pws, table_row
from tests.integration.test_crashes import KILLED_RUN
from tests.integration.worlds import World, WorldMaker

HOURS = [climate(hour, dh_utc=f"2024-{month:02}-{day:02} {hour:02}:00:00") for month in range(1, 9)
         for day in range(1, 29) for hour in range(24)]  # fmt: skip


@pytest.fixture
def world(local_world: WorldMaker) -> World:
    return local_world()


def test_case_66_killed_after_half_of_a_file_and_started_again_every_row_is_there_once(world: World) -> None:
    """A file of 5376 rows is three batches for two writers: when the third begins, one is written, and two at most."""
    world.raw.put(CLIMATE_KEY, lines(*HOURS))
    killed = subprocess.run(
        [sys.executable, str(KILLED_RUN), "forecast.mongo.loader", "_insert", "before", "3"],
        cwd=world.home,
        env=world.variables(),
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    world.wait_for_the_dead()
    half = len(world.documents())
    assert 0 < half < len(HOURS)
    counts = world.run()["counts"]
    assert (counts["inserted"], counts["unchanged"]) == (len(HOURS) - half, half)
    assert len(world.documents()) == len(HOURS)
    assert world.run()["counts"]["objects_already_processed"] == 1


def test_case_67_documents_that_the_database_rejects_are_reported_and_the_others_counted(
    world: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))
    schema["$jsonSchema"]["properties"]["measurements"]["properties"]["air_temperature"] = {
        "bsonType": "double",
        "maximum": 50,
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema), "utf-8")
    world.raw.put(CLIMATE_KEY, lines(climate(0), climate(1, temperature="60"), climate(2)))
    with monkeypatch.context() as patch:
        patch.setattr(loading, "SCHEMA_FILE", tmp_path / "schema.json")
        status = world.run()
    assert (status["status"], status["exit_code"], status["counts"]["objects_interrupted"]) == ("failed", 2, 1)
    message = (
        "the database's validator refuses document 07915@2024-10-05T01:00:00Z; its schema is not that of this pipeline "
        "version (src/config/mongodb_schema.json)"
    )
    assert [error["message"] for error in status["errors"]] == [message]
    assert sorted(world.documents()) == ["07915@2024-10-05T00:00:00Z", "07915@2024-10-05T02:00:00Z"]
    assert world.checkpoints() == {}
    counts = world.run()["counts"]
    assert (counts["inserted"], counts["unchanged"], counts["objects_loaded"]) == (1, 2, 1)


def test_case_67_a_key_that_another_writer_wrote_first_is_resolved_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = loading._insert

    def overtaken(table: Any, rows: Any, collection: Any) -> Any:
        monkeypatch.setattr(loading, "_insert", insert)
        insert(table.slice(0, 1), [0], collection)
        return insert(table, rows, collection)

    monkeypatch.setattr(loading, "_insert", overtaken)
    world.raw.put(CLIMATE_KEY, lines(climate(0), climate(1)))
    status = world.run()
    assert (status["exit_code"], status["counts"]["inserted"], status["counts"]["unchanged"]) == (0, 1, 1)
    assert len(world.documents()) == 2


def test_case_68_the_same_station_by_two_networks_is_never_mixed(world: World) -> None:
    """A station is of one network; rows of the other that name it are quarantined, whatever their rank."""
    run_in(world, lines(enveloped(climate(0))), CLIMATE_KEY).assert_accepted(1)
    before = world.contents()
    of_the_api = enveloped(pws(0, stationID="07915", obsTimeUtc="2024-10-05T00:00:00Z"), _airbyte_generation_id=9)
    ending = run_in(world, lines(of_the_api), "wunderground/api.jsonl")
    reason = "the station registry has no such station in Weather Underground"
    assert ending.reasons == [("line 1", "other_network", reason)]
    of_infoclimat = run_in(world, lines(climate(0, id_station="ITESTB25")), "infoclimat/other.jsonl")
    reason = "the station registry has no such station in InfoClimat"
    assert of_infoclimat.reasons == [("line 1", "other_network", reason)]
    assert world.contents() == before


@pytest.mark.parametrize("turn", [1, -1])
def test_case_68_rows_of_several_networks_in_one_object_are_read_each_as_its_own(
    turn: int, run_object: RunObject
) -> None:
    rows = [climate(0), TABLE[0], pws(9), climate(1, temperature=None, humidite=None)][::turn]
    for content in (lines(*rows), json.dumps(rows).encode()):
        ending = run_object(content)
        assert (ending.outcome, ending.sums, ending.rejected) == ("loaded", (4, 1, 3, 0), [])
        assert {document["_id"]: document["measurements"] for document in ending.documents} == {
            "07915@2024-10-05T00:00:00Z": {"air_temperature": 7.6, "relative_humidity": 89.0},
            "ITESTB25@2024-09-30T22:04:00Z": VALUES,
            "ITESTB25@2024-10-01T00:09:00Z": {
                "air_temperature": 13.8,
                "relative_humidity": 87.0,
                "wind_speed": 1.0,
                "wind_from_direction": 210.0,
            },
        }
        assert ending.warnings == []


def written(world: World, key: str) -> list[int]:
    """How many records of an object were inserted, updated, unchanged and superseded."""
    counts = world.checkpoints()[f"{world.raw.uri}/{key}"]["counts"]
    return [counts[name] for name in ("inserted", "updated", "unchanged", "superseded")]


def test_case_69_a_file_again_with_more_and_revised_rows_changes_only_those(world: World) -> None:
    names = [f"07915@2024-10-05T0{hour}:00:00Z" for hour in range(3)]
    first = [enveloped(climate(hour)) for hour in (0, 1)]
    run_in(world, lines(*first), CLIMATE_KEY)
    before = world.documents()
    later = [climate(0), climate(1, temperature="8.1"), climate(2)]
    run_in(world, lines(*(enveloped(row, _airbyte_generation_id=4) for row in later)), "infoclimat/later.jsonl")
    assert written(world, "infoclimat/later.jsonl") == [1, 1, 1, 0]
    found = world.documents()
    assert [found[name]["measurements"]["air_temperature"] for name in names] == [7.6, 8.1, 7.6]
    # What is equal was not written again, only marked as delivered again.
    assert found[names[0]]["metadata"]["ingested_at"] == before[names[0]]["metadata"]["ingested_at"]
    assert found[names[0]]["metadata"]["generation_id"] == 4
    run_in(world, lines(*first), "infoclimat/earlier.jsonl")
    assert written(world, "infoclimat/earlier.jsonl") == [0, 0, 1, 1]
    assert [world.documents()[name] for name in names] == [found[name] for name in names]


@pytest.mark.parametrize("now", [datetime(2024, 10, 1, 12, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)], ids=str)
def test_case_70_a_wrong_clock_only_moves_the_limit_of_the_future(
    now: datetime, run_object: RunObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now

    monkeypatch.setattr(runs, "datetime", Clock)
    ending = run_object(lines(enveloped(TABLE[0]), enveloped(table_row(9, Date="2024-10-03"))))
    late = [] if now.year > 2024 else [("line 2", "future_timestamp", "more than 10 minutes in the future")]
    assert ending.reasons == late
    assert ending.measurements == [VALUES] * (2 - len(late))
    assert {document["metadata"]["extracted_at"] for document in ending.documents} == {
        datetime(2024, 10, 5, 3, tzinfo=UTC)
    }


@pytest.mark.parametrize("zone", ["America/New_York", *for_the_night("UTC", "Asia/Kolkata")])
def test_case_70_the_zone_of_the_machine_does_not_matter(zone: str, world: World) -> None:
    world.raw.put(TABLE_KEY, lines(*TABLE))
    outcome = world.command("pipeline", variables=world.variables(TZ=zone))
    assert outcome.code == 0, outcome.stderr
    assert sorted(world.documents()) == [f"ITESTB25@2024-09-30T22:{minute}:00Z" for minute in ("04", "09", "14")]
