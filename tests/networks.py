"""Small networks of stations that the tests make up, and what they observe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.core.digests import HASH_LENGTH
from forecast.core.schemas import OBSERVATION_SCHEMA, to_frame, to_table
from forecast.core.stations import Station, Stations
from forecast.networks.registry import NETWORKS
from forecast.qc.neighbours import Neighbours
from forecast.qc.results import QcResults
from forecast.qc.runner import compared_values, run_neighbour_checks, run_station_checks
from forecast.qc.series import Series
from forecast.validate import validate
from forecast.zone.station_columns import StationColumns
from forecast.zone.writer import ObjectWriter, RunContext, Source
from tests.series import series_of
from tests.transform.samples import NOW

START = datetime(2024, 10, 1, tzinfo=UTC)
DAY = 19_997  # of START, since 1970
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
START_MS = DAY * DAY_MS
KM_A_DEGREE = 111.195
# InfoClimat's parameters, and the rain counter beside them.
PARAMETERS = (
    "air_temperature",
    "dew_point_temperature",
    "relative_humidity",
    "air_pressure_at_mean_sea_level",
    "wind_speed",
    "wind_from_direction",
    "precipitation_counter",
)
# What one of their rows counts for in a block.
CELLS = 24 + len(PARAMETERS)
FACTS = RunContext("20241009T120000Z-000000", NOW, "2.0.0")


def station(name: str, north_km: float = 0, **more: Any) -> Station:
    """A station so far to the north of 50° N, 3° E."""
    facts: dict[str, Any] = {
        "id": name,
        "name": f"Station {name}",
        "network": "InfoClimat",
        "network_id": name,
        "type": "static",
        "latitude": 50 + north_km / KM_A_DEGREE,
        "longitude": 3.0,
        "elevation": 20,
        "city": "Lille",
        "country": "FR",
        "region": "Hauts-de-France",
        "timezone": "Europe/Paris",
        "licence": {"name": "a", "url": "https://example.org/a", "source": "b"},
        "hardware": None,
        "software": None,
        "raw_prefixes": (),
        "parameters": PARAMETERS,
        "interval_minutes": 60,
    }
    return Station(**{**facts, **more})


def network(*members: Station) -> Stations:
    return Stations({member.id: member for member in members})


def five(**more: Any) -> Stations:
    """A, B, C, D and E, 10 km from each to the next: all are neighbours."""
    return network(*(station(name, 10 * number, **more) for number, name in enumerate("ABCDE")))


def nominal_rows(stations: tuple[Station, ...], first: int, last: int) -> dict[int, int]:
    """As many rows a day as the registry lets expect."""
    return dict.fromkeys(range(first, last + 1), sum(int(1440 // one.interval_minutes) for one in stations))


def hours(number: int, start: int = START_MS, step_minutes: int = 60) -> np.ndarray:
    """Times at a fixed interval, ms since 1970."""
    return start + np.arange(number, dtype=np.int64) * step_minutes * MINUTE_MS


def series(of: Station, times: np.ndarray, **values: Sequence[float | None] | np.ndarray) -> Series:
    """Values by parameter; None is missing."""
    columns = {name: np.array([np.nan if v is None else v for v in column], float) for name, column in values.items()}
    return series_of(of, times, columns, network_limits=NETWORKS.thresholds_of(of.network))


def evaluated(*all_series: Series) -> dict[str, QcResults]:
    """The results of all checks on series of neighbouring stations."""
    results = {one.stations[0].id: run_station_checks(one) for one in all_series}
    evaluate_among(results)
    return results


def evaluate_among(results: Mapping[str, QcResults], targets: Iterable[str] | None = None) -> None:
    """Compare stations with each other: all of them, or some with all."""
    compared = [compared_values(one) for one in results.values()]
    neighbours = Neighbours(one.series.stations[0] for one in results.values())
    chosen = list(results if targets is None else targets)
    run_neighbour_checks([results[name] for name in chosen], compared, neighbours)


def are_neighbours(one: Station, other: Station) -> bool:
    """Whether two stations are compared with each other, when there are no others."""
    return Neighbours([one, other]).of(one.id) == (other.id,)


def curve(times: np.ndarray, mean: float = 12.0) -> np.ndarray:
    """Air temperature over the day."""
    return mean + 4 * np.sin((times % DAY_MS / DAY_MS - 0.375) * 2 * np.pi)


def observation(station_id: str, moment: datetime, **more: Any) -> dict[str, Any]:
    return {
        "station_id": station_id,
        "timestamp": moment,
        "source_row": "line 1",
        "extracted_at": NOW,
        "generation_id": 0,
        "sync_id": 0,
        **more,
    }


def observations(station_id: str, values: Iterable[float | None], **more: Any) -> list[dict[str, Any]]:
    """One air temperature an hour from START on."""
    return [
        observation(station_id, START + timedelta(hours=hour), air_temperature=value, **more)
        for hour, value in enumerate(values)
    ]


def records(
    rows: Iterable[Mapping[str, Any]],
    stations: Stations,
    folder: Path,
    uri: str = "raw/a.json",
    modified_at: datetime = NOW,
) -> Any:
    """Observations as the records (RECORD_SCHEMA) that are loaded."""
    frame = pa.Table.from_pylist([dict(row) for row in rows], schema=OBSERVATION_SCHEMA)
    validated = validate(frame, stations, NOW)
    assert validated.rejected.empty
    writer = ObjectWriter(
        folder, Source("a.json", uri, "0" * 32, modified_at, NOW.date()), FACTS, StationColumns(stations)
    )
    return to_frame(writer._records(validated.observations))


def qc_results_of(documents: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, dict[str, Any], str]]:
    """Of each document its flag, its flags and the half of its digest that they make."""
    return {
        document["_id"]: (
            document["data_quality"]["flag"],
            document["data_quality"]["flags"],
            document["metadata"]["digest"][HASH_LENGTH:],
        )
        for document in documents
    }


def frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = to_table(frame).to_pylist()
    return rows
