"""quality_report_<time>.json: the quality of the data of one run (docs/reports.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, NamedTuple

from msgspec import structs

from forecast.core.clock import iso_time, iso_time_of
from forecast.core.counts import ObjectCounts, QualityTally, StationTally, ratio, totals
from forecast.core.format_version import FORMAT_VERSION
from forecast.core.parameters import PARAMETERS
from forecast.core.presence import Presence
from forecast.core.stations import Stations
from forecast.mongo.conflicts import Conflicts
from forecast.networks.qc_version import qc_version
from forecast.report.advice import advice
from forecast.report.findings import Findings
from forecast.report.models import quality as models
from forecast.report.models.quality import ObjectQuality, ParameterQuality, QualityReport, StationQuality, Window
from forecast.report.removals import values_removed
from forecast.report.silence import Seen, stations_seen
from forecast.report.write import DIGITS


class _Heard(NamedTuple):
    """A station's newest observation, and how many observations were expected and received; None: unknown."""

    seen: Seen
    expected: int | None
    received: int


def quality_report(
    run_id: str,
    tally: QualityTally,
    objects: Sequence[ObjectCounts],
    stations: Stations,
    now: datetime,
    findings: Findings,
    conflicts: Conflicts,
    presence: Presence | None = None,
) -> QualityReport:
    """Describe the quality of a run's records; every rate is 0 if there is nothing to divide by.

    `presence` is None if the database could not be queried.
    """
    sums = totals(objects)
    return QualityReport(
        format_version=FORMAT_VERSION,
        run_id=run_id,
        generated_at=iso_time(now),
        window=None,
        rows_read=sums["rows_read"],
        rows_empty=sums["rows_empty"],
        records_extracted=sums["records_extracted"],
        records_validated=sums["records_validated"],
        records_rejected=sums["records_rejected"],
        rejection_rate=ratio(sums["records_rejected"], sums["records_extracted"]),
        **_described(tally, now, findings, _of_run(tally, stations, now, presence)),
        rejections_by_code=dict(sorted(tally.reasons.items())),
        by_object=[_object(counts) for counts in objects],
        **_not_read(objects),
        conflicts=_conflicts(conflicts),
        values_removed=values_removed(conflicts.removed),
    )


def window_report(
    since: date, until: date, tally: QualityTally, now: datetime, findings: Findings, seen: Mapping[str, Seen]
) -> QualityReport:
    """Describe the quality of the data in the database for the UTC days from `since` to `until`, both included.

    Fields about raw rows and objects are null or empty, because the database does not have them.
    """
    return QualityReport(
        format_version=FORMAT_VERSION,
        run_id=None,
        generated_at=iso_time(now),
        window=Window(since.isoformat(), until.isoformat()),
        rows_read=None,
        rows_empty=None,
        records_extracted=None,
        records_validated=tally.observations,
        records_rejected=None,
        rejection_rate=None,
        **_described(tally, now, findings, _of_window(tally, findings.expected(now), seen)),
        rejections_by_code={},
        by_object=[],
        **_not_read([]),
        conflicts=_conflicts(Conflicts()),
        values_removed=values_removed({}),
    )


def _not_read(objects: Sequence[ObjectCounts]) -> dict[str, Any]:
    """What objects contain but could not be read."""
    return {
        "unread_parameters": [
            models.UnreadParameter(object=counts.key, **asdict(entry))
            for counts in objects
            for entry in counts.unread_parameters
        ],
        "renamed_parameters": [
            models.RenamedParameter(counts.key, entry.parameter, list(entry.candidates))
            for counts in objects
            for entry in counts.renamed_parameters
        ],
        "unknown_columns": [
            models.UnknownColumns(counts.key, list(counts.unknown_columns.columns), counts.unknown_columns.more)
            for counts in objects
            if counts.unknown_columns is not None
        ],
        "columns_not_stored": _not_stored(objects),
    }


def _not_stored(objects: Sequence[ObjectCounts]) -> list[models.ColumnNotStored]:
    """Columns with measurements for which there is no parameter, the fullest first."""
    cells: Counter[str] = Counter()
    having: Counter[str] = Counter()
    for counts in objects:
        cells.update(counts.cells_not_stored)
        having.update(counts.cells_not_stored.keys())
    names = sorted(cells, key=lambda name: (-cells[name], name))
    return [models.ColumnNotStored(name, cells[name], having[name]) for name in names]


def _conflicts(conflicts: Conflicts) -> models.Conflicts:
    """Duplicates with differing values, as the report has them."""
    return models.Conflicts(
        by_station=dict(sorted(conflicts.by_station.items())),
        examples=[
            models.Conflict(one.observation, one.reason, models.Side(*one.winner), models.Side(*one.loser))
            for one in conflicts.examples
        ],
    )


def _described(tally: QualityTally, now: datetime, findings: Findings, heard: Mapping[str, _Heard]) -> dict[str, Any]:
    """What is reported about observations, whether they come from a run or from the database."""
    flagged = findings.flagged_by_station()
    by_station = {
        station_id: _station(tally.stations.get(station_id, StationTally()), flagged[station_id], heard[station_id])
        for station_id in sorted(heard)
    }
    return {
        "completeness_score": round(tally.completeness_score, DIGITS),
        "anomalies_detected": findings.anomalies,
        "values_judged": findings.values.total(),
        "qc_version": qc_version(),
        "station_days_checked": len(findings.evaluated_days),
        "by_check": findings.by_check(),
        "flags_by_station": findings.by_station(),
        "worst_episodes": [episode.entry() for episode in findings.worst],
        "advice": advice(findings),
        "completeness": findings.completeness(now),
        "observations_expected": sum(station.expected or 0 for station in by_station.values()),
        "observations_received": sum(station.received for station in by_station.values()),
        "by_station": by_station,
        "by_parameter": _by_parameter(tally, findings),
    }


def _of_run(tally: QualityTally, stations: Stations, now: datetime, presence: Presence | None) -> dict[str, _Heard]:
    """For the days that a run changed: what the registry says to expect, and what the database has."""
    seen = stations_seen(presence, stations, now)
    seen |= {name: Seen(name, None, None, "unknown") for name in tally.stations.keys() - seen.keys()}
    heard = {}
    for name, one in seen.items():
        station = stations.get(name)
        if presence is None:
            heard[name] = _Heard(one, None, tally.stations[name].observations if name in tally.stations else 0)
        else:
            expected = None if station is None or one.state == "undelivered" else presence.expected(station, now)
            heard[name] = _Heard(one, expected, presence.received.get(name, 0))
    return heard


def _of_window(tally: QualityTally, expected: Mapping[str, int], seen: Mapping[str, Seen]) -> dict[str, _Heard]:
    return {
        name: _Heard(one, expected.get(name), tally.stations[name].observations if name in tally.stations else 0)
        for name, one in seen.items()
    }


def _station(tally: StationTally, flagged: int, heard: _Heard) -> StationQuality:
    return StationQuality(
        observations=tally.observations,
        first=None if tally.first is None else iso_time_of(tally.first),
        last=None if tally.last is None else iso_time_of(tally.last),
        completeness_score=round(min(1.0, ratio(tally.completeness_sum, tally.observations)), DIGITS),
        flagged=flagged,
        expected=heard.expected,
        received=heard.received,
        **structs.asdict(heard.seen.entry()),
    )


def _by_parameter(tally: QualityTally, findings: Findings) -> dict[str, ParameterQuality]:
    flagged = findings.flagged_by_parameter()
    return {
        parameter.name: ParameterQuality(
            unit=parameter.unit,
            values=tally.values[parameter.name],
            missing=tally.missing[parameter.name],
            unreadable=tally.unreadable[parameter.name],
            flagged=flagged[parameter.name],
        )
        for parameter in PARAMETERS
    }


def _object(counts: ObjectCounts) -> ObjectQuality:
    return ObjectQuality(
        key=counts.key,
        uri=counts.uri,
        outcome=counts.outcome,
        known=counts.known,
        rows_read=counts.rows_read,
        rows_empty=counts.rows_empty,
        records_extracted=counts.records_extracted,
        records_validated=counts.records_validated,
        records_rejected=counts.records_rejected,
        rejection_rate=ratio(counts.records_rejected, counts.records_extracted),
        error_code=counts.error_code,
        error=counts.error,
    )
