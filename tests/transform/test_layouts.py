"""Rows of several layouts in one batch: each goes with its like, and none is lost."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from forecast.core.schemas import ORIGIN_SCHEMA, REJECTED_SCHEMA, RawBatch, frame_of, to_frame
from forecast.transform.layouts import parts_of

LAYOUTS = (frozenset({"dhutc"}), frozenset({"obstimeutc"}), frozenset({"time", "datetime"}))
Row = dict[str, str | None]


def batch_of(*rows: Row, groups: pa.Array | None = None) -> RawBatch:
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    origin = pa.Table.from_pylist([{"position": f"line {line}"} for line in range(1, len(rows) + 1)], ORIGIN_SCHEMA)
    rejected = frame_of([{"position": "line 9"}], REJECTED_SCHEMA)
    return RawBatch(to_frame(table), to_frame(origin), groups=groups, metadata="m", rejected=rejected)


def split(batch: RawBatch) -> list[tuple[list[str], list[str], int]]:
    """Of each part: where its rows stand, its columns, and how many rejected rows it has."""
    parts = parts_of(batch, LAYOUTS)
    assert all(part.metadata == "m" for part in parts)
    return [(part.origin["position"].tolist(), list(part.rows.columns), len(part.rejected)) for part in parts]


def test_rows_of_one_layout_stay_as_they_are() -> None:
    for rows in ([], [{"a": "1"}], [{"dh_utc": "1"}, {"dh_utc": None}], [{"Time": "1", "DateTime": "2"}]):
        batch = batch_of(*rows)
        assert parts_of(batch, LAYOUTS) == [batch]


def test_rows_that_all_have_the_times_of_two_layouts_are_of_one() -> None:
    batch = batch_of({"obsTimeUtc": "1", "Time": "1"}, {"obsTimeUtc": "2", "Time": None})
    assert parts_of(batch, LAYOUTS) == [batch]


def test_each_layout_has_its_rows_and_only_the_columns_that_they_fill() -> None:
    table: Row = {"Time": "1", "Humidity": "2"}
    batch = batch_of(table, {"dh_utc": "1", "humidity": "2"}, {"obsTimeUtc": "1"}, {"DateTime": "3"})
    assert split(batch) == [
        (["line 2"], ["dh_utc", "humidity"], 1),
        (["line 3"], ["obsTimeUtc"], 0),
        (["line 1", "line 4"], ["Time", "Humidity", "DateTime"], 0),
    ]


def test_a_row_without_a_time_goes_with_the_first_layout_that_there_is() -> None:
    assert split(batch_of({"Time": "1"}, {"x": "1"}, {"obsTimeUtc": "1"})) == [
        (["line 2", "line 3"], ["x", "obsTimeUtc"], 1),
        (["line 1"], ["Time"], 0),
    ]


def test_rows_keep_the_group_that_they_stood_under() -> None:
    batch = batch_of({"Time": "1"}, {"dh_utc": "1"}, groups=pa.array(["a", "b"]))
    groups = [part.groups for part in parts_of(batch, LAYOUTS)]
    assert [found.to_pylist() for found in groups if found is not None] == [["b"], ["a"]]
    assert all(isinstance(part.rows, pd.DataFrame) for part in parts_of(batch, LAYOUTS))
