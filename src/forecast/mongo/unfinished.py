"""Counts what an unfinished load left in the database."""

from __future__ import annotations

import pandas as pd

from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.versions import BATCH_ROWS


def written_by(run_id: str, uri: str, records: pd.DataFrame, collection: ObservationCollection) -> int:
    """How many documents of these records' observations are as that run wrote them from the object `uri`."""
    ids = records["_id"].unique().tolist()
    number = 0
    for first in range(0, len(ids), BATCH_ROWS):
        theirs = {
            "_id": {"$in": ids[first : first + BATCH_ROWS]},
            "metadata.run_id": run_id,
            "metadata.source_uri": uri,
        }
        with mongo_errors("counting what an interrupted load has written"):
            number += collection.count_documents(theirs)
    return number
