"""Weather Underground's objects of the demonstration week: history tables in four formats, and the API's rows."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, Final

import numpy as np

from forecast.core.stations import Station
from forecast_demo import airbyte
from forecast_demo.airbyte import Record, Sync
from forecast_demo.clock import Epochs, epoch_of
from forecast_demo.networks.wunderground import rows
from forecast_demo.weather import STEP_SECONDS
from forecast_demo.week import Week, day_of, outside_gap, utc
from forecast_demo.workbook import Cell, write_workbook

NETWORK: Final = "Weather Underground"
UNREADABLE_CELL: Final = f"5x.2{rows.NBSP}°F"
# The gap of the station whose data come from the API; in real weeks, about 5 % of the rows are missing.
_GAP: Final = (datetime(2024, 10, 2, 7, 34, tzinfo=UTC), datetime(2024, 10, 2, 8, 4, tzinfo=UTC))


def objects(week: Week) -> dict[str, bytes]:
    """Make the objects, by key.

    One station has a workbook and a table copied from the page, and observations from the API; the other has history
    tables.
    """
    api_station, table_station = week.of(NETWORK)[:2]
    return {**_api_station_objects(week, api_station), **_table_station_objects(week, table_station)}


def _table(week: Week, station: Station, epochs: Epochs) -> dict[str, list[Any]]:
    columns = rows.table_columns(epochs, station.timezone, week.sites[station.id], week.seed)
    gaps = {week.of(NETWORK)[0].id: _GAP}
    kept = outside_gap(gaps, station.id, epochs).tolist()
    return {name: [cell for cell, keep in zip(cells, kept, strict=True) if keep] for name, cells in columns.items()}


def _api_station_objects(week: Week, station: Station) -> dict[str, bytes]:
    zone = station.timezone
    page = Sync(utc(7, 3), sync_id=7)
    csv_table = _table(week, station, _table_epochs(5, 6, zone))
    csv_table["Solar"][150:153] = [None] * 3
    names = (*rows.TABLE_COLUMNS, "Date")
    csv_rows = _with_empty_rows(csv_table, names, kept="Date")
    # The API's object begins an hour before its day: these 12 records replace the page's, in other units and decimals.
    api = Sync(utc(8, 3), sync_id=8)
    epochs = _table_epochs(7, 7, zone, lead=12)
    observations = rows.pws_observations(station, epochs, week.sites[station.id], week.seed)
    folder = f"wunderground/{station.id}"
    return {
        f"{folder}/Weather+Underground+-+{station.city},+{station.country}.xlsx": _workbook(week, station, range(1, 5)),
        f"{folder}/{page.object_name('csv')}": airbyte.nested_csv(csv_rows, page, week.seed),
        f"{folder}/{api.object_name('jsonl')}": airbyte.flat_jsonl(observations, api, week.seed),
    }


def _table_station_objects(week: Week, station: Station) -> dict[str, bytes]:
    zone = station.timezone
    early, corrected, late = Sync(utc(5, 3), sync_id=10), Sync(utc(6, 3), sync_id=11), Sync(utc(8, 3), sync_id=12)
    table = _table(week, station, _table_epochs(1, 4, zone))
    table["Temperature"][288 + 144] = UNREADABLE_CELL  # 2 October, 12:04
    table["Humidity"][500:503] = [None, "", None]
    both = ("Date", "DateTime")
    first = _with_empty_rows(table, (*rows.TABLE_COLUMNS, *both), kept="Date")
    # The last hour of 4 October is delivered again, 0.2 °F warmer: the record of the later sync wins.
    table = _table(week, station, _table_epochs(5, 5, zone, lead=12))
    table["Temperature"][:12] = [_warmer(cell) for cell in table["Temperature"][:12]]
    second = _with_empty_rows(table, (*rows.TABLE_COLUMNS, "DateTime"))
    table = _table(week, station, _table_epochs(6, 7, zone))
    table["Timestamp"] = table["DateTime"]
    third = _with_empty_rows(table, (*rows.TABLE_COLUMNS, "Timestamp"))
    folder = f"wunderground/{station.id}"
    return {
        f"{folder}/{early.object_name('jsonl')}": airbyte.nested_jsonl(first, early, week.seed),
        f"{folder}/{corrected.object_name('parquet')}": airbyte.parquet(second, corrected, week.seed),
        f"{folder}/{late.object_name('avro')}": airbyte.avro(third, late, week.seed, "wunderground"),
    }


def _workbook(week: Week, station: Station, days: range) -> bytes:
    """Write one sheet per day, named ddmmyy: the header, an empty row, then the day's rows."""
    sheets: dict[str, list[list[Cell]]] = {}
    for day in days:
        table = _table(week, station, _table_epochs(day, day, station.timezone))
        table["Time"] = [time.fromisoformat(text) for text in table["Time"]]
        cells = zip(*(table[name] for name in rows.TABLE_COLUMNS), strict=True)
        empty: list[Cell] = [None] * len(rows.TABLE_COLUMNS)
        sheets[f"{day_of(day):%d%m%y}"] = [list(rows.TABLE_COLUMNS), empty, *(list(row) for row in cells)]
    return write_workbook(sheets)


def _with_empty_rows(table: dict[str, list[Any]], names: tuple[str, ...], kept: str = "") -> list[Record]:
    """Make the table's rows. Each day begins with the empty row of its sheet, which only has a value in `kept`."""
    records: list[Record] = []
    day_before = None
    for day, row in zip(table["Date"], rows.table_rows(table, names), strict=True):
        if day != day_before:
            records.append({name: row[name] if name == kept else None for name in names})
        records.append(row)
        day_before = day
    return records


def _warmer(cell: str) -> str:
    number, unit = cell.split(rows.NBSP)
    return f"{float(number) + 0.2:.1f}{rows.NBSP}{unit}"


def _table_epochs(first: int, last: int, zone: str, lead: int = 0) -> Epochs:
    """The 5-minute instants of these days of October 2024 in local time, and `lead` more before them; shape (n,)."""
    start = epoch_of(day_of(first), rows.FIRST_MINUTE, zone) - lead * STEP_SECONDS
    return np.arange(start, epoch_of(day_of(last + 1), time(0), zone), STEP_SECONDS, dtype=np.int64)
