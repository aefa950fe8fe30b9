"""Small objects of JSON lines are read together, and each has the batch that it has by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch, to_table
from forecast.core.settings import Limits
from forecast.extract import extract, extract_together
from forecast.extract.json.together import SmallObject
from forecast.networks.registry import NETWORKS
from tests.small_objects import small_objects

NOW = datetime(2024, 10, 2, 12, tzinfo=UTC)
STAMP = 1_727_740_800_000
ROW = {"Temperature": "56.8 °F", "UV": 0, "Solar": 1.5, "Date": "2024-09-05", "Time": "02:04:00"}


def together(contents: dict[str, bytes]) -> dict[str, RawBatch | None]:
    raws = [RawObject(key, key, len(content), "etag", NOW) for key, content in contents.items()]
    objects = [SmallObject(raw, content) for raw, content in zip(raws, contents.values(), strict=True)]
    return dict(zip(contents, extract_together(objects, NETWORKS, Limits(), NOW), strict=True))


def alone(key: str, content: bytes, folder: Path) -> list[RawBatch] | str:
    path = folder / "object"
    path.write_bytes(content)
    try:
        return list(extract(path, RawObject(key, key, len(content), "etag", NOW), NETWORKS, Limits(), NOW))
    except ObjectRejectedError as error:
        return error.code


def lines(*rows: dict[str, Any], envelope: dict[str, Any] | None = None) -> bytes:
    records = rows if envelope is None else [{**envelope, "_airbyte_data": row} for row in rows]
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def enveloped(*rows: dict[str, Any], meta: Any = None, stamp: Any = STAMP) -> bytes:
    return lines(*rows, envelope={"_airbyte_extracted_at": stamp, "_airbyte_meta": meta or {"changes": []}})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(contents=small_objects())
def test_an_object_that_is_read_with_others_has_the_batch_that_it_has_by_itself(
    contents: dict[str, bytes], tmp_path: Path
) -> None:
    for key, batch in together(contents).items():
        if batch is not None:
            found = alone(key, contents[key], tmp_path)
            assert isinstance(found, list)
            (own,) = found
            assert to_table(batch.rows).equals(to_table(own.rows))
            assert to_table(batch.origin).equals(to_table(own.origin))
            assert (len(batch.rejected), batch.has_payloads) == (len(own.rejected), own.has_payloads) == (0, True)
            assert (batch.sheet, batch.groups, batch.metadata) == (own.sheet, own.groups, own.metadata)
            assert (batch.containers, batch.other_lists) == (own.containers, own.other_lists)
            assert (batch.rows_missing, own.rows_missing) == (0, 0)


@pytest.mark.parametrize(
    "of", [lines, enveloped, partial(enveloped, meta={"sync_id": 3})], ids=["bare", "enveloped", "numbered"]
)
def test_objects_with_the_same_fields_are_read_together_whatever_their_values(of: Any) -> None:
    contents = {
        "a.jsonl": of(ROW, {**ROW, "UV": 3}),
        "b.jsonl": of({**ROW, "UV": None}),
        "c.jsonl": of({**ROW, "Temperature": "--"}),
        "d.jsonl": of({**ROW, "Solar": 2}),
        "e.jsonl": of({**ROW, "Solar": 2.0}),
        "f.jsonl": of(ROW, ROW).removesuffix(b"\n"),
    }
    found = together(contents)
    assert [key for key, batch in found.items() if batch is None] == []
    kinds = {key: str(to_table(batch.rows).schema.field("Solar").type) for key, batch in found.items() if batch}
    assert kinds == dict.fromkeys(contents, "double") | {"d.jsonl": "int64"}


def test_rows_without_a_time_of_extraction_have_the_time_of_their_own_object(tmp_path: Path) -> None:
    raws = [RawObject(key, key, 1, "etag", NOW - timedelta(days=day)) for day, key in enumerate(("a", "b"))]
    batches = extract_together([SmallObject(raw, lines(ROW, ROW)) for raw in raws], NETWORKS, Limits(), NOW)
    stamps = [None if batch is None else to_table(batch.origin)["extracted_at"].to_pylist() for batch in batches]
    assert stamps == [[NOW, NOW], [NOW - timedelta(days=1)] * 2]


NULLED = {"changes": [{"field": "UV", "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"}]}


@pytest.mark.parametrize(
    "other",
    [
        {"b.jsonl": enveloped({**ROW, "More": 1})},
        {"b.jsonl": enveloped(dict(reversed(ROW.items())))},
        {"b.jsonl": enveloped(ROW).replace(b"\n", b"\r\n")},
        {"b.jsonl": enveloped(ROW) + b"\n"},
        {"b.jsonl": enveloped({**ROW, "UV": None}, meta=NULLED)},
        {"b.jsonl": enveloped(ROW, {**ROW, "UV": "high"})},
        {"b.jsonl": enveloped(ROW, {**ROW, "More": 1})},
        {"b.jsonl": enveloped(ROW, stamp=None)},
        {"b.jsonl": enveloped(ROW, stamp=2 * STAMP)},
        {"b.jsonl": enveloped(dict.fromkeys(ROW))},
        {"b.jsonl": enveloped(ROW) + b"no record\n"},
        {"b.jsonl.gz": enveloped(ROW)},
        {"b.csv": b"Date,Time\n2024-09-05,02:04:00\n"},
    ],
    ids=lambda other: next(iter(other.values()))[-40:].decode("utf-8", "replace"),
)
def test_what_is_unusual_is_read_by_itself(other: dict[str, bytes]) -> None:
    assert list(together({"a.jsonl": enveloped(ROW), **other}).values())[1] is None


def test_rows_that_their_producer_marks_as_deleted_are_read_by_themselves() -> None:
    content = enveloped({**ROW, "_fivetran_deleted": False})
    assert list(together({"a.jsonl": content, "b.jsonl": content}).values()) == [None, None]
