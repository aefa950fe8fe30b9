"""All reports, from which JSON Schemas and documentation are generated."""

from __future__ import annotations

from typing import Final

from forecast.report.models.base import Report
from forecast.report.models.ingest import IngestReport
from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.load_test import LoadTestReport
from forecast.report.models.migration import MigrationReport
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import PipelineStatus

REPORTS: Final[tuple[type[Report], ...]] = (
    PipelineStatus,
    QualityReport,
    MigrationReport,
    QueryLatencyReport,
    LoadTestReport,
    IngestReport,
)
