"""Météo-France's packets of observations: a key in a header, and the last 24 hours whatever was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.core.stations import Stations
from forecast.ingest.result import Outcome
from forecast.networks.french_overseas import department_of
from forecast_demo.apis import Correction, Fault, Outage
from forecast_demo.networks.meteofrance_obs.paquet import NETWORK, PER_MINUTE
from tests.ingest.apis import KEY, NOW, Ingest, at
from tests.networks import network, station

NAMES = ("59343991", "59606004", "80379002", "97418110")
HOUR, DAY = 3_600, 86_400


def stations(*names: str) -> Stations:
    plain = replace(station("mf-0"), network=NETWORK, interval_minutes=60)
    return network(*(replace(plain, id=f"mf-{name}", network_id=name) for name in names))


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path, stations=stations(*NAMES))


def written(ingest: Ingest) -> list[tuple[str, str]]:
    return [(row["_airbyte_data"]["geo_id_insee"], row["_airbyte_data"]["validity_time"]) for row in ingest.envelopes()]


def test_the_department_is_part_of_the_station_id() -> None:
    assert [department_of(name) for name in ("59343991", "01014002", "20004002", "97418110", "98818001")] == [
        "59", "01", "20", "974", "988",
    ]  # fmt: skip


def test_the_last_24_hours_of_each_department_are_one_call_with_the_key_in_its_header(ingest: Ingest) -> None:
    result = ingest.run("meteofrance")
    assert (result.exit_code, result.outcome) == (0, Outcome.SUCCESS)
    assert [(key, address) for _, key, address in ingest.apis.calls] == [
        (KEY, f"/public/DPPaquetObs/v2/paquet/horaire?id-departement={department}&format=json")
        for department in ("59", "80", "974")
    ]
    # From 17:00 yesterday to 16:00 today.
    times = ["2026-11-27T17:00:00Z", "2026-11-28T16:00:00Z"]
    rows = written(ingest)
    assert len(rows) == len(set(rows)) == 24 * len(NAMES)
    assert [min(time for _, time in rows), max(time for _, time in rows)] == times


def test_six_minute_values_are_a_separate_source_with_one_call_per_station(ingest: Ingest) -> None:
    result = ingest.run("meteofrance_6min")
    assert [address for _, _, address in ingest.apis.calls] == [
        f"/public/DPPaquetObs/v2/paquet/infrahoraire-6m?id_station={name}&format=json" for name in NAMES
    ]
    assert (result.exit_code, len(written(ingest))) == (0, 240 * len(NAMES))


def test_stations_of_the_department_that_are_not_in_the_registry_are_ignored(ingest: Ingest) -> None:
    ingest.stations = stations("59343991")
    result = ingest.run("meteofrance")
    assert (result.exit_code, result.sources[0].read) == (0, 24)
    assert {name for name, _ in written(ingest)} == {"59343991"}


def test_only_late_or_corrected_rows_are_written_again(ingest: Ingest) -> None:
    late = Outage("mf-80379002", at(2026, 11, 28, 6), at(2026, 11, 28, 12), NOW.timestamp() + HOUR)
    ingest.world.outages.append(late)
    ingest.run("meteofrance")
    assert ingest.run("meteofrance").sources[0].written == 0
    ingest.world.corrections.append(Correction("mf-59343991", at(2026, 11, 28, 3), at(2026, 11, 28, 5), 0))
    ingest.clock.time += 3 * HOUR
    (source,) = ingest.run("meteofrance").sources
    assert (source.written, source.vanished, source.exit_code) == (3 * len(NAMES) + 6 + 2, 0, 0)


def test_hours_that_the_api_no_longer_has_are_named_once(ingest: Ingest) -> None:
    ingest.run("meteofrance", stations=("mf-59343991",))
    ingest.clock.time += 3 * DAY
    (source,) = ingest.run("meteofrance", stations=("mf-59343991",)).sources
    (fault,) = source.window_faults
    assert (source.exit_code, source.outcome, fault.code) == (3, Outcome.PARTIAL, "gone")
    assert fault.message == (
        "the API keeps 24 hours, but the previous run was 72 hours ago: what was measured from "
        "2026-11-28T16:02:00Z to 2026-11-30T16:02:00Z is no longer available from it"
    )
    assert source.stations["mf-59343991"].missing == (date(2026, 11, 29),)
    assert len(written(ingest)) == 2 * 24
    (again,) = ingest.run("meteofrance", stations=("mf-59343991",)).sources
    assert (again.exit_code, again.window_faults, again.calls) == (0, [], 1)
    assert again.stations["mf-59343991"].missing == (date(2026, 11, 29),)


def test_a_run_within_24_hours_has_lost_nothing(ingest: Ingest) -> None:
    ingest.run("meteofrance")
    ingest.clock.time = NOW.timestamp() + DAY
    (source,) = ingest.run("meteofrance").sources
    assert (source.exit_code, source.window_faults, len(written(ingest))) == (0, [], 2 * 24 * len(NAMES))


def test_no_history_is_requested_from_an_api_that_keeps_none(ingest: Ingest) -> None:
    (source,) = ingest.run("meteofrance", since="2026-01-01", stations=("mf-59343991",)).sources
    assert (source.exit_code, source.calls) == (0, 1)


@pytest.mark.parametrize("status", [401, 403])
def test_with_a_rejected_key_only_one_call_is_made_and_the_key_is_never_shown(
    ingest: Ingest, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    ingest.apis.faults.append(Fault(status, f'{{"fault": {{"message": "Invalid {KEY}"}}}}'.encode()))
    (source,) = ingest.run("meteofrance").sources
    assert (source.exit_code, source.calls, source.outcome) == (2, 1, Outcome.FAILED)
    assert source.fault is not None
    assert source.fault.startswith("Météo-France observations: the key is not accepted")
    assert source.fault.endswith("check METEOFRANCE_API_KEY")
    assert KEY not in source.fault + caplog.text


def test_a_key_that_the_network_does_not_know_is_refused(ingest: Ingest) -> None:
    ingest.apis.keys = frozenset()
    (source,) = ingest.run("meteofrance").sources
    assert source.fault is not None
    assert "Invalid Credentials" in source.fault


def test_the_state_and_the_objects_hold_no_key(ingest: Ingest) -> None:
    ingest.run("meteofrance", "meteofrance_6min")
    kept = [path for path in ingest.folder.rglob("*") if path.is_file()]
    assert len(kept) >= 5
    assert all(KEY.encode() not in path.read_bytes() for path in kept)


@pytest.mark.whole
def test_both_streams_share_the_rate_limit_of_their_key(tmp_path: Path) -> None:
    names = [f"{department:02}001001" for department in range(1, 31)]
    ingest = Ingest(tmp_path, stations=stations(*names))
    result = ingest.run("meteofrance", "meteofrance_6min")
    assert (result.exit_code, len(ingest.apis.calls), ingest.apis.over_quota) == (0, 60, 0)
    times = [time for time, *_ in ingest.apis.calls]
    assert min(later - sooner for sooner, later in zip(times, times[PER_MINUTE:], strict=False)) >= 60 - 1e-6


def test_after_a_429_the_run_waits_and_retries(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(429, b'{"fault": {"code": 900800}}', times=1, headers={"Retry-After": "30"}))
    (source,) = ingest.run("meteofrance").sources
    assert (source.exit_code, source.retries) == (0, 1)
    assert round(ingest.apis.calls[1][0] - ingest.apis.calls[0][0]) == 30


def test_a_department_that_is_not_answered_is_missing_and_the_others_are_read(ingest: Ingest) -> None:
    ingest.apis.faults.append(fault := Fault(500, b"oops", where="id-departement=80"))
    (source,) = ingest.run("meteofrance").sources
    assert (source.exit_code, source.outcome, source.calls) == (1, Outcome.PARTIAL, 2 + 5)
    assert source.stations["mf-80379002"].missing == (date(2026, 11, 27), date(2026, 11, 28))
    assert {name for name, _ in written(ingest)} == {"59343991", "59606004", "97418110"}
    fault.times = 0
    assert ingest.run("meteofrance").sources[0].written == 24


@pytest.mark.parametrize("fault", [Fault(200, b'[{"geo_id_insee": "5934', breaks_off=True), Fault(200, b"<html>")])
def test_a_broken_response_is_requested_again(ingest: Ingest, fault: Fault) -> None:
    fault.times = 1
    ingest.apis.faults.append(fault)
    assert (ingest.run("meteofrance").exit_code, len(written(ingest))) == (0, 24 * len(NAMES))


def test_an_empty_list_writes_nothing(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(200, b"[]"))
    assert (ingest.run("meteofrance").exit_code, ingest.objects()) == (0, [])
