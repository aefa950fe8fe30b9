"""Rows that their producer marked as deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forecast.extract.deletions import deleted_in
from forecast.extract.fields import marks_deletion
from tests.extract.test_extract import CLIMATE, as_text, batches_of, lines, nested, observations_of, to_csv, to_parquet

Record = dict[str, Any]
LATER = CLIMATE | {"dh_utc": "2024-10-05 01:00:00"}
CAPTURED = "_ab_cdc_deleted_at"
AT = "2024-10-05T01:00:00Z"


@pytest.mark.parametrize("write", [lines, to_csv, to_parquet])
@pytest.mark.parametrize(
    ("mark", "deleted", "kept"),
    [
        ("_fivetran_deleted", True, False),
        ("_FIVETRAN_DELETED", "TRUE", "FALSE"),
        ("_ab_cdc_deleted_at", AT, None),
        ("_sdc_deleted_at", AT, None),
        ("__deleted", "true", "false"),
    ],
)
def test_a_row_that_its_producer_deleted_is_quarantined(
    mark: str, deleted: Any, kept: Any, write: Callable[..., bytes], tmp_path: Path
) -> None:
    rows = [CLIMATE | {mark: deleted}, LATER | {mark: kept}]
    content = write(*rows) if write is lines else write(rows)
    result = observations_of(content, tmp_path)
    assert result.stamps == ["2024-10-05T01:00:00Z"]
    ((code, field, reason),) = [(row["code"], row["field"], row["reason"]) for row in result.rejected]
    assert (code, field) == ("deleted_by_source", mark)
    assert reason == f"the source marked the row as deleted: {mark} is {str(deleted)!r}"
    assert [column for batch in batches_of(content, tmp_path) for column in batch.rows.columns] == list(CLIMATE)


@pytest.mark.parametrize("wrap", [nested, as_text])
@pytest.mark.parametrize("inside", [True, False])
def test_the_mark_may_be_in_the_payload_or_next_to_it(
    inside: bool, wrap: Callable[[Record], Record], tmp_path: Path
) -> None:
    deleted = wrap(CLIMATE | {CAPTURED: AT}) if inside else wrap(CLIMATE) | {CAPTURED: AT}
    result = observations_of(lines(deleted, wrap(LATER)), tmp_path)
    assert [(row["position"], row["code"]) for row in result.rejected] == [("line 1", "deleted_by_source")]
    assert result.stamps == ["2024-10-05T01:00:00Z"]


def test_a_deleted_document_and_a_deleted_row_of_a_document_are_quarantined(tmp_path: Path) -> None:
    whole = nested({"hourly": {"07915": [CLIMATE]}}) | {CAPTURED: AT}
    one = nested({"hourly": {"07915": [CLIMATE | {"__deleted": "true"}, LATER]}})
    result = observations_of(lines(whole, one), tmp_path)
    assert [(row["position"], row["code"]) for row in result.rejected] == [
        ("line 1: _airbyte_data.hourly.07915[0]", "deleted_by_source"),
        ("line 2: _airbyte_data.hourly.07915[0]", "deleted_by_source"),
    ]
    assert result.stamps == ["2024-10-05T01:00:00Z"]


def test_an_object_with_only_deleted_rows_is_not_unreadable(tmp_path: Path) -> None:
    result = observations_of(lines(nested({}) | {"_airbyte_data": None, CAPTURED: AT}), tmp_path)
    assert (result.observations, [row["code"] for row in result.rejected]) == ([], ["deleted_by_source"])


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([True, False, None]),
        pa.array([1, 0, None]),
        pa.array([" True", "No ", ""]),
        pa.array([b"\xff", None, None]),
        pa.array([2**61, None, None], pa.timestamp("ms")),
        pa.array([{"at": 1}, None, None]),
    ],
    ids=lambda cells: str(cells.type),
)
def test_a_mark_of_any_type_counts_where_it_says_something_else_than_no(cells: pa.Array) -> None:
    positions = pa.chunked_array([pa.array(["row 1", "row 2", "row 3"])])
    deleted, records = deleted_in([pa.table({"__deleted": cells})], positions)
    assert deleted.tolist() == [True, False, False]
    assert [record["position"] for record in records] == ["row 1"]


@pytest.mark.parametrize("name", ["deleted", "_undeleted", "_deleted_rows", "_fivetran_synced", "rain_deleted"])
def test_other_fields_do_not_mark_a_deletion(name: str) -> None:
    assert not marks_deletion(name)
