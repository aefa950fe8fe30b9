"""Records become documents: the fast encoder and the plain one give the same bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.parameters import PARAMETER_NAMES, PARAMETERS
from forecast.core.registry import CONFIG_FOLDER, load_stations
from forecast.core.schemas import RECORD_SCHEMA
from forecast.core.stations import Station
from forecast.mongo import bson_encoder
from forecast.mongo.bson_encoder import document_of, encode_records

STATIONS = list(load_stations())
RUN = datetime(2024, 10, 9, 12, tzinfo=UTC)
NOTES = '[{"parameter": "wind_speed", "raw": "x", "reason": "not a number"}]'
SOURCE_FLAGS = ('{"wind_speed": 1}', '{"wind_speed": 0}', '{"wind_speed": "A"}')
FLAGS = '{"wind_speed": {"flag": 4, "checks": ["gross_range"]}}'
FLAGS_OF_SEVERAL = (
    FLAGS,
    '{"wind_speed": {"flag": 3, "checks": []}}',
    '{"air_temperature": {"flag": 4, "checks": ["spike"]}, "wind_speed": {"flag": 3, "checks": ["stuck", "spike"]}}',
)


def record(station: Station, stamp: datetime, values: dict[str, float], **more: Any) -> dict[str, Any]:
    return {
        "_id": f"{station.id}@{stamp:%Y-%m-%dT%H:%M:%SZ}",
        "station_id": station.id,
        "timestamp": stamp,
        **dict.fromkeys(PARAMETER_NAMES),
        **values,
        "parse_issues": None,
        "source_flags": None,
        "parameter_group": None,
        "source_row": "line 7",
        "extracted_at": RUN,
        "generation_id": 3,
        "sync_id": 4,
        "completeness_score": 0.5,
        "flag": 1,
        "flags": None,
        "anomalies_detected": 0,
        "qc_version": 1,
        "digest": "0123456789abcdef" * 2,
        "station_name": station.name,
        "station_network": station.network,
        "station_network_id": station.network_id,
        "station_wigos_id": station.wigos_id,
        "station_type": station.type,
        "latitude": float(station.latitude),
        "longitude": float(station.longitude),
        "elevation": float(station.elevation),
        "station_city": station.city,
        "station_country": station.country,
        "station_region": station.region,
        "station_licence": json.dumps(dict(station.licence)),
        "station_hardware": station.hardware,
        "station_software": station.software,
        "source_uri": "s3://bucket/key",
        "source_modified_at": RUN,
        "run_id": "run",
        "ingested_at": RUN,
        "pipeline_version": "2.0.0",
        **more,
    }


def table(records: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(records, schema=RECORD_SCHEMA)


FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1901, 2024))
STAMPS = st.integers(FIRST, LAST).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "parse_issues": st.sampled_from([NOTES, None]),
        "flags": st.sampled_from([None, "{}", *FLAGS_OF_SEVERAL]),
        "source_flags": st.sampled_from([None, *SOURCE_FLAGS]),
        "source_row": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
        "extracted_at": STAMPS,
        "generation_id": st.integers(0, 2**63 - 1),
        "sync_id": st.integers(0, 2**63 - 1),
        "completeness_score": st.floats(0, 1),
        "flag": st.sampled_from([1, 2, 3, 4, 9]),
        "anomalies_detected": st.integers(0, 17),
        "qc_version": st.integers(0, 2**31 - 1),
        "digest": st.text("0123456789abcdef", min_size=32, max_size=32),
        "source_uri": st.sampled_from(["s3://bucket/key", "s3://bucket/kei", "s3://bucket/other/key"]),
        "source_modified_at": st.sampled_from([RUN, RUN + timedelta(days=1)]),
        "run_id": st.sampled_from(["run", "another"]),
        "ingested_at": st.sampled_from([RUN, RUN + timedelta(days=30)]),
    },
)
RECORDS = st.lists(
    st.builds(
        lambda station, stamp, values, more: record(station, stamp, values, **more),
        st.sampled_from(STATIONS),
        STAMPS,
        st.dictionaries(st.sampled_from(PARAMETER_NAMES), FLOATS, max_size=6),
        MORE,
    ),
    max_size=8,
)


# From so many alike on, records are encoded together.
TOGETHER = st.integers(1, 3)


def assert_encoded_as_by_the_driver(rows: pa.Table, together: int) -> None:
    expected = [bson.encode(document_of(row)) for row in rows.to_pylist()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bson_encoder, "_ROWS_A_TEMPLATE", together)
        assert [document.raw for document in encode_records(rows)] == expected


@given(RECORDS, TOGETHER)
def test_every_document_is_byte_for_byte_what_the_driver_would_encode(
    records: list[dict[str, Any]], together: int
) -> None:
    assert_encoded_as_by_the_driver(table(records), together)


@given(RECORDS, st.integers(0, 3), TOGETHER)
def test_a_slice_of_records_and_records_in_chunks_are_no_other_records(
    records: list[dict[str, Any]], start: int, together: int
) -> None:
    rows = pa.concat_tables([table(records[:1]), table(records[1:])]).slice(start)
    assert_encoded_as_by_the_driver(rows, together)


def test_a_document_has_the_contracts_shape_and_a_missing_value_is_an_absent_key() -> None:
    station = next(station for station in STATIONS if station.id == "ITESTB25")
    row = record(
        station, datetime(2024, 10, 1, 0, 4, tzinfo=UTC), {"air_temperature": 13.8}, parse_issues=NOTES, flags=FLAGS
    )
    document = document_of(row)
    assert "parameter_group" not in document["metadata"]
    assert document_of(row | {"parameter_group": "wind"})["metadata"]["parameter_group"] == "wind"
    assert document["_id"] == "ITESTB25@2024-10-01T00:04:00Z"
    assert list(document) == ["_id", "station", "timestamp", "measurements", "data_quality", "metadata"]
    assert document["measurements"] == {"air_temperature": 13.8}
    assert document["station"] == station.document
    assert document["data_quality"]["parse_issues"] == json.loads(NOTES)
    assert document["data_quality"]["flags"] == json.loads(FLAGS)
    assert "source_flags" not in document["data_quality"]
    assert document_of(row | {"source_flags": SOURCE_FLAGS[1]})["data_quality"]["source_flags"] == {"wind_speed": 0}
    assert (document["metadata"]["generation_id"], document["metadata"]["format_version"]) == (3, 2)


def test_the_schemas_measurements_are_the_parameter_table_with_its_units() -> None:
    schema = json.loads((CONFIG_FOLDER / "mongodb_schema.json").read_text("utf-8"))
    measurements = schema["$jsonSchema"]["properties"]["measurements"]
    found = {name: entry["description"] for name, entry in measurements["properties"].items()}
    assert found == {parameter.name: parameter.unit for parameter in PARAMETERS}
    assert list(found) == list(PARAMETER_NAMES)
    assert measurements["additionalProperties"] is False
