"""Turns the batches of one object and one layout into observations: what all layouts have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask, Violation, other_networks, unknown_stations
from forecast.core.schemas import RawBatch, Transformed
from forecast.core.stations import Station, Stations
from forecast.transform.assemble import BatchDraft, Bounds, entry_rejections, lost_on_the_way
from forecast.transform.declared import DeclaredLayout
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, StationNames, check_types, contradicting_stations
from forecast.transform.source_units import check_units
from forecast.transform.values.columns import ParseIssue
from forecast.transform.wigos import contradicting_wigos

# A row names its station itself, or is in a list under the station's name.
_OTHER_GROUP = "the row names a different station from the one it is listed under"


class Reader(ABC):
    """Turns batches into observations."""

    def __init__(self, layout: DeclaredLayout, key: str, stations: Stations, now: datetime) -> None:
        self.layout = layout
        self._key = key
        self._stations = stations
        self._now = now
        self._names = StationNames(layout.station_fields, layout.network.id_prefix, layout.layout.station_digits)

    def read(self, batch: RawBatch, columns: Columns) -> Transformed:
        """One batch as observations, except for rows that have to wait for others of the object.

        Raises ObjectRejectedError if its document states different units from those declared, or if a column has a
        type that cannot hold values.
        """
        check_units(self.layout, batch.metadata)
        check_types(columns, batch.metadata, self.layout.read_fields(columns))
        return self._read(batch, columns)

    @abstractmethod
    def _read(self, batch: RawBatch, columns: Columns) -> Transformed: ...

    @abstractmethod
    def draft(self, batch: RawBatch, columns: Columns, bounds: Bounds) -> tuple[BatchDraft, Mask] | None:
        """What each row of several objects says by itself, and for which objects this is not all.

        None if rows of this layout, or with these columns, are only understood from the other rows of their object.
        """

    def finish(self) -> list[Transformed]:
        """The rows that waited for the end of the object.

        Raises ObjectRejectedError if the object holds no observations.
        """
        return []

    @property
    def unused_columns(self) -> Sequence[str]:
        """Known columns that were not used for this object."""
        return ()

    def _wrong_stations(self, batch: RawBatch, columns: Columns, ids: pa.Array) -> list[Rejection]:
        """The rows that name no station, or a station that they cannot belong to."""
        field, network = self.layout.layout.station, self.layout.network.name
        faults = [
            Violation(np.asarray(ids.is_null()), "no_station", "the row does not name its station"),
            contradicting_stations(columns, self._names, self._stations, len(ids)),
            *contradicting_wigos(columns, ids, self._stations),
            unknown_stations(ids, self._stations),
            other_networks(ids, self._stations, network),
        ]
        if batch.groups is not None:
            other = np.asarray(pc.fill_null(pc.not_equal(ids, self._names.ids(batch.groups)), fill_value=False))
            faults.append(Violation(other, "station_mismatch", _OTHER_GROUP))
        return entry_rejections(faults, field, ids)

    def _lost(self, batch: RawBatch) -> list[ParseIssue]:
        return lost_on_the_way(batch.origin["changes"], self.layout.parameters_of)

    def _known(self, stations: pa.Array) -> Iterator[tuple[Station, Mask]]:
        """Each station of a batch that is in the registry, and its rows."""
        encoded = stations.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for code, station_id in enumerate(encoded.dictionary.to_pylist()):
            station = self._stations.get(station_id)
            if station is not None:
                yield station, codes == code
