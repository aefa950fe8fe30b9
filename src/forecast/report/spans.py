"""OpenTelemetry: the spans of a run and of its stages, sent to a collector by OTLP over HTTP after the run.

The stages of different objects overlap, so a stage has one span: from the first moment at which it was at work to the
last. `forecast.busy_seconds` is the sum that the status has in `times`, which is more where several objects were in a
stage at once. opentelemetry is imported only here, and only where OTEL_EXPORTER_OTLP_ENDPOINT is set. The library
reads the other variables of the specification by itself, such as OTEL_EXPORTER_OTLP_HEADERS
(https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec.structs import asdict

from forecast.report.models.status import PipelineStatus

if TYPE_CHECKING:  # an extra
    from opentelemetry.sdk.trace import ReadableSpan

SERVICE: Final = "forecast"
_TRACES: Final = "v1/traces"
# The most time that a collector without an answer can cost a run.
_SECONDS: Final = 10.0
LOGGER = logging.getLogger("forecast.report")

# From the first to the last moment of a stage, in nanoseconds since 1970.
Windows = Mapping[str, tuple[int, int]]


def send_spans(endpoint: str, status: PipelineStatus, windows: Windows) -> None:
    """Send a span of the run and one of each stage that was at work; a run that has ended, its stages by name.

    Any failure is only a warning in the log, because the run itself is done.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415
    except ImportError:
        _warn("OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry is not installed: pip install 'forecast[otlp]'")
        return
    # The library logs each failed attempt with a traceback and the address.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/{_TRACES}", timeout=_SECONDS)
    try:
        done = exporter.export(_spans(status, windows)) is SpanExportResult.SUCCESS
    except Exception:  # noqa: BLE001  a run does not fail because of its spans
        done = False
    if not done:
        _warn("the spans of this run were not sent: the collector of OTEL_EXPORTER_OTLP_ENDPOINT did not take them")


def _spans(status: PipelineStatus, windows: Windows) -> list[ReadableSpan]:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415
    from opentelemetry.trace import Status, StatusCode, set_span_in_context  # noqa: PLC0415

    named = {"service.name": SERVICE, "service.version": status.pipeline_version}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    kept = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer(SERVICE)
    began, ended = _nanoseconds(status.started_at), _nanoseconds(status.finished_at or status.started_at)
    counts = {f"forecast.{name}": value for name, value in asdict(status.counts).items() if isinstance(value, int)}
    run = tracer.start_span(
        "run",
        start_time=began,
        attributes={"forecast.run_id": status.run_id, "forecast.status": status.status, **counts},
    )
    busy = asdict(status.times)
    for stage, (first, last) in windows.items():
        span = tracer.start_span(
            stage,
            context=set_span_in_context(run),
            start_time=first,
            attributes={"forecast.busy_seconds": busy[stage]},
        )
        span.end(last)
    if status.exit_code is not None:
        run.set_attribute("process.exit.code", status.exit_code)
    if status.status == "failed":
        run.set_status(Status(StatusCode.ERROR, next((error.message for error in status.errors), None)))
    run.end(ended)
    return list(kept.get_finished_spans())


def _nanoseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1e9)


def _warn(message: str) -> None:
    LOGGER.warning(message, extra={"facts": {"event": "spans_not_sent"}})
