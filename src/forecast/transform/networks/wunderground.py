"""Weather Underground: the history table (local times, units in the cells) and the PWS API v2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Fault, Mask, other_networks, unknown_stations, wrong_times
from forecast.core.errors import ObjectRejectedError
from forecast.core.schemas import REFUSED_SCHEMA, RawBatch, Transformed, empty_frame, joined
from forecast.core.stations import Station, Stations
from forecast.extract.fields import STATION_FIELDS
from forecast.transform.aggregates import ADVICE, Aggregates
from forecast.transform.aggregates import CODE as AGGREGATES
from forecast.transform.assemble import Draft, assemble, entry_refusals, lost_on_the_way
from forecast.transform.nearest import Near
from forecast.transform.networks import wunderground_api as api
from forecast.transform.networks import wunderground_table as table
from forecast.transform.networks.wunderground_times import (
    SCRAPE_FIELDS,
    TIME_FIELDS,
    TableReader,
    TableTimes,
    api_times,
)
from forecast.transform.quarantine import Refusal
from forecast.transform.raw_columns import Columns, check_types, contradicting_stations, has_station, named_stations
from forecast.transform.twins import contradictions
from forecast.transform.values.clocks import Moments
from forecast.transform.values.dst import Folds
from forecast.transform.values.numbers import convert_batch
from forecast.transform.values.statements import ConstantColumns
from forecast.transform.values.timestamps import Readings, local_to_utc

NAME = "Weather Underground"

# A time that may enter, where a row's own is not known yet.
_SOME_TIME = np.datetime64("2000-01-01", "s")

# The containers of the PWS API's answers that hold the rows; those of dailysummary are no observations.
_SUMMARIES = "summaries"
RECORD_CONTAINERS = ("observations", _SUMMARIES)

# Weather Underground was founded in 1995; its first personal stations came some years later.
FIRST_YEAR = 1995


# What stands in an answer of the API beside the values that are taken: "humidityHigh" of an interval, for one.
_API_BESIDE = (
    *("tz", "obstimelocal", "epoch", "lat", "lon", "qcstatus", "humidityhigh", "humiditylow"),
    *("neighborhood", "softwaretype", "country", "realtimefrequency"),
)
_BESIDE_TABLE = frozenset({"date", "epoch", *frozenset.union(*TIME_FIELDS), *STATION_FIELDS})
_KNOWN_OF_API = api.KNOWN_FIELDS | {"obstimeutc", *STATION_FIELDS, *_API_BESIDE}


def recognises(columns: Columns, batch: RawBatch) -> bool:
    """Whether the rows are this network's."""
    return _is_api(columns) or _is_table(columns) or _SUMMARIES in batch.containers


def known_fields(columns: Columns) -> frozenset[str]:
    """The normalised names of the columns that rows of this layout may have: a name of the API is none in a table."""
    return _KNOWN_OF_API if _is_api(columns) else _BESIDE_TABLE | table.known_fields(columns)


def layouts(columns: Columns) -> list[Near]:
    """The layouts of this network, and what these columns lack of each."""
    of_api = [
        name for field, name in (("stationid", "stationID"), ("obstimeutc", "obsTimeUtc")) if field not in columns
    ]
    of_table = "" if _is_timed(columns) else "there is no column with the time (Time, DateTime, Timestamp)"
    return [
        Near(NAME, f"{NAME}'s table", _BESIDE_TABLE | table.known_fields(columns), of_table or table.LACK),
        Near(NAME, f"{NAME}'s PWS API", _KNOWN_OF_API, f"there is no column {' and no column '.join(of_api)}"),
    ]


def needs_unit(columns: Columns) -> bool:
    """Whether the cells of this layout carry their units."""
    return not _is_api(columns) and not table.headings(columns)


def expected_cells(columns: Columns) -> str:
    """What a cell of a measured value looks like, for people."""
    return "a number" if _is_api(columns) else table.EXPECTED


def _is_api(columns: Columns) -> bool:
    return "obstimeutc" in columns and any(field in columns for field in STATION_FIELDS)


def _is_table(columns: Columns) -> bool:
    return _is_timed(columns) and table.is_table(columns, _BESIDE_TABLE)


def _is_timed(columns: Columns) -> bool:
    return any(field in columns for field in ("time", "datetime", "timestamp"))


class Reader:
    """Turns the batches of one object into observations."""

    def __init__(self, key: str, stations: Stations, now: datetime) -> None:
        self._key = key
        self._stations = stations
        self._now = now
        self._folds = Folds()
        self._times = TableReader()
        self._constant = ConstantColumns(SCRAPE_FIELDS)
        # Batches whose times cannot be told before more rows of the object are seen.
        self._waiting: list[tuple[RawBatch, Columns]] = []
        self._units = api.MissingUnits()
        self._aggregates = Aggregates()

    def read(self, batch: RawBatch, columns: Columns) -> Transformed:
        """One batch as observations, but for rows that have to wait for others of the object.

        Raises ObjectRejectedError where the rows are those of dailysummary.
        """
        if _SUMMARIES in batch.containers:
            raise ObjectRejectedError(
                AGGREGATES, f"the rows stand in {_SUMMARIES!r}: they are values of days. {ADVICE}"
            )
        is_api = _is_api(columns)
        check_types(columns, batch.metadata, api.READ_FIELDS if is_api else table.known_fields(columns))
        if is_api:
            return self._read_api(batch, columns)
        self._units.has_units = True
        stations, times = self._table_times(batch, columns)
        self._constant.watch(times.statements)
        if self._constant.undecided:
            self._waiting.append((batch, columns))
            return Transformed.nothing(empty_frame(REFUSED_SCHEMA))
        return joined([*self._read_waiting(), self._read_table(batch, columns, stations, times)])

    def finish(self) -> list[Transformed]:
        """The rows that waited for the end of the object.

        Raises ObjectRejectedError where the object holds no observations, or none whose units are named.
        """
        self._aggregates.check()
        self._units.check()
        self._constant.end()
        return [*self._read_waiting(), *self._folds.resolve(self._now)]

    @property
    def unused_columns(self) -> list[str]:
        """Columns that hold one time in all rows while the rows' own times vary: that of a scrape or of a load."""
        return self._constant.found

    def _read_waiting(self) -> list[Transformed]:
        waiting, self._waiting = self._waiting, []
        return [self._read_table(batch, columns, *self._table_times(batch, columns)) for batch, columns in waiting]

    def _table_times(self, batch: RawBatch, columns: Columns) -> tuple[pa.Array, TableTimes]:
        stations = self._station_ids(batch, columns)
        return stations, self._times.read(batch, columns, list(self._known(stations)))

    def _read_api(self, batch: RawBatch, columns: Columns) -> Transformed:
        stations = named_stations(columns, len(batch.rows))
        times, clock = api_times(columns, list(self._known(stations)))
        moments = times.readings.moments
        refusals = [
            Refusal(np.asarray(stations.is_null()), "no_station", "stationID", "the row does not name its station"),
            *entry_refusals(self._wrong_stations(columns, stations), "stationID", stations),
            *times.refusals,
            *entry_refusals(wrong_times(moments, self._now, FIRST_YEAR), "obsTimeUtc", columns.required("obstimeutc")),
        ]
        unread = [_no_object(name, cells) for name in api.SYSTEMS if (cells := columns.get(name)) is not None]
        refusals += unread
        if rows := min(self._aggregates.wanted, len(moments)):
            bounds = api.bounds_of(columns, rows)
            self._aggregates.watch(stations.slice(0, rows), moments[:rows], clock[:rows], bounds)
        values = api.read_values(columns, len(moments))
        names = [str(name) for name in batch.rows.columns]
        codes = columns.get("qcstatus")
        draft = Draft(
            stations,
            moments,
            values.columns,
            [*refusals, *values.refusals, self._units.refusal(values, names, columns)],
            lost_on_the_way(batch.origin["changes"], api.parameters_of),
            times.notes,
            source_codes=None if codes is None else api.source_codes(codes),
            not_empty=np.any([refusal.mask for refusal in unread], axis=0) if unread else None,
        )
        return assemble(batch, draft)[0]

    def _read_table(self, batch: RawBatch, columns: Columns, stations: pa.Array, times: TableTimes) -> Transformed:
        readings, of_times, notes = times.rows(self._constant.found)
        moments, twice, refusals = self._to_utc(times, readings)
        raw = table.raw_columns(columns)
        draft = Draft(
            stations,
            moments,
            convert_batch(raw),
            [
                Refusal(np.asarray(stations.is_null()), "no_station", "station", "the row does not name its station"),
                *entry_refusals(self._wrong_stations(columns, stations), "station", stations),
                *of_times,
                *refusals,
                *contradictions(raw),
            ],
            lost_on_the_way(batch.origin["changes"], table.parameters_of),
            notes,
            twice,
        )
        transformed, waiting, held = assemble(batch, draft)
        if len(waiting):
            self._folds.hold(batch, held, waiting, readings.moments)
        return transformed

    def _station_ids(self, batch: RawBatch, columns: Columns) -> pa.Array:
        size = len(batch.rows)
        named, unnamed = named_stations(columns, size), ~has_station(columns, size)
        station = self._stations.of_key(self._key)
        if not unnamed.all():
            # What names a station and cannot be read is another one, for all that is known.
            folder = pa.scalar(None if station is None else station.id, pa.string())
            return pc.if_else(pa.array(unnamed), folder, named)
        if station is None:
            advice = "add the prefix to the station in the station registry"
            if not table.has_units(columns):
                advice = f"nor is it certain that they are {NAME}'s: no number was found with the unit of its layout"
            raise ObjectRejectedError(
                "no_station",
                f"the rows do not name their station, and no station's raw_prefixes matches this key; {advice}",
            )
        return pa.repeat(pa.scalar(station.id), size)

    def _to_utc(self, times: TableTimes, readings: Readings) -> tuple[Moments, Mask, list[Refusal]]:
        """UTC where it can be told, the rows whose local time occurs twice, and what is refused."""
        moments = readings.moments.copy()
        twice, never = (np.zeros(len(moments), dtype=bool) for _ in range(2))
        for station, rows in times.places:
            local = rows & ~readings.is_utc
            self._folds.watch(station, moments[local])
            moments[local], twice[local], never[local] = local_to_utc(moments[local], station.timezone)
        entry = wrong_times(np.where(twice | never, _SOME_TIME, moments), self._now, FIRST_YEAR)
        odd = never | entry[1].mask | entry[2].mask
        local_times = pa.array(np.datetime_as_string(readings.moments)) if odd.any() else None
        refusals = [
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

    def _wrong_stations(self, columns: Columns, ids: pa.Array) -> list[Fault]:
        return [
            contradicting_stations(columns, self._stations, len(ids)),
            unknown_stations(ids, self._stations),
            other_networks(ids, self._stations, NAME),
        ]

    def _known(self, stations: pa.Array) -> Iterator[tuple[Station, Mask]]:
        """Each station of a batch that is in the registry, and its rows."""
        encoded = stations.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for code, station_id in enumerate(encoded.dictionary.to_pylist()):
            station = self._stations.get(station_id)
            if station is not None:
                yield station, codes == code


def _no_object(system: str, cells: pa.Array) -> Refusal:
    """Rows that have something else where the object with the values belongs: what it held is not known."""
    if pa.types.is_struct(cells.type):
        mask = np.zeros(len(cells), dtype=bool)
    elif pa.types.is_nested(cells.type):  # a list or a map; one of nothing is an object without members
        mask = np.asarray(pc.fill_null(pc.greater(pc.list_value_length(cells), 0), fill_value=False))
    else:
        mask = np.asarray(cells.is_valid())
    return Refusal(mask, "malformed_record", system, "not a JSON object", cells)
