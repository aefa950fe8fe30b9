"""What a run makes of every answer that holds no data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.core.parameters import PARAMETERS
from forecast.core.stations import Station, Stations
from forecast.ingest.result import Outcome
from forecast.networks.infoclimat import NETWORK as INFOCLIMAT
from forecast.transform.values.units import find_unit
from forecast_demo.apis import Fault
from forecast_demo.networks.infoclimat.faults import bad_token, ok_without_hourly, wrong_address
from forecast_demo.networks.wunderground.faults import bad_key
from tests.ingest.apis import KEY, Ingest

TODAY = "2026-11-28"


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (wrong_address(), "the token is bound to an IPv4 address other than the one that this machine uses"),
        (bad_token(), "the token is not accepted"),
    ],
)
def test_infoclimat_refusals_with_status_200_that_need_a_person_are_exit_code_2(
    ingest: Ingest, fault: Fault, says: str
) -> None:
    ingest.apis.faults.append(fault)
    (source,) = ingest.run("infoclimat", since=TODAY).sources
    assert (source.exit_code, source.outcome, source.calls) == (2, Outcome.FAILED, 1)
    assert source.fault is not None
    assert says in source.fault
    assert "INFOCLIMAT_TOKEN" in source.fault
    assert ingest.objects() == []


def test_status_ok_without_hourly_is_not_a_day_without_data(ingest: Ingest) -> None:
    ingest.apis.faults.append(ok_without_hourly())
    (source,) = ingest.run("infoclimat", since=TODAY).sources
    assert (source.exit_code, source.outcome, source.calls) == (1, Outcome.PARTIAL, 1)
    assert 'it answered OK, but without "hourly"' in source.window_faults[0].message
    assert source.stations["00092"].missing == (date(2026, 11, 28),)


def test_text_in_place_of_json_is_requested_again(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(200, b"<html>maintenance</html>", times=2))
    (source,) = ingest.run("infoclimat", since=TODAY).sources
    assert (source.exit_code, source.calls, source.retries) == (0, 3, 2)
    assert source.written > 0


@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(503), Fault(408), Fault(200, b'{"observations": [', breaks_off=True)]
)
def test_a_temporary_failure_is_retried_with_longer_and_longer_pauses(ingest: Ingest, fault: Fault) -> None:
    fault.times = 3
    ingest.apis.faults.append(fault)
    (source,) = ingest.run("wunderground", since=TODAY, stations=("ITESTB25",)).sources
    assert (source.exit_code, source.calls, source.retries) == (0, 4, 3)
    assert [
        round(later - sooner)
        for (sooner, *_), (later, *_) in zip(ingest.apis.calls, ingest.apis.calls[1:], strict=False)
    ] == [2, 4, 8]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "77"}, 77), ({"Retry-After": "Sat, 28 Nov 2026 16:03:30 GMT"}, 90), ({}, 60)],
    ids=["a number", "a date", "none"],
)
def test_a_retry_after_is_obeyed(ingest: Ingest, headers: dict[str, str], seconds: int) -> None:
    ingest.apis.faults.append(Fault(429, b"slow down", times=1, headers=headers))
    (source,) = ingest.run("wunderground", since=TODAY, stations=("ITESTB25",)).sources
    assert (source.exit_code, source.calls) == (0, 2)
    assert round(ingest.apis.calls[1][0] - ingest.apis.calls[0][0]) == seconds


def test_a_long_retry_after_ends_the_source_and_keeps_what_was_read(ingest: Ingest) -> None:
    fault = Fault(429, b"slow down", where="ITESTB25", headers={"Retry-After": "3600"})
    ingest.apis.faults.append(fault)
    (source,) = ingest.run("wunderground", since=TODAY).sources
    assert (source.exit_code, source.outcome, source.calls, source.written) == (1, Outcome.FAILED, 2, 204)
    assert source.fault is not None
    assert "It asks to wait 3600 s" in source.fault
    fault.times = 0
    assert ingest.run("wunderground").sources[0].stations["ITESTB25"].days[date(2026, 11, 28)].written >= 204


def test_a_request_that_is_rejected_is_not_repeated(ingest: Ingest) -> None:
    ingest.apis.faults.append(
        Fault(400, b'{"errors": [{"error": {"message": "Invalid parameter."}}]}', where="ITESTB25")
    )
    (source,) = ingest.run("wunderground", since=TODAY).sources
    assert (source.exit_code, source.calls) == (1, 2)
    assert source.window_faults[0].message.startswith("it answered 400: ")


def test_errors_with_status_200_are_not_an_empty_day(ingest: Ingest) -> None:
    body = json.dumps({"errors": [{"error": {"message": "Something"}}], "observations": []}).encode()
    ingest.apis.faults.append(Fault(200, body, where="ITESTB25"))
    (source,) = ingest.run("wunderground", since=TODAY).sources
    assert source.window_faults[0].message.startswith("it answered 200 with errors in place of observations")
    assert source.stations["ITESTB25"].missing == (date(2026, 11, 28),)


def test_a_source_that_never_answers_is_abandoned_after_five_windows(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(500))
    (source,) = ingest.run("wunderground", since="2026-11-20").sources
    assert (source.exit_code, source.outcome, source.calls) == (1, Outcome.FAILED, 5 * 5)
    assert source.fault is not None
    assert "did not answer 5 times in a row" in source.fault


def test_a_response_in_a_changed_unit_is_not_written(ingest: Ingest) -> None:
    (row, *_) = ingest.expected("00092", date(2026, 11, 28), date(2026, 11, 28)).values()
    document = {
        "status": "OK",
        "errors": [],
        "metadata": {"vent_moyen": "mean wind speed,m/s"},
        "hourly": {"00092": [row]},
    }
    ingest.apis.faults.append(Fault(200, json.dumps(document).encode()))
    (source,) = ingest.run("infoclimat", since=TODAY, stations=("00092",)).sources
    assert (source.exit_code, source.outcome) == (3, Outcome.PARTIAL)
    assert source.window_faults[0].message == (
        "the document's units differ from the expected ones: vent_moyen in 'm/s' instead of 'km/h'"
    )
    assert ingest.objects() == []


def test_every_unit_that_the_document_names_is_the_one_that_the_numbers_are_read_in() -> None:
    (layout,) = INFOCLIMAT.layouts
    (fetch,) = INFOCLIMAT.fetch
    measured = {parameter.name: parameter for parameter in PARAMETERS}
    compared = {
        name: find_unit(measured[field.parameter].quantity, field.unit)
        for name, field in layout.fields.items()
        if field.unit is not None and name != "temps_omm"
    }
    assert {
        name: find_unit(measured[layout.fields[name].parameter].quantity, unit) for name, unit in fetch.units
    } == compared
    assert dict(fetch.units)["nebulosite"] == "octats"


def test_a_record_of_a_station_that_was_not_requested_is_not_written(ingest: Ingest) -> None:
    (row, *_) = ingest.expected("ITESTB25", date(2026, 11, 28), date(2026, 11, 28)).values()
    ingest.apis.faults.append(Fault(200, json.dumps({"observations": [{**row, "stationID": "IX\u202e1"}]}).encode()))
    (source,) = ingest.run("wunderground", since=TODAY, stations=("ITESTB25",)).sources
    assert source.exit_code == 3
    assert source.window_faults[0].message == "a record names station IX\\u202e1, which was not requested"


@pytest.mark.parametrize("key", [KEY, "k3y%2Fwith%2Bodd%3Dletters", "k3y/with%2Bodd%3Dletters"])
def test_a_key_in_a_response_is_not_shown(ingest: Ingest, key: str, caplog: pytest.LogCaptureFixture) -> None:
    ingest.apis.faults.append(Fault(500, f"no such call: ?apiKey={key}".encode()))
    (source,) = ingest.run("wunderground", since=TODAY, stations=("ITESTB25",)).sources
    assert source.window_faults[0].message.endswith("it answered 500: no such call: ?apiKey=***")
    assert key not in caplog.text


def _with_licence(stations: Stations, station_id: str, name: str) -> Stations:
    def changed(station: Station) -> Station:
        return replace(station, licence={**station.licence, "name": name}) if station.id == station_id else station

    return Stations({station.id: changed(station) for station in stations})


@pytest.mark.parametrize("licence", ["CC BY-NC", "cc by-nc-sa 4.0", "Non-commercial use only"])
def test_a_station_whose_licence_forbids_commercial_use_is_left_out_by_name(ingest: Ingest, licence: str) -> None:
    ingest.stations = _with_licence(ingest.stations, "00092", licence)
    (source,) = ingest.run("infoclimat", since=TODAY).sources
    assert source.left_out == {"00092": f"its licence is {licence}; set ALLOW_NON_COMMERCIAL=yes to read it"}
    assert "00092" not in ingest.apis.calls[0][2]
    assert sorted(source.stations) == ["000T5", "07915", "STATIC0090"]
    ingest.more["allow_non_commercial"] = True
    assert "00092" in ingest.run("infoclimat", since=TODAY).sources[0].stations


def test_without_any_key_it_says_which_to_set(ingest: Ingest) -> None:
    ingest.of_networks = {"WUNDERGROUND_API_KEY": None, "INFOCLIMAT_TOKEN": None}
    with pytest.raises(SettingError, match=r"INFOCLIMAT_TOKEN is not set.*WUNDERGROUND_API_KEY is not set"):
        ingest.run()
    ingest.of_networks = {"INFOCLIMAT_TOKEN": None}
    assert ingest.run(since=TODAY).without_key == {"infoclimat": "INFOCLIMAT_TOKEN"}
    with pytest.raises(SettingError, match="INFOCLIMAT_TOKEN is not set"):
        ingest.run("infoclimat")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"sources": "netatmo"}, "netatmo: no such source; there are dwd, dwd_hourly, "),
        ({"stations": ("NOWHERE",)}, "--station NOWHERE: the registry has no such station"),
        ({"sources": "infoclimat", "stations": ("ITESTB25",)}, "--station ITESTB25 is of Weather Underground"),
        ({"since": "2026-11-20", "until": "2026-11-19"}, "--since 2026-11-20 is later than --until 2026-11-19"),
    ],
)
def test_an_invalid_request_is_an_error_before_any_call(ingest: Ingest, asked: dict[str, object], says: str) -> None:
    sources = [str(asked.pop("sources"))] if "sources" in asked else []
    with pytest.raises(SettingError) as raised:
        ingest.run(*sources, **asked)
    assert says in raised.value.message
    assert ingest.apis.calls == []


@pytest.mark.parametrize("place", ["raw", "raw/state"])
def test_the_state_must_not_be_inside_the_raw_zone(ingest: Ingest, place: str) -> None:
    ingest.more["ingest_state_uri"] = str(ingest.folder / place)
    with pytest.raises(SettingError, match="INGEST_STATE_URI"):
        ingest.run()


def test_the_simulated_response_to_an_invalid_key_is_that_of_the_network(ingest: Ingest) -> None:
    ingest.apis.faults.append(bad_key())
    (source,) = ingest.run("wunderground", since=TODAY).sources
    assert source.fault is not None
    assert "Invalid apiKey." in source.fault
