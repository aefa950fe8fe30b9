"""What needs attention after a run, for the status report, `forecast status` and the dashboard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from forecast.core.counts import ObjectCounts, QualityTally, ratio, totals
from forecast.core.removals import Removed
from forecast.core.text import counted, listed
from forecast.report.advice import FAILED, STATION, station_findings
from forecast.report.findings import Findings
from forecast.report.models.status import Attention, AttentionKind, Severity
from forecast.report.silence import silence_warnings
from forecast.report.status import RunProgress

# The maximum number of entries; one more counts the rest.
MAX_ATTENTION: Final = 100
# If a check flags a larger share of a parameter's values at a station, somebody should look at it: a faulty sensor
# is wrong for hours, while the checks flag less than 1 % of good values (docs/quality.md).
SUSPECT_SHARE: Final = 0.05
_SEVERITIES: Final = get_args(Severity)
_KINDS: Final = get_args(AttentionKind)
_QC_KINDS: Final[Mapping[int, tuple[Severity, AttentionKind]]] = {
    STATION: ("warning", "station_fault"),
    FAILED: ("info", "failed_values"),
}


@dataclass(frozen=True, slots=True)
class RunLimits:
    """The limits of a run: the share of quarantined rows, and the age of a station's newest observation."""

    max_rejection_rate: float
    max_age_hours: float | None = None


# An entry and its number of occurrences; among entries of one kind, the larger number comes first.
_Counted = tuple[Attention, int]


def attention(
    progress: RunProgress,
    objects: Sequence[ObjectCounts],
    tally: QualityTally,
    findings: Findings,
    removed: Mapping[Removed, int],
    limits: RunLimits,
) -> list[Attention]:
    """What needs attention after a run, most important first.

    More severe entries come first; at equal severity, causes before their consequences (as in `AttentionKind`); and
    within a kind, more frequent ones. There is one entry per station and cause, or per error code.
    """
    found: list[_Counted] = [
        *_of_runs(progress),
        *_of_objects(objects),
        *_unread(objects),
        *_unknown_columns(objects),
        *_missing_rows(objects),
        *_missing_columns(objects),
        *_quarantined(objects, tally, limits.max_rejection_rate),
        *_removed(removed),
        *_withdrawn(objects),
        *_qc(findings),
        *_silent(progress, limits.max_age_hours),
    ]
    ordered = [entry for entry, _ in sorted(found, key=_importance)]
    if len(ordered) <= MAX_ATTENTION:
        return ordered
    rest = ordered[MAX_ATTENTION:]
    message = f"and {len(rest):,} more, from {rest[0].kind} on: see the quality report and the log"
    return [*ordered[:MAX_ATTENTION], Attention(rest[0].severity, "more", message)]


def _importance(counted: _Counted) -> tuple[int, int, int, str]:
    entry, count = counted
    name = entry.station or entry.object or ""
    return _SEVERITIES.index(entry.severity), _KINDS.index(entry.kind), -count, f"{name} {entry.message}"


def _of_runs(progress: RunProgress) -> Iterator[_Counted]:
    """Faults of the run itself, and an earlier run that was killed."""
    for error in progress.errors:
        if error.object is None:
            severity: Severity = "warning" if error.code == "InterruptedRunError" else "error"
            yield Attention(severity, "run_error", error.message), 1
    previous = progress.previous_run
    if previous is not None and previous.status == "died":
        message = f"run {previous.run_id}, started {previous.started_at}, did not finish"
        yield Attention("info", "previous_run_died", message), 1


def _of_objects(objects: Iterable[ObjectCounts]) -> Iterator[_Counted]:
    """Objects that are not in the database, by outcome and reason."""
    alike: defaultdict[tuple[str, bool, str], list[ObjectCounts]] = defaultdict(list)
    for counts in objects:
        if counts.outcome in {"failed", "rejected"}:
            alike[counts.outcome, counts.known, counts.error_code or counts.outcome].append(counts)
    for (outcome, known, code), group in alike.items():
        first = f"{group[0].key}: {group[0].error or code}"
        many = f"{len(group):,} objects {'were rejected before' if known else outcome} ({code}), such as {first}"
        if outcome == "failed":
            yield _one_or_many("error", "failed_object", group, first, many)
        elif known:
            yield _one_or_many("info", "known_rejected_object", group, f"rejected before: {first}", many)
        else:
            yield _one_or_many("warning", "rejected_object", group, first, many)


def _one_or_many(
    severity: Severity, kind: AttentionKind, group: Sequence[ObjectCounts], one: str, many: str
) -> _Counted:
    single = len(group) == 1
    return Attention(severity, kind, one if single else many, object=group[0].key if single else None), len(group)


def _unread(objects: Iterable[ObjectCounts]) -> Iterator[_Counted]:
    """Parameters that stations measure but objects lack, by cause and parameter."""
    alike: defaultdict[tuple[AttentionKind, str], list[tuple[str, str]]] = defaultdict(list)
    for counts in objects:
        for entry in counts.unread_parameters:
            alike["unread_parameter", entry.parameter].append((counts.key, entry.words))
        for renamed in counts.renamed_parameters:
            alike["renamed_parameter", renamed.parameter].append((counts.key, renamed.words))
    for (kind, parameter), group in alike.items():
        key, words = group[0]
        message = f"{key}: {words}" if len(group) == 1 else f"{len(group):,} objects, such as {key}: {words}"
        place = key if len(group) == 1 else None
        yield Attention("warning", kind, message, parameter=parameter, object=place), len(group)


def _unknown_columns(objects: Iterable[ObjectCounts]) -> Iterator[_Counted]:
    found = [(counts.key, counts.unknown_columns.words) for counts in objects if counts.unknown_columns is not None]
    if found:
        key, words = found[0]
        many = "" if len(found) == 1 else f"{len(found):,} objects have unknown columns, such as "
        message = f"{many}{key}: {words}" if many else f"{key} has unknown columns: {words}"
        yield Attention("info", "unknown_columns", message), len(found)


def _missing_rows(objects: Iterable[ObjectCounts]) -> Iterator[_Counted]:
    """Rows that documents count, but do not have: they are on other pages of the response, or were lost."""
    found = [counts for counts in objects if counts.rows_missing]
    if found:
        number = sum(counts.rows_missing for counts in found)
        place = found[0].key if len(found) == 1 else f"{len(found):,} objects, such as {found[0].key},"
        verb = "lacks" if len(found) == 1 else "lack"
        words = f"{place} {verb} rows that the response counts ({number:,}): are they in objects with its other pages?"
        yield Attention("warning", "missing_rows", words, object=found[0].key if len(found) == 1 else None), number


def _missing_columns(objects: Iterable[ObjectCounts]) -> Iterator[_Counted]:
    """Parameters that stations report, but for which objects have no column."""
    alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for counts in objects:
        if counts.columns_missing and not counts.renamed_parameters:
            alike[counts.columns_missing].append(counts.key)
    for parameters, keys in alike.items():
        place = f"{keys[0]} has" if len(keys) == 1 else f"{len(keys):,} objects, such as {keys[0]}, have"
        words = f"{place} no column of parameters that the stations report: {listed(parameters)}"
        yield Attention("info", "missing_columns", words, object=keys[0] if len(keys) == 1 else None), len(keys)


def _quarantined(objects: Sequence[ObjectCounts], tally: QualityTally, most: float) -> Iterator[_Counted]:
    """Quarantined rows: a warning if there are more than the run's limit, or if a source failed to deliver records."""
    sums = totals(objects)
    number, whole = sums["records_rejected"], sums["records_extracted"]
    if not number:
        return
    rate = ratio(number, whole)
    codes = listed([f"{code} ({count:,})" for code, count in tally.reasons.most_common()])
    message = f"{number:,} of {whole:,} rows ({rate:.2%}) were quarantined: {codes}"
    lost = any(counts.records_not_delivered for counts in objects)
    yield Attention("warning" if lost or rate > most else "info", "quarantined_rows", message), number


def _removed(removed: Mapping[Removed, int]) -> Iterator[_Counted]:
    """Stored values that a newer record lacks, by station."""
    by_station: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one, number in removed.items():
        by_station[one.station][one.parameter] += number
    for station, parameters in by_station.items():
        number = parameters.total()
        names = listed([name for name, _ in parameters.most_common()])
        message = f"Station {station}: {number:,} stored values were replaced by records that lack them ({names})"
        yield Attention("warning", "values_removed", message, station=station), number


def _withdrawn(objects: Iterable[ObjectCounts]) -> Iterator[_Counted]:
    found = [counts for counts in objects if counts.records_withdrawn]
    if found:
        number = sum(counts.records_withdrawn for counts in found)
        words = f"{number:,} observations that earlier versions of objects gave are no longer in the processed zone"
        yield Attention("info", "records_withdrawn", f"{words}; the database keeps them"), number


def _qc(findings: Findings) -> Iterator[_Counted]:
    """What the checks found, by station and check: a warning if it is more than single values."""
    for one in station_findings(findings):
        severity, kind = _QC_KINDS.get(one.rank, ("info", "suspect_values"))
        number = counted(one.values, "value")
        if one.share > SUSPECT_SHARE:
            severity = "warning"
        message = f"Station {one.station}, {listed(one.parameters)}: {one.message} ({number}, {one.check})"
        parameter = one.parameters[0] if len(one.parameters) == 1 else None
        yield Attention(severity, kind, message, station=one.station, parameter=parameter), one.values


def _silent(progress: RunProgress, max_age_hours: float | None) -> Iterator[_Counted]:
    for message, facts in silence_warnings(progress.seen, max_age_hours):
        yield Attention("warning", "silent_station", message, station=str(facts["station"])), 1
