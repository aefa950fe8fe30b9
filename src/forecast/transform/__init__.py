"""Rows as found to observations. A network is one module here and one entry in NETWORKS."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from types import ModuleType
from typing import cast

import numpy as np

from forecast.core.reading import ObjectReading, RenamedParameter, UnknownColumns
from forecast.core.schemas import RawBatch, Transformed, joined
from forecast.core.stations import Stations
from forecast.extract.fields import STATION_FIELDS
from forecast.transform.layouts import parts_of
from forecast.transform.nearest import unknown_layout
from forecast.transform.networks import infoclimat, wunderground
from forecast.transform.raw_columns import Columns, leaves
from forecast.transform.renamed import lacking, renamed, sample_cells
from forecast.transform.unit_gate import ON_EARTH, UnitGate

NETWORKS: tuple[ModuleType, ...] = (infoclimat, wunderground)

# Changes with every change of what a raw row becomes: objects processed under another version are processed again.
RULES_VERSION = 8

LOGGER = logging.getLogger("forecast.transform")
# Of the cells of an unknown column, and of how many such columns, some are kept to tell what they could be.
_SAMPLES, _SAMPLED_COLUMNS = 20, 200

_LAYOUTS = tuple(fields for network in NETWORKS for fields in network.TIME_FIELDS)

# Where a document holds its rows, for the extractor.
RECORD_CONTAINERS: tuple[str, ...] = tuple(name for network in NETWORKS for name in network.RECORD_CONTAINERS)


class ObjectTransformer:
    """Transforms the batches of one raw object, in order; `finish` gives what had to wait for its end.

    Rows later than `now` (UTC) may not enter.
    """

    def __init__(self, key: str, stations: Stations, now: datetime) -> None:
        self._readers = {network.NAME: network.Reader(key, stations, now) for network in NETWORKS}
        self._gates = {name: UnitGate(earth) for name, earth in ON_EARTH.items()}
        self._key = key
        self._expected = ""
        self.reading = ObjectReading()
        self.renamed: list[RenamedParameter] = []
        self._stations = stations
        self._seen_stations: set[str] = set()
        self._needs_unit = False

    def transform(self, batch: RawBatch) -> Transformed:
        """Raises ObjectRejectedError where no network knows such rows."""
        parts = [(part, Columns(part.rows)) for part in parts_of(batch, _LAYOUTS)]
        if len(parts) > 1 and not all(_network_of(*part) for part in parts):
            parts = [(batch, Columns(batch.rows))]
        return joined([self._transform(*part) for part in parts])

    def _transform(self, batch: RawBatch, columns: Columns) -> Transformed:
        network = _network_of(batch, columns)
        if network is None:
            if not batch.has_payloads:
                self._keep_unknown(columns, STATION_FIELDS)
            if batch.rows.empty or not batch.has_payloads:
                return Transformed.nothing(batch.refused, empty_rows=len(batch.rows))
            raise unknown_layout(
                [str(name) for name in batch.rows.columns],
                columns,
                [near for network in NETWORKS for near in network.layouts(columns)],
                station=self._stations.of_key(self._key),
                sheet=batch.sheet,
            )
        transformed = cast("Transformed", self._readers[network.NAME].read(batch, columns))
        self._keep_unknown(columns, network.known_fields(columns))
        self._needs_unit = network.needs_unit(columns)
        self._expected = network.expected_cells(columns)
        self._see(transformed)
        return transformed

    def _see(self, transformed: Transformed) -> None:
        """Look at what came of rows, as soon as it is known."""
        self.reading.add(transformed.readings)
        self._seen_stations.update(transformed.stations)
        times = transformed.observations["timestamp"].to_numpy("datetime64[ms]").astype(np.int64)
        for name, gate in self._gates.items():
            gate.see(transformed.observations[name].to_numpy(np.float64, na_value=np.nan), times)

    def finish(self) -> list[Transformed]:
        """What had to wait for the end of the object.

        Raises ObjectRejectedError where none of its measured cells could be read, or a column is in another unit than
        it says.
        """
        waited = [transformed for reader in self._readers.values() for transformed in reader.finish()]
        for transformed in waited:
            self._see(transformed)
        self.reading.check(self._expected)
        for gate in self._gates.values():
            gate.check()
        if self.reading.unknown:
            names = UnknownColumns.of(self.reading.unknown).words
            message = "%s has columns that are not known and are passed over: %s"
            LOGGER.warning(message, self._key, names, extra={"facts": {"object": self._key}})
            self.renamed = self._find_renamed()
        self._name_unused()
        return waited

    def _name_unused(self) -> None:
        """Name the known columns that were passed over, beside the unknown ones."""
        for name in (name for reader in self._readers.values() for name in reader.unused_columns):
            self.reading.unknown.setdefault(name, [])
            message = "%s: column %r holds one time in all rows while their other times vary: it is not used"
            LOGGER.warning(message, self._key, name, extra={"facts": {"object": self._key}})

    def _keep_unknown(self, columns: Columns, known: Collection[str]) -> None:
        """Note the columns that are not known, also those in the objects of known ones, with a few of their cells."""
        for name, cells in (leaf for column in columns.beside(known) for leaf in leaves(*column)):
            samples = self.reading.unknown.setdefault(name, [])
            if len(samples) < _SAMPLES and len(self.reading.unknown) <= _SAMPLED_COLUMNS:
                samples += sample_cells(cells, _SAMPLES - len(samples))

    def _find_renamed(self) -> list[RenamedParameter]:
        stations = [station for name in sorted(self._seen_stations) if (station := self._stations.get(name))]
        promised = {parameter for station in stations for parameter in station.parameters}
        readings = self.reading.parameters
        lacks = lacking(promised, {name: reading.cells for name, reading in readings.items()}, readings)
        return list(renamed(lacks, self.reading.unknown, needs_unit=self._needs_unit))


def _network_of(batch: RawBatch, columns: Columns) -> ModuleType | None:
    return next((network for network in NETWORKS if network.recognises(columns, batch)), None)
