"""pipeline_status.json: the last run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from forecast.report.models.base import Count, Model, Name, Rate, Report, Seconds, StationId, Time, doc

RunStatus = Literal["running", "success", "partial", "failed", "interrupted"]
# "died" is said of a run before, by the one after it.
PreviousStatus = Literal["running", "success", "partial", "failed", "interrupted", "died"]
State = Literal["fresh", "late", "silent", "never", "undelivered", "unregistered", "unknown"]
Severity = Literal["error", "warning", "info"]
# Causes before their consequences. Those of the first lines are of runs and their reports, not of what a run found.
AttentionKind = Literal[
    "database_unreachable",
    "reports_unreachable",
    "reports_unreadable",
    "no_run",
    "missed_run",
    "run_failed",
    "run_died",
    "run_interrupted",
    "run_partial",
    "run_error",
    "previous_run_died",
    "failed_object",
    "rejected_object",
    "renamed_parameter",
    "unread_parameter",
    "quarantined_rows",
    "values_removed",
    "missing_rows",
    "silent_station",
    "late_station",
    "slo_missed",
    "station_fault",
    "failed_values",
    "suspect_values",
    "unknown_columns",
    "missing_columns",
    "records_withdrawn",
    "known_rejected_object",
    "more",
]
Argument = str | int | float | bool | None
ExitCode = Annotated[int, Meta(ge=0, le=3)]


class PreviousRun(Model):
    """The run before this one."""

    run_id: Annotated[Name, doc("the run's id")]
    status: Annotated[PreviousStatus, doc("how it ended; `died` if it did not finish")]
    exit_code: Annotated[ExitCode | None, doc("its exit code; null if it has none")]
    started_at: Annotated[Time, doc("when it began")]
    finished_at: Annotated[Time | None, doc("when it ended; null if it did not")]


class Process(Model):
    """The process that a run is."""

    host: Annotated[str, doc("the machine, or the container")]
    pid: Annotated[Count, doc("the id of the process there")]
    place: Annotated[str | None, doc("the boot of the machine and the name space of process ids; null if not known")]


class Died(Model):
    """When and by which run a run was found not to have come to its end."""

    found_at: Annotated[Time, doc("when this was found")]
    found_by: Annotated[Name, doc("the run that found it")]


class StageTimes(Model):
    """Seconds in each stage. Stages overlap, so their sum can be more than the run took."""

    extract: Annotated[Seconds, doc("seconds in stage extract")]
    transform: Annotated[Seconds, doc("seconds in stage transform")]
    validate: Annotated[Seconds, doc("seconds in stage validate")]
    save: Annotated[Seconds, doc("seconds in stage save")]
    load: Annotated[Seconds, doc("seconds in stage load")]
    qc: Annotated[Seconds, doc("seconds in the checks on the database")]
    dataset: Annotated[Seconds, doc("seconds in writing the dataset")]
    report: Annotated[Seconds, doc("seconds spent on reports")]


class RunCounts(Model):
    """What a run has counted."""

    objects_listed: Annotated[Count, doc("objects found below `RAW_URI`")]
    objects_skipped: Annotated[Count, doc("markers, lock files and temporary files among them")]
    objects_already_processed: Annotated[Count, doc("skipped because an earlier run has loaded them")]
    objects_loaded: Annotated[Count, doc("objects that are in the database now")]
    objects_rejected: Annotated[Count, doc("objects rejected because of their content")]
    objects_known_rejected: Annotated[
        Count,
        doc("rejected by an earlier run, unchanged since, and not tried again; they do not cause exit code 3"),
    ]
    objects_failed: Annotated[Count, doc("objects that failed")]
    objects_interrupted: Annotated[Count, doc("objects interrupted by the end of the run")]
    rows_read: Annotated[Count, doc("rows found")]
    rows_empty: Annotated[Count, doc("rows without a single value")]
    records_extracted: Annotated[Count, doc("rows with a value")]
    records_validated: Annotated[Count, doc("records that passed validation")]
    records_rejected: Annotated[Count, doc("rows in quarantine")]
    inserted: Annotated[Count, doc("documents that are new")]
    updated: Annotated[Count, doc("documents replaced by a record that takes precedence")]
    unchanged: Annotated[Count, doc("documents that already had the same content")]
    superseded: Annotated[Count, doc("records over which the stored document takes precedence")]
    values_removed: Annotated[
        Count, doc("stored values that were replaced by records which lack them: the document no longer has them")
    ]
    records_withdrawn: Annotated[
        Count,
        doc(
            "observations with values that only an earlier version of an object had: they are no longer in the "
            "processed zone, but stay in the database"
        ),
    ]
    unread_parameters: Annotated[Count, doc("parameters of objects that have cells, none of which could be read")]
    renamed_parameters: Annotated[
        Count, doc("parameters that a station reports and that are missing from an object with unknown columns")
    ]
    objects_with_unknown_columns: Annotated[Count, doc("objects with unknown columns")]
    documents_checked: Annotated[
        Count, doc("documents that were checked, including those at stations and on days around the new data")
    ]
    documents_reflagged: Annotated[Count, doc("how many of them were written with different flags")]
    flags_changed: Annotated[Count, doc("values whose flag has changed or been removed")]
    rejection_rate: Annotated[Rate, doc("records_rejected / records_extracted")]
    stations_silent: Annotated[
        Count | None,
        doc("stations that are `silent` or `never` sent anything; null if `MAX_DATA_AGE_HOURS` is not set"),
    ]
    newest_observation_age_s: Annotated[
        Count | None, doc("age of the newest observation of all stations, in seconds; null if there is none")
    ]
    written_by_interrupted: Annotated[
        Count,
        doc(
            "documents among the unchanged ones that a load of the same object had written before it was killed or "
            "interrupted: the run that was killed reports none of them as inserted or updated"
        ),
    ] = 0
    stations_newly_silent: Annotated[
        Count | None,
        doc("how many of those were not when the run before looked; null in a dry run, and if `stations_silent` is"),
    ] = None


class StationState(Model):
    """When a station was last heard."""

    last_observation: Annotated[Time | None, doc("newest observation of the station in the database")]
    age_hours: Annotated[Seconds | None, doc("how old that is")]
    state: Annotated[
        State, doc("`fresh`, `late`, `silent`, `never`, `undelivered`, `unregistered` or `unknown`: see below")
    ]


class Written(Model, kw_only=True):
    """What was written where: a URI, or the path of a local file."""

    schema_rules: ClassVar[Mapping[str, Any]] = {"oneOf": [{"required": ["uri"]}, {"required": ["path"]}]}

    kind: Annotated[Name, doc("`records`, `documents` or `report`; the first two only if any were written")]
    uri: Annotated[Name | UnsetType, doc("where it is")] = UNSET
    path: Annotated[Name | UnsetType, doc("where it is, for a local file, instead of `uri`")] = UNSET
    count: Annotated[
        Count,
        doc("for `records`, those that this run wrote to the zone; for `documents`, those in the collection now"),
    ]


class ErrorEntry(Model):
    """An error of an object, or of the run."""

    object: Annotated[str | None, doc("key of the object below `RAW_URI`; null for an error of the run")]
    code: Annotated[Name, doc("its code")]
    message: Annotated[str, doc("what happened, as a message")]
    known: Annotated[
        bool, doc("whether an earlier run rejected the object and it was not tried again; such entries come last")
    ]


class Attention(Model, omit_defaults=True):
    """Something that a person should look at."""

    severity: Annotated[Severity, doc("`error`, `warning` or `info`")]
    kind: Annotated[
        AttentionKind, doc("its cause, from a fixed set of names; causes are listed before their consequences")
    ]
    message: Annotated[Name, doc("a description, as a sentence")]
    station: Annotated[str | None, doc("the station concerned, if any")] = None
    parameter: Annotated[str | None, doc("the parameter concerned, if any")] = None
    object: Annotated[str | None, doc("key below `RAW_URI` of the object concerned, if any")] = None


class PipelineStatus(Report):
    """pipeline_status.json: the last run."""

    kind: ClassVar[str] = "pipeline_status"
    # A run in progress has neither an exit code nor an end; any other has both.
    schema_rules: ClassVar[Mapping[str, Any]] = {
        "if": {"properties": {"status": {"const": "running"}}},
        "then": {"properties": {"exit_code": {"const": None}, "finished_at": {"const": None}}},
        "else": {"properties": {"exit_code": {"type": "integer"}, "finished_at": {"type": "string"}}},
    }

    status: Annotated[
        RunStatus,
        doc("`running`, `success`, `partial` (something was rejected, unreadable or failed), `failed`, `interrupted`"),
    ]
    run_id: Annotated[Name, doc("the run's id")]
    previous_run: Annotated[PreviousRun | None, doc("the run before this one; null if none is known")]
    exit_code: Annotated[ExitCode | None, doc("0 to 3; null while the run is in progress")]
    started_at: Annotated[Time, doc("when the run began")]
    finished_at: Annotated[Time | None, doc("when it ended; null while it is in progress")]
    pipeline_version: Annotated[Name, doc("which version of the program ran")]
    arguments: Annotated[
        dict[str, Argument],
        doc(
            "the options of the command; `--mongodb-uri` is `***`, `mongodb_server` its hosts, or the folder of the "
            "embedded MongoDB"
        ),
    ]
    dry_run: Annotated[bool, doc("if true, nothing was written, and the counts say what would have been")]
    process: Process
    missed_runs: Annotated[list[Time], doc("when runs were due (`SCHEDULE`) since the previous one, and none started")]
    died: Annotated[
        Died | None,
        doc("for a run that was killed: which run closed it in the history, as `failed`, and when; null for any other"),
    ]
    times: StageTimes
    counts: RunCounts
    attention: Annotated[
        list[Attention],
        doc(
            "what needs attention, most important first: the more severe, then causes before consequences, then "
            "the more frequent; one entry a station and cause, or an error code. The first 100, and one that counts "
            "the rest"
        ),
    ]
    stations: Annotated[
        dict[StationId, StationState], doc("every station of the registry, and those that only the database has")
    ]
    written: Annotated[list[Written], doc("what was written, and where")]
    errors: Annotated[list[ErrorEntry], doc("the first 1,000")]
    errors_truncated: Annotated[Count, doc("how many more there are")]
    newest_raw_object: Annotated[
        Time | None, doc("when the newest object below `RAW_URI` was written; null if nothing was listed")
    ] = None
