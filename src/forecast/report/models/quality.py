"""quality_report_<time>.json: the quality of the data of one run, or of a window of days."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from forecast.core.counts import Outcome
from forecast.core.precedence import Reason
from forecast.report.models.base import (
    CheckId,
    Code,
    Count,
    Day,
    Model,
    Name,
    ParameterName,
    Rate,
    Report,
    StationId,
    Time,
    ValuesRemoved,
    doc,
)
from forecast.report.models.status import StationState


class Window(Model):
    """UTC days, both included."""

    since: Annotated[Day, doc("first UTC day")]
    until: Annotated[Day, doc("last UTC day, included")]


class StationQuality(StationState):
    """One station: what this report's records say of it, and what the database has."""

    observations: Annotated[Count, doc("records of the run, or of the window")]
    first: Annotated[Time | None, doc("timestamp of the first of them")]
    last: Annotated[Time | None, doc("timestamp of the last of them")]
    completeness_score: Annotated[Rate, doc("their mean of parameters present / parameters the station reports")]
    flagged: Annotated[Count, doc("values flagged 3 or 4")]
    expected: Annotated[Count | None, doc("observations expected from the nominal interval; null without one")]
    received: Annotated[Count, doc("observations in the database for those days")]


class ParameterQuality(Model):
    """One parameter over all stations."""

    unit: Annotated[Name, doc("its canonical unit")]
    values: Annotated[Count, doc("values")]
    missing: Annotated[Count, doc("records of stations that report this parameter, without it")]
    unreadable: Annotated[Count, doc("cells that could not be read (kept as parse issues, not as values)")]
    flagged: Annotated[Count, doc("values flagged 3 or 4")]


class CheckCounts(Model):
    """What one check came to."""

    evaluated: Annotated[Count, doc("values that the check evaluated")]
    suspect: Annotated[Count, doc("values it flagged 3; a value flagged by two checks counts in both")]
    failed: Annotated[Count, doc("values it flagged 4")]


class ParameterFlags(Model):
    """The flags of one parameter of one station."""

    values: Annotated[Count, doc("values")]
    suspect: Annotated[Count, doc("values flagged 3")]
    failed: Annotated[Count, doc("values flagged 4")]
    checks: Annotated[dict[CheckId, CheckCounts], doc("each check that flagged any")]


class WorstEpisode(Model):
    """Flagged values of one parameter one after another."""

    station: Annotated[str, doc("the station")]
    parameter: Annotated[str, doc("the parameter")]
    from_: Annotated[Time, doc("time of the first value")] = field(name="from")
    to: Annotated[Time, doc("time of the last value")]
    checks: Annotated[list[str], doc("the checks that flagged them")]
    flag: Annotated[Literal[3, 4], doc("the worst flag")]
    count: Annotated[Count, doc("number of values")]
    min: Annotated[float, doc("the lowest")]
    max: Annotated[float, doc("the highest")]
    values: Annotated[list[float], Meta(max_length=5), doc("the first five")]


class Advice(Model):
    """What to do about what one check found of one parameter of one station."""

    station: Annotated[str, doc("the station")]
    parameter: Annotated[str, doc("the parameter")]
    check: Annotated[str, doc("the check that found it")]
    count: Annotated[Count, doc("number of values")]
    share: Annotated[Rate | None, doc("of the station's values; null if some were not checked now")]
    message: Annotated[Name, doc("the likely cause, and what to do")]


class Completeness(Model):
    """Received against expected values of one station, day by day."""

    interval_minutes: Annotated[float, Meta(gt=0), doc("nominal interval of the registry")]
    days: Annotated[list[Day], doc("UTC days")]
    expected: Annotated[list[Count], doc("values expected on each of them")]
    received: Annotated[dict[ParameterName, list[Count]], doc("values received on each of them")]
    share: Annotated[dict[ParameterName, Rate], doc("received / expected over all days")]


class ObjectQuality(Model):
    """What became of one raw object."""

    key: Annotated[Name, doc("key below `RAW_URI`")]
    uri: Annotated[Name, doc("where it is")]
    outcome: Annotated[Outcome, doc("how it ended")]
    known: Annotated[bool, doc("rejected by an earlier run, and not tried again")]
    rows_read: Annotated[Count, doc("as in the status")]
    rows_empty: Annotated[Count, doc("as in the status")]
    records_extracted: Annotated[Count, doc("as in the status")]
    records_validated: Annotated[Count, doc("as in the status")]
    records_rejected: Annotated[Count, doc("as in the status")]
    rejection_rate: Annotated[Rate, doc("records_rejected / records_extracted")]
    error_code: Annotated[str | None, doc("the code of the reason why it was rejected; null if it was not")]
    error: Annotated[str | None, doc("the same, as a message")]


class Side(Model):
    """One of two records of the same observation."""

    source_uri: Annotated[str, doc("the raw object it came from")]
    values: Annotated[dict[ParameterName, float | None], doc("its values that differ")]


class Conflict(Model):
    """Two records of one observation with differing values."""

    observation: Annotated[str, doc("which observation (`_id`)")]
    reason: Annotated[Reason, doc("the criterion that decided which one is kept")]
    winner: Side
    loser: Side


class Conflicts(Model):
    """Duplicates with differing values: several records of one observation that do not agree."""

    by_station: Annotated[
        dict[StationId, Count], doc("records that lost to another record of the same observation with different values")
    ]
    examples: Annotated[list[Conflict], Meta(max_length=20), doc("the first 20 of them")]


class UnreadParameter(Model):
    """A parameter of which an object has cells, none of which could be read."""

    object: Annotated[Name, doc("the object")]
    parameter: Annotated[Name, doc("the parameter")]
    column: Annotated[Name, doc("the column as the source calls it")]
    cells: Annotated[Count, doc("number of cells")]
    example: Annotated[str, doc("the first cell of the commonest reason")]
    position: Annotated[str, doc("where that cell is")]
    reason: Annotated[Name, doc("the commonest reason")]


class RenamedParameter(Model):
    """A parameter that the station reports and an object with unknown columns lacks."""

    object: Annotated[Name, doc("the object")]
    parameter: Annotated[Name, doc("the parameter")]
    candidates: Annotated[list[str], doc("unknown columns that it could be, the most likely first")]


class UnknownColumns(Model):
    """Unknown columns of an object, which were ignored."""

    object: Annotated[Name, doc("the object")]
    columns: Annotated[list[str], doc("the first 12, each up to 40 characters")]
    more: Annotated[Count, doc("how many more")]


class ColumnNotStored(Model):
    """A column that is known, and whose measurements no parameter stands for."""

    column: Annotated[str, doc("the network's name for it")]
    cells: Annotated[Count, doc("number of its cells that are not empty")]
    objects: Annotated[Count, doc("number of objects that have it")]


class QualityReport(Report):
    """quality_report_<time>.json: how good the data of one run, or of a window of days, are."""

    kind: ClassVar[str] = "quality_report"

    run_id: Annotated[Name | None, doc("the run's id; null for `forecast quality`")]
    generated_at: Annotated[Time, doc("when the report was made")]
    window: Annotated[Window | None, doc("the days of `forecast quality`; null in the report of a run")]
    rows_read: Annotated[Count | None, doc("as in the status; null for `forecast quality`, which knows no rows")]
    rows_empty: Annotated[Count | None, doc("as in the status; null for `forecast quality`")]
    records_extracted: Annotated[Count | None, doc("as in the status; null for `forecast quality`")]
    records_validated: Annotated[Count, doc("as in the status; for `forecast quality` the documents of the window")]
    records_rejected: Annotated[Count | None, doc("as in the status; null for `forecast quality`")]
    rejection_rate: Annotated[Rate | None, doc("as in the status; null for `forecast quality`")]
    completeness_score: Annotated[
        Rate, doc("mean over validated records of (parameters present / parameters the station reports)")
    ]
    anomalies_detected: Annotated[
        Count,
        doc(
            "values flagged 3 (suspect) or 4 (fail), of the station-days that the run has written to or that are in "
            "the window"
        ),
    ]
    values_judged: Annotated[
        Count, doc("values that the checks looked at now: those of the station-days of `station_days_checked`")
    ]
    qc_version: Annotated[Count, doc("version of the checks")]
    station_days_checked: Annotated[
        Count,
        doc(
            "UTC days of stations whose values were checked now. Of other days that the run has read again, only the "
            "flags are known, as the database has them: they count in `anomalies_detected`, `flagged` and `advice`, "
            "and nowhere else"
        ),
    ]
    observations_expected: Annotated[Count, doc("sum over the stations")]
    observations_received: Annotated[Count, doc("sum over the stations")]
    by_station: Annotated[
        dict[StationId, StationQuality], doc("every station of the registry, and those that only the database has")
    ]
    by_parameter: Annotated[dict[ParameterName, ParameterQuality], doc("every parameter")]
    by_check: Annotated[dict[CheckId, CheckCounts], doc("every check")]
    flags_by_station: Annotated[
        dict[StationId, dict[ParameterName, ParameterFlags]], doc("the values checked now, by station and parameter")
    ]
    worst_episodes: Annotated[
        list[WorstEpisode],
        Meta(max_length=10),
        doc("the ten longest episodes of flagged values; a failed value weighs three"),
    ]
    advice: Annotated[
        list[Advice],
        Meta(max_length=20),
        doc(
            "what to do, station by station, the worst station first: what is wrong with the station (`bias`, "
            "`stuck`, `clock_offset`), then what failed, then what is suspect, then `flag_rate`, which follows from "
            "the others; then those with the most values"
        ),
    ]
    completeness: Annotated[dict[StationId, Completeness], doc("received against expected values")]
    rejections_by_code: Annotated[dict[Code, Count], doc("quarantined rows by code")]
    by_object: Annotated[list[ObjectQuality], doc("every raw object of the run; empty for `forecast quality`")]
    conflicts: Conflicts
    values_removed: ValuesRemoved
    unread_parameters: Annotated[
        list[UnreadParameter], doc("parameters that have cells in an object, none of which could be read")
    ]
    renamed_parameters: Annotated[
        list[RenamedParameter],
        doc("parameters that the station reports and that are missing from an object with unknown columns"),
    ]
    unknown_columns: Annotated[list[UnknownColumns], doc("unknown columns, which were ignored")]
    columns_not_stored: Annotated[
        list[ColumnNotStored], doc("known columns whose measurements correspond to no parameter")
    ]
