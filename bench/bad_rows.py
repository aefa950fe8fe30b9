"""The same rows with values that the checks flag, by other checks and with other flags in nearly every row."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.run import stations
from forecast_demo import write_history_jsonl

ROWS: Final = 60_000
ROWS_PER_OBJECT: Final = 6_000
_SEED: Final = 20_241_001
# By field: its unit, and values within the range of the climate, of the sensor, and outside both.
FIELDS: Final[dict[str, tuple[str, tuple[float, ...]]]] = {
    "Temperature": ("°F", (20, 45, 70, 110, 150, 250)),
    "Dew Point": ("°F", (5, 30, 60, 90, 130, 250)),
    "Humidity": ("%", (5, 50, 100, 103, 120)),
    "Pressure": ("in", (26.5, 29.9, 31.5, 32.5, 40)),
    "Speed": ("mph", (0, 20, 60, 120, 250)),
    "Gust": ("mph", (0, 10, 80, 160, 300)),
    "Solar": ("w/m²", (0, 300, 1_300, 2_500)),
}


def write_rows(folder: Path, *, is_bad: bool) -> None:
    """Write ROWS rows of ten stations below a folder; of bad ones, each field keeps its value in one row of four."""
    names = [station.id for station in stations()]
    write_history_jsonl(folder, rows=ROWS, rows_per_object=ROWS_PER_OBJECT, station_ids=names, start=date(2024, 1, 1))
    if not is_bad:
        return
    chance = np.random.default_rng(_SEED)
    for path in sorted(folder.rglob("*.jsonl")):
        records = [json.loads(text) for text in path.read_text("utf-8").splitlines()]
        for record in records:
            _spoil(record["_airbyte_data"], chance)
        path.write_text("".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records), "utf-8")


def _spoil(row: dict[str, Any], chance: np.random.Generator) -> None:
    for field, (unit, values) in FIELDS.items():
        if field in row and chance.random() > 1 / 4:
            row[field] = f"{values[chance.integers(len(values))]:g} {unit}"
