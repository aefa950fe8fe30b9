"""What the checks found, in exact numbers: counts, the worst episodes, completeness by day, and words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT
from forecast.qc.registry import CHECKS
from forecast.qc.results import QcResults
from forecast.report.advice import advice, warnings
from forecast.report.episodes import MAX_EPISODES
from forecast.report.findings import Findings
from forecast.report.models.quality import Advice, CheckCounts, Completeness, ParameterFlags
from forecast.report.write import as_data
from tests.networks import DAY, START_MS, hours, series, station

AIR, WIND = "air_temperature", "wind_speed"
A = station("A", parameters=(AIR, WIND), interval_minutes=60)
LATER = datetime(2026, 1, 1, tzinfo=UTC)
ALL_DAYS = set(range(DAY, DAY + 10))


def results(codes: str, check: str = "spike", name: str = AIR, at: Any = A, start: int = START_MS) -> QcResults:
    """One value an hour, 0.5, 1.5 and so on, and the flag of each by one check."""
    values = [None if code == str(MISSING) else number + 0.5 for number, code in enumerate(codes)]
    made = QcResults(series(at, hours(len(codes), start), **{name: values}))
    made.add(check, name, np.array([int(code) for code in codes], dtype=np.uint8))
    return made


def heard(*all_results: QcResults, days: set[int] | None = None) -> Findings:
    findings = Findings()
    for one in all_results:
        findings.observe(one, {one.series.stations[0].id: ALL_DAYS if days is None else days})
    return findings


def worst(findings: Findings) -> list[dict[str, Any]]:
    return [as_data(episode.entry()) for episode in findings.worst]


def spans(findings: Findings) -> list[tuple[str, int, int]]:
    """Each episode: its first hour, how many values and the flag."""
    return [(one["from"][11:13], one["count"], one["flag"]) for one in worst(findings)]


# Counts


def test_each_check_counts_what_it_could_evaluate_and_what_it_flagged() -> None:
    findings = heard(results("11334129"))
    numbers = findings.by_check()
    assert list(numbers) == list(CHECKS)
    assert numbers["spike"] == CheckCounts(6, 2, 1)
    assert numbers["rate_of_change"] == CheckCounts(0, 0, 0)
    assert findings.by_station() == {
        "A": {
            AIR: ParameterFlags(values=7, suspect=2, failed=1, checks={"spike": CheckCounts(6, 2, 1)}),
        }
    }
    assert (findings.anomalies, findings.flagged_by_station()["A"], findings.flagged_by_parameter()[AIR]) == (3, 3, 3)
    assert (findings.flagged_by_station()["B"], findings.flagged_by_parameter()[WIND]) == (0, 0)


def test_a_value_flagged_by_two_checks_is_one_value() -> None:
    made = results("3311")
    made.add("rate_of_change", AIR, np.array([GOOD, SUSPECT, SUSPECT, FAIL], dtype=np.uint8))
    findings = heard(made)
    assert findings.anomalies == 4
    assert findings.by_check()["spike"] == CheckCounts(4, 2, 0)
    assert findings.by_check()["rate_of_change"] == CheckCounts(4, 2, 1)
    entry = findings.by_station()["A"][AIR]
    assert (entry.values, entry.suspect, entry.failed) == (4, 3, 1)
    assert list(entry.checks) == ["spike", "rate_of_change"]


def test_a_check_that_flagged_nothing_is_not_listed_for_the_station() -> None:
    findings = heard(results("1111"))
    assert findings.by_station() == {"A": {AIR: ParameterFlags(4, 0, 0, {})}}
    assert (worst(findings), advice(findings)) == ([], [])


def test_only_the_changed_days_are_counted() -> None:
    """The days around were read to evaluate them."""
    findings = heard(results("3" * 24 + "1" * 20 + "3344" + "3" * 24), days={DAY + 1})
    assert findings.by_check()["spike"] == CheckCounts(24, 2, 2)
    assert findings.evaluated_days == {("A", DAY + 1)}
    assert findings.by_station()["A"][AIR].values == 24
    assert [(one["from"], one["to"]) for one in worst(findings)] == [("2024-10-02T20:00:00Z", "2024-10-02T23:00:00Z")]


def test_stations_and_parameters_are_distinguished_in_their_order() -> None:
    other = station("B", 10, parameters=(WIND,))
    both = QcResults(series(A, hours(2), **{AIR: [0.5, 1.5], WIND: [0.5, 1.5]}))
    both.add("rate_of_change", WIND, np.array([FAIL, SUSPECT], dtype=np.uint8))
    both.add("spike", AIR, np.array([GOOD, GOOD], dtype=np.uint8))
    findings = heard(results("13", "rate_of_change", WIND, other), both)
    assert [(name, list(entry)) for name, entry in findings.by_station().items()] == [("A", [AIR, WIND]), ("B", [WIND])]
    assert findings.by_station()["A"][WIND].checks == {"rate_of_change": CheckCounts(2, 1, 1)}
    assert findings.by_check()["rate_of_change"] == CheckCounts(4, 2, 1)
    assert (findings.flagged_by_station()["A"], findings.flagged_by_station()["B"]) == (2, 1)


def test_windows_add_up_to_the_same_findings() -> None:
    codes = "3" * 6 + "1" * 18 + "4" * 4 + "1" * 20
    whole, parts = heard(results(codes)), heard(results(codes), days={DAY})
    parts.observe(results(codes), {"A": {DAY + 1}})
    assert parts.by_check() == whole.by_check()
    assert parts.by_station() == whole.by_station()
    assert parts.completeness(LATER) == whole.completeness(LATER)
    assert worst(parts) == worst(whole)
    assert parts.evaluated_days == whole.evaluated_days == {("A", DAY), ("A", DAY + 1)}


def test_a_day_that_is_evaluated_once_more_counts_once() -> None:
    """Where another writer changed it meanwhile: what that one brought is its own to tell."""
    findings = heard(results("1134"))
    once = findings.by_check(), findings.by_station(), findings.completeness(LATER), worst(findings)
    findings.observe(results("11343"), {"A": ALL_DAYS})
    assert (findings.by_check(), findings.by_station(), findings.completeness(LATER), worst(findings)) == once


# Flags of documents that were not evaluated now


def test_stored_flags_are_reported_without_a_share_of_evaluated_values() -> None:
    """How many values those days have is not known: 5 of them can be more than all that were evaluated now."""
    findings = heard(results("11113"))
    findings.add_stored("A", AIR, FAIL, 5, {"rate_of_change": 5, "spike": 5})
    findings.add_stored("A", WIND, SUSPECT, 5, {"stuck": 5})
    assert findings.by_check()["spike"] == CheckCounts(5, 1, 0)
    assert findings.by_check()["rate_of_change"] == CheckCounts(0, 0, 0)
    entry = findings.by_station()["A"][AIR]
    assert (entry.values, entry.suspect, entry.failed) == (5, 1, 0)
    assert (findings.anomalies, findings.flagged_by_parameter()[AIR], findings.flagged_by_station()["A"]) == (11, 6, 11)
    assert findings.evaluated_days == {("A", DAY)}
    assert {(entry.parameter, entry.check, entry.count, entry.share) for entry in advice(findings)} == {
        (AIR, "spike", 6, None),
        (AIR, "rate_of_change", 5, None),
        (WIND, "stuck", 5, None),
    }


# Episodes


def test_flagged_values_one_after_another_are_one_episode() -> None:
    made = results("1334313311")
    made.add("rate_of_change", AIR, np.array([1, 1, 3, 1, 1, 1, 1, 1, 1, 1], dtype=np.uint8))
    assert worst(heard(made)) == [
        {
            "station": "A",
            "parameter": AIR,
            "from": "2024-10-01T01:00:00Z",
            "to": "2024-10-01T04:00:00Z",
            "checks": ["spike", "rate_of_change"],
            "flag": 4,
            "count": 4,
            "min": 1.5,
            "max": 4.5,
            "values": [1.5, 2.5, 3.5, 4.5],
        },
        {
            "station": "A",
            "parameter": AIR,
            "from": "2024-10-01T06:00:00Z",
            "to": "2024-10-01T07:00:00Z",
            "checks": ["spike"],
            "flag": 3,
            "count": 2,
            "min": 6.5,
            "max": 7.5,
            "values": [6.5, 7.5],
        },
    ]


def test_a_good_value_ends_an_episode_and_a_missing_one_does_not() -> None:
    assert spans(heard(results("3393339133"))) == [("00", 5, 3), ("08", 2, 3)]


def test_an_unchanged_good_day_ends_an_episode_too() -> None:
    codes = "1" * 22 + "33" + "1" * 24 + "33" + "1" * 22
    found = worst(heard(results(codes), days={DAY, DAY + 2}))
    assert [(one["from"], one["to"]) for one in found] == [
        ("2024-10-03T00:00:00Z", "2024-10-03T01:00:00Z"),
        ("2024-10-01T22:00:00Z", "2024-10-01T23:00:00Z"),
    ]


def test_a_failed_value_weighs_as_much_as_three_suspect_ones() -> None:
    assert spans(heard(results("3333144144413"))) == [("08", 3, 4), ("05", 2, 4), ("00", 4, 3), ("12", 1, 3)]


def test_the_ten_worst_of_all_stations_are_reported() -> None:
    assert MAX_EPISODES == 10
    codes = "1".join("3" * length for length in range(1, 13))
    other = results("3" * 20, "rate_of_change", WIND, station("B", 10))
    found = worst(heard(results(codes), other))
    assert [(one["station"], one["count"]) for one in found] == [
        ("B", 20),
        *(("A", length) for length in range(12, 3, -1)),
    ]
    assert found[0]["values"] == [0.5, 1.5, 2.5, 3.5, 4.5]


# Completeness


def test_completeness_is_received_against_expected_by_day() -> None:
    made = results("1" * 24 + "1119" + "1" * 14)
    assert heard(made).completeness(LATER) == {
        "A": Completeness(
            interval_minutes=60,
            days=["2024-10-01", "2024-10-02"],
            expected=[24, 24],
            received={AIR: [24, 17], WIND: [0, 0]},
            share={AIR: round(41 / 48, 6), WIND: 0.0},
        )
    }


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2024, 10, 2, 0, 0, tzinfo=UTC), 24),
        (datetime(2024, 10, 1, 12, 59, tzinfo=UTC), 12),
        (datetime(2024, 10, 1, 0, 0, tzinfo=UTC), 0),
        (datetime(2024, 9, 1, tzinfo=UTC), 0),
    ],
    ids=["over", "goes on", "begins", "to come"],
)
def test_the_current_day_counts_up_to_now(now: datetime, expected: int) -> None:
    made = heard(results("1" * 6)).completeness(now)["A"]
    assert made.expected == [expected]
    assert made.share[AIR] == (min(1.0, 6 / expected) if expected else 0.0)


def test_more_than_expected_is_complete() -> None:
    at = station("A", parameters=(AIR,), interval_minutes=120)
    found = heard(results("1" * 24, at=at)).completeness(LATER)["A"]
    assert (found.expected, found.received, found.share) == ([12], {AIR: [24]}, {AIR: 1.0})


# Words


def test_advice_is_text_ordered_by_the_number_of_values() -> None:
    made = results("33" + "1" * 6)
    made.add("rate_of_change", AIR, np.array([1, 1, 3, 3, 4, 1, 1, 1], dtype=np.uint8))
    assert advice(heard(made)) == [
        Advice("A", AIR, "rate_of_change", count=3, share=0.375, message=CHECKS["rate_of_change"].advice),
        Advice("A", AIR, "spike", count=2, share=0.25, message=CHECKS["spike"].advice),
    ]


def test_the_first_twenty_recommendations_are_reported() -> None:
    findings = Findings()
    for number in range(25):
        findings.add_stored(f"S{number:02}", AIR, SUSPECT, number + 1, {"rate_of_change": number + 1})
    assert [entry.station for entry in advice(findings)] == [f"S{number:02}" for number in range(24, 4, -1)]


@pytest.mark.parametrize(("off", "words"), [(-7.66, "7.7 hPa below its neighbours; "), (3.0, "3.0 hPa above its ")])
def test_advice_says_how_far_a_station_differs_from_its_neighbours(off: float, words: str) -> None:
    """The median over what is suspect of it; the values of other days have no share in it."""
    name = "air_pressure_at_mean_sea_level"
    made = QcResults(series(A, hours(8), **{name: [1013 + off + n / 100 for n in (-1, 0, 1, 0, 0, 50, 60, 70)]}))
    made.medians[name] = np.full(8, 1013.0)
    made.add("bias", name, np.array([SUSPECT] * 5 + [GOOD] * 3, dtype=np.uint8))
    (told,) = advice(heard(made))
    assert (told.check, told.count, told.share) == ("bias", 5, 0.625)
    assert told.message.startswith(words)
    assert told.message.endswith(CHECKS["bias"].advice)


def test_a_fault_of_a_whole_station_causes_a_warning() -> None:
    """Once a station and parameter; of a clock once a station, whose every value it makes suspect."""
    pressure = "air_pressure_at_mean_sea_level"
    off = QcResults(series(A, hours(4), **{pressure: [1005.4, 1005.3, 1005.3, 1005.2]}))
    off.medians[pressure] = np.full(4, 1013.0)
    off.add("bias", pressure, np.full(4, SUSPECT, dtype=np.uint8))
    late = QcResults(series(station("B", 10), hours(2), **{AIR: [1, 2], WIND: [1, 2]}))
    for name in (AIR, WIND):
        late.add("clock_offset", name, np.full(2, SUSPECT, dtype=np.uint8))
    still = results("33", "stuck", at=station("C", 20))
    sound = results("1133", "buddy_check", at=station("D", 30))
    assert list(warnings(heard(sound, still, late, off))) == [
        (
            (
                f"A {pressure} is 7.7 hPa below its neighbours: is its calibration or its altitude wrong, or is a file "
                "of another station in its folder?"
            ),
            {"station": "A", "check": "bias", "parameter": pressure},
        ),
        (
            (
                "B matches its neighbours when shifted by hours: is its clock or its time zone wrong, or is a file of "
                "another station in its folder?"
            ),
            {"station": "B", "check": "clock_offset"},
        ),
        (
            f"C {AIR} does not change on a day when its neighbours do: is the sensor stuck or sheltered?",
            {"station": "C", "check": "stuck", "parameter": AIR},
        ),
    ]


def test_expected_days_count_even_without_observations() -> None:
    findings = Findings()
    for one in (A, station("B", 10, parameters=(WIND,))):
        findings.expect(one, [DAY, DAY + 1])
    findings.observe(results("1" * 12, start=START_MS + 24 * 3_600_000), {"A": {DAY + 1}})
    found = findings.completeness(LATER)
    assert found["A"].days == found["B"].days == ["2024-10-01", "2024-10-02"]
    assert (found["A"].expected, found["A"].received) == ([24, 24], {AIR: [0, 12], WIND: [0, 0]})
    assert (found["A"].share, found["B"].share) == ({AIR: 0.25, WIND: 0.0}, {WIND: 0.0})
    assert findings.evaluated_days == {("A", DAY + 1)}


def test_without_results_there_are_no_findings() -> None:
    findings = heard(results("13"), days=set())
    assert (findings.anomalies, findings.evaluated_days, worst(findings), advice(findings)) == (0, set(), [], [])
    assert list(findings.by_check().values()) == [CheckCounts(0, 0, 0)] * len(CHECKS)
    assert NOT_EVALUATED == 2
