"""A source without a key, whose answers are lists, and whose stations have other ids in the registry: METAR."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.ingest.result import Outcome
from forecast_demo.apis import Correction, Fault, Outage
from tests.ingest.apis import Ingest, aerodromes, at

NAMES = ("EBBZ", "EBCI", "EBOS", "LFAC", "LFQZ")
DAY = 48  # reports


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path, stations=aerodromes(*NAMES))


def written(ingest: Ingest) -> list[tuple[str, int]]:
    return [(row["_airbyte_data"]["icaoId"], row["_airbyte_data"]["obsTime"]) for row in ingest.envelopes()]


def test_every_report_of_whole_days_is_written_once_without_a_key(ingest: Ingest) -> None:
    result = ingest.run("metar", since="2026-11-24")
    assert (result.exit_code, result.outcome) == (0, Outcome.SUCCESS)
    reports = written(ingest)
    # To 16:02 on the 28th.
    wanted = [(name, int(at(2026, 11, 24)) + 1800 * number) for name in NAMES for number in range(4 * DAY + 33)]
    assert sorted(reports) == wanted
    assert [len(source.stations) for source in result.sources] == [5]
    assert result.sources[0].stations["metar-LFQZ"].days[date(2026, 11, 24)].written == DAY


def test_a_call_is_for_so_few_stations_and_days_that_no_answer_is_cut_off(ingest: Ingest) -> None:
    ingest.run("metar", since="2026-11-27", until="2026-11-27")
    assert [address for _, _, address in ingest.apis.calls] == [
        "/api/data/metar?ids=EBBZ%2CEBCI%2CEBOS%2CLFAC&format=json&hours=24&date=2026-11-27T23%3A59%3A59Z",
        "/api/data/metar?ids=LFQZ&format=json&hours=24&date=2026-11-27T23%3A59%3A59Z",
    ]
    result = Ingest(ingest.folder / "one", stations=aerodromes("LFQZ")).run("metar", since="2026-11-20")
    assert result.sources[0].calls == 3
    assert result.sources[0].read == 8 * DAY + 33


def test_an_answer_of_as_many_reports_as_the_api_gives_is_missing_and_not_half_a_day(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path, stations=aerodromes(*NAMES, minutes=10))
    result = ingest.run("metar", since="2026-11-27", until="2026-11-27")
    assert (result.exit_code, result.outcome) == (3, Outcome.PARTIAL)
    (fault,) = result.sources[0].window_faults
    assert (fault.code, fault.message) == (
        "cut_off",
        "the response has 400 records, the most that the API gives: others may be missing",
    )
    assert {name for name, _ in written(ingest)} == {"LFQZ"}
    assert result.sources[0].stations["metar-EBBZ"].missing == (date(2026, 11, 27),)


def test_only_reports_that_are_new_or_corrected_are_written_again(ingest: Ingest) -> None:
    ingest.run("metar", since="2026-11-25")
    before = len(written(ingest))
    ingest.clock.time += 3600
    ingest.world.corrections.append(Correction("metar-LFQZ", at(2026, 11, 27, 6), at(2026, 11, 27, 7), 0))
    result = ingest.run("metar")
    assert result.sources[0].written == len(written(ingest)) - before == 2 * len(NAMES) + 2


def test_a_day_without_reports_is_read_and_a_silent_station_comes_back(ingest: Ingest) -> None:
    ingest.world.outages.append(Outage("metar-LFQZ", at(2026, 11, 26), at(2026, 11, 27)))
    result = ingest.run("metar", since="2026-11-26", until="2026-11-26", stations=("metar-LFQZ",))
    assert (result.exit_code, result.sources[0].stations["metar-LFQZ"].missing) == (0, ())


@pytest.mark.parametrize(
    ("body", "code", "exit_code"),
    [
        (b'{"status": "error", "error": "Invalid station ID"}', "refused", 1),
        (json.dumps([{"icaoId": "KJFK", "obsTime": int(at(2026, 11, 27))}]).encode(), "other_station", 3),
        (json.dumps([{"icaoId": "LFQZ", "obsTime": int(at(2026, 11, 26))}]).encode(), "other_day", 3),
    ],
)
def test_a_response_about_other_stations_or_days_is_an_error(
    ingest: Ingest, body: bytes, code: str, exit_code: int
) -> None:
    ingest.apis.faults.append(Fault(200, body))
    result = ingest.run("metar", since="2026-11-27", until="2026-11-27", stations=("metar-LFQZ",))
    assert [fault.code for fault in result.sources[0].window_faults] == [code]
    assert (result.exit_code, written(ingest)) == (exit_code, [])


def test_a_source_without_a_key_is_read_where_the_registry_has_stations_of_it(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    assert [source.source for source in ingest.run(until="2026-11-28").sources] == ["infoclimat", "wunderground"]
    with pytest.raises(SettingError, match="--source metar: the station registry has no station of METAR"):
        ingest.run("metar")


def test_the_check_uses_the_networks_own_station_id(ingest: Ingest) -> None:
    result = ingest.run("metar", check=True)
    assert result.exit_code == 0
    assert "ids=EBBZ&" in ingest.apis.calls[0][2]
