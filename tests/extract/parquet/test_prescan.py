"""The footer of a Parquet file, read without Arrow, says what Arrow's own reading of a sound one says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.extract.parquet.prescan import ColumnChunk, column_chunks

FOOTER_BYTES = 1 << 20
CELLS = {
    "text": st.text(max_size=5),
    "number": st.floats(),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "truth": st.booleans(),
    "list": st.lists(st.integers(0, 9), max_size=3),
    "object": st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.text(max_size=3)}),
}


@st.composite
def files(draw: st.DrawFn) -> bytes:
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), unique=True, min_size=1))
    rows = draw(st.integers(0, 40))
    columns = {name: draw(st.lists(CELLS[name] | st.none(), min_size=rows, max_size=rows)) for name in names}
    kinds: dict[str, Any] = {"text": pa.string(), "number": pa.float64(), "whole": pa.int64(), "truth": pa.bool_()}
    kinds |= {"list": pa.list_(pa.int64()), "object": pa.struct({"a": pa.int64(), "b": pa.string()})}
    table = pa.table({name: pa.array(cells, kinds[name]) for name, cells in columns.items()})
    made = io.BytesIO()
    pq.write_table(
        table,
        made,
        row_group_size=draw(st.integers(1, 20)),
        compression=draw(st.sampled_from(["none", "snappy", "zstd"])),
        write_page_index=draw(st.booleans()),
    )
    return made.getvalue()


def surveyed(content: bytes, path: Path) -> list[ColumnChunk]:
    path.write_bytes(content)
    return list(column_chunks(path, FOOTER_BYTES))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("survey") / "object"


@given(files())
@settings(suppress_health_check=list(HealthCheck))
def test_a_sound_footer_says_what_arrow_reads_in_it(path: Path, content: bytes) -> None:
    metadata = pq.read_metadata(io.BytesIO(content))
    chunks = [
        ColumnChunk(group, chunk.path_in_schema, chunk.num_values, chunk.total_uncompressed_size)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
        for chunk in [metadata.row_group(group).column(column)]
    ]
    assert surveyed(content, path) == chunks


@given(files(), st.data())
@settings(suppress_health_check=list(HealthCheck))
def test_a_damaged_footer_is_read_or_rejected(path: Path, content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(4, len(content) - 9))
    damaged = content[:place] + data.draw(st.binary(max_size=4)) + content[place + data.draw(st.integers(0, 4)) :]
    try:
        assert isinstance(surveyed(damaged, path), list)
    except ObjectRejectedError as error:
        assert error.code == "not_parquet"
        assert error.message.startswith("the Parquet file cannot be read: a footer ")


def footer(data: bytes) -> bytes:
    return b"PAR1" + data + len(data).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a footer that ends within a value"),
        (b"\x00", "a footer without its required fields"),
        (b"\x49\x1c\x00\x00", "a footer without its required fields"),
        (b"\x1e\x00", "a footer with a value of type 14"),
        (b"\x1c" * 40, "a footer that is nested too deeply"),
        (b"\x15" + b"\xff" * 11, "a footer with a number beyond 64 bits"),
        (b"\x18\xff\xff\xff\xff\x0f", "a footer that ends within a value"),
        (b"\x19\xf3\xff\xff\xff\xff\x0f", "a footer that ends within a value"),
    ],
)
def test_an_invalid_footer_is_rejected(data: bytes, reason: str, path: Path) -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        surveyed(footer(data), path)
    assert (caught.value.code, caught.value.message) == ("not_parquet", f"the Parquet file cannot be read: {reason}")


def test_a_footer_beyond_the_limit_is_not_read(path: Path) -> None:
    with pytest.raises(ObjectRejectedError, match="a footer of 1048577 bytes"):
        surveyed(footer(bytes(FOOTER_BYTES + 1)), path)
