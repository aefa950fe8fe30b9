"""What may enter the database, and what a record looks like that does."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.digests import HASH_LENGTH
from forecast.core.parameters import MEASURED_NAMES, PARAMETER_NAMES
from forecast.core.registry import CONFIG_FOLDER, load_stations
from forecast.core.schemas import OBSERVATION_SCHEMA, VALIDATED_SCHEMA, to_table
from forecast.mongo.bson_encoder import document_of
from forecast.networks.qc_version import qc_version
from forecast.validate import validate
from forecast.zone.station_columns import StationColumns
from forecast.zone.writer import ObjectWriter, RunContext, Source
from tests.stations import stations_with
from tests.transform.samples import batch_of, transform

NOW = datetime(2024, 10, 9, 12, tzinfo=UTC)
STAMP = datetime(2024, 10, 5, 0, 4, tzinfo=UTC)
STATIONS = load_stations()
SCHEMA = json.loads((CONFIG_FOLDER / "mongodb_schema.json").read_text("utf-8"))["$jsonSchema"]


def observation(**more: Any) -> dict[str, Any]:
    return {
        "station_id": "07915",
        "timestamp": STAMP,
        "air_temperature": 7.6,
        "source_row": "line 7",
        "extracted_at": NOW,
        "generation_id": 3,
        "sync_id": 4,
        **more,
    }


def check(*rows: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    frame = pa.Table.from_pylist([dict(row) for row in rows], schema=OBSERVATION_SCHEMA)
    validated = validate(frame, STATIONS, NOW)
    accepted, rejected = validated.observations, to_table(validated.rejected)
    assert accepted.num_rows + rejected.num_rows == len(rows)
    return accepted.to_pylist(), rejected.to_pylist()


def digest(**more: Any) -> str:
    ((record,), _) = check(observation(**more))
    return str(record["digest"])


def test_a_good_row_is_accepted_with_its_id_and_flag_and_unchanged_values() -> None:
    (record,), rejected = check(observation())
    assert rejected == []
    assert record["_id"] == "07915@2024-10-05T00:04:00Z"
    quality = [record[name] for name in ("flag", "flags", "anomalies_detected", "qc_version")]
    assert quality == [1, None, 0, qc_version()]
    assert {name: record[name] for name in PARAMETER_NAMES if record[name] is not None} == {"air_temperature": 7.6}
    assert (record["source_row"], record["generation_id"], record["sync_id"]) == ("line 7", 3, 4)


@pytest.mark.parametrize(
    ("change", "code", "field", "value", "reason"),
    [
        (
            {"station_id": "NOWHERE"},
            "unknown_station",
            "station_id",
            "NOWHERE",
            "the station is not in the station registry",
        ),
        (
            {"station_id": "7915"},
            "unknown_station",
            "station_id",
            "7915",
            "the station is not in the station registry",
        ),
        (
            {"station_id": "iichte19"},
            "unknown_station",
            "station_id",
            "iichte19",
            "the station is not in the station registry",
        ),
        ({"station_id": None}, "unknown_station", "station_id", None, "the station is not in the station registry"),
        ({"timestamp": None}, "no_timestamp", "timestamp", None, "the row has no time"),
        (
            {"timestamp": NOW + timedelta(minutes=11)},
            "future_timestamp",
            "timestamp",
            "2024-10-09 12:11:00+00:00",
            "more than 10 minutes in the future",
        ),
        (
            {"timestamp": datetime(2099, 1, 1, tzinfo=UTC)},
            "future_timestamp",
            "timestamp",
            "2099-01-01 00:00:00+00:00",
            "more than 10 minutes in the future",
        ),
        (
            {"timestamp": datetime(1970, 1, 1, tzinfo=UTC)},
            "impossible_timestamp",
            "timestamp",
            "1970-01-01 00:00:00+00:00",
            "before 1901, when the network had no stations, or the time of an empty clock",
        ),
        (
            {"timestamp": datetime(1899, 12, 30, tzinfo=UTC)},
            "impossible_timestamp",
            "timestamp",
            "1899-12-30 00:00:00+00:00",
            "before 1901, when the network had no stations, or the time of an empty clock",
        ),
        ({"air_temperature": math.inf}, "not_finite", "air_temperature", "inf", "not a finite number"),
        ({"wind_speed": -math.inf}, "not_finite", "wind_speed", "-inf", "not a finite number"),
        ({"wind_speed": math.nan}, "not_finite", "wind_speed", "nan", "not a finite number"),
    ],
)
def test_rows_that_break_a_rule_are_quarantined(
    change: dict[str, Any], code: str, field: str, value: str | None, reason: str
) -> None:
    (accepted, (rejected,)) = check(observation(), observation(**change))
    assert len(accepted) == 1
    found = {name: rejected[name] for name in ("position", "code", "field", "value", "reason")}
    assert found == {"position": "line 7", "code": code, "field": field, "value": value, "reason": reason}
    assert json.loads(rejected["row"])["source_row"] == "line 7"


@pytest.mark.parametrize(
    "stamp", [NOW, NOW + timedelta(minutes=10), datetime(1928, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)]
)
def test_a_clock_ten_minutes_fast_and_old_data_are_accepted(stamp: datetime) -> None:
    assert check(observation(timestamp=stamp))[1] == []


def test_a_row_with_several_faults_is_quarantined_once() -> None:
    accepted, rejected = check(observation(station_id="NOWHERE", timestamp=None, wind_speed=math.inf))
    assert (accepted, [row["code"] for row in rejected]) == ([], ["unknown_station"])


def test_an_empty_batch_stays_empty() -> None:
    assert check() == ([], [])


def test_completeness_is_the_share_of_what_the_station_reports() -> None:
    reported = STATIONS.get("07915").parameters  # type: ignore[union-attr]
    assert len(reported) == 12
    full = observation(**dict.fromkeys(reported, 1.0))
    other = observation(surface_snow_thickness=3.0)  # which 07915 does not report
    accepted, _ = check(full, observation(), other, observation(air_temperature=None), observation(station_id="00092"))
    assert [row["completeness_score"] for row in accepted] == [1.0, 1 / 12, 1 / 12, 0.0, 1 / 8]


# The digest


def test_equal_values_have_equal_digests_however_the_source_wrote_them() -> None:
    row = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "humidite": "89"}
    digests = set()
    for spelled in ("0", "0.0", "-0", "0e5", 0, 0.0, -0.0, "0 mm"):
        result = transform(batch_of([row | {"pluie_1h": spelled}]))
        (record,), _ = check(*result.observations)
        digests.add(record["digest"])
    assert len(digests) == 1
    assert len(digests.pop()) == 32


def test_the_digest_does_not_depend_on_where_the_row_came_from_or_stands() -> None:
    same = digest()
    assert digest(source_row="line 8") == same
    assert digest(extracted_at=NOW + timedelta(days=1)) == same
    assert digest(generation_id=9) == same
    assert digest(sync_id=9) == same
    # The earlier delivery of the two is the one that is not evaluated.
    earlier = observation(wind_speed=3.0, extracted_at=NOW - timedelta(days=1))
    accepted, _ = check(observation(station_id="00092"), earlier, observation())
    assert accepted[2]["digest"] == same


CHANGES: Sequence[dict[str, Any]] = [
    {},
    {"station_id": "000T5"},
    {"timestamp": STAMP + timedelta(seconds=1)},
    {"parse_issues": '[{"parameter": "wind_speed", "raw": "x", "reason": "not a number"}]'},
    {"parse_issues": '[{"parameter": "wind_speed", "raw": "y", "reason": "not a number"}]'},
    {"source_flags": '{"air_temperature": 1}'},
    {"source_flags": '{"air_temperature": 0}'},
    {"air_temperature": None},
    {"air_temperature": 7.600000000000001},
    *({name: 0.0} for name in MEASURED_NAMES),
    *({name: 7.6} for name in MEASURED_NAMES[1:]),
]


def test_the_digest_changes_with_station_time_every_measurement_and_notes() -> None:
    assert len({digest(**change)[:HASH_LENGTH] for change in CHANGES}) == len(CHANGES)


def test_flags_only_affect_the_second_half_of_the_digest() -> None:
    """12 °C, and 12 °C after a minute of -3 °C: the same observation, with another QC result."""
    warm = observation(air_temperature=12.0)
    cold = observation(air_temperature=-3.0, timestamp=STAMP - timedelta(minutes=1))
    ((alone,), _) = check(warm)
    ((_, after), _) = check(cold, warm)
    assert (alone["flags"], alone["anomalies_detected"], alone["flag"]) == (None, 0, 1)
    assert json.loads(after["flags"]) == {"air_temperature": {"flag": 4, "checks": ["rate_of_change"]}}
    assert (after["anomalies_detected"], after["flag"], after["air_temperature"]) == (1, 4, 12.0)
    assert alone["digest"][:HASH_LENGTH] == after["digest"][:HASH_LENGTH]
    assert alone["digest"][HASH_LENGTH:] != after["digest"][HASH_LENGTH:]


def test_rain_since_the_row_before_is_added_from_the_counter() -> None:
    counted = [(0, 0.0), (5, 0.254), (10, 0.254), (15, 1.016), (20, 0.254)]
    rows = [
        observation(station_id="ITESTB25", timestamp=STAMP + timedelta(minutes=minute), precipitation_counter=counter)
        for minute, counter in counted
    ]
    accepted, _ = check(*rows)
    amounts = [row["precipitation_amount"] for row in accepted]
    assert amounts == [None, 0.254, 0.0, pytest.approx(0.762), 0.254]


def test_the_digest_changes_with_the_stations_registry_entry() -> None:
    stations = stations_with({one.id: {"elevation": one.elevation + 1} for one in STATIONS})
    frame = pa.Table.from_pylist([observation()], schema=OBSERVATION_SCHEMA)
    moved = validate(frame, stations, NOW).observations.to_pylist()
    assert moved[0]["digest"] != digest()


# The server's validator agrees


BSON_TYPES: dict[str, Any] = {
    "double": lambda value: isinstance(value, float),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool | Int64),
    "long": lambda value: isinstance(value, Int64),
    "date": lambda value: isinstance(value, datetime),
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}


def check_bson_type(_validator: Any, kind: str, value: Any, _schema: Any) -> Any:
    if not BSON_TYPES[kind](value):
        yield jsonschema.ValidationError(f"{value!r} is no {kind}")


def check_range(_validator: Any, limit: float, value: Any, _schema: Any) -> Any:
    # As the server compares: NaN is below every number, so a minimum refuses it.
    if isinstance(value, int | float) and not value >= limit:
        yield jsonschema.ValidationError(f"{value!r} is below {limit}")


extended: Any = jsonschema.validators.extend
SERVER = extended(jsonschema.Draft4Validator, {"bsonType": check_bson_type, "minimum": check_range})(SCHEMA)


def document(row: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The document that a row would be if it were let in, its faults and all."""
    station = STATIONS.get(str(row["station_id"]))
    good = check({**row, "station_id": "07915", "timestamp": STAMP, **dict.fromkeys(PARAMETER_NAMES)})[0]
    writer = ObjectWriter(
        folder,
        Source("key", "s3://bucket/key", "0" * 32, NOW, NOW.date()),
        RunContext("run", NOW, "2.0.0"),
        StationColumns(STATIONS),
    )
    table = writer._records(pa.Table.from_pylist(good, schema=VALIDATED_SCHEMA))
    (record,) = table.to_pylist()
    stamp = row["timestamp"]
    text = f"{stamp:%Y-%m-%dT%H:%M:%SZ}" if stamp else "NaT"
    record |= {**row, "_id": f"{row['station_id']}@{text}", "station_name": station.name if station else None}
    return document_of({name: record.get(name) for name in (*record, *PARAMETER_NAMES)})


NUMBERS = st.floats(width=64) | st.none()
IDS = st.sampled_from(["07915", "ITESTA19", "NOWHERE", "a.b", "$where", "", "x" * 41, "é", None])
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1901, 2024))
STAMPS = st.integers(FIRST, LAST).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(
    IDS,
    STAMPS.filter(lambda stamp: stamp.timestamp() != 0) | st.none(),
    st.dictionaries(st.sampled_from(PARAMETER_NAMES), NUMBERS, max_size=4),
)
def test_what_validate_accepts_is_what_the_servers_validator_accepts(
    tmp_path_factory: pytest.TempPathFactory,
    station: str | None,
    stamp: datetime | None,
    values: dict[str, float | None],
) -> None:
    row = {
        **observation(air_temperature=None),
        "station_id": station,
        "timestamp": stamp,
        **dict.fromkeys(PARAMETER_NAMES),
        **values,
    }
    accepted, _ = check(row)
    found = document(row, tmp_path_factory.getbasetemp())
    assert bool(accepted) == SERVER.is_valid(found), [error.message for error in SERVER.iter_errors(found)]


def test_the_independent_validator_rejects_what_it_should(tmp_path: Path) -> None:
    good = document({**observation(), **dict.fromkeys(PARAMETER_NAMES), "air_temperature": 7.6}, tmp_path)
    assert SERVER.is_valid(good)
    for part, name, value in (
        ("measurements", "air_temperature", math.nan),
        ("measurements", "air_temperature", math.inf),
        ("measurements", "air_temperature", "7.6"),
        ("measurements", "humidity", 7.6),
        ("metadata", "generation_id", 3),
        ("metadata", "digest", "short"),
        ("data_quality", "completeness_score", 1.5),
        ("data_quality", "flag", 5),
    ):
        assert not SERVER.is_valid({**good, part: {**good[part], name: value}}), (part, name, value)
