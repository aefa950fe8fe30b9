"""The files of the dataset."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.core.dataset import DATASET_SCHEMA, conformed
from forecast.core.schemas import UTC_TIME
from forecast.storage import LocalStore
from forecast.zone.dataset import of_stations, parts_for
from forecast.zone.publishing import publish_table

ROWS = conformed(
    pa.table(
        {
            "station_id": pa.array(["A", "B"]).dictionary_encode(),
            "timestamp": pa.array([datetime(2024, 10, 1, tzinfo=UTC)] * 2, UTC_TIME),
            "air_temperature": [11.5, 12.25],
            "air_temperature_flag": pa.array([1, 3], pa.int8()),
        }
    )
)


def test_a_column_that_a_table_lacks_is_null_and_its_flag_missing() -> None:
    assert ROWS.schema.equals(DATASET_SCHEMA, check_metadata=True)
    assert ROWS["air_temperature"].to_pylist() == [11.5, 12.25]
    assert ROWS["air_temperature_flag"].to_pylist() == [1, 3]
    assert ROWS["wind_speed"].to_pylist() == [None, None]
    assert ROWS["wind_speed_flag"].to_pylist() == [9, 9]
    assert ROWS["source_row"].to_pylist() == [None, None]
    assert ROWS["flag"].to_pylist() == [None, None]


@pytest.mark.parametrize(("repeated", "kind"), [(1_250, "UNCOMPRESSED"), (1_251, "ZSTD")])
def test_only_files_of_many_rows_are_compressed_in_columns_that_hold_much(
    repeated: int, kind: str, tmp_path: Path
) -> None:
    zone = tmp_path / "zone"
    zone.mkdir()

    publish_table(pa.concat_tables([ROWS] * repeated), "current/file.parquet", LocalStore(zone))

    group = pq.ParquetFile(zone / "current/file.parquet").metadata.row_group(0)
    columns = {(column := group.column(at)).path_in_schema: column for at in range(group.num_columns)}
    of = {"air_temperature": kind, "air_temperature_flag": "UNCOMPRESSED", "wind_speed": "UNCOMPRESSED"}
    assert {name: columns[name].compression for name in of} == of
    assert [name for name, column in columns.items() if column.is_stats_set] == ["station_id", "timestamp"]


@pytest.mark.parametrize(("names", "kept"), [({"A", "B", "C"}, ["A", "B"]), ({"B"}, ["B"]), (set(), [])])
def test_the_rows_of_some_stations_are_those_of_no_other(names: set[str], kept: list[str]) -> None:
    assert of_stations(ROWS, names)["station_id"].to_pylist() == kept


@pytest.mark.parametrize(
    ("minutes", "parts"),
    [
        ([], 1),
        ([5.0] * 100, 1),
        ([5.0] * 101, 2),
        ([1 / 60] * 101, 2),
        ([60.0] * 1_150, 1),
        ([60.0] * 2_033, 2),
        ([5.0] * 60 + [60.0] * 600, 2),
    ],
)
def test_a_new_day_has_a_file_per_hundred_stations_of_five_minutes_and_per_twelve_hundred_hourly_ones(
    minutes: list[float], parts: int
) -> None:
    assert parts_for(minutes) == parts
