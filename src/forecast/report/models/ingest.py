"""ingest_report_<time>.json: what was read from the networks' APIs, and how much of it was new."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from forecast.report.models.base import Code, Count, Day, Model, Name, Report, Seconds, StationId, Time, doc
from forecast.report.models.status import Severity

SourceName = Annotated[str, Meta(extra={"key_name": "source"})]
DayKey = Annotated[Day, Meta(extra={"key_name": "day"})]
Status = Literal["success", "quota_reached", "partial", "failed", "interrupted"]


class IngestCounts(Model):
    """Calls and records; rows_read = rows_written + rows_unchanged."""

    calls: Annotated[Count, doc("calls that were made, including retries")]
    retries: Annotated[Count, doc("how many of them were retries")]
    rows_read: Annotated[Count, doc("records received")]
    rows_written: Annotated[Count, doc("records that were new or changed, and are in the raw zone now")]
    rows_unchanged: Annotated[Count, doc("records that an earlier run had already written")]
    rows_vanished: Annotated[
        Count, doc("records received in an earlier run but not in this one; they stay in the raw zone")
    ]


class IngestDay(Model):
    """One day of a station that was read."""

    rows_read: Annotated[Count, doc("records received")]
    rows_written: Annotated[Count, doc("of those, new or changed ones")]


class IngestStation(Model):
    """One station that was to be read."""

    through: Annotated[Day | None, doc("the last complete day, with no day missing before it; null if there is none")]
    days_missing: Annotated[
        list[Day], doc("days that were requested but not answered; the next run requests them again")
    ]
    days_left: Annotated[Count, doc("days that the run did not reach before it ended")]
    days: Annotated[dict[DayKey, IngestDay], doc("the days that were read, in UTC or in the station's zone")]


class Quota(Model):
    """Calls of the key in 24 hours, over all runs that share the state."""

    per_day: Annotated[Count, doc("number of calls allowed with the key in any 24 hours")]
    left: Annotated[Count, doc("number of calls left at the end")]


class UnreadWindow(Model):
    """Stations and days that were not read."""

    stations: Annotated[list[str], doc("the stations requested")]
    first: Annotated[Day, doc("the first day")]
    last: Annotated[Day, doc("the last day")]
    code: Annotated[
        Code,
        doc(
            "`no_answer`, `refused`, `no_records`, `changed_unit`, `units_unknown`, `other_station`, `other_day`, "
            "`cut_off`, `no_count`, `no_progress`, `changed`, `gone`, `no_files`"
        ),
    ]
    message: Annotated[Name, doc("the response")]


class IngestFiles(Model):
    """Files of a source that serves whole ones; those of `listed` that are none of the others were not reached."""

    listed: Annotated[Count, doc("files that may contain the data wanted")]
    written: Annotated[Count, doc("of those, new or changed ones, which are objects of the raw zone now")]
    unchanged: Annotated[Count, doc("of those, files unchanged since an earlier run")]
    missing: Annotated[Count, doc("of those, files that could not be fetched; the next run tries again")]


class IngestSource(Model):
    """What was done for one source."""

    network: Annotated[Name, doc("the network, as the registry names it")]
    status: Annotated[Status, doc("as `status` below, of this source")]
    fault: Annotated[str | None, doc("why it ended early; null if it did not")]
    counts: IngestCounts
    waited_seconds: Annotated[
        Seconds, doc("seconds spent waiting for the rate limit, for Retry-After and between attempts")
    ]
    quota: Quota
    sync_id: Annotated[int | None, doc("sync number in the envelope: the start of the sync in ms since 1970")]
    generation_id: Annotated[int | None, doc("generation in the envelope; `--full-refresh` raises it by one")]
    objects: Annotated[list[str], doc("the objects that were written")]
    files: Annotated[IngestFiles | None, doc("its files; null for a source of records")]
    unread: Annotated[list[UnreadWindow], doc("what was not read")]
    left_out: Annotated[dict[StationId, str], doc("stations that were not requested, and why")]
    stations: Annotated[dict[StationId, IngestStation], doc("every station to be read")]


# Causes before their consequences.
IngestAttentionKind = Literal[
    "source_ended",
    "days_missing",
    "window_not_read",
    "days_left",
    "records_vanished",
    "station_left_out",
    "key_not_set",
]


class IngestAttention(Model, omit_defaults=True):
    """Something that a person should look at."""

    severity: Annotated[Severity, doc("`error`, `warning` or `info`")]
    kind: Annotated[
        IngestAttentionKind, doc("its cause, from a fixed set of names; causes are listed before their consequences")
    ]
    message: Annotated[Name, doc("a description, as a sentence")]
    source: Annotated[str, doc("the source")]
    station: Annotated[str | None, doc("the station concerned, if any")] = None


class IngestReport(Report):
    """ingest_report_<time>.json: what was read from the networks' APIs."""

    kind: ClassVar[str] = "ingest_report"

    run_id: Annotated[Name, doc("the run's id")]
    started_at: Annotated[Time, doc("when it began")]
    finished_at: Annotated[Time, doc("when it ended")]
    status: Annotated[
        Status,
        doc(
            "`success`, `quota_reached` (a clean end; the next run continues), `partial` (some stations or days "
            "were not "
            "read), `failed`, `interrupted`"
        ),
    ]
    exit_code: Annotated[int, Meta(ge=0, le=3), doc("0 to 3, the worst of the sources")]
    attention: Annotated[list[IngestAttention], doc("what needs attention, the most important first")]
    without_key: Annotated[
        dict[SourceName, str], doc("sources that were not read because their key is not set, and the variable")
    ]
    counts: Annotated[IngestCounts, doc("sums over the sources")]
    sources: Annotated[dict[SourceName, IngestSource], doc("each source that was read")]
