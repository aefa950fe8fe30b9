"""Writes records as parts of documents that also have parts of other parameter groups."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

import bson
import pyarrow as pa
from bson.codec_options import CodecOptions
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from forecast.mongo.bson_encoder import encode_records
from forecast.mongo.client import mongo_errors
from forecast.mongo.parts import Document, complete_digests, merged, touch_lineage
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.versions import Plan
from forecast.mongo.write_errors import resolve

_DECODED: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


def split_plan(plan: Plan, ids: Sequence[str], several: Container[str]) -> tuple[Plan, Plan]:
    """The plan split into documents of one group, and those that have parts of other groups (`several`)."""

    def only(*, beside: bool) -> Plan:
        new, newer, touch_lineage = (
            [row for row in rows if (ids[row] in several) == beside]
            for rows in (plan.new, plan.to_replace, plan.touch_lineage)
        )
        return replace(plan, new=new, to_replace=newer, touch_lineage=touch_lineage)

    return only(beside=False), only(beside=True)


def write_parts(table: pa.Table, plan: Plan, stored: StoredVersions) -> tuple[list[str], list[str]]:
    """Write parts; return the ids of documents that another writer may have changed since they were read.

    The second list has those whose part was delivered again with the same content.
    """
    overtaken = _merge(table, [*plan.new, *plan.to_replace], stored)
    return overtaken, _touch_lineage(table, plan.touch_lineage, stored)


def _merge(table: pa.Table, rows: Sequence[int], stored: StoredVersions) -> list[str]:
    records, names = _records(table, rows)
    if not names:
        return []
    reported = table["station_parameters"].take(pa.array(rows)).to_pylist()
    documents = [
        merged(stored.several[name], record, (text or "").split())
        for name, record, text in zip(names, records, reported, strict=True)
    ]
    complete_digests(documents)
    writes = [ReplaceOne[Any](_as_read(stored.several[name]), new) for name, new in zip(names, documents, strict=True)]
    with mongo_errors("merging"):
        try:
            matched = stored.collection.bulk_write(writes, ordered=False).matched_count
        except BulkWriteError as error:
            resolve(error, pa.chunked_array([pa.array(names)]))
            matched = -1
    return [] if matched == len(names) else names


def _touch_lineage(table: pa.Table, rows: Sequence[int], stored: StoredVersions) -> list[str]:
    records, names = _records(table, rows)
    if not names:
        return []
    writes = [
        UpdateOne(_as_read(found), {"$set": {"metadata": touch_lineage(found, record)}})
        for found, record in zip((stored.several[name] for name in names), records, strict=True)
    ]
    with mongo_errors("updating lineage"):
        try:
            matched = stored.collection.bulk_write(writes, ordered=False).matched_count
        except BulkWriteError as error:
            resolve(error, pa.chunked_array([pa.array(names)]))
            matched = -1
    return [] if matched == len(names) else names


def _records(table: pa.Table, rows: Sequence[int]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows as documents of their own, and their ids."""
    if not rows:
        return [], []
    documents = [bson.decode(one.raw, _DECODED) for one in encode_records(table.take(pa.array(rows)))]
    return documents, [document["_id"] for document in documents]


def _as_read(document: Document) -> dict[str, Any]:
    """A filter for exactly the version that was read: its metadata has every part, with its digest."""
    return {"_id": document["_id"], "metadata": document["metadata"]}
