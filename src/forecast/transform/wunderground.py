"""Weather Underground: the history table (local times, units in the cells) and the PWS API v2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.errors import ObjectRejectedError
from forecast.observations import (
    OBSERVATION_SCHEMA,
    REFUSED_SCHEMA,
    RawBatch,
    Transformed,
    empty_frame,
    frame_of,
    to_frame,
    to_table,
)
from forecast.parameters import PARAMETERS
from forecast.stations import Stations
from forecast.transform.assemble import Draft, Mask, Refusal, assemble, changes_of, lost_on_the_way, raw_row
from forecast.transform.cells import Converted, Note, convert_column
from forecast.transform.columns import Columns, normalise_field, station_ids
from forecast.transform.times import (
    Moments,
    Readings,
    combine,
    local_fold_to_utc,
    local_to_utc,
    read_clock,
    read_days,
    read_moments,
    sheet_day,
)

NAME = "Weather Underground"

# The container of the PWS API's answer that holds the rows.
RECORD_CONTAINER = "observations"

_TABLE = {p.table: p for p in PARAMETERS if p.table is not None}
_STATION_FIELDS = ("stationid", "station")
# A table is one with a time and at least this many of its columns: two other tables with a "Time" and a
# "Temperature" exist in every data lake.
_MINIMUM_COLUMNS = 3

# What the nested object of each unit system holds, by quantity of the parameter table.
_SYSTEMS: dict[str, dict[str, str]] = {
    "metric": {"temperature": "°C", "speed": "km/h", "pressure": "hPa", "rain": "mm", "rain rate": "mm/h"},
    "metricsi": {"temperature": "°C", "speed": "m/s", "pressure": "hPa", "rain": "mm", "rain rate": "mm/h"},
    "ukhybrid": {"temperature": "°C", "speed": "mph", "pressure": "hPa", "rain": "mm", "rain rate": "mm/h"},
    "imperial": {"temperature": "°F", "speed": "mph", "pressure": "inHg", "rain": "in", "rain rate": "in/h"},
}
# Outside these objects stand the values that are the same in every system.
_COMMON_UNITS = {"ratio": "%", "angle": "°", "index": "1", "irradiance": "W/m²"}


def recognises(columns: Columns, _batch: RawBatch) -> bool:
    """Whether the rows are this network's."""
    return _is_api(columns) or _is_table(columns)


def _is_api(columns: Columns) -> bool:
    return "obstimeutc" in columns and "stationid" in columns


def _is_table(columns: Columns) -> bool:
    timed = any(field in columns for field in ("time", "datetime", "timestamp"))
    return timed and sum(field in columns for field in _TABLE) >= _MINIMUM_COLUMNS


@dataclass(slots=True)
class _Postponed:
    """Rows of the hour that occurs twice: which pass they belong to shows only when the whole object is read."""

    observations: pd.DataFrame
    local: Moments
    raw: list[str]
    zone: str


class Reader:
    """Turns the batches of one object into observations."""

    def __init__(self, key: str, stations: Stations) -> None:
        self._key = key
        self._stations = stations
        self._postponed: list[_Postponed] = []

    def read(self, batch: RawBatch, columns: Columns) -> Transformed:
        """One batch as observations, but for the rows of an hour that occurs twice."""
        if _is_api(columns):
            return self._read_api(batch, columns)
        return self._read_table(batch, columns)

    def finish(self) -> list[Transformed]:
        """The rows of the hours that occur twice."""
        return [_resolve(postponed) for postponed in _by_station(self._postponed)]

    def _read_api(self, batch: RawBatch, columns: Columns) -> Transformed:
        stations = station_ids(columns.required("stationid"))
        times = columns.required("obstimeutc")
        readings = read_moments(times)
        refusals = [
            Refusal(np.asarray(stations.is_null()), "no_station", "stationID", "the row does not name its station"),
            Refusal(readings.unreadable, "bad_timestamp", "obsTimeUtc", "not a date and time in UTC (ISO 8601)", times),
            Refusal(np.isnat(readings.moments), "no_timestamp", "obsTimeUtc", "the row has no time"),
        ]
        draft = Draft(stations, readings.moments, _api_values(columns), refusals, _lost(batch))
        return assemble(batch, draft)[0]

    def _read_table(self, batch: RawBatch, columns: Columns) -> Transformed:
        stations = self._station_ids(batch, columns)
        readings = _table_times(batch, columns)
        moments, postponed, refusals = self._to_utc(stations, readings, _raw_times(columns))
        converted = _table_values(columns)
        draft = Draft(stations, moments, converted, refusals, _lost(batch), postponed)
        transformed, waiting = assemble(batch, draft)
        if len(waiting):
            self._postpone(batch, readings.moments, waiting)
        return transformed

    def _station_ids(self, batch: RawBatch, columns: Columns) -> pa.Array:
        named = columns.first(*_STATION_FIELDS)
        station = self._stations.of_key(self._key)
        if named is not None and named.null_count < len(named):
            ids = station_ids(named)
            return ids if station is None else pc.fill_null(ids, station.id)
        if station is None:
            raise ObjectRejectedError(
                "no_station",
                "the rows do not name their station, and no station's raw_prefixes matches this key; "
                "add the prefix to the station in src/config/stations.json",
            )
        return pa.repeat(pa.scalar(station.id), len(batch.rows))

    def _to_utc(self, stations: pa.Array, readings: Readings, raw: pa.Array) -> tuple[Moments, Mask, list[Refusal]]:
        moments = readings.moments.copy()
        twice, never, unknown = (np.zeros(len(moments), dtype=bool) for _ in range(3))
        encoded = stations.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for code, station_id in enumerate(encoded.dictionary.to_pylist()):
            rows = (codes == code) & ~readings.is_utc
            station = self._stations.get(station_id)
            if station is None:
                unknown |= codes == code
                continue
            moments[rows], twice[rows], never[rows] = local_to_utc(moments[rows], station.timezone)
        text = pa.array(np.datetime_as_string(readings.moments)) if (readings.unreadable | never).any() else None
        return (
            moments,
            twice,
            [
                Refusal(codes == -1, "no_station", "station", "the row does not name its station"),
                Refusal(
                    unknown, "unknown_station", "station", "the station is not in src/config/stations.json", stations
                ),
                Refusal(readings.unreadable, "bad_timestamp", "Time", "not a local date and time", raw),
                Refusal(np.isnat(readings.moments), "no_timestamp", "Time", "the row has no day or no time"),
                Refusal(
                    never, "no_such_local_time", "Time", "no such local time: the clock was put forward over it", text
                ),
            ],
        )

    def _postpone(self, batch: RawBatch, local: Moments, waiting: pd.DataFrame) -> None:
        rows = np.flatnonzero(batch.origin["position"].isin(waiting["source_row"]))
        for station_id in waiting["station_id"].unique():
            station = self._stations.get(station_id)
            assert station is not None  # noqa: S101  it had a zone to be ambiguous in
            mine = (waiting["station_id"] == station_id).to_numpy()
            raw = [raw_row(batch.rows, int(row)) for row in rows[mine]]
            self._postponed.append(_Postponed(waiting[mine], local[rows[mine]], raw, station.timezone))


def _raw_times(columns: Columns) -> pa.Array:
    """What a person would look at where a time cannot be read."""
    full, clock = columns.first("datetime", "timestamp"), columns.get("time")
    return clock if full is None or (full.null_count == len(full) and clock is not None) else full


def _table_times(batch: RawBatch, columns: Columns) -> Readings:
    """Full times where there are any, else the day (a column, or the sheet's name) and the time of day."""
    full = columns.first("datetime", "timestamp")
    days = columns.get("date")
    clock = columns.get("time")
    if full is not None and (full.null_count < len(full) or days is None):
        readings = read_moments(full)
        if days is None or clock is None or not np.isnat(readings.moments).any():
            return readings
        missing = np.isnat(readings.moments) & ~readings.unreadable
        readings.moments[missing] = _day_and_clock(days, clock).moments[missing]
        return readings
    if clock is not None and days is not None:
        return _day_and_clock(days, clock)
    if clock is not None and batch.sheet is not None:
        day = sheet_day(batch.sheet)
        if day is None:
            raise ObjectRejectedError(
                "lost_day",
                f"the name of sheet {batch.sheet!r} is no day (ddmmyy, such as 011024), and its rows have only times",
            )
        return _day_and_clock(pa.repeat(pa.scalar(day), len(batch.rows)), clock)
    raise ObjectRejectedError(
        "lost_day",
        "the rows have a time of day and no day: the names of the workbook's sheets were the days, and were lost "
        "before the object was written. Put the workbook itself into the raw zone, or a Date column into the table",
    )


def _day_and_clock(days: pa.Array, clock: pa.Array) -> Readings:
    dates, bad_dates = read_days(days)
    seconds, bad_seconds = read_clock(clock)
    return Readings(combine(dates, seconds), np.zeros(len(dates), dtype=bool), bad_dates | bad_seconds)


def _table_values(columns: Columns) -> dict[str, Converted]:
    converted = {
        parameter.name: convert_column(cells, parameter)
        for field, parameter in _TABLE.items()
        if (cells := columns.get(field)) is not None
    }
    wind, speed = converted.get("wind_from_direction"), converted.get("wind_speed")
    if wind is not None and wind.calm is not None:
        # "Calm" is a measured speed of 0 where the table gives no other.
        speed = converted.setdefault("wind_speed", Converted(np.full(len(wind.values), np.nan)))
        speed.values = np.where(wind.calm & np.isnan(speed.values), 0.0, speed.values)
    return converted


def _api_values(columns: Columns) -> dict[str, Converted]:
    system = next((name for name in _SYSTEMS if name in columns), None)
    members = _with_mean_pressure(columns.members(system)) if system else {}
    units = {**_COMMON_UNITS, **(_SYSTEMS[system] if system else {})}
    converted: dict[str, Converted] = {}
    for parameter in PARAMETERS:
        for field in parameter.pws:
            cells = members.get(field) if parameter.quantity not in _COMMON_UNITS else columns.get(field)
            if cells is not None:
                more = convert_column(cells, parameter, units[parameter.quantity])
                first = converted.get(parameter.name)
                converted[parameter.name] = more if first is None else _filled(first, more)
    return converted


def _filled(first: Converted, more: Converted) -> Converted:
    """The values of the first field, and those of the next where it has none."""
    missing = np.isnan(first.values)
    notes = [*first.notes, *(note for note in more.notes if missing[note.row])]
    return Converted(np.where(missing, more.values, first.values), notes)


def _with_mean_pressure(members: dict[str, pa.Array]) -> dict[str, pa.Array]:
    highest, lowest = members.get("pressuremax"), members.get("pressuremin")
    if highest is not None and lowest is not None and _are_numbers(highest) and _are_numbers(lowest):
        total = pc.add(highest.cast(pa.float64()), lowest.cast(pa.float64()))
        members["pressuremean"] = pc.divide(total, 2)
    return members


def _are_numbers(cells: pa.Array) -> bool:
    return bool(pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type))


def _lost(batch: RawBatch) -> list[Note]:
    if not batch.origin["changes"].notna().any():
        return []
    fields = {str(c.get("field")) for text in batch.origin["changes"].dropna() for c in changes_of(text)}
    parameters = {field: p.name for field in fields if (p := _TABLE.get(normalise_field(field))) is not None}
    return lost_on_the_way(batch.origin["changes"], parameters)


def _by_station(postponed: list[_Postponed]) -> list[_Postponed]:
    """All that was held back of one station, in the order of the object."""
    stations: dict[str, list[_Postponed]] = {}
    for part in postponed:
        stations.setdefault(part.observations["station_id"].iloc[0], []).append(part)
    return [
        _Postponed(
            pd.concat([part.observations for part in parts], ignore_index=True),
            np.concatenate([part.local for part in parts]),
            [text for part in parts for text in part.raw],
            parts[0].zone,
        )
        for parts in stations.values()
    ]


def _resolve(postponed: _Postponed) -> Transformed:
    """First pass summer time, second pass winter time, told apart by the one place where the clock goes back."""
    days = postponed.local.astype("datetime64[D]")
    summer = np.zeros(len(days), dtype=bool)
    told = np.zeros(len(days), dtype=bool)
    for day in np.unique(days):
        rows = np.flatnonzero(days == day)
        back = np.flatnonzero(np.diff(postponed.local[rows]) <= np.timedelta64(0, "s"))
        if len(back) == 1:
            summer[rows[: back[0] + 1]] = True
            told[rows] = True
    moments = local_fold_to_utc(postponed.local, postponed.zone, summer=summer)
    table = to_table(postponed.observations, OBSERVATION_SCHEMA)
    stamps = pa.array(moments.astype("datetime64[ms]")).cast(OBSERVATION_SCHEMA.field("timestamp").type)
    table = table.set_column(1, "timestamp", stamps).filter(pa.array(told))
    refused = [
        {
            "position": postponed.observations["source_row"].iloc[row],
            "code": "ambiguous_local_time",
            "field": "Time",
            "value": str(postponed.local[row]),
            "reason": "ambiguous local time: it occurs twice that day, and neither a UTC column nor the order of the "
            "rows tells which",
            "row": postponed.raw[row],
        }
        for row in np.flatnonzero(~told).tolist()
    ]
    return Transformed(
        to_frame(table), frame_of(refused, REFUSED_SCHEMA) if refused else empty_frame(REFUSED_SCHEMA), len(days), 0
    )
