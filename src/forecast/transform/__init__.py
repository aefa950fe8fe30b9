"""Rows as found to observations. A network is one module here and one entry in NETWORKS."""

from __future__ import annotations

from types import ModuleType
from typing import cast

from forecast.errors import ObjectRejectedError
from forecast.observations import RawBatch, Transformed
from forecast.stations import Stations
from forecast.transform import infoclimat, wunderground
from forecast.transform.columns import Columns

NETWORKS: tuple[ModuleType, ...] = (infoclimat, wunderground)

# Changes with every change of what a raw row becomes: objects processed under another version are processed again.
RULES_VERSION = 1

# Where a document holds its rows, for the extractor.
RECORD_CONTAINERS: tuple[str, ...] = tuple(network.RECORD_CONTAINER for network in NETWORKS)


class ObjectTransformer:
    """Transforms the batches of one raw object, in order; `finish` gives what had to wait for its end."""

    def __init__(self, key: str, stations: Stations) -> None:
        self._readers = {network.NAME: network.Reader(key, stations) for network in NETWORKS}

    def transform(self, batch: RawBatch) -> Transformed:
        """Raises ObjectRejectedError where no network knows such rows."""
        columns = Columns(batch.rows)
        for network in NETWORKS:
            if network.recognises(columns, batch):
                return cast("Transformed", self._readers[network.NAME].read(batch, columns))
        if batch.rows.empty:
            return Transformed.nothing(batch.refused)
        place = f"sheet {batch.sheet!r}: " if batch.sheet is not None else ""
        names = ", ".join(sorted(str(name)[:40] for name in batch.rows.columns)[:12])
        raise ObjectRejectedError("unknown_layout", f"{place}no known network has rows with these columns: {names}")

    def finish(self) -> list[Transformed]:
        """What had to wait for the end of the object."""
        return [transformed for reader in self._readers.values() for transformed in reader.finish()]
