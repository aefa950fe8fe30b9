"""A run of ingest: what it asks for, what it writes, and what the next run has to do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from forecast.ingest.result import Outcome
from forecast_demo.apis import Correction, Fault, Outage
from tests.ingest.apis import KEY, NOW, PWS, Ingest, at


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path)


def test_every_record_of_61_days_over_the_end_of_summer_time_is_written_once(ingest: Ingest) -> None:
    first, last = date(2026, 9, 29), date(2026, 11, 28)
    expected = {key: row for name in PWS for key, row in ingest.expected(name, first, last).items()}
    result = ingest.run("wunderground", since="2026-09-29")
    assert (result.exit_code, result.outcome) == (0, Outcome.SUCCESS)
    assert len(ingest.records()) == len(expected) == 2 * (60 * 288 + 12 + 17 * 12)
    assert ingest.newest() == expected
    assert result.sources[0].calls == len(ingest.apis.calls) == 2 * 61


def test_a_second_run_writes_nothing_and_asks_for_three_days(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-20")
    before = ingest.objects()
    ingest.apis.calls.clear()
    result = ingest.run("wunderground")
    assert ingest.objects() == before
    assert (result.sources[0].read, result.sources[0].written) == (2 * (2 * 288 + 204), 0)
    assert len(ingest.apis.calls) == 2 * 3


def test_only_what_is_new_or_changed_is_written(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-20")
    ingest.world.corrections.append(Correction("ILAMAD25", at(2026, 11, 27, 6), at(2026, 11, 27, 6, 30), 0))
    ingest.clock.time += 3 * 3600
    result = ingest.run("wunderground")
    assert result.sources[0].written == 2 * 36 + 6
    assert ingest.newest() == {
        key: row
        for name in PWS
        for key, row in ingest.expected(name, date(2026, 11, 20), date(2026, 11, 28)).items()
    }  # fmt: skip


def test_a_correction_of_a_day_eight_days_ago_arrives_within_a_week(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-19", stations=("ILAMAD25",))
    ingest.world.corrections.append(Correction("ILAMAD25", at(2026, 11, 20, 6), at(2026, 11, 20, 6, 30), 0))
    written = {}
    for day in range(8):
        ingest.clock.time = NOW.timestamp() + day * 86_400
        ingest.run("wunderground", stations=("ILAMAD25",))
        written[day] = ingest.newest() == ingest.newest() | ingest.expected(
            "ILAMAD25", date(2026, 11, 20), date(2026, 11, 20)
        )
    assert written == {**dict.fromkeys(range(7), False), 7: True}


def test_infoclimat_is_asked_for_all_stations_at_once(ingest: Ingest) -> None:
    result = ingest.run("infoclimat", since="2026-11-20")
    stations = ("00052", "000R5", "07015", "STATIC0010")
    expected = {
        key: row
        for name in stations
        for key, row in ingest.expected(name, date(2026, 11, 20), date(2026, 11, 28)).items()
    }
    assert result.sources[0].calls == 2
    assert ingest.newest() == expected
    assert len(ingest.records()) == len(expected)
    assert ingest.run("infoclimat").sources[0].calls == 1


def test_a_station_that_was_offline_for_a_week_comes_back_whole(ingest: Ingest) -> None:
    offline = Outage("ILAMAD25", at(2026, 11, 27, 12), at(2026, 12, 4, 12), at(2026, 12, 4, 13))
    ingest.world.outages.append(offline)
    ingest.run("wunderground", since="2026-11-25")
    for day in range(1, 7):
        ingest.clock.time = NOW.timestamp() + day * 86_400
        ingest.run("wunderground")
    assert ingest.newest() | ingest.expected("ILAMAD25", date(2026, 11, 25), date(2026, 12, 4)) == ingest.newest()


def test_a_day_that_never_answers_costs_that_station_and_day_until_it_does(ingest: Ingest) -> None:
    ingest.apis.faults.append(
        fault := Fault(
            500, b"oops", where="stationId=ILAMAD25&format=json&units=m&numericPrecision=decimal&date=20261125"
        )
    )
    result = ingest.run("wunderground", since="2026-11-23")
    (source,) = result.sources
    assert (result.exit_code, source.outcome) == (1, Outcome.PARTIAL)
    assert source.stations["ILAMAD25"].missing == (date(2026, 11, 25),)
    assert source.stations["ILAMAD25"].through == date(2026, 11, 24)
    assert source.stations["IICHTE19"].through == date(2026, 11, 27)
    assert source.calls == 2 * 6 + 4
    fault.times = 0
    again = ingest.run("wunderground")
    assert (again.exit_code, again.sources[0].written) == (0, 288)
    assert again.sources[0].stations["ILAMAD25"].through == date(2026, 11, 27)
    assert len(ingest.records()) == len(set(ingest.records()))


def test_a_refused_key_costs_one_call_and_is_shown_nowhere(ingest: Ingest) -> None:
    ingest.apis.keys = frozenset()
    result = ingest.run("wunderground", since="2026-11-20")
    (source,) = result.sources
    assert (result.exit_code, source.outcome, source.calls) == (2, Outcome.FAILED, 1)
    assert source.fault is not None
    assert "the key is not accepted for history/all" in source.fault
    assert "WUNDERGROUND_API_KEY" in source.fault
    assert KEY not in source.fault


def test_the_state_and_the_objects_hold_no_key(ingest: Ingest) -> None:
    ingest.run(since="2026-11-27")
    kept = [path for path in ingest.folder.rglob("*") if path.is_file()]
    assert len(kept) >= 6
    for path in kept:
        assert KEY.encode() not in path.read_bytes()


def test_objects_are_as_airbyte_writes_them(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-28")
    (path,) = ingest.objects()
    sync = int(NOW.timestamp() * 1000)
    assert path.relative_to(ingest.raw).as_posix() == f"wunderground/pws_history/2026_11_28_{sync}_0.jsonl.gz"
    first = next(ingest.envelopes())
    data = first.pop("_airbyte_data")
    raw_id = first.pop("_airbyte_raw_id")
    assert raw_id[14] == "7"
    assert raw_id[19] in "89ab"
    assert first == {
        "_airbyte_extracted_at": sync, "_airbyte_meta": {"sync_id": sync, "changes": []}, "_airbyte_generation_id": 1,
    }  # fmt: skip
    assert list(data)[:5] == ["stationID", "tz", "obsTimeUtc", "obsTimeLocal", "epoch"]


def test_the_state_tells_what_was_read(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-20")
    state = json.loads((ingest.folder / "raw.ingest" / "wunderground.json").read_text())
    entry = state["stations"]["ILAMAD25"]
    assert (entry["since"], entry["read_from"], entry["read_to"]) == ("2026-11-20", "2026-11-20", "2026-11-28")
    assert state["pending"] is None
