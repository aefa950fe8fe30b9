"""Reads raw objects and returns their rows as found. An object's content decides its format, not its name."""

from __future__ import annotations

import codecs
import gzip
import logging
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import FUTURE_TOLERANCE
from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.avro.reader import read_avro
from forecast.extract.binaries import reject_binary
from forecast.extract.csv import read_csv
from forecast.extract.json.reader import read_json
from forecast.extract.json.together import SmallObject, may_be_read_together, read_together
from forecast.extract.limits import SNIFFED_BYTES
from forecast.extract.own_formats import read_own_format
from forecast.extract.parquet.reader import read_parquet
from forecast.extract.shapes import Shapes, shapes_of
from forecast.extract.text_stream import (
    GZIP,
    Opener,
    as_text,
    first_bytes,
    has_byte_order_mark,
    is_gzip,
    open_unpacked,
    shown,
    with_bad_bytes_marked,
    write_copy,
)
from forecast.extract.xlsx.reader import read_workbook
from forecast.networks.registry import Networks

LOGGER = logging.getLogger("forecast.extract")
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_AVRO = b"Obj\x01"
_BINARIES = {_PARQUET: read_parquet, _AVRO: read_avro, _ZIP: read_workbook}
_JSON = (b"{", b"[")
_BLOCK = 1 << 20
_TIME = "%Y-%m-%dT%H:%M:%SZ"
# Comments that people write before JSON; a table's header can begin with "#" as well.
_REMARKS = (b"//", b"/*", b"#", b"```", b"~~~")
_JSON_LINE = re.compile(rb"^[ \t]*[{\[]", re.MULTILINE)
_NAMED_GZIP = re.compile(r"\.gz(-\d+)?$")


def extract(path: Path, raw: RawObject, networks: Networks, limits: Limits, now: datetime) -> Iterator[RawBatch]:
    """The rows of one object, in batches; `path` is its local copy, `now` (UTC) when the run began.

    Raises ObjectRejectedError, possibly after some batches, if it cannot be read to its end, or states that it was
    extracted later than `now`.
    """
    check_size(path.stat().st_size, limits)
    shapes = shapes_of(networks)
    packed = is_gzip(path)
    if packed != bool(_NAMED_GZIP.search(raw.key)):
        said = "is gzipped, although its name does not say so" if packed else "is named .gz but is not gzipped"
        LOGGER.warning("%s %s", raw.key, said, extra={"facts": {"object": raw.key}})
    try:
        has_rows = False
        for batch in _read(path, raw, shapes, limits, packed=packed):
            _check_extracted(batch, raw, now)
            has_rows = has_rows or len(batch.rows) + len(batch.rejected) > 0
            yield batch
        if not has_rows:
            LOGGER.warning("%s has no rows", raw.key, extra={"facts": {"object": raw.key}})
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ObjectRejectedError("bad_gzip", f"the gzip file is damaged or truncated: {str(error)[:200]}") from error


def extract_together(
    objects: Sequence[SmallObject], networks: Networks, limits: Limits, now: datetime
) -> list[RawBatch | None]:
    """The only batch of each of these objects; None for those that `extract` has to read."""
    found: list[RawBatch | None] = [None] * len(objects)
    limit = min(limits.record_bytes, limits.object_bytes)
    chosen = [
        index
        for index, (raw, content) in enumerate(objects)
        if len(content) <= limit and not _NAMED_GZIP.search(raw.key) and may_be_read_together(content)
    ]
    batches = read_together([objects[index] for index in chosen], shapes_of(networks), limits)
    for index, batch in zip(chosen, batches, strict=True):
        if batch is not None and not _is_late(batch, objects[index].raw, now):
            found[index] = batch
    return found


def _is_late(batch: RawBatch, raw: RawObject, now: datetime) -> bool:
    try:
        _check_extracted(batch, raw, now)
    except ObjectRejectedError:
        return True
    return False


def _check_extracted(batch: RawBatch, raw: RawObject, now: datetime) -> None:
    """Reject a batch extracted in the future: the later extraction wins, so it would win permanently.

    If the store says that it received the object later still, this machine's clock is slow. That is no fault of
    the object, whose rows are then only rejected for now.
    """
    latest = pc.max(pa.array(batch.origin["extracted_at"])).as_py()
    if latest is not None and latest > now + FUTURE_TOLERANCE and latest > raw.last_modified:
        minutes = FUTURE_TOLERANCE.seconds // 60
        raise ObjectRejectedError(
            "bad_envelope",
            f"Airbyte's time of extraction is {latest:{_TIME}}, more than {minutes} minutes in the future (now: "
            f"{now:{_TIME}}); check the clocks of this machine and of the one that extracted it",
            again_at=latest - FUTURE_TOLERANCE,
        )


def check_size(size: int, limits: Limits) -> None:
    """Raise ObjectRejectedError if a stored object is empty or too large."""
    if size == 0:
        raise ObjectRejectedError("empty", "the object is empty")
    if size > limits.object_bytes:
        message = f"the object has {size >> 20} MB; MAX_OBJECT_MB is {limits.object_bytes >> 20}"
        raise ObjectRejectedError("too_large", message)


def _read(path: Path, raw: RawObject, shapes: Shapes, limits: Limits, *, packed: bool) -> Iterator[RawBatch]:
    def open_file() -> IO[bytes]:
        return open_unpacked(path, limits) if packed else path.open("rb")

    with open_file() as file:
        start = file.read(SNIFFED_BYTES)
    own_text, own_start = open_file, start
    if has_byte_order_mark(start):
        own_text = as_text(open_file, raw.key, limits)
        with own_text() as file:
            own_start = file.read(SNIFFED_BYTES)
    for own in shapes.formats:
        if own.sniff(own_start):
            if packed and start.startswith(_ZIP):  # a zip file is read from its end
                return read_own_format(_opener(_unpacked(path, limits)), own, raw, shapes, limits)
            return read_own_format(own_text, own, raw, shapes, limits)
    if (magic := start[: len(_PARQUET)]) in _BINARIES:
        return _BINARIES[magic](_unpacked(path, limits) if packed else path, raw, shapes, limits)
    beginning = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if beginning.startswith(GZIP):
        raise ObjectRejectedError("not_data", "the object is gzipped twice; compress it once")
    if beginning[:1] not in _JSON:
        reject_binary(beginning)
    open_text = as_text(open_file, raw.key, limits)
    text = first_bytes(open_text)
    if text[:1] in _JSON:
        return read_json(open_text, raw, shapes, limits)
    _reject_known(text)
    _reject_json_behind(open_text)
    return read_csv(with_bad_bytes_marked(open_text), raw, shapes, limits, _beside(path, "plain"))


def _unpacked(path: Path, limits: Limits) -> Path:
    target = _beside(path, "unpacked")
    with open_unpacked(path, limits) as source:
        write_copy(source, target, "the gzip file", limits)
    return target


def _opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def _beside(path: Path, word: str) -> Path:
    """A path for a file derived from an object, never that of the object itself, whatever its name."""
    return path.with_name(f"{path.name}.{word}")


def _reject_json_behind(open_text: Opener) -> None:
    """Reject JSON that is preceded by something else: a comment, Markdown, a line of code."""
    with open_text() as file:
        block = file.read(_BLOCK)
    before, _, rest = block.lstrip().partition(b"\n")
    is_remark = before.startswith(_REMARKS) and _JSON_LINE.search(rest) is not None
    if is_remark or (b"{" in before and b'":' in before):
        line = block[: block.index(before)].count(b"\n") + 1
        found = shown(before.decode("utf-8", "replace"))
        raise ObjectRejectedError(
            "not_json",
            f"JSON begins with a brace or a bracket, but the object begins with '{found}' (line {line} column 1)",
        )


def _reject_known(text: bytes) -> None:
    """Reject files that are known not to be tables, with an explanation."""
    if not text:
        raise ObjectRejectedError("empty", "the object contains only whitespace")
    if text.startswith(b"<"):
        raise ObjectRejectedError("not_data", "the object is an HTML or XML page, not data")
    if text.startswith(b"version https://git-lfs"):
        raise ObjectRejectedError("not_data", "the object is a Git LFS pointer, not the file it stands for")
