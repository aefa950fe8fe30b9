"""Avro container files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.avro.floats import float_restorer
from forecast.extract.avro.prescan import survey_avro
from forecast.extract.batches import BatchMaker
from forecast.extract.json.lines import rows_of_records
from forecast.extract.ledger import Ledger
from forecast.extract.limits import CHUNK_ROWS, CHUNK_VALUES
from forecast.extract.parts import positions
from forecast.extract.shapes import Shapes


def read_avro(path: Path, raw: RawObject, shapes: Shapes, limits: Limits) -> Iterator[RawBatch]:
    """Batches of an Avro container file."""
    maker = BatchMaker(raw, shapes, limits, Ledger("not_avro", "row"))
    with path.open("rb") as file:
        schema = survey_avro(file, path.stat().st_size, limits)
        file.seek(0)
        records = _records(file)
        row = 1
        while chunk := list(islice(records, max(1, min(CHUNK_ROWS, CHUNK_VALUES // schema.values)))):
            if not isinstance(chunk[0], dict):
                raise ObjectRejectedError("not_avro", "the Avro file contains no records")
            table = rows_of_records(chunk)
            for found in maker.of_table(table, positions(row, table.num_rows, "row ")):
                found.metadata = found.metadata or table.schema
                yield found
            row += len(chunk)
        maker.ledger.check()


def _records(file: Any) -> Iterator[Any]:
    try:
        reader = fastavro.reader(file)
        restore = float_restorer(reader.writer_schema)
        yield from reader if restore is None else map(restore, reader)
    except Exception as error:
        message = f"the Avro file cannot be read: {type(error).__name__}: {str(error)[:200]}"
        raise ObjectRejectedError("not_avro", message) from error
