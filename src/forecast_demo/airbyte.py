"""Writes records as Airbyte's S3 destination does, with its envelope before and since version 1.0."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RECORDS_PER_SECOND: Final = 1_000  # a real sync of 1 906 records spans two whole seconds
AVRO_SYNC_MARKER: Final = bytes(range(16))  # any 16 bytes do; fixed, so that equal data gives equal bytes

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync of one stream: its start (UTC), its number, and the generation of the stream it belongs to."""

    started: datetime
    sync_id: int
    generation_id: int = 1

    @property
    def started_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.started.timestamp()) * 1_000

    def object_name(self, extension: str, part: int = 0) -> str:
        """Name an object by the default pattern: ${YEAR}_${MONTH}_${DAY}_${EPOCH}_{part_number}{format_extension}."""
        return f"{self.started:%Y_%m_%d}_{self.started_ms}_{part}.{extension}"

    def extracted_ms(self, position: int) -> int:
        """When the record at this position was extracted, in ms since 1970; the source states whole seconds."""
        return self.started_ms + position // RECORDS_PER_SECOND * 1_000

    def generator(self, seed: int) -> np.random.Generator:
        """A generator of random numbers for the sync's ids, different for each sync."""
        return np.random.default_rng([seed, self.started_ms, self.sync_id])

    @property
    def meta(self) -> Record:
        """The column _airbyte_meta of a record without changes."""
        return {"sync_id": self.sync_id, "changes": []}


def raw_ids(extracted_ms: int, count: int, rng: np.random.Generator) -> list[str]:
    """Make `count` UUIDs of version 7: 48 bits of time, then random bits."""
    clock = f"{extracted_ms:012x}"
    start = f"{clock[:8]}-{clock[8:]}-7"
    digits = rng.bytes(count * 10).hex()
    pieces = (digits[at : at + 19] for at in range(0, count * 20, 20))
    return [f"{start}{piece[:3]}-{_VARIANT[piece[3]]}{piece[4:7]}-{piece[7:]}" for piece in pieces]


def nested_jsonl(records: Sequence[Record], sync: Sync, seed: int) -> bytes:
    """Write as version 1.0 and later does: the record as an object in _airbyte_data."""
    return _lines({**envelope, "_airbyte_data": record} for envelope, record in _enveloped(records, sync, seed))


def flat_jsonl(records: Sequence[Record], sync: Sync, seed: int) -> bytes:
    """Write as version 1.0 and later does, flattened: the record's fields next to the envelope's four columns."""
    return _lines({**envelope, **record} for envelope, record in _enveloped(records, sync, seed))


def old_jsonl_gz(records: Sequence[Record], sync: Sync, seed: int) -> bytes:
    """Write as versions before 1.0 did, gzipped: other names, random UUIDs, neither sync nor generation."""
    digits = sync.generator(seed).bytes(len(records) * 16).hex()
    lines = _lines(
        {
            "_airbyte_ab_id": _random_uuid(digits[position * 32 : position * 32 + 32]),
            "_airbyte_emitted_at": sync.extracted_ms(position),
            "_airbyte_data": record,
        }
        for position, record in enumerate(records)
    )
    return gzip.compress(lines, mtime=0)  # without the time, so that equal data gives equal bytes


def nested_csv(records: Sequence[Record], sync: Sync, seed: int) -> bytes:
    """Write as version 1.0 and later does: meta and record as JSON text, without nulls; text quoted, numbers not."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow([*_COLUMNS, "_airbyte_data"])
    for envelope, record in _enveloped(records, sync, seed):
        present = {name: value for name, value in record.items() if value is not None}
        writer.writerow(
            [value if isinstance(value, int | str) else _json(value) for value in envelope.values()] + [_json(present)]
        )
    return sink.getvalue().encode()


def parquet(records: Sequence[Record], sync: Sync, seed: int) -> bytes:
    """Write as version 1.0 and later does: always flattened, uncompressed by default, names sanitized as in Avro."""
    change = pa.struct([("field", pa.string()), ("change", pa.string()), ("reason", pa.string())])
    payload = [(avro_name(name), pa.int64() if name in _INTEGERS else pa.string()) for name in records[0]]
    schema = pa.schema(
        [
            pa.field("_airbyte_raw_id", pa.string(), nullable=False),
            pa.field("_airbyte_extracted_at", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field(
                "_airbyte_meta", pa.struct([("sync_id", pa.int64()), ("changes", pa.list_(change))]), nullable=False
            ),
            pa.field("_airbyte_generation_id", pa.int64(), nullable=False),
            *payload,
        ]
    )
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_flat_rows(records, sync, seed), schema=schema), sink, compression="none")
    return sink.getvalue()


def avro(records: Sequence[Record], sync: Sync, seed: int, namespace: str) -> bytes:
    """Write as version 1.0 and later does: always flattened, payload columns optional, their names sanitized."""
    schema = {
        "type": "record",
        "name": "observations",
        "namespace": namespace,
        "fields": [
            {"name": "_airbyte_raw_id", "type": "string"},
            {"name": "_airbyte_extracted_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "_airbyte_meta", "type": _AVRO_META},
            {"name": "_airbyte_generation_id", "type": "long"},
            *(
                {"name": avro_name(name), "type": ["null", "long" if name in _INTEGERS else "string"]}
                for name in records[0]
            ),
        ],
    }
    sink = io.BytesIO()
    rows = _flat_rows(records, sync, seed)
    fastavro.writer(sink, schema, rows, codec="deflate", sync_marker=AVRO_SYNC_MARKER)
    return sink.getvalue()


def avro_name(name: str) -> str:
    """Sanitize a name: Avro allows letters, digits and underscores, so "Precip. Rate." becomes "Precip__Rate_"."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


_COLUMNS: Final = ("_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id")
_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}  # the first two bits are 1 and 0
_INTEGERS: Final = frozenset({"UV"})
_AVRO_META: Final = {
    "type": "record",
    "name": "_airbyte_meta",
    "fields": [
        {"name": "sync_id", "type": "long"},
        {
            "name": "changes",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "change",
                    "fields": [{"name": name, "type": "string"} for name in ("field", "change", "reason")],
                },
            },
        },
    ],
}


def _enveloped(records: Sequence[Record], sync: Sync, seed: int) -> Iterator[tuple[Record, Record]]:
    """Pair each record with its four columns, in the order in which the destination writes them."""
    rng = sync.generator(seed)
    for first in range(0, len(records), RECORDS_PER_SECOND):
        chunk = records[first : first + RECORDS_PER_SECOND]
        extracted = sync.extracted_ms(first)
        for raw_id, record in zip(raw_ids(extracted, len(chunk), rng), chunk, strict=True):
            yield dict(zip(_COLUMNS, (raw_id, extracted, sync.meta, sync.generation_id), strict=True)), record


def _flat_rows(records: Sequence[Record], sync: Sync, seed: int) -> list[Record]:
    return [
        {**envelope, **{avro_name(name): value for name, value in record.items()}}
        for envelope, record in _enveloped(records, sync, seed)
    ]


def _random_uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _lines(records: Iterator[Record]) -> bytes:
    return "".join(f"{_json(record)}\n" for record in records).encode()
