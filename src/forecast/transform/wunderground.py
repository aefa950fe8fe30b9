"""Weather Underground: the history table (local times, units in the cells) and the PWS API v2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.entry import Fault, Mask, other_networks, unknown_stations, wrong_times
from forecast.errors import ObjectRejectedError
from forecast.observations import RawBatch, Transformed
from forecast.parameters import PARAMETERS
from forecast.stations import Station, Stations
from forecast.transform import wunderground_api as api
from forecast.transform.aggregates import ADVICE, Aggregates
from forecast.transform.aggregates import CODE as AGGREGATES
from forecast.transform.assemble import Draft, assemble, entry_refusals, lost_on_the_way
from forecast.transform.cells import Converted, RawColumn, convert_batch
from forecast.transform.columns import Columns, check_types, normalise_field, station_ids
from forecast.transform.folds import Folds
from forecast.transform.quarantine import Refusal
from forecast.transform.times import (
    Moments,
    Readings,
    between_zones,
    combine,
    leap_notes,
    local_to_utc,
    read_clock,
    read_days,
    read_moments,
    sheet_day,
)

NAME = "Weather Underground"

# A time that may enter, where a row's own is not known yet.
_SOME_TIME = np.datetime64("2000-01-01", "s")

# The containers of the PWS API's answers that hold the rows; those of dailysummary are no observations.
_SUMMARIES = "summaries"
RECORD_CONTAINERS = ("observations", _SUMMARIES)

# Weather Underground was founded in 1995; its first personal stations came some years later.
FIRST_YEAR = 1995

_TABLE = {p.table: p for p in PARAMETERS if p.table is not None}
# Of older history tables; the rows' own UTC time is taken before any local one.
_UTC_FIELDS = ("dateutc", "obstimeutc")
# By layout, the columns of which one at least has the time of a row: the API's, the table's.
TIME_FIELDS = (frozenset({"obstimeutc"}), frozenset({"time", "datetime", "timestamp", "dateutc"}))
_STATION_FIELDS = ("stationid", "station")
# A table is one with a time and at least this many of its columns: two other tables with a "Time" and a
# "Temperature" exist in every data lake.
_MINIMUM_COLUMNS = 3

# What stands in an answer of the API beside the values that are taken: "humidityHigh" of an interval, for one.
_API_BESIDE = (
    *("tz", "obstimelocal", "epoch", "lat", "lon", "qcstatus", "humidityhigh", "humiditylow"),
    *("neighborhood", "softwaretype", "country", "realtimefrequency"),
)
_KNOWN_OF_TABLE = frozenset({"time", "date", "datetime", "timestamp", *_UTC_FIELDS, *_STATION_FIELDS, *_TABLE})
_KNOWN_OF_API = api.KNOWN_FIELDS | {"stationid", "obstimeutc", *_API_BESIDE}


def recognises(columns: Columns, batch: RawBatch) -> bool:
    """Whether the rows are this network's."""
    return _is_api(columns) or _is_table(columns) or _SUMMARIES in batch.containers


def known_fields(columns: Columns) -> frozenset[str]:
    """The normalised names of the columns that rows of this layout may have: a name of the API is none in a table."""
    return _KNOWN_OF_API if _is_api(columns) else _KNOWN_OF_TABLE


def needs_unit(columns: Columns) -> bool:
    """Whether the cells of this layout carry their units."""
    return not _is_api(columns)


def expected_cells(columns: Columns) -> str:
    """What a cell of a measured value looks like, for people."""
    if _is_api(columns):
        return "a number"
    return 'a number with its unit in the cell, such as "56.8 °F" or "29.48 in"'


def _is_api(columns: Columns) -> bool:
    return "obstimeutc" in columns and "stationid" in columns


def _is_table(columns: Columns) -> bool:
    timed = any(field in columns for field in ("time", "datetime", "timestamp"))
    return timed and sum(field in columns for field in _TABLE) >= _MINIMUM_COLUMNS


class Reader:
    """Turns the batches of one object into observations."""

    def __init__(self, key: str, stations: Stations, now: datetime) -> None:
        self._key = key
        self._stations = stations
        self._now = now
        self._folds = Folds()
        self._sheets: dict[date, str] = {}
        self._units = api.MissingUnits()
        self._aggregates = Aggregates()

    def read(self, batch: RawBatch, columns: Columns) -> Transformed:
        """One batch as observations, but for the rows of an hour that occurs twice.

        Raises ObjectRejectedError where the rows are those of dailysummary.
        """
        if _SUMMARIES in batch.containers:
            raise ObjectRejectedError(
                AGGREGATES, f"the rows stand in {_SUMMARIES!r}: they are values of days. {ADVICE}"
            )
        is_api = _is_api(columns)
        check_types(columns, batch.metadata, api.READ_FIELDS if is_api else _TABLE)
        return self._read_api(batch, columns) if is_api else self._read_table(batch, columns)

    def finish(self) -> list[Transformed]:
        """The rows of the hours that occur twice.

        Raises ObjectRejectedError where the object holds no observations, or none whose units are named.
        """
        self._aggregates.check()
        self._units.check()
        return self._folds.resolve(self._now)

    def _read_api(self, batch: RawBatch, columns: Columns) -> Transformed:
        stations = station_ids(columns.required("stationid"))
        times = columns.required("obstimeutc")
        readings = read_moments(times)
        refusals = [
            Refusal(np.asarray(stations.is_null()), "no_station", "stationID", "the row does not name its station"),
            *entry_refusals(self._wrong_stations(stations), "stationID", stations),
            Refusal(readings.unreadable, "bad_timestamp", "obsTimeUtc", "not a date and time in UTC (ISO 8601)", times),
            *entry_refusals(wrong_times(readings.moments, self._now, FIRST_YEAR), "obsTimeUtc", times),
        ]
        refusals += [_no_object(name, cells) for name in api.SYSTEMS if (cells := columns.get(name)) is not None]
        local = columns.get("obstimelocal")
        clock = readings.moments
        if local is not None:
            local_readings = read_moments(local)
            between = self._between_zones(stations, readings.moments, local_readings)
            refusals.append(_contradiction(between, "obsTimeLocal", local))
            clock = np.where(np.isnat(local_readings.moments), clock, local_readings.moments)
        if rows := min(self._aggregates.wanted, len(times)):
            bounds = api.bounds_of(columns, rows)
            self._aggregates.watch(stations.slice(0, rows), readings.moments[:rows], clock[:rows], bounds)
        values = api.read_values(columns, len(times))
        names = [str(name) for name in batch.rows.columns]
        codes = columns.get("qcstatus")
        draft = Draft(
            stations,
            readings.moments,
            values.columns,
            [*refusals, *values.refusals, self._units.refusal(values, names, columns)],
            lost_on_the_way(batch.origin["changes"], api.parameters_of),
            leap_notes(readings, times),
            source_codes=None if codes is None else api.source_codes(codes),
        )
        return assemble(batch, draft)[0]

    def _read_table(self, batch: RawBatch, columns: Columns) -> Transformed:
        self._units.has_units = True
        stations = self._station_ids(batch, columns)
        raw = _raw_times(columns)
        readings, between = self._table_times(batch, columns, stations)
        moments, twice, refusals = self._to_utc(stations, readings, raw)
        draft = Draft(
            stations,
            moments,
            _table_values(columns),
            [*refusals, _contradiction(between, "Time", raw)],
            lost_on_the_way(batch.origin["changes"], _table_parameters),
            leap_notes(readings, raw),
            twice,
        )
        transformed, waiting, held = assemble(batch, draft)
        if len(waiting):
            self._folds.hold(batch, held, waiting, readings.moments)
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

    def _table_times(self, batch: RawBatch, columns: Columns, stations: pa.Array) -> tuple[Readings, Mask]:
        """The rows' times, UTC where they have it; and where their UTC and their local time contradict each other."""
        utc_cells = columns.first(*_UTC_FIELDS)
        if utc_cells is None:
            return self._local_times(batch, columns), np.zeros(len(batch.rows), dtype=bool)
        utc = read_moments(utc_cells)
        if not _has_day(batch, columns):
            return Readings.plain(utc.moments, is_utc=True, unreadable=utc.unreadable), np.zeros(len(stations), bool)
        local = self._local_times(batch, columns)
        return _with_utc(local, utc), self._between_zones(stations, utc.moments, local)

    def _local_times(self, batch: RawBatch, columns: Columns) -> Readings:
        """Full times where there are any, else the day (a column, or the sheet's name) and the time of day."""
        full = columns.first("datetime", "timestamp")
        days = columns.get("date")
        clock = columns.get("time")
        if full is not None and (full.null_count < len(full) or days is None):
            readings = read_moments(full)
            if days is None or clock is None or not np.isnat(readings.moments).any():
                return readings
            return _filled_times(readings, _day_and_clock(days, clock))
        if clock is not None and days is not None:
            return _day_and_clock(days, clock)
        if clock is not None and batch.sheet is not None:
            day = self._day_of_sheet(batch.sheet)
            return _day_and_clock(pa.repeat(pa.scalar(day), len(batch.rows)), clock)
        raise ObjectRejectedError(
            "lost_day",
            "the rows have a time of day and no day: the names of the workbook's sheets were the days, and were lost "
            "before the object was written. Put the workbook itself into the raw zone, or a Date column into the table",
        )

    def _day_of_sheet(self, sheet: str) -> date:
        day = sheet_day(sheet)
        if day is None:
            raise ObjectRejectedError(
                "lost_day",
                f"the name of sheet {sheet!r} is no day (ddmmyy, such as 011024), and its rows have only times",
            )
        first = self._sheets.setdefault(day, sheet)
        if first != sheet:
            raise ObjectRejectedError("same_day_twice", f"sheets {first!r} and {sheet!r} are both the day {day}")
        return day

    def _to_utc(self, stations: pa.Array, readings: Readings, raw: pa.Array) -> tuple[Moments, Mask, list[Refusal]]:
        """UTC where it can be told, the rows whose local time occurs twice, and what is refused."""
        moments = readings.moments.copy()
        twice, never = (np.zeros(len(moments), dtype=bool) for _ in range(2))
        for station, rows in self._known(stations):
            local = rows & ~readings.is_utc
            self._folds.watch(station.id, station.timezone, moments[local])
            moments[local], twice[local], never[local] = local_to_utc(moments[local], station.timezone)
        entry = wrong_times(np.where(twice | never, _SOME_TIME, moments), self._now, FIRST_YEAR)
        odd = never | entry[1].mask | entry[2].mask
        local_times = pa.array(np.datetime_as_string(readings.moments)) if odd.any() else None
        refusals = [
            Refusal(np.asarray(stations.is_null()), "no_station", "station", "the row does not name its station"),
            *entry_refusals(self._wrong_stations(stations), "station", stations),
            Refusal(readings.unreadable, "bad_timestamp", "Time", "not a local date and time", raw),
            Refusal(np.isnat(readings.moments), "no_timestamp", "Time", "the row has no day or no time"),
            Refusal(
                never,
                "no_such_local_time",
                "Time",
                "no such local time: the clock was put forward over it",
                local_times,
            ),
            *entry_refusals(entry[1:], "Time", local_times),
        ]
        return moments, twice, refusals

    def _between_zones(self, stations: pa.Array, utc: Moments, local: Readings) -> Mask:
        """Where a row's two times differ by no offset of its station's zone."""
        between = np.zeros(len(utc), dtype=bool)
        for station, rows in self._known(stations):
            told = rows & ~local.is_utc
            between[told] = between_zones(utc[told], local.moments[told], station.timezone)
        return between

    def _wrong_stations(self, ids: pa.Array) -> list[Fault]:
        return [unknown_stations(ids, self._stations), other_networks(ids, self._stations, NAME)]

    def _known(self, stations: pa.Array) -> Iterator[tuple[Station, Mask]]:
        """Each station of a batch that is in the registry, and its rows."""
        encoded = stations.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for code, station_id in enumerate(encoded.dictionary.to_pylist()):
            station = self._stations.get(station_id)
            if station is not None:
                yield station, codes == code


def _contradiction(mask: Mask, field: str, cells: pa.Array) -> Refusal:
    reason = "UTC and local time differ by no offset of the station's time zone"
    return Refusal(mask, "contradicting_times", field, reason, cells)


def _no_object(system: str, cells: pa.Array) -> Refusal:
    """Rows that have something else where the object with the values belongs: what it held is not known."""
    is_object = pa.types.is_struct(cells.type)
    mask = np.zeros(len(cells), dtype=bool) if is_object else np.asarray(cells.is_valid())
    return Refusal(mask, "malformed_record", system, "not a JSON object", cells)


def _raw_times(columns: Columns) -> pa.Array:
    """What a person would look at where a time cannot be read."""
    full, clock = columns.first("datetime", "timestamp"), columns.get("time")
    return clock if full is None or (full.null_count == len(full) and clock is not None) else full


def _has_day(batch: RawBatch, columns: Columns) -> bool:
    return batch.sheet is not None or any(field in columns for field in ("date", "datetime", "timestamp"))


def _with_utc(local: Readings, utc: Readings) -> Readings:
    """UTC where the row has it, else local time."""
    missing = np.isnat(utc.moments) & ~utc.unreadable
    return Readings(
        np.where(missing, local.moments, utc.moments),
        ~missing | local.is_utc,
        np.where(missing, local.unreadable, utc.unreadable),
        np.where(missing, local.leap, utc.leap),
    )


def _filled_times(full: Readings, parts: Readings) -> Readings:
    """The full times, and day and clock where a row has no full time."""
    missing = np.isnat(full.moments) & ~full.unreadable
    return Readings(
        np.where(missing, parts.moments, full.moments),
        full.is_utc & ~missing,
        np.where(missing, parts.unreadable, full.unreadable),
        np.where(missing, parts.leap, full.leap),
    )


def _day_and_clock(days: pa.Array, clock: pa.Array) -> Readings:
    dates, bad_dates = read_days(days)
    seconds, bad_seconds, leap = read_clock(clock)
    readings = Readings.plain(combine(dates, seconds), is_utc=False, unreadable=bad_dates | bad_seconds)
    readings.leap = leap
    return readings


def _table_values(columns: Columns) -> dict[str, Converted]:
    return convert_batch(
        [
            RawColumn(cells, parameter, source=columns.name_of(field))
            for field, parameter in _TABLE.items()
            if (cells := columns.get(field)) is not None
        ]
    )


def _table_parameters(field: str) -> Sequence[str]:
    parameter = _TABLE.get(normalise_field(field))
    return () if parameter is None else (parameter.name,)
