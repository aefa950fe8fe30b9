"""OpenLineage events: which objects a run read and what it wrote, for a catalog such as Marquez or DataHub.

Two events per run, for its start and its end, are in a file of their own, so no catalog has to be reachable during a
run. The form is OpenLineage 2-0-2 (https://openlineage.io/spec/2-0-2/OpenLineage.json), the names of datasets those
of its naming conventions (https://openlineage.io/docs/spec/naming).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from msgspec import UNSET

from forecast.core.counts import ObjectCounts
from forecast.core.text import without_secrets
from forecast.report.models.status import PipelineStatus, RunStatus, Written

FOLDER: Final = "lineage"
JOB: Final = {"namespace": "forecast", "name": "pipeline"}
_SPEC: Final = "https://openlineage.io/spec"
# OpenLineage's states for how a run ended; a partial run has written what it could.
_ENDS: Final[Mapping[RunStatus, str]] = {
    "success": "COMPLETE",
    "partial": "COMPLETE",
    "failed": "FAIL",
    "interrupted": "ABORT",
}


def lineage(status: PipelineStatus, objects: Iterable[ObjectCounts]) -> str:
    """Two run events as JSON lines, of a run that has ended: START, and COMPLETE, FAIL or ABORT.

    Inputs are the raw objects that were loaded, with the number of rows read. Outputs are what the status says was
    written, but for reports, with the number of records or documents.
    """
    producer = f"urn:forecast:{status.pipeline_version}"

    def facet(name: str, version: str, **values: Any) -> dict[str, Any]:
        return {"_producer": producer, "_schemaURL": f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}", **values}

    job_type = facet("JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="FORECAST", jobType="PIPELINE")

    def event(kind: str, time: str | None, run_facets: dict[str, Any], **datasets: list[dict[str, Any]]) -> str:
        run_id = str(uuid5(NAMESPACE_URL, f"urn:forecast:run:{status.run_id}"))
        entry = {
            "eventType": kind,
            "eventTime": time,
            "producer": producer,
            "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id, "facets": run_facets},
            "job": {**JOB, "facets": {"jobType": job_type}},
            **datasets,
        }
        return json.dumps(entry, allow_nan=False) + "\n"

    def read(counts: ObjectCounts) -> dict[str, Any]:
        facts = facet("InputStatisticsInputDatasetFacet", "1-0-0", rowCount=counts.rows_read)
        return {**_at(counts.uri), "inputFacets": {"inputStatistics": facts}}

    def wrote(place: dict[str, str], count: int) -> dict[str, Any]:
        facts = facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=count)
        return {**place, "outputFacets": {"outputStatistics": facts}}

    fault = next((error.message for error in status.errors if error.object is None), None)
    facets = {}
    if fault is not None:
        words = without_secrets(fault)
        facets["errorMessage"] = facet("ErrorMessageRunFacet", "1-0-1", message=words, programmingLanguage="Python")
    inputs = [read(counts) for counts in objects if counts.outcome == "loaded"]
    outputs = [wrote(_place(one, status), one.count) for one in status.written if one.kind != "report"]
    return event("START", status.started_at, {}) + event(
        _ENDS[status.status], status.finished_at, facets, inputs=inputs, outputs=outputs
    )


def _place(written: Written, status: PipelineStatus) -> dict[str, str]:
    name = str(written.path if written.uri is UNSET else written.uri).rstrip("/")
    if written.kind == "documents":
        return {"namespace": f"mongodb://{status.arguments['mongodb_server']}", "name": name}
    return _at(name)


def _at(uri: str) -> dict[str, str]:
    """The dataset name of an object or folder: bucket and key on S3, the path on this machine."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return (
        {"namespace": f"s3://{bucket}", "name": key} if uri.startswith("s3://") else {"namespace": "file", "name": uri}
    )
