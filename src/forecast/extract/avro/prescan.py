"""Checks an Avro container before it is decoded: the resources that its schema and its blocks would need.

fastavro unpacks whole blocks and trusts their counts. The layout is that of the Avro specification 1.12, "Object
Container Files".
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import IO, Any

import pyarrow as pa

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits
from forecast.extract.json.lines import BadRecordError, read_record
from forecast.extract.limits import MAX_ROW_BYTES, check_columns, too_large, too_long

_MAGIC = b"Obj\x01"
_SYNC_BYTES = 16
_MAX_VARINT_BYTES = 10
_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum"})


class AvroSchema:
    """The resources that records of a schema take."""

    def __init__(self, schema: Any) -> None:
        self._named: dict[str, tuple[int, bool]] = {}
        self.has_lists = False
        self.values, self.takes_no_byte = self._measure(schema)

    def _measure(self, schema: Any) -> tuple[int, bool]:
        """How many values a record has (without those of lists), and whether it takes no bytes in the file."""
        if isinstance(schema, list):
            return max([values for values, _ in map(self._measure, schema)], default=1), False
        if not isinstance(schema, dict):
            # An unknown name is that of the record that contains it.
            return (1, schema == "null") if schema in _PRIMITIVES else self._named.get(str(schema), (1, False))
        kind = schema.get("type")
        if kind in ("record", "error"):
            fields = schema.get("fields")
            parts = [self._measure(field["type"]) for field in fields] if isinstance(fields, list) else []
            measured = 1 + sum(values for values, _ in parts), all(none for _, none in parts)
        elif kind in ("array", "map"):
            self.has_lists = True
            _, none = self._measure(schema.get("items" if kind == "array" else "values", "null"))
            if none and kind == "array":
                raise ObjectRejectedError("not_avro", "the Avro schema has a list whose items take no bytes")
            measured = 1, False
        elif kind == "fixed":
            measured = 1, not schema.get("size")
        else:
            measured = self._measure(kind)
        check_columns(measured[0])
        if isinstance(schema.get("name"), str):
            self._named[schema["name"]] = measured
            self._named[f"{schema.get('namespace')}.{schema['name']}"] = measured
        return measured


def survey_avro(file: IO[bytes], size: int, limits: Limits) -> AvroSchema:
    """Read a container of `size` bytes to its end without decoding a record.

    Raises ObjectRejectedError if it is damaged, if a block unpacks to more than a record may have or holds
    more records than bytes, or if all blocks unpack to more than `limits.unpacked_bytes`.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        raise _damaged("no magic number")
    meta = _read_meta(file)
    try:
        schema = AvroSchema(read_record(meta.get("avro.schema", b"")))
    except (BadRecordError, KeyError, TypeError) as error:
        raise _damaged(f"its schema cannot be read ({error})") from error
    codec = meta.get("avro.codec", b"null").decode("ascii", "replace")
    sync = file.read(_SYNC_BYTES)
    most = MAX_ROW_BYTES if schema.has_lists else limits.record_bytes
    total = 0
    while file.tell() < size:
        count, packed = _read_long(file), _read_long(file)
        if count < 0 or not 0 <= packed <= size - file.tell():
            raise _damaged("a block is truncated")
        if packed > limits.record_bytes:
            raise too_long("an Avro block", limits)
        unpacked = _unpacked_size(file.read(packed), codec, most)
        if unpacked > most:
            message = f"an Avro block unpacks to more than {most >> 20} MB; write smaller blocks"
            raise ObjectRejectedError("record_too_long", message)
        if count > unpacked:
            raise _damaged("a block holds more records than bytes")
        total += unpacked
        if total > limits.unpacked_bytes:
            raise too_large("the Avro file", limits)
        if file.read(_SYNC_BYTES) != sync:
            raise _damaged("a block does not end with the sync marker")
    return schema


def _read_meta(file: IO[bytes]) -> dict[str, bytes]:
    meta = {}
    while count := _read_long(file):
        if count < 0:
            _read_long(file)
        if abs(count) > MAX_ROW_BYTES:
            raise _damaged("its header is not that of an Avro file")
        for _ in range(abs(count)):
            key = _read_bytes(file).decode("utf-8", "replace")
            meta[key] = _read_bytes(file)
    return meta


def _read_bytes(file: IO[bytes]) -> bytes:
    size = _read_long(file)
    if not 0 <= size <= MAX_ROW_BYTES:
        raise _damaged("its header is not that of an Avro file")
    content = file.read(size)
    if len(content) < size:
        raise _damaged("it is truncated")
    return content


def _read_long(file: IO[bytes]) -> int:
    """A variable-length zigzag number."""
    number = 0
    for place in range(_MAX_VARINT_BYTES):
        byte = file.read(1)
        if not byte:
            raise _damaged("it is truncated")
        number |= (byte[0] & 0x7F) << (7 * place)
        if not byte[0] & 0x80:
            return (number >> 1) ^ -(number & 1)
    raise _damaged("a number has more than 64 bits")


def _unpacked_size(packed: bytes, codec: str, most: int) -> int:
    """The size of a block, at most one byte more than `most`."""
    try:
        if codec == "null":
            return len(packed)
        if codec == "deflate":
            return len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most + 1))
        if codec == "bzip2":
            return len(bz2.BZ2Decompressor().decompress(packed, most + 1))
        if codec == "xz":
            return len(lzma.LZMADecompressor(memlimit=4 * most + (64 << 20)).decompress(packed, most + 1))
        if codec == "zstandard":
            with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
                return len(stream.read(most + 1))
        if codec == "snappy":
            return _snappy_size(packed)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise _damaged(f"a block cannot be unpacked ({error})") from error
    raise ObjectRejectedError("not_avro", f"the Avro file is compressed with {codec[:40]!r}, which is not supported")


def _snappy_size(packed: bytes) -> int:
    """The size that a snappy block declares, which its decoder enforces."""
    size = 0
    for place, byte in enumerate(packed[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return size
    raise _damaged("a block cannot be unpacked")


def _damaged(what: str) -> ObjectRejectedError:
    return ObjectRejectedError("not_avro", f"the Avro file cannot be read: {what}")
