"""migration_report_<time>.json: what was loaded into the database, and its verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from forecast.core.clock import iso_time
from forecast.core.counts import ObjectCounts, ratio
from forecast.core.format_version import FORMAT_VERSION
from forecast.core.removals import Removed
from forecast.report.models.migration import MigrationReport, Verification
from forecast.report.removals import values_removed

_NOT_WRITTEN = ("failed", "interrupted")


def migration_report(
    run_id: str,
    objects: Sequence[ObjectCounts],
    verification: Verification,
    now: datetime,
    removed: Mapping[Removed, int],
) -> MigrationReport:
    """The report on what became of the records of these objects in the database.

    `records_validated` are the records that the database holds or has overtaken (= inserted + updated + unchanged +
    superseded); `failed` those of failed and interrupted objects that were not written but should be; `error_rate` =
    failed / (records_validated + failed). `removed` are stored values that were replaced by records which lack them.
    `verification` was read back from the database.
    """
    written = {
        name: sum(getattr(counts, name) for counts in objects)
        for name in ("inserted", "updated", "unchanged", "superseded")
    }
    validated = sum(written.values())
    failed = sum(
        max(0, counts.records_validated - counts.records_written)
        for counts in objects
        if counts.outcome in _NOT_WRITTEN
    )
    return MigrationReport(
        format_version=FORMAT_VERSION,
        run_id=run_id,
        generated_at=iso_time(now),
        objects_loaded=sum(counts.outcome == "loaded" for counts in objects),
        objects_failed=sum(counts.outcome != "loaded" for counts in objects),
        records_validated=validated,
        **written,
        failed=failed,
        error_rate=ratio(failed, validated + failed),
        values_removed=values_removed(removed),
        verification=verification,
    )


def verification(
    objects: Sequence[ObjectCounts], found: Mapping[str, int] | None = None, documents: int | None = None
) -> Verification:
    """The results of reading back: the counts of `load` over the checked records, and all documents.

    A record that would be inserted or updated now is missing. Without counts, nothing was read back.
    """
    counts = found or {}
    missing = counts.get("inserted", 0) + counts.get("updated", 0)
    checked = missing + counts.get("unchanged", 0) + counts.get("superseded", 0)
    return Verification(
        documents_expected_at_least=sum(counts.inserted for counts in objects),
        documents_in_database=documents,
        sample_checked=checked,
        matching=counts.get("unchanged", 0),
        read_concern="majority",
        ok=found is not None and not missing,
    )
