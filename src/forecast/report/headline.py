"""Decides what needs attention now, most important first; the first entry is the headline.

A pure function of known runs, station states and the schedule, so `forecast status` and the dashboard agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile, zip_longest
from typing import Final, get_args

from msgspec import structs

from forecast.core.clock import minute
from forecast.core.errors import ObjectRejectedError
from forecast.core.presence import State
from forecast.report.models.slo import ErrorBudget
from forecast.report.models.status import Attention, AttentionKind, Severity
from forecast.report.silence import silent_message

# A run is on time if it starts within this time after it was due. EventBridge drops a scheduled task after
# an hour (maximum_event_age_in_seconds in terraform/modules/schedule).
GRACE: Final = timedelta(hours=1)
# The scheduler's clock may be slightly ahead of the one that the run uses.
_EARLY: Final = timedelta(minutes=1)
# A biased sensor stays biased for months, and nobody would notice an exit code of 3 any more if it came every day.
_KNOWN_AFTER: Final = timedelta(days=7)
_OVER_AFTER: Final = timedelta(days=3)
_SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_KINDS: Final[tuple[AttentionKind, ...]] = get_args(AttentionKind)
# Silent stations are reported as of now, and the end of the run separately.
_TOLD_ANEW: Final = frozenset({"silent_station", "missed_run", "run_error"})
# Findings of a run's checks at a station.
QC_KINDS: Final = frozenset({"station_fault", "failed_values", "suspect_values"})
# Severity and kind, the texts for one run and for several, and what to do if no error says so.
_BAD_ENDS: Final[Mapping[str, tuple[Severity, AttentionKind, str, str, str]]] = {
    "failed": ("error", "run_failed", "failed", "failed", ""),
    "died": (
        "error",
        "run_died",
        "did not finish",
        "did not finish",
        ". It was killed, or its machine stopped; run it again",
    ),
    "interrupted": ("warning", "run_interrupted", "was interrupted", "were interrupted", ". Run it again"),
}


@dataclass(frozen=True, slots=True)
class RunState:
    """A run: its status ("running", "success", "partial", "failed", "interrupted" or "died") and what it found.

    `error` is the message of the fault that ended it. A run that was `turned_away` found another one active and did
    nothing. `newest_age_hours` is the age of the newest of all observations at that time. `checked` is whether the
    checks evaluated any document: a run without new data does not, so it finds nothing wrong.
    """

    run_id: str
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int | None = None
    error: str | None = None
    attention: tuple[Attention, ...] = ()
    turned_away: bool = False
    newest_age_hours: float | None = None
    checked: bool = True


@dataclass(frozen=True, slots=True)
class StationState:
    """A station, the time of its newest observation, and since when it has been in its state (None: unknown)."""

    station: str
    state: State
    last: datetime | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When runs were due up to now, oldest first, and when the next one is due; empty without a schedule."""

    due: tuple[datetime, ...] = ()
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that is known; `runs` are newest first. `faults` say what could not be read.

    `objectives` are those that the newest measurements missed. If `max_age_hours` is None, nothing warns about silent
    stations.
    """

    now: datetime
    runs: tuple[RunState, ...] = ()
    stations: tuple[StationState, ...] = ()
    schedule: Schedule = Schedule()
    max_age_hours: float | None = None
    faults: tuple[Attention, ...] = ()
    budgets: tuple[ErrorBudget, ...] = ()
    objectives: tuple[Attention, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What to report: the headline, what needs attention (most important first), and the due times without a run."""

    headline: str
    attention: tuple[Attention, ...]
    missed: tuple[datetime, ...]

    @property
    def needs_attention(self) -> bool:
        """Whether any entry is more than a remark."""
        return any(entry.severity != "info" for entry in self.attention)


def assess(situation: Situation) -> Assessment:
    """Decide what needs attention: more severe entries first; at equal severity, causes before their effects.

    This is the order of `AttentionKind`. If runs fail or do not start, late stations are not reported.
    """
    missed = missed_runs(situation.runs, situation.schedule.due, situation.now)
    causes = [
        *situation.faults,
        *_missing_since(situation.runs, missed),
        *_last_run(situation.runs),
        *_missed_before(situation.runs, missed),
        *_silent(situation),
        *_spent(situation.budgets),
        *situation.objectives,
    ]
    if not any(entry.severity == "error" for entry in causes):
        causes += _late(situation.stations)
    ordered = tuple(sorted(causes, key=lambda one: (_SEVERITIES.index(one.severity), _KINDS.index(one.kind))))
    first = next((entry.message for entry in ordered if entry.severity != "info"), None)
    return Assessment(first or _all_is_well(situation), ordered, missed)


def missed_runs(runs: Sequence[RunState], due: Sequence[datetime], now: datetime) -> tuple[datetime, ...]:
    """The due times for which no run started within GRACE, or before the next due time.

    Times before the first known run do not count, and neither does one that is still within GRACE.
    """
    if not runs:
        return ()
    starts = [run.started_at for run in runs]
    missed = []
    for moment, following in zip_longest(due, due[1:]):
        end = moment + GRACE if following is None else min(moment + GRACE, following - _EARLY)
        started = any(moment - _EARLY <= start < end for start in starts)
        if min(starts) < moment and end <= now and not started:
            missed.append(moment)
    return tuple(missed)


def settled(runs: Sequence[RunState]) -> list[RunState]:
    """The runs that have ended, newest first, without those that another run turned away."""
    return [run for run in runs if run.status != "running" and not run.turned_away]


def _missing_since(runs: Sequence[RunState], missed: Sequence[datetime]) -> Iterator[Attention]:
    """The runs that should have started since the newest one."""
    missing = [moment for moment in missed if moment > runs[0].started_at]
    if len(missing) == 1:
        message = f"The run due at {minute(missing[0])} did not start. Start it by hand and check the scheduler"
        yield Attention("error", "missed_run", message)
    elif missing:
        words = f"No run has started since {minute(runs[0].started_at)}: {len(missing)} were due, the last at "
        message = f"{words}{minute(missing[-1])}. Start one by hand and check the scheduler"
        yield Attention("error", "missed_run", message)


def _missed_before(runs: Sequence[RunState], missed: Sequence[datetime]) -> Iterator[Attention]:
    """The runs that should have started between the newest two that did; what came before is history."""
    for moment in missed_before_last(runs, missed):
        message = f"The run due at {minute(moment)} did not start; a later one caught up. Check the scheduler"
        yield Attention("warning", "missed_run", message)


def missed_before_last(runs: Sequence[RunState], missed: Sequence[datetime]) -> list[datetime]:
    """The missed due times between the newest two runs, not counting runs that were turned away."""
    working = [run.started_at for run in runs if not run.turned_away]
    return [moment for moment in missed if len(working) > 1 and working[1] < moment < working[0]]


def _last_run(runs: Sequence[RunState]) -> Iterator[Attention]:
    """How the last run ended, if it did not end well, and what it found."""
    ended = settled(runs)
    if not ended:
        if not runs:
            yield Attention("warning", "no_run", "No runs were found. Are these the settings of the pipeline?")
        return
    last = ended[0]
    if last.status in _BAD_ENDS:
        yield _bad_end(ended)
    found = [entry for entry in last.attention if entry.kind not in _TOLD_ANEW]
    yield from (_as_known(entry, ended) for entry in found)
    if last.status == "partial" and not found:
        yield _partial(last)
    if (before := _last_checked(ended)) is not last:
        still = [entry for entry in before.attention if entry.kind in QC_KINDS]
        yield from (_as_known(entry, ended) for entry in still if not any(_is_same_fault(entry, one) for one in found))


def _last_checked(ended: Sequence[RunState]) -> RunState:
    """The newest run whose checks evaluated anything, or the newest of all if those findings would be over by now."""
    last = ended[0]
    recent = takewhile(lambda run: last.started_at - run.started_at <= _OVER_AFTER, ended)
    return next((run for run in recent if run.checked), last)


def _as_known(entry: Attention, ended: Sequence[RunState]) -> Attention:
    """Reduce a station's fault that has been found for a week to a remark, so that nobody is alerted every day.

    A fault that no run has reported for three days is over; if it comes back, it is reported as new.
    """
    if entry.kind not in QC_KINDS or entry.severity == "info":
        return entry
    since = ended[0].started_at
    for run in ended:
        if since - run.started_at > _OVER_AFTER:
            break
        if any(_is_same_fault(entry, one) for one in run.attention):
            since = run.started_at
    if ended[0].started_at - since < _KNOWN_AFTER:
        return entry
    return structs.replace(entry, severity="info", message=f"{entry.message} (known since {since:%Y-%m-%d})")


def _is_same_fault(one: Attention, other: Attention) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("severity", "kind", "station", "parameter"))


def _bad_end(ended: Sequence[RunState]) -> Attention:
    last = ended[0]
    alike = list(takewhile(lambda run: run.status == last.status, ended))
    severity, kind, one, several, advice = _BAD_ENDS[last.status]
    if len(alike) > 1:
        words = f"The last {len(alike)} runs {several}, since {minute(alike[-1].started_at)}"
    else:
        words = f"The last run ({minute(last.started_at)}) {one}"
    return Attention(severity, kind, f"{words}: {last.error}" if last.error else f"{words}{advice}")


def _partial(last: RunState) -> Attention:
    refused = last.exit_code == ObjectRejectedError.exit_code
    cause = f": {last.error}" if last.error else ", because data was rejected or unreadable" if refused else ""
    message = f"The last run ({minute(last.started_at)}) ended with exit code {last.exit_code}{cause}"
    return Attention("warning" if refused else "error", "run_partial", message)


def _silent(situation: Situation) -> Iterator[Attention]:
    """Silent stations, and those that never sent anything; a single line if no station sends."""
    if situation.max_age_hours is None:
        return
    silent = [one for one in situation.stations if one.state in {"silent", "never"}]
    heard = [one.last for one in silent if one.last is not None]
    asked_for = [one for one in situation.stations if one.state != "undelivered"]
    if len(silent) > 1 and len(silent) == len(asked_for):
        newest = f"the newest observation is from {minute(max(heard))}" if heard else "there is no observation"
        yield Attention("error", "silent_station", f"All {len(silent)} stations are silent: {newest}")
        return
    for one in sorted(silent, key=lambda one: (one.last or situation.now, one.station)):
        hours = None if one.last is None else (situation.now - one.last).total_seconds() / 3600
        message = silent_message(one.station, one.last, hours)
        yield Attention("warning", "silent_station", message, station=one.station)


def _late(stations: Sequence[StationState]) -> Iterator[Attention]:
    """Late stations, the latest first; each may still send."""
    late = [(one.last, one.station) for one in stations if one.state == "late" and one.last is not None]
    for last, station in sorted(late):
        message = f"Station {station} is late: its newest observation is from {minute(last)}"
        yield Attention("info", "late_station", message, station=station)


def _spent(budgets: Sequence[ErrorBudget]) -> Iterator[Attention]:
    """Spent error budgets: the one that is exceeded most, and their number."""
    spent = sorted((budget for budget in budgets if (budget.used or 0) > 1), key=lambda one: -(one.used or 0))
    if not spent:
        return
    most = spent[0]
    which = f"The error budget of {most.objective} is spent"
    if len(spent) > 1:
        which = f"{len(spent)} error budgets are spent, most of all that of {most.objective}"
    counts = f"{most.missed} of {most.total} missed it in {most.days} days; the budget is {most.allowed:.1%}"
    yield Attention("warning", "slo_missed", f"{which}: {counts}")


def _all_is_well(situation: Situation) -> str:
    ended = settled(situation.runs)
    if not ended:
        return f"The first run has been in progress since {minute(situation.runs[0].started_at)}"
    last = ended[0]
    end = last.finished_at or last.started_at
    words = f"the last run ended at {minute(end)} with {last.status}"
    states = [one.state for one in situation.stations if one.state != "undelivered"]
    # Without MAX_DATA_AGE_HOURS, silent stations are not a warning, but the headline must not say that all is well.
    if silent := states.count("silent") + states.count("never"):
        are = "is" if silent == 1 else "are"
        return f"{words[0].upper()}{words[1:]}; {silent} of {len(states)} stations {are} silent"
    return f"All is well: {words}"
