"""Rows as found to observations. A network is one module here and one entry in NETWORKS."""

from __future__ import annotations

import logging
from datetime import datetime
from itertools import islice
from types import ModuleType
from typing import cast

import numpy as np

from forecast.errors import ObjectRejectedError
from forecast.observations import OBSERVATION_SCHEMA, REFUSED_SCHEMA, RawBatch, Transformed, concat
from forecast.stations import Stations
from forecast.transform import infoclimat, wunderground
from forecast.transform.columns import Columns, normalise_field
from forecast.transform.layouts import parts_of
from forecast.transform.plausibility import ON_EARTH, UnitGate

NETWORKS: tuple[ModuleType, ...] = (infoclimat, wunderground)

# Changes with every change of what a raw row becomes: objects processed under another version are processed again.
RULES_VERSION = 7

LOGGER = logging.getLogger("forecast.transform")
_SHOWN_NAMES, _SHOWN_LETTERS = 12, 40

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
        # A dictionary, because it keeps the order.
        self._passed_over: dict[str, None] = {}

    def transform(self, batch: RawBatch) -> Transformed:
        """Raises ObjectRejectedError where no network knows such rows."""
        parts = [(part, Columns(part.rows)) for part in parts_of(batch, _LAYOUTS)]
        if len(parts) > 1 and not all(_network_of(*part) for part in parts):
            parts = [(batch, Columns(batch.rows))]
        done = [self._transform(*part) for part in parts]
        if len(done) == 1:
            return done[0]
        return Transformed(
            concat([part.observations for part in done], OBSERVATION_SCHEMA),
            concat([part.refused for part in done], REFUSED_SCHEMA),
            sum(part.rows_read for part in done),
            sum(part.rows_empty for part in done),
        )

    def _transform(self, batch: RawBatch, columns: Columns) -> Transformed:
        network = _network_of(batch, columns)
        if network is None:
            if batch.rows.empty:
                return Transformed.nothing(batch.refused, empty_rows=len(batch.rows))
            place = f"sheet {batch.sheet!r}: " if batch.sheet is not None else ""
            names = ", ".join(sorted(str(name)[:40] for name in batch.rows.columns)[:12])
            message = f"{place}no known network has rows with these columns: {names}"
            raise ObjectRejectedError("unknown_layout", message)
        transformed = cast("Transformed", self._readers[network.NAME].read(batch, columns))
        known = network.known_fields(columns)
        self._passed_over |= {name: None for name in map(str, batch.rows.columns) if normalise_field(name) not in known}
        times = transformed.observations["timestamp"].to_numpy("datetime64[ms]").astype(np.int64)
        for name, gate in self._gates.items():
            gate.see(transformed.observations[name].to_numpy(np.float64, na_value=np.nan), times)
        return transformed

    def finish(self) -> list[Transformed]:
        """What had to wait for the end of the object.

        Raises ObjectRejectedError where a column is in another unit than it says.
        """
        for gate in self._gates.values():
            gate.check()
        if self._passed_over:
            names = ", ".join(repr(name[:_SHOWN_LETTERS]) for name in islice(self._passed_over, _SHOWN_NAMES))
            more = len(self._passed_over) - _SHOWN_NAMES
            names += f" and {more} more" if more > 0 else ""
            message = "%s has columns that are not known and are passed over: %s"
            LOGGER.warning(message, self._key, names, extra={"facts": {"object": self._key}})
        return [transformed for reader in self._readers.values() for transformed in reader.finish()]


def _network_of(batch: RawBatch, columns: Columns) -> ModuleType | None:
    return next((network for network in NETWORKS if network.recognises(columns, batch)), None)
