"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.batches import BatchMaker
from forecast.extract.ledger import Ledger
from forecast.extract.limits import CHUNK_ROWS, MAX_CELLS, check_columns, too_large, too_long
from forecast.extract.parquet.prescan import column_chunks
from forecast.extract.parts import positions
from forecast.extract.shapes import Shapes

_TEXT = "BYTE_ARRAY"
# The footer of a real file has a few kB.
_FOOTER_BYTES = 16 << 20
_FOOTER_ITEMS = 100_000
# A page is read whole, and can be as large as its column in a row group: 128 MB, which is Airbyte's size for a whole
# row group.
_COLUMN_RECORDS = 4


def read_parquet(path: Path, raw: RawObject, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """Batches of a Parquet file."""
    maker = BatchMaker(raw, shapes, limits, Ledger("not_parquet", "row"))
    try:
        options = {"thrift_string_size_limit": _FOOTER_BYTES, "thrift_container_size_limit": _FOOTER_ITEMS}
        with pq.ParquetFile(path, memory_map=True, **options) as file:
            check_columns(file.metadata.num_columns, min(file.metadata.num_rows, CHUNK_ROWS))
            _check(path, limits)
            texts = _text_columns(file)
        # A dictionary has each text once, however many rows have it, so the size of all texts is known in advance.
        with pq.ParquetFile(path, memory_map=True, read_dictionary=texts, **options) as file:
            row = 1
            size = 0
            for batch in file.iter_batches(batch_size=CHUNK_ROWS):
                # Arrow reads damaged pages as they are: text that is not UTF-8, indices beyond their dictionary.
                batch.validate(full=True)
                columns = [_decoded(column, limits) for column in batch.columns]
                table = pa.Table.from_arrays(columns, batch.schema.names)
                size += table.nbytes
                if size > limits.unpacked_bytes:
                    raise too_large("the Parquet file", limits)
                for found in maker.of_table(table, positions(row, batch.num_rows, "row ")):
                    found.metadata = found.metadata or table.schema
                    yield found
                row += batch.num_rows
            maker.ledger.check()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ObjectRejectedError("not_parquet", f"the Parquet file cannot be read: {error}") from error


def _check(path: Path, limits: Limits) -> None:
    """Raise ObjectRejectedError if the footer declares more than may be read at once."""
    for chunk in column_chunks(path, _FOOTER_BYTES):
        if chunk.size > _COLUMN_RECORDS * limits.record_bytes or chunk.values > MAX_CELLS:
            raise too_long(f"row group {chunk.row_group}, column {chunk.path[:40]!r}: four records", limits)


def _text_columns(file: pq.ParquetFile) -> list[str]:
    # `file.schema` would be a reference cycle, which keeps the footer for minutes (`configure_allocators`).
    schema = pq.ParquetSchema(file.metadata)
    columns = [schema.column(index) for index in range(len(schema))]
    return [column.path for column in columns if column.physical_type == _TEXT and not column.max_repetition_level]


def _decoded(cells: pa.Array, limits: Limits) -> pa.Array:
    """Dictionary-encoded texts as plain texts, also within objects."""
    if pa.types.is_struct(cells.type):
        members = [_decoded(cells.field(index), limits) for index in range(cells.type.num_fields)]
        names = [cells.type.field(index).name for index in range(cells.type.num_fields)]
        return pa.StructArray.from_arrays(members, names, mask=cells.is_null()) if members else cells
    if not pa.types.is_dictionary(cells.type):
        return cells
    lengths = pc.binary_length(cells.dictionary)
    if (pc.sum(lengths.take(cells.indices)).as_py() or 0) > _COLUMN_RECORDS * limits.record_bytes:
        raise too_long(f"the texts of {CHUNK_ROWS} rows: four records", limits)
    return cells.dictionary_decode()
