"""A run of ingest: what it asks for, what it writes, and what the next run has to do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.ingest.result import Outcome
from forecast.ingest.sources import FETCHES
from forecast_demo.apis import Correction, Fault, Outage
from tests.examples import for_the_night
from tests.ingest.apis import KEY, NOW, PWS, Ingest, aerodromes, at, fast


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path)


@pytest.fixture
def aerodrome(tmp_path: Path) -> Ingest:
    """One station of METAR with hourly reports: days that cost little."""
    return Ingest(tmp_path, stations=aerodromes("LFQZ", minutes=60))


def state(ingest: Ingest, source: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ingest.folder / "raw.ingest" / f"{source}.json").read_text())
    return found


@pytest.mark.whole
@pytest.mark.parametrize("first", [date(2026, 10, 24), *for_the_night(date(2026, 8, 29))])
def test_every_record_of_days_over_the_end_of_summer_time_is_written_once(ingest: Ingest, first: date) -> None:
    last = date(2026, 10, 28)
    days = (last - first).days + 1
    expected = {key: row for name in PWS for key, row in ingest.expected(name, first, last).items()}
    result = ingest.run("wunderground", since=f"{first}", until=f"{last}")
    assert (result.exit_code, result.outcome) == (0, Outcome.SUCCESS)
    assert len(ingest.records()) == len(expected) == 2 * (days * 288 + 12)
    assert ingest.newest() == expected
    assert result.sources[0].calls == len(ingest.apis.calls) == 2 * days


@pytest.mark.whole
def test_a_second_run_requests_three_days_and_writes_nothing(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-20")
    before = ingest.objects()
    ingest.apis.calls.clear()
    result = ingest.run("wunderground")
    assert ingest.objects() == before
    assert (result.sources[0].read, result.sources[0].written) == (2 * (2 * 288 + 204), 0)
    assert len(ingest.apis.calls) == 2 * 3


@pytest.mark.whole
def test_only_what_is_new_or_changed_is_written(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-20")
    ingest.world.corrections.append(Correction("ITESTB25", at(2026, 11, 27, 6), at(2026, 11, 27, 6, 30), 0))
    ingest.clock.time += 3 * 3600
    result = ingest.run("wunderground")
    assert result.sources[0].written == 2 * 36 + 6
    assert ingest.newest() == {
        key: row
        for name in PWS
        for key, row in ingest.expected(name, date(2026, 11, 20), date(2026, 11, 28)).items()
    }  # fmt: skip


@pytest.mark.whole
def test_a_correction_of_a_day_eight_days_ago_arrives_within_a_week(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-19", stations=("ITESTB25",))
    ingest.world.corrections.append(Correction("ITESTB25", at(2026, 11, 20, 6), at(2026, 11, 20, 6, 30), 0))
    written = {}
    for day in range(8):
        ingest.clock.time = NOW.timestamp() + day * 86_400
        ingest.run("wunderground", stations=("ITESTB25",))
        written[day] = ingest.newest() == ingest.newest() | ingest.expected(
            "ITESTB25", date(2026, 11, 20), date(2026, 11, 20)
        )
    assert written == {**dict.fromkeys(range(7), False), 7: True}


def test_all_stations_of_infoclimat_are_requested_in_one_call(ingest: Ingest) -> None:
    result = ingest.run("infoclimat", since="2026-11-20")
    stations = ("00092", "000T5", "07915", "STATIC0090")
    expected = {
        key: row
        for name in stations
        for key, row in ingest.expected(name, date(2026, 11, 20), date(2026, 11, 28)).items()
    }
    assert result.sources[0].calls == 2
    assert ingest.newest() == expected
    assert len(ingest.records()) == len(expected)
    assert ingest.run("infoclimat").sources[0].calls == 1


@pytest.mark.whole
def test_all_records_of_a_station_that_was_offline_for_a_week_are_read(ingest: Ingest) -> None:
    offline = Outage("ITESTB25", at(2026, 11, 27, 12), at(2026, 12, 4, 12), at(2026, 12, 4, 13))
    ingest.world.outages.append(offline)
    ingest.run("wunderground", since="2026-11-25")
    for day in range(1, 7):
        ingest.clock.time = NOW.timestamp() + day * 86_400
        ingest.run("wunderground")
    assert ingest.newest() | ingest.expected("ITESTB25", date(2026, 11, 25), date(2026, 12, 4)) == ingest.newest()


def test_all_records_of_a_station_that_was_offline_for_longer_than_the_lookback_are_read(aerodrome: Ingest) -> None:
    back = at(2026, 12, 28, 13)
    aerodrome.world.outages.append(Outage("metar-LFQZ", at(2026, 11, 27, 12), at(2026, 12, 28, 12), back))
    aerodrome.run("metar", since="2026-11-25")
    for day in (10, 20, 29):
        aerodrome.clock.time = NOW.timestamp() + day * 86_400
        aerodrome.run("metar")
    (entry,) = state(aerodrome, "metar")["stations"].values()
    assert sorted(day for day, fingerprints in entry["days"].items() if fingerprints) == ["2026-11-27"]
    aerodrome.clock.time = back + 3600
    (source,) = aerodrome.run("metar").sources
    assert source.stations["metar-LFQZ"].through == date(2026, 12, 27)
    assert source.stations["metar-LFQZ"].days_left == 0
    assert aerodrome.newest() == aerodrome.expected("metar-LFQZ", date(2026, 11, 25), date(2026, 12, 28))
    assert len(aerodrome.records()) == len(set(aerodrome.records()))


def test_a_run_that_ends_while_a_station_comes_back_leaves_the_rest_to_the_next(aerodrome: Ingest) -> None:
    aerodrome.world.outages.append(Outage("metar-LFQZ", at(2026, 11, 25, 12), at(2026, 12, 4, 12), at(2026, 12, 4, 13)))
    aerodrome.run("metar", since="2026-11-24")
    aerodrome.clock.time = NOW.timestamp() + 4 * 86_400
    aerodrome.run("metar")
    aerodrome.clock.time += 2 * 86_400
    # 30 November to 4 December are two calls, the silent days from 25 November on two more.
    aerodrome.around.fetches = fast(FETCHES, per_day=3)
    (ended,) = aerodrome.run("metar").sources
    assert (ended.outcome, ended.calls, ended.stations["metar-LFQZ"].days_left) == (Outcome.QUOTA_REACHED, 3, 4)
    assert ended.stations["metar-LFQZ"].missing == tuple(date(2026, 11, day) for day in range(25, 29))
    aerodrome.around.fetches = FETCHES
    (source,) = aerodrome.run("metar").sources
    assert source.stations["metar-LFQZ"].missing == ()
    assert aerodrome.newest() == aerodrome.expected("metar-LFQZ", date(2026, 11, 24), date(2026, 12, 4))
    assert len(aerodrome.records()) == len(set(aerodrome.records()))


@pytest.mark.whole
def test_days_that_are_never_answered_do_not_prevent_others_from_being_read(ingest: Ingest) -> None:
    dead = [date(2026, 11, day) for day in (22, 23, 24, 25)]
    ingest.apis.faults += [Fault(500, b"oops", where=f"date={day:%Y%m%d}") for day in dead]
    ingest.run("wunderground", since="2026-11-21", stations=("ITESTB25",))
    ingest.clock.time += 86_400
    for _ in range(2):
        (source,) = ingest.run("wunderground", stations=("ITESTB25",)).sources
        assert (source.exit_code, source.outcome) == (1, Outcome.PARTIAL)
    assert source.stations["ITESTB25"].missing == tuple(dead)
    read = ingest.newest()
    assert read == read | ingest.expected("ITESTB25", date(2026, 11, 26), date(2026, 11, 29))
    assert read == read | ingest.expected("ITESTB25", date(2026, 11, 21), date(2026, 11, 21))
    ingest.apis.faults.clear()
    assert ingest.run("wunderground", stations=("ITESTB25",)).exit_code == 0
    assert ingest.newest() == ingest.expected("ITESTB25", date(2026, 11, 21), date(2026, 11, 29))


def test_days_between_an_old_history_and_what_was_read_are_read_by_the_next_run(ingest: Ingest) -> None:
    ingest.run("infoclimat", since="2026-11-26", stations=("00092",))
    ingest.run("infoclimat", since="2026-11-10", until="2026-11-12", stations=("00092",))
    assert ingest.newest().keys().isdisjoint(ingest.expected("00092", date(2026, 11, 13), date(2026, 11, 25)))
    result = ingest.run("infoclimat", stations=("00092",))
    assert result.sources[0].stations["00092"].through == date(2026, 11, 27)
    assert ingest.newest() == ingest.expected("00092", date(2026, 11, 10), date(2026, 11, 28))


def test_the_state_holds_digests_of_sixteen_days_however_many_were_read(ingest: Ingest) -> None:
    ingest.run("infoclimat", since="2026-10-20", stations=("00092",))
    days = state(ingest, "infoclimat")["stations"]["00092"]["days"]
    assert sorted(days) == [f"2026-11-{day}" for day in range(13, 29)]


def test_a_state_with_the_digests_of_more_days_shrinks_and_works(ingest: Ingest) -> None:
    ingest.run("infoclimat", since="2026-11-01", stations=("00092",))
    kept = state(ingest, "infoclimat")
    days = kept["stations"]["00092"]["days"]
    days |= {f"2026-11-0{day}": days["2026-11-20"] for day in range(1, 8)}
    (ingest.folder / "raw.ingest" / "infoclimat.json").write_text(json.dumps(kept))
    assert ingest.run("infoclimat", stations=("00092",)).sources[0].written == 0
    assert len(state(ingest, "infoclimat")["stations"]["00092"]["days"]) == 16


@pytest.mark.whole
def test_a_day_without_an_answer_is_missing_until_it_is_answered(ingest: Ingest) -> None:
    ingest.apis.faults.append(
        fault := Fault(
            500, b"oops", where="stationId=ITESTB25&format=json&units=m&numericPrecision=decimal&date=20261125"
        )
    )
    result = ingest.run("wunderground", since="2026-11-23")
    (source,) = result.sources
    assert (result.exit_code, source.outcome) == (1, Outcome.PARTIAL)
    assert source.stations["ITESTB25"].missing == (date(2026, 11, 25),)
    assert source.stations["ITESTB25"].through == date(2026, 11, 24)
    assert source.stations["ITESTA19"].through == date(2026, 11, 27)
    assert source.calls == 2 * 6 + 4
    fault.times = 0
    again = ingest.run("wunderground")
    assert (again.exit_code, again.sources[0].written) == (0, 288)
    assert again.sources[0].stations["ITESTB25"].through == date(2026, 11, 27)
    assert len(ingest.records()) == len(set(ingest.records()))


def test_with_a_rejected_key_only_one_call_is_made_and_the_key_is_never_shown(ingest: Ingest) -> None:
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


def test_a_new_part_begins_where_one_is_full(aerodrome: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.ingest.source.MAX_PART_BYTES", 1)
    (source,) = aerodrome.run("metar", since="2026-11-20").sources
    sync = int(NOW.timestamp() * 1000)
    keys = [path.relative_to(aerodrome.raw).as_posix() for path in aerodrome.objects()]
    assert keys == [f"metar/reports/2026_11_28_{sync}_{part}.jsonl.gz" for part in range(source.calls)]
    assert source.calls == 3
    assert aerodrome.newest() == aerodrome.expected("metar-LFQZ", date(2026, 11, 20), date(2026, 11, 28))
    assert len(aerodrome.records()) == len(set(aerodrome.records()))


def test_a_station_that_is_added_later_gets_its_history_and_the_others_are_not_read_again(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path, stations=aerodromes("LFQZ", "EBBZ", minutes=60))
    ingest.run("metar", since="2026-11-20", stations=("metar-LFQZ",))
    (source,) = ingest.run("metar", since="2026-11-20").sources
    days = {name: sorted(station.days) for name, station in source.stations.items()}
    assert days["metar-EBBZ"] == [date(2026, 11, day) for day in range(20, 29)]
    assert days["metar-LFQZ"] == [date(2026, 11, day) for day in range(26, 29)]
    assert source.written == 8 * 24 + 17


@pytest.mark.whole
def test_the_state_records_what_was_read(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-20")
    kept = state(ingest, "wunderground")
    entry = kept["stations"]["ITESTB25"]
    assert (entry["since"], entry["read_from"], entry["read_to"]) == ("2026-11-20", "2026-11-20", "2026-11-28")
    assert kept["pending"] is None
