"""Objects in a local folder. An ETag consists of the size and the time of the last change."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

from forecast.core.errors import ForecastError, ObjectRejectedError, RetryableError, SettingError
from forecast.core.file_lock import lock, try_lock
from forecast.core.raw_objects import RawObject
from forecast.storage.base import BLOCK_BYTES, ObjectChangedError, hex_digest, new_digest, unreadable

_PART = re.compile(r"\.[0-9a-f]{16}\.part")
_MAX_NAMES = 8
_NO_SEGMENTS = {"", ".", ".."}
_KINDS = {
    stat.S_IFDIR: "a link to a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class LocalStore:
    """A folder. Anything in it that is not a file is listed too, and reported when it is fetched."""

    def __init__(self, folder: Path, setting: str = "PROCESSED_URI") -> None:
        self._folder = folder
        self._setting = setting
        self._tidied: set[Path] = set()
        self.uri = str(folder)
        self.place = str(folder.resolve())

    def list(self, prefix: str = "", after: str = "", before: str = "") -> Iterator[RawObject]:
        """See `Store.list`; a link to a folder is not followed.

        Raises SettingError if a folder is missing or must not be read: no part of the zone is ever left out.
        """
        self._check_is_folder()
        for key in self._keys(prefix[: prefix.rfind("/") + 1]):
            wanted = key.startswith(prefix) and key > after and not (before and key >= before)
            described = self._described(key) if wanted else None
            if described is not None:
                yield described

    def fetch(self, listed: RawObject, target: Path) -> str:
        """See `Store.fetch`.

        Raises ObjectRejectedError if the file's name is not valid text, which neither MongoDB nor Parquet could store,
        if it is not a file, and if it is a link that leads out of the folder: its target was never meant to be read.
        """
        if not _is_text(listed.key):
            raise ObjectRejectedError("bad_name", "the name of the file is not UTF-8; rename it")
        path = self._path(listed.key)
        digest = new_digest(listed.key)
        try:
            with _opened(self._inside(path)) as source, target.open("wb") as copy:
                while block := source.read(BLOCK_BYTES):
                    digest.update(block)
                    copy.write(block)
                if _etag(os.fstat(source.fileno())) != listed.etag:
                    raise ObjectChangedError(
                        f"{listed.uri} changed while it was read; the next run takes its new version"
                    )
        except FileNotFoundError as error:
            if path.is_symlink():
                raise _no_file("a link to nothing") from error
            raise ObjectChangedError(f"{listed.uri} was removed after it was listed") from error
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _no_file("a link to itself") from error
            raise unreadable(listed.uri, error, target) from error
        return hex_digest(digest)

    def publish(self, source: Path | memoryview, key: str, metadata: Mapping[str, str] | None = None) -> None:
        """See `Store.publish`; the object is on disk when this returns."""
        del metadata  # a file has none
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent not in self._tidied:
                _remove_left(target.parent)
                self._tidied.add(target.parent)
            with _new_part(target.parent) as part:
                if isinstance(source, Path):
                    with source.open("rb") as original:
                        shutil.copyfileobj(original, part, BLOCK_BYTES)
                else:
                    part.write(source)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).replace(target)
            _flush(target.parent)
        except OSError as error:
            raise _unwritable(target, error, self._setting) from error

    def remove(self, key: str) -> None:
        """See `Store.remove`."""
        target = self._path(key)
        try:
            target.unlink(missing_ok=True)
            _flush(target.parent)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _unwritable(target, error, self._setting, "removed") from error

    def find(self, key: str) -> RawObject | None:
        """See `Store.find`."""
        try:
            return self._described(key) if self._path(key).is_file() else None
        except OSError as error:
            raise RetryableError(f"{self._path(key)} cannot be accessed: {error.strerror}") from error

    def beside(self) -> tuple[str, Sequence[str]]:
        """See `Store.beside`."""
        own = self._folder.resolve()
        for folder in own.parents:
            try:
                entries = sorted(folder.iterdir())
            except OSError:
                continue
            if names := [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries if entry != own]:
                return f"{folder}/".replace("//", "/"), names
        return "/", []

    def _check_is_folder(self) -> None:
        """Raise SettingError if the zone is not a folder; the message says what it is instead."""
        if self._folder.is_dir():
            return
        place = self._folder.absolute()
        if place.exists():
            raise SettingError(f"{self._setting} is {place}, a file; set it to the folder that contains the file")
        if self.uri.lower().startswith(("s3:", "s3/")):
            raise SettingError(f"{self._setting} is {self.uri}; an address of S3 has two slashes: s3://bucket/prefix/")
        where, names = self.beside()
        shown = ", ".join(names[:_MAX_NAMES]) + (" …" if len(names) > _MAX_NAMES else "")
        there = f"; in {where} there is {shown}" if names else ""
        raise SettingError(f"the folder {place} does not exist ({self._setting}){there}")

    def _keys(self, below: str) -> Iterator[str]:
        """The keys of a folder of the zone ("" or "a/b/"), in order; holds the names of one folder at a time."""
        try:
            with os.scandir(self._folder / below) as found:
                # A link to a folder is not followed. Folders are sorted by their name with a slash, as their keys are.
                names = sorted(
                    f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in found
                )
        except OSError as error:
            _unlistable(error)
            return
        for name in names:
            if name.endswith("/"):
                yield from self._keys(below + name)
            # Files that are being written, or that were when their writer was killed.
            elif not _PART.fullmatch(name):
                yield below + name

    def _described(self, key: str) -> RawObject | None:
        """The object with a key; None if it has been removed meanwhile."""
        path = self._folder / key
        try:
            status = path.stat()
        except OSError:
            try:
                status = path.lstat()  # for a dangling link, the link itself
            except FileNotFoundError:
                return None
        modified = datetime.fromtimestamp(status.st_mtime, tz=UTC)
        return RawObject(key, str(path), status.st_size, _etag(status), modified)

    def _inside(self, path: Path) -> Path:
        """The target of a path, which must also be below the folder."""
        try:
            real = path.resolve()
        except RuntimeError:
            return path  # a link to itself: opening it reports that
        if not real.is_relative_to(self._folder.resolve()):
            raise ObjectRejectedError(
                "link_outside",
                "the file is a link that leads out of the folder, and is not followed; put the file itself there",
            )
        return real

    def _path(self, key: str) -> Path:
        """The path for a key, which must be below the folder."""
        if "\0" in key or not _NO_SEGMENTS.isdisjoint(key.split("/")):
            raise SettingError(f"{key!r} cannot be the name of a file in {self.uri}")
        return self._folder / key


def _is_text(key: str) -> bool:
    """Whether a key can be written as UTF-8; Python reads bytes that are not UTF-8 as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in key)


def _opened(path: Path) -> IO[bytes]:
    """Open a file without waiting, as a named pipe would. Raises ObjectRejectedError if it is not a file."""
    kind = stat.S_IFMT(path.lstat().st_mode)
    if kind in (stat.S_IFREG, stat.S_IFLNK):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        # It may have been replaced since.
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind == stat.S_IFREG:
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    raise _no_file(_KINDS.get(kind, "something else"))


def _no_file(found: str) -> ObjectRejectedError:
    return ObjectRejectedError("not_a_file", f"this is {found}, not a file; remove it from the zone")


@contextmanager
def _new_part(folder: Path) -> Iterator[BinaryIO]:
    """A file for an incomplete object, removed afterwards; locked while its writer runs."""
    while True:
        part = folder / f".{secrets.token_hex(8)}.part"
        with part.open("xb") as file:
            lock(file)
            # A concurrent run that was tidying the folder between the two lines above has removed it.
            if not part.exists():
                continue
            try:
                yield file
            finally:
                part.unlink(missing_ok=True)
            return


def _remove_left(folder: Path) -> None:
    """Remove the files of killed writers, which are not locked."""
    for part in folder.iterdir():
        if not _PART.fullmatch(part.name):
            continue
        try:
            with part.open("rb") as file:
                if try_lock(file):
                    part.unlink()
        except OSError:
            continue


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlistable(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return  # a folder that was removed after its name was read
    raise SettingError(f"the folder {error.filename} cannot be listed: {error.strerror}") from error


def _unwritable(target: Path, error: OSError, setting: str, what: str = "written") -> ForecastError:
    words = f"{target} cannot be {what}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RetryableError(f"{words}; free some space there, then run again")
    if error.errno in (errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.EAGAIN):
        return RetryableError(f"{words}; run again")
    return SettingError(f"{words}; make its folder writable, or set {setting} to another")


def _etag(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"
