"""What needs attention after a run: in words, most important first, one entry a station and cause."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.counts import ObjectCounts, QualityTally
from forecast.core.reading import RenamedParameter, UnknownColumns, UnreadParameter
from forecast.core.removals import Removed
from forecast.qc.registry import CHECKS
from forecast.report.attention import MAX_ATTENTION, RunLimits, attention
from forecast.report.findings import Findings
from forecast.report.models.status import Attention, AttentionKind, PreviousRun, Severity
from forecast.report.silence import Seen
from forecast.report.status import RunProgress

AIR, WIND, PRESSURE = "air_temperature", "wind_speed", "air_pressure_at_mean_sea_level"
UNREAD = UnreadParameter("relative_humidity", "Humidity", 288, "89", "row 1", "a number without a unit")
RENAMED = RenamedParameter(AIR, ("Air Temp",))


def told(
    *objects: ObjectCounts,
    progress: RunProgress | None = None,
    reasons: dict[str, int] | None = None,
    findings: Findings | None = None,
    removed: dict[Removed, int] | None = None,
    max_age_hours: float | None = None,
) -> list[Attention]:
    tally = QualityTally()
    tally.reasons.update(reasons or {})
    limits = RunLimits(0.05, max_age_hours)
    return attention(progress or RunProgress(), objects, tally, findings or Findings(), removed or {}, limits)


def rejected(key: str, code: str = "no_day", **more: Any) -> ObjectCounts:
    return ObjectCounts(key, f"s3://b/{key}", "rejected", error_code=code, error="The table's day is lost.", **more)


def loaded(key: str, **more: Any) -> ObjectCounts:
    return ObjectCounts(key, f"s3://b/{key}", "loaded", **more)


def flagged(
    suspect: dict[tuple[str, str, str], int], failed: dict[tuple[str, str, str], int] | None = None
) -> Findings:
    return Findings(suspect=Counter(suspect), failed=Counter(failed or {}))


def test_a_run_without_anything_unusual_needs_no_attention() -> None:
    assert told(loaded("a", rows_read=1, records_validated=1)) == []


def test_an_object_is_named_and_many_of_one_code_are_one_entry() -> None:
    assert told(rejected("a.csv")) == [
        Attention("warning", "rejected_object", "a.csv: The table's day is lost.", object="a.csv")
    ]
    failed = ObjectCounts("d", "s3://b/d", "failed", error_code="access_denied", error="Access is denied.")
    others = [rejected("b", "not_data"), rejected("c", known=True)]
    assert told(rejected("a1"), rejected("a2"), failed, *others) == [
        Attention("error", "failed_object", "d: Access is denied.", object="d"),
        Attention("warning", "rejected_object", "2 objects rejected (no_day), such as a1: The table's day is lost."),
        Attention("warning", "rejected_object", "b: The table's day is lost.", object="b"),
        Attention("info", "known_rejected_object", "rejected before: c: The table's day is lost.", object="c"),
    ]


def test_unreadable_cells_are_one_entry_per_parameter() -> None:
    unknown = UnknownColumns(("Air Temp", "pm25"), 3)
    first = loaded("a", unread_parameters=[UNREAD], renamed_parameters=[RENAMED], unknown_columns=unknown)
    second = loaded("b", unread_parameters=[UNREAD])
    assert told(first, second) == [
        Attention("warning", "renamed_parameter", f"a: {RENAMED.words}", parameter=AIR, object="a"),
        Attention(
            "warning", "unread_parameter", f"2 objects, such as a: {UNREAD.words}", parameter="relative_humidity"
        ),
        Attention("info", "unknown_columns", "a has unknown columns: 'Air Temp', 'pm25' and 3 more"),
    ]


def test_quarantined_rows_are_a_warning_where_they_are_too_many_or_not_delivered_at_all() -> None:
    few = loaded("a", rows_read=100, records_validated=95, records_rejected=5)
    many = loaded("a", rows_read=100, records_validated=94, records_rejected=6)
    lost = loaded("a", rows_read=100, records_validated=99, records_rejected=1, records_not_delivered=1)
    words = "5 of 100 rows (5.00%) were quarantined: unknown_station (4), no_time (1)"
    assert told(few, reasons={"no_time": 1, "unknown_station": 4}) == [Attention("info", "quarantined_rows", words)]
    assert [entry.severity for entry in (*told(many), *told(lost))] == ["warning", "warning"]


def test_removed_values_are_one_entry_per_station() -> None:
    removed = {Removed("A", AIR, "u"): 2, Removed("A", WIND, "v"): 3, Removed("B", AIR, "u"): 9}
    assert [(entry.station, entry.message) for entry in told(removed=removed)] == [
        ("B", "Station B: 9 stored values were replaced by records that lack them (air_temperature)"),
        ("A", "Station A: 5 stored values were replaced by records that lack them (wind_speed, air_temperature)"),
    ]
    assert {entry.severity for entry in told(removed=removed)} == {"warning"}


def test_findings_are_one_entry_per_station_and_check_and_their_consequences_none() -> None:
    suspect = {
        ("A", AIR, "rate_of_change"): 4,
        ("A", WIND, "rate_of_change"): 6,
        ("A", WIND, "flag_rate"): 90,
        ("B", PRESSURE, "bias"): 10,
        ("C", WIND, "flag_rate"): 7,
    }
    found = told(findings=flagged(suspect, {("A", AIR, "spike"): 1}))
    assert [(one.severity, one.kind, one.station, one.parameter) for one in found] == [
        ("warning", "station_fault", "B", PRESSURE),
        ("info", "failed_values", "A", AIR),
        ("info", "suspect_values", "A", None),
        ("info", "suspect_values", "C", WIND),
    ]
    assert found[2].message == (
        f"Station A, wind_speed, air_temperature: {CHECKS['rate_of_change'].advice} (10 values, rate_of_change)"
    )


@pytest.mark.parametrize(("flagged_values", "severity"), [(5, "info"), (6, "warning")])
def test_a_check_that_flags_more_than_a_twentieth_of_the_values_is_a_warning(
    flagged_values: int, severity: str
) -> None:
    findings = flagged({}, {("A", AIR, "persistence"): flagged_values})
    findings.values["A", AIR] = 100
    assert [(one.severity, one.kind) for one in told(findings=findings)] == [(severity, "failed_values")]


def test_silent_stations_are_reported_only_if_a_maximum_age_is_set() -> None:
    progress = RunProgress(
        seen={"A": Seen("A", 1_727_744_340_000, 50.0, "silent"), "B": Seen("B", None, None, "fresh")}
    )
    assert told(progress=progress) == []
    words = "Station A is silent: its newest observation is from 2024-10-01 00:59 UTC, 50 hours ago"
    assert told(progress=progress, max_age_hours=36) == [
        Attention("warning", "silent_station", f"{words} (MAX_DATA_AGE_HOURS is 36)", station="A")
    ]


def test_faults_of_the_run_come_first() -> None:
    died = PreviousRun("r0", "died", exit_code=None, started_at="2026-11-22T10:00:00Z", finished_at=None)
    progress = RunProgress(previous_run=died)
    progress.add_error("RetryableError", "no primary was found")
    progress.add_error("no_day", "The day is lost.", "a.csv")
    assert told(rejected("a.csv"), progress=progress) == [
        Attention("error", "run_error", "no primary was found"),
        Attention("warning", "rejected_object", "a.csv: The table's day is lost.", object="a.csv"),
        Attention("info", "previous_run_died", "run r0, started 2026-11-22T10:00:00Z, did not finish"),
    ]
    stopped = RunProgress()
    stopped.add_error("InterruptedRunError", "interrupted")
    assert told(progress=stopped) == [Attention("warning", "run_error", "interrupted")]


def test_records_withdrawn_are_a_remark() -> None:
    words = "5 observations that earlier versions of objects gave are no longer in the processed zone"
    assert told(loaded("a", records_withdrawn=2), loaded("b", records_withdrawn=3)) == [
        Attention("info", "records_withdrawn", f"{words}; the database keeps them")
    ]


def test_beyond_a_limit_the_rest_is_counted() -> None:
    removed = {Removed(f"S{number:04}", AIR, "u"): 1 for number in range(MAX_ATTENTION + 7)}
    found = told(removed=removed)
    assert len(found) == MAX_ATTENTION + 1
    assert found[-1] == Attention(
        "warning", "more", "and 7 more, from values_removed on: see the quality report and the log"
    )


@given(
    st.lists(st.sampled_from(["no_day", "not_data", "bad_envelope"]), max_size=6),
    st.dictionaries(st.tuples(st.sampled_from("AB"), st.sampled_from([AIR, WIND])), st.integers(1, 9)),
)
def test_entries_are_ordered_by_severity_then_by_cause(codes: list[str], values: dict[tuple[str, str], int]) -> None:
    objects = [rejected(f"k{number}", code) for number, code in enumerate(codes)]
    findings = flagged({(station, name, "rate_of_change"): number for (station, name), number in values.items()})
    found = told(*objects, findings=findings, removed={Removed(*key, "u"): number for key, number in values.items()})
    ranks = [(get_args(Severity).index(entry.severity), get_args(AttentionKind).index(entry.kind)) for entry in found]
    assert ranks == sorted(ranks)
    assert len(found) == len(set(codes)) + 2 * len({station for station, _ in values})


def test_rows_that_a_response_counts_and_does_not_have_are_a_warning() -> None:
    words = "lacks rows that the response counts (9): are they in objects with its other pages?"
    assert told(loaded("a", rows_missing=9), loaded("b")) == [
        Attention("warning", "missing_rows", f"a {words}", object="a")
    ]
    (both,) = told(loaded("a", rows_missing=9), loaded("b", rows_missing=1_000))
    assert both.message.startswith("2 objects, such as a, lack rows that the response counts (1,009)")


def test_columns_that_objects_lack_are_a_remark_unless_they_may_have_been_renamed() -> None:
    lacks = {"columns_missing": (AIR, WIND)}
    words = f"no column of parameters that the stations report: {AIR}, {WIND}"
    assert told(loaded("a", **lacks)) == [Attention("info", "missing_columns", f"a has {words}", object="a")]
    assert told(loaded("a", **lacks), loaded("b", **lacks)) == [
        Attention("info", "missing_columns", f"2 objects, such as a, have {words}")
    ]
    renamed = told(loaded("a", renamed_parameters=[RENAMED], **lacks))
    assert [entry.kind for entry in renamed] == ["renamed_parameter"]
