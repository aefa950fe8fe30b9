"""Documents read as columns hold what the driver reads one by one."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import numpy as np
from bson.codec_options import CodecOptions
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from forecast.core.parameters import PARAMETER_NAMES
from forecast.mongo.bson_decoder import PROJECTION, read_columns
from forecast.mongo.bson_layout import Alike, by_shape
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.observation_reader import to_dataset
from forecast.mongo.qc_queue import PendingQc
from tests.networks import five, observation, records

Shape = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any] | None, str]
START = datetime(1969, 12, 31, 23, 50, tzinfo=UTC)
AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
FLAGS: tuple[dict[str, Any], ...] = (
    {},
    {"air_temperature": {"flag": 4, "checks": ["spike"]}},
    {
        "air_temperature": {"flag": 3, "checks": ["rate_of_change", "bias"]},
        "wind_speed": {"flag": 4, "checks": ["rate_of_change"]},
    },
)
NUMBERS = st.one_of(
    st.floats(allow_nan=False),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
)
MEASUREMENTS = st.dictionaries(st.sampled_from((*PARAMETER_NAMES, "by_hand")), NUMBERS, max_size=5)
SHAPES = st.tuples(
    st.sampled_from(["00092", "ITESTB25", "é", "x" * 40]),
    MEASUREMENTS,
    st.sampled_from(FLAGS),
    st.sampled_from([None, {"air_temperature": 1}, {"air_temperature": 0}, {"air_temperature": "B"}]),
    st.text("0123456789abcdef", min_size=1, max_size=40) | st.text("0123456789abcdef", min_size=32, max_size=32),
)
# A shape, and how many documents of it follow one another, each with floats of its own.
RUNS = st.lists(st.tuples(SHAPES, st.integers(1, 45)), max_size=6)


def document(shape: Shape, at: int) -> dict[str, Any]:
    station, measurements, flags, source, digest = shape
    return {
        "station": {"id": station},
        "timestamp": START + timedelta(minutes=at),
        "measurements": {
            name: value + at if isinstance(value, float) else value for name, value in measurements.items()
        },
        "data_quality": {"flags": flags} | ({"source_flags": source} if source else {}),
        "metadata": {"digest": digest},
    }


def plain(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The columns, from documents as the driver decodes them."""
    found: dict[str, dict[str, Any]] = {}
    for name in {one["station"]["id"] for one in documents}:
        own = sorted((one for one in documents if one["station"]["id"] == name), key=lambda one: one["timestamp"])
        measured = [one["measurements"] for one in own]
        source = [one["data_quality"].get("source_flags") for one in own]
        found[name] = {
            "times": [round(one["timestamp"].timestamp() * 1000) for one in own],
            "values": {
                parameter: [float(values.get(parameter, math.nan)) for values in measured]
                for parameter in PARAMETER_NAMES
                if any(parameter in values for values in measured)
            },
            "flags": [json.dumps(flags) if (flags := one["data_quality"]["flags"]) else None for one in own],
            "source_flags": [json.dumps(codes) if codes else None for codes in source],
            "digests": [one["metadata"]["digest"].encode() for one in own],
        }
    return found


def read(batches: list[bytes]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "times": columns.times.tolist(),
            "values": {parameter: values.tolist() for parameter, values in columns.values.items()},
            "flags": columns.flags.tolist(),
            "source_flags": columns.source_flags.tolist(),
            "digests": columns.digests.tolist(),
        }
        for name, columns in read_columns(batches).items()
    }


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 70)), max_size=8))
def test_every_document_of_a_batch_is_found_whatever_lengths_follow_one_another(runs: list[tuple[int, int]]) -> None:
    documents = [
        bson.encode({"measurements": {"air_temperature": float(at)}, "text": letters * "x"})
        for letters, number in runs
        for at in range(number)
    ]
    found = [
        row.tobytes()
        for part in by_shape(b"".join(documents))
        for row in (part.matrix if isinstance(part, Alike) else map(np.frombuffer, part))
    ]
    assert sorted(found) == sorted(documents)


def assert_same(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> None:
    assert found.keys() == expected.keys()
    for name, columns in expected.items():
        assert found[name]["values"].keys() == columns["values"].keys()
        for parameter, values in columns["values"].items():
            np.testing.assert_array_equal(found[name]["values"][parameter], values)
        assert {part: found[name][part] for part in ("times", "flags", "source_flags", "digests")} == {
            part: columns[part] for part in ("times", "flags", "source_flags", "digests")
        }


@given(RUNS, st.integers(1, 60), st.randoms())
def test_any_mix_of_documents_is_read_as_the_driver_reads_it(runs: list[Any], batch_rows: int, chance: Any) -> None:
    shapes = [shape for shape, number in runs for _ in range(number)]
    at = list(range(len(shapes)))
    chance.shuffle(at)
    raw = [bson.encode(document(shape, minute)) for shape, minute in zip(shapes, at, strict=True)]
    batches = [b"".join(raw[start : start + batch_rows]) for start in range(0, len(raw), batch_rows)]
    assert_same(read(batches), plain([bson.decode(one, AWARE) for one in raw]))


# Station id, name, longitude, elevation: ids and names of equal and other length, and one station that was moved.
PLACES = st.sampled_from(
    [
        ("00092", "Lille", 3.1, 47.0),
        ("00094", "Rouen", 1.2, 151.0),
        ("00094", "Rouen", 1.25, 151.0),
        ("00095", "Paris-Montsouris", 2.3, 75.0),
        ("00096", "Brest", -4, 99.0),
        ("07915", None, 3.1, 47),
    ]
)


def document_with_origin(place: tuple[str, str | None, float, float], shape: Shape, at: int) -> dict[str, Any]:
    found = document(shape, at)
    identifier, name, longitude, elevation = place
    found["station"] = {
        "id": identifier,
        **({"name": name} if name else {}),
        "location": {"type": "Point", "coordinates": [longitude, 50.5]},
        "elevation": elevation,
    }
    found["data_quality"] |= {"completeness_score": [0.5, 1.0][at % 5 == 0], "flag": 1, "qc_version": "3"}
    found["metadata"] |= {
        "source_uri": f"s3://raw/{at % 3}",
        "source_row": f"row {at}",
        "run_id": "20241001T000000Z",
        "pipeline_version": "2.0.0",
        "extracted_at": START + timedelta(hours=at),
        "ingested_at": START + timedelta(days=at),
    }
    return found


@given(st.lists(st.tuples(PLACES, SHAPES, st.integers(1, 30)), max_size=6), st.integers(1, 60), st.randoms())
def test_documents_with_origin_of_any_stations_are_read_as_the_driver_reads_them(
    runs: list[Any], batch_rows: int, chance: Any
) -> None:
    shapes = [(place, shape) for place, shape, number in runs for _ in range(number)]
    at = list(range(len(shapes)))
    chance.shuffle(at)
    raw = [bson.encode(document_with_origin(*one, minute)) for one, minute in zip(shapes, at, strict=True)]
    batches = [b"".join(raw[start : start + batch_rows]) for start in range(0, len(raw), batch_rows)]
    documents = [bson.decode(one, AWARE) for one in raw]
    assert_same(read(batches), plain(documents))
    expected = {(one["station"]["id"], one["timestamp"]): origin_of(one) for one in documents}
    found = {}
    for name, columns in read_columns(batches).items():
        assert columns.origins is not None
        for row, time in enumerate(columns.times.tolist()):
            origins, moment = columns.origins, datetime.fromtimestamp(time / 1000, UTC)
            times = (origins.extracted_at[row], origins.ingested_at[row])
            shared = {**origins.sources[row]["metadata"], "source_row": origins.source_rows[row].decode()}
            times_read = dict(zip(("extracted_at", "ingested_at"), map(moment_of, times), strict=True))
            station = origins.stations[row]["station"]
            found[name, moment] = origin_of(
                {**origins.sources[row], "station": station, "metadata": shared | times_read}
            )
    assert found == expected
    observations = to_dataset(batches).to_pylist()
    assert [(one["station_id"], one["timestamp"]) for one in observations] == sorted(expected)
    for one in observations:
        station, completeness, metadata = expected[one["station_id"], one["timestamp"]]
        assert one["station_name"] == station.get("name")
        assert [one["longitude"], one["latitude"]] == station["location"]["coordinates"]
        assert (one["elevation"], one["completeness_score"]) == (station["elevation"], completeness)
        assert {name: one[name] for name in metadata} == metadata


def origin_of(one: dict[str, Any]) -> tuple[Any, ...]:
    metadata = {name: value for name, value in one["metadata"].items() if name != "digest"}
    return one["station"], one["data_quality"]["completeness_score"], metadata


def moment_of(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def test_documents_of_which_hardly_two_are_alike_are_read_as_the_driver_reads_them() -> None:
    """Each has flags of its own, beyond the number of kinds that are looked for."""
    flags = [{"air_temperature": {"flag": 3, "checks": ["spike"] * at}} for at in range(150)]
    shapes = [("AB"[at % 2], {"air_temperature": 1.5}, one, None, "0" * 32) for at, one in enumerate(flags)]
    raw = [bson.encode(document(shape, at)) for at, shape in enumerate(shapes)]
    assert_same(read([b"".join(raw)]), plain([bson.decode(one, AWARE) for one in raw]))


def test_the_columns_of_a_single_document_do_not_keep_the_others_of_its_batch() -> None:
    shapes: list[Shape] = [("00092", {"air_temperature": 1.5}, {}, None, digest) for digest in ("ab", "abc")]
    batch = b"".join(bson.encode(document(shapes[at == 119], at)) for at in range(120))
    *_, last = by_shape(batch)
    assert isinstance(last, Alike)
    assert last.texts("metadata.digest").tolist() == [b"abc"]
    assert not np.shares_memory(last.texts("metadata.digest"), np.frombuffer(batch, np.uint8))


def test_no_documents_give_no_rows() -> None:
    assert read([]) == {}
    assert read([b""]) == {}


def test_parameters_come_in_the_order_of_the_table() -> None:
    values = dict.fromkeys(reversed(PARAMETER_NAMES), 1.5)
    (columns,) = read([bson.encode(document(("A", values, {}, None, "0" * 32), 0))]).values()
    assert tuple(columns["values"]) == PARAMETER_NAMES


def test_a_value_that_one_document_has_and_another_has_not_is_missing_in_the_other() -> None:
    both = [
        document(("A", {"wind_speed": 3.0}, {}, None, "0" * 32), 0),
        document(("A", {"air_temperature": 7.0}, {}, None, "1" * 32), 1),
    ]
    (columns,) = read_columns([b"".join(map(bson.encode, both))]).values()
    np.testing.assert_array_equal(columns.values["wind_speed"], [3.0, np.nan])
    np.testing.assert_array_equal(columns.values["air_temperature"], [np.nan, 8.0])


def test_what_the_database_gives_is_what_its_documents_hold(
    replica_set: str, mongo_database: str, tmp_path: Path
) -> None:
    stations = five()
    rows = [
        observation(name, datetime(2024, 10, 1, hour, tzinfo=UTC), air_temperature=float(hour), **more)
        for name in ("B", "A")
        for hour in range(24)
        for more in ([{"wind_speed": 99.0}, {"wind_speed": hour / 8}, {}][hour % 3],)
    ]
    client: MongoClient[dict[str, Any]]
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        collection = client[mongo_database]["weather"]
        prepare_collection(collection)
        load(records(rows, stations, tmp_path), collection, PendingQc.for_collection(collection, "run"))
        # A whole number that somebody wrote by hand, past the validator.
        change = {"$set": {"measurements.air_temperature": 7}}
        collection.database.command(
            {
                "update": collection.name,
                "updates": [{"q": {"_id": "A@2024-10-01T05:00:00Z"}, "u": change}],
                "bypassDocumentValidation": True,
            }
        )
        documents = list(collection.find())
        batches: Any = collection.find_raw_batches({}, PROJECTION, batch_size=7)
        found = read(list(batches))
    assert_same(found, plain(documents))
    assert found["A"]["values"]["air_temperature"][5] == 7.0
    assert len(found["A"]["times"]) == len(found["B"]["times"]) == 24
    assert [flags is not None for flags in found["A"]["flags"]] == [True, False, False] * 8
