"""Interprets the server's errors for writes of observations."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from pymongo.errors import BulkWriteError

from forecast.core.errors import SettingError
from forecast.mongo.client import foreign_index, refusal, validation_failed

_DUPLICATE_KEY: Final = 11000
_UNCONFIRMED_WRITE: Final = 64


def resolve(error: BulkWriteError, ids: pa.ChunkedArray) -> list[str]:
    """The ids of documents that already exist: only duplicate keys are expected, and every other error is raised."""
    details = error.details
    for write_error in details["writeErrors"]:
        name = ids[write_error["index"]].as_py()
        if validation_failed(write_error):
            raise SettingError(
                f"the database's validator refuses document {name}; its schema is not that of this pipeline version "
                "(src/config/mongodb_schema.json)"
            ) from error
        if foreign := foreign_index(write_error):
            raise SettingError(
                f"a unique index that is not the pipeline's, {foreign}, refuses document {name}; drop the index, or "
                "set MONGODB_COLLECTION to another collection"
            ) from error
        if write_error["code"] != _DUPLICATE_KEY:
            raise refusal(write_error["code"], f"writing {name}") from error
    if details["writeConcernErrors"]:
        raise refusal(_UNCONFIRMED_WRITE, "writing") from error
    return [ids[entry["index"]].as_py() for entry in details["writeErrors"]]
