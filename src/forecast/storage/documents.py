"""Small documents that several processes write. Each write names the version that it replaces, or fails.

For state, locks and counters. Ages are measured by the clock of the store, not by that of the process.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from forecast.core.errors import ForecastError, RetryableError, SettingError
from forecast.core.file_lock import lock


class Document(NamedTuple):
    """A document as it is now; `version` identifies it in `Documents.write`."""

    content: bytes
    version: str
    age_seconds: float


class DocumentChangedError(RetryableError):
    """Another process has written the document since it was read."""


class Documents(Protocol):
    """Documents by name, in one place."""

    uri: str

    def read(self, name: str) -> Document | None:
        """The document; None if there is none."""
        ...

    def write(self, name: str, content: bytes, replaces: str | None) -> str:
        """Replace that version of the document, None if there must be none yet; its new version.

        Raises DocumentChangedError if there is another version.
        """
        ...


def open_documents(uri: str, setting: str) -> Documents:
    """The documents at s3://bucket/prefix/ or in a local folder; `setting` is the name of the setting, for messages."""
    if uri.startswith("s3://"):
        from forecast.storage.s3_documents import S3Documents  # noqa: PLC0415  boto3 is not needed for a folder

        return S3Documents(uri)
    return LocalDocuments(Path(uri), setting)


def changed(uri: str) -> DocumentChangedError:
    """The error of a write that replaces a version other than the current one."""
    return DocumentChangedError(f"{uri} was changed by another process; run again")


class LocalDocuments:
    """Documents in a folder. A kernel lock keeps writers apart; a version is the digest of the content."""

    def __init__(self, folder: Path, setting: str) -> None:
        self._folder = folder
        self._setting = setting
        self.uri = str(folder)

    def read(self, name: str) -> Document | None:
        """See `Documents.read`."""
        path = self._folder / name
        try:
            with path.open("rb") as file:
                content = file.read()
                age = time.time() - os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RetryableError(f"{path} cannot be read: {error.strerror}") from error
        return Document(content, _version(content), age)

    def write(self, name: str, content: bytes, replaces: str | None) -> str:
        """See `Documents.write`; the document is on disk when this returns."""
        path = self._folder / name
        try:
            with self._locked():
                found = self.read(name)
                if (found.version if found else None) != replaces:
                    raise changed(str(path))
                _replace(path, content)
        except OSError as error:
            raise self._unwritable(path, error) from error
        return _version(content)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("ab") as file:
            lock(file)
            yield

    def _unwritable(self, path: Path, error: OSError) -> ForecastError:
        return SettingError(
            f"{path} cannot be written: {error.strerror}; make its folder writable and free some "
            f"space, or set {self._setting} to another"
        )


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
