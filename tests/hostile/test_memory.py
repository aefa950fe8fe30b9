"""No object, however made, takes the process above 500 MB."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from tests.examples import for_the_night
from tests.hostile import memory_child
from tests.hostile.conftest import TABLE_KEY
from tests.hostile.objects import HEADER, climate, day_workbook, lines, to_avro, to_csv, to_parquet
from tests.hostile.test_files import SHEET, rezipped, sheet_xml

MB = 1 << 20
LIMIT_MB = 500
SRC = Path(memory_child.__file__).parents[2] / "src"


def gzipped(start: bytes, block: bytes, times: int) -> bytes:
    return gzip.compress(start) + gzip.compress(block, 1) * times


def one_line() -> bytes:
    return gzipped(b'{"a":"', b"x" * (64 * MB), 16)


def blanks() -> bytes:
    return gzipped(b"", b" " * (64 * MB), 17)


def list_of_lists() -> bytes:
    return b'["a",' + b"[]," * (10 * MB) + b'"x"]'


def object_of_lists() -> bytes:
    return b'[{"a":[' + b"[]," * (8 * MB) + b'"x"]}]'


def keys_that_no_two_rows_share() -> bytes:
    good = lines(*[climate(hour % 24) for hour in range(800)])
    return good + lines(*[{f"k{number}-{index}": 1 for index in range(10)} for number in range(60_000)])


def header_of_100_000_names() -> bytes:
    return to_csv([{f"c{index}": "1" for index in range(100_000)}])


def unclosed_quote() -> bytes:
    return b'Date,Time,Temperature,Humidity,Pressure\n"' + b"x" * (200 * MB)


def dictionary_of_a_long_text() -> bytes:
    columns: dict[str, Any] = {
        name: pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), [text])
        for name, text in climate(0, temperature="x" * MB).items()
    }
    return to_parquet(pa.table(columns))


def parquet_cell() -> bytes:
    row = climate(0, temperature="x" * (200 * MB))
    return to_parquet([row], compression="zstd", use_dictionary=False, write_statistics=False)


def avro_block() -> bytes:
    return to_avro([climate(0, temperature="x" * (200 * MB))], codec="deflate")


def avro_of_nulls() -> bytes:
    fields = [{"name": name, "type": "string"} for name in climate(0)]
    fields += [{"name": f"n{index}", "type": "null"} for index in range(450)]
    sink = io.BytesIO()
    schema = {"type": "record", "name": "row", "fields": fields}
    fastavro.writer(sink, schema, [climate(0)] * 20_000, codec="deflate", sync_interval=8 * MB)
    return sink.getvalue()


def sheet_of_numbers() -> bytes:
    rows = (
        f'<row r="{row}">' + "".join(f'<c r="{column}{row}"><v>{row}.5</v></c>' for column in "ABCDEFGHIJKL") + "</row>"
        for row in range(2, 124_000)
    )
    names = [*HEADER, *"FGHIJKL"]
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in names)
    return rezipped(day_workbook(), {SHEET: sheet_xml(f'<row r="1">{header}</row>' + "".join(rows))})


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    ("make", "code"),
    [
        # One or two of each format.
        (one_line, "record_too_long"),
        (keys_that_no_two_rows_share, "too_many_columns"),
        (unclosed_quote, "not_csv"),
        (parquet_cell, "record_too_long"),
        (avro_of_nulls, "loaded"),
        *for_the_night(
            (blanks, "too_large"),
            (list_of_lists, "not_json"),
            (object_of_lists, "not_json"),
            (header_of_100_000_names, "too_many_columns"),
            (dictionary_of_a_long_text, "record_too_long"),
            (avro_block, "record_too_long"),
            (sheet_of_numbers, "unreadable_values"),
        ),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
@pytest.mark.whole
def test_the_worst_objects_stay_below_500_mb(make: Callable[[], bytes], code: str, tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(make())
    done = subprocess.run(
        [sys.executable, memory_child.__file__, str(path), TABLE_KEY],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{SRC}:{SRC.parent}"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["code"] == code
    assert found["peak_mb"] < LIMIT_MB
