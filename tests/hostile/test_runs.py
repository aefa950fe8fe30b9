"""Cases 101, 103 and 109, and what becomes of an object that was rejected, in the runs after."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

import main
from forecast.core.registry import load_stations
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.report.write import as_data
from forecast.run import pipeline, steps
from forecast.run import run as runs
from forecast.run.run import RunOptions
from forecast.transform import RULES_VERSION
from tests.hostile.objects import CLIMATE_KEY, climate, enveloped, lines
from tests.integration.worlds import Row, World, WorldMaker

LAYOUT_KEY = "other/a.csv"
UNKNOWN_LAYOUT = b"Heure,Temperatur\n00:04,12.5\n"


@pytest.fixture
def world(local_world: WorldMaker) -> World:
    made = local_world()
    made.raw.put(CLIMATE_KEY, lines(enveloped(climate(0))))
    return made


def set_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return now

    monkeypatch.setattr(runs, "datetime", Clock)


def known(status: Row) -> tuple[int, int, int]:
    """Exit code, objects that were rejected by this run, and by one before."""
    counts = status["counts"]
    return status["exit_code"], counts["objects_rejected"], counts["objects_known_rejected"]


def test_an_object_that_was_rejected_is_known_and_not_tried_again(world: World) -> None:
    world.raw.put(LAYOUT_KEY, UNKNOWN_LAYOUT)
    first = world.run()
    assert (known(first), first["status"]) == ((3, 1, 0), "partial")
    for _ in range(2):
        status = world.run()
        assert (known(status), status["status"]) == ((0, 0, 1), "success")
        assert status["counts"]["objects_already_processed"] == 1
        (error,) = status["errors"]
        assert error == {**first["errors"][0], "known": True}
        entry = {entry["key"]: entry for entry in world.reports("quality_report")[-1]["by_object"]}[LAYOUT_KEY]
        assert (entry["outcome"], entry["known"], entry["error_code"]) == ("rejected", True, "unknown_layout")
    told = world.typed("pipeline")
    assert (told.code, " ERROR " in told.stderr) == (0, False)
    assert f" INFO {LAYOUT_KEY} was rejected by run {first['run_id']} and is not tried again: " in told.stderr
    assert "1 known rejected" in told.stdout
    assert "(unknown_layout, rejected before and not tried again)" in told.stdout


def test_an_object_that_was_rejected_is_tried_again_when_it_changes(world: World) -> None:
    world.raw.put(LAYOUT_KEY, UNKNOWN_LAYOUT)
    world.run()
    world.raw.put(LAYOUT_KEY, UNKNOWN_LAYOUT * 2)
    assert known(world.run()) == (3, 1, 0)
    world.raw.put(LAYOUT_KEY, b"id_station,dh_utc,temperature\n07915,2024-10-05 01:00:00,7.5\n")
    assert known(world.run()) == (0, 0, 0)
    assert sorted(world.documents()) == ["07915@2024-10-05T00:00:00Z", "07915@2024-10-05T01:00:00Z"]
    assert known(world.run()) == (0, 0, 0)


def test_reprocess_tries_what_was_rejected(world: World) -> None:
    world.raw.put(LAYOUT_KEY, UNKNOWN_LAYOUT)
    world.run()
    assert known(world.reprocess()) == (3, 1, 0)
    assert known(world.run()) == (0, 0, 1)


def test_a_dry_run_remembers_no_rejection(world: World) -> None:
    world.raw.put(LAYOUT_KEY, UNKNOWN_LAYOUT)
    assert known(world.run(RunOptions(dry_run=True))) == (3, 1, 0)
    assert known(world.run()) == (3, 1, 0)
    assert known(world.run(RunOptions(dry_run=True))) == (0, 0, 1)


@pytest.mark.parametrize("change", ["rules", "registry", "limits"])
def test_a_rejected_object_is_tried_again_when_registry_limits_or_rules_change(
    world: World, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    world.raw.put(LAYOUT_KEY, UNKNOWN_LAYOUT)
    world.run()
    settings, stations = world.settings(), load_stations()
    if change == "rules":
        monkeypatch.setattr(pipeline, "RULES_VERSION", RULES_VERSION + 1)
    elif change == "registry":
        stations = Stations({one.id: replace(one, elevation=one.elevation + 1) for one in stations})
    else:
        settings = replace(settings, limits=Limits(object_bytes=1 << 20))
    status, _ = main.run_pipeline(settings, RunOptions(), stations)
    assert known(as_data(status)) == (3, 1, 0)


def test_an_internal_error_is_remembered_until_the_program_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raw.put("b.jsonl", lines(enveloped(climate(1))))
    alone, together = steps.extract_data, steps.extract_together

    def check(*raws: Any) -> None:
        if any(raw.key == "b.jsonl" for raw in raws):
            raise ZeroDivisionError("division by zero")

    def broken_alone(path: Any, raw: Any, *more: Any) -> Any:
        check(raw)
        return alone(path, raw, *more)

    def broken_together(objects: Any, *more: Any) -> Any:
        check(*(one.raw for one in objects))
        return together(objects, *more)

    with monkeypatch.context() as patch:
        patch.setattr(steps, "extract_data", broken_alone)
        patch.setattr(steps, "extract_together", broken_together)
        status = world.run()
        assert known(status) == (3, 1, 0)
        assert [(error["object"], error["code"]) for error in status["errors"]] == [("b.jsonl", "internal_error")]
        assert len(world.documents()) == 1
    assert known(world.run()) == (0, 0, 1)
    monkeypatch.setattr(pipeline, "program_digest", lambda _: "mended")
    assert known(world.run()) == (0, 0, 0)
    assert len(world.documents()) == 2


def test_a_new_version_that_is_rejected_leaves_what_the_old_one_gave(world: World) -> None:
    world.run()
    before, checkpoint = world.document_bytes(), world.checkpoints()[f"{world.raw.uri}/{CLIMATE_KEY}"]
    world.raw.put(CLIMATE_KEY, UNKNOWN_LAYOUT)
    assert world.run()["exit_code"] == 3
    assert world.document_bytes() == before
    after = world.checkpoints()[f"{world.raw.uri}/{CLIMATE_KEY}"]
    assert (after["etag"], after["files"]) == (checkpoint["etag"], checkpoint["files"])


def test_case_103_rows_quarantined_because_of_a_slow_clock_are_loaded_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raw.put(CLIMATE_KEY, lines(*(climate(hour) for hour in range(12))))
    with monkeypatch.context() as patch:
        set_clock(patch, datetime(2021, 10, 5, tzinfo=UTC))
        status = world.run()
        assert (status["exit_code"], status["counts"]["records_rejected"]) == (3, 12)
        (rejected,) = world.rejected_keys()
        # Nothing can have changed within a moment: the object waits, and is not mailed again.
        assert world.run()["counts"]["objects_already_processed"] == 1
    status = world.run()
    assert (status["status"], status["exit_code"], status["counts"]["inserted"]) == ("success", 0, 12)
    assert (len(world.documents()), len(world.records())) == (12, 12)
    assert world.rejected_keys() in ([], [rejected])
    assert world.run()["counts"]["objects_already_processed"] == 1


def test_case_103_rows_of_a_clock_that_is_fast_are_loaded_when_their_time_has_come(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A station 25 minutes fast: its rows of 12:00 and 12:20 came at 11:55, and one of 2099 never passes."""
    rows = [climate(hour) for hour in range(12)]
    fast = [{**rows[0], "dh_utc": f"2024-10-05 12:{minute}:00"} for minute in ("00", "20")]
    rows += [*fast, {**rows[0], "dh_utc": "2099-01-01 00:00:00"}]
    world.raw.put(CLIMATE_KEY, lines(*rows))
    found = []
    for minute in (55, 5, 9, 10, 30):
        set_clock(monkeypatch, datetime(2024, 10, 5, 11 if minute == 55 else 12, minute, tzinfo=UTC))
        counts = world.run(RunOptions(max_rejection_rate=1))["counts"]
        found.append([counts[name] for name in ("records_rejected", "inserted", "unchanged")])
    assert found == [[2, 13, 0], [0, 0, 0], [0, 0, 0], [1, 1, 13], [0, 0, 0]]
    assert (len(world.documents()), len(world.records())) == (14, 14)
    rejected = [json.loads(line)["position"] for key in world.rejected_keys() for line in _lines_of(world, key)]
    assert rejected == ["line 15"]


def _lines_of(world: World, key: str) -> list[bytes]:
    return gzip.decompress(world.processed.get(key)).splitlines()
