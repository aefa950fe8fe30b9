"""An Airbyte server as far as its public API is used: it checks every body against the documented requests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jsonschema

from tests.serving import served

WORKSPACE: Final = "871d9b60-11d1-44cb-8c92-c246d53bf87e"
CLIENT: Final = {"client_id": "the-client", "client_secret": "the-client-secret"}
SECRETS: Final = {"api_key", "access_key_id", "secret_access_key"}
# Names, required fields and values of the requests, as the API's OpenAPI document has them (connections, sources,
# destinations, declarative source definitions, jobs).
REQUESTS: Final = json.loads(Path(__file__).with_name("requests.schema.json").read_text("utf-8"))

Json = dict[str, Any]


@dataclass(slots=True)
class Airbyte:
    """What the server holds, by kind, and the calls that it got: method and path."""

    definitions: list[Json] = field(default_factory=list)
    sources: list[Json] = field(default_factory=list)
    destinations: list[Json] = field(default_factory=list)
    connections: list[Json] = field(default_factory=list)
    job_statuses: list[str] = field(default_factory=lambda: ["pending", "running", "succeeded"])
    calls: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    fault: tuple[int, str] | None = None

    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] != "GET" and call[1] != "/applications/token"]

    def answer(self, method: str, address: str, body: Json | None, token: str) -> tuple[int, Any]:
        url = urlsplit(address)
        self.calls.append((method, url.path))
        if url.path == "/applications/token":
            return (200, {"access_token": "a-token"}) if body == CLIENT else (401, {"message": "no"})
        if token != "Bearer a-token":
            return 401, {"message": "no token"}
        if self.fault is not None:
            return self.fault[0], {"message": self.fault[1]}
        if body is not None:
            self.bodies.append(body)
        parts = url.path.strip("/").split("/")
        if parts[0] == "workspaces":
            assert parts[:4] == ["workspaces", WORKSPACE, "definitions", "declarative_sources"]
            return self._resource(method, "definitions", parts[4:], body, parse_qs(url.query))
        if parts[0] == "jobs":
            return self._job(method, parts[1:], body)
        if method == "GET":
            assert parse_qs(url.query)["workspaceIds"] == [WORKSPACE]
        return self._resource(method, parts[0], parts[1:], body, parse_qs(url.query))

    def _resource(
        self, method: str, kind: str, rest: list[str], body: Json | None, query: dict[str, list[str]]
    ) -> tuple[int, Any]:
        held: list[Json] = getattr(self, kind)
        name = {"definitions": "id"}.get(kind, f"{kind[:-1]}Id")
        if method == "GET":
            offset, limit = int(query["offset"][0]), int(query["limit"][0])
            return 200, {"data": [_masked(entry) for entry in held[offset : offset + limit]]}
        check(f"{method} {kind}", body)
        assert body is not None
        if method == "POST":
            held.append({**body, name: str(uuid.uuid4()), "workspaceId": WORKSPACE})
            return 200, _masked(held[-1])
        (found,) = [entry for entry in held if entry[name] == rest[0]]
        found |= body
        return 200, _masked(found)

    def _job(self, method: str, rest: list[str], body: Json | None) -> tuple[int, Any]:
        if method == "POST":
            check("POST jobs", body)
        return 200, {"jobId": 17, "status": self.job_statuses.pop(0), "jobType": "sync", "rowsSynced": 12}


def check(request: str, body: Any) -> None:
    """Raise ValidationError where a body is not as the API documents it."""
    schema = {"$ref": f"#/$defs/{request}", "$defs": REQUESTS}
    jsonschema.Draft202012Validator(schema).validate(body)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "**********" if name in SECRETS else _masked(member) for name, member in value.items()}
    return value


@contextmanager
def serve_airbyte(airbyte: Airbyte) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                status, document = airbyte.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
            except (AssertionError, jsonschema.ValidationError) as error:
                status, document = 400, {"message": f"{error}"[:250]}
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815  named by the library

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library calls it
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with served(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"
