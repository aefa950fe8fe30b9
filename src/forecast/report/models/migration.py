"""migration_report_<time>.json: what was loaded into the database, and its verification."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, UnsetType

from forecast.report.models.base import Count, Model, Name, Rate, Report, Time, ValuesRemoved, doc


class DatasetComparison(Model):
    """What comparing the dataset with the database found."""

    is_of_database: Annotated[bool, doc("whether the zone has a dataset of this collection; only then is it compared")]
    checked: Annotated[Count, doc("observations compared")] = 0
    differing: Annotated[Count, doc("observations that are in only one of them, or differ in a value or flag")] = 0
    pending_days: Annotated[Count, doc("station-days left for the next run; they were not compared")] = 0
    hours_checked: Annotated[Count, doc("hourly values compared with those computed from the database")] = 0
    hours_differing: Annotated[Count, doc("hours that are in only one of them, or differ in a value")] = 0


class Verification(Model, kw_only=True):
    """What reading back from the database found."""

    documents_expected_at_least: Annotated[Count, doc("documents inserted")]
    documents_in_database: Annotated[
        Count | None, doc("documents counted; null after a run that failed: then nothing is read back")
    ]
    sample_checked: Annotated[Count, doc("documents compared")]
    matching: Annotated[Count, doc("documents compared that have the expected digest")]
    orphaned: Annotated[
        Count | UnsetType,
        doc("only of `migrate`: documents without a record in the zone, or without one of the same content"),
    ] = UNSET
    outdated_flags: Annotated[
        Count | UnsetType, doc("only of `migrate`: documents with other flags than the checks give now")
    ] = UNSET
    outdated_days: Annotated[
        Count | UnsetType, doc("only of `migrate`: daily aggregates that do not match the observations")
    ] = UNSET
    dataset: Annotated[
        DatasetComparison | UnsetType, doc("only of `migrate`: the dataset compared with the database")
    ] = UNSET
    read_concern: Annotated[Literal["majority"], doc("`majority`")]
    ok: Annotated[bool, doc("whether nothing is missing or different")]


class MigrationReport(Report):
    """migration_report_<time>.json: what went into the database."""

    kind: ClassVar[str] = "migration_report"

    run_id: Annotated[Name, doc("the run's id")]
    generated_at: Annotated[Time, doc("when the report was made")]
    objects_loaded: Annotated[Count, doc("objects completely loaded")]
    objects_failed: Annotated[Count, doc("all others")]
    records_validated: Annotated[Count, doc("inserted + updated + unchanged + superseded")]
    inserted: Annotated[Count, doc("as in the status")]
    updated: Annotated[Count, doc("as in the status")]
    unchanged: Annotated[Count, doc("as in the status")]
    superseded: Annotated[Count, doc("as in the status")]
    failed: Annotated[
        Count, doc("records of failed and interrupted objects that should have been written but were not")
    ]
    error_rate: Annotated[Rate, doc("failed / (records_validated + failed)")]
    values_removed: ValuesRemoved
    verification: Verification
