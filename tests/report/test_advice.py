"""The order of recommendations."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.flags import FAIL
from forecast.qc.registry import CHECKS
from forecast.report.advice import advice
from forecast.report.findings import Findings

AIR, WIND, PRESSURE = "air_temperature", "wind_speed", "air_pressure_at_mean_sea_level"
OF_A_STATION = ("bias", "stuck", "clock_offset")


def found(suspect: dict[tuple[str, str, str], int], failed: dict[tuple[str, str, str], int] | None = None) -> Findings:
    values = Counter({(station, name): 1000 for station, name, _ in [*suspect, *(failed or {})]})
    return Findings(suspect=Counter(suspect), failed=Counter(failed or {}), values=values)


def told(findings: Findings) -> list[tuple[str, str, str, int]]:
    return [(entry.station, entry.parameter, entry.check, entry.count) for entry in advice(findings)]


def test_station_by_station_the_cause_is_before_what_follows_and_the_severe_before_the_frequent() -> None:
    suspect = {
        ("A", WIND, "flag_rate"): 900,
        ("A", WIND, "rate_of_change"): 500,
        ("A", WIND, "persistence"): 700,
        ("B", PRESSURE, "bias"): 10,
        ("B", AIR, "flag_rate"): 600,
        ("B", AIR, "buddy_check"): 300,
        ("C", AIR, "rate_of_change"): 800,
    }
    assert told(found(suspect, {("A", AIR, "spike"): 1})) == [
        ("B", PRESSURE, "bias", 10),
        ("B", AIR, "buddy_check", 300),
        ("B", AIR, "flag_rate", 600),
        ("A", AIR, "spike", 1),
        ("A", WIND, "persistence", 700),
        ("A", WIND, "rate_of_change", 500),
        ("A", WIND, "flag_rate", 900),
        ("C", AIR, "rate_of_change", 800),
    ]


def test_a_value_that_had_failed_before_this_run_is_as_severe_as_one_that_fails_in_it() -> None:
    findings = found({("A", AIR, "rate_of_change"): 50, ("A", WIND, "persistence"): 40})
    findings.add_stored("A", PRESSURE, FAIL, 3, {"gross_range": 3})
    assert told(findings)[0] == ("A", PRESSURE, "gross_range", 3)


def test_a_check_that_no_longer_exists_is_ignored() -> None:
    """Documents keep the flags of the version that made them."""
    findings = found({("A", AIR, "spike"): 2})
    findings.add_stored("A", PRESSURE, FAIL, 3, {"step": 3})
    assert told(findings) == [("A", AIR, "spike", 2)]


def test_consequences_are_left_out_first() -> None:
    suspect = {(f"S{number:02}", AIR, check): 1 for number in range(15) for check in ("rate_of_change", "flag_rate")}
    entries = told(found(suspect))
    assert len(entries) == 20
    assert [check for _, _, check, _ in entries].count("rate_of_change") == 15


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("ABC"), st.sampled_from((AIR, WIND, PRESSURE)), st.sampled_from(list(CHECKS))),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
    )
)
def test_every_station_is_reported_in_one_piece_and_each_piece_in_one_order(
    numbers: dict[tuple[str, str, str], tuple[int, int]],
) -> None:
    findings = found({key: one for key, (one, _) in numbers.items()}, {key: two for key, (_, two) in numbers.items()})
    entries = told(findings)
    assert len(entries) == min(20, sum(sum(both) > 0 for both in numbers.values()))
    stations = [entry[0] for entry in entries]
    assert stations == sorted(stations, key=stations.index)
    for station in set(stations):
        ranks = [
            (
                3 if check == "flag_rate" else 0 if check in OF_A_STATION else 1 if numbers[at, name, check][1] else 2,
                -number,
            )
            for at, name, check, number in entries
            if at == station
        ]
        assert ranks == sorted(ranks)
