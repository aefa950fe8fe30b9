"""The two halves of a digest, hashed here a second time from their definition."""

from __future__ import annotations

import json
import math
import struct
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from forecast.core import digests
from forecast.core.digests import HASH_LENGTH, content_hashes, qc_hashes, qc_hashes_of, whole_digests
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.schemas import VALIDATED_SCHEMA
from tests.networks import network, station

STATIONS = network(station("A"), station("B", 10))
KNOWN = list(STATIONS)
VALUES = st.none() | st.floats(allow_nan=False)
TEXTS = st.none() | st.text(max_size=20)
INTEGERS = st.integers(0, 2**31 - 2)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "station_id": st.sampled_from("AB"),
            "timestamp": st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)).map(
                lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
            ),
            "completeness_score": st.floats(0, 1),
            "parse_issues": TEXTS,
            "source_flags": st.none() | st.text(min_size=1, max_size=20),
        },
        optional=dict.fromkeys(MEASURED_NAMES, VALUES),
    ),
    max_size=5,
)
QC_RESULTS = st.lists(
    st.tuples(INTEGERS, TEXTS, INTEGERS, st.floats(allow_nan=False) | st.none(), INTEGERS), max_size=8
)


def text_hash(text: str | None) -> bytes:
    return bytes(16) if text is None else xxhash.xxh3_128(text.encode()).digest()


def half(data: bytes) -> str:
    return xxhash.xxh3_64(data).hexdigest()


def number(value: float | None) -> bytes:
    return struct.pack("<d", math.nan if value is None else value)


def plain_observation(row: dict[str, Any]) -> str:
    of = STATIONS.get(row["station_id"])
    assert of is not None
    described = text_hash(json.dumps(of.document, sort_keys=True))
    time = struct.pack("<q", round(row["timestamp"].timestamp()) * 1000)
    parts = {name: number(row[name]) for name in MEASURED_NAMES if row.get(name) is not None}
    parts |= {name: text_hash(row[name]) for name in ("parse_issues", "source_flags") if row[name] is not None}
    named = b"".join(xxhash.xxh3_64(name.encode()).digest() + parts[name] for name in sorted(parts))
    return half(described + time + number(row["completeness_score"]) + named)


def plain_verdict(flag: int, flags: str | None, anomalies: int, amount: float | None, version: int) -> str:
    return half(struct.pack("<qqq", flag, anomalies, version) + number(amount) + text_hash(flags))


def halves_of(rows: list[dict[str, Any]], schema: pa.Schema = VALIDATED_SCHEMA) -> list[str]:
    empty = dict.fromkeys(schema.names)
    table = pa.Table.from_pylist([{**empty, **row} for row in rows], schema=schema)
    codes = np.array(["AB".index(row["station_id"]) for row in rows], dtype=np.int64)
    return [one.decode() for one in content_hashes(table, KNOWN, codes).tolist()]


def qc_results_of(rows: list[tuple[int, str | None, int, float | None, int]]) -> np.ndarray:
    flag, flags, anomalies, amount, version = zip(*rows, strict=True) if rows else ([],) * 5
    return qc_hashes(
        np.array(flag, np.int32),
        pa.array(flags, pa.string()),
        np.array(anomalies, np.int32),
        np.array([math.nan if value is None else value for value in amount]),
        np.array(version, np.int32),
    )


@given(ROWS)
def test_the_first_half_is_of_station_time_values_completeness_notes_and_the_source_flags_that_are_there(
    rows: list[dict[str, Any]],
) -> None:
    assert halves_of(rows) == [plain_observation(row) for row in rows]


@given(QC_RESULTS)
def test_the_second_half_is_of_what_the_checks_say(rows: list[Any]) -> None:
    assert [one.decode() for one in qc_results_of(rows).tolist()] == [plain_verdict(*row) for row in rows]


@given(ROWS)
def test_a_new_parameter_changes_the_digest_of_no_record_without_it(rows: list[dict[str, Any]]) -> None:
    before = halves_of(rows)
    for names in (("soil_temperature", *MEASURED_NAMES), (*reversed(MEASURED_NAMES), "soil_temperature")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(digests, "MEASURED_NAMES", names)
            grown = pa.schema([*VALIDATED_SCHEMA, ("soil_temperature", pa.float64())])
            assert halves_of(rows, grown) == before


def test_a_value_of_one_parameter_is_not_that_of_another() -> None:
    at = {"station_id": "A", "timestamp": datetime(2024, 10, 1, tzinfo=UTC), "completeness_score": 1.0}
    texts = {"parse_issues": None, "source_flags": None}
    rows = [{**at, **texts, name: 1.0} for name in MEASURED_NAMES]
    rows += [{**at, **texts, name: "1"} for name in texts]
    assert len(set(halves_of(rows))) == len(MEASURED_NAMES) + 2


def test_digests_do_not_change_between_versions_of_the_program() -> None:
    """Others would have every document written again."""
    row = {
        "station_id": "A",
        "timestamp": datetime(2024, 10, 1, tzinfo=UTC),
        "completeness_score": 1.0,
        "parse_issues": None,
    }
    assert halves_of([{**row, "air_temperature": 12.5}]) == ["1b3db8b04780eba8"]
    (second,) = qc_results_of([(3, '{"air_temperature": {"flag": 3, "checks": ["step"]}}', 1, 0.2, 1)]).tolist()
    assert second.decode() == "5183d368cb3c3d7d"


def test_every_missing_value_is_the_same() -> None:
    """A NaN has many spellings."""
    odd = np.frombuffer(struct.pack("<Q", 0x7FF8_0000_0000_0001), dtype="<f8")
    plain, other = (
        qc_hashes(np.array([1]), pa.nulls(1, pa.string()), np.array([0]), amount, np.array([1])).tolist()
        for amount in (np.array([np.nan]), odd)
    )
    assert plain == other


@given(QC_RESULTS)
def test_two_halves_make_a_digest_and_can_be_taken_from_it(rows: list[Any]) -> None:
    second = qc_results_of(rows)
    first = qc_results_of([(flag + 1, *others) for flag, *others in rows])
    whole = whole_digests(first, second)
    assert whole.to_pylist() == [(one + other).decode() for one, other in zip(first, second, strict=True)]
    assert {len(digest) for digest in whole.to_pylist()} <= {2 * HASH_LENGTH}
    stored = np.array([digest.encode() for digest in whole.to_pylist()], dtype=f"S{2 * HASH_LENGTH}")
    assert qc_hashes_of(stored).tolist() == second.tolist()


def test_a_digest_that_somebody_wrote_by_hand_has_the_half_of_no_flag() -> None:
    assert qc_hashes_of(np.array([b"short", b"0" * 40])).tolist() == [b"", b"0" * 16]
