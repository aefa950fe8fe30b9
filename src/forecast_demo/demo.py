"""A small but complete raw zone: a week of observations, 1 to 7 October 2024, in the networks' real layouts.

The objects cover different days, and some overlap by an hour. They have the faults of real ones: sheets that begin with
an empty row, missing values written in three ways, gaps, a cell that cannot be read, a correction from a later sync,
and two rows of a station that is not in the registry.
"""

from __future__ import annotations

from pathlib import Path

from forecast.core.registry import load_stations
from forecast_demo.apis.fake import fake_networks
from forecast_demo.apis.world import site_of_each
from forecast_demo.week import Week


def write_demo(folder: Path, *, seed: int = 2024) -> list[Path]:
    """Write the raw zone below `folder` and return its files, sorted; the same seed gives the same bytes."""
    stations = load_stations()
    week = Week({station.id: station for station in stations}, site_of_each(stations), seed)
    contents = {
        name: content for fake in fake_networks() if fake.week is not None for name, content in fake.week(week).items()
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sorted(folder / name for name in contents)
