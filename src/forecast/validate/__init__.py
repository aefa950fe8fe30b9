"""Validates observations and completes them to records. It works on whole columns and changes no value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from forecast.core.schemas import REJECTED_SCHEMA, Validated, frame_of
from forecast.core.stations import Stations
from forecast.validate.enrich import with_metadata
from forecast.validate.rejects import rejected_rows, violations


def validate(observations: pa.Table, stations: Stations, now: datetime) -> Validated:
    """Split observations (OBSERVATION_SCHEMA) into admitted ones, which are completed, and rejected ones."""
    (validated,) = validate_each([observations], stations, now)
    return validated


def validate_each(of_objects: Sequence[pa.Table], stations: Stations, now: datetime) -> list[Validated]:
    """Do the same for several raw objects. The first QC of an object does not depend on the others.

    For small objects, the number of columns and checks determines the cost, not the number of rows.
    """
    table = pa.concat_tables(of_objects)
    if len(of_objects) > 1:
        table = table.combine_chunks()
    objects = np.repeat(np.arange(len(of_objects)), [len(observations) for observations in of_objects])
    rejected, records = rejected_rows(table, violations(table, stations, now))
    refused: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row, record in records:
        refused[int(objects[row])].append(record)
    if records:
        table, objects = table.filter(pa.array(~rejected)), objects[~rejected]
    completed = with_metadata(table, stations, objects)
    nothing = frame_of([], REJECTED_SCHEMA)
    bounds = np.searchsorted(objects, np.arange(len(of_objects) + 1)).tolist()
    return [
        Validated(
            completed.slice(start, end - start),
            frame_of(refused[number], REJECTED_SCHEMA) if number in refused else nothing,
        )
        for number, (start, end) in enumerate(pairwise(bounds))
    ]
