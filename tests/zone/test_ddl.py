"""The tables for DuckDB, Athena and Glue match the datasets."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.core.dataset import DATASET_SCHEMA, conformed
from forecast.core.registry import load_stations
from forecast.core.schemas import UTC_TIME
from forecast.storage import LocalStore
from forecast.zone.dataset import DayFile
from forecast.zone.ddl import athena_sql, duckdb_sql, glue_tables, hive_type
from forecast.zone.hourly import HOURLY, HOURLY_SCHEMA
from forecast.zone.publishing import publish_table
from forecast.zone.tables import PARAMETERS_FILE, STATIONS, parameters_table, publish_if_changed, stations_table
from tests.networks import DAY, START_MS


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """Give a zone of one day: a good, a suspect, a failed and an absent temperature, and an hour of each dataset."""
    (tmp_path / "it's").mkdir()
    store = LocalStore(tmp_path / "it's")
    columns = {
        "station_id": pa.array(["A"] * 4),
        "timestamp": pa.array([START_MS + at for at in range(4)], UTC_TIME),
        "air_temperature": pa.array([1.0, 2.0, 3.0, None]),
        "air_temperature_flag": pa.array([1, 3, 4, 9], pa.int8()),
    }
    observations = conformed(pa.table(columns))
    publish_table(observations, DayFile(DAY, 0, 1).key, store)
    hours = pa.table({"station_id": pa.array(["A"]), "timestamp": pa.array([START_MS], UTC_TIME)})
    publish_table(conformed(hours, HOURLY_SCHEMA), DayFile(DAY, 0, 1).key_in(HOURLY), store)
    publish_if_changed(stations_table(load_stations(), {}, {}), STATIONS, store, tmp_path)
    publish_if_changed(parameters_table(), PARAMETERS_FILE, store, tmp_path)
    return tmp_path / "it's"


def test_duckdb_reads_the_zone_by_the_views(zone: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(duckdb_sql(str(zone)))
        found = connection.sql("SELECT air_temperature, day FROM good_observations ORDER BY timestamp").fetchall()
        assert found == [(1.0, date(2024, 10, 1)), *[(None, date(2024, 10, 1))] * 3]
        described = {name: kind for name, kind, *_ in connection.sql("DESCRIBE observations").fetchall()}
        assert list(described) == [*DATASET_SCHEMA.names, "day"]
        assert (described["air_temperature_flag"], described["day"]) == ("TINYINT", "DATE")
        for view, rows in (("observations", 4), ("hourly", 1), ("stations", len(load_stations()))):
            assert connection.sql(f"SELECT count(*) FROM {view}").fetchall() == [(rows,)]
        assert connection.sql("SELECT parameter FROM parameters LIMIT 1").fetchall() == [("air_temperature",)]
        comment = (
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'hourly' AND column_name = 'wind_speed_of_gust'"
        )
        assert connection.sql(comment).fetchall() == [("Highest gust of the source's interval; m/s; time: maximum",)]


def test_athena_knows_every_column_and_where_its_days_are() -> None:
    statements = athena_sql("s3://weather/zone").split(";\n")
    for statement, schema, prefix in (
        (statements[0], DATASET_SCHEMA, "current"),
        (statements[1], HOURLY_SCHEMA, "hourly"),
    ):
        columns = re.findall(r"^  `(\w+)` (\w+)", statement, re.MULTILINE)
        assert columns == [(field.name, hive_type(field.type)) for field in schema]
        assert f"LOCATION 's3://weather/zone/{prefix}/'" in statement
        assert f"'storage.location.template' = 's3://weather/zone/{prefix}/day=${{day}}/'" in statement
        assert "PARTITIONED BY (`day` date)" in statement


def test_the_types_are_those_of_the_files(zone: Path) -> None:
    """Parquet's own types, by what Athena reads as each: an INT32 with a width of 8 bits is a tinyint."""
    file = pq.ParquetFile(next((zone / "current").rglob("*.parquet")))
    physical = {"string": "BYTE_ARRAY", "timestamp": "INT64", "double": "DOUBLE", "tinyint": "INT32", "int": "INT32"}
    for column, entry in zip(file.schema, glue_tables()["observations"]["columns"], strict=True):
        assert (column.name, column.physical_type) == (entry["name"], physical[entry["type"]])
        widths = {"tinyint": "bitWidth=8", "timestamp": "timeUnit=milliseconds", "string": "String"}
        assert widths.get(entry["type"], "") in str(column.logical_type)


def test_glue_accepts_the_comments() -> None:
    """At most 255 bytes (AWS Glue, Column)."""
    comments = [column["comment"] for table in glue_tables().values() for column in table["columns"]]
    assert max(len(comment.encode()) for comment in comments) <= 255
