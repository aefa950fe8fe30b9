"""Turns rows as found into observations, as the networks' packages declare."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise

from forecast.core.errors import ObjectRejectedError
from forecast.core.reading import ObjectReading, RenamedParameter, UnknownColumns
from forecast.core.schemas import RawBatch, Transformed, joined
from forecast.core.stations import Stations
from forecast.extract.fields import STATION_FIELDS
from forecast.networks.registry import NETWORKS, Networks
from forecast.transform.declared import DeclaredLayout, names_of
from forecast.transform.nearest import unknown_layout
from forecast.transform.not_stored import cells_of
from forecast.transform.raw_columns import Columns, leaves
from forecast.transform.readers import Readers
from forecast.transform.renamed import Lack, lacking, renamed, sample_cells
from forecast.transform.together import alike, assemble_each, one_batch, row_bounds
from forecast.transform.unit_gate import UnitGates

# Raised when the output for any raw row changes: objects processed under another version are processed again.
RULES_VERSION = 15

LOGGER = logging.getLogger("forecast.transform")
# How many cells of an unknown column, and how many such columns, are kept to suggest what they could be.
_SAMPLES, _SAMPLED_COLUMNS = 20, 200


class ObjectTransformer:
    """Transforms the batches of one raw object, in order; `finish` returns the rows that had to wait for its end.

    Rows later than `now` (UTC) are rejected.
    """

    def __init__(self, key: str, stations: Stations, now: datetime, networks: Networks = NETWORKS) -> None:
        self.new_readers = partial(Readers, networks, key, stations, now)
        self._readers = self.new_readers()
        self._gates = UnitGates()
        self._key = key
        self._expected = ""
        self.reading = ObjectReading()
        self.renamed: list[RenamedParameter] = []
        self.columns_missing: list[str] = []
        self._stations = stations
        self.station = stations.of_key(key)
        self._seen_stations: set[str] = set()
        self._needs_unit = False

    def transform(self, batch: RawBatch) -> Transformed:
        """Transform a batch. Raises ObjectRejectedError if no network recognises its rows, or if two do."""
        self.reading.rows_missing += batch.rows_missing
        for name in batch.other_lists:
            self.reading.unknown.setdefault(f"{name} (a list next to the rows)", [])
        return joined([self._transform(*part) for part in self._readers.parts(batch)])

    def _transform(self, batch: RawBatch, columns: Columns, layout: DeclaredLayout | None) -> Transformed:
        if layout is None:
            if not batch.has_payloads:
                self._keep_unknown(columns, STATION_FIELDS)
            if not _is_row(batch) and (batch.rows.empty or not batch.has_payloads):
                return Transformed.nothing(batch.rejected, empty_rows=len(batch.rows))
            raise unknown_layout(
                [str(name) for name in batch.rows.columns],
                columns,
                [layout.near(columns) for layout in self._readers.layouts],
                station=self.station,
                sheet=batch.sheet,
            )
        transformed = self._readers.of(layout).read(batch, columns)
        self.take(transformed, columns, layout)
        return transformed

    def take(self, transformed: Transformed, columns: Columns, layout: DeclaredLayout) -> None:
        """Note what the rows of one layout say about the object: raw ones (`columns`), and what became of them."""
        self._readers.of(layout)  # one of the layouts that the object has
        self._keep_unknown(columns, layout.known(columns))
        self.reading.not_stored.update(cells_of(columns, layout.layout.not_stored))
        self._needs_unit = layout.needs_unit(columns)
        self._expected = layout.layout.cell
        self._see(transformed, layout)

    def _see(self, transformed: Transformed, layout: DeclaredLayout) -> None:
        """Update the object's counts with transformed rows."""
        self.reading.add(transformed.readings)
        self._seen_stations.update(transformed.stations)
        self._gates.see(transformed.observations, layout.kelvins)

    def finish(self) -> list[Transformed]:
        """The rows that had to wait for the end of the object.

        Raises ObjectRejectedError if none of its measured cells could be read, or if a column is not in the unit that
        it states.
        """
        waited = self._readers.finish()
        for layout, transformed in waited:
            self._see(transformed, layout)
        self.reading.check(self._expected)
        self._gates.check()
        lacks = self._lacks()
        self.columns_missing = [lack.parameter.name for lack in lacks if not lack.has_column]
        if self.reading.unknown:
            columns = UnknownColumns.of(self.reading.unknown).words
            message = "%s has unknown columns, which are ignored: %s"
            LOGGER.warning(message, self._key, columns, extra={"facts": {"object": self._key}})
            names = names_of(self._readers.layouts)
            self.renamed = list(renamed(lacks, self.reading.unknown, names, needs_unit=self._needs_unit))
        self._name_unused()
        return [transformed for _, transformed in waited]

    def _name_unused(self) -> None:
        """Log the known columns that were not used."""
        for name in (name for reader in self._readers for name in reader.unused_columns):
            self.reading.unknown.setdefault(name, [])
            message = "%s: column %r has the same time in all rows, while their other times vary, so it is not used"
            LOGGER.warning(message, self._key, name, extra={"facts": {"object": self._key}})

    def _keep_unknown(self, columns: Columns, known: Collection[str]) -> None:
        """Record the unknown columns, including members of known object columns, with a few of their cells."""
        for name, cells in (leaf for column in columns.beside(known) for leaf in leaves(*column)):
            samples = self.reading.unknown.setdefault(name, [])
            if len(samples) < _SAMPLES and len(self.reading.unknown) <= _SAMPLED_COLUMNS:
                samples += sample_cells(cells, _SAMPLES - len(samples))

    def _lacks(self) -> list[Lack]:
        """The parameters that the stations of the object report, and of which it has no cell."""
        stations = [station for name in sorted(self._seen_stations) if (station := self._stations.get(name))]
        # A parameter that comes with another product of the network is not missing in this one.
        held = frozenset[str]().union(*(reader.layout.parameters for reader in self._readers))
        promised = {parameter for station in stations for parameter in station.parameters if parameter in held}
        readings = self.reading.parameters
        return lacking(promised, {name: reading.cells for name, reading in readings.items()}, readings)


def transform_each(objects: Sequence[tuple[ObjectTransformer, RawBatch]]) -> list[Transformed | None]:
    """Transform the only batches of several objects; for small ones, much faster than one by one.

    None for an object that has to be transformed by itself; its transformer is as before.
    """
    found: list[Transformed | None] = [None] * len(objects)
    for indices in alike([(batch, transformer.station) for transformer, batch in objects]):
        try:
            transformed = _transform_alike([objects[index] for index in indices])
        except ObjectRejectedError:
            continue  # by itself, the object in question is rejected with its own reason
        for index, one in zip(indices, transformed, strict=True):
            found[index] = one
    return found


def _transform_alike(objects: Sequence[tuple[ObjectTransformer, RawBatch]]) -> list[Transformed | None]:
    batches = [batch for _, batch in objects]
    batch, bounds = one_batch(batches), row_bounds(batches)
    readers = objects[0][0].new_readers()
    (_, columns, layout), *others = readers.parts(batch)
    drafted = None if layout is None or others else readers.of(layout).draft(batch, columns, bounds)
    if layout is None or drafted is None:
        return [None] * len(objects)
    draft, is_not_all = drafted
    found = [
        None if alone else transformed
        for transformed, alone in zip(assemble_each(batch, draft, bounds), is_not_all, strict=True)
    ]
    for (transformer, _), transformed, (start, end) in zip(objects, found, pairwise(bounds.tolist()), strict=True):
        if transformed is not None:
            transformer.take(transformed, columns.part(start, end - start), layout)
    return found


def _is_row(batch: RawBatch) -> bool:
    """Whether a header without rows is really a row of a table without a header: no column name begins with a digit."""
    return not len(batch.rows) and any(str(name).lstrip()[:1].isdigit() for name in batch.rows.columns)
