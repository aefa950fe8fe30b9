"""Weather Underground history of any length, as Airbyte writes it: the benchmark's input.

Text is built column by column and written in blocks: about 20 000 rows are in memory, however many are requested.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from forecast.core.registry_files import RegistryFile
from forecast_demo.airbyte import RECORDS_PER_SECOND, Sync, raw_ids
from forecast_demo.clock import DAY_SECONDS, Epochs, epoch_of
from forecast_demo.networks.wunderground.rows import FIRST_MINUTE, table_columns
from forecast_demo.weather import STEP_SECONDS, Site

ZONE: Final = "Europe/Paris"
SEED: Final = 2024
BLOCK_ROWS: Final = 20_000

# The order of a real object's columns; nothing in these values needs to be escaped.
_COLUMNS: Final = (
    *("Gust", "UV", "Precip. Rate.", "Temperature", "Speed", "Dew Point", "Humidity", "Solar"),
    *("Pressure", "Precip. Accum.", "Wind", "Date", "DateTime", "Time"),
)
_BARE: Final = frozenset({"UV", "Wind"})  # a number, and a word or null
_PAYLOAD: Final = ",".join(f'"{name}":%s' if name in _BARE else f'"{name}":"%s"' for name in _COLUMNS)
_LINE: Final = (
    '{"_airbyte_raw_id":"%s","_airbyte_extracted_at":%d,"_airbyte_meta":{"sync_id":1,"changes":[]},'
    f'"_airbyte_generation_id":1,"_airbyte_data":{{{_PAYLOAD}}}}}\n'
)


def write_history_jsonl(
    folder: Path, *, rows: int, rows_per_object: int, station_ids: Sequence[str], start: date
) -> None:
    """Write `rows` rows, divided evenly among the stations (the first ones get the remainder).

    A station's rows are 5 minutes apart in UTC, from 00:04 of `start` in local time (Europe/Paris), so a day with a
    clock change has 276 or 300. Objects are wunderground/<id>/<sync>_<part>.jsonl, all of one sync.
    """
    if not station_ids or rows_per_object < 1 or rows < 0:
        message = f"no history of {rows} rows in objects of {rows_per_object} for {len(station_ids)} stations"
        raise ValueError(message)
    share, left_over = divmod(rows, len(station_ids))
    sync = Sync(_after(start, share + 1), sync_id=1)
    for index, station_id in enumerate(station_ids):
        count = share + (index < left_over)
        target = folder / "wunderground" / station_id
        target.mkdir(parents=True, exist_ok=True)
        for part, first in enumerate(range(0, count, rows_per_object)):
            span = range(first, min(first + rows_per_object, count))
            _write_object(target / sync.object_name("jsonl", part), sync, _bench_site(index), start, span)


def bench_registry(count: int) -> RegistryFile:
    """Make a registry file of `count` stations IBENCH001 … on a grid over France, 0.09° or more apart."""
    document = {
        "network": "Weather Underground",
        "defaults": {"country": "FR", "timezone": ZONE, "software": "synthetic"},
        "stations": [_bench_station(index) for index in range(count)],
    }
    return RegistryFile("bench.json", json.dumps(document).encode())


def _write_object(path: Path, sync: Sync, site: Site, start: date, span: range) -> None:
    """Write the station's rows at these positions, counted from its first."""
    origin = epoch_of(start, FIRST_MINUTE, ZONE)
    rng = np.random.default_rng([SEED, site.key, span.start])
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as sink:
        for first in range(span.start, span.stop, BLOCK_ROWS):
            positions = np.arange(first, min(first + BLOCK_ROWS, span.stop), dtype=np.int64)
            sink.write(_block(origin + positions * STEP_SECONDS, first - span.start, sync, site, rng))


def _block(epochs: Epochs, position: int, sync: Sync, site: Site, rng: np.random.Generator) -> str:
    """The lines for these instants; `position` is that of the first one in its object."""
    columns = table_columns(epochs, ZONE, site, SEED)
    columns["Wind"] = ["null" if word is None else f'"{word}"' for word in columns["Wind"]]
    ids: list[str] = []
    extracted: list[int] = []
    for first in range(0, len(epochs), RECORDS_PER_SECOND):
        count = min(RECORDS_PER_SECOND, len(epochs) - first)
        moment = sync.extracted_ms(position + first)
        ids += raw_ids(moment, count, rng)
        extracted += [moment] * count
    cells = zip(ids, extracted, *(columns[name] for name in _COLUMNS), strict=True)
    return "".join(map(_LINE.__mod__, cells))


def _after(start: date, rows: int) -> datetime:
    """03:00 UTC of a day later than all these rows."""
    days = rows * STEP_SECONDS // DAY_SECONDS + 2
    return datetime.combine(start + timedelta(days=days), time(3), UTC)


def _bench_site(index: int) -> Site:
    """A station's place on a grid of 80 columns: 44 to 50° N, 1.5° W to 6.4° E; it wraps after 5 600 stations."""
    return Site(index + 1, round(44.0 + index // 80 % 70 * 0.09, 3), round(-1.5 + index % 80 * 0.1, 3))


def _bench_station(index: int) -> dict[str, Any]:
    site = _bench_site(index)
    return {
        "id": f"IBENCH{index + 1:03d}",
        "name": f"Benchmark {index + 1}",
        "latitude": site.latitude,
        "longitude": site.longitude,
        "elevation": index * 7 % 300,
    }
