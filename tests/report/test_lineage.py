"""Which objects a run read and what it wrote of them, as the classes of OpenLineage itself would write it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from openlineage.client import facet_v2 as facets
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, RunEvent, RunState
from openlineage.client.event_v2 import Run as LineageRun
from openlineage.client.serde import Serde

from forecast.core.counts import ObjectCounts
from forecast.report.lineage import lineage
from forecast.report.models.status import RunStatus
from forecast.report.status import RunInfo, RunProgress, status_report

PRODUCER = "urn:forecast:2.0.0+g0123456789ab"
BEGAN, ENDED = datetime(2026, 11, 29, 5, 15, tzinfo=UTC), datetime(2026, 11, 29, 5, 16, 40, tzinfo=UTC)
INFO = RunInfo(
    "20261129T051500Z-abcdef", BEGAN, "2.0.0+g0123456789ab", {"mongodb_server": "mongo-1:27017,mongo-2:27017"}
)
OBJECTS = [
    ObjectCounts("a.csv", "s3://raw/airbyte-sync/a.csv", "loaded", rows_read=4, records_validated=4, inserted=4),
    ObjectCounts("b.csv", "/data/raw/b.csv", "loaded", rows_read=2, records_validated=2, unchanged=2),
    ObjectCounts("c.csv", "s3://raw/airbyte-sync/c.csv", "rejected", error_code="no_day", error="Its day is lost."),
]


def events(status: RunStatus, progress: RunProgress) -> list[dict[str, Any]]:
    """What is written of a run that ended like this."""
    code = 0 if status == "success" else 3
    report = status_report(INFO, progress, OBJECTS, status=status, exit_code=code, finished_at=ENDED, attention=[])
    return [json.loads(line) for line in lineage(report, OBJECTS).splitlines()]


def without_empty_facets(data: Any) -> Any:
    """The library writes facets that hold nothing."""
    if isinstance(data, dict):
        return {
            name: without_empty_facets(value) for name, value in data.items() if not (name == "facets" and not value)
        }
    return [without_empty_facets(value) for value in data] if isinstance(data, list) else data


def as_the_library_writes(event: RunEvent) -> Any:
    return without_empty_facets(json.loads(Serde.to_json(event)))


def test_a_run_has_a_start_and_an_end_with_what_it_read_and_wrote() -> None:
    progress = RunProgress()
    progress.add_written("records", "s3://processed/observations/", 4)
    progress.add_written("documents", "forecast_2_0.weather_measurements", 17)
    progress.add_written("report", "logs/quality_report_20261129T051640Z.json", 1)
    start, end = events("partial", progress)
    run = LineageRun(start["run"]["runId"])
    job_type = facets.job_type_job.JobTypeJobFacet("BATCH", "FORECAST", "PIPELINE", producer=PRODUCER)
    job = Job("forecast", "pipeline", facets={"jobType": job_type})

    def read(namespace: str, name: str, rows: int) -> InputDataset:
        facet = facets.input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=rows, producer=PRODUCER)
        return InputDataset(namespace, name, inputFacets={"inputStatistics": facet})

    def wrote(namespace: str, name: str, rows: int) -> OutputDataset:
        facet = facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=rows, producer=PRODUCER
        )
        return OutputDataset(namespace, name, outputFacets={"outputStatistics": facet})

    assert without_empty_facets(end) == as_the_library_writes(
        RunEvent(
            eventType=RunState.COMPLETE,
            eventTime="2026-11-29T05:16:40Z",
            run=run,
            job=job,
            inputs=[read("s3://raw", "airbyte-sync/a.csv", 4), read("file", "/data/raw/b.csv", 2)],
            outputs=[
                wrote("s3://processed", "observations", 4),
                wrote("mongodb://mongo-1:27017,mongo-2:27017", "forecast_2_0.weather_measurements", 17),
            ],
            producer=PRODUCER,
        )
    )
    begun = RunEvent(
        eventType=RunState.START, eventTime="2026-11-29T05:15:00Z", run=run, job=job, producer=PRODUCER
    )  # fmt: skip
    assert without_empty_facets(start) == {
        name: value for name, value in as_the_library_writes(begun).items() if name not in ("inputs", "outputs")
    }


@pytest.mark.parametrize(("status", "kind"), [("success", "COMPLETE"), ("failed", "FAIL"), ("interrupted", "ABORT")])
def test_the_end_says_how_the_run_ended(status: RunStatus, kind: str) -> None:
    assert [event["eventType"] for event in events(status, RunProgress())] == ["START", kind]


def test_the_error_that_ended_a_run_is_reported_without_secrets() -> None:
    progress = RunProgress()
    progress.add_error("DatabaseError", "mongodb://writer:s3cret@mongo-1 does not answer")
    facet = events("failed", progress)[1]["run"]["facets"]["errorMessage"]
    assert facet["message"] == "mongodb://*** does not answer"
    assert facets.error_message_run.ErrorMessageRunFacet("", "")._get_schema() == facet["_schemaURL"]


def test_a_rejected_object_is_not_an_input() -> None:
    assert "airbyte-sync/c.csv" not in str(events("partial", RunProgress()))
