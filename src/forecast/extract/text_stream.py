"""The bytes of an object as UTF-8 text with LF line ends, unpacked up to a limit."""

from __future__ import annotations

import codecs
import gzip
import io
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits
from forecast.core.text import escaped
from forecast.extract.limits import too_large

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Opener = Callable[[], IO[bytes]]
# Called with each block, and finally with an empty one that is marked as the last.
Convert = Callable[[bytes, bool], bytes]

LOGGER = logging.getLogger("forecast.extract")
# A noncharacter, which Unicode reserves for internal use.
BAD_BYTE = "\ufffe"
_ESCAPED = re.compile("[\udc80-\udcff]")
GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20
_SNIFFED_BYTES = 4096
_SHOWN = 80
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class _Filtered(io.RawIOBase):
    """A stream whose blocks are converted by `convert`."""

    def __init__(self, source: IO[bytes], convert: Convert) -> None:
        self._source = source
        self._convert = convert
        self._waiting = memoryview(b"")
        self._at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._waiting and not self._at_end:
            block = self._source.read(_BLOCK)
            self._at_end = not block
            self._waiting = memoryview(self._convert(block, self._at_end))
        size = min(len(target), len(self._waiting))
        target[:size] = self._waiting[:size]
        self._waiting = self._waiting[size:]
        return size

    def close(self) -> None:
        self._source.close()
        super().close()


def filtered(source: IO[bytes], convert: Convert) -> IO[bytes]:
    """`source` with every block converted."""
    return cast("IO[bytes]", io.BufferedReader(_Filtered(source, convert), _BLOCK))


def write_copy(source: IO[bytes], target: Path, what: str, limits: Limits) -> None:
    """Write a stream to a file; raises ObjectRejectedError beyond `limits.unpacked_bytes`."""
    size = 0
    with target.open("wb") as copy:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > limits.unpacked_bytes:
                raise too_large(what, limits)
            copy.write(block)


def is_gzip(path: Path) -> bool:
    """Whether the file is gzipped, whatever its name is."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def open_unpacked(path: Path, limits: Limits) -> IO[bytes]:
    """The content of a gzip file.

    Reading raises ObjectRejectedError beyond `limits.unpacked_bytes`.
    """
    size = 0

    def count(block: bytes, _last: bool) -> bytes:
        nonlocal size
        size += len(block)
        if size > limits.unpacked_bytes:
            raise too_large("the gzip file", limits)
        return block

    return filtered(cast("IO[bytes]", gzip.open(path)), count)


def has_byte_order_mark(start: bytes) -> bool:
    """Whether a content begins with the mark of UTF-8, UTF-16 or UTF-32, as texts from Windows do."""
    return start.startswith((codecs.BOM_UTF8, *_UTF16, *_UTF32))


def as_text(open_file: Opener, key: str, limits: Limits) -> Opener:
    """Open the same content as UTF-8 without a byte order mark, with LF or CR LF as line ends.

    UTF-16 is recognised by its byte order mark. Raises ObjectRejectedError for UTF-32 and, on reading, for text not
    in the assumed encoding. Without `limits.fallback_encoding`, bytes that are not UTF-8 are kept, and the readers
    reject their rows.
    """
    with open_file() as file:
        start = file.read(_SNIFFED_BYTES)
    if start.startswith(_UTF32):
        raise ObjectRejectedError("not_data", "the text is UTF-32; write it as UTF-8")
    mark, encoding = 0, "utf-8"
    if start.startswith(_UTF16):
        encoding = "utf-16"
    elif start.startswith(codecs.BOM_UTF8):
        mark = len(codecs.BOM_UTF8)
    elif limits.fallback_encoding and not _is_utf8(open_file):
        encoding = limits.fallback_encoding
        LOGGER.warning("%s is not UTF-8 and is read as %s", key, encoding, extra={"facts": {"object": key}})
    only_cr = _ends_lines_with_cr(start.decode(encoding, "ignore"))

    def open_text() -> IO[bytes]:
        file = open_file()
        file.read(mark)
        if encoding != "utf-8":
            file = filtered(file, _transcoder(encoding))
        return filtered(file, lambda block, _last: block.replace(b"\r", b"\n")) if only_cr else file

    return open_text


def with_bad_bytes_marked(open_file: Opener) -> Opener:
    """Open the same content as UTF-8, with BAD_BYTE in place of every invalid byte."""
    if _is_utf8(open_file):
        return open_file
    return lambda: filtered(open_file(), _bad_byte_marker())


def first_bytes(open_file: Opener) -> bytes:
    """Some bytes from the first that is not blank; empty if all are blank."""
    with open_file() as file:
        while block := file.read(_BLOCK):
            if text := block.lstrip():
                return text[:_SNIFFED_BYTES]
    return b""


def shown(text: str) -> str:
    """The beginning of a text for a message, without terminal control characters."""
    return escaped(text[:_SHOWN])


def _transcoder(encoding: str) -> Convert:
    decoder = codecs.getincrementaldecoder(encoding)()

    def convert(block: bytes, last: bool) -> bytes:
        try:
            return decoder.decode(block, last).encode("utf-8")
        except UnicodeError as error:
            raise ObjectRejectedError("not_text", f"the text cannot be read as {encoding}: {error.args[-1]}") from error

    return convert


def _bad_byte_marker() -> Convert:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    return lambda block, last: _ESCAPED.sub(BAD_BYTE, decoder.decode(block, last)).encode("utf-8")


def _is_utf8(open_file: Opener) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_file() as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _ends_lines_with_cr(text: str) -> bool:
    return "\n" not in text and "\r" in text.rstrip("\r")
