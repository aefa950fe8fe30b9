"""Serves the simulated APIs over HTTP, on the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from forecast_demo.apis.answers import FakeApis, gzipped


@contextmanager
def serve(apis: FakeApis, port: int = 0) -> Iterator[str]:
    """Serve them until the block ends; yields the address, such as http://127.0.0.1:38211."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                answer = apis.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            if answer.body and "gzip" in self.headers.get("Accept-Encoding", "") and not answer.breaks_off:
                answer = gzipped(answer)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.breaks_off else answer.body)
            self.close_connection |= answer.breaks_off

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library calls it
            """Log nothing: the address contains the key."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    # Stopping takes up to one polling interval of the library, whose default is half a second.
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="apis", daemon=True)
    thread.start()
    apis.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield apis.base
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
