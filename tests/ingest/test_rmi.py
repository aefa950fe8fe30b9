"""RMI's WFS: whole days of some stations a call, and pages that may change while they are read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.core.stations import Stations
from forecast.ingest.result import Outcome
from forecast.networks.fetch import Fetch, Pages
from forecast.networks.rmi_aws.fetch import HOURLY, TEN_MINUTES
from forecast_demo.apis import Correction, Fault, Outage
from forecast_demo.networks.rmi_aws.wfs import NETWORK
from tests.examples import for_every_change
from tests.ingest.apis import Ingest, InProcess, at
from tests.networks import network, station

NAMES = ("6997", "6994", "6999")
DAY = "2026-11-27"
ROWS = 144


def aws() -> Stations:
    plain = replace(station("rmi-0"), network=NETWORK, interval_minutes=10)
    return network(*(replace(plain, id=f"rmi-{name}", network_id=name) for name in NAMES))


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path, stations=aws())


def in_pages(ingest: Ingest, size: int) -> None:
    ingest.around.fetches = {"rmi": replace(TEN_MINUTES, pages=Pages(size, "numberMatched"))}


def written(ingest: Ingest) -> list[tuple[int, str]]:
    return [(row["_airbyte_data"]["code"], row["_airbyte_data"]["timestamp"]) for row in ingest.envelopes()]


def all_of(day: str = DAY) -> list[tuple[int, str]]:
    times = [f"{day}T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(0, 1440, 10)]
    return sorted((int(name), time) for name in NAMES for time in times)


def test_days_of_all_stations_come_in_one_call_without_a_key_each_row_once(ingest: Ingest) -> None:
    result = ingest.run("rmi", since=DAY, until=DAY)
    assert (result.exit_code, result.outcome) == (0, Outcome.SUCCESS)
    ((_, _, address),) = ingest.apis.calls
    assert address == (
        "/service/aws/ows?service=WFS&version=2.0.0&request=GetFeature&typeNames=aws%3Aaws_10min"
        "&outputFormat=application%2Fjson&CQL_FILTER=code+IN+%286997%2C6994%2C6999%29"
        "+AND+timestamp+%3E%3D+%272026-11-27T00%3A00%3A00Z%27+AND+timestamp+%3C%3D+%272026-11-27T23%3A59%3A59Z%27"
        "&sortBy=timestamp%2Ccode&count=5000&startIndex=0"
    )
    assert sorted(written(ingest)) == all_of()
    assert result.sources[0].stations["rmi-6994"].days[date(2026, 11, 27)].written == ROWS


def test_the_hourly_layer_is_a_source_of_its_own(ingest: Ingest) -> None:
    result = ingest.run("rmi_hourly", since=DAY, until=DAY)
    assert (result.exit_code, len(written(ingest))) == (0, 24 * len(NAMES))
    assert "wind_direction" not in next(ingest.envelopes())["_airbyte_data"]


@pytest.mark.parametrize(("fetch", "rows_a_day"), [(TEN_MINUTES, 144), (HOURLY, 24)])
def test_the_rows_of_one_call_fit_in_a_page(fetch: Fetch, rows_a_day: int) -> None:
    assert fetch.pages is not None
    assert fetch.station_days * rows_a_day <= fetch.pages.size


@pytest.mark.parametrize("size", [431, *for_every_change(50, 100, 432, 433)])
def test_every_row_of_all_pages_is_written_once(ingest: Ingest, size: int) -> None:
    in_pages(ingest, size)
    result = ingest.run("rmi", since=DAY, until=DAY)
    assert result.exit_code == 0
    assert sorted(written(ingest)) == all_of()
    # A page begins with the last row of the one before.
    assert result.sources[0].calls == (1 if size >= 432 else 1 + -(-(432 - size) // (size - 1)))


def test_a_server_with_smaller_pages_than_asked_for_loses_nothing(ingest: Ingest) -> None:
    ingest.apis.max_page = 100
    assert ingest.run("rmi", since=DAY, until=DAY).exit_code == 0
    assert sorted(written(ingest)) == all_of()


@pytest.mark.parametrize("call", [2, *for_every_change(3, 5)])
def test_rows_that_arrive_between_two_pages_are_neither_lost_nor_doubled(ingest: Ingest, call: int) -> None:
    """The rows of the morning at one station arrive before that call; all pages are then read again."""
    in_pages(ingest, 90)
    late = Outage("rmi-6994", at(2026, 11, 27, 1), at(2026, 11, 27, 9), at(2026, 12, 1))
    ingest.world.outages.append(late)

    def arrive(number: int) -> None:
        if number == call:
            ingest.world.outages.clear()

    ingest.around.transport = lambda _: InProcess(ingest.apis, arrive)
    result = ingest.run("rmi", since=DAY, until=DAY)
    # The page that showed it, and five pages of all.
    assert (result.exit_code, result.sources[0].calls) == (0, call + 5)
    assert sorted(written(ingest)) == all_of()


def test_a_row_that_replaces_another_between_two_pages_is_noticed(ingest: Ingest) -> None:
    """As many rows as before, but others before the page: their number alone would not tell."""
    in_pages(ingest, 90)
    here = Outage("rmi-6997", at(2026, 11, 27, 0), at(2026, 11, 27, 1), at(2026, 12, 1))
    there = Outage("rmi-6997", at(2026, 11, 27, 22), at(2026, 11, 27, 23), at(2026, 12, 1))
    ingest.world.outages.append(there)

    def change(number: int) -> None:
        if number == 2:
            ingest.world.outages[:] = [here]

    ingest.around.transport = lambda _: InProcess(ingest.apis, change)
    assert ingest.run("rmi", since=DAY, until=DAY).exit_code == 0
    missing = {(6997, f"2026-11-27T00:{minute:02}:00Z") for minute in range(0, 60, 10)}
    assert sorted(written(ingest)) == sorted(set(all_of()) - missing)


@pytest.mark.whole
def test_records_that_change_during_every_reading_are_missing_until_the_next_run(ingest: Ingest) -> None:
    in_pages(ingest, 90)

    def change(number: int) -> None:
        hidden = Outage("rmi-6997", at(2026, 11, 27, 0), at(2026, 11, 27, 1 + number % 5), at(2026, 12, 1))
        ingest.world.outages[:] = [hidden]

    ingest.around.transport = lambda _: InProcess(ingest.apis, change)
    (source,) = ingest.run("rmi", since=DAY, until=DAY).sources
    assert (source.exit_code, source.calls, source.outcome) == (1, 10, Outcome.PARTIAL)
    assert [(fault.code, fault.message) for fault in source.window_faults] == [
        ("changed", "its records changed between two pages in each of 5 attempts")
    ]
    assert source.stations["rmi-6999"].missing == (date(2026, 11, 27),)
    ingest.world.outages.clear()
    ingest.around.transport = lambda _: InProcess(ingest.apis)
    assert ingest.run("rmi").exit_code == 0
    assert set(all_of()) <= set(written(ingest))


def _collection(matched: object, *codes: int) -> bytes:
    rows = [{"properties": {"code": code, "timestamp": f"{DAY}T00:00:00Z"}} for code in codes]
    return json.dumps({"type": "FeatureCollection", "features": rows, "numberMatched": matched}).encode()


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (_collection("unknown", 6997), "no_count", 'the response does not say in "numberMatched" how many records'),
        (_collection(5, 6997), "no_progress", "it announces 5 records, but returns 1"),
        (_collection(1, 6997, 6994), "no_progress", "it announces 1 records, but returns 2"),
        (_collection(1, 6400), "other_station", "a record names station 6400, which was not requested"),
        (
            b'<?xml version="1.0"?><ows:ExceptionReport><ows:Exception exceptionCode="NoApplicableCode"/>',
            "refused",
            "it answered with an exception report: <?xml",
        ),
    ],
)
def test_an_incomplete_response_is_not_accepted(ingest: Ingest, body: bytes, code: str, says: str) -> None:
    ingest.apis.faults.append(Fault(200, body))
    (source,) = ingest.run("rmi", since=DAY, until=DAY).sources
    (fault,) = source.window_faults
    assert (fault.code, source.exit_code > 0, written(ingest)) == (code, True, [])
    assert says in fault.message


@pytest.mark.parametrize(
    "fault", [Fault(503), Fault(200, b"<html>maintenance</html>"), Fault(200, b"{", breaks_off=True)]
)
def test_a_temporary_failure_is_retried(ingest: Ingest, fault: Fault) -> None:
    fault.times = 2
    ingest.apis.faults.append(fault)
    (source,) = ingest.run("rmi", since=DAY, until=DAY).sources
    assert (source.exit_code, source.calls, source.retries) == (0, 3, 2)
    assert sorted(written(ingest)) == all_of()


def test_an_empty_collection_is_a_day_without_rows(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(200, _collection(0)))
    (source,) = ingest.run("rmi", since=DAY, until=DAY).sources
    assert (source.exit_code, source.read, source.stations["rmi-6997"].missing) == (0, 0, ())
    assert ingest.objects() == []


@pytest.mark.whole
def test_only_late_and_corrected_rows_are_written_again(ingest: Ingest) -> None:
    ingest.run("rmi", since="2026-11-26")
    before = len(written(ingest))
    assert ingest.run("rmi").sources[0].written == 0
    ingest.world.corrections.append(Correction("rmi-6994", at(2026, 11, 27, 6), at(2026, 11, 27, 7), 0))
    ingest.clock.time += 3600
    assert ingest.run("rmi").sources[0].written == len(written(ingest)) - before == 6 * len(NAMES) + 6


def test_both_layers_count_their_calls_together(ingest: Ingest) -> None:
    ingest.run("rmi", "rmi_hourly", since=DAY, until=DAY)
    (ledger,) = (ingest.folder / "raw.ingest").glob("quota-*.json")
    assert ledger.name.startswith("quota-rmi-")
    assert [round(later - ingest.apis.calls[0][0]) for later, *_ in ingest.apis.calls] == [0, 3]
