"""A small but complete raw zone: a week of six stations, 1 to 7 October 2024, in each of the real layouts.

The objects cover different days and overlap by an hour here and there, and they have the faults of real ones:
sheets that begin with an empty row, values missing in three spellings, gaps, one cell that cannot be read, a
correction that a later sync brings, and two rows of a station that nobody registered.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from forecast.core.registry import load_stations
from forecast.core.stations import Stations
from forecast_demo import airbyte, infoclimat, wunderground
from forecast_demo.airbyte import Record, Sync
from forecast_demo.clock import Epochs, epoch_of
from forecast_demo.weather import STEP_SECONDS, Site
from forecast_demo.workbook import Cell, write_workbook

UNKNOWN_STATION: Final = "STATIC0099"
UNREADABLE_CELL: Final = f"5x.2{wunderground.NBSP}°F"
FIRST_MINUTE: Final = time(0, 4)  # the history table's rows are at :04, :09 ... of the station's clock
# Times without reports, [first, end) in UTC, of the last station of InfoClimat and of the one whose data an API gives;
# real weeks lack about 5 % of their rows.
CLIMATE_GAP: Final = (datetime(2024, 10, 4, 3, tzinfo=UTC), datetime(2024, 10, 4, 5, tzinfo=UTC))
API_GAP: Final = (datetime(2024, 10, 2, 7, 34, tzinfo=UTC), datetime(2024, 10, 2, 8, 4, tzinfo=UTC))


class _Week:
    """The stations of the registry by id, the part that each has in the demo, and the seed of their weather."""

    def __init__(self, stations: Stations, seed: int) -> None:
        self.stations = {station.id: station for station in stations}
        self.seed = seed
        self.climate_stations = [station.id for station in stations if station.network == "InfoClimat"]
        # One comes as the API's observations and from a page, the other as history tables.
        self.api_station, self.table_station = [one for one in stations if one.network == "Weather Underground"][:2]
        self.gaps = {self.climate_stations[-1]: CLIMATE_GAP, self.api_station.id: API_GAP}

    def site(self, station_id: str) -> Site:
        station = self.stations[station_id]
        return Site(list(self.stations).index(station_id) + 1, station.latitude, station.longitude)

    def table(self, station_id: str, epochs: Epochs) -> dict[str, list[Any]]:
        station = self.stations[station_id]
        columns = wunderground.table_columns(epochs, station.timezone, self.site(station_id), self.seed)
        kept = self.outside_gap(station_id, epochs).tolist()
        return {name: [cell for cell, keep in zip(cells, kept, strict=True) if keep] for name, cells in columns.items()}

    def outside_gap(self, station_id: str, epochs: Epochs) -> npt.NDArray[np.bool_]:
        if station_id not in self.gaps:
            return np.ones(len(epochs), dtype=np.bool_)
        first, end = (int(moment.timestamp()) for moment in self.gaps[station_id])
        return (epochs < first) | (epochs >= end)

    def infoclimat(self, first: datetime, end: datetime) -> dict[str, list[infoclimat.Row]]:
        """Make the records of [first, end) by station."""
        rows = {}
        for station_id in self.climate_stations:
            station = self.stations[station_id]
            step = int(station.interval_minutes * 60)
            epochs = np.arange(int(first.timestamp()), int(end.timestamp()), step, dtype=np.int64)
            epochs = epochs[self.outside_gap(station_id, epochs)]
            rows[station_id] = infoclimat.observations(station, epochs, self.site(station_id), self.seed)
        return rows

    def document(self, first: datetime, end: datetime) -> dict[str, Any]:
        rows = self.infoclimat(first, end)
        return infoclimat.document([self.stations[station_id] for station_id in rows], rows)


def write_demo(folder: Path, *, seed: int = 2024) -> list[Path]:
    """Write the raw zone below `folder` and return its files, sorted; the same seed gives the same bytes."""
    week = _Week(load_stations(), seed)
    contents = {**_infoclimat_objects(week), **_api_station_objects(week), **_table_station_objects(week)}
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return sorted(folder / name for name in contents)


def _infoclimat_objects(week: _Week) -> dict[str, bytes]:
    first_days = week.document(_utc(1), _utc(4))
    one, other, *_ = week.climate_stations
    del first_days["hourly"][one][100]["humidite"]
    first_days["hourly"][other][200]["temperature"] = ""
    api = Sync(_utc(6, 3), sync_id=3)
    last = Sync(_utc(8, 3), sync_id=4)
    # Begins an hour before the other one ends, as an inclusive cursor does: 19 records come twice, unchanged.
    records = _one_by_one(week.infoclimat(_utc(5, 23), _utc(8)))
    return {
        "infoclimat/Data_Source1_011024-031024.json": infoclimat.document_text(first_days).encode(),
        f"infoclimat/api/{api.object_name('jsonl')}": airbyte.nested_jsonl(
            [week.document(_utc(4), _utc(6))], api, week.seed
        ),
        f"infoclimat/observations/{last.object_name('jsonl.gz')}": airbyte.old_jsonl_gz(records, last, week.seed),
        "infoclimat/observations/_SUCCESS": b"",
    }


def _one_by_one(rows_by_station: dict[str, list[infoclimat.Row]]) -> list[Record]:
    """Make one record an observation: two at the end of a station that the registry lacks, two damaged."""
    records: list[Record] = [row for rows in rows_by_station.values() for row in rows]
    *_, last = rows_by_station.values()
    strangers: list[Record] = [{**row, "id_station": UNKNOWN_STATION} for row in last[6:8]]
    del records[300]["point_de_rosee"]
    records[301]["pression"] = ""
    return records + strangers


def _api_station_objects(week: _Week) -> dict[str, bytes]:
    station = week.api_station
    zone = station.timezone
    page = Sync(_utc(7, 3), sync_id=7)
    csv_table = week.table(station.id, _table_epochs(5, 6, zone))
    csv_table["Solar"][150:153] = [None] * 3
    names = (*wunderground.TABLE_COLUMNS, "Date")
    csv_rows = _with_empty_rows(csv_table, names, kept="Date")
    # The API's day begins an hour early: its 12 records replace those of the page, with other units and decimals.
    api = Sync(_utc(8, 3), sync_id=8)
    observations = wunderground.pws_observations(
        station, _table_epochs(7, 7, zone, lead=12), week.site(station.id), week.seed
    )
    folder = f"wunderground/{station.id}"
    return {
        f"{folder}/Weather+Underground+-+{station.city},+{station.country}.xlsx": _workbook(
            week, station.id, range(1, 5)
        ),
        f"{folder}/{page.object_name('csv')}": airbyte.nested_csv(csv_rows, page, week.seed),
        f"{folder}/{api.object_name('jsonl')}": airbyte.flat_jsonl(observations, api, week.seed),
    }


def _table_station_objects(week: _Week) -> dict[str, bytes]:
    station = week.table_station
    zone = station.timezone
    early, corrected, late = Sync(_utc(5, 3), sync_id=10), Sync(_utc(6, 3), sync_id=11), Sync(_utc(8, 3), sync_id=12)
    table = week.table(station.id, _table_epochs(1, 4, zone))
    table["Temperature"][288 + 144] = UNREADABLE_CELL  # 2 October, 12:04
    table["Humidity"][500:503] = [None, "", None]
    both = ("Date", "DateTime")
    first = _with_empty_rows(table, (*wunderground.TABLE_COLUMNS, *both), kept="Date")
    # An hour of 4 October comes again, 0.2 °F warmer: what a later sync says is what counts.
    table = week.table(station.id, _table_epochs(5, 5, zone, lead=12))
    table["Temperature"][:12] = [_warmer(cell) for cell in table["Temperature"][:12]]
    second = _with_empty_rows(table, (*wunderground.TABLE_COLUMNS, "DateTime"))
    table = week.table(station.id, _table_epochs(6, 7, zone))
    table["Timestamp"] = table["DateTime"]
    third = _with_empty_rows(table, (*wunderground.TABLE_COLUMNS, "Timestamp"))
    folder = f"wunderground/{station.id}"
    return {
        f"{folder}/{early.object_name('jsonl')}": airbyte.nested_jsonl(first, early, week.seed),
        f"{folder}/{corrected.object_name('parquet')}": airbyte.parquet(second, corrected, week.seed),
        f"{folder}/{late.object_name('avro')}": airbyte.avro(third, late, week.seed),
    }


def _workbook(week: _Week, station_id: str, days: range) -> bytes:
    """Write one sheet a day, named ddmmyy: the header, an empty row, then the day."""
    zone = week.stations[station_id].timezone
    sheets: dict[str, list[list[Cell]]] = {}
    for day in days:
        table = week.table(station_id, _table_epochs(day, day, zone))
        table["Time"] = [time.fromisoformat(text) for text in table["Time"]]
        rows = zip(*(table[name] for name in wunderground.TABLE_COLUMNS), strict=True)
        empty: list[Cell] = [None] * len(wunderground.TABLE_COLUMNS)
        sheets[f"{_day(day):%d%m%y}"] = [list(wunderground.TABLE_COLUMNS), empty, *(list(row) for row in rows)]
    return write_workbook(sheets)


def _with_empty_rows(table: dict[str, list[Any]], names: tuple[str, ...], kept: str = "") -> list[Record]:
    """Make the table's rows, before each day the empty one of its sheet, where only the column `kept` has a value."""
    records: list[Record] = []
    day_before = None
    for day, row in zip(table["Date"], wunderground.table_rows(table, names), strict=True):
        if day != day_before:
            records.append({name: row[name] if name == kept else None for name in names})
        records.append(row)
        day_before = day
    return records


def _warmer(cell: str) -> str:
    number, unit = cell.split(wunderground.NBSP)
    return f"{float(number) + 0.2:.1f}{wunderground.NBSP}{unit}"


def _table_epochs(first: int, last: int, zone: str, lead: int = 0) -> Epochs:
    """List the 5-minute instants of these days of October 2024 on the station's clock, and the `lead` before them."""
    start = epoch_of(_day(first), FIRST_MINUTE, zone) - lead * STEP_SECONDS
    return np.arange(start, epoch_of(_day(last + 1), time(0), zone), STEP_SECONDS, dtype=np.int64)


def _day(day: int) -> date:
    return date(2024, 10, day)


def _utc(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 10, day, hour, tzinfo=UTC)
