"""Objects below a prefix of an S3 bucket, on any endpoint that boto3 is configured for.

boto3 retries requests, but not a response body that is cut short, and its pauses add up to less than a second. So its
retries are disabled, and whole operations are retried here, with increasing pauses, for a limited time.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from io import BytesIO
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import parse_timestamp

from forecast.core.errors import RetryableError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.storage.base import BLOCK_BYTES, ObjectChangedError, hex_digest, new_digest, unreadable
from forecast.storage.s3_errors import S3_ERRORS, WrongAnswerError, is_timeout, is_transient, to_forecast_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ListObjectsV2OutputTypeDef

LOGGER = logging.getLogger("forecast.storage")
_Result = TypeVar("_Result")
# Of an object: boto3's names for its bucket and key.
Place = Callable[[str], dict[str, str]]
# A page of a list has as many keys as S3 gives, which cost the program 28 ms. Before a key there may be few, so the
# first page has few, and each one after it twice as many.
_MOST_KEYS: Final = 1_000
_FEW_KEYS: Final = 100
# Objects of one part, neither encrypted with a KMS or a customer's key nor in a directory bucket (--x-s3), have the MD5
# of their content as ETag: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
_MD5_ETAG = re.compile(r'"([0-9a-f]{32})"')
_DIRECTORY_BUCKET = "--x-s3"
_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait for S3. `seconds` are for one operation, plus what its bytes need at the slowest rate."""

    connect_seconds: float = 10
    read_seconds: float = 30  # between two pieces of an answer
    tries: int = 5
    first_pause_seconds: float = 1  # each is twice the previous one
    seconds: float = 60
    slowest_bytes_per_second: float = 100_000
    breaker_threshold: int = 3  # after so many operations in a row without an answer, nothing more is requested


RETRY_POLICY = RetryPolicy()


class S3Store:
    """A prefix of a bucket."""

    def __init__(self, uri: str, policy: RetryPolicy | None = None) -> None:
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        self.uri = self.place = f"s3://{self._bucket}/{self._prefix}"
        self._policy = policy or RETRY_POLICY
        self._timeouts = 0
        try:
            self._client = _client(self._policy)
        except S3_ERRORS as error:
            raise to_forecast_error(error, self.uri, "opened") from error
        # Without path and query, which may contain anything.
        self._endpoint = "{0.scheme}://{0.netloc}".format(urlsplit(self._client.meta.endpoint_url))

    def list(self, prefix: str = "", after: str = "", before: str = "") -> Iterator[RawObject]:
        """See `Store.list`; if it ends before a key, the first pages are small."""
        token = None
        for size in _page_sizes(_FEW_KEYS if before else _MOST_KEYS):
            page = self._with_retries("listed", partial(self._page, prefix, after, token, size))
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(self._prefix)
                if before and key >= before:
                    return
                if key:  # otherwise, it is the marker of an empty folder in S3's console
                    modified = entry["LastModified"].astimezone(UTC)
                    yield RawObject(key, self.uri + key, entry["Size"], entry["ETag"], modified)
            if not page["IsTruncated"]:
                return
            token = page["NextContinuationToken"]

    def fetch(self, listed: RawObject, target: Path) -> str:
        """See `Store.fetch`."""
        try:
            return self._with_retries(
                f"read: {listed.key}",
                lambda deadline: self._copy(listed, target, deadline),
                listed.size,
                one_object=True,
            )
        except OSError as error:
            raise unreadable(listed.uri, error, target) from error

    def publish(self, source: Path | memoryview, key: str, metadata: Mapping[str, str] | None = None) -> None:
        """See `Store.publish`; S3 verifies the content with the checksum that boto3 sends."""
        # Browsers display files by the content type that S3 sends, and offer to save those without one.
        kind = _CONTENT_TYPES.get(PurePosixPath(key).suffix)

        def upload(_: float) -> None:
            more: dict[str, Any] = {"Metadata": dict(metadata)} if metadata else {}
            if kind is not None:
                more["ContentType"] = kind
            if isinstance(source, Path):
                self._client.upload_file(str(source), self._bucket, self._prefix + key, ExtraArgs=more)
            else:
                self._client.upload_fileobj(BytesIO(source), self._bucket, self._prefix + key, ExtraArgs=more)

        size = source.stat().st_size if isinstance(source, Path) else source.nbytes
        self._with_retries(f"written: {key}", upload, size)

    def remove(self, key: str) -> None:
        """See `Store.remove`."""

        def delete(_: float) -> None:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

        self._with_retries(f"removed: {key}", delete)

    def find(self, key: str) -> RawObject | None:
        """See `Store.find`."""
        return self._with_retries(f"read: {key}", lambda _: self._head(key))

    def attempt(self, what: str, call: Callable[[S3Client, Place], _Result]) -> _Result:
        """Make a request for one object, with retries if they help. `call` gets boto3's names for the object."""
        return self._with_retries(what, lambda _: call(self._client, self._place))

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def beside(self) -> tuple[str, Sequence[str]]:
        """See `Store.beside`; only the first names of each place."""
        above = self._prefix
        while above:
            above = above.rstrip("/").rpartition("/")[0]
            above = f"{above}/" if above else ""
            page = self._with_retries("listed", partial(self._first_names, above))
            if page:
                return f"s3://{self._bucket}/{above}", page
        return f"s3://{self._bucket}/", []

    def _first_names(self, prefix: str, _: float) -> Sequence[str]:
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, Delimiter="/", MaxKeys=100)
        below = [entry["Prefix"].removeprefix(prefix) for entry in page.get("CommonPrefixes", ())]
        names = [*below, *(entry["Key"].removeprefix(prefix) for entry in page.get("Contents", ()))]
        return sorted(name for name in names if name)

    def _page(self, prefix: str, after: str, token: str | None, size: int, _: float) -> ListObjectsV2OutputTypeDef:
        """One page of the listing. Another web server's answer must not pass for an empty or complete listing."""
        more: dict[str, Any] = {} if token is None else {"ContinuationToken": token}
        if size < _MOST_KEYS:
            more["MaxKeys"] = size
        if after and token is None:
            more["StartAfter"] = self._prefix + after
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix + prefix, **more)
        if page.get("Name") != self._bucket or "IsTruncated" not in page:
            raise WrongAnswerError("the response is not a listing of this bucket")
        if page["IsTruncated"] and page.get("NextContinuationToken") in (None, token):
            raise WrongAnswerError("the listing is incomplete")
        return page

    def _copy(self, listed: RawObject, target: Path, deadline: float) -> str:
        answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + listed.key, IfMatch=listed.etag)
        if answer["ETag"] != listed.etag:
            raise ObjectChangedError(f"{listed.uri} was replaced after it was listed; run again")
        body: Any = answer["Body"]
        digest, md5 = new_digest(listed.key), hashlib.md5(usedforsecurity=False)
        size = 0
        with body as raw, _ended_at(deadline, raw.shutdown), target.open("wb") as copy:
            for block in body.iter_chunks(BLOCK_BYTES):
                digest.update(block)
                md5.update(block)
                size += len(block)
                copy.write(block)
        if size != listed.size:
            raise WrongAnswerError(f"{size} bytes were received instead of {listed.size}")
        if self._expected_md5(answer) not in (None, md5.hexdigest()):
            raise WrongAnswerError("the received bytes do not match the checksum of the ETag")
        return hex_digest(digest)

    def _expected_md5(self, answer: GetObjectOutputTypeDef) -> str | None:
        found = _MD5_ETAG.fullmatch(answer["ETag"])
        own_key = answer.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in answer
        if found is None or own_key or self._bucket.endswith(_DIRECTORY_BUCKET):
            return None
        return found.group(1)

    def _head(self, key: str) -> RawObject | None:
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                return None
            raise
        modified = found["LastModified"].astimezone(UTC)
        return RawObject(key, self.uri + key, found["ContentLength"], found["ETag"], modified)

    def _with_retries(
        self, what: str, attempt: Callable[[float], _Result], size: int = 0, *, one_object: bool = False
    ) -> _Result:
        """Run `attempt`, with retries if they help; it gets the deadline (by time.monotonic)."""
        policy = self._policy
        if self._timeouts >= policy.breaker_threshold:
            silent = f"S3 at {self._endpoint} had stopped responding"
            raise RetryableError(f"{self.uri} could not be {what}: not tried, because {silent}; run again")
        deadline = time.monotonic() + policy.seconds + size / policy.slowest_bytes_per_second
        for number in count(1):
            try:
                done = attempt(deadline)
            except S3_ERRORS as error:
                fault = to_forecast_error(error, self.uri, what, self._endpoint, one_object=one_object)
                pause = policy.first_pause_seconds * 2 ** (number - 1)
                last = number == policy.tries or time.monotonic() + pause > deadline
                if last or not is_transient(error):
                    self._timeouts = self._timeouts + 1 if is_timeout(error) else 0
                    raise fault from error
                why = fault.message.removesuffix("; run again").removesuffix(" Else run again")
                LOGGER.warning("attempt %d of %d failed, trying again: %s", number, policy.tries, why)
                time.sleep(pause)
            else:
                self._timeouts = 0
                return done
        raise AssertionError  # count() never ends


def _page_sizes(size: int) -> Iterator[int]:
    while True:
        yield size
        size = min(2 * size, _MOST_KEYS)


@contextmanager
def _ended_at(deadline: float, end: Callable[[], Any]) -> Iterator[None]:
    """Call `end` if the block has not finished by then: a timeout never occurs while single bytes keep arriving."""

    def strike() -> None:
        with suppress(ValueError, RuntimeError, OSError):  # it has just ended by itself
            end()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), strike)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@cache
def _session() -> boto3.Session:
    """A session that only reads ISO 8601 times: reading every form of time took more than half of a listing.

    There is one for all stores, because it remembers the credentials that it found.
    """
    session = botocore.session.get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    return boto3.Session(botocore_session=session)


def _moment(text: str) -> datetime:
    """A time in an answer: 2026-11-30T03:00:00.000Z in a listing, an HTTP date in a header."""
    return datetime.fromisoformat(text) if text.endswith("Z") else parse_timestamp(text)


def _client(policy: RetryPolicy) -> S3Client:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=policy.connect_seconds,
        read_timeout=policy.read_seconds,
    )
    try:
        client = _session().client("s3", config=config)
        endpoint = urlsplit(client.meta.endpoint_url)
    except BotoCoreError:
        raise  # some are also a ValueError
    except ValueError as error:
        raise SettingError("AWS_ENDPOINT_URL is not an address such as https://host:port") from error
    if "@" in endpoint.netloc:
        raise SettingError("AWS_ENDPOINT_URL contains a user or a password, which S3 does not use; remove it")
    return client
