"""Cases 110 and 111: who is silent is named, and what was expected comes from the registry and the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.presence import Presence, expected_on
from forecast.report.silence import Seen, newest_age_seconds, silence_warnings, silent_stations, stations_seen
from forecast.report.write import as_data
from tests.networks import DAY, START, START_MS, network, station

NOW = START + timedelta(days=9)
# Every ten minutes: late after half an hour.
STATIONS = network(*(station(name, 10 * number, interval_minutes=10) for number, name in enumerate("ABCD")))


def ago(**age: float) -> int:
    return round((NOW - timedelta(**age)).timestamp() * 1000)


def states(presence: Presence | None) -> dict[str, str]:
    return {name: one.state for name, one in stations_seen(presence, STATIONS, NOW).items()}


@pytest.mark.parametrize(
    ("minutes", "max_age_hours", "state"),
    [
        (-10, None, "fresh"),
        (0, None, "fresh"),
        (30, None, "fresh"),
        (31, None, "late"),
        (24 * 60, None, "late"),
        (24 * 60 + 1, None, "silent"),
        (24 * 60 + 1, 36.0, "late"),
        (36 * 60, 36.0, "late"),
        (36 * 60 + 1, 36.0, "silent"),
        (31, 0.5, "silent"),
    ],
)
def test_a_station_is_fresh_late_or_silent_by_the_age_of_its_newest_observation(
    minutes: float, max_age_hours: float | None, state: str
) -> None:
    presence = Presence({}, {"A": ago(minutes=minutes)}, {}, max_age_hours=max_age_hours)
    assert states(presence)["A"] == state


def test_case_110_every_station_of_the_registry_is_there_and_those_of_the_database_that_it_lacks() -> None:
    presence = Presence({}, {"A": ago(minutes=5), "B": ago(hours=50), "gone": ago(days=400)}, {}, max_age_hours=48)
    assert states(presence) == {"A": "fresh", "B": "silent", "C": "never", "D": "never", "gone": "unregistered"}
    seen = stations_seen(presence, STATIONS, NOW)
    assert [one.station for one in silent_stations(seen)] == ["B", "C", "D"]
    assert as_data(seen["B"].entry()) == {
        "last_observation": "2024-10-07T22:00:00Z",
        "age_hours": 50.0,
        "state": "silent",
    }
    assert as_data(seen["C"].entry()) == {"last_observation": None, "age_hours": None, "state": "never"}
    assert newest_age_seconds(seen) == 300


def test_a_network_of_which_nothing_was_ever_received_is_listed_and_nobody_is_warned() -> None:
    others = [replace(station(name, 50, interval_minutes=10), network="Other") for name in "XY"]
    both = network(*STATIONS, *others)
    presence = Presence({}, {"A": ago(minutes=5), "B": ago(minutes=5), "C": ago(minutes=5)}, {}, max_age_hours=48)
    seen = stations_seen(presence, both, NOW)
    assert {name: one.state for name, one in seen.items()} == {
        **dict.fromkeys("ABC", "fresh"),
        "D": "never",
        **dict.fromkeys("XY", "undelivered"),
    }
    assert [one.station for one in silent_stations(seen)] == ["D"]
    assert [facts["station"] for _, facts in silence_warnings(seen, 48)] == ["D"]
    heard = Presence({}, {"A": ago(minutes=5), "X": ago(minutes=5)}, {}, max_age_hours=48)
    assert stations_seen(heard, both, NOW)["Y"].state == "never"


def test_where_nothing_at_all_was_received_every_station_counts_as_never_heard() -> None:
    others = [replace(station("X", 50, interval_minutes=10), network="Other")]
    seen = stations_seen(Presence({}, {}, {}), network(*STATIONS, *others), NOW)
    assert {one.state for one in seen.values()} == {"never"}


def test_without_the_database_the_state_of_stations_is_unknown() -> None:
    assert states(None) == dict.fromkeys("ABCD", "unknown")
    seen = stations_seen(None, STATIONS, NOW)
    assert (silent_stations(seen), newest_age_seconds(seen), list(silence_warnings(seen, 1))) == ([], None, [])


def test_case_110_silent_stations_cause_a_warning_if_a_maximum_age_is_set() -> None:
    presence = Presence({}, {"A": ago(minutes=5), "B": ago(hours=50), "C": ago(minutes=40)}, {}, max_age_hours=48)
    seen = stations_seen(presence, STATIONS, NOW)
    assert list(silence_warnings(seen, None)) == []
    assert list(silence_warnings(seen, 48)) == [
        (
            (
                "Station B is silent: its newest observation is from 2024-10-07 22:00 UTC, 50 hours ago "
                "(MAX_DATA_AGE_HOURS is 48)"
            ),
            {
                "event": "station_silent",
                "station": "B",
                "last_observation": "2024-10-07T22:00:00Z",
                "age_hours": 50.0,
                "state": "silent",
            },
        ),
        (
            "Station D has never sent an observation (MAX_DATA_AGE_HOURS is 48)",
            {"event": "station_silent", "station": "D", "last_observation": None, "age_hours": None, "state": "never"},
        ),
    ]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START + timedelta(days=1), 144),
        (START + timedelta(days=50), 144),
        (START + timedelta(hours=12, minutes=9), 72),
        (START, 0),
        (START - timedelta(days=3), 0),
    ],
)
def test_case_111_past_days_are_expected_completely_and_today_up_to_now(now: datetime, expected: int) -> None:
    of_a = STATIONS.get("A")
    assert of_a is not None
    assert expected_on(of_a, DAY, now) == expected


def test_case_111_what_is_expected_of_a_run_is_of_whole_days_from_the_stations_first_on() -> None:
    """Five days of a run; B began in the afternoon of the third, and C was never heard."""
    first = {"A": START_MS - 1, "B": START_MS + round(2.6 * 86_400_000)}
    presence = Presence(first, first, {}, frozenset(range(DAY, DAY + 5)))
    expected = {one.id: presence.expected(one, NOW) for one in STATIONS}
    assert expected == {"A": 5 * 144, "B": 3 * 144, "C": 5 * 144, "D": 5 * 144}


@given(st.dictionaries(st.sampled_from([*"ABCD", "gone"]), st.integers(0, 10**6)), st.floats(0.1, 10**4))
def test_nobody_is_left_out_and_the_silent_are_those_that_are_older(ages: dict[str, int], limit: float) -> None:
    presence = Presence({}, {name: ago(seconds=age) for name, age in ages.items()}, {}, max_age_hours=limit)
    seen = stations_seen(presence, STATIONS, NOW)
    assert seen.keys() == {*"ABCD"} | ages.keys()
    silent = {one.station for one in silent_stations(seen)}
    assert silent == {name for name in "ABCD" if name not in ages or ages[name] > limit * 3600}
    assert len(list(silence_warnings(seen, limit))) == len(silent)
    assert newest_age_seconds(seen) == (min(ages.values()) if ages else None)
    assert all(isinstance(one, Seen) for one in seen.values())
