"""Valid objects of every format with some of their bytes changed: rows or a rejection, never a crash."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.registry import load_stations
from forecast.core.schemas import to_table
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from tests.examples import examples
from tests.hostile.conftest import TABLE_KEY
from tests.hostile.objects import (
    TABLE,
    climate,
    day_workbook,
    document,
    enveloped,
    lines,
    pws,
    to_avro,
    to_csv,
    to_parquet,
)

NOW = datetime(2024, 11, 1, tzinfo=UTC)
STATIONS = load_stations()
ROWS = [enveloped(row) for row in TABLE]
FORMATS: dict[str, bytes] = {
    "jsonl": lines(*ROWS),
    "document": json.dumps(document(climate(0), climate(1))).encode(),
    "flattened document": to_csv([{name: json.dumps(part) for name, part in document(climate(0), climate(1)).items()}]),
    "objects as text": to_csv([pws(4), pws(9)]),
    "array": json.dumps([pws(4), pws(9)]).encode(),
    "text in csv": to_csv(ROWS),
    "csv": to_csv(TABLE),
    "parquet": to_parquet(TABLE),
    "avro": to_avro(TABLE, codec="deflate"),
    "workbook": day_workbook(),
    "gzip": gzip.compress(lines(*ROWS), mtime=0),
}

Change = Callable[[bytes], bytes]


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A flip, a cut, a splice of the object into itself, or a word of trouble put in."""
    place, other, size = draw(st.floats(0, 1)), draw(st.floats(0, 1)), draw(st.integers(1, 40))
    kind = draw(st.sampled_from(["flip", "cut", "splice", "swap", "word"]))
    word = draw(
        st.sampled_from([b"\0", b'"', b"{", b"]", b"\xff", b",", b"\n", b"NaN", b"null", b"9" * 30, b"\\u0000"])
    )
    bit = 1 << draw(st.integers(0, 7))

    def change(content: bytes) -> bytes:
        at, there = int(place * len(content)), int(other * len(content))
        if kind == "flip":
            return content[:at] + bytes(letter ^ bit for letter in content[at : at + 1]) + content[at + 1 :]
        if kind == "cut":
            return content[:at] + content[at + size :]
        if kind == "splice":
            return content[:at] + content[there : there + size] + content[at:]
        if kind == "swap":
            return content[:at] + content[there : there + size] + content[at + size :]
        return content[:at] + word + content[at:]

    return change


def outcome(content: bytes, path: Path) -> object:
    """What the object becomes: its documents and rejected rows, or the code and message of its rejection."""
    path.write_bytes(content)
    transformer = ObjectTransformer(TABLE_KEY, STATIONS, NOW)
    found: list[object] = []
    try:
        parts = [
            transformer.transform(batch)
            for batch in extract(path, RawObject(TABLE_KEY, TABLE_KEY, 1, "etag", NOW), NETWORKS, Limits(), NOW)
        ]
        for part in [*parts, *transformer.finish()]:
            validated = validate(part.observations, STATIONS, NOW)
            extracted = len(part.observations) + len(part.rejected)
            assert part.rows_read == part.rows_empty + extracted
            assert extracted == len(validated.observations) + len(validated.rejected) + len(part.rejected)
            tables = (validated.observations, to_table(validated.rejected), to_table(part.rejected))
            found.append([table.to_pylist() for table in tables])
    except ObjectRejectedError as error:
        assert error.code
        assert len(error.message) < 1000
        return error.code, error.message
    return json.dumps(found, default=str)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_object_is_rows_or_a_rejection_and_the_same_ones_again(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "object"

    @settings(max_examples=examples(0.2), suppress_health_check=list(HealthCheck))
    @given(st.lists(changes(), min_size=1, max_size=3))
    def hold(made: list[Change]) -> None:
        content = FORMATS[kind]
        for change in made:
            content = change(content)
        assert outcome(content, path) == outcome(content, path)

    hold()
