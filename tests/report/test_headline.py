"""What needs attention, in which order, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from forecast.core.presence import State
from forecast.report.headline import (
    GRACE,
    Assessment,
    RunState,
    Schedule,
    Situation,
    StationState,
    assess,
    missed_runs,
)
from forecast.report.models.status import Attention

DUE = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)
NOW = DUE + timedelta(days=3, hours=5)
NIGHTS = tuple(DUE + timedelta(days=day) for day in range(4))


def run(night: float, status: str = "success", **more: Any) -> RunState:
    """The run of a night, begun five seconds after it was due."""
    started = DUE + timedelta(days=night, seconds=5)
    codes = {"success": 0, "failed": 1, "interrupted": 1, "partial": 3}
    ended = None if status in {"running", "died"} else started + timedelta(minutes=4)
    return RunState(f"r{night:g}", status, started, ended, more.pop("exit_code", codes.get(status)), **more)


def told(*runs: RunState, **more: Any) -> Assessment:
    """What is said of these runs, newest first, of which one was due every night."""
    schedule = Schedule(NIGHTS, DUE + timedelta(days=4))
    return assess(Situation(**{"now": NOW, "runs": runs, "schedule": schedule, **more}))


def messages(assessment: Assessment) -> list[tuple[str, str]]:
    return [(entry.severity, entry.message) for entry in assessment.attention]


def test_if_every_run_succeeded_nothing_needs_attention() -> None:
    found = told(*map(run, (3, 2, 1, 0)))
    assert found == Assessment("All is well: the last run ended at 2026-11-23 03:14 UTC with success", (), ())
    assert not found.needs_attention


def test_without_a_schedule_no_run_is_missing() -> None:
    found = told(run(0), schedule=Schedule())
    assert (found.missed, found.needs_attention) == ((), False)


def test_a_first_run_in_progress_needs_no_attention() -> None:
    found = told(run(3, "running"))
    assert (found.headline, found.needs_attention) == (
        "The first run has been in progress since 2026-11-23 03:10 UTC",
        False,
    )


def test_while_a_run_is_in_progress_the_previous_one_is_described() -> None:
    found = told(run(3, "running"), run(2, "failed", error="S3 is unreachable"), run(1), run(0))
    assert found.headline == "The last run (2026-11-22 03:10 UTC) failed: S3 is unreachable"


def test_a_place_without_any_run_is_not_reported_as_healthy() -> None:
    found = told()
    assert found.needs_attention
    assert found.headline == "No runs were found. Are these the settings of the pipeline?"


@pytest.mark.parametrize(
    ("last", "severity", "message"),
    [
        (
            run(3, "failed", error="no primary"),
            "error",
            "The last run (2026-11-23 03:10 UTC) failed: no primary",
        ),
        (
            run(3, "died"),
            "error",
            ("The last run (2026-11-23 03:10 UTC) did not finish. It was killed, or its machine stopped; run it again"),
        ),
        (
            run(3, "interrupted"),
            "warning",
            "The last run (2026-11-23 03:10 UTC) was interrupted. Run it again",
        ),
        (
            run(3, "partial"),
            "warning",
            "The last run (2026-11-23 03:10 UTC) ended with exit code 3, because data was rejected or unreadable",
        ),
        (
            run(3, "partial", exit_code=1),
            "error",
            "The last run (2026-11-23 03:10 UTC) ended with exit code 1",
        ),
    ],
    ids=lambda value: value.status if isinstance(value, RunState) else None,
)
def test_how_the_last_run_ended_is_reported(last: RunState, severity: str, message: str) -> None:
    found = told(last, *map(run, (2, 1, 0)))
    assert messages(found) == [(severity, message)]
    assert (found.headline, found.needs_attention) == (message, True)


def test_runs_that_fail_one_after_another_are_counted() -> None:
    found = told(run(3, "failed", error="no primary"), run(2, "failed", error="no disk"), run(1), run(0))
    assert found.headline == "The last 2 runs failed, since 2026-11-22 03:10 UTC: no primary"


def test_what_a_partial_run_found_is_reported_instead_of_that_it_was_partial() -> None:
    cause = Attention("warning", "rejected_object", "a.csv was rejected: its day is lost", object="a.csv")
    found = told(run(3, "partial", attention=(cause,)), *map(run, (2, 1, 0)))
    assert found.attention == (cause,)


def test_a_run_that_stopped_because_of_another_is_not_the_last_one() -> None:
    found = told(run(3.01, "failed", turned_away=True), *map(run, (3, 2, 1, 0)))
    assert not found.needs_attention


def test_a_night_on_which_nothing_started_is_named_until_a_second_run_has_started() -> None:
    assert told(run(2), run(1), run(0)).headline == (
        "The run due at 2026-11-23 03:10 UTC did not start. Start it by hand and check the scheduler"
    )
    assert told(run(0)).headline == (
        "No run has started since 2026-11-20 03:10 UTC: 3 were due, the last at 2026-11-23 03:10 UTC. "
        "Start one by hand and check the scheduler"
    )
    caught_up = told(run(3), run(1), run(0))
    assert messages(caught_up) == [
        (
            "warning",
            "The run due at 2026-11-22 03:10 UTC did not start; a later one caught up. Check the scheduler",
        )
    ]
    assert caught_up.missed == (NIGHTS[2],)
    over = told(run(3), run(2), run(0))
    assert (over.missed, over.needs_attention) == ((NIGHTS[1],), False)


def test_a_run_that_stopped_because_of_another_still_counts_as_started() -> None:
    assert missed_runs([run(1, turned_away=True), run(0)], NIGHTS[:2], NOW) == ()


@pytest.mark.parametrize(
    ("minutes", "missed"), [(-2, True), (-0.5, False), (0, False), (59, False), (60, True), (61, True)]
)
def test_a_run_that_starts_within_an_hour_of_a_due_time_counts_for_it(minutes: float, missed: bool) -> None:
    started = NIGHTS[1] + timedelta(minutes=minutes)
    runs = [RunState("r", "success", started), run(0)]
    assert missed_runs(runs, NIGHTS[:2], NOW) == ((NIGHTS[1],) if missed else ())


def test_a_moment_is_not_missed_before_an_hour_has_passed() -> None:
    runs = [run(0)]
    assert missed_runs(runs, NIGHTS[:2], NIGHTS[1] + GRACE - timedelta(seconds=1)) == ()
    assert missed_runs(runs, NIGHTS[:2], NIGHTS[1] + GRACE) == (NIGHTS[1],)


def test_where_runs_are_due_every_ten_minutes_each_has_its_own_time() -> None:
    due = [DUE + timedelta(minutes=10 * number) for number in range(4)]
    runs = [RunState(f"{number}", "success", due[number]) for number in (3, 1, 0)]
    assert missed_runs(runs, due, NOW) == (due[2],)


@given(st.sets(st.integers(0, 30), min_size=1), st.integers(0, 40))
def test_every_night_after_the_first_run_has_a_run_or_is_missed(nights: set[int], until: int) -> None:
    due = [DUE + timedelta(days=day) for day in range(31)]
    now = DUE + timedelta(days=until, hours=2)
    runs = [run(night) for night in sorted(nights, reverse=True) if night <= until]
    missed = missed_runs(runs, due, now)
    expected = set(range(min(nights), min(until, 30) + 1)) - nights if runs else set()
    assert {(moment - DUE).days for moment in missed} == expected


SILENT = (
    StationState("A", "fresh", NOW - timedelta(minutes=10)),
    StationState("B", "silent", NOW - timedelta(hours=50)),
    StationState("C", "never"),
    StationState("D", "late", NOW - timedelta(hours=5)),
    StationState("E", "silent", NOW - timedelta(hours=90)),
)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (("fresh", "late", "undelivered"), None),
        (("silent", "fresh"), "1 of 2 stations is silent"),
        (("silent", "never", "undelivered"), "2 of 2 stations are silent"),
    ],
)
def test_without_a_maximum_age_silent_stations_are_not_a_warning_but_are_mentioned(
    states: tuple[State, ...], words: str | None
) -> None:
    found = told(*map(run, (3, 2, 1, 0)), stations=tuple(StationState(str(n), one) for n, one in enumerate(states)))
    assert not found.needs_attention
    ended = "he last run ended at 2026-11-23 03:14 UTC with success"
    assert found.headline == (f"T{ended}; {words}" if words else f"All is well: t{ended}")


def test_silent_stations_are_named_longest_first_where_an_age_is_set() -> None:
    found = told(*map(run, (3, 2, 1, 0)), stations=SILENT, max_age_hours=36.0)
    assert [(entry.station, entry.severity, entry.message) for entry in found.attention] == [
        ("E", "warning", "Station E is silent: its newest observation is from 2026-11-19 14:10 UTC, 90 hours ago"),
        ("B", "warning", "Station B is silent: its newest observation is from 2026-11-21 06:10 UTC, 50 hours ago"),
        ("C", "warning", "Station C has never sent an observation"),
        ("D", "info", "Station D is late: its newest observation is from 2026-11-23 03:10 UTC"),
    ]
    unlimited = told(*map(run, (3, 2, 1, 0)), stations=SILENT)
    assert [(entry.kind, entry.station) for entry in unlimited.attention] == [("late_station", "D")]
    assert not unlimited.needs_attention


def test_if_no_station_sends_there_is_one_cause() -> None:
    silent = tuple(one for one in SILENT if one.state in {"silent", "never"})
    found = told(*map(run, (3, 2, 1, 0)), stations=silent, max_age_hours=36.0)
    assert found.headline == "All 3 stations are silent: the newest observation is from 2026-11-21 06:10 UTC"
    assert len(found.attention) == 1
    none = told(*map(run, (3, 2, 1, 0)), stations=(StationState("A", "never"), SILENT[2]), max_age_hours=36.0)
    assert none.headline == "All 2 stations are silent: there is no observation"


def test_the_cause_comes_before_its_effects_and_what_is_severe_before_what_is_not() -> None:
    fault = Attention("error", "reports_unreachable", "MongoDB is unreachable")
    found = Attention("error", "rejected_object", "a.csv was rejected", object="a.csv")
    remark = Attention("info", "unknown_columns", "a column may have a new name")
    old = Attention("warning", "silent_station", "B is silent, the run said", station="B")
    last = run(2, "failed", error="no primary", attention=(remark, old, found))
    assessment = told(last, run(1), run(0), stations=SILENT[:2], max_age_hours=36.0, faults=(fault,))
    assert [entry.kind for entry in assessment.attention] == [
        "reports_unreachable",
        "missed_run",
        "run_failed",
        "rejected_object",
        "silent_station",
        "unknown_columns",
    ]
    assert assessment.headline == "MongoDB is unreachable"


def test_a_remark_needs_no_attention() -> None:
    remark = Attention("info", "unknown_columns", "a column may have a new name")
    found = told(run(3, attention=(remark,)), *map(run, (2, 1, 0)))
    assert (found.attention, found.needs_attention) == ((remark,), False)
    assert found.headline.startswith("All is well")


def biased(station: str = "A", parameter: str | None = "air_pressure") -> Attention:
    return Attention("warning", "station_fault", f"station {station} is biased", station=station, parameter=parameter)


def nightly(nights: int, *, without: frozenset[int] = frozenset()) -> list[RunState]:
    """Runs of so many nights, newest first, each of which tells of a bias, but for some."""
    return [run(night, attention=() if night in without else (biased(),)) for night in range(nights - 1, -1, -1)]


@pytest.mark.parametrize(("nights", "is_known"), [(1, False), (7, False), (8, True), (30, True)])
def test_a_fault_of_a_station_that_has_been_reported_for_a_week_is_a_remark(nights: int, is_known: bool) -> None:
    found = told(*nightly(nights), schedule=Schedule())
    assert found.needs_attention is not is_known
    known = "info", "station A is biased (known since 2026-11-20)"
    assert messages(found) == [known if is_known else ("warning", "station A is biased")]
    assert found.headline.startswith("All is well" if is_known else "station A is biased")


def test_findings_of_a_run_that_checked_nothing_are_reported_once() -> None:
    """A run that reprocesses equal rows checks no document, and still finds what their flags say."""
    before = run(2, attention=(biased(), biased("B")))
    found = told(run(3, attention=(biased(),), checked=False), before, schedule=Schedule())
    assert messages(found) == [("warning", "station A is biased"), ("warning", "station B is biased")]


def test_runs_without_new_data_or_that_failed_do_not_make_a_known_fault_new() -> None:
    runs = nightly(10, without=frozenset({4, 5}))
    runs[5] = run(4, "failed", error="no primary")
    assert not told(*runs, schedule=Schedule()).needs_attention


def test_a_run_without_new_data_does_not_end_what_the_one_before_it_found() -> None:
    found = run(1, attention=(biased(), Attention("warning", "rejected_object", "a.csv: Its day is lost.")))

    def after(night: float, *, checked: bool) -> list[tuple[str, str]]:
        return messages(told(run(night, checked=checked), found, schedule=Schedule()))

    assert after(1.5, checked=False) == [("warning", biased().message)]
    assert after(1.5, checked=True) == []
    # What was found four days ago says nothing of today.
    assert after(5, checked=False) == []


def test_a_fault_that_was_over_for_more_than_three_days_is_reported_again() -> None:
    over = told(*nightly(12, without=frozenset({4, 5, 6})), schedule=Schedule())
    assert messages(over) == [("warning", "station A is biased")]


def test_flags_of_single_values_do_not_make_a_later_sensor_fault_known() -> None:
    stuck = Attention("warning", "failed_values", "A is stuck", station="A", parameter="wind_speed")
    single = structs.replace(stuck, severity="info")
    runs = [run(8, attention=(stuck,)), *(run(night, attention=(single,)) for night in range(7, -1, -1))]
    assert messages(told(*runs, schedule=Schedule())) == [("warning", "A is stuck")]
    runs = [run(night, attention=(stuck,)) for night in range(8, -1, -1)]
    assert not told(*runs, schedule=Schedule()).needs_attention


def test_another_parameter_or_another_station_is_another_fault() -> None:
    for other in (biased("B"), biased(parameter="air_temperature"), biased(parameter=None)):
        runs = [run(8, attention=(other,)), *nightly(8)]
        assert [severity for severity, _ in messages(told(*runs, schedule=Schedule()))] == ["warning"]


def test_other_warnings_are_never_known() -> None:
    removed = Attention("warning", "values_removed", "values were removed", station="A")
    runs = [run(night, attention=(removed,)) for night in range(20, -1, -1)]
    assert told(*runs, schedule=Schedule()).needs_attention
