"""HTTP, independent of any network."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError

from forecast import __version__

_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 60.0
_BEGINNING_BYTES: Final = 64 << 10
# A hundred stations have 3 to 6 MB per day, decompressed.
MAX_BODY_BYTES: Final = 64 << 20
# A year of 60 stations, every three hours, has 22 MB; ten years of hourly values of a hundred stations have 100 MB.
MAX_FILE_BYTES: Final = 512 << 20
_PIECE_BYTES: Final = 64 << 10
_OK: Final = 200
_REDIRECTS: Final = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=3)
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class NoResponseError(Exception):
    """There was no complete response; the text says why, without the address, which contains the key."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response, decompressed; the names of headers are in lower case."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def beginning(self) -> str:
        """The part that describes a refusal in words, and that messages show; other responses have megabytes."""
        return self.body[:_BEGINNING_BYTES].decode(errors="replace")


class Transport(Protocol):
    """Anything that answers a GET request."""

    def get(self, url: str, headers: Mapping[str, str] = NO_HEADERS) -> Response:
        """The response, whatever its status. Raises NoResponseError if there is none."""
        ...

    def download(self, url: str, path: Path, headers: Mapping[str, str] = NO_HEADERS) -> Response:
        """The response; if the status is 200, its body is in the file, as it was sent. Raises NoResponseError."""
        ...


class HttpTransport:
    """HTTP(S) over urllib3, with gzip if the server has it, and without redirects, which would leak the key."""

    def __init__(self, *, ipv4_only: bool = False) -> None:
        # A socket bound to an IPv4 address only connects to IPv4 addresses.
        source = ("0.0.0.0", 0) if ipv4_only else None  # noqa: S104  nothing listens there
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=False,
            source_address=source,
            headers={"Accept-Encoding": "gzip", "Accept": "application/json", "User-Agent": f"forecast/{__version__}"},
        )

    def get(self, url: str, headers: Mapping[str, str] = NO_HEADERS) -> Response:
        """See `Transport.get`."""
        try:
            answer = self._pool.request(
                "GET", url, headers={**self._pool.headers, **headers}, redirect=False, preload_content=False
            )
            try:
                body = _read(answer)
            finally:
                answer.release_conn()
        except HTTPError as error:
            raise NoResponseError(_message(error)) from None
        return Response(answer.status, body, {name.lower(): value for name, value in answer.headers.items()})

    def download(self, url: str, path: Path, headers: Mapping[str, str] = NO_HEADERS) -> Response:
        """See `Transport.download`."""
        try:
            wanted = {**self._pool.headers, "Accept": "*/*", "Accept-Encoding": "identity", **headers}
            # This call has no key that a redirect could leak.
            answer = self._pool.request("GET", url, headers=wanted, retries=_REDIRECTS, preload_content=False)
            try:
                body = b"" if answer.status == _OK else _read(answer)
                if answer.status == _OK:
                    _save(answer, path)
            finally:
                answer.release_conn()
        except HTTPError as error:
            raise NoResponseError(_message(error)) from None
        return Response(answer.status, body, {name.lower(): value for name, value in answer.headers.items()})


def _save(answer: urllib3.BaseHTTPResponse, path: Path) -> None:
    """Write the body to a file, still compressed."""
    size = 0
    with path.open("wb") as file:
        for piece in answer.stream(_PIECE_BYTES, decode_content=False):
            size += file.write(piece)
            if size > MAX_FILE_BYTES:
                answer.close()
                raise NoResponseError(f"the file is larger than {MAX_FILE_BYTES >> 20} MB")


def _read(answer: urllib3.BaseHTTPResponse) -> bytes:
    """The whole body, decompressed, in pieces: a single read would hold it twice."""
    body = io.BytesIO()
    for piece in answer.stream(_PIECE_BYTES, decode_content=True):
        body.write(piece)
        if body.tell() > MAX_BODY_BYTES:
            answer.close()
            raise NoResponseError(f"the response is larger than {MAX_BODY_BYTES >> 20} MB")
    return body.getvalue()


def _message(error: HTTPError) -> str:
    """What happened; urllib3's own texts contain the address."""
    if isinstance(error, NameResolutionError):
        return "its host name does not resolve"
    named = {
        "ConnectTimeoutError": f"no connection within {_CONNECT_SECONDS:g} s",
        "ReadTimeoutError": f"no data for {_READ_SECONDS:g} s",
        "NewConnectionError": "no connection could be made",
        "SSLError": "its TLS certificate or protocol is not accepted",
        "IncompleteRead": "the response was cut short",
        "ProtocolError": "the connection was lost",
        "DecodeError": "the response claims to be gzip but is not",
    }
    return named.get(type(error).__name__, type(error).__name__)
