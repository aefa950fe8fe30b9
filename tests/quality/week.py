"""The real week of October 2024 as series: six stations, read by the program's own extract and transform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.core.parameters import MEASURED_NAMES
from forecast.core.schemas import OBSERVATION_SCHEMA, concat_tables, to_frame
from forecast.core.settings import Limits
from forecast.core.stations import Station, Stations
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.qc.results import QcResults
from forecast.qc.runner import run_station_checks
from forecast.qc.series import Series
from forecast.storage.local import LocalStore
from forecast.transform import ObjectTransformer
from tests.networks import evaluate_among
from tests.series import series_of
from tests.stations import built_in_stations

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HOUR_MS = 3_600_000
Week = dict[str, Series]


def read_week(folder: Path, stations: Stations | None = None) -> Week:
    """The observations of all raw objects below a folder, by station."""
    stations = built_in_stations() if stations is None else stations
    frame = to_frame(concat_tables(list(_observations(folder, stations)), OBSERVATION_SCHEMA))
    rows = dict(iter(frame.groupby("station_id")))
    return {station.id: _series(rows[station.id], station) for station in stations if station.id in rows}


def evaluated(week: Mapping[str, Series]) -> dict[str, QcResults]:
    """The results of all checks on series of neighbouring stations."""
    results = {name: run_station_checks(series) for name, series in week.items()}
    evaluate_among(results)
    return results


def _observations(folder: Path, stations: Stations) -> Iterator[pa.Table]:
    for raw in LocalStore(folder).list():
        now = datetime.now(UTC)
        transformer = ObjectTransformer(raw.key, stations, now)
        batches = extract(folder / raw.key, raw, NETWORKS, Limits(), now)
        yield from (transformer.transform(batch).observations for batch in batches)
        yield from (transformed.observations for transformed in transformer.finish())


def _series(rows: pd.DataFrame, station: Station) -> Series:
    rows = rows.sort_values("timestamp")
    times = rows["timestamp"].to_numpy("datetime64[ms]").astype(np.int64)
    values = {name: rows[name].to_numpy(np.float64, na_value=np.nan) for name in MEASURED_NAMES}
    own = {name: column for name, column in values.items() if not np.isnan(column).all()}
    return series_of(station, times, own, network_limits=NETWORKS.thresholds_of(station.network))
