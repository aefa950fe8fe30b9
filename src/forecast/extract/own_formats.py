"""Files that only one network has, read by that network's own reader."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from operator import attrgetter

import pyarrow as pa

from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch
from forecast.core.settings import Limits
from forecast.extract.batches import BatchMaker
from forecast.extract.json.lines import rejected_record, rows_of_records
from forecast.extract.ledger import Ledger
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.shapes import Shapes
from forecast.extract.text_stream import Opener
from forecast.networks.model import Format


def read_own_format(
    open_file: Opener, own: Format, raw: RawObject, shapes: Shapes, limits: Limits
) -> Iterator[RawBatch]:
    """Batches of the records that the reader finds; those that it cannot read are rejected individually.

    Raises ObjectRejectedError if it can read none of them.
    """
    maker = BatchMaker(raw, shapes, limits, Ledger("unknown_layout", "record"))
    with open_file() as file:
        for _, records in groupby(own.records(file), attrgetter("table")):
            while chunk := list(islice(records, CHUNK_ROWS)):
                rejected = [rejected_record(one.position, one.fault, dict(one.fields)) for one in chunk if one.fault]
                read = [one for one in chunk if not one.fault]
                rows = rows_of_records([one.fields for one in read])
                yield from maker.of_table(rows, pa.array([one.position for one in read], pa.string()), rejected)
    maker.ledger.check()
