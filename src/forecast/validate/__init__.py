"""Validates observations and completes them to records. It works on whole columns and changes no value."""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd
import pyarrow as pa

from forecast.core.schemas import OBSERVATION_SCHEMA, REJECTED_SCHEMA, Validated, frame_of, to_frame, to_table
from forecast.core.stations import Stations
from forecast.validate.enrich import with_metadata
from forecast.validate.rejects import rejected_rows, violations


def validate(observations: pd.DataFrame, stations: Stations, now: datetime) -> Validated:
    """Split observations (OBSERVATION_SCHEMA) into admitted ones, which are completed, and rejected ones."""
    table = to_table(observations, OBSERVATION_SCHEMA)
    rejected, records = rejected_rows(table, violations(table, stations, now))
    if records:
        table = table.filter(pa.array(~rejected))
    rows = [
        {
            **{k: v for k, v in record.items() if k != "observation"},
            "row": json.dumps(record["observation"], default=str),
        }
        for record in records
    ]
    return Validated(to_frame(with_metadata(table, stations)), frame_of(rows, REJECTED_SCHEMA))
