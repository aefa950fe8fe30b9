"""Reads one object as the pipeline does, in a process of its own, and says what came of it and what memory it took."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from forecast.core.errors import ObjectRejectedError
from forecast.core.memory import configure_allocators
from forecast.core.raw_objects import RawObject
from forecast.core.registry import load_stations
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from tests.peak import peak_mb
from tests.stations import use_own_registry

NOW = datetime(2024, 11, 1, tzinfo=UTC)


def main(path: Path, key: str) -> None:
    configure_allocators()
    use_own_registry()
    stations = load_stations()
    transformer = ObjectTransformer(key, stations, NOW)
    rows = 0
    code = "loaded"
    try:
        raw = RawObject(key, key, path.stat().st_size, "etag", NOW)
        for batch in extract(path, raw, NETWORKS, Limits(), NOW):
            transformed = transformer.transform(batch)
            rows += transformed.rows_read
            if len(transformed.observations):
                validate(transformed.observations, stations, NOW)
        transformer.finish()
    except ObjectRejectedError as error:
        code = error.code
    print(json.dumps({"code": code, "rows": rows, "peak_mb": peak_mb()}), flush=True)
    # Arrow's CSV reader lets go of its Python handler a moment after an error, and not while Python ends; a run has its
    # reports to write meanwhile.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
