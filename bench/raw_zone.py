"""A raw zone of any size, on an S3 server whose lists are made up.

The keys of old objects are computed, so that a million of them need neither files nor memory. The files of a folder lie
among them, and these can be read. The server knows what the program asks of a raw zone: lists and objects.
"""

from __future__ import annotations

import hashlib
import os
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Final, overload
from urllib.parse import parse_qs, quote, unquote, urlsplit

from forecast_demo.airbyte import Sync

URI: Final = "s3://bench/raw/"
OLD_ETAG: Final = '"5eb63bbbe01eeed093cb22bb8f5acdc3"'
_BUCKET: Final = "bench"
_PREFIX: Final = "raw/"
_ENTRY: Final = (
    "<Contents><Key>%s</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><ETag>%s</ETag><Size>%d</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)


@dataclass(frozen=True)
class OldKeys(Sequence[str]):
    """The keys of so many objects of each station, in their order, evenly over the time from `first` to `end`."""

    stations: Sequence[str]
    of_each: int
    first: datetime
    end: datetime

    def __len__(self) -> int:
        return len(self.stations) * self.of_each

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        station, number = divmod(at, self.of_each)
        started = self.first + (self.end - self.first) * number / self.of_each
        return f"wunderground/{self.stations[station]}/{Sync(started, 1).object_name('jsonl', number)}"


@dataclass
class RawZone:
    """What lies below `URI`, and how many lists and objects were asked for."""

    old: OldKeys
    folder: Path
    requests: list[str] = field(default_factory=list)

    def page(self, after: str, size: int) -> list[str]:
        """The next keys of the list behind one."""
        files = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.jsonl"))
        behind = (self.old[at] for at in range(bisect_right(self.old, after), len(self.old)))
        return list(islice(merge(behind, files[bisect_right(files, after) :]), size))

    def listing(self, after: str, size: int) -> bytes:
        """A page of the list as S3 says it."""
        *keys, behind = [*self.page(after, size + 1), ""][: size + 1]
        more = behind != ""
        entries = "".join(map(self._entry, keys))
        token = f"<NextContinuationToken>{keys[-1]}</NextContinuationToken>" if more else ""
        head = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        facts = f"<Name>{_BUCKET}</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        return f"{head}{facts}{entries}</ListBucketResult>".encode()

    def _entry(self, key: str) -> str:
        path = self.folder / key
        etag, size = (etag_of(path), path.stat().st_size) if path.exists() else (OLD_ETAG, 1)
        return _ENTRY % (quote(_PREFIX + key), etag, size)


def etag_of(path: Path) -> str:
    """The ETag of an object of one part."""
    return f'"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"'


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        zone, target = self.server.zone, urlsplit(self.path)
        asked = parse_qs(target.query)
        zone.requests.append(self.path)
        if "list-type" in asked:
            after = asked.get("continuation-token", asked.get("start-after", [""]))[0]
            size = int(asked.get("max-keys", ["1000"])[0])
            self._send(zone.listing(after.removeprefix(_PREFIX), size), {"Content-Type": "application/xml"})
        else:
            path = zone.folder / unquote(target.path).removeprefix(f"/{_BUCKET}/{_PREFIX}")
            self._send(path.read_bytes(), {"ETag": etag_of(path)})

    def _send(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, zone: RawZone) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.zone = zone


@contextmanager
def served(zone: RawZone) -> Iterator[dict[str, str]]:
    """The environment in which boto3 finds the zone."""
    server = _Server(zone)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-west-3",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def old_keys(stations: Sequence[str], objects: int, days: int, end: datetime) -> OldKeys:
    """The keys of about so many objects, of the days before a moment."""
    return OldKeys(stations, objects // len(stations), end.astimezone(UTC) - timedelta(days=days), end)
