"""Dumps in the backup bucket: `<UTC time>.archive.gz` as mongodump writes it, and `<UTC time>.json`, its manifest.

The manifest is written last, so a dump without one is incomplete and is never restored.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO, Any, Protocol

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from forecast.core.errors import RetryableError, SettingError

_ARCHIVE, _MANIFEST = ".archive.gz", ".json"
_TIME = "%Y-%m-%dT%H-%M-%SZ"
_BLOCK = 1 << 20
# S3 accepts at most 10,000 parts, and the length of a stream is not known in advance. Parts of 64 MiB allow 640 GB;
# boto3's default of 8 MiB would end an upload at 80 GB, after hours. Two parts at a time take 128 MiB of memory.
PARTS = TransferConfig(multipart_chunksize=64 << 20, max_concurrency=2)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dump holds: bytes and SHA-256 of the archive, and the documents per collection, counted just before."""

    database: str
    time: str
    bytes: int
    sha256: str
    documents: dict[str, int]
    seconds: float


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        ...


class Archives:
    """The dumps below s3://bucket/prefix/."""

    def __init__(self, client: Any, uri: str) -> None:
        parts = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.*)", uri)
        if parts is None:
            raise SettingError("BACKUP_URI takes s3://bucket/prefix/")
        self._client = client
        self._bucket = parts.group(1)
        prefix = parts.group(2)
        self._prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"

    def uri(self, name: str) -> str:
        """Where the archive of a dump is."""
        return f"s3://{self._bucket}/{self._prefix}{name}{_ARCHIVE}"

    def upload(self, name: str, stream: Readable) -> None:
        """Upload an archive while it is being made. If the stream fails, no object is left behind."""
        with self._store_errors("written"):
            self._client.upload_fileobj(stream, self._bucket, f"{self._prefix}{name}{_ARCHIVE}", Config=PARTS)

    def finish(self, name: str, manifest: Manifest) -> None:
        """Store the manifest, which completes the dump."""
        body = json.dumps(asdict(manifest), indent=2, sort_keys=True).encode()
        with self._store_errors("written"):
            self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}{name}{_MANIFEST}", Body=body)

    def newest(self) -> tuple[str, datetime] | None:
        """Name and time of the newest complete dump."""
        with self._store_errors("listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            found = [
                (entry["Key"].removeprefix(self._prefix).removesuffix(_MANIFEST), entry["LastModified"])
                for page in pages
                for entry in page.get("Contents", ())
                if entry["Key"].endswith(_MANIFEST)
            ]
        return max(found, default=None)

    def manifest(self, name: str) -> Manifest:
        """The manifest of a dump."""
        with self._store_errors("read"):
            answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}{_MANIFEST}")
            text = answer["Body"].read()
        try:
            return Manifest(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise SettingError(f"{self._prefix}{name}{_MANIFEST} is not a manifest of a dump") from error

    def digest(self, name: str) -> str:
        """SHA-256 of an archive as it is stored now."""
        digest = hashlib.sha256()
        with self._store_errors("read"):
            for block in self._body(name).iter_chunks(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def download(self, name: str, target: IO[bytes]) -> None:
        """Write an archive to a stream."""
        with self._store_errors("read"):
            for block in self._body(name).iter_chunks(_BLOCK):
                target.write(block)

    def _body(self, name: str) -> Any:
        return self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}{_ARCHIVE}")["Body"]

    @contextmanager
    def _store_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            words = f"s3://{self._bucket}/{self._prefix} could not be {what}: S3 answered {code}"
            if code in {"NoSuchKey", "NoSuchBucket", "AccessDenied", "403", "404"}:
                raise SettingError(words) from error
            raise RetryableError(words) from error
        except (BotoCoreError, S3UploadFailedError) as error:
            raise RetryableError(
                f"s3://{self._bucket}/{self._prefix} could not be {what}: {type(error).__name__}"
            ) from error


def name_of(time: datetime) -> str:
    """The name of a dump that begins at that UTC time."""
    return time.strftime(_TIME)
