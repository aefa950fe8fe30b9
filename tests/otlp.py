"""A collector of OpenTelemetry: what a real receiver of OTLP over HTTP makes of the requests that it gets."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.serving import served


@dataclass
class Collector:
    """Its address, what it was sent, and how it answers."""

    endpoint: str = ""
    answer: HTTPStatus = HTTPStatus.OK
    paths: list[str] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> dict[str, Any]:
        """The spans of all requests by name."""
        return {
            span.name: span
            for request in self.requests
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        }

    @property
    def resource(self) -> dict[str, Any]:
        """The attributes of that which sent the first request."""
        return attributes(self.requests[0].resource_spans[0].resource)


def attributes(of: Any) -> dict[str, Any]:
    """The attributes of a span or a resource as plain values."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in of.attributes}


@contextmanager
def collector(answer: HTTPStatus = HTTPStatus.OK) -> Iterator[Collector]:
    """A collector on a free port of this machine."""
    there = Collector(answer=answer)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            there.paths.append(self.path)
            there.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(there.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the tests look at what was sent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    there.endpoint = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield there
