"""Which calls are made: as few as the network allows."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from forecast.ingest.plan import windows
from forecast.networks.fetch import Fetch
from forecast.networks.infoclimat.fetch import FETCH as INFOCLIMAT
from forecast.networks.metar.fetch import FETCH as METAR
from forecast.networks.wunderground.fetch import FETCH as WUNDERGROUND

DAYS = [date(2026, 11, day) for day in range(1, 31)]


def test_one_call_to_infoclimat_requests_a_day_of_a_hundred_stations() -> None:
    found = windows(INFOCLIMAT, {f"{number:05}": DAYS[:1] for number in range(250)})
    assert [len(window.stations) for window in found] == [100, 100, 50]
    assert {(window.first, window.last) for window in found} == {(DAYS[0], DAYS[0])}


def test_one_call_to_infoclimat_requests_a_hundred_days_of_one_station() -> None:
    many = [DAYS[0] + timedelta(days=number) for number in range(150)]
    found = windows(INFOCLIMAT, {"A": many})
    assert [(window.first, window.last) for window in found] == [(many[0], many[99]), (many[100], many[149])]


def test_a_call_to_weather_underground_requests_one_station_and_one_day() -> None:
    found = windows(WUNDERGROUND, {"A": DAYS, "B": DAYS})
    assert {(window.stations, window.first) for window in found} == {((name,), day) for name in "AB" for day in DAYS}
    assert len(found) == 60


@given(
    st.dictionaries(st.sampled_from("ABCDEFGH"), st.sets(st.sampled_from(DAYS)), max_size=8),
    st.sampled_from([INFOCLIMAT, METAR, WUNDERGROUND]),
    st.booleans(),
)
def test_every_day_of_every_station_is_requested_once_and_no_call_is_too_large(
    days: dict[str, set[date]], fetch: Fetch, backwards: bool
) -> None:
    found = windows(fetch, days, backwards=backwards)
    asked = [(name, day) for window in found for name in window.stations for day in window.days]
    assert sorted(asked) == sorted((name, day) for name, of_station in days.items() for day in of_station)
    assert all(len(window.stations) <= fetch.batch for window in found)
    assert all(len(window.stations) * len(window.days) <= fetch.station_days for window in found)
    firsts = [window.first for window in found]
    assert firsts == sorted(firsts, reverse=backwards)
