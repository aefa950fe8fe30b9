"""Rows of an array, or of a document with one container, as columns: the same rows as in the patient way."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import to_table
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.extract.json import document, reader, row_list
from forecast.extract.shapes import Shapes, shapes_of
from forecast.networks.registry import NETWORKS

NOW = datetime(2024, 10, 9, 12, tzinfo=UTC)
SHAPES = shapes_of(NETWORKS)
REPORTS = [
    {"icaoId": "KJFK", "obsTime": 1728118260, "visib": visibility, "clouds": [{"cover": "FEW", "base": 2500}]}
    for visibility in (6.21, "10+", None, 3, 1e2)
]

names = st.sampled_from(["a", "b", "temp", "features", "properties", "é", "a.b", ""])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(width=32)
    | st.sampled_from(["", "10+", "2024-10-01T00:04:00Z", '},{"a":1', "\ud800", "\ufdd0", "null", "]"])
    | st.text(max_size=4)
)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(names, scalars, max_size=2)


@st.composite
def rows(draw: st.DrawFn) -> list[Any]:
    """Rows of which most are alike, and fields that hold several kinds."""
    kinds = draw(
        st.dictionaries(names, st.sampled_from([st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=4), values]))
    )
    number = draw(st.integers(1, 6))
    made: list[Any] = [{"time": index, **{name: draw(kind) for name, kind in kinds.items()}} for index in range(number)]
    if draw(st.integers(0, 4)) == 0:
        made[draw(st.integers(0, number - 1))] = draw(values)
    return made


def told(content: bytes, folder: Path) -> list[Any]:
    """All that comes of an object, row by row, whatever the batches, or why it is rejected."""
    path = folder / "object"
    path.write_bytes(content)
    found: list[Any] = []
    try:
        for batch in extract(path, RawObject("object", "object", 1, "etag", NOW), NETWORKS, Limits(), NOW):
            read = to_table(batch.rows).to_pylist() if len(batch.rows.columns) else [{}] * len(batch.rows)
            groups = [None] * len(read) if batch.groups is None else batch.groups.to_pylist()
            filled = [{name: cell for name, cell in row.items() if cell is not None} for row in read]
            found += zip(to_table(batch.origin).to_pylist(), filled, groups, strict=True)
            found += to_table(batch.rejected).to_pylist()
    except ObjectRejectedError as error:
        found.append((error.code, error.message))
    return found


def spelled(cell: Any) -> Any:
    """A cell whatever its kind: a column has one kind in all rows that are read at once, and others in other rows."""
    if isinstance(cell, tuple):
        return tuple(map(spelled, cell))
    if isinstance(cell, dict):
        return {name: spelled(member) for name, member in cell.items() if member is not None}
    if isinstance(cell, list):
        return list(map(spelled, cell))
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except ValueError:
            return cell
        return cell if isinstance(cell, str) else spelled(cell)
    return float(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def in_array(items: list[Any], indent: int | None) -> bytes:
    return json.dumps(items, indent=indent).encode()


def in_document(items: list[Any], indent: int | None) -> bytes:
    around = {"type": "FeatureCollection", "features": [{"id": 1, "properties": item} for item in items], "total": 5}
    return json.dumps(around, indent=indent).encode()


def in_envelope(items: list[Any], indent: int | None) -> bytes:
    record = {"_airbyte_data": {"observations": items}, "_airbyte_extracted_at": 1728097200000}
    return json.dumps(record, indent=indent).encode()


@pytest.mark.parametrize("write", [in_array, in_document, in_envelope])
@given(items=rows(), indent=st.sampled_from([None, 1]), block=st.sampled_from([40, 100, 1000]))
@example(items=[{"v": 1}, {"v": "VRB"}, {"v": 2.50}, {"v": 1e5}], indent=None, block=1000)
@example(items=[{"v": '"v":5'}, {"v": 7}, {"w": {"v": 8}, "v": "x"}], indent=None, block=1000)
@example(items=[{"a": 2**53 + 1}, {"a": 1.5}], indent=None, block=1000)
@example(items=[{"a": [None, None], "b": 0}, {"a": [None]}], indent=None, block=1000)
@example(items=[{"a": False}, {"a": 0}, {"a": 1}, {"a": 0.5}], indent=None, block=40)
@example(items=[{"a": [{"a": 1}, {"a": 2}]}, {"a": [{"a": 3}]}], indent=None, block=40)
def test_the_rows_are_those_of_the_slow_path(
    tmp_path_factory: pytest.TempPathFactory, write: Any, items: list[Any], indent: int | None, block: int
) -> None:
    content, folder = write(items, indent), tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_list, "LINES_BYTES", block)
        patch.setattr(row_list, "SAMPLE_BYTES", block // 2)
        found = told(content, folder)
        for module in (document, reader):
            patch.setattr(module, "row_list", lambda *_, **_in_array: None)
        expected = told(content, folder)
    if len(content) > block:
        found, expected = spelled(found), spelled(expected)
    assert found == expected


def read(content: bytes, *, in_array: bool, shapes: Shapes = SHAPES) -> row_list.RowList | None:
    return row_list.row_list(lambda: io.BytesIO(content), shapes, in_array=in_array)


def test_numbers_among_texts_are_written_as_in_json() -> None:
    found = read(json.dumps(REPORTS).encode(), in_array=True)
    assert found is not None
    (table,) = found.tables()
    assert table["visib"].to_pylist() == ["6.21", "10+", None, "3", "100.0"]
    assert table["clouds"].to_pylist() == [[{"cover": "FEW", "base": 2500}]] * 5


@pytest.mark.parametrize("tables", [1, 2, 4])
def test_a_list_is_read_in_pieces_and_whole(tables: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (
        b'{"total": 9, "features": ['
        + b", ".join(
            json.dumps({"id": number, "properties": {"n": number, "in": [{"m": 1}, {"m": 2}]}}).encode()
            for number in range(9)
        )
        + b'], "crs": {"type": "name"}}'
    )
    monkeypatch.setattr(row_list, "LINES_BYTES", -(-len(content) // tables))
    found = read(content, in_array=False)
    assert found is not None
    assert [cell for table in found.tables() for cell in table["n"].to_pylist()] == list(range(9))
    assert (found.before, found.behind) == (b'{"total": 9, "features": [', b'], "crs": {"type": "name"}}')


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}, null]',
        b'[{"a": 1}, [1]]',
        b'[{"a": 1}, {"a": 2, "a": 3}]',
        b'[{"a": 1}, {"a": true}]',
        b'[{"a": 1}] {"b": 2}',
        b'[{"a": 1}, {"a": 2}',
        b'[{"a": 1},, {"a": 2}]',
        b'[{"a": Inf}]',
        b'[{"a": [null, null]}]',
        b'[{"a": "\xff"}]',
        b'[{"a": "\0"}]',
        b'[{"a": 1, "observations": []}]',
        b"[{}]",
        b"[]",
        b'[{"a": [%s]}]' % b",".join([b"1"] * 1000),
        b'[{"a": "%s"}]' % (b"x" * 200_000),
        b'[{"v": 1}, {"v": "\xef\xb7\x90"}]',
    ],
)
def test_a_document_that_is_not_a_plain_list_of_rows_takes_the_slow_path(content: bytes) -> None:
    assert read(content, in_array=True) is None


def test_a_document_with_a_second_container_takes_the_slow_path() -> None:
    rows = '[{"id": 1, "properties": {"a": 1}}]'
    assert read(f'{{"features": {rows}}}'.encode(), in_array=False) is not None
    for content in (
        f'{{"observations": [], "features": {rows}}}',
        f'{{"features": {rows}, "observations": []}}',
        '{"features": [{"id": 1, "properties": null}]}',
        '{"features": [{"id": 1}]}',
    ):
        assert read(content.encode(), in_array=False) is None


def test_a_list_of_times_stays_texts() -> None:
    found = read(b'[{"a": ["2024-10-01T00:04:00Z"], "b": {"c": "2024-10-01"}}]', in_array=True)
    assert found is not None
    (table,) = found.tables()
    assert table.to_pylist() == [{"a": ["2024-10-01T00:04:00Z"], "b": {"c": "2024-10-01"}}]


def test_fields_that_only_later_rows_have_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_list, "SAMPLE_BYTES", 20)
    found = read(b'[{"a": 1}, {"a": 2}, {"a": 2.5, "b": "x"}]', in_array=True)
    assert found is not None
    (table,) = found.tables()
    assert table.to_pylist() == [{"a": 1, "b": None}, {"a": 2, "b": None}, {"a": 2.5, "b": "x"}]
