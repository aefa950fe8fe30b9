"""Determines the layout of rows, and the reader for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from forecast.core.errors import ObjectRejectedError
from forecast.core.schemas import RawBatch, Transformed
from forecast.core.stations import Stations
from forecast.networks.model import LocalTime
from forecast.networks.registry import Networks
from forecast.transform.aggregates import CODE as AGGREGATES
from forecast.transform.declared import DeclaredLayout, declared_layouts
from forecast.transform.layouts import AMBIGUOUS, ambiguous, parts_of, split_by_own
from forecast.transform.local_reader import LocalReader
from forecast.transform.missing_units import MissingUnits
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.reader import Reader
from forecast.transform.utc_reader import UtcReader

# Rows of one layout; None if no network recognises them.
Part = tuple[RawBatch, Columns, DeclaredLayout | None]


class Readers:
    """The readers of one object, one for each layout of its rows."""

    def __init__(self, networks: Networks, key: str, stations: Stations, now: datetime) -> None:
        self.layouts = declared_layouts(networks)
        self._key = key
        self._stations = stations
        self._now = now
        self._units = MissingUnits()
        self._readers: dict[DeclaredLayout, Reader] = {}

    def __iter__(self) -> Iterator[Reader]:
        return iter(self._readers.values())

    def of(self, layout: DeclaredLayout) -> Reader:
        """The reader of a layout."""
        if layout not in self._readers:
            self._readers[layout] = self._made(layout)
        return self._readers[layout]

    def parts(self, batch: RawBatch) -> list[Part]:
        """The batch split by layout, or unchanged if all its rows have the same one.

        Raises ObjectRejectedError if its rows are not observations, or if two layouts recognise them.
        """
        self._check_containers(batch)
        names = {normalise_field(name) for name in batch.rows.columns}
        may_be = [layout for layout in self.layouts if layout.may_recognise(names)]
        parts = parts_of(batch, [layout.own_times for layout in may_be])
        if len(parts) > 1:
            found = [one for part in parts for one in self._of_one_time(part)]
            if all(layout is not None for _, _, layout in found):
                return found
        return self._of_one_time(batch)

    def finish(self) -> list[tuple[DeclaredLayout, Transformed]]:
        """The rows that waited for the end of the object, each with its layout.

        Raises ObjectRejectedError if the object holds no observations, or none with units.
        """
        waited = [(reader.layout, transformed) for reader in self for transformed in reader.finish()]
        self._units.check()
        return waited

    def _of_one_time(self, batch: RawBatch) -> list[Part]:
        columns = Columns(batch.rows)
        found = self._recognising(columns)
        if len(found) <= 1:
            return [(batch, columns, found[0] if found else None)]
        if not (parts := split_by_own(batch, found)):
            raise ObjectRejectedError(AMBIGUOUS, ambiguous(found))
        return [(part, Columns(part.rows), layout) for part, layout in parts]

    def _recognising(self, columns: Columns) -> list[DeclaredLayout]:
        return [layout for layout in self.layouts if layout.recognises(columns)]

    def _check_containers(self, batch: RawBatch) -> None:
        for layout in self.layouts:
            for container in layout.layout.containers:
                if container.rejected is not None and container.name in batch.containers:
                    words = f"the rows are in {container.name!r}: {container.rejected}"
                    raise ObjectRejectedError(AGGREGATES, words)

    def _made(self, layout: DeclaredLayout) -> Reader:
        time = layout.layout.time
        if isinstance(time, LocalTime):
            self._units.has_units = True
            return LocalReader(layout, time, self._key, self._stations, self._now)
        return UtcReader(layout, time, self._key, self._stations, self._now, self._units)
