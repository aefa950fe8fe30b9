"""Small documents on S3, written conditionally (If-Match, If-None-Match)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from forecast.storage.documents import Document, changed
from forecast.storage.s3 import Place, RetryPolicy, S3Store

_OTHER_VERSION = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_NOT_THERE = ("NoSuchKey", "404")


class S3Documents:
    """Documents below a prefix of a bucket; a version is the ETag."""

    def __init__(self, uri: str, policy: RetryPolicy | None = None) -> None:
        self._store = S3Store(uri, policy)
        self.uri = self._store.uri

    def read(self, name: str) -> Document | None:
        """See `Documents.read`."""
        return self._store.attempt(f"read: {name}", lambda client, at: _read(client, at(name)))

    def write(self, name: str, content: bytes, replaces: str | None) -> str:
        """See `Documents.write`."""
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}

        def put(client: Any, at: Place) -> str | None:
            try:
                return str(client.put_object(**at(name), Body=content, **condition)["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] not in (*_OTHER_VERSION, *_NOT_THERE):
                    raise
                # The answer to a previous attempt may have been lost, and the stored content is what was to be written.
                found = _read(client, at(name))
                return found.version if found is not None and found.content == content else None

        version = self._store.attempt(f"written: {name}", put)
        if version is None:
            raise changed(f"{self.uri}{name}")
        return version


def _read(client: Any, place: dict[str, str]) -> Document | None:
    try:
        answer = client.get_object(**place)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise
    with answer["Body"] as body:
        content: bytes = body.read()
    now = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    asked = parsedate_to_datetime(now) if now else datetime.now(UTC)
    return Document(content, answer["ETag"], (asked - answer["LastModified"]).total_seconds())
