"""An S3 server with faults: a proxy in front of a sound one, which spoils the answers to chosen requests."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from forecast.storage.s3 import RetryPolicy
from tests.serving import served

# Long enough for a sound answer on a machine that is busy with other things; pauses are what tests need not wait for.
CALM = RetryPolicy(tries=3, first_pause_seconds=0.01, breaker_threshold=2)
_OF_ONE_CONNECTION = {"connection", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Rule:
    """Spoils requests of a method whose decoded target holds some text, so many times."""

    method: str
    text: str
    fault: Fault
    times: float

    def takes(self, method: str, target: str) -> bool:
        return self.times > 0 and self.method == method and self.text in unquote(target)


class Exchange(BaseHTTPRequestHandler):
    """One request on its way."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def forward(self, target: str | None = None) -> Answer:
        """The sound server's answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        with contextlib.closing(http.client.HTTPConnection(self.server.upstream, timeout=30)) as sound:
            sound.request(self.command, target or self.path, body, kept)
            answer = sound.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def send(self, answer: Answer, *, body: bytes | None = None) -> None:
        """Send an answer; with `body`, the length is the answer's and what follows is not."""
        self.send_response(answer.status)
        length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(answer.body))
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_ONE_CONNECTION}
        for name, value in {**kept, "Content-Length": length}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body if body is None else body)

    def end(self) -> None:
        """Drop the connection."""
        self.wfile.flush()
        self.close_connection = True

    def handle_request(self) -> None:
        server = self.server
        with server.lock:
            server.requests.append(f"{self.command} {unquote(self.path)}")
            rule = next((rule for rule in server.rules if rule.takes(self.command, self.path)), None)
            if rule is not None:
                rule.times -= 1
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the program has given up
            if rule is None:
                self.send(self.forward())
            else:
                rule.fault(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815  named by the library

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


Fault = Callable[[Exchange], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.upstream = upstream
        self.lock = threading.Lock()
        self.rules: list[Rule] = []
        self.requests: list[str] = []
        self.ended = threading.Event()


@dataclass
class FaultyS3:
    """What a test says to the proxy."""

    server: _Server
    endpoint: str = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def spoil(self, method: str, text: str, fault: Fault, times: float = float("inf")) -> None:
        """Let a fault befall requests of this method whose decoded target holds `text`."""
        self.server.rules.append(Rule(method, text, fault, times))

    def mend(self) -> None:
        """No more faults."""
        self.server.rules.clear()
        self.server.requests.clear()

    def requests(self, method: str, text: str) -> int:
        """How many such requests there were."""
        return sum(line.startswith(f"{method} ") and text in line for line in self.server.requests)


@contextmanager
def faulty_s3(sound: str) -> Iterator[FaultyS3]:
    """A proxy in front of the S3 server at this address."""
    server = _Server(urlsplit(sound).netloc)
    with served(server):
        try:
            yield FaultyS3(server)
        finally:
            server.ended.set()


def says(status: int, code: str) -> Fault:
    """An error, in S3's own form."""
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    def fault(exchange: Exchange) -> None:
        exchange.rfile.read(int(exchange.headers.get("Content-Length", 0)))
        exchange.send(Answer(status, {"Content-Type": "application/xml"}, b"" if exchange.command == "HEAD" else body))

    return fault


def answers(body: bytes) -> Fault:
    """200 and these bytes."""
    return lambda exchange: exchange.send(Answer(200, {}, body))


def breaks_off(exchange: Exchange) -> None:
    """Half of the body comes, then the connection is dropped."""
    answer = exchange.forward()
    exchange.send(answer, body=answer.body[: len(answer.body) // 2])
    exchange.end()


def is_cut(exchange: Exchange) -> None:
    """Half of the body comes, under a length that says it is all."""
    answer = exchange.forward()
    exchange.send(replace(answer, body=answer.body[: len(answer.body) // 2]))


def is_garbled(**headers: str) -> Fault:
    """As many bytes come, and one is another."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        middle = len(answer.body) // 2
        body = answer.body[:middle] + bytes([answer.body[middle] ^ 1]) + answer.body[middle + 1 :]
        exchange.send(replace(answer, headers={**answer.headers, **headers}, body=body))

    return fault


def has_headers(**headers: str) -> Fault:
    """The right body, under other headers."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.send(replace(answer, headers={**answer.headers, **headers}))

    return fault


def is_silent(exchange: Exchange) -> None:
    """The connection is accepted, and nothing ever comes."""
    exchange.server.ended.wait()
    exchange.end()


def hangs_up(exchange: Exchange) -> None:
    """The connection is dropped without an answer; of a body that is sent, half is read."""
    exchange.rfile.read(int(exchange.headers.get("Content-Length", 0)) // 2)
    exchange.end()


def trickles(exchange: Exchange) -> None:
    """A byte now and then, so that no timeout between two bytes ever strikes."""
    answer = exchange.forward()
    exchange.send(answer, body=b"")
    for at in range(len(answer.body)):
        exchange.wfile.write(answer.body[at : at + 1])
        exchange.wfile.flush()
        if exchange.server.ended.wait(0.2):
            break
    exchange.end()


def comes_after(action: Callable[[], object]) -> Fault:
    """The right answer, after something else has happened to the bucket."""

    def fault(exchange: Exchange) -> None:
        action()
        exchange.send(exchange.forward())

    return fault


def in_pages_of(number: int) -> Fault:
    """No fault: a list that comes in pages of so many objects."""
    return lambda exchange: exchange.send(exchange.forward(f"{exchange.path}&max-keys={number}"))


def patience_for(fault: Fault) -> RetryPolicy:
    """As little patience as a test of this fault can do with."""
    if fault is is_silent:
        return replace(CALM, read_seconds=1.5, tries=2)
    if fault is trickles:
        return replace(CALM, seconds=3, slowest_bytes_per_second=1e9)
    return CALM
