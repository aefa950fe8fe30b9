"""HTTP as the networks need it: gzip, IPv4, no redirects, and errors without the address, which contains the key."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from forecast.ingest import transport
from forecast.ingest.request import Surroundings
from forecast.ingest.sources import FETCHES
from forecast.ingest.transport import HttpTransport, NoResponseError
from tests.serving import served

KEY = "the-key"


class Server:
    """Answers every GET with the same, on one address of loopback; keeps the headers of each."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.status, self.body, self.headers = 200, b"{}", {"X-Name": "value"}
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(outer.status)
                for name, value in {**outer.headers, "Content-Length": str(len(outer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library calls it
                """Nothing."""

        class Http(HTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self.http = Http((host, port), Handler)
        self.port = int(self.http.server_address[1])


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    with ExitStack() as servers:

        def start(host: str = "127.0.0.1", port: int = 0) -> Server:
            server = Server(host, port)
            servers.enter_context(served(server.http))
            return server

        yield start


def test_a_response_is_requested_gzipped_and_returned_decompressed(serve: Callable[..., Server]) -> None:
    server = serve()
    server.body, server.headers = gzip.compress(b'{"status": "OK"}'), {"Content-Encoding": "gzip"}
    answer = HttpTransport().get(f"http://127.0.0.1:{server.port}/")
    assert (answer.status, answer.body) == (200, b'{"status": "OK"}')
    assert server.asked[0]["accept-encoding"] == "gzip"


def test_a_host_with_addresses_of_both_kinds_is_called_by_ipv4_where_its_token_is_bound_to_one(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        six = serve("::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    four = serve("127.0.0.1", six.port)
    found = [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")]

    def both(_host: str, port: int, *_more: Any) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in found]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    for source, asked in (("wunderground", six), ("infoclimat", four)):
        Surroundings().transport(FETCHES[source]).get(f"http://api.example:{six.port}/")
        assert [len(server.asked) for server in (six, four)] == [1, int(asked is four)]


def test_a_redirect_is_not_followed_because_it_would_carry_the_key_elsewhere(serve: Callable[..., Server]) -> None:
    server, other = serve(), serve()
    server.status, server.headers = 302, {"Location": f"http://127.0.0.1:{other.port}/?apiKey={KEY}"}
    assert HttpTransport().get(f"http://127.0.0.1:{server.port}/?apiKey={KEY}").status == 302
    assert other.asked == []


def test_a_response_that_claims_to_be_gzip_and_is_not_is_an_error(serve: Callable[..., Server]) -> None:
    server = serve()
    server.body, server.headers = b"text", {"Content-Encoding": "gzip"}
    with pytest.raises(NoResponseError) as raised:
        HttpTransport().get(f"http://127.0.0.1:{server.port}/?apiKey={KEY}")
    assert f"{raised.value}" == "the response claims to be gzip but is not"


def test_a_response_without_end_is_not_kept(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1 << 20)
    server = serve()
    server.body = bytes((1 << 20) + 1)
    with pytest.raises(NoResponseError, match="the response is larger than 1 MB"):
        HttpTransport().get(f"http://127.0.0.1:{server.port}/")


def test_a_host_without_an_address_is_reported_without_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(NoResponseError) as raised:
        HttpTransport().get(f"http://api.example/?apiKey={KEY}")
    assert f"{raised.value}" == "its host name does not resolve"
    assert raised.value.__cause__ is None
