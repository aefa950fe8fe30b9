"""The two kinds of place that objects live in, behind one door: an S3 bucket's prefix, and a local folder.

Keys are relative to the place and opaque. Reading copies an object to a local file, once, in one version; writing
makes it appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from forecast.errors import ForecastError, RetryableError, SettingError
from forecast.observations import RawObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BLOCK = 1 << 20
_DENIED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AllAccessDisabled"}
_ABSENT = {"404", "NoSuchBucket"}
_CHANGED = {"412", "PreconditionFailed", "NoSuchKey"}


class ObjectChangedError(RetryableError):
    """The object is no longer the version that was listed."""


class Store(Protocol):
    """Objects by key, below `uri`."""

    uri: str

    def list(self, prefix: str = "") -> Iterator[RawObject]:
        """All objects, in the order of their keys."""
        ...

    def fetch(self, listed: RawObject, target: Path) -> str:
        """Copy the listed version to a local file; returns the SHA-256 of key and content, as 32 hexadecimal digits."""
        ...

    def publish(self, source: Path, key: str) -> None:
        """Make a local file an object, whole or not at all; an object of that key is replaced."""
        ...

    def find(self, key: str) -> RawObject | None:
        """The object of that key as it is now; None where there is none."""
        ...


def open_store(uri: str) -> Store:
    """The store of s3://bucket/prefix/ or of a local folder."""
    if uri.startswith("s3://"):
        return S3Store(uri)
    return LocalStore(Path(uri))


class LocalStore:
    """A folder. An ETag is the size and the time of the last change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.uri = str(folder)

    def list(self, prefix: str = "") -> Iterator[RawObject]:
        """See `Store.list`."""
        if not self._folder.is_dir():
            raise SettingError(f"the folder {self._folder} does not exist")
        for path in sorted(self._folder.rglob("*"), key=lambda path: path.relative_to(self._folder).as_posix()):
            key = path.relative_to(self._folder).as_posix()
            if key.startswith(prefix) and path.is_file():
                yield self._described(key, path)

    def fetch(self, listed: RawObject, target: Path) -> str:
        """See `Store.fetch`."""
        path = self._folder / listed.key
        digest = _new_digest(listed.key)
        try:
            with path.open("rb") as source, target.open("wb") as copy:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    copy.write(block)
                if _local_etag(os.fstat(source.fileno())) != listed.etag:
                    raise ObjectChangedError(
                        f"{listed.uri} changed while it was read; the next run takes its new version"
                    )
        except FileNotFoundError as error:
            raise ObjectChangedError(f"{listed.uri} was removed after it was listed") from error
        except OSError as error:
            raise RetryableError(f"{listed.uri} cannot be read: {error.strerror}") from error
        return str(digest.hexdigest())[:32]

    def publish(self, source: Path, key: str) -> None:
        """See `Store.publish`."""
        target = self._folder / key
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, part)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise RetryableError(f"{target} cannot be written: {error.strerror}") from error

    def find(self, key: str) -> RawObject | None:
        """See `Store.find`."""
        path = self._folder / key
        return self._described(key, path) if path.is_file() else None

    @staticmethod
    def _described(key: str, path: Path) -> RawObject:
        status = path.stat()
        modified = datetime.fromtimestamp(status.st_mtime, tz=UTC)
        return RawObject(key, str(path), status.st_size, _local_etag(status), modified)


class S3Store:
    """A bucket's prefix, on any endpoint that boto3 is told of."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._bucket = parts.netloc
        prefix = parts.path.lstrip("/")
        self._prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self.uri = f"s3://{self._bucket}/{self._prefix}"
        with self._told_apart("opened"):
            self._client = _client()

    def list(self, prefix: str = "") -> Iterator[RawObject]:
        """See `Store.list`."""
        with self._told_apart("listed"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    key = entry["Key"].removeprefix(self._prefix)
                    yield RawObject(
                        key, self.uri + key, entry["Size"], entry["ETag"], entry["LastModified"].astimezone(UTC)
                    )

    def fetch(self, listed: RawObject, target: Path) -> str:
        """See `Store.fetch`."""
        digest = _new_digest(listed.key)
        with self._told_apart(f"read: {listed.key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + listed.key, IfMatch=listed.etag)
            with target.open("wb") as copy:
                for block in answer["Body"].iter_chunks(_BLOCK):
                    digest.update(block)
                    copy.write(block)
        return str(digest.hexdigest())[:32]

    def publish(self, source: Path, key: str) -> None:
        """See `Store.publish`."""
        with self._told_apart(f"written: {key}"):
            self._client.upload_file(str(source), self._bucket, self._prefix + key)

    def find(self, key: str) -> RawObject | None:
        """See `Store.find`."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return None
            raise _translated(error, self.uri, f"read: {key}") from error
        modified = found["LastModified"].astimezone(UTC)
        return RawObject(key, self.uri + key, found["ContentLength"], found["ETag"], modified)

    @contextmanager
    def _told_apart(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise _translated(error, self.uri, what) from error
        except OSError as error:
            raise RetryableError(f"{self.uri} could not be {what}: {error.strerror or error}") from error


def digest_of(path: Path, key: str) -> str:
    """What `Store.fetch` gives for an object of this content and key."""
    digest = _new_digest(key)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return str(digest.hexdigest())[:32]


def _client() -> S3Client:
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", config=config)


def _translated(error: Exception, uri: str, what: str) -> ForecastError:
    """boto3's error as one of ours, in words and without the request."""
    if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError):
        error = error.__context__
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return SettingError(
            f"{uri} could not be {what}: no AWS credentials were found; set AWS_ACCESS_KEY_ID or a role"
        )
    if not isinstance(error, ClientError):
        return RetryableError(f"{uri} could not be {what}: {type(error).__name__}; is AWS_ENDPOINT_URL right?")
    code = error.response.get("Error", {}).get("Code", "unknown")
    if code in _DENIED:
        return SettingError(f"{uri} could not be {what}: access denied ({code}); check the credentials and the role")
    if code in _ABSENT:
        return SettingError(f"{uri} could not be {what}: there is no such bucket")
    if code in _CHANGED:
        return ObjectChangedError(f"{uri} could not be {what}: replaced or removed after it was listed; run again")
    return RetryableError(f"{uri} could not be {what}: S3 answered {code}")


def _new_digest(key: str) -> Any:
    """The key is part of it: the same table below two stations' prefixes is two objects."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape") + b"\0")


def _local_etag(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"
